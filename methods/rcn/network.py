"""The networks of Xia et al. (IEEE TIP 2020), as in the authors' program, without the layers that it builds and never
uses.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TINY = 1e-12


def _normed(channels: int, filters: int, size: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, filters, size, padding=size // 2), nn.BatchNorm2d(filters), nn.ReLU())


def _wide(filters: int, dilation: int, stride: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, filters, 3, stride, padding=dilation, dilation=dilation), nn.ReLU(), nn.BatchNorm2d(filters)
    )


class Recurrent(nn.Module):
    """A convolution 1x1, and one of 3x3 with its normalisation that is applied twice, the input added each time."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.forward_conv, self.recurrent_conv = _normed(filters, filters, 1), _normed(filters, filters, 3)
        self.down = nn.Sequential(nn.MaxPool2d(2), nn.Dropout())

    def forward(self, x: Tensor) -> Tensor:
        """(N, filters, H, W) to half the height and width."""
        y = self.forward_conv(x)
        for _ in range(2):
            y = self.recurrent_conv(x + y)
        halved: Tensor = self.down(y)
        return halved


class Dense(Recurrent):
    """The same, applied thrice, and each time all that was before is added.

    The authors' program builds one more convolution 3x3 with its normalisation, 9,312 numbers of 32 maps, and never uses it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, filters, H, W) to half the height and width."""
        return self._shortcuts(x, self.forward_conv(x))

    def _shortcuts(self, x: Tensor, y: Tensor) -> Tensor:
        total = x + y
        for _ in range(2):
            total = total + self.recurrent_conv(total)
        halved: Tensor = self.down(self.recurrent_conv(total))
        return halved


class Embedding(Dense):
    """Shortcuts behind an attention to the block's input."""

    def attend(self, x: Tensor, weights: Tensor, pool: int) -> Tensor:
        """(N, filters, H, W) and the classifier's weights to half the height and width."""
        y = self.forward_conv(x)
        map_ = attention(F.adaptive_avg_pool2d(x, pool), weights)
        return self._shortcuts(x, F.interpolate(map_, y.shape[2:]) * y)


def attention(x: Tensor, weights: Tensor) -> Tensor:
    """Mean over the classes of their activation maps, each from 0 to 1; 0 for a constant map (0/0).

    Args:
        x: (N, channels, p, p).
        weights: of the classifier, (classes, filters, p, p); of several filters for one channel each their mean.

    Returns:
        (N, 1, p, p).
    """
    if weights.shape[1] != x.shape[1]:
        weights = weights.mean(dim=1, keepdim=True)
    maps = (weights[None] * x[:, None]).mean(dim=2)
    maps = maps - maps.amin((2, 3), keepdim=True)
    return (maps / maps.amax((2, 3), keepdim=True).clamp_min(TINY)).mean(dim=1, keepdim=True)


class Rcn(nn.Module):
    """A shallow network on one picture of three channels.

    With 32 maps, pooling to 5 and three classes it learns 15,331 numbers as `a`, 15,331 as `s`, 13,795 as `w`, as `p` and as `c`, and
    13,555 as `f`. The authors' program counts 24,643 as `s`, 33,539 as `p` and as `c` and 13,795 as `f`, for blocks that it builds and
    never uses; as `p` and as `f` it stops with a NameError, since a class is called by another name than its own.

    Args:
        variant: which.
        classes: how many.
        filters: feature maps of every layer.
        pool: height and width of the last map.

    Shape: (N, 3, 28, 28) to (N, classes), raw class scores.
    """

    def __init__(self, variant: str, classes: int, filters: int = 32, pool: int = 5) -> None:
        super().__init__()
        self.variant, self.pool = variant, pool
        half, quarter = filters // 2, filters // 4
        self.streams: nn.ModuleList = nn.ModuleList()
        if variant in "as":
            first = nn.Sequential(nn.Conv2d(3, filters, 5), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2))
            self.streams = nn.ModuleList([first])
        elif variant == "p":
            pooled = nn.MaxPool2d(3, 3, padding=1)
            self.streams = nn.ModuleList(nn.Sequential(_wide(half, d, stride=1), pooled) for d in (1, 3))
        else:  # the program of `f` shows its second stream twice
            self.streams = nn.ModuleList(
                [_wide(half, 1), _wide(quarter, 2), *([] if variant == "f" else [_wide(quarter, 3)])]
            )
        self.dropout = nn.Dropout()
        blocks = {"a": Recurrent, "w": Recurrent, "s": Dense, "p": Dense, "c": Dense, "f": Embedding}
        self.block: Recurrent = blocks[variant](filters)
        self.classifier = nn.Linear(pool * pool * filters, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.classifier.weight, 0, 0.01)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        weights = self.classifier.weight.view(len(self.classifier.weight), -1, self.pool, self.pool)
        seen = attention(self._pooled(x), weights) if self.variant == "c" else None
        x = torch.cat([self.dropout(self.streams[place](x)) for place in self._places()], dim=1)
        if seen is not None:
            x = F.interpolate(seen, x.shape[2:]) * x
        block = self.block
        y = self._pooled(block.attend(x, weights, self.pool) if isinstance(block, Embedding) else block(x))
        if self.variant in "ap":
            y = y * attention(self._pooled(x), weights)
        scores: Tensor = self.classifier(y.flatten(1))
        return scores

    def _places(self) -> list[int]:
        return [0, 1, 1] if self.variant == "f" else list(range(len(self.streams)))

    def _pooled(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.pool)
