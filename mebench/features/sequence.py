"""Whole clips: temporal interpolation to one length, and Eulerian magnification of small motion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Range
from mebench.errors import ConfigError, DataError, refuse_if
from mebench.features.base import FeatureMap, Image, SequenceStep
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
    import scipy
else:
    cv2 = load_lazily("cv2")
    scipy = load_lazily("scipy")


@dataclass(frozen=True)
class Interpolate(SequenceStep):
    """Bring a clip to a fixed number of frames by the temporal interpolation model. It is that of Zhou, Zhao and
    Pietikäinen (2011).

    The n frames are the vertices of a path graph. The eigenvectors of its Laplacian are samples, at t = 1/n, 2/n ... 1, of the
    curve with the components f_k(t) = sin(pi k t + pi (n - k) / (2 n)), k = 1 to n - 1. A linear map takes the curve to the
    frames; the new frames are taken from it at equal steps from t = 1/n, the first frame, to t = 1, the last.

    The published derivation first reduces the frames, less their mean, to the coordinates of a singular value
    decomposition, and solves for the map there. Since the eigenvectors span everything orthogonal to a constant, that
    is the projection onto them: each frame of the result is a weighted sum of the frames of the clip, also where these
    are not linearly independent. The curve passes through all frames: a clip of this length stays unchanged.

    Attributes:
        length: number of frames of the result; 1 takes the first frame alone.
    """

    keeps_length: ClassVar[bool] = False
    portable: ClassVar[bool] = False  # it rests on sines and a product of matrices
    least: ClassVar[Mapping[str, int]] = {"length": 1}

    length: int = 10

    def apply(self, crops: Image, fps: float | None) -> Image:
        """Turn (n, H, W) crops into (length, H, W). Values are rounded and clipped to 0 to 255. One frame is repeated.

        Raises:
            DataError: there is no frame.
        """
        n = len(crops)
        if n == 0:
            raise DataError("Interpolate needs at least one frame, but the clip has none: check its onset and offset")
        frames = curve_weights(n, self.length) @ crops.reshape(n, -1).astype(np.float64)
        # Halves are frequent: without the last digits of the sum they are rounded alike everywhere.
        return np.rint(frames.round(6)).clip(0, 255).astype(np.uint8).reshape(self.length, *crops.shape[1:])


def curve_weights(n: int, length: int) -> NDArray[np.float64]:
    """Weights of n frames in each of `length` points of the curve, (length, n); rows sum to 1.

    >>> curve_weights(2, 3).round(3).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    k = np.arange(1, n)

    def curve(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sin(np.pi * k * t[:, None] + np.pi * (n - k) / (2 * n))

    samples = curve(np.arange(1, n + 1) / n)  # (n, n - 1), orthogonal columns of squared length n / 2
    return np.asarray(1 / n + curve(np.linspace(1 / n, 1, length)) @ samples.T * (2 / n))


@dataclass(frozen=True)
class Magnify(SequenceStep):
    """Eulerian video magnification (Wu et al. 2012): amplify what changes at some frequencies, and add it to the
    frames.

    Attributes:
        alpha: how much of the filtered signal is added.
        low: lowest frequency in Hz.
        high: highest frequency in Hz.
        levels: how often the frames are halved.
        pyramid: `laplacian` amplifies each level but the coarsest, for motion. `gaussian` amplifies the coarsest level only,
            for colour and the slow motion of large areas.
        filter: `ideal` keeps the frequencies of the clip's discrete Fourier transform from `low` to `high`, both included;
            a clip counts as periodic, so that a difference between its last and its first frame is amplified, too.
            `butterworth` is the causal band-pass of first order, at rest on the first frame; it has no sharp edges and works
            on clips that are shorter than a period.
        wavelength: where a level holds structures shorter than this, in pixels, alpha is lowered to lambda (1 + alpha) /
            wavelength - 1, not below 0, which keeps (1 + alpha) delta <= lambda / 8 (equation 14) for the motion delta for
            which alpha is allowed at `wavelength`. A level halved l times is taken for lambda = 4 * 2 ** l. Without meaning,
            and set to 0, for `gaussian`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("scipy",)
    portable: ClassVar[bool] = False  # it rests on OpenCV's pyramids and SciPy's filters
    least: ClassVar[Mapping[str, int]] = {"levels": 1}
    ranges: ClassVar[Mapping[str, Range]] = dict.fromkeys(
        ("alpha", "low", "high", "wavelength"),
        ("a number of at least 0", lambda value: 0 <= value < float("inf")),
    )

    alpha: float = 8.0
    low: float = 0.4
    high: float = 3.0
    levels: int = 4
    pyramid: Literal["laplacian", "gaussian"] = "laplacian"
    filter: Literal["ideal", "butterworth"] = "ideal"
    wavelength: float = 16.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.low < self.high:
            raise ConfigError(
                f"Magnify needs frequencies 0 < low < high in Hz, not low={self.low!r} and high={self.high!r}"
            )
        if self.pyramid == "gaussian":  # equal numbers have an equal identity
            object.__setattr__(self, "wavelength", 0.0)

    def apply(self, crops: Image, fps: float | None) -> Image:
        """Magnify (n, H, W) crops, rounded and clipped to 0 to 255.

        Raises:
            DataError: the frame rate is unknown or too low, the clip holds none of the frequencies, or the crops cannot be
                halved so often.
        """
        n, *size = crops.shape
        if not fps:
            raise DataError(
                "Magnify needs the frame rate of the video, which the dataset does not state: leave Magnify out, "
                "or give the dataset its frames per second"
            )
        refuse_if(
            (
                min(size) < 2**self.levels,
                f"crops of {size[0]} rows and {size[1]} columns cannot be halved {self.levels} times: give Magnify fewer levels",
            ),
            (
                self.filter == "butterworth" and self.high >= fps / 2,
                f"Magnify cannot filter up to {self.high:g} Hz at {fps:g} frames per second: choose high below {fps / 2:g}",
            ),
            (
                self.filter == "ideal" and not self._kept(n, fps).any(),
                f"Magnify finds no frequency from {self.low:g} to {self.high:g} Hz in a clip of {n} frames at {fps:g} frames per "
                f"second, which holds multiples of {fps / max(n, 1):.3g} Hz up to {fps / 2:g}: choose a wider band or the filter "
                "'butterworth'",
            ),
            error=DataError,
        )
        coarse = crops.astype(np.float32)
        laplacian = self.pyramid == "laplacian"
        levels: list[FeatureMap] = []
        for _ in range(self.levels):
            smaller = np.stack([cv2.pyrDown(frame) for frame in coarse])
            levels.append(coarse - _doubled(smaller, coarse))
            coarse = smaller
        added: FeatureMap = np.zeros_like(coarse) if laplacian else self.alpha * self._filtered(coarse, fps)
        for level, band in reversed(list(enumerate(levels))):
            added = _doubled(added, band)
            shortest = 4 * 2**level
            alpha = self.alpha
            if shortest < self.wavelength:
                alpha = max(shortest * (1 + self.alpha) / self.wavelength - 1, 0.0)
            added = added + alpha * self._filtered(band, fps) if laplacian and alpha else added
        return np.asarray(np.rint(crops + added).clip(0, 255), np.uint8)

    def _kept(self, n: int, fps: float) -> NDArray[np.bool_]:
        """Which frequencies of `n` frames lie in the band, (n // 2 + 1,)."""
        frequencies = np.fft.rfftfreq(max(n, 1), 1 / fps)
        return (self.low <= frequencies) & (frequencies <= self.high)

    def _filtered(self, signal: FeatureMap, fps: float) -> FeatureMap:
        """The band from `low` to `high` along a signal's first axis, (n, h, w)."""
        if self.filter == "butterworth":
            sos = scipy.signal.butter(1, (self.low, self.high), "bandpass", fs=fps, output="sos")
            at_rest = scipy.signal.sosfilt_zi(sos)[:, :, None, None] * signal[0]
            filtered, _ = scipy.signal.sosfilt(sos, signal, axis=0, zi=at_rest)
        else:
            spectrum = scipy.fft.rfft(signal, axis=0)
            spectrum[~self._kept(len(signal), fps)] = 0
            filtered = scipy.fft.irfft(spectrum, len(signal), axis=0)
        return np.asarray(filtered, np.float32)


def _doubled(video: FeatureMap, like: FeatureMap) -> FeatureMap:
    """A level of a pyramid, enlarged to the size of the one above."""
    height, width = like.shape[1:]
    return np.stack([cv2.pyrUp(frame, dstsize=(width, height)) for frame in video])
