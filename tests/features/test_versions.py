"""The numbers of a step belong to its version: who changes them raises it, and stored features are computed anew."""

from dataclasses import replace

import numpy as np
import pytest

from mebench.core import Chain
from mebench.features import (
    BlockMeans,
    EyesAndMouth,
    FaceCrop,
    Flow,
    FlowImage,
    MaskEyes,
    MinMax,
    RemoveNoseMotion,
    Resize,
    Strain,
)

from .conftest import texture

STEPS = [
    (FaceCrop(), {"size": 64, "upsample": 0, "half_size": True}),
    (Flow(), {"algorithm": "dis", "k": 3, "stride": 2}),
    (Strain(), {"difference": "central"}),
    (RemoveNoseMotion(), {"patch": 9}),
    (MaskEyes(), {"margin": 3}),
    (MinMax(), {}),
    (EyesAndMouth(), {"layout": "box", "margin": 3}),
    (BlockMeans(4, 5), {"rows": 5, "cols": 4}),
    (Resize(28), {"size": 14}),
    (FlowImage(), {"size": 14}),
]


@pytest.mark.parametrize(("step", "others"), STEPS)
def test_a_fingerprint_changes_with_each_parameter_and_the_version_only(step, others, monkeypatch):
    chain = Chain("name", (step,))
    same = Chain("another name", (type(step)(**vars(step)),))
    assert chain.fingerprint() == same.fingerprint()
    seen = {chain.fingerprint()}
    for name, value in others.items():
        seen.add(Chain("name", (replace(step, **{name: value}),)).fingerprint())
    monkeypatch.setattr(type(step), "version", step.version + 1)
    seen.add(chain.fingerprint())
    assert len(seen) == len(others) + 2


def golden_map():
    y, x = np.mgrid[:128, :128] / 128
    return np.stack([np.sin(7 * x + 2 * y), 0.5 * np.cos(5 * y - 3 * x), (x * y) ** 2], axis=-1).astype(np.float32)


@pytest.mark.parametrize(
    ("step", "version", "mean", "deviation", "middle"),
    [
        (Strain(), 1, 0.0544327, 0.460812, -0.97753),
        (Strain("forward"), 1, 0.0546193, 0.460799, -0.97753),
        (Strain("central"), 1, 0.0546213, 0.460799, -0.97753),
        (RemoveNoseMotion(), 1, 0.248627, 0.734632, -0.0597202),
        (MaskEyes(), 1, 0.0547255, 0.429907, -0.97753),
        (MinMax(), 1, 0.398802, 0.366693, 0.0112344),
        (EyesAndMouth(), 1, -0.0520356, 0.46084, -0.998856),
        (EyesAndMouth("released_code", margin=2), 1, -0.103858, 0.480189, -0.984285),
        (EyesAndMouth("box"), 1, -0.0475125, 0.451628, -0.999664),
        (BlockMeans(4, 5), 1, 0.0770172, 0.433734, -0.914162),
        (Resize(28), 1, 0.0779454, 0.469439, -0.993532),
        (FlowImage(), 1, 102.274, 93.4756, 19.4889),
    ],
)
def test_golden_output(step, version, mean, deviation, middle, face_points):
    """Mean, standard deviation and the first channel of the middle pixel of what a step makes of a fixed map."""
    assert step.version == version
    x = golden_map()
    result = step.apply(x[..., :2] if isinstance(step, Strain) else x, face_points)
    found = [result.mean(), result.std(), result[len(result) // 2, len(result[0]) // 2, 0]]
    assert found == pytest.approx([mean, deviation, middle], rel=1e-4, abs=1e-6), "changed numbers need a new version"


@pytest.mark.parametrize(
    ("algorithm", "u", "v"),
    [
        ("tvl1", [0.616, 0.609, 0.602], [-0.382, -0.382, -0.377]),
        ("tvl1_eps05", [0.600, 0.613, 0.608], [-0.411, -0.404, -0.330]),
        ("farneback", [0.607, 0.593, 0.603], [-0.414, -0.414, -0.386]),
        ("dis", [0.621, 0.605, 0.606], [-0.423, -0.419, -0.400]),
    ],
)
def test_golden_flow(algorithm, u, v):
    assert Flow.version == 1
    found = Flow(algorithm).pair(texture(), texture(dx=0.6, dy=-0.4))
    assert found[32, 20:44:8].T.tolist() == [pytest.approx(u, abs=0.02), pytest.approx(v, abs=0.02)]
