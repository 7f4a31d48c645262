"""The input of usual encoders against what their public programs do to a clip, written down here with PyTorch."""

import numpy as np
import pytest
import torch

from mebench.errors import ConfigError
from mebench.features import INPUTS, EncoderInput

CLIP = np.random.default_rng(0).integers(0, 256, (2, 16, 8, 8, 3), dtype=np.uint8)
"""Two clips of 16 frames, B, G, R."""


def rgb(clip):
    return torch.from_numpy(clip[..., ::-1].copy())


def normalised(x, mean, std):
    shape = (-1, 1, 1) if x.ndim == 4 else (-1, 1, 1, 1)
    return (x - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def videomae(clip):
    """ssv2.py: T H W C to C T H W, by 255, ImageNet's mean and deviation."""
    x = rgb(clip).permute(0, 4, 1, 2, 3).float() / 255
    return normalised(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def marlin(clip):
    """model/marlin.py: each frame in RGB as C H W by 255, stacked, then C T H W."""
    return torch.stack([torch.stack([f.permute(2, 0, 1) / 255 for f in one]).permute(1, 0, 2, 3) for one in rgb(clip)])


def i3d(clip):
    """charades_dataset.py: 2 x / 255 - 1."""
    return ((rgb(clip).double() / 255) * 2 - 1).permute(0, 4, 1, 2, 3).float()


def openai_clip(clip):
    """clip.py: ToTensor and Normalize of one picture."""
    x = rgb(clip)[:, 0].permute(0, 3, 1, 2).float() / 255
    return normalised(x, [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])


def dinov2(clip):
    """transforms.py: ToTensor and Normalize of one picture."""
    return normalised(rgb(clip)[:, 0].permute(0, 3, 1, 2).float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def resnet50_face(clip):
    """vgg_face2.py: B, G, R less their means, nothing divided."""
    x = clip[:, 0].astype(np.float32) - np.array([91.4953, 103.8827, 131.0912])
    return torch.from_numpy(x.transpose(0, 3, 1, 2)).float()


@pytest.mark.parametrize("program", [videomae, marlin, i3d, openai_clip, dinov2, resnet50_face])
def test_INPUTS_equal_those_of_public_programs(program):
    wanted = INPUTS["clip" if program is openai_clip else program.__name__]
    np.testing.assert_allclose(wanted.arrange(CLIP), program(CLIP).numpy(), atol=1e-5)
    assert wanted.source


def test_EncoderInput_arranges_gray_pictures_and_frames_first():
    gray = EncoderInput(size=8, channels="gray", mean=(0.5,), std=(0.5,))
    assert gray.arrange(CLIP[:, :1, ..., 0]).shape == (2, 1, 8, 8)
    frames_first = EncoderInput(frames=16, size=8, layout="NTCHW")
    np.testing.assert_allclose(frames_first.arrange(CLIP)[1, 5, 0], CLIP[1, 5, ..., 2] / 255, atol=1e-6)


def test_with_values_brings_means_of_other_channels():
    gray = INPUTS["dinov2"].with_values({"channels": "gray", "size": 48, "scale": None})
    assert (gray.mean, gray.std, gray.size, gray.scale) == ((0.0,), (1.0,), 48, 255.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 4}, "layout=NCTHW or NTCHW, not NCHW"),
        ({"channels": "gray", "mean": (0.0,) * 3}, r"mean must have 1 numbers for gray pictures"),
        ({"std": (1.0, 0.0, 1.0)}, "std must be above 0"),
        ({"size": 1}, "method.size of at least 2"),
        ({"layout": "NHWC"}, "NHWC"),
    ],
)
def test_EncoderInput_refuses_values_that_do_not_fit(values, message):
    with pytest.raises(ConfigError, match=message):
        EncoderInput(**values)
