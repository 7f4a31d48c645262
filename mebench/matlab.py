"""Matrices of MATLAB files, which several authors publish their features in."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.files import read_plain
from mebench.lazy_imports import load_lazily
from mebench.limits import MATLAB_BYTES

if TYPE_CHECKING:
    import numpy as np
    import scipy.io as scipy_io
    from numpy.typing import NDArray
else:
    np = load_lazily("numpy")
    scipy_io = load_lazily("scipy.io")


def read_matlab(path: Path, shapes: Mapping[str, tuple[int | None, ...]]) -> "dict[str, NDArray[np.float64]]":
    """Matrices of a MATLAB file of level 5, by name.

    Names and shapes are compared before any number is read, so that a small file cannot unpack to a huge one.

    Args:
        path: path of the file.
        shapes: expected shape of each wanted matrix, by its name; None stands for any length.

    Raises:
        OSError: the file cannot be read, is no plain file, or is too large.
        ValueError: the file is of another kind or cut off, or a matrix is missing, has another shape or numbers that are not finite.
    """
    content = io.BytesIO(read_plain(path, MATLAB_BYTES))
    try:
        found = {name: shape for name, shape, _ in scipy_io.whosmat(content)}
    except Exception as error:  # whatever scipy meets in a file of another kind
        raise ValueError(f"it is not a MATLAB file of level 5 ({error})") from None
    for name, shape in shapes.items():
        if name not in found or not _fits(found[name], shape):
            here = f"{name} of {_by(found[name])} numbers" if name in found else f"no {name}"
            raise ValueError(f"it holds {here}, expected {name} of {_by(shape)}")
    content.seek(0)
    try:
        read = scipy_io.loadmat(content, variable_names=list(shapes))
        matrices = {name: np.asarray(read[name], np.float64) for name in shapes}
    except Exception as error:  # whatever scipy meets in a file that is cut off
        raise ValueError(f"it is cut off or damaged ({error})") from None
    for name, matrix in matrices.items():
        if not np.isfinite(matrix).all():
            raise ValueError(f"{name} in it holds numbers that are not finite")
    return matrices


def _fits(found: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    """Whether a shape is the expected one."""
    return len(found) == len(expected) and all(
        length is None or own == length for own, length in zip(found, expected, strict=True)
    )


def _by(shape: tuple[int | None, ...]) -> str:
    """A shape in words.

    >>> _by((630, 255)), _by((None, 255))
    ('630 x 255', 'any x 255')
    """
    words: list[str] = []
    for length in shape:
        word = "any" if length is None else str(length)
        words.append(word)
    return " x ".join(words)
