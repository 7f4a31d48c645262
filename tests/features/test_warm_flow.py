"""`tvl1_warm` beside `tvl1`: as near everywhere as it says, and the same wherever reading began."""

import numpy as np
import pytest

from mebench.features import Flow, tvl1
from tests.helpers.nightly import NIGHTLY

from .conftest import texture


def flows(algorithm, images, **how):
    return np.array(list(Flow(algorithm, **{"k": 1} | how).maps(images)))


def p95(some, others):
    """Of the lengths of the difference, pixels, for each pair; without the edge, where black comes in and nothing is certain."""
    return np.percentile(np.linalg.norm(np.subtract(some, others), axis=-1)[:, 6:-6, 6:-6], 95, axis=(1, 2))


def seen(places, size=48, seed=0):
    """A texture at these places, pixels to the right, by a camera with noise of a gray level."""
    noise = np.random.default_rng(seed)
    return np.array(
        [texture(size, size, dx, dx / 2, seed) + noise.integers(0, 2, (size, size), np.uint8) for dx in places]
    )


def test_tvl1_warm_equals_tvl1_on_every_32nd_pair_and_clips():
    images = seen(np.sin(np.arange(70) / 6))
    warm, cold = (flows(algorithm, images) for algorithm in ("tvl1_warm", "tvl1"))
    same = [i for i, (a, b) in enumerate(zip(warm, cold)) if (a == b).all()]
    assert same == [0, 32, 64]
    np.testing.assert_array_equal(Flow("tvl1_warm").between(images, 3, 9), Flow("tvl1").between(images, 3, 9))


@pytest.mark.parametrize("stride", [1, 2])
def test_tvl1_warm_is_equal_wherever_reading_began(stride):
    images = seen(np.sin(np.arange(200) / 6), size=24)
    whole = flows("tvl1_warm", images, k=3, stride=stride)
    np.testing.assert_array_equal(flows("tvl1_warm", images[64:], k=3, stride=stride), whole[64:])


def test_tvl1_warm_restarts_at_a_cut():
    images = np.concatenate([seen(np.arange(12) / 4, seed=seed) for seed in (0, 1)])
    warm, cold = (flows(algorithm, images) for algorithm in ("tvl1_warm", "tvl1"))
    np.testing.assert_array_equal(warm[11], cold[11])  # the pair across the cut, which nothing explains
    assert p95(warm, cold).max() < 0.2
    started_wrong = tvl1.tvl1(images[12], images[13], 0.01, np.full_like(cold[12], 8.0))
    np.testing.assert_array_equal(started_wrong, cold[12])


@pytest.mark.parametrize("jump", [1.0, 3.0, 6.0])
def test_tvl1_warm_follows_fast_motion(jump):
    """Still, then so many pixels a frame, then back at twice the speed."""
    steps = [0.0] * 5 + [jump] * 4 + [0.0] * 5 + [-2 * jump] * 2 + [0.0] * 5
    images = seen(np.cumsum(steps) - 2 * jump, size=64)
    warm, cold = (flows(algorithm, images) for algorithm in ("tvl1_warm", "tvl1"))
    truth = np.stack([steps[1:], np.divide(steps[1:], 2)], axis=-1)[:, None, None]
    inner = (slice(None), slice(12, -12), slice(12, -12))
    errors = [np.linalg.norm(found - truth, axis=-1)[inner].mean(axis=(1, 2)) for found in (warm, cold)]
    assert (errors[0] <= errors[1] + 0.05).all()


def test_tvl1_warm_does_not_drift_over_ten_thousand_frames():
    """By day over three thousand."""
    n = 10_000 if NIGHTLY else 3000
    swaying = [texture(24, 24, dx) for dx in 2 * np.sin(np.arange(999) * 12 * np.pi / 999)]
    differences = []
    for i, warm in enumerate(Flow("tvl1_warm", k=1).maps(swaying[i % 999] for i in range(n))):
        if i % 128 == 31:  # the last of 32 pairs
            cold = Flow("tvl1").pair(swaying[i % 999], swaying[(i + 1) % 999])
            differences.append(p95([warm], [cold])[0])
    early, late = (np.median(part) for part in np.array_split(differences, 2))

    assert len(differences) == len(range(31, n - 1, 128))
    assert late < 1.5 * early
    assert np.median(differences) < 0.1
