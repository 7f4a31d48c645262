"""The network of Concat-CNN."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILTERS, POOLS = 256, (8, 4, 2)


class ConcatNetwork(nn.Module):
    """Three convolutions of different lengths side by side, each pooled by another length, and one dense layer over all
    of them.

    54,785 numbers for 17 action units and the settings of CAS(ME)², 96,513 for those of SAMM.

    Args:
        channels: of the series.
        length: frames of a window.
        kernels: of the convolutions.
        stride: of all three.

    Shape: (N, length, channels) to (N,), probabilities.
    """

    def __init__(self, channels: int, length: int, kernels: tuple[int, int, int] = (3, 4, 5), stride: int = 1) -> None:
        super().__init__()
        self.kernels, self.stride = kernels, stride
        self.branches = nn.ModuleList(nn.Conv1d(channels, FILTERS, size, stride) for size in kernels)
        steps = -(-length // stride)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(FILTERS * sum(steps // pool for pool in POOLS), 1)
        for name, weights in self.named_parameters():  # as Keras begins
            (nn.init.zeros_ if name.endswith("bias") else nn.init.xavier_uniform_)(weights)

    def forward(self, x: Tensor) -> Tensor:
        """The probability of each window to be inside an expression."""
        parts, n = [], x.shape[1]
        x = x.transpose(1, 2)
        for conv, size, pool in zip(self.branches, self.kernels, POOLS):
            lacking = max(
                (-(-n // self.stride) - 1) * self.stride + size - n, 0
            )  # as TensorFlow pads, more behind than before
            y = conv(F.pad(x, (lacking // 2, lacking - lacking // 2)))
            parts.append(F.max_pool1d(y.relu(), pool))
        joined = torch.cat(parts, dim=2).transpose(1, 2).flatten(1)
        answers: Tensor = self.output(self.dropout(joined)).sigmoid()[:, 0]
        return answers
