"""The linear SVM against scikit-learn, fitted to the same samples."""

import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from mebench.errors import ConfigError, RunError
from mebench.training.svm import CANDIDATES, LinearSvm


def clips(n=40, d=300, classes=3, spread=6.0):
    """Samples of overlapping classes, more features than samples, as clips have; and others to be classified."""
    x, y = make_blobs(2 * n, d, centers=classes, cluster_std=spread, center_box=(-1, 1), random_state=0)
    return x[:n] * np.linspace(0.1, 10, d), y[:n], x[n:] * np.linspace(0.1, 10, d)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("d", [300, 7])
def test_LinearSvm_scores_equal_scikit_learn(d, class_weight, standardise):
    x, y, new = clips(d=d)
    theirs = LinearSVC(C=0.5, class_weight=class_weight, dual="auto", max_iter=20_000, random_state=0)
    theirs = make_pipeline(StandardScaler(), theirs) if standardise else theirs
    ours = LinearSvm(3, 0.5, class_weight, standardise)
    ours.fit(x, y)
    np.testing.assert_allclose(ours.decision_function(new), theirs.fit(x, y).decision_function(new), atol=1e-9)


def test_LinearSvm_notes_a_fit_out_of_steps_without_warning(monkeypatch):
    x, y, _ = clips()
    svm = LinearSvm(3, c=1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr("mebench.training.svm.MAX_ITER", 3)
        svm.fit(x, y)
        assert svm.notes == {"svm_steps": 3}
        monkeypatch.undo()
        svm.c = 0.001
        svm.fit(x, y)
        assert svm.notes == {}


def test_LinearSvm_of_two_classes_has_opposite_scores():
    x, y, new = clips(classes=2)
    svm = LinearSvm(2)
    svm.fit(x, y)
    theirs = LinearSVC(random_state=0).fit(x, y).decision_function(new)
    np.testing.assert_allclose(svm.decision_function(new), np.stack([-theirs, theirs], 1), atol=1e-9)


def test_LinearSvm_never_picks_a_class_without_clips():
    x, y, new = clips()
    svm, fewer = LinearSvm(5), LinearSvm(3)
    svm.fit(x, y + (y > 0))  # classes 0, 2 and 3 of five
    fewer.fit(x, y)
    scores = svm.decision_function(new)
    np.testing.assert_allclose(scores[:, [0, 2, 3]], fewer.decision_function(new), atol=1e-12)
    for absent in (1, 4):
        np.testing.assert_allclose(scores[:, absent], scores[:, [0, 2, 3]].min(axis=1) - 1)


def test_LinearSvm_of_one_class_always_picks_it():
    x, _, new = clips()
    svm = LinearSvm(3)
    assert svm.fit(x, np.full(len(x), 1)) is None
    np.testing.assert_array_equal(svm.decision_function(new), np.tile([-1.0, 0, -1], (len(new), 1)))


def test_LinearSvm_standardises_a_constant_feature():
    x, y, new = clips()
    x[:, 5] = 3
    svm = LinearSvm(3, standardise=True)
    svm.fit(x, y)
    assert np.isfinite(svm.decision_function(new)).all()


@pytest.mark.parametrize(("d", "spread", "shift"), [(300, 8.0, 0), (7, 1.0, 0), (7, 2.0, 5), (20, 2.0, 5)])
def test_LinearSvm_chooses_c_as_a_grid_search(d, spread, shift):
    """Also where the classes lie far from the origin, so that intercepts matter."""
    x, y, _ = clips(d=d, spread=spread)
    x = x + shift
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(
            LinearSVC(random_state=0), {"C": CANDIDATES}, cv=StratifiedKFold(5, shuffle=True, random_state=0)
        ).fit(x, y)
    assert LinearSvm(3, None).fit(x, y) == search.best_params_["C"]


@pytest.mark.parametrize("y", [[0, 1, 2], [0, 0, 1], [0, 0, 0, 1, 1, 2]])
def test_LinearSvm_chooses_c_from_few_clips(y):
    x = np.eye(len(y), 20)
    svm = LinearSvm(3, None)
    assert svm.fit(x, y) in CANDIDATES
    np.testing.assert_array_equal(svm.decision_function(x).argmax(1), y)


def test_LinearSvm_is_deterministic_and_loads_its_state():
    x, y, new = clips()
    first, second, loaded = LinearSvm(4), LinearSvm(4), LinearSvm(4)
    first.fit(x, y)
    second.fit(x[:, :9], y)
    second.fit(x, y)  # a second fit leaves nothing of the first
    assert all(torch.equal(a, b) for a, b in zip(first.buffers(), second.buffers()))
    loaded.load_state_dict(load(save(first.state_dict())))
    np.testing.assert_array_equal(loaded.decision_function(new), first.decision_function(new))


def test_LinearSvm_says_what_it_cannot_fit():
    svm = LinearSvm(2)
    with pytest.raises(RunError, match="no training subject has a labelled clip"):
        svm.fit(np.empty((0, 0)), [])
    with pytest.raises(RunError, match="1 of 3 training clips have others, first number 2"):
        svm.fit([[0.0], [1.0], [np.nan]], [0, 1, 1])
    with pytest.raises(ConfigError, match="above 0, or null to choose it by cross-validation, not 0"):
        LinearSvm(2, 0.0)


def test_LinearSvm_before_fit_knows_no_feature():
    svm = LinearSvm(3)
    assert svm.weights.numel() == 0
    with pytest.raises(RuntimeError):
        svm(torch.zeros(1, 1))
