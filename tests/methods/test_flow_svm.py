"""A linear SVM on the pixels of motion maps, against scikit-learn's on plain arrays."""

import numpy as np
import pytest
from mebench.methods.flow_svm.method import FlowSvm
from sklearn.svm import LinearSVC

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError, RunError
from mebench.features.maps import ONSET_APEX

TIMING = Timing(0.0, 1, {})


def method(**params):
    return FlowSvm(FlowSvm.Params(**params), Task(frozenset({"recognize"}), classes=("a", "b", "c")))


def training(maps, labels):
    expressions = tuple(Expression(i, i) for i in range(len(maps)))
    access = (None, lambda chain, onset, apex, offset: maps[apex])
    common = ("d/s/v", SubjectKey("d", "s"), None, len(maps), TIMING, *access)
    return LabelledVideo(*common, expressions=expressions, labels=tuple(labels))


def draw(n=30, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    maps = rng.integers(0, 200, (n, 28, 28, 3))
    maps[..., 0] += 20 * labels[:, None, None]
    return maps.astype(np.uint8), labels


def test_classify_equals_scikit_learn_on_centred_pixels():
    maps, labels = draw()
    video = training(maps, labels)
    m = method(class_weight=None)
    m.fit_closed_form([video], [])
    x = ((maps - np.array([0.0, 127.5, 127.5])) / 255).reshape(len(maps), -1)
    own = LinearSVC(C=1.0, dual=True, max_iter=100_000, tol=1e-6, random_state=0).fit(x, labels)
    scores = m.classify([video.clip(i, i, i, spotted=False) for i in range(len(maps))])

    np.testing.assert_allclose(scores, own.decision_function(x), atol=5e-3)
    assert (scores.argmax(1) == own.predict(x)).all()


@pytest.mark.parametrize(("channels", "width"), [("all", 3 * 784), ("flow", 2 * 784), ("strain", 784)])
def test_FlowSvm_leaves_out_channels(channels, width):
    maps, labels = draw()
    m = method(channels=channels)
    m.fit_closed_form([training(maps, labels)], [])
    assert m.svm.weights.shape == (3, width)


def test_FlowSvm_half_of_face_ignores_the_other():
    maps, labels = draw()
    video = training(maps, labels)
    other = maps.copy()
    other[:, :, :14] = 0  # the left of the picture is the person's right
    same = {}
    for side in ("left", "right"):
        m = method(side=side, channels="strain")
        m.fit_closed_form([video], [])
        assert m.svm.weights.shape == (3, 392)
        one, two = (m.classify([training(x, labels).clip(i, i, i) for i in range(9)]) for x in (maps, other))
        same[side] = bool((one == two).all())
    assert same == {"left": True, "right": False}


def test_chains_read_maps_of_datasets():
    assert list(method().chains(TIMING)) == [ONSET_APEX]


def test_fit_closed_form_needs_clips():
    with pytest.raises(RunError, match="training clips"):
        method().fit_closed_form([training(np.zeros((0, 28, 28, 3), np.uint8), [])], [])


def test_Params_refuse_c_of_zero():
    with pytest.raises(ConfigError, match=r"method\.c must be a number above 0.*not 0"):
        FlowSvm.Params(c=0)
