import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from mebench.metrics.class_results import class_frame, score_each_class
from mebench.metrics.tables import Tables
from mebench.runs.scoring import read_tables
from tests.helpers.run_folders import CLASSES, make_run


@pytest.fixture
def tables(tmp_path):
    return read_tables(make_run(tmp_path, "names", tasks=("recognize",), subjects=8))


def test_score_each_class_equals_scikit_learn(tables):
    table = class_frame(score_each_class(tables, CLASSES))
    clips = tables.clips
    expected = precision_recall_fscore_support(clips["truth"], clips["predicted"], labels=CLASSES)
    for name, column in zip(("precision", "recall", "f1", "clips"), expected):
        assert np.allclose(table[name], column)
    assert list(table.index) == list(CLASSES)
    assert (table["named"] == clips["predicted"].value_counts()[list(CLASSES)]).all()


def test_score_each_class_means_are_uf1_and_uar(tables, tmp_path):
    scores = make_run(tmp_path / "again", "names", tasks=("recognize",), subjects=8).read_json("summary.json")
    table = class_frame(score_each_class(tables, CLASSES))
    assert table["f1"].mean() == pytest.approx(scores["recognition"]["scores"]["uf1"]["value"])
    assert table["recall"].mean() == pytest.approx(scores["recognition"]["scores"]["uar"]["value"])


def test_score_each_class_gives_intervals_where_they_hold(tables):
    table = class_frame(score_each_class(tables, CLASSES))
    assert ((table["f1_low"] <= table["f1"]) & (table["f1"] <= table["f1_high"])).all()
    is_positive = tables.clips["truth"] == "positive"
    rare = tables.clips[~is_positive | (is_positive.cumsum() == 1)]
    rows = score_each_class(Tables(tables.videos, tables.truths, clips=rare), CLASSES)
    row = next(row for row in rows if row["class"] == "positive")
    assert row["f1"]["low"] is None
    assert row["f1"]["reason"] == "positive rests on 1 sample of 1 subject"
    assert np.isnan(class_frame(score_each_class(tables, CLASSES, intervals=False))["f1_low"]).all()


def test_score_each_class_counts_each_class_of_a_set(tables):
    clips = tables.clips.assign(truth="negative+surprise", predicted="surprise")
    table = class_frame(score_each_class(Tables(tables.videos, tables.truths, clips=clips), CLASSES))
    assert dict(table["recall"]) == {"negative": 0.0, "surprise": 1.0}
    assert "positive" not in table.index
