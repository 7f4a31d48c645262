from itertools import count

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from mebench.records import published

SPOTTED, ANALYSED, WHOLE = ("spotting", ""), ("analysis", "true_positives"), ("analysis", "")
LINES = count(2)


def row(metric, text, where=SPOTTED, **changes) -> published.PublishedValue:
    task, part = where
    fields = {
        "method": "MEAN",
        "method_variant": "",
        "year": 2023,
        "dataset": "casme2",
        "member": "",
        "task": task,
        "kind": "micro",
        "part": part,
        "protocol": "loso",
        "classes": None if task == "spotting" else 5,
        "metric": metric,
        "value": float(text),
        "digits": len(text.partition(".")[2]),
        "source": "liong2023mean doi:10.1016/j.image.2022.116875",
        "table": "Table 5",
        "caveats": (),
        "note": "",
        "line": next(LINES),
    }
    return published.PublishedValue(**fields | changes)


def rows(where=SPOTTED, /, **values) -> list[published.PublishedValue]:
    return [row(metric, text, where) for metric, text in values.items()]


def refused(*given: published.PublishedValue) -> list[str]:
    return [found.metric for found, _ in published.find_contradictions(given)]


# Table 5: micro-expressions of CAS(ME)^2 spotted, those of SMIC-E-VIS analysed (its accuracy stands in Table 3)
SPOTTING = {"n": "57", "tp": "17", "fp": "206", "fn": "40", "precision": "0.0762", "recall": "0.2982", "f1": "0.1214"}
ANALYSIS = {"n": "31", "tp": "24", "precision": "0.7492", "recall": "0.7447", "f1": "0.7470", "accuracy": "0.7742"}
ANALYSIS |= {"uf1": "0.7425", "uar": "0.7447"}


def test_contradictions_finds_none_in_paper():
    assert refused(*rows(**SPOTTING), *rows(ANALYSED, **ANALYSIS)) == []
    assert refused(*rows(f1="0.4366"), *rows(ANALYSED, **ANALYSIS), *rows(WHOLE, strs="0.3261")) == []


@pytest.mark.parametrize(
    ("printed", "where", "wrong"),
    [
        (SPOTTING, SPOTTED, {"n": "58"}),
        (SPOTTING, SPOTTED, {"precision": "0.0647"}),  # tp / (tp + fp) is .0762
        (SPOTTING, SPOTTED, {"f1": "0.1216"}),
        (ANALYSIS, ANALYSED, {"accuracy": "0.7747"}),
        (ANALYSIS, ANALYSED, {"f1": "0.7475"}),
        (ANALYSIS, ANALYSED, {"uar": "0.7492"}),  # the mean precision in the place of the mean recall
        (ANALYSIS, ANALYSED, {"uf1": "0.7472"}),
    ],
)
def test_contradictions_finds_impossible_value(printed, where, wrong):
    assert set(refused(*rows(where, **printed | wrong))) - {"f1"} == wrong.keys() - {"f1"}
    assert set(wrong) <= set(refused(*rows(where, **printed | wrong)))


def test_contradictions_checks_strs_as_product():
    analysed = row("f1", "0.5927", ANALYSED)
    assert refused(row("f1", "0.6516"), analysed, row("strs", "0.3862", WHOLE)) == []
    assert refused(row("f1", "0.6516"), analysed, row("strs", "0.3864", WHOLE)) == ["strs"]
    assert (
        refused(row("f1", "0.6516"), row("f1", "0.5927", ("analysis", "all_intervals")), row("strs", "0.9", WHOLE))
        == []
    )


def test_contradictions_bounds_overall_by_parts():
    parts = row("f1", "0.1196", kind="macro"), row("f1", "0.0082")
    assert refused(*parts, row("f1", "0.0376", kind="overall")) == []
    assert refused(*parts, row("f1", "0.0075", kind="overall")) == ["f1"]
    assert refused(*parts, row("f1", "0.1198", kind="overall")) == ["f1"]


def test_contradictions_compares_within_table_and_method():
    for elsewhere in ({"table": "Table 6"}, {"method": "MESNet"}, {"dataset": "samm"}, {"method_variant": "k = 3"}):
        given = row("f1", "0.500", ANALYSED), row("uf1", "0.600", ANALYSED, **elsewhere)
        assert refused(*given) == []
    assert refused(row("f1", "0.500", ANALYSED), row("uf1", "0.600", ANALYSED)) == ["uf1"]


@pytest.mark.parametrize("caveat", ["impossible", "misassigned"])
def test_contradictions_skips_rows_with_caveat(caveat):
    assert refused(row("f1", "0.500", ANALYSED), row("uf1", "0.600", ANALYSED, caveats=("unranked", caveat))) == []
    assert refused(row("f1", "0.500", ANALYSED), row("uf1", "0.600", ANALYSED, caveats=("unranked",))) == ["uf1"]


def test_contradictions_skips_0_of_0():
    nothing = {"tp": "0", "fp": "0", "fn": "0", "precision": "0.00", "recall": "0.00", "f1": "0.00"}
    assert refused(*rows(**nothing)) == []


@given(st.integers(0, 300), st.integers(0, 6000), st.integers(0, 300), st.integers(2, 5))
def test_contradictions_finds_shifted_scores_only(tp, fp, fn, digits):
    truth, found = [1] * (tp + fn) + [0] * (fp + 1), [1] * tp + [0] * fn + [1] * fp + [0]
    score = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    exact = {name: float(function(truth, found, zero_division=0)) for name, function in score.items()}
    counts = {"n": str(tp + fn), "tp": str(tp), "fp": str(fp), "fn": str(fn)}
    printed = {name: f"{value:.{digits}f}" for name, value in exact.items()}
    assert refused(*rows(**counts, **printed)) == []
    if tp + fp + fn:
        shifted = f"{exact['f1'] + 2 * 10**-digits:.{digits}f}"
        assert "f1" in refused(*rows(**counts, f1=shifted))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_contradictions_finds_none_in_classification(pairs):
    truth, found = np.array(pairs).T
    mean = {"labels": range(5), "average": "macro", "zero_division": 0}
    precision = precision_score(truth, found, **mean)
    recall = recall_score(truth, found, **mean)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    exact = {"precision": precision, "recall": recall, "uar": recall, "f1": f1, "uf1": f1_score(truth, found, **mean)}
    assert refused(*rows(ANALYSED, **{name: f"{value:.4f}" for name, value in exact.items()})) == []


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3))
def test_least_uf1_bounds_any_confusions(confusions):
    matrix = np.array(confusions) + np.eye(3, dtype=int)  # a clip of each class at least
    truth, found = (np.repeat(index, matrix.ravel()) for index in np.indices((3, 3)).reshape(2, -1))
    uf1 = f1_score(truth, found, average="macro")
    uar = recall_score(truth, found, average="macro")
    assert published.least_uf1(uar, matrix.sum(axis=1).tolist()) <= uf1 + 1e-9 <= 2 * uar / (1 + uar) + 2e-9


def test_contradictions_finds_uf1_far_from_uar():
    where = {"dataset": "megc2019", "member": "smic_hs", "classes": 3}
    printed = [
        row(metric, text, ("recognition", ""), **where) for metric, text in (("uf1", "0.2000"), ("uar", "0.5280"))
    ]
    assert refused(*printed) == ["uf1"]
    assert refused(*(row(r.metric, f"{r.value:.4f}", ("recognition", "")) for r in printed)) == []
    high = row("uf1", "0.7000", ("recognition", "")), row("uar", "0.5280", ("recognition", ""))
    assert refused(*high) == ["uf1"]  # 2 x .528 / 1.528 is .691


def test_clips_of_members_add_up():
    of_members = [published.CLIPS["megc2019", member] for member in ("casme2", "samm", "smic_hs")]
    of_classes = [sum(of_class) for of_class in zip(*of_members)]
    assert of_classes == [*published.CLIPS["megc2019", ""]]
