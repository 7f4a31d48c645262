"""The most frequent class, as scikit-learn's dummy classifier names it."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.methods.majority.method import Majority
from sklearn.dummy import DummyClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing

CLASSES = ("negative", "positive", "surprise")


def fitted(labels):
    expressions = tuple(Expression(10 * i, 10 * i + 5) for i in range(len(labels)))
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, 10 * len(labels), Timing(30.0, 3, {}), None, None)
    method = Majority(Majority.Params(), Task(frozenset({"recognize"}), classes=CLASSES))
    method.fit_closed_form([LabelledVideo(*common, expressions=expressions, labels=tuple(labels))], [])
    return method


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_classify_equals_dummy_classifier(labels):
    rows = fitted(labels).classify([None] * 4)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(labels), 1)), labels)
    assert rows.shape == (4, 3)
    assert (rows.argmax(1) == dummy.predict(np.zeros((4, 1)))).all()
    np.testing.assert_allclose(rows[0][dummy.classes_], dummy.predict_proba([[0.0]])[0])


def test_classify_ignores_clips_out_of_scheme():
    assert fitted([2, None, None, None, 1, 2]).classify([None]).tolist() == [pytest.approx([0, 1 / 3, 2 / 3])]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=30), st.sampled_from(["likely", "every"]))
def test_classify_gives_share_of_each_class_or_all(labels, sets):
    method = Majority(Majority.Params(sets), Task(frozenset({"recognize"}), classes=CLASSES, several=True))
    expressions = tuple(Expression(10 * i, 10 * i + 5) for i in range(len(labels)))
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, 10 * len(labels), Timing(30.0, 3, {}), None, None)
    method.fit_closed_form([LabelledVideo(*common, expressions=expressions, labels=tuple(labels))], [])
    names = [[n for n in range(3) if label & (1 << n)] for label in labels]
    shares = MultiLabelBinarizer(classes=range(3)).fit_transform(names).mean(0)
    np.testing.assert_allclose(method.classify([None])[0], shares if sets == "likely" else np.ones(3))
