"""The network of HTNet (Wang et al. 2024), as in the authors' program."""

from torch import Tensor, nn

from mebench.training.layers import ChannelNorm, Hierarchy


class HTNet(nn.Module):
    """A hierarchy and one linear layer.

    At the published sizes the authors' program counts 139,582,982 numbers, including 22,195,200 in queries and keys
    without effect (see `mebench.training.layers`): 117,387,782 are here. Their classes for the nose and for a fusion
    are not used.

    Shape: (N, 3, 28, 28) to (N, classes), raw class scores.
    """

    def __init__(self, hierarchy: Hierarchy, classes: int) -> None:
        super().__init__()
        self.hierarchy = hierarchy
        self.norm = ChannelNorm(hierarchy.dim_out)
        self.head = nn.Linear(hierarchy.dim_out, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        scores: Tensor = self.head(self.norm(self.hierarchy(x)).mean((2, 3)))
        return scores
