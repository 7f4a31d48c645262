"""Recognition on three orthogonal planes: which clip is prepared how, what is classified, and clips of a frame or two."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from mebench.methods.higo_top.method import HigoTopSvm
from mebench.methods.hog_top.method import HogTopSvm
from mebench.methods.lbp_top.method import LbpTopSvm

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError, RunError
from mebench.features import FaceCrop, Interpolate, Magnify, top
from mebench.runner.fold import count_parameters

METHODS = [LbpTopSvm, HogTopSvm, HigoTopSvm]
CLASSES = ("negative", "positive", "surprise")


def method(plugin, **params):
    return plugin(plugin.Params(**params), Task(frozenset({"recognize"}), classes=CLASSES))


def moving(up: float, n: int, seed: int):
    """Crops of a face whose middle moves up or down and back; noise differs by seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:64, 0:64]
    frames = []
    for t in range(n):
        shift = up * np.sin(np.pi * t / max(n - 1, 1)) * np.exp(-((x - 32) ** 2 + (y - 32) ** 2) / 200)
        frames.append(128 + 60 * np.sin((y + shift) / 3) + 30 * np.cos(x / 4) + rng.normal(0, 1, x.shape))
    return np.rint(frames).clip(0, 255).astype(np.uint8)


def video(recognizer, crops, label, fps=30.0):
    """A video whose clips go through the steps of the recognizer's chain, the face crop being done."""
    n = len(crops)
    timing = Timing(fps, 3, {"micro": 4})
    steps = recognizer.chains(timing)[recognizer.chain].steps[1:]

    def clip(chain, onset, apex, offset):
        assert chain == recognizer.chain
        part = crops[onset : offset + 1]
        for step in steps[:-1]:
            part = step.apply(part, fps)
        return steps[-1].apply(part).astype(np.float16)

    expressions = (Expression(0, n - 1, apex=n // 2),)
    return LabelledVideo(
        "d/s/v", SubjectKey("d", "s"), fps, n, timing, None, clip, expressions=expressions, labels=(label,)
    )


@cache
def trained(plugin):
    """On four blocks; whoever asks only classifies with it."""
    recognizer = method(plugin, rows=2, cols=2)
    videos = [video(recognizer, moving((0, 3, -3)[i % 3], 9 + i % 4, i), i % 3) for i in range(18)]
    recognizer.fit_closed_form(videos, [])
    return recognizer


@pytest.mark.parametrize("plugin", METHODS)
def test_top_recognizer_magnifies_and_takes_ten_frames(plugin):
    chain = method(plugin).chains(Timing(30.0, 3))[plugin.chain]
    assert chain.scope == "clips"
    assert chain.steps[:-1] == (FaceCrop(), Magnify(8.0, filter="butterworth"), Interpolate(10))
    plain = method(plugin, magnify="none", length=20).chains(Timing(30.0, 3))[plugin.chain]
    assert plain.steps == (FaceCrop(), Interpolate(20), chain.steps[-1])


@pytest.mark.parametrize("plugin", METHODS)
def test_top_recognizer_grid_is_that_of_its_step(plugin):
    chosen = {"rows": 6, "cols": 7, "slices": 2, "overlap": 0.2}
    chosen |= {"p": 4, "rx": 2, "ry": 3, "rt": 4, "patterns": "full"} if plugin is LbpTopSvm else {"bins": 5}
    assert dataclasses.asdict(method(plugin, **chosen).params.feature()) == chosen


@pytest.mark.parametrize("plugin", METHODS)
def test_top_recognizer_tells_movements_apart(plugin):
    """Nothing, up and down: eighteen clips are enough to name eighteen others."""
    recognizer = trained(plugin)
    truth = [i % 3 for i in range(18)]
    others = [video(recognizer, moving((0, 3, -3)[i], 12, 100 + n), None) for n, i in enumerate(truth)]
    rows = recognizer.classify([v.clip(0, 6, 11) for v in others])
    assert rows.shape == (18, 3)
    assert np.mean(rows.argmax(axis=1) == truth) >= 0.8


@pytest.mark.parametrize("plugin", METHODS)
def test_top_recognizer_takes_clips_of_one_or_two_frames(plugin):
    recognizer = trained(plugin)
    short = video(recognizer, moving(3, 12, 7), None)
    for clip in ((5, 5, 5), (5, 5, 6), (-4, -2, 0), (11, 12, 15)):
        assert np.isfinite(recognizer.classify([short.clip(*clip)])).all(), clip


@pytest.mark.parametrize("slices", [1, 2])
@pytest.mark.parametrize("plugin", METHODS)
def test_top_recognizer_takes_planes_of_the_whole_feature(plugin, slices):
    whole = method(plugin, rows=2, cols=3, slices=slices)
    seen = video(whole, moving(3, 12, 0), None)
    feature = seen.clip(0, 6, 11).feature(plugin.chain)
    bins = feature.shape[-1] // (3 * slices)
    for number, plane in enumerate(top.PLANES):
        one = method(plugin, rows=2, cols=3, slices=slices, planes=(plane,))
        row = one.inputs([video(one, moving(3, 12, 0), None).clip(0, 6, 11)])[0]
        parts = [feature[..., (s * 3 + number) * bins : (s * 3 + number + 1) * bins] for s in range(slices)]
        np.testing.assert_array_equal(row, np.stack(parts, axis=2).ravel())
    np.testing.assert_array_equal(whole.inputs([seen.clip(0, 6, 11)])[0], feature.ravel())


def test_top_recognizer_parameters_are_the_hyperplanes():
    recognizer = trained(LbpTopSvm)
    assert count_parameters(recognizer) == 3 * (2 * 2 * 3 * 59) + 3 + 3


def test_top_recognizer_refuses_training_without_clips():
    with pytest.raises(RunError, match="no training subject has a labelled clip"):
        method(LbpTopSvm).fit_closed_form([], [])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"c": 0.0}, r"method\.c must be a number above 0"),
        ({"alpha": -1.0}, r"method\.alpha must not be negative, not -1"),
        ({"rows": 0}, "rows of LbpTop must be a whole number of at least 1, not 0"),
        ({"low": 3.0, "high": 1.0}, "0 < low < high"),
        ({"rt": 5}, r"method\.length must be at least 11 frames .*, not 10"),
        ({"slices": 11}, r"method\.length must be at least 11 frames .*, not 10"),
        ({"planes": ("xt", "xy")}, r"method\.planes must be some of"),
        ({"planes": ()}, r"method\.planes must be some of"),
    ],
)
def test_top_recognizer_refuses_parameters_out_of_range(wrong, message):
    with pytest.raises(ConfigError, match=message):
        LbpTopSvm.Params(**wrong)


def test_top_recognizer_takes_shortest_possible_clips():
    assert LbpTopSvm.Params(slices=10).length == 10
    assert LbpTopSvm.Params(rt=4, length=9).length == 9
