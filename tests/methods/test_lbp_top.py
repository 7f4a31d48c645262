"""LBP-TOP as a recognizer: its features against a plain reading, frame by frame and plane by plane."""

import numpy as np
import pytest
from mebench.methods.lbp_top.method import LbpTopSvm
from skimage.feature import local_binary_pattern
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_LbpTop_planes_count_patterns_of_their_pictures(plane):
    """Cut along a plane, a clip is a pile of pictures; scikit-image finds the patterns of each. Borders are not counted."""
    clip = np.random.default_rng(0).integers(0, 256, (10, 24, 30)).astype(np.uint8)
    params = LbpTopSvm.Params(rows=1, cols=1, p=4, patterns="full", magnify="none")
    found = params.feature().apply(clip).reshape(3, 16)[plane]
    pile = np.moveaxis(clip, plane, 0)  # XY over frames, XT over rows, YT over columns; time runs down
    inner = [local_binary_pattern(picture, 4, 1)[1:-1, 1:-1] for picture in pile[1:-1]]
    counts = np.bincount(np.stack(inner).astype(int).ravel(), minlength=16)
    np.testing.assert_allclose(found, counts / counts.sum(), atol=1e-7)


def test_LbpTop_settings_for_casme2_fit_ten_frames():
    from mebench.config import resolve

    params = resolve(["method=lbp_top", "dataset=casme2"]).method_params
    assert (params.rows, params.cols, params.p, params.rx, params.ry, params.rt) == (5, 5, 4, 1, 1, 1)


def test_Nearest_is_nearest_by_chi_square():
    """Counted clip by clip; a class without a training clip never wins."""
    from mebench.methods.lbp_top.method import Nearest

    rng = np.random.default_rng(0)
    x = rng.random((12, 7))
    y = np.arange(12) % 3
    new = rng.random((5, 7))
    x[:, 0] = new[:, 0] = 0  # an empty bin is no distance

    def far(a, b):
        return sum((p - q) ** 2 / (p + q) for p, q in zip(a, b) if p + q)

    for templates in (False, True):
        nearest = Nearest(4, templates)
        nearest.fit(x, y)
        scores = nearest.decision_function(new)
        for row, found in zip(new, scores):
            groups = [x[y == label] for label in range(3)]
            own = [far(row, g.mean(0)) if templates else min(far(row, one) for one in g) for g in groups]
            np.testing.assert_allclose(found[:3], [-d for d in own])
            assert found[3] < found[:3].min()
        loaded = Nearest(4, templates)
        loaded.load_state_dict(nearest.state_dict())
        np.testing.assert_array_equal(loaded.decision_function(new), scores)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("d", [300, 7])
def test_linear_classifiers_equal_scikit_learn(d, classes):
    from mebench.methods.lbp_top.method import Logistic, Ridge

    x, y = make_blobs(80, d, centers=classes, center_box=(-1, 1), random_state=0)
    pairs = ((Logistic, LogisticRegression(C=0.5, tol=1e-8, max_iter=20_000)), (Ridge, RidgeClassifier(alpha=1.0)))
    for kind, theirs in pairs:
        ours = kind(classes, 0.5, standardise=True)
        ours.fit(x[:40], y[:40])
        expected = make_pipeline(StandardScaler(), theirs).fit(x[:40], y[:40]).decision_function(x[40:])
        found = ours.decision_function(x[40:])
        tolerance = 1e-3 if kind is Logistic else 1e-9
        np.testing.assert_allclose(found if classes > 2 else found[:, 1], expected, atol=tolerance)
