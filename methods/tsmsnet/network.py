"""The two networks of TSMSNet."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE = 42
LONG_SEGMENT = 15
"""Maps from which on the convolutions along time halve a segment; three of them need as many."""


def conv(before: int, after: int, size: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """A convolution without bias, normalised and rectified."""
    layer = nn.Conv2d(before, after, size, stride, padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU())


class FrameNetwork(nn.Module):
    """Three streams of growing depth, for horizontal flow, vertical flow and strain; then three over all, weighed
    channel by channel.

    59,343 numbers: 9, 250 and 1,208 of the first streams, 288, 2,624 and 4,960 of the second ones, 339 of the weights of channels, 49,665
    of the dense layers; running statistics are not counted.

    Args:
        outputs: numbers to answer; the weights are counted for one.

    Shape: (N, 3, 42, 42) to (N, outputs), the scores themselves.
    """

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.horizontal = nn.Sequential(nn.AvgPool2d(3, 3, 1), conv(1, 3, 1))
        self.vertical = nn.Sequential(conv(1, 5, 1), conv(5, 5, 3, 3, 1))
        self.strain = nn.Sequential(conv(1, 8, 1), conv(8, 8, 3, 1, 1), conv(8, 8, 3, 3, 1))
        self.shallow = nn.Sequential(nn.AvgPool2d(3, 3, 1), conv(16, 16, 1))
        self.middle = nn.Sequential(conv(16, 16, 1), conv(16, 16, 3, 3, 1))
        self.deep = nn.Sequential(conv(16, 16, 1), conv(16, 16, 3, 1, 1), conv(16, 16, 3, 3, 1))
        self.squeeze, self.excite = nn.Conv2d(48, 3, 1), nn.Conv2d(3, 48, 1)
        self.dense, self.out = nn.Linear(48 * 2 * 2, 256), nn.Linear(256, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a batch."""
        streams = (self.horizontal, self.vertical, self.strain)
        first = torch.cat([stream(x[:, i : i + 1]) for i, stream in enumerate(streams)], dim=1)
        maps = torch.cat([stream(first) for stream in (self.shallow, self.middle, self.deep)], dim=1)
        weights = torch.relu(self.squeeze(maps.mean((2, 3), keepdim=True)))
        maps = maps * torch.sigmoid(self.excite(weights))
        scores: Tensor = self.out(self.dense(F.max_pool2d(maps, 2).flatten(1)))
        return scores


class SegmentNetwork(nn.Module):
    """Convolutions over each map of a segment, then three along time, then two dense layers.

    137,842 numbers for segments of 16 or 21 maps, 153,490 for 6, 243,986 for 114; running statistics are not counted.

    Args:
        length: maps of a segment, at least 3. From `LONG_SEGMENT` on each convolution along time takes every second place, as the
            public code does for 16, 21 and 114; shorter ones take all, as for 6.

    Shape: (N, length, 3, 42, 42) to (N, 2): no, yes.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            conv(3, 16, 3), conv(16, 16, 3, 2), conv(16, 16, 3), conv(16, 16, 3, 2), nn.AvgPool2d(2)
        )
        stride, paddings = (2, (0, 0, 0)) if length >= LONG_SEGMENT else (1, (1, 1, 0))
        sizes = (256, 128, 64, 32)
        along: list[nn.Module] = []
        for before, after, padding in zip(sizes, sizes[1:], paddings):
            along += [nn.Conv1d(before, after, 3, stride, padding), nn.ReLU()]
            length = (length + 2 * padding - 3) // stride + 1
        self.along = nn.Sequential(*along)
        flat = 32 * length
        hidden = min(flat, 256)
        self.dense, self.out = nn.Linear(flat, hidden), nn.Linear(hidden, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Two raw numbers of each segment."""
        n, length = x.shape[:2]
        maps = self.maps(x.flatten(0, 1)).reshape(n, length, -1).transpose(1, 2)
        answers: Tensor = self.out(torch.relu(self.dense(self.along(maps).flatten(1))))
        return answers


SCORING = dict(zip(("branch1", "branch2", "branch3"), ("horizontal", "vertical", "strain")))
SCORING |= dict(zip(("branch4", "branch5", "branch6"), ("shallow", "middle", "deep")))
SCORING |= {"fc1": "dense", "fc2": "out", "se_fc1": "squeeze", "se_fc2": "excite"}
JOINING = {"branch1.0": "maps.0", "branch1.1": "maps.1", "branch4.0": "maps.2", "branch4.1": "maps.3"}
JOINING |= {"conv1d_1": "along.0", "conv1d_2": "along.2", "conv1d_3": "along.4", "fc1": "dense", "fc2": "out"}
"""Parts of the authors' two networks and their names here."""


def of_authors(weights: Mapping[str, Tensor], parts: Mapping[str, str]) -> dict[str, Tensor]:
    """The weights of one of the authors' networks under its names here; other weights unchanged."""
    found = {}
    for name, tensor in weights.items():
        plain = name.replace(".seq.", ".")
        part = next((part for part in parts if plain.startswith(f"{part}.")), "")
        found[parts[part] + plain.removeprefix(part) if part else plain] = tensor
    return found
