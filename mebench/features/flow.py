"""Optical flow between face crops, without head and eye motion; strain; flow as an image."""

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Step
from mebench.core.chain import Level
from mebench.core.options import Light
from mebench.errors import ConfigError
from mebench.features.base import FeatureMap, Image, Landmarks, MapStep, VolumeStep, angle_of, resize_map
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Algorithm = Literal[
    "tvl1", "tvl1_warm", "tvl1_eps05", "tvl1_opencv", "tvl1_opencv_eps05", "farneback", "farneback_single", "dis"
]
OWN: tuple[Algorithm, ...] = ("tvl1", "tvl1_warm", "tvl1_eps05")
COLD_EVERY = 32
"""Pairs of `tvl1_warm` from one that begins with no flow to the next, the 1st, 33rd, 65th: no row depends on those before."""


@dataclass(frozen=True)
class Flow(Step):
    """Optical flow in pixels, (H, W, 2): u to the right, then v downwards.

    The algorithms are different features, never substitutes of one another.

    Attributes:
        algorithm: `tvl1` is duality-based TV-L1 (Zach et al. 2007) at OpenCV's defaults, the flow of MEAN and SOFTNet: tau .25,
            lambda .15, theta .3, 5 scales of factor .8, 5 warps, 10 outer and 30 inner iterations, median filter 5, epsilon .01;
            `tvl1_warm` is the same, but in chains of scope `frames` a pair begins with the flow of the pair before it, at the finest
            scale with 3 warps. Every 32nd pair begins with no flow and is `tvl1`'s, and so is each whose flow changes by over 1 pixel
            at more than 1 % of the pixels, such as after a cut; clips have `tvl1`'s flow;
            `tvl1_eps05` is TV-L1 (Zach et al. 2007) at the settings of `tvl1` but for an epsilon of .05, which stops it sooner;
            these three are mebench's own (`mebench.features.tvl1`), the same on every processor; `tvl1_opencv` and
            `tvl1_opencv_eps05` are OpenCV's (Zach et al. 2007), for comparison with released code;
            `farneback` is polynomial expansion (Farneback 2003) with 3 levels of factor .5, windows of 15, 5 iterations,
            neighbourhoods of 7 and sigma 1.5; `farneback_single` is polynomial expansion (Farneback 2003)
            with 1 level, windows of 15, 2 iterations, neighbourhoods of 5 and sigma 1.1; `dis` is dense inverse search (Kroeger et al.
            2016) at OpenCV's medium preset.
        k: gap in frames between the two crops of a pair (MEAN, section 3.1), for chains of scope `frames`; None for
            scope `clips`, where the pair is onset and apex.
        stride: compute the flow at every `stride`-th start frame and at the last one, and interpolate linearly between.
        light: `gain` matches the brightness of the second crop to the first, see `match_brightness`: a lamp that flickers by 6 %
            is 3 to 4 pixels of TV-L1's flow without it; `none` takes the crops unchanged.
        second: a longer gap than k, for chains of scope `frames`: the map steps then see the flow from the same frame over both
            gaps, (H, W, 4); each is stored by itself.
    """

    output_unit: ClassVar[str] = "pixels of the crop"
    version: ClassVar[int] = 2  # from 1: TV-L1 of mebench's own
    level: ClassVar[Level] = "pair"
    least: ClassVar[Mapping[str, int]] = {"k": 1, "stride": 1, "second": 1}

    algorithm: Algorithm = "tvl1"
    k: int | None = None
    stride: int = 1
    second: int | None = None
    light: Light = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.second is not None and (self.k is None or self.second <= self.k):
            raise ConfigError(f"second of Flow must be a longer gap than k, {self.k}, not {self.second}")

    @property
    def idle(self) -> Set[str]:
        """Parameters without effect: the second gap if there is none, the light if it stays."""
        without_effect = {"second": self.second is None, "light": self.light == "none"}
        return frozenset(name for name, is_idle in without_effect.items() if is_idle)

    @property
    def gaps(self) -> tuple["Flow", ...]:
        """One flow step for each gap."""
        if self.second is None:
            return (self,)
        return replace(self, second=None), replace(self, k=self.second, second=None)

    @property
    def portable(self) -> bool:
        """For mebench's own TV-L1."""
        return self.algorithm in OWN

    def pair(self, a: Image, b: Image) -> FeatureMap:
        """Flow from crop `a` to crop `b`, both (H, W) uint8: (H, W, 2) float32."""
        return self._calculator()(a, b)

    def between(self, images: Image, onset: int, apex: int) -> FeatureMap:
        """Flow from frame `onset` to frame `apex` of (n, H, W) crops; exactly zero if they are the same frame."""
        return np.zeros((*images.shape[1:], 2), np.float32) if onset == apex else self.pair(images[onset], images[apex])

    def maps(self, images: Iterable[Image]) -> Iterator[FeatureMap]:
        """Flow from each frame i to frame i + k, one by one. The crops are (H, W) each; i is below n - k.

        Each is yielded as soon as its crops are available, so that they may come from a camera. A video of k frames or
        fewer yields nothing.
        """
        if self.k is None:
            raise ValueError("Flow.maps needs a gap k")
        calculate = self._calculator()
        recent: deque[Image] = deque(maxlen=self.k + 1)
        n_pairs = 0
        computed: FeatureMap | None = None
        for image in images:
            recent.append(image)
            if len(recent) <= self.k:
                continue
            is_due = n_pairs % self.stride == 0
            n_pairs += 1
            if not is_due:
                continue
            flow = calculate(recent[0], image)
            if computed is None:
                yield flow
            else:
                yield from _flows_up_to(flow, computed, self.stride)
            computed = flow
        n_pairs_left = (n_pairs - 1) % self.stride
        if computed is not None and n_pairs_left > 0:
            yield from _flows_up_to(calculate(recent[0], recent[-1]), computed, n_pairs_left)

    def _calculator(self) -> Callable[[Image, Image], FeatureMap]:
        """A function from two crops to their flow. It matches their brightness first if the light asks for it."""
        calculate = make_calculator(self.algorithm)
        if self.light == "none":
            return calculate
        return lambda a, b: calculate(a, match_brightness(a, b))


GAINS = (0.5, 2.0)
"""Gains of brightness that a lamp may cause between two frames; a fit outside is of other pictures."""
LIGHT_ROUNDS = 3
"""Fits of gain and offset; before each but the first, the fifth of the pixels that fits worst is left out."""
KEPT_SHARE = 0.8


def match_brightness(a: Image, b: Image) -> Image:
    """Crop `b` in the light of crop `a`, both (H, W) uint8: gain and offset by least squares.

    Every second pixel of every second row counts. What moves between the crops fits worst and is left out. `b` stays
    unchanged if it is flat, as black frames are, or if no lamp explains the gain.
    """
    before = a[::2, ::2].ravel().astype(np.int64)
    after = b[::2, ::2].ravel().astype(np.int64)
    n_kept = max(int(KEPT_SHARE * len(after)), 2)
    kept = np.ones(len(after), np.bool_)
    gain = 1.0
    offset = 0.0
    for _ in range(LIGHT_ROUNDS):
        fitted = _fit_line(after[kept], before[kept])
        if fitted is None:
            return b
        gain, offset = fitted
        misfit = np.abs(gain * after + offset - before)
        kept = misfit <= np.partition(misfit, n_kept - 1)[n_kept - 1]
    if not GAINS[0] <= gain <= GAINS[1]:
        return b
    grey_levels = np.rint(gain * np.arange(256) + offset).clip(0, 255).astype(np.uint8)
    return np.asarray(grey_levels[b])


def _fit_line(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, float] | None:
    """Slope and intercept of the least squares line of y over x; None if x hardly varies.

    Sums of whole numbers are exact, so that every processor gives the same line.
    """
    n = len(x)
    sum_x = int(x.sum())
    sum_y = int(y.sum())
    spread = n * int((x * x).sum()) - sum_x * sum_x
    if spread < n * n:  # a variance below one grey level
        return None
    slope = (n * int((x * y).sum()) - sum_x * sum_y) / spread
    return slope, (sum_y - slope * sum_x) / n


@dataclass(frozen=True)
class FlowVolume(VolumeStep):
    """A step from the crops of a clip to a feature of their flow.

    Attributes:
        flow: algorithm, see `Flow`.
    """

    flow: Algorithm = field(default="tvl1", kw_only=True)

    @property
    def portable(self) -> bool:
        """As the flow is."""
        return Flow(self.flow).portable

    def identity(self) -> dict[str, object]:
        """With the version of the flow."""
        return super().identity() | {"flow_version": Flow.version}


def _flows_up_to(flow: FeatureMap, before: FeatureMap, n_frames: int) -> Iterator[FeatureMap]:
    """The flows after `before` up to `flow`, `n_frames` later, linearly interpolated between them."""
    for i in range(1, n_frames):
        part = np.float32(i / n_frames)
        yield (1 - part) * before + part * flow
    yield flow


def make_calculator(algorithm: Algorithm) -> Callable[[Image, Image], FeatureMap]:
    """A function from two crops to their flow, called in the video's order; not thread-safe."""
    epsilon = 0.05 if algorithm.endswith("_eps05") else 0.01
    if algorithm in OWN:
        from mebench.features.tvl1 import tvl1

        pair_numbers = itertools.count()
        flow_before: FeatureMap | None = None

        def calculate(a: Image, b: Image) -> FeatureMap:
            nonlocal flow_before
            begins_without_flow = algorithm != "tvl1_warm" or next(pair_numbers) % COLD_EVERY == 0
            flow_before = tvl1(a, b, epsilon, None if begins_without_flow else flow_before)
            return flow_before

        return calculate
    if algorithm.startswith("farneback"):
        levels, iterations, poly_n, poly_sigma = (3, 5, 7, 1.5) if algorithm == "farneback" else (1, 2, 5, 1.1)
        return lambda a, b: cv2.calcOpticalFlowFarneback(
            a,
            b,
            None,
            pyr_scale=0.5,
            levels=levels,
            winsize=15,
            iterations=iterations,
            poly_n=poly_n,
            poly_sigma=poly_sigma,
            flags=0,
        )
    if algorithm == "dis":
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        return lambda a, b: dis.calc(a, b, None)
    theirs = cv2.optflow.DualTVL1OpticalFlow.create(epsilon=epsilon)
    return lambda a, b: theirs.calc(a, b, None)


Outline = Literal["distance", "released_code"]
NOSE_BRIDGE = 28
EYES = slice(36, 48)
"""Six points around the eye on the left of the image, then six around the other."""
_THEN = "choose a setting of the method without it, or give the dataset landmarks"


@dataclass(frozen=True)
class RemoveNoseMotion(MapStep):
    """Subtract the nose bridge's motion from u and v (SOFTNet, Liong et al. 2021).

    That motion, taken for the head's, is the mean of u and of v over a square around landmark 28, counted from 0: the second point down the
    nose bridge. The square is clamped to the map.

    Attributes:
        patch: width and height of the square in pixels.
        variant: `paper`: channels after u and v stay, since strain does not see a translation. `released_code`, the
            published program of SOFTNet: all channels lose their mean over the square, strain too, and u and v are then
            taken without their signs.
    """

    needs_landmarks: ClassVar[bool] = True
    least: ClassVar[Mapping[str, int]] = {"patch": 1}

    patch: int = 11
    variant: Literal["paper", "released_code"] = "paper"

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Subtract the nose's mean from the channels of an (H, W, C) map. C is at least 2, and the first two are u
        and v.
        """
        points = self.landmarks_from(landmarks, _THEN)
        height, width = x.shape[:2]
        nose_x, nose_y = points[NOSE_BRIDGE]
        column = min(max(round(float(nose_x)), 0), width - 1)
        row = min(max(round(float(nose_y)), 0), height - 1)
        before = self.patch // 2
        after = self.patch - before
        n_channels = 2 if self.variant == "paper" else x.shape[-1]
        square = x[max(row - before, 0) : row + after, max(column - before, 0) : column + after, :n_channels]
        moved = x.copy()
        for channel, mean in enumerate(square.mean(axis=(0, 1))):
            moved[..., channel] -= mean
        if self.variant == "released_code":
            np.abs(moved[..., :2], out=moved[..., :2])
        return moved


@dataclass(frozen=True)
class MaskEyes(MapStep):
    """Set all channels to 0 in and around the eyes. A blink is then no expression (SOFTNet, Liong et al. 2021).

    An eye is the polygon of landmarks 36 to 41 or 42 to 47, counted from 0.

    Attributes:
        margin: pixels around the eye that are set to 0, too.
        outline: `distance`: those within `margin` pixels of the eye. `released_code`, the published program of SOFTNet: those
            in the hexagon of the landmarks, the ends of the eye moved `margin` pixels to the sides, the points of the upper
            lid up, those of the lower lid down, all clamped to the map.
    """

    needs_landmarks: ClassVar[bool] = True
    least: ClassVar[Mapping[str, int]] = {"margin": 0}

    margin: int = 15
    outline: Outline = "distance"

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Mask an (H, W, C) map."""
        eyes = self.landmarks_from(landmarks, _THEN)[EYES].astype(np.float64)
        masked = x.copy()
        masked[_mask(self.outline, self.margin, eyes.tobytes(), *x.shape[:2])] = 0
        return masked


@functools.lru_cache(maxsize=8)  # the landmarks are those of a video, the maps come one by one
def _mask(outline: Outline, margin: int, points: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """The masked pixels of an (H, W) map; `points` are the bytes of (2, 6, 2) float64, (x, y) of each eye."""
    eyes = np.frombuffer(points).reshape(2, 6, 2)
    if outline == "released_code":
        # Corners of an eye move outwards, points of the lids up and down, in the order of the six landmarks.
        outwards = margin * np.array([(-1, 0), (0, -1), (0, -1), (1, 0), (0, 1), (0, 1)])
        hexagons = np.zeros((height, width), np.uint8)
        for eye in eyes:
            cv2.fillPoly(hexagons, [(np.rint(eye) + outwards).clip(0, (width, height)).astype(np.int32)], 1)
        return hexagons.astype(np.bool_)
    # A frame of `margin` pixels keeps the part of an eye outside the map whose surroundings reach into it.
    not_eye = np.ones((height + 2 * margin, width + 2 * margin), np.uint8)
    for eye in eyes:
        cv2.fillPoly(not_eye, [np.rint(eye + margin).astype(np.int32)], 0)
    if not_eye.all():
        return np.zeros((height, width), np.bool_)
    away = cv2.distanceTransform(not_eye, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[margin:, margin:][:height, :width]
    # Squares are whole numbers: their roots are rounded in many ways.
    return np.asarray(np.rint(away.astype(np.float64) ** 2) <= margin**2)


Difference = Literal["backward", "forward", "central"]


@dataclass(frozen=True)
class Strain(MapStep):
    """Append the optical strain to u and v. It is sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2) (MEAN, equation 3).

    Attributes:
        difference: how a derivative is taken. `backward` is f(x) - f(x - 1), as in the published program of MEAN, and the
            strain is 0 in the first row and column, where it is undefined; that program takes 0 for the undefined derivatives
            alone, so its first row and column keep the others: sqrt(u_x^2 + v_x^2 / 2) and sqrt(v_y^2 + u_y^2 / 2).
            `forward` is f(x + 1) - f(x), and the strain repeats its neighbours in the last row and column (the published
            program of SOFTNet). `central` is (f(x + 1) - f(x - 1)) / 2, one-sided at the border.
    """

    output_unit: ClassVar[str] = "pixels; strain has none"
    difference: Difference = "backward"

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Append the strain to an (H, W, 2) map of u and v in pixels: (H, W, 3)."""
        u = x[..., 0]
        v = x[..., 1]
        if self.difference == "central":
            uy, ux = np.gradient(u)
            vy, vx = np.gradient(v)
        else:
            # A difference across lacks a column and one down lacks a row: both are cut to the pixels where the other exists.
            defined = slice(1, None) if self.difference == "backward" else slice(None, -1)
            ux = np.diff(u, axis=1)[defined]
            vx = np.diff(v, axis=1)[defined]
            uy = np.diff(u, axis=0)[:, defined]
            vy = np.diff(v, axis=0)[:, defined]
        strain = np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2)
        if self.difference == "backward":
            strain = np.pad(strain, (1, 0))
        elif self.difference == "forward":
            strain = np.pad(strain, (0, 1), mode="edge")
        return np.concatenate([x, strain[..., None]], axis=-1)


@dataclass(frozen=True)
class FlowImage(MapStep):
    """(u, v, strain) as an image (size, size, 3). Its values are 0 to 255, its channels strain, v, u.

    That is the order in which OpenCV reads the images published with STSTNet (Liong et al. 2019). As in each of those, a
    channel goes from its minimum (0) to its maximum (255). A map without motion is 127.5 in both flow channels and 0 in the
    strain.

    Attributes:
        size: width and height of the image in pixels.
    """

    output_unit: ClassVar[str] = "0 to 255 in each channel"
    version: ClassVar[int] = 2  # from 1: resized by mebench itself
    least: ClassVar[Mapping[str, int]] = {"size": 1}

    size: int = 28

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Encode an (H, W, 3) map of u, v and strain.

        Raises:
            ConfigError: the map has not three channels.
        """
        if x.shape[-1] != 3:
            raise ConfigError(f"FlowImage takes the channels u, v, strain, not {x.shape[-1]}: put Strain before it")
        u, v, strain = np.moveaxis(resize_map(x, self.size, self.size, smooth=True), -1, 0)
        return np.stack([_stretch(strain, 0), _stretch(v, 127.5), _stretch(u, 127.5)], axis=-1)


@dataclass(frozen=True)
class FlowDirection(MapStep):
    """The direction of a `FlowImage` as a hue, (H, W, 3). Its values are 0 to 255 in the order blue, green, red.

    The angle is that of the image's (u, v), from 0 to 255 each, so it lies between 0 and 90 degrees, also without
    motion. Half of it, rounded down, is the hue in OpenCV's 8 bits, of full saturation and brightness: red for 0, over
    yellow, to yellow-green for 90 degrees. The pictures published with CausalNet (Zhang, Tang and Chen 2025) equal
    those of the flow pictures beside them, except for one pixel in a thousand: their program rounds the flow after it
    takes the angle.
    """

    output_unit: ClassVar[str] = "0 to 255: blue, green, red"
    portable: ClassVar[bool] = False  # OpenCV's colours are rounded by the processor

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Encode an (H, W, 3) map of strain, v and u.

        Raises:
            ConfigError: the map has not three channels.
        """
        if x.shape[-1] != 3:
            raise ConfigError(
                f"FlowDirection takes the channels strain, v, u, not {x.shape[-1]}: put FlowImage before it"
            )
        hue = np.degrees(angle_of(x[..., 1], x[..., 2])) / 2
        picture = np.full(x.shape, 255, np.uint8)
        picture[..., 0] = hue
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_HSV2BGR), np.float32)


def _stretch(channel: FeatureMap, constant: float) -> FeatureMap:
    """Scale to 0 at the minimum and 255 at the maximum; `constant` everywhere if they are equal."""
    low, high = channel.min(), channel.max()
    if low == high:
        return np.full_like(channel, constant)
    return np.asarray(255 * ((channel - low) / (high - low)))
