import numpy as np
import pytest

from mebench.errors import ConfigError, DataError
from mebench.features import Magnify

FPS = 50.0
N = 100


def pulsing(hertz, amplitude=2.0, n=N, size=64):
    """A wide smooth pattern whose contrast swings around gray 128."""
    y, x = np.mgrid[:size, :size]
    pattern = np.cos(2 * np.pi * x / size) * np.cos(2 * np.pi * y / size)
    swing = np.sin(2 * np.pi * hertz * np.arange(n) / FPS)
    return np.rint(128 + 40 * pattern + amplitude * swing[:, None, None] * pattern).astype(np.uint8)


def drifting(shift, wavelength=32, n=N, size=64):
    """A grating that swings by `shift` pixels, once a second."""
    x = np.arange(size)
    moved = x - shift * np.sin(2 * np.pi * np.arange(n) / FPS)[:, None]
    rows = np.rint(128 + 60 * np.sin(2 * np.pi * moved / wavelength)).astype(np.uint8)
    return np.repeat(rows[:, None], size, axis=1)


def swing(crops):
    """Amplitude over time of the pixel that changes most."""
    return np.ptp(crops.astype(float), axis=0).max() / 2


@pytest.mark.parametrize("pyramid", ["laplacian", "gaussian"])
@pytest.mark.parametrize("filter", ["ideal", "butterworth"])
def test_Magnify_amplifies_changes_in_its_band_alone(pyramid, filter):
    step = Magnify(alpha=9, low=1, high=4, levels=2 if pyramid == "gaussian" else 5, pyramid=pyramid, filter=filter)
    slow = 0.5 if filter == "ideal" else 0.05  # the transform of the clip knows whole periods only
    inside, below, above = (swing(step.apply(pulsing(f), FPS)) / swing(pulsing(f)) for f in (2, slow, 20))
    assert inside > 4
    assert below < inside / 2
    assert above < inside / 2
    if filter == "ideal":
        assert inside == pytest.approx(1 + 9, rel=0.15)
        assert swing(step.apply(pulsing(20), FPS)) == pytest.approx(swing(pulsing(20)), abs=1)


def test_Magnify_makes_small_motion_large():
    """The phase of a magnified grating swings (1 + alpha) times as far (Wu et al. 2012, equation 9)."""
    alpha = 8
    shift = 0.15
    wavelength = 32

    def motion(crops):
        phase = np.angle(np.fft.rfft(crops[:, 32].astype(float), axis=1)[:, 64 // wavelength])
        return np.ptp(phase) / 2 * wavelength / (2 * np.pi)

    still = drifting(shift)
    grown = Magnify(alpha, 0.5, 2, levels=5, wavelength=16).apply(drifting(shift), FPS)
    assert motion(still) == pytest.approx(shift, rel=0.1)
    assert motion(grown) == pytest.approx((1 + alpha) * shift, rel=0.15)


def test_Magnify_amplifies_fine_structures_less():
    """Bounded by equation 14: noise of single pixels is not amplified, wide patterns fully."""
    noise = np.random.default_rng(0).integers(120, 136, (N, 64, 64), dtype=np.uint8)
    bounded, free = (Magnify(wavelength=w, low=1, high=4).apply(noise, FPS).astype(float) for w in (64, 0))
    assert (bounded - noise).std() < 0.6 * (free - noise).std()


def test_Magnify_keeps_a_still_clip():
    still = np.repeat(pulsing(0)[:1], 60, axis=0)
    for filter in ("ideal", "butterworth"):
        np.testing.assert_array_equal(Magnify(filter=filter).apply(still, FPS), still)


def test_Magnify_of_alpha_zero_changes_nothing():
    np.testing.assert_array_equal(Magnify(alpha=0).apply(pulsing(2), FPS), pulsing(2))


def test_Magnify_butterworth_starts_at_rest():
    crops = pulsing(2)
    np.testing.assert_array_equal(Magnify(filter="butterworth").apply(crops, FPS)[0], crops[0])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_Magnify_butterworth_takes_short_clips(n):
    assert Magnify(filter="butterworth").apply(pulsing(2, n=n), FPS).shape == (n, 64, 64)


def test_Magnify_takes_sizes_that_are_no_powers_of_two():
    crops = pulsing(2, size=61)[:, :50]
    assert Magnify().apply(crops, FPS).shape == crops.shape


@pytest.mark.parametrize(
    ("step", "crops", "fps", "message"),
    [
        (Magnify(), pulsing(2), None, "does not state"),
        (Magnify(), pulsing(2, n=5), FPS, "finds no frequency from 0.4 to 3 Hz in a clip of 5 frames at 50"),
        (Magnify(), pulsing(2, n=1), FPS, "butterworth"),
        (Magnify(low=30, high=40), pulsing(2), FPS, "finds no frequency"),
        (Magnify(high=30, filter="butterworth"), pulsing(2), FPS, "choose high below 25"),
        (Magnify(levels=7), pulsing(2), FPS, "cannot be halved 7 times"),
    ],
)
def test_Magnify_refuses_other_clips_in_a_sentence(step, crops, fps, message):
    with pytest.raises(DataError, match=message):
        step.apply(crops, fps)


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": -1}, {"low": 0}, {"low": 5, "high": 3}, {"levels": 0}, {"pyramid": "steerable"}, {"filter": "fir"}],
)
def test_Magnify_refuses_impossible_parameters(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Magnify(**wrong)
