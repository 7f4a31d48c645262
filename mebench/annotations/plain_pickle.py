"""Arrays, numbers and text out of a pickle, without running anything that it names."""

import pickle
from typing import Any, BinaryIO

import numpy as np

from mebench.errors import DataError


def _columns_of_table(blocks: Any, axes: Any) -> dict[str, Any]:
    """The columns of a pandas table by name, with its index if named."""
    columns_axis, index = axes
    labels = [*zip(*_levels_of_axis(columns_axis))]
    names = [
        label[0] if len(label) == 1 else label for label in labels
    ]  # a label of several levels is printed as a tuple
    names_of_index = index["names"] if "levels" in index else [index["name"]]
    named = zip(names_of_index, _levels_of_axis(index))
    table = {name: level for name, level in named if name is not None}
    for values, placement, *_ in blocks:
        positions = range(len(names))[placement] if isinstance(placement, slice) else placement
        columns = [_decode_array(values)] if isinstance(values, Bare) else values
        table |= {str(names[position]): column for position, column in zip(positions, columns)}
    return table


def _levels_of_axis(axis: Any) -> list[Any]:
    """The labels of an axis: those of each level, (n_labels,) each; an axis that counts has none but its numbers."""
    if "levels" in axis:
        levels = [np.asarray(_levels_of_axis(level)[0], object) for level in axis["levels"]]
        return [level[np.asarray(codes)] for level, codes in zip(levels, axis["codes"])]
    if "data" not in axis:
        return [range(axis["start"], axis["stop"], axis["step"])]
    return [_decode_array(axis["data"])]


def _decode_array(values: Any) -> Any:
    """Decode a pickled pandas array.

    Arrow strings become text, nullable numbers floats with NaN; other arrays are returned unchanged.
    """
    if not isinstance(values, Bare):
        return values
    attributes = vars(values)
    if "_mask" in attributes:
        return np.where(attributes["_mask"], np.nan, attributes["_data"])
    return attributes.get("_pa_array", values)


def _texts_of_arrow(parts: Any) -> list[str | None]:
    """The texts of an array of Arrow: its type, length, offset, and the bytes for validity, ends and letters."""
    kind, length, _, begin, (known, ends, letters), *_ = parts
    type_of_ends = "<i8" if kind == "large_string" else "<i4"
    bounds = np.frombuffer(ends, type_of_ends)[begin : begin + length + 1].tolist()
    bits = known or b"\xff" * len(ends)  # without them every text is valid
    valid = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[begin:]
    texts: list[str | None] = []
    for first, last, is_known in zip(bounds, bounds[1:], valid):
        text = bytes(letters[first:last]).decode() if is_known else None
        texts.append(text)
    return texts


class Bare:
    """Stands in for an object whose class is not imported: its attributes, if the pickle holds them as plain values."""

    name = ""

    def __init__(self, *_: object) -> None:
        raise DataError(f"it calls {self.name}")


class TypeOfText(Bare):
    """Stands in for the type of text of pandas. Pandas 2 makes it without a call; its arguments do not matter."""

    def __init__(self, *_: object) -> None:
        pass


_SAFE: dict[str, dict[str, Any]] = {
    "_codecs": {"encode": str.encode},
    "collections": {"OrderedDict": dict},
    "builtins": {"set": set, "slice": slice, "bytearray": memoryview},  # of bytes alone: a number makes none
    "numpy": {
        "ndarray": np.ndarray,
        "dtype": np.dtype,
        "_reconstruct": np.ndarray.__reduce__(np.empty(0))[0],
        "scalar": np.float64(0).__reduce__()[0],
        "_frombuffer": np.empty(0).__reduce_ex__(5)[0],
    },
    "pandas": {
        "_unpickle_block": lambda *parts: parts,
        "_new_Index": lambda _, about: about,
        "BlockManager": _columns_of_table,
        "StringDtype": TypeOfText,
        "NA": np.nan,
    },
    "pyarrow": {
        "type_for_alias": str,
        "py_buffer": memoryview,
        "_restore_array": _texts_of_arrow,
        "chunked_array": lambda chunks, *_: [text for chunk in chunks for text in chunk],
    },
}
"""Replacements of the names in a pickle, by their package."""


class _Values(pickle.Unpickler):
    """Makes arrays, numbers, text, lists and dicts, and runs nothing that the file names."""

    def find_class(self, module: str, name: str) -> Any:
        """The replacement of a name, or a class that runs nothing (`Bare`)."""
        safe = _SAFE.get(module.partition(".")[0], {}).get(name)
        return safe or type(name, (Bare,), {"name": f"{module}.{name}"})


def unpickled(file: BinaryIO) -> Any:
    """The value that a pickle holds, from where the file stands.

    Raises:
        DataError: it is damaged, or holds something else than arrays, numbers, text, lists and dicts.
    """
    try:
        return _Values(file).load()
    except Exception as error:  # a damaged pickle may raise any error
        raise DataError(
            f"it is a pickle that cannot be read ({error}): of pickles only arrays, numbers and text are; save those as .npz or .csv"
        ) from error
