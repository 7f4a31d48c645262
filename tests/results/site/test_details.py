"""Numbers of a run's page."""

import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from mebench.results.render.pages import _confusion, _cures, _missed


def test_a_confusion_matrix_has_counts_and_shares_of_the_true_class():
    classes, truth, said = "abc", list("aaaabbcaab"), list("aabcbbcaba")
    found = _confusion("all", pd.DataFrame({"truth": truth, "predicted": said}), classes)
    counts, shares = (confusion_matrix(truth, said, labels=list(classes), normalize=by) for by in (None, "true"))
    assert (found.title, found.columns) == ("all", tuple(classes))
    assert [(name, total) for name, total, _ in found.rows] == list(zip(classes, counts.sum(axis=1).tolist()))
    for (_, _, cells), own, parts in zip(found.rows, counts, shares):
        assert [n for n, _ in cells] == own.tolist()
        assert [share for _, share in cells] == pytest.approx(parts.tolist())


def test_cures_stand_by_their_gain_and_misses_by_what_is_known_of_them():
    told = {
        "micro": {
            "gain": {"blink": 0.01, "missed": 0.3, "near_miss": 0.1},
            "missed_by_length": {"short": 0.5, "long": 0.25},
        },
        "macro": {"gain": {"blink": 0.2}},
    }
    found = _cures(told)
    assert found.columns == ("micro", "macro")
    assert found.rows == (("all other misses found", (0.3, None)), ("blink", (0.01, 0.2)), ("near miss", (0.1, None)))
    assert list(_missed(told)) == [("micro, by length", "50 % short, 25 % long")]
    assert _cures({"micro": {"false_positive": {}}}) is None
