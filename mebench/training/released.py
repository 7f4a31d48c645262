"""Weights released by authors: found by the subject left out of their training, and read without running any code in
them.
"""

import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor, nn

from mebench.core import LabelledVideo
from mebench.errors import ConfigError, DataError, list_first
from mebench.features.weight_checks import check_tensor
from mebench.files import open_plain
from mebench.limits import KERAS_GROUPS, KERAS_NAMES, WEIGHTS_BYTES

WRAPPER = "module."
"""Beginning of all names in the weights of a network that was wrapped for several devices."""
_NOISE = re.compile(r"\x1b\[[\d;]*m|^\[Errno \d+\] ")
"""Colours, and numbers of errors, in messages of libraries."""


def released_file(
    folder: str | Path, train: Iterable[LabelledVideo], endings: Sequence[str], subject: str = "(.+)"
) -> Path:
    """The weight file of the one subject left out; authors name these files after the tested subject.

    The tested subject is the one with a file who is not among the training subjects. `s5` is the file of the subject
    `sub05`; files that number the subjects differently must be renamed.

    Args:
        folder: with a file for each person, or one file for all.
        train: the videos of the training subjects.
        endings: endings of such files, in lower case.
        subject: a regular expression with which the name of a file begins; its group is the subject.

    Raises:
        ConfigError: there is no such folder, none has such a file, or several are left out.
    """
    place = Path(folder).expanduser()
    if place.is_file():
        return place
    if not place.is_dir():
        raise ConfigError(
            f"method.weights={folder} does not exist: name the folder of the weights, with a file for each "
            "tested subject"
        )
    files = {}
    for file in sorted(place.iterdir()):
        match = re.match(subject, file.stem)
        if match and file.suffix.lower() in endings:
            files[match[1]] = file
    unused = _subjects_without_training(files, {video.subject.subject for video in train})
    if len(unused) != 1:
        cause = f"{len(unused)} of them do not train ({', '.join(unused[:5])} …)" if unused else "all of them train"
        raise ConfigError(
            f"method.weights={folder} holds {len(files)} files ({', '.join(endings)}) named after subjects, and {cause}: they were trained "
            "leaving one subject out, so take protocol=loso with all of the authors' subjects"
        )
    return files[unused[0]]


def _subjects_without_training(names: Collection[str], trained: Set[str]) -> list[str]:
    """The names of files whose subject does not train; compared by number if no name is that of a subject."""
    if trained & {*names}:
        return sorted(name for name in names if name not in trained)
    numbers = {_number(subject) for subject in trained}
    return sorted(name for name in names if _number(name) not in numbers)


def _number(name: str) -> int | str:
    """The number of a subject, whatever letters and zeros stand before it; a name without one as it is.

    >>> _number("sub05"), _number("s5"), _number("006"), _number("subject_10"), _number("spNO.10"), _number("anna")
    (5, 5, 6, 10, 10, 'anna')
    """
    match = re.fullmatch(r"[A-Za-z]*[_.]?0*(\d+)", name)
    return int(match[1]) if match else name


def torch_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file by name; nothing in it is run.

    Raises:
        DataError: it is damaged, too large, or holds something else than tensors by name.
    """
    try:
        with open_plain(path, WEIGHTS_BYTES) as file:
            _refuse_large(path, _unpacked_bytes(file))
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except DataError:
        raise
    except Exception as error:  # of many kinds
        what = _NOISE.sub("", str(error)).strip() or "the file is empty"
        # PyTorch's own words advise to execute the content of such a file.
        if other := re.search(r"GLOBAL (\S+)|Unsupported operand", str(error)):
            what = f"it holds {other[1] or 'other data'}, and only tensors by name are read"
        raise DataError(f"the weights {path} cannot be read: {' '.join(what.split())[:200]}") from None
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise DataError(
            f"the weights {path} are not tensors by name: expected what torch.save(model.state_dict()) writes"
        )
    _refuse_large(path, sum(value.numel() * value.element_size() for value in loaded.values()))
    return _without_wrapper(loaded)


def _unpacked_bytes(file: BinaryIO) -> int:
    """What the parts of a PyTorch file unpack to, as its list of contents says; 0 for a file of before version 1.6, which is no zip.

    PyTorch takes parts that are packed, too, and as many bytes of memory as that list says.
    """
    size = 0
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            size = sum(part.file_size for part in archive.infolist())
    file.seek(0)
    return size


def _refuse_large(path: Path, size: int) -> None:
    """Raise an error for weights of more bytes than are read."""
    if size > WEIGHTS_BYTES:
        raise DataError(
            f"the weights {path} would take {size / 2**20:,.0f} MiB, and at most {WEIGHTS_BYTES >> 20} are read"
        )


def _without_wrapper(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the name that a wrapper for several devices puts before each.

    >>> _without_wrapper({"module.stem.bias": torch.ones(1)}).keys()
    dict_keys(['stem.bias'])
    """
    if all(name.startswith(WRAPPER) for name in weights):
        return {name.removeprefix(WRAPPER): tensor for name, tensor in weights.items()}
    return dict(weights)


def keras_weights(path: Path) -> dict[str, Any]:
    """The arrays of a Keras file (HDF5) by layer and weight, such as `conv2d_1/kernel:0`.

    Nothing in it is run.

    Raises:
        ConfigError: h5py is not installed.
        DataError: it is damaged or too large, or refers to data in other files.
    """
    try:
        import h5py
    except ImportError:
        raise ConfigError(f"reading {path} needs h5py, which is not installed: pip install 'mebench[keras]'") from None
    reader = _KerasReader(path)
    try:
        with open_plain(path, WEIGHTS_BYTES) as opened, h5py.File(opened, "r") as file:
            reader.read_group(file, "")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise DataError(f"the weights {path} cannot be read: {_NOISE.sub('', str(error))}") from None
    return reader.found


class _KerasReader:
    """Collects the arrays of a Keras file within limits.

    Args:
        path: the file, for messages.

    Attributes:
        found: the arrays by layer and weight.
    """

    def __init__(self, path: Path) -> None:
        self.found: dict[str, Any] = {}
        self._path = path
        self._n_bytes = 0
        self._n_names = 0

    def read_group(self, group: Any, above: str) -> None:
        """Take the arrays of a group and of the groups inside it; `above` is its own name, ending in `/`."""
        import h5py

        if above.count("/") > KERAS_GROUPS:  # or a group that contains itself
            raise DataError(
                f"the weights {self._path} nest more than {KERAS_GROUPS} groups, which no weights do: they are not read"
            )
        self._n_names += len(group)
        if self._n_names > KERAS_NAMES:
            raise DataError(
                f"the weights {self._path} hold more than {KERAS_NAMES:,} names, which no weights do: they are not read"
            )
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue  # a soft or external link may point to another file
            item = group[name]
            full_name = above + name
            if isinstance(item, h5py.Group):
                self.read_group(item, f"{full_name}/")
            elif isinstance(item, h5py.Dataset) and _is_weight(item, full_name):
                self._read_array(item, full_name)

    def _read_array(self, item: Any, full_name: str) -> None:
        """Take one array, unless it lies in another file or the file holds too much."""
        self._n_bytes += item.nbytes
        if item.external or item.is_virtual:  # the file names the other one, be it /etc/passwd or a pipe
            raise DataError(
                f"the weights {self._path} refer to another file for {full_name!r}, which no weights need: they are not read"
            )
        _refuse_large(self._path, self._n_bytes)
        self.found[full_name.removeprefix("model_weights/")] = item[()]


def _is_weight(item: Any, full_name: str) -> bool:
    """Whether an array is a weight of a layer: numbers of at least one dimension, not of the optimizer."""
    return item.dtype.kind in "fiu" and bool(item.shape) and "optimizer" not in full_name


def keras_layers(weights: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The layers whose name begins so, in the order in which they were made: Keras counts them, `conv2d_9` before
    `conv2d_10`.

    Returns:
        Of each the weights by their own names: `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance`.
    """
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for path, array in weights.items():
        *groups, last = path.split("/")
        layer = groups[-1] if groups else last
        weight = last.partition(":")[0]  # `kernel:0` is the kernel
        match = re.fullmatch(rf"{re.escape(kind)}(?:_(\d+))?", layer)
        if match:
            number = int(match[1] or 0)
            found.setdefault((number, layer), {})[weight] = array
    return [found[key] for key in sorted(found)]


def of_keras(kernel: Any, bias: Any, shape: tuple[int, int, int] | None = None) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution, or of a dense layer, as PyTorch has them.

    Args:
        kernel: (rows, columns, in, out), or (in, out).
        bias: (out,).
        shape: shape of the maps that a dense layer reads, (channels, rows, columns); Keras flattens rows and columns before channels.
    """
    kernel = np.asarray(kernel, np.float32)
    if kernel.ndim == 4:
        turned = kernel.transpose(3, 2, 0, 1)
    elif shape is None:
        turned = kernel.T
    else:
        channels, rows, columns = shape
        turned = kernel.reshape(rows, columns, channels, -1).transpose(3, 2, 0, 1).reshape(kernel.shape[1], -1)
    return torch.from_numpy(np.ascontiguousarray(turned)), torch.from_numpy(np.asarray(bias, np.float32).copy())


def load(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load all weights of a network by name; counters and values that are learnt later (`thresholds`) are left alone.

    Raises:
        DataError: some are missing, not finite, or of other shapes; those left over are not read.
    """
    state = network.state_dict()
    for name in state:
        if name not in weights and not name.endswith(("num_batches_tracked", "thresholds")):
            raise DataError(
                f"the weights {path} have no {name}; they hold {list_first(sorted(weights), 10) or 'nothing'}"
            )
        if name in weights:
            check_tensor(path, name, weights[name], state[name])
    network.load_state_dict({name: weights.get(name, value) for name, value in state.items()})
