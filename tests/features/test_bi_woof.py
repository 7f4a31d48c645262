import math

import numpy as np
import pytest

from mebench.errors import ConfigError
from mebench.features import BiWoof, Strain


def flow_and_strain(height=33, width=41):
    return Strain().apply(np.random.default_rng(0).normal(size=(height, width, 2)).astype(np.float32), None)


def by_hand(x, spans, strain, left_out=360):
    """The definition, one pixel after another."""
    blocks = []
    for top, bottom in spans(x.shape[0]):
        for left, right in spans(x.shape[1]):
            bins = [0.0] * 8
            strains = []
            for row in range(top, bottom):
                for column in range(left, right):
                    u, v, s = map(float, x[row, column])
                    angle = math.degrees(math.atan2(v, u))
                    if angle <= left_out:
                        bins[math.floor((angle + 180) / 45) % 8] += math.hypot(u, v)
                    strains.append(s)
            weight = sum(strains) / (len(strains) if strain == "mean" else 1)
            blocks.append([b / sum(bins) * weight for b in bins])
    return np.array(blocks)


def test_BiWoof_of_paper_weights_blocks_by_mean_strain():
    x = flow_and_strain()
    expected = by_hand(x, lambda n: [(i * n // 5, (i + 1) * n // 5) for i in range(5)], "mean")
    found = BiWoof().apply(x, None)
    assert found.shape == (5, 5, 8)
    np.testing.assert_allclose(found.reshape(25, 8), expected, rtol=1e-5)


def test_BiWoof_of_released_code_equals_blocks_by_hand():
    """From 1 on, both ends included: rows (i - 1) h to i h + 1, the first from 1 and the last to the end."""

    def spans(n):
        h = n // 5
        return [(max((i - 1) * h, 1) - 1, n if i == 5 else i * h + 1) for i in range(1, 6)]

    x = flow_and_strain()
    expected = by_hand(x, spans, "sum", left_out=135)
    found = BiWoof(strain="sum", blocks="released_code", last_bin="released_code", unit_length=True).apply(x, None)
    np.testing.assert_allclose(found.reshape(25, 8), expected / np.linalg.norm(expected), rtol=1e-5)


def test_BiWoof_last_bin_of_released_code_holds_its_edge_alone():
    """Motion to 135 degrees, 136 and 180, in a block each."""
    for degrees, counted in ((135, True), (136, False), (180, False)):
        flow = np.broadcast_to([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], (20, 20, 2))
        x = np.concatenate([flow, np.ones((20, 20, 1))], axis=-1)
        found = BiWoof(last_bin="released_code").apply(x, None)
        assert found.any() == counted
        assert not counted or (found[..., 7] == 1).all()


def test_BiWoof_of_block_without_motion_is_zero():
    x = flow_and_strain(50, 50)
    x[:10, :10] = 0
    found = BiWoof().apply(x, None)
    assert not found[0, 0].any()
    assert found[0, 1].any()


@pytest.mark.parametrize("unit_length", [False, True])
def test_BiWoof_of_still_face_is_zero(unit_length):
    assert not BiWoof(unit_length=unit_length).apply(np.zeros((20, 20, 3), np.float32), None).any()


def test_BiWoof_of_twice_the_motion_has_twice_the_weight():
    flow = np.random.default_rng(0).normal(size=(20, 20, 2)).astype(np.float32)
    once, twice = (BiWoof().apply(Strain().apply(f, None), None) for f in (flow, 2 * flow))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)


def test_BiWoof_refuses_flow_without_strain():
    with pytest.raises(ConfigError, match="put Strain before it"):
        BiWoof().apply(np.zeros((20, 20, 2), np.float32), None)


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"bins": 0}, {"strain": "max"}, {"blocks": "any"}])
def test_BiWoof_refuses_impossible_parameters(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        BiWoof(**wrong)
