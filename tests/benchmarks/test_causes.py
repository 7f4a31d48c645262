"""The page of the drawn board that predicts shows what the committed rows say."""

import csv

import causes
import numpy as np
import pytest
from scipy import stats


@pytest.mark.parametrize("page", causes.PAGES, ids=lambda page: page.name)
def test_causes_pages_show_committed_rows(page):
    if not page.is_file():
        pytest.skip("needs the checkout: docs/ is no part of the sdist")
    text = page.read_text("utf-8")
    assert "<!-- end -->" in text
    assert causes.with_tables(text, causes.read(causes.CSV)) == text, "run: python benchmarks/causes.py --page"


def test_agreement_equals_its_words():
    known = causes.published()
    assert known["auw_gcn"] == 0.1984
    assert known["optical_strain"] == 0.0098
    rows = [
        {"method": m, "f1@samm_lv": f, "f1@cas_me2": "0.0"}
        for m, f in (("auw_gcn", "0.3968"), ("softnet", "0.076"), ("abpn", "0.9"))
    ]
    assert causes.agreement(rows, causes.PUBLISHED)[:3] == (2, pytest.approx(0.0, abs=1e-9), pytest.approx(2.0))
    rows += [{"method": "optical_strain", "f1@samm_lv": "0.3", "f1@cas_me2": "0.0"}]
    n, log, factor, rank = causes.agreement(rows, causes.PUBLISHED)
    ours, theirs = [0.3968, 0.076, 0.01], [0.1984, 0.152, 0.01]
    assert (n, factor) == (3, pytest.approx(2.0))
    assert log == pytest.approx(np.mean(np.log(np.divide(ours, theirs))))
    assert rank == pytest.approx(stats.spearmanr(ours, theirs).statistic)


def test_causes_keep_existing_rows(tmp_path, monkeypatch):
    computed = []

    def run(variant, method, seed, words):
        computed.append((variant, method))
        return dict.fromkeys(causes.COLUMNS, 0) | {"variant": variant, "method": method, "seed": seed}

    monkeypatch.setattr(causes, "measured", run)
    words = ["causes.py", str(tmp_path), "--csv", str(tmp_path / "rows.csv"), "--methods", "mean", "abpn"]
    for variants in (["crf23"], ["base", "crf23"]):
        monkeypatch.setattr("sys.argv", [*words, "--variants", *variants])
        causes.main()
    assert computed == [("crf23", "mean"), ("crf23", "abpn"), ("base", "mean"), ("base", "abpn")]
    rows = list(csv.DictReader((tmp_path / "rows.csv").open()))
    pairs = [("base", "abpn"), ("base", "mean"), ("crf23", "abpn"), ("crf23", "mean")]
    assert [(r["variant"], r["method"]) for r in rows] == pairs
