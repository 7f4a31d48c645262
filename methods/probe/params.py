"""Parameters of `probe`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError, check_known
from mebench.features import FaceParams
from mebench.features.built_in_encoders import BUILT_IN
from mebench.features.encoder_inputs import INPUTS, Channels, EncoderInput, Layout
from mebench.features.encoder_loading import find_source, module_of_function
from mebench.features.encoder_step import Encode, Reads
from mebench.features.faces import FaceCrop
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams, FaceParams):
    """The encoder, its input, and the head.

    Attributes:
        encoder: `dlib_face` or `fer_mini_xception`, whose weights come with packages; `torchscript` or `exported`, a file of PyTorch;
            `timm:NAME`; or `MODULE:FUNCTION`, a function that returns a torch module.
        encoder_weights: the file of the encoder's weights; a built-in encoder needs none. Results depend on its content.
        input: pictures that the encoder wants, by the name of a usual one: `videomae`, `marlin`, `dinov2`, `clip`, `i3d`,
            `resnet50_face`; null takes those of a built-in encoder, else single pictures of ImageNet's mean and deviation. The
            following settings change single values of it.
        frames: number of frames that are encoded together.
        size: width and height of a frame in pixels.
        channels: order of the colours, or `gray`.
        scale: number that gray levels (0 to 255) are divided by.
        mean: mean of each channel after that.
        std: deviation of each channel after that.
        layout: order of the axes: N inputs, C channels, T frames, H rows, W columns.
        pool: vector of an encoder that gives tokens: their `mean`, or the `first` one.
        reads: pictures of a clip: its `apex`; the `difference` of the vectors of apex and onset; or the whole `clip`. Null takes the
            difference, and the clip for an encoder of several frames.
        clip_frames: frames of a clip whose vectors are averaged, for `reads=clip` and an encoder of single pictures.
        stride: windows at every n-th frame for spotting, interpolated between; null takes a tenth of a second.
        device: device of the encoder: `cpu`, or `cuda`, whose numbers are stored by themselves.
        margin: part of the face box's width and height that is added on each side; .1 shows about what dlib's face ResNet was
            trained on.
        c: strength of the data against the penalty of weights in the logistic regression; null chooses it by cross-validation over
            training people.
        l2: penalty of weights in the ridge regression of spotting; null chooses it by cross-validation over training people.
        class_weight: `balanced` gives rare classes more weight; null weighs all clips alike.
        tune_blocks: number of last blocks of the encoder that are trained with the head, for recognition; null freezes all.
        epochs: epochs of that training, after the head alone is fitted; without effect where all is frozen.
        lr: learning rate of that training.
        batch_size: clips of one step of it.
    """

    encoder: str = "dlib_face"
    encoder_weights: Path | None = None
    input: str | None = None
    frames: int | None = None
    size: int | None = None
    channels: Channels | None = None
    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    layout: Layout | None = None
    pool: Literal["mean", "first"] = "mean"
    reads: Reads | None = None
    clip_frames: int = 8
    stride: int | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    margin: float = 0.1
    c: float | None = None
    l2: float | None = None
    class_weight: Literal["balanced"] | None = "balanced"
    tune_blocks: int | None = None
    epochs: int = 10
    lr: float = 1e-4
    batch_size: int = 16

    def __post_init__(self) -> None:
        """Check the ranges, and that encoder and input fit together."""
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("stride", "clip_frames", "tune_blocks", "epochs", "batch_size"),
            positive=("c", "l2", "lr"),
        )
        if self.input is not None:
            check_known("method.input", self.input, INPUTS, "The inputs of usual encoders")
        if self.encoder in BUILT_IN:
            self._check_built_in(BUILT_IN[self.encoder].input)
        self.encode()

    def _check_built_in(self, wanted: EncoderInput) -> None:
        """Refuse another input than that of a built-in encoder.

        Raises:
            ConfigError: one is given.
        """
        if self.encoder_input != wanted:
            raise ConfigError(
                f"method.encoder={self.encoder} has an input of its own ({wanted.size} x {wanted.size}, {wanted.channels}): leave "
                "method.input, frames, size, channels, scale, mean, std and layout out"
            )

    @property
    def pretrained(self) -> tuple[str, ...] | None:
        """Names of the data on which a built-in encoder was trained; None for one whose training nobody stated."""
        built_in = BUILT_IN.get(self.encoder)
        return None if built_in is None else built_in.trained_on

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The module of a function that makes the encoder, which folds import."""
        module = module_of_function(self.encoder)
        return () if module is None else (module,)

    @property
    def package_files(self) -> Mapping[str, Path]:
        """The file behind the encoder's name: a built-in encoder's weights, or the source of a function's module."""
        if self.user_modules:
            return {"encoder": find_source(self.user_modules[0])}
        built_in = BUILT_IN.get(self.encoder)
        place = built_in.find_weights() if built_in is not None and self.encoder_weights is None else None
        return {} if place is None else {"encoder": place}

    @property
    def encoder_input(self) -> EncoderInput:
        """The pictures that the encoder wants."""
        built_in = BUILT_IN.get(self.encoder)
        usual = INPUTS[self.input or "dinov2"] if built_in is None or self.input else built_in.input
        names = ("frames", "size", "channels", "scale", "mean", "std", "layout")
        return usual.with_values({name: getattr(self, name) for name in names})

    def crop(self) -> FaceCrop:
        """The face crop that the encoder reads."""
        wanted = self.encoder_input
        return replace(self.face(), size=wanted.size, color=wanted.reads_color)

    def encode(self, spacing: int = 1, stride: int = 1, tuned_blocks: int = 0) -> Encode:
        """The step of the encoder.

        Args:
            spacing: frames of the video from one frame of a window to the next.
            stride: windows at every n-th frame.
            tuned_blocks: number of last blocks that are left to the method.
        """
        wanted = self.encoder_input
        reads: Reads = self.reads or ("clip" if wanted.frames > 1 else "difference")
        return Encode(
            encoder=self.encoder,
            weights=None if self.encoder_weights is None else str(self.encoder_weights),
            **{
                name: getattr(wanted, name) for name in ("frames", "size", "channels", "scale", "mean", "std", "layout")
            },
            pool=self.pool,
            reads=reads,
            clip_frames=self.clip_frames,
            spacing=spacing,
            stride=stride,
            device=self.device,
            tuned_blocks=tuned_blocks,
        )
