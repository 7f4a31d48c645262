"""Tables of a run's parts, as cells."""

from mebench.reports.scores import leak_table, score_tables


def score(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def cells(table):
    return list(zip(*(column.cells for column in table.to_terminal().columns)))


def test_score_tables_have_row_for_each_fold():
    scores = {"accuracy": score(0.5, 0.4, 0.6), "uf1": score(0.25), "uar": score(None)}
    folds = {"casme2-to-samm": {"n": 68, "scores": scores}}
    *_, table = score_tables({"recognition": {"n": 68, "scores": scores, "folds": folds}}, "run")
    assert cells(table) == [("casme2-to-samm", "68", "0.5000", "[0.4000, 0.6000]", "0.2500", "", "-", "")]


def test_score_tables_have_row_for_dataset_and_kind():
    scores = {"precision": score(0.5), "recall": score(0.2), "f1": score(2 / 7, 0.1, 0.4)}
    part = {"tp": 1, "fp": 1, "fn": 4, "scores": scores}
    (table,) = score_tables({"members": {"cas_me2": {"spotting": {"micro": part, "macro": part}}, "casme2": {}}}, "run")
    expected = ("1", "1", "4", "0.5000", "0.2000", "0.2857", "[0.1000, 0.4000]")
    assert cells(table) == [("cas_me2", kind, *expected) for kind in ("micro", "macro")]


def test_leak_table_has_gain_with_sign():
    scores = {
        "spotting.micro.f1": {"honest": 0.30, "leak": 0.35, "points": 5.0},
        "recognition.uf1": {"honest": 0.40, "leak": 0.39, "points": -1.0},
        "analysis.strs": {"honest": None, "leak": 0.1, "points": None},
    }
    table = leak_table({"honest": "mean-casme2-loso-seed0-0123abcd", "scores": scores})
    assert "mean-casme2-loso-seed0-0123abcd" in str(table.title)
    assert cells(table) == [
        ("spotting.micro.f1", "0.3000", "0.3500", "+5.00"),
        ("recognition.uf1", "0.4000", "0.3900", "-1.00"),
        ("analysis.strs", "-", "0.1000", "-"),
    ]
