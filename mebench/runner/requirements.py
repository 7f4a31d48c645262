"""What a run needs of this machine, tried without a run: a GPU, folders to write into, files of weights."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mebench import training
from mebench.atomic import nearest_existing
from mebench.config import RunConfig
from mebench.errors import ConfigError, refused_by_system
from mebench.runner.execute import refuse_missing

TORCH_ENDINGS = (".pt", ".pth")
KERAS_ENDINGS = (".h5", ".hdf5", ".keras")


def check_requirements(config: RunConfig) -> None:
    """Refuse what would stop a run later.

    Raises:
        ConfigError: a GPU or a file of weights is missing.
        DataError: a folder cannot be written, or weights cannot be read.
    """
    refuse_missing(config)
    _check_folder("runs", config.runs)
    _check_folder("cache", config.cache)
    for params in (config.method_params, config.recognizer_params):
        weights = getattr(params, "weights", None)
        if isinstance(weights, Path):
            _check_weights(weights)


def _check_folder(key: str, folder: str) -> None:
    """Make a folder where it, or the first one above it, exists, and remove it again."""
    path = Path(folder).expanduser().absolute()
    with (
        refused_by_system(f"{key}={folder} cannot be written", f"name another folder with {key}=DIR"),
        TemporaryDirectory(prefix=".mebench-", dir=nearest_existing(path)),
    ):
        return


def _check_weights(weights: Path) -> None:
    """Read each file of weights in a format that several methods share."""
    if not weights.exists():
        raise ConfigError(f"method.weights={weights} does not exist: name the file, or the folder, of the weights")
    readers: dict[str, Any] = {
        **dict.fromkeys(TORCH_ENDINGS, training.released.torch_weights),
        **dict.fromkeys(KERAS_ENDINGS, training.released.keras_weights),
    }
    for file in sorted(weights.iterdir()) if weights.is_dir() else [weights]:
        read = readers.get(file.suffix.lower())
        if read is not None:
            read(file)
