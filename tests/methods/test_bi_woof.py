"""Bi-WOOF (Liong et al. 2018) against a direct reading of its equations and scikit-learn's linear SVM."""

import numpy as np
import pytest
from mebench.methods.bi_woof.method import BiWoofSvm
from sklearn.svm import LinearSVC

from mebench.core import ClipView, Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.features import MapStep

TIMING = Timing(30.0, 3, {"micro": 5})


def method(classes=3, **params):
    return BiWoofSvm(BiWoofSvm.Params(**params), Task(frozenset({"recognize"}), classes=tuple("abcdefg"[:classes])))


def training(features, labels):
    """One video with a clip of one frame for each feature."""
    expressions = tuple(Expression(i, i) for i in range(len(features)))
    access = (None, lambda chain, onset, apex, offset: features[apex])
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, len(features), TIMING, *access)
    return LabelledVideo(*common, expressions=expressions, labels=tuple(labels))


def clips_of(video):
    return [ClipView(video, i, i, i, False) for i in range(video.n_frames)]


def histograms(n, seed=0):
    return np.random.default_rng(seed).random((n, 5, 5, 8)).astype(np.float16)


def fitted(features, labels, classes=3, **params):
    m = method(classes, **params)
    video = training(features, labels)
    m.fit_closed_form([video], [])
    return m, clips_of(video)


def naive(u, v, strain, rows=5, cols=5, bins=8):
    """Orientations counted with their magnitudes, block by block, times the mean strain of the block."""
    height, width = u.shape
    vector = np.zeros((rows, cols, bins))
    for r in range(rows):
        for c in range(cols):
            block = np.s_[r * height // rows : (r + 1) * height // rows, c * width // cols : (c + 1) * width // cols]
            for a, b in zip(u[block].ravel(), v[block].ravel()):
                vector[r, c, int((np.degrees(np.arctan2(b, a)) + 180) // (360 / bins)) % bins] += np.hypot(a, b)
            vector[r, c] *= strain[block].mean() / vector[r, c].sum()
    return vector


def naive_strain(u, v):
    strain = np.zeros_like(u)
    for y in range(1, u.shape[0] - 1):
        for x in range(1, u.shape[1] - 1):
            ux, uy = (u[y, x + 1] - u[y, x - 1]) / 2, (u[y + 1, x] - u[y - 1, x]) / 2
            vx, vy = (v[y, x + 1] - v[y, x - 1]) / 2, (v[y + 1, x] - v[y - 1, x]) / 2
            strain[y, x] = np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2)
    return strain


def test_chains_equal_equations_of_paper():
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, 27, 31))
    steps = [step for step in method().chains(TIMING)["bi_woof"].steps if isinstance(step, MapStep)]
    x = np.stack([u, v], axis=-1).astype(np.float32)
    strain_step, histogram_step = steps
    x = strain_step.apply(x, None)
    np.testing.assert_allclose(x[1:-1, 1:-1, 2], naive_strain(u, v)[1:-1, 1:-1], rtol=1e-5)
    np.testing.assert_allclose(histogram_step.apply(x, None), naive(u, v, x[..., 2]), rtol=1e-4, atol=1e-7)


def test_chains_give_200_numbers_from_onset_and_apex():
    chain = method().chains(TIMING)["bi_woof"]
    (flow,) = chain.at("pair")
    histogram = chain.steps[-1]
    assert chain.scope == "clips"
    assert flow.k is None
    assert histogram.rows * histogram.cols * histogram.bins == 200


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_classify_equals_scikit_learn(classes, class_weight):
    features = histograms(40)
    labels = np.random.default_rng(1).integers(0, classes, 40)
    m, clips = fitted(features, labels, classes, c=0.5, class_weight=class_weight)
    x = features.reshape(40, -1).astype(float)
    svm = LinearSVC(C=0.5, class_weight=class_weight, dual="auto", random_state=0, max_iter=20_000).fit(x, labels)
    expected = svm.decision_function(x)
    if classes == 2:
        expected = np.stack([-expected, expected], axis=1)
    np.testing.assert_allclose(m.classify(clips), expected, rtol=1e-9, atol=1e-12)


def test_classify_never_names_class_without_training_clips():
    m, clips = fitted(histograms(20), [0, 2] * 10)
    scores = m.classify(clips)
    assert np.isfinite(scores).all()
    assert (scores[:, 1] < scores[:, [0, 2]].min(axis=1)).all()


@pytest.mark.parametrize(("steps", "notes"), [(2, {"svm_steps": 2}), (20_000, {})])
def test_fit_notes_svm_without_convergence(monkeypatch, steps, notes):
    monkeypatch.setattr("mebench.training.svm.MAX_ITER", steps)
    assert fitted(histograms(20), [0, 1] * 10, c=1.0)[0].notes == notes


def test_classify_names_only_class_of_training():
    m, clips = fitted(histograms(4), [1] * 4)
    assert m.classify(clips).argmax(axis=1).tolist() == [1] * 4


def test_classify_needs_saved_state_alone():
    m, clips = fitted(histograms(30), [0, 1, 2] * 10)
    other = method()
    other.load_state_dict(m.state_dict())
    np.testing.assert_array_equal(other.classify(clips), m.classify(clips))


@pytest.mark.parametrize(("name", "value"), [("rows", 0), ("cols", -1), ("bins", 0), ("c", 0.0)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        BiWoofSvm.Params(**{name: value})
