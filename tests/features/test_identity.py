"""The identity of a step, which names what is stored and is printed on cards, changes when and only when its numbers can."""

from dataclasses import fields, replace
from inspect import isabstract

import numpy as np
import pytest

import mebench.features
from mebench.core import Chain
from mebench.features import (
    BiWoof,
    BlockMeans,
    CropSequence,
    EyesAndMouth,
    FlowDirection,
    FlowImage,
    FlowSequence,
    HigoTop,
    HogTop,
    Hoof,
    ImageStep,
    Interpolate,
    Lbp,
    LbpTop,
    Magnify,
    Magnitudes,
    MainDirectionDifference,
    MapStep,
    MaskEyes,
    MinMax,
    OrientedFlow,
    RemoveNoseMotion,
    Resize,
    Strain,
    VolumeStep,
)
from mebench.features.base import SequenceStep
from mebench.features.regions import RegionMotion

from .conftest import texture

BLOCKS = {"rows": 4, "cols": 3}
TOP = {**BLOCKS, "slices": 2, "overlap": 0.5}
STEPS = [
    (Strain(), {"difference": "central"}),
    (RemoveNoseMotion(), {"patch": 9, "variant": "released_code"}),
    (MaskEyes(), {"margin": 3, "outline": "released_code"}),
    (MinMax(), {"scope": "map", "still": "middle"}),
    (EyesAndMouth(margin=8), {"layout": "released_code", "margin": 3}),
    (BlockMeans(5, 5), BLOCKS),
    (Magnitudes(), {}),
    (RegionMotion(), {"radius": 3, "sides_of_nose": True}),
    (Resize(28), {"size": 14}),
    (FlowImage(), {"size": 14}),
    (FlowDirection(), {}),
    (Hoof(), {**BLOCKS, "bins": 9}),
    (OrientedFlow(), {**BLOCKS, "bins": 9, "normalised": False}),
    (
        BiWoof(),
        {
            **BLOCKS,
            "bins": 9,
            "strain": "sum",
            "blocks": "released_code",
            "unit_length": True,
            "last_bin": "released_code",
        },
    ),
    (MainDirectionDifference(), {**BLOCKS, "directions": "released_code"}),
    (Lbp(), {**BLOCKS, "p": 4, "r": 2, "patterns": "full", "overlap": 0.5}),
    (LbpTop(), {**TOP, "p": 4, "rx": 2, "ry": 2, "rt": 2, "patterns": "full"}),
    (HogTop(), {**TOP, "bins": 9}),
    (HigoTop(), {**TOP, "bins": 9}),
    (
        Magnify(low=1, high=4),
        {
            "alpha": 3,
            "low": 2,
            "high": 3,
            "levels": 2,
            "pyramid": "gaussian",
            "filter": "butterworth",
            "wavelength": 60,
        },
    ),
    (Interpolate(), {"length": 9}),
    (FlowSequence(flow="farneback"), {"flow": "farneback_single", "length": 5, "size": 14, "start": "neighbour"}),
    (CropSequence(), {"length": 5, "size": 14, "color": True}),
]


def crops():
    """A texture that sways, (12, 128, 128)."""
    return np.array([texture(128, 128, dx=2 * np.sin(i), dy=0.1 * i) for i in range(12)])


def maps():
    y, x = np.mgrid[:128, :128] / 128
    flow = [np.sin(7 * x + 2 * y), 0.5 * np.cos(5 * y - 3 * x)]
    return np.stack([*flow, (x * y) ** 2], axis=-1).astype(np.float32)


def output(step, landmarks):
    if isinstance(step, SequenceStep):
        return step.apply(crops(), 12.0)
    if isinstance(step, VolumeStep):
        gray = crops()
        return step.apply(np.stack([gray, 0.5 * gray, gray], axis=-1) if step.reads_color else gray)
    if isinstance(step, ImageStep):
        return step.apply(crops()[0])
    if isinstance(step, MinMax) and step.still == "middle":  # which only a map without motion shows
        return step.apply(np.zeros_like(maps()), landmarks)
    if isinstance(step, MainDirectionDifference):
        return step.apply(np.concatenate([maps()[..., :2] - 0.5, 0.5 * maps()[::-1, ..., :2]], axis=-1), landmarks)
    return step.apply(maps()[..., :2] if isinstance(step, Strain) else maps(), landmarks)


def identity(step):
    chain = Chain("name", (step,))
    return chain.fingerprint(), chain.card()


def test_features_hold_every_step_of_these_tests():
    levels = (MapStep, ImageStep, SequenceStep, VolumeStep)
    public = [getattr(mebench.features, name) for name in mebench.features.__all__]
    expected = {c for c in public if isinstance(c, type) and issubclass(c, levels) and not isabstract(c)}
    assert {type(step) for step, _ in STEPS} == expected


@pytest.mark.parametrize(("step", "others"), STEPS, ids=lambda p: type(p).__name__)
def test_identity_changes_with_each_parameter(step, others, face_points):
    assert set(others) == {field.name for field in fields(step)}
    usual = output(step, face_points)
    named = identity(step)
    assert identity(replace(step)) == named
    np.testing.assert_array_equal(output(replace(step), face_points), usual)
    for name, value in others.items():
        other = replace(step, **{name: value})
        assert not np.array_equal(output(other, face_points), usual), name
        fingerprint, card = identity(other)
        assert fingerprint != named[0]
        assert f"{name}={value!r}" in card


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (EyesAndMouth("box"), EyesAndMouth("box", margin=3)),
        (Magnify(1, 1, 4, pyramid="gaussian"), Magnify(1, 1, 4, pyramid="gaussian", wavelength=60)),
    ],
)
def test_identity_ignores_parameters_without_meaning(one, same, face_points):
    assert identity(one) == identity(same)
    np.testing.assert_array_equal(output(one, face_points), output(same, face_points))


def test_identity_differs_for_steps_of_equal_parameters():
    assert identity(HogTop()) != identity(HigoTop())


@pytest.mark.parametrize(
    ("step", "version", "mean", "deviation", "cosine", "sine"),
    [
        (RemoveNoseMotion(variant="released_code"), 1, 0.489442, 0.59948, -8.58038e-05, 0.00348805),
        (MaskEyes(outline="released_code"), 1, 0.0600661, 0.442185, -0.0123828, -0.00402199),
        (MinMax("map"), 1, 0.538973, 0.235314, -0.00435108, 0.00323437),
        (FlowDirection(), 1, 139.887, 111.243, 1.4172, 1.91221),
        (Hoof(), 2, 0.125, 0.2231, -0.0786178, 0.0246143),
        (OrientedFlow(), 2, 0.125, 0.25591, 0.0409847, -0.184454),
        (BiWoof(), 2, 0.0133129, 0.0516388, 0.0344933, -0.02898),
        (BiWoof(strain="sum", blocks="released_code", unit_length=True), 2, 0.017657, 0.0684706, 0.0525632, -0.0300557),
        (Lbp(), 1, 0.0169492, 0.0268717, -0.000430959, -0.0130002),
        (Lbp(p=4, patterns="full", overlap=0.5), 1, 0.0625, 0.0757195, 0.00600028, -0.00242599),
        (LbpTop(), 1, 0.0169492, 0.0224967, 0.00446697, -0.00584104),
        (LbpTop(p=4, rt=3, slices=2, patterns="full"), 1, 0.0625, 0.079266, 0.0336118, 0.00295035),
        (HogTop(), 2, 0.125, 0.0499422, 0.0245003, -0.00623984),
        (HigoTop(), 2, 0.125, 0.0363363, 0.0233754, -0.0235812),
        (Magnify(low=1, high=4), 1, 132.136, 84.7134, -2.81093, -0.269604),
        (Magnify(low=1, high=4, pyramid="gaussian", filter="butterworth"), 1, 133.523, 51.1078, -0.0786858, 0.005237),
        (Interpolate(), 1, 133.942, 49.9423, 0.10233, -0.360906),
        (Interpolate(25), 1, 133.948, 49.9334, -0.246569, 0.239624),
    ],
    ids=str,
)
def test_Step_output_of_each_step_is_golden(step, version, mean, deviation, cosine, sine, face_points):
    """Mean, standard deviation and products with a cosine and a sine, of the numbers that a step makes."""
    assert step.version == version
    found = summary(output(step, face_points))
    assert found == pytest.approx([mean, deviation, cosine, sine], rel=1e-3, abs=1e-4), "new numbers need a new version"


def summary(result):
    flat = result.astype(float).ravel()
    wave = np.exp(1j * np.arange(len(flat))) / np.sqrt(len(flat))
    return [flat.mean(), flat.std(), flat @ wave.real, flat @ wave.imag]
