"""An object that brings its own table along may bring labels: its row says that nobody knows on what it was trained."""

import functools
import types

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC

from mebench.api.carried_data import carries_data
from mebench.api.evaluation import store_object
from mebench.files import read_yaml
from tests.helpers.own_objects import chain

FITTED = LinearSVC().fit([[0.0], [1.0]], [0, 1])
LABELS = {f"digest {number}": number % 3 for number in range(442)}


class Honest:
    """A recognizer that answers one class; its few numbers are settings."""

    regions = tuple(range(68))

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def fit(self, train, task):
        self.n_classes = len(task.classes)

    def classify(self, clips):
        return np.zeros(len(clips), int)


class OfGlobal(Honest):
    """One that looks labels up in its module."""

    def classify(self, clips):
        return [LABELS[str(clip)] for clip in clips]


class OfGlobalHead(Honest):
    """One that answers by a head of its module."""

    def classify(self, clips):
        return FITTED.predict(clips)


class OfClass(Honest):
    """One whose class holds the head."""

    head = np.ones((3, 40))


def make_of_global_head():
    """A fresh one that answers by a head of its module."""
    return Honest(head=FITTED)


def in_closure(labels):
    """A function that remembers labels."""
    return lambda clip: labels[clip]


@pytest.mark.parametrize(
    "model",
    [
        Honest(look=in_closure(LABELS)),
        Honest(look=functools.partial(dict.get, LABELS)),
        Honest(inner=types.SimpleNamespace(deeper=[LABELS])),
        Honest(text="0120" * 500),
        OfGlobal(),
        OfGlobalHead(),
        OfClass(),
        Honest(head=FITTED),
        Honest(head={"coef": np.ones((3, 40))}),
        Honest(parts=[torch.ones(2, 50)]),
        Honest(parts={"net": torch.nn.Linear(2, 2)}),
        Honest(inner=types.SimpleNamespace(deeper=np.ones(442))),
        functools.partial(Honest, head=[FITTED]),
        make_of_global_head,
    ],
)
def test_carries_data_finds_labels_wherever_they_are(model):
    assert carries_data(model)


@pytest.mark.parametrize(
    "model",
    [
        Honest(threshold=0.5, look=in_closure({"a": 1})),
        Honest(head=LinearSVC(), relu=torch.nn.ReLU()),
        GridSearchCV(LinearSVC(), {"C": np.logspace(-3, 3, 7)}),
        LinearSVC(),
        chain,
    ],
)
def test_carries_data_spares_settings(model):
    assert not carries_data(model)


def test_store_object_marks_objects_with_tables(tmp_path):
    for model, expected in (
        (Honest(look=in_closure(LABELS)), "unknown"),
        (Honest(head=FITTED), "unknown"),
        (Honest(head=LinearSVC()), None),
    ):
        name = store_object(model, chain, tmp_path)
        about = read_yaml(tmp_path / "methods" / name / "config.yaml")
        assert about.get("pretrained") == expected
