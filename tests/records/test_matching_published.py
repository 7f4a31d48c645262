"""What separates a run from a published result, on a committed record."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mebench.cli import app
from mebench.errors import ConfigError
from mebench.records import matching_published, published as records_published, record as records_record
from mebench.records.matching_published import read_aliases
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run

BOARDS = Path(__file__).parents[2] / "leaderboards"
(RECORD,) = (BOARDS / "records").glob("ststnet-megc2019_flow-loso-seed0-????????")


@pytest.fixture(scope="module")
def published():
    return records_published.read_published(BOARDS / "published.csv")


def remark_on(published, word, record=RECORD):
    return matching_published.differences_from_published(
        records_record.read_record(RunFolder(record)),
        records_published.find_published(word, published),
        read_aliases(BOARDS / "beside.yaml"),
    )


def test_differences_from_published_name_every_rule_and_the_gap(published):
    found = remark_on(published, "htnet2023")
    assert "chosen on the tested subjects (keeps, per test subject" in found["selection"]
    assert found["selection"].endswith("this run takes its last epoch or closed form, and nothing is chosen")
    assert found["protocol"].endswith("the same clips and folds")
    assert found["clips"].startswith("published over 442, this run over 442: the same number")
    assert found["classes"].endswith("as many")
    assert "seed 0" in found["seeds"]
    assert found["UF1"].startswith("0.8603 published, 0.7056 [")
    assert found["UF1"].endswith("more than chance")
    assert {"UAR", "UF1, smic_hs", "UF1, casme2", "UF1, samm"} <= set(found)


def test_differences_from_published_find_row_inside_interval(published):
    found = remark_on(published, "ststnet2019")
    assert "no choice on tested subjects is known" in found["selection"]
    assert found["UF1"].endswith("inside the interval: may be chance")


def test_differences_from_published_name_kind_of_each_value(published, tmp_path):
    run = make_run(tmp_path, kinds=("micro", "macro"))
    found = remark_on(published, "mdmd2020", run.path)
    assert found["F1, micro"].startswith("0.0082 published, ")
    assert found["F1, macro"].startswith("0.1196 published, ")
    assert [found[f"tp, {kind}"].split()[0] for kind in ("micro", "macro")] == ["21", "109"]


def test_differences_from_published_compare_no_other_clips(published):
    found = remark_on(published, "htnet2023", next((BOARDS / "records").glob("ststnet-synthetic-*")))
    assert "other clips or folds, so the numbers are not comparable" in found["protocol"]
    assert "not the same, so the numbers are not comparable" in found["clips"]
    assert found["UF1"].endswith("here: not comparable")


def test_find_published_names_nearest_result(published):
    with pytest.raises(ConfigError, match=r"htnet2032.*htnet2023|htnet2032.*htnet2024"):
        records_published.find_published("htnet2032", published)


def test_find_published_takes_year_of_first_version(published):
    assert records_published.find_published("htnet2023", published) == records_published.find_published(
        "htnet2024", published
    )


def test_compare_command_prints_differences():
    words = ["compare", str(RECORD), "published:htnet2023", "--leaderboards", str(BOARDS)]
    found = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "differing conditions" in found.stdout
    assert "0.8603 published" in found.stdout
