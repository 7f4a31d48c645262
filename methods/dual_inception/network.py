"""The network of Dual-Inception (Zhou, Mao and Xue, FG 2019), as in the authors' Keras program."""

import torch
from torch import Tensor, nn

FILTERS, HIDDEN = (6, 16), 1024


def _branch(channels: int, filters: int, size: int) -> nn.Sequential:
    """A convolution 1x1, and behind it one of `size` x `size` where that is more, each with a rectifier."""
    layers: list[nn.Module] = [nn.Conv2d(channels, filters, 1), nn.ReLU()]
    if size > 1:
        layers += [nn.Conv2d(filters, filters, size, padding=size // 2), nn.ReLU()]
    return nn.Sequential(*layers)


class Inception(nn.Module):
    """Four branches side by side, (N, channels, H, W) to (N, 4 filters, H / 2, W / 2)."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.one, self.three, self.five = (_branch(channels, filters, size) for size in (1, 3, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), *_branch(channels, filters, 1))
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Join the branches and halve the map."""
        halved: Tensor = self.pool(torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1))
        return halved


class DualInception(nn.Module):
    """Two streams of two inception blocks, joined, and one hidden layer.

    6,449,963 numbers with three classes. Weights begin as Keras's: Glorot's uniform, biases 0.

    Shape: (N, 2, 28, 28), u and v from 0 to 1, each shown to its stream three times, as a gray picture of three channels; to
    (N, classes), raw class scores.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        first, second = FILTERS
        self.u, self.v = (
            nn.Sequential(Inception(3, first), Inception(4 * first, second), nn.Flatten()) for _ in range(2)
        )
        self.head = nn.Sequential(nn.Linear(2 * 4 * second * 49, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        streams = [stream(x[:, [channel] * 3]) for channel, stream in enumerate((self.u, self.v))]
        scores: Tensor = self.head(torch.cat(streams, dim=1))
        return scores
