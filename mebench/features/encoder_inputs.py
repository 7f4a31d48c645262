"""The pictures that an encoder wants: their number, size, channels, scale and normalisation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import check_choices
from mebench.errors import ConfigError

Channels = Literal["rgb", "bgr", "gray"]
Layout = Literal["NCHW", "NCTHW", "NTCHW"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EncoderInput:
    """The input of one encoder.

    Attributes:
        frames: number of frames that are encoded together: 1 for an encoder of pictures.
        size: width and height of a frame in pixels.
        channels: order of the colours, or `gray`.
        scale: number that gray levels (0 to 255) are divided by, before mean and deviation.
        mean: mean of each channel, which is subtracted.
        std: deviation of each channel, by which the rest is divided.
        layout: order of the axes: N inputs, T frames, C channels, H rows, W columns. Without T there is one frame.
        source: public program that the values come from.
    """

    frames: int = 1
    size: int = 224
    channels: Channels = "rgb"
    scale: float = 255.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    layout: Layout = "NCHW"
    source: str = ""

    def __post_init__(self) -> None:
        """Check that the values fit together.

        Raises:
            ConfigError: they do not.
        """
        check_choices(self)
        n_channels = 1 if self.channels == "gray" else 3
        if min(self.frames, self.size - 1) < 1:
            raise ConfigError(
                f"an encoder needs method.frames of at least 1 and method.size of at least 2, not {self.frames} and {self.size}"
            )
        if self.frames > 1 and "T" not in self.layout:
            raise ConfigError(
                f"{self.frames} frames need a layout with an axis for them: method.layout=NCTHW or NTCHW, not {self.layout}"
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != n_channels:
                raise ConfigError(
                    f"method.{name} must have {n_channels} numbers for {self.channels} pictures, not {list(values)}"
                )
        if not self.scale > 0 or min(self.std) <= 0:
            raise ConfigError(f"method.scale and method.std must be above 0, not {self.scale} and {list(self.std)}")

    @property
    def reads_color(self) -> bool:
        """Whether the pictures are in colour."""
        return self.channels != "gray"

    def with_values(self, values: Mapping[str, Any]) -> "EncoderInput":
        """The input with other values; None keeps one, and other channels bring a mean of 0 and a deviation of 1."""
        given = {name: value for name, value in values.items() if value is not None}
        if (given.get("channels", self.channels) == "gray") != (self.channels == "gray"):
            n_channels = 1 if given["channels"] == "gray" else 3
            given = {"mean": (0.0,) * n_channels, "std": (1.0,) * n_channels} | given
        return replace(self, **given)

    def arrange(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures as the encoder reads them.

        Args:
            pictures: (n, frames, H, W, 3) uint8, B, G, R; (n, frames, H, W) for gray ones.

        Returns:
            The axes of `layout`, float32.
        """
        if self.channels == "gray":
            pictures = pictures[..., None]
        elif self.channels == "rgb":
            pictures = pictures[..., ::-1]
        scaled = pictures.astype(np.float32) / np.float32(self.scale)
        x = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        axes = {"N": 0, "T": 1, "H": 2, "W": 3, "C": 4}
        if "T" in self.layout:
            return np.ascontiguousarray(x.transpose([axes[axis] for axis in self.layout]))
        return np.ascontiguousarray(x[:, 0].transpose(0, 3, 1, 2))


INPUTS: Mapping[str, EncoderInput] = {
    "videomae": EncoderInput(
        frames=16, mean=IMAGENET_MEAN, std=IMAGENET_STD, layout="NCTHW", source="MCG-NJU/VideoMAE, ssv2.py"
    ),
    "marlin": EncoderInput(frames=16, layout="NCTHW", source="marlin_pytorch 0.3.4, model/marlin.py"),
    "dinov2": EncoderInput(
        mean=IMAGENET_MEAN, std=IMAGENET_STD, source="facebookresearch/dinov2, dinov2/data/transforms.py"
    ),
    "clip": EncoderInput(
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
        source="openai/CLIP, clip/clip.py",
    ),
    "i3d": EncoderInput(
        frames=64,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        layout="NCTHW",
        source="piergiaj/pytorch-i3d, charades_dataset.py: 2 x / 255 - 1",
    ),
    "resnet50_face": EncoderInput(
        channels="bgr",
        scale=1.0,
        mean=(91.4953, 103.8827, 131.0912),
        source="cydonia999/VGGFace2-pytorch, datasets/vgg_face2.py",
    ),
}
"""The inputs of usual encoders by name. The face crop replaces their resizing and cropping."""
