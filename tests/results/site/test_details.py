"""Numbers of a run's page."""

import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from mebench.results.render.pages import _confusion


def test_a_confusion_matrix_has_counts_and_shares_of_the_true_class():
    classes, truth, said = "abc", list("aaaabbcaab"), list("aabcbbcaba")
    found = _confusion("all", pd.DataFrame({"truth": truth, "predicted": said}), classes)
    counts, shares = (confusion_matrix(truth, said, labels=list(classes), normalize=by) for by in (None, "true"))
    assert (found.title, found.columns) == ("all", tuple(classes))
    assert [(name, total) for name, total, _ in found.rows] == list(zip(classes, counts.sum(axis=1).tolist()))
    for (_, _, cells), own, parts in zip(found.rows, counts, shares):
        assert [n for n, _ in cells] == own.tolist()
        assert [share for _, share in cells] == pytest.approx(parts.tolist())
