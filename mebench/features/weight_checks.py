"""Checks of weights from files, before a network takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mebench.errors import DataError
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")


def check_tensor(path: Path, name: str, tensor: torch.Tensor, expected: torch.Tensor) -> None:
    """Check that a tensor of a file fits into a network.

    Args:
        path: file of the weights, for messages.
        name: name of the tensor.
        tensor: tensor of the file.
        expected: tensor of the network under this name.

    Raises:
        DataError: it has another shape, or is not finite.
    """
    if tensor.shape != expected.shape:
        shapes = tuple(tensor.shape), tuple(expected.shape)
        raise DataError(f"the weights {path}: {name} has the shape {shapes[0]}, expected {shapes[1]}")
    if not torch.isfinite(tensor).all():
        raise DataError(f"the weights {path}: {name} contains NaN or infinite values: the file is not usable")
