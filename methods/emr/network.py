"""The network of the public program: a ResNet-18, one head for each half of the face, and a discriminator of domains."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (64, 64, 128, 256, 512)
HIDDEN = 64
SEEN = 7 / 8
"""Part of a picture's width and height that the network sees: 224 of 256 pixels."""
TURN = 10.0
"""Degrees by which a training picture is turned at most."""
JITTER = 0.2
"""By which brightness and contrast of a training picture change at most."""


class Block(nn.Module):
    """Two normalised convolutions 3x3 with a shortcut, under the names of torchvision."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        step = 1 if channels == filters else 2
        self.conv1, self.bn1 = nn.Conv2d(channels, filters, 3, step, padding=1, bias=False), nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters)
        self.downsample: nn.Module = nn.Identity()
        if step == 2:
            self.downsample = nn.Sequential(nn.Conv2d(channels, filters, 1, step, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, H, W), or half the height and width where filters change."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class ResNet18(nn.Module):
    """ResNet (He et al., CVPR 2016) of 18 layers without its linear layer, 11,176,512 numbers.

    Shape: (N, 3, 224, 224) to (N, 512, 7, 7).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, WIDTHS[0], 7, 2, padding=3, bias=False), nn.BatchNorm2d(WIDTHS[0])
        for level, (channels, filters) in enumerate(pairwise(WIDTHS), start=1):
            self.add_module(f"layer{level}", nn.Sequential(Block(channels, filters), Block(filters, filters)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """The maps of the last block."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        for level in range(1, len(WIDTHS)):
            x = self.get_submodule(f"layer{level}")(x)
        return x


class Answers(NamedTuple):
    """Class scores (N, classes) of the whole face and of its halves, and the 128 numbers (N, 128) that the first come from."""

    whole: Tensor
    top: Tensor
    bottom: Tensor
    features: Tensor


class HalvesNetwork(nn.Module):
    """The mean of the upper three and of the lower four of seven rows, each by a layer of its own, and three answers.

    With three classes 11,253,322 numbers, the discriminator of domains included.

    Args:
        classes: how many.
        size: width and height in pixels of what the network sees.

    Shape: pictures (N, 1, H, W), 0 to 255, to (N, classes), raw class scores of the middle of the picture.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.resnet = ResNet18()
        self.top, self.bottom = (
            nn.Sequential(nn.Linear(WIDTHS[-1], HIDDEN), nn.Tanh(), nn.Dropout(0.1)) for _ in range(2)
        )
        self.answer, self.answer_top, self.answer_bottom = (nn.Linear(n * HIDDEN, classes) for n in (2, 1, 1))
        self.domain = nn.Sequential(
            *(nn.Linear(2 * HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(HIDDEN, HIDDEN // 2), nn.ReLU(), nn.Dropout()),
            nn.Linear(HIDDEN // 2, 1),
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)

    @property
    def clipped(self) -> tuple[nn.Module, ...]:
        """The parts whose gradients are each shortened to a norm; the discriminator's are not."""
        return self.resnet, self.top, self.bottom, self.answer, self.answer_top, self.answer_bottom

    def forward(self, pictures: Tensor) -> Tensor:
        """Class scores of the middle of each picture."""
        return self.answers(seen(pictures, self.size)).whole

    def answers(self, x: Tensor) -> Answers:
        """All answers of what is seen, (N, 1, size, size) from -1 to 1."""
        maps = self.resnet(x.expand(-1, 3, -1, -1))
        rows = maps.shape[2] // 2
        top, bottom = self.top(maps[:, :, :rows].mean((2, 3))), self.bottom(maps[:, :, rows:].mean((2, 3)))
        features = torch.cat([top, bottom], dim=1)
        return Answers(self.answer(features), self.answer_top(top), self.answer_bottom(bottom), features)


def seen(pictures: Tensor, size: int, changed: bool = False) -> Tensor:
    """The middle of each picture, or with `changed` a part at random, turned, brighter or darker, with more or less contrast.

    Args:
        pictures: (N, 1, H, W), 0 to 255.
        size: width and height of the result in pixels.
        changed: draw from torch's generator. What lies outside the picture is black.

    Returns:
        (N, 1, size, size), from -1 to 1.
    """
    n, x = len(pictures), pictures / 255
    turn, shift = torch.zeros(n, device=x.device), torch.zeros(n, 2, device=x.device)
    if changed:
        turn = (2 * torch.rand_like(turn) - 1) * torch.pi * TURN / 180
        shift = (2 * torch.rand_like(shift) - 1) * (1 - SEEN)
    rotation = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], 1).view(n, 2, 2)
    place = torch.cat([rotation * SEEN, rotation @ shift[:, :, None]], dim=2)
    x = F.grid_sample(x, F.affine_grid(place, [n, 1, size, size], align_corners=False), align_corners=False)
    if changed:
        brighter, stronger = 1 + JITTER * (2 * torch.rand(2, n, 1, 1, 1, device=x.device) - 1)
        x = (x * brighter).clamp(max=1)
        mean = x.mean((2, 3), keepdim=True)
        x = (mean + stronger * (x - mean)).clamp(0, 1)
    return 2 * x - 1


def of_resnet18(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a ResNet-18 under torchvision's names, without its linear layer; also those of the program's file
    (`features_4_0_conv1`), and of a network that was trained on several devices (`module.conv1`).
    """
    named = {"features_0": "conv1", "features_1": "bn1"}

    def usual(name: str) -> str:
        layer, dot, kind = name.removeprefix("module.").rpartition(".")
        if block := re.fullmatch(r"features_(\d)_(\d)_(\w+)", layer):
            level, number, part = block.groups()
            layer = f"layer{int(level) - 3}.{number}.{re.sub(r'_(?=[01]$)', '.', part)}"
        return f"{named.get(layer, layer)}{dot}{kind}"

    every = {usual(name): value for name, value in weights.items()}
    return {name: value for name, value in every.items() if not name.startswith(("fc.", "classifier_0."))}
