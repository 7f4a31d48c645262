"""ResNet (He et al., CVPR 2016) of ten layers: one basic block on each of four levels."""

from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (64, 128, 256, 512)


class Basic(nn.Module):
    """Two normalised convolutions 3x3 with a shortcut, which is a normalised convolution 1x1 if the shape changes."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if channels != filters or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: Tensor) -> Tensor:
        """Add both."""
        return F.relu(self.residual(x) + self.shortcut(x))


class ResNet10(nn.Module):
    """The usual stem, 7x7 of step 2 and a maximum over 3x3 of step 2, four blocks, the mean of the map, one linear
    layer.

    4,907,331 numbers with three classes.

    Shape: (N, 3, 28, 28) to (N, classes), raw class scores.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        stem = [nn.Conv2d(3, WIDTHS[0], 7, 2, padding=3, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()]
        blocks = [Basic(WIDTHS[max(level - 1, 0)], width, 1 if level == 0 else 2) for level, width in enumerate(WIDTHS)]
        self.layers = nn.Sequential(*stem, nn.MaxPool2d(3, 2, padding=1), *blocks)
        self.head = nn.Linear(WIDTHS[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        scores: Tensor = self.head(self.layers(x).mean((2, 3)))
        return scores
