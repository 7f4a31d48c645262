import math

import numpy as np
import pytest

from mebench.errors import ConfigError, DataError
from mebench.features import Hoof, OrientedFlow, Strain, orientation


def random_flow(size=30, seed=0):
    return np.random.default_rng(seed).normal(size=(size, size, 2)).astype(np.float32)


def everywhere(u, v, size=8):
    return np.broadcast_to(np.array([u, v], np.float32), (size, size, 2))


@pytest.mark.parametrize(
    ("u", "v", "angle"), [(1, 0, 0), (0, 2, 90), (1, 1, 45), (0, -3, -90), (-2, 1, 153), (-1, -1, -135)]
)
def test_Hoof_and_OrientedFlow_fill_bin_of_one_direction(u, v, angle):
    oriented = OrientedFlow(1, 1, bins=8).apply(everywhere(u, v), None)[0, 0]
    assert oriented.tolist() == [float(b == math.floor((angle + 180) / 45)) for b in range(8)]
    to_horizontal = math.degrees(math.atan2(v, abs(u)))
    hoof = Hoof(1, 1, bins=6).apply(everywhere(u, v), None)[0, 0]
    assert hoof.tolist() == [float(b == min(math.floor((to_horizontal + 90) / 30), 5)) for b in range(6)]


def test_Hoof_equals_definition_vector_by_vector():
    x = random_flow()
    rows = 2
    cols = 3
    bins = 5
    expected = np.zeros((rows, cols, bins))
    for r in range(30):
        for c in range(30):
            u, v = map(float, x[r, c])
            angle = math.atan(v / u) if u > 0 else math.atan(v / -u)
            expected[r // 15, c // 10, math.floor((angle + math.pi / 2) / (math.pi / bins))] += math.hypot(u, v)
    expected /= expected.sum(-1, keepdims=True)
    np.testing.assert_allclose(Hoof(rows, cols, bins).apply(x, None), expected, rtol=1e-5)


def test_Hoof_of_mirrored_face_is_mirrored():
    x = random_flow()
    mirrored = x[:, ::-1] * np.array([-1, 1], np.float32)
    np.testing.assert_allclose(Hoof().apply(mirrored, None), Hoof().apply(x, None)[:, ::-1], atol=1e-6)


def test_Hoof_of_face_upside_down_runs_backwards():
    """Up becomes down: the bins from -90 to 90 degrees change places. A full-circle histogram shifts by half a turn."""
    x = random_flow()
    np.testing.assert_allclose(Hoof().apply(-x, None), Hoof().apply(x, None)[..., ::-1], atol=1e-6)
    around = OrientedFlow().apply(x, None)
    np.testing.assert_allclose(OrientedFlow().apply(-x, None), np.roll(around, 4, axis=-1), atol=1e-6)
    turned = -x[::-1, ::-1]  # the picture with its vectors
    np.testing.assert_allclose(OrientedFlow().apply(turned, None), np.roll(around, 4, -1)[::-1, ::-1], atol=1e-6)


def test_OrientedFlow_not_normalised_sums_lengths():
    x = random_flow()
    found = OrientedFlow(3, 2, normalised=False).apply(x, None)
    assert found.sum() == pytest.approx(np.hypot(x[..., 0], x[..., 1]).sum(), rel=1e-5)
    assert not np.allclose(found.sum(-1), 1)


@pytest.mark.parametrize("step", [Hoof(), OrientedFlow()])
def test_Hoof_and_OrientedFlow_sum_to_1_or_0_without_motion(step):
    x = random_flow()
    x[:15] = 0
    total = step.apply(np.concatenate([x, x]), None).sum(-1)
    assert set(np.unique(total.round(5))) == {0, 1}
    assert not step.apply(np.zeros((30, 30, 2), np.float32), None).any()


@pytest.mark.parametrize("step", [Hoof(), OrientedFlow()])
def test_Hoof_and_OrientedFlow_read_the_flow_alone(step):
    x = random_flow()
    np.testing.assert_array_equal(step.apply(Strain().apply(x, None), None), step.apply(x, None))
    with pytest.raises(ConfigError, match="takes the channels u and v"):
        step.apply(x[..., :1], None)
    with pytest.raises(DataError, match="fewer blocks"):
        step.apply(x[:3], None)


def test_direction_bins_open_at_multiples_of_45_degrees():
    x, y = np.array([-1, -1, 0, 1, 1, 1, 0, -1]), np.array([0, -1, -1, -1, 0, 1, 1, 1])
    for length in range(1, 256):
        assert orientation.direction_bins(length * x, length * y, 8).tolist() == list(range(8))


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"cols": 1.5}, {"bins": 0}])
@pytest.mark.parametrize("step", [Hoof, OrientedFlow])
def test_Hoof_and_OrientedFlow_refuse_impossible_parameters(step, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        step(**wrong)
