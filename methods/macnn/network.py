"""The network that the public program of Off-TANet (PRICAI 2021) calls MACNN."""

from itertools import pairwise

from torch import Tensor, nn

WIDTHS = (3, 32, 64, 128, 256)


class Residual(nn.Module):
    """Two convolutions 3x3, each with a rectifier, and a convolution 1x1 of the input added; then halved by the maximum."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.shortcut = nn.Conv2d(channels, filters, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, H / 2, W / 2)."""
        halved: Tensor = self.pool(self.conv(x) + self.shortcut(x))
        return halved


class Macnn(nn.Module):
    """Four residual blocks, two dilated convolutions, three linear layers.

    At the program's size, 112 pixels and 4,096 hidden numbers, it learns 70,573,923 numbers with three classes.

    Args:
        classes: how many.
        size: width and height of a map.
        hidden: width of the two hidden layers.

    Shape: (N, 3, size, size) to (N, classes), raw class scores.
    """

    def __init__(self, classes: int, size: int, hidden: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Residual(*pair) for pair in pairwise(WIDTHS)))
        last = WIDTHS[-1]
        self.dilated = nn.Sequential(
            *(nn.Conv2d(last, last, 3, padding=4, dilation=4), nn.ReLU()),
            *(nn.Conv2d(last, last, 3, padding=2, dilation=2), nn.ReLU()),
        )
        self.head = nn.Sequential(
            *(nn.Linear((size // 16) ** 2 * last, hidden), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout()),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        scores: Tensor = self.head(self.dilated(self.blocks(x)).flatten(1))
        return scores
