"""What a run needs of this machine, tried without a run: a GPU, folders to write into, files of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.atomic import try_writing
from mebench.config import RunConfig, trainer, trainer_objects
from mebench.config.database_files import problem_of_path
from mebench.config.settings import PlaceSettings, TrainingSettings
from mebench.config.tracking_address import local_tracking_places
from mebench.errors import ConfigError, refused_by_system
from mebench.lazy_imports import lazy_imports, load_lazily

with lazy_imports():
    from mebench.training import released

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")

TORCH_ENDINGS = (".pt", ".pth")
KERAS_ENDINGS = (".h5", ".hdf5", ".keras")


def check_requirements(config: RunConfig) -> None:
    """Refuse what would stop a run later.

    Raises:
        ConfigError: a GPU or a file of weights is missing.
        DataError: a folder cannot be written, or weights cannot be read.
    """
    refuse_missing_devices(config.training, config.places, config.sandbox, config.trainer)
    check_folders(config)
    trainer_objects.with_contents(config.trainer, config.runs)
    for params in (config.method_params, config.recognizer_params):
        weights = getattr(params, "weights", None)
        if isinstance(weights, Path):
            _check_weights(weights)


def refuse_missing_devices(
    training_settings: TrainingSettings, places: PlaceSettings, sandbox: str, options: Mapping[str, Any]
) -> None:
    """Refuse a missing GPU, and options that no fold could follow, before any work.

    Args:
        training_settings: settings of training, with the accelerator.
        places: settings of places, with the home of the workers.
        sandbox: the setting.
        options: options of Lightning's Trainer.

    Raises:
        ConfigError: one sentence, with the next step.
    """
    many = options.get("devices", 1)
    if many != 1 and sandbox != "off":
        raise ConfigError(
            f"trainer.devices={many} trains a fold in several processes, which communicate through sockets, and "
            "the sandbox blocks them: add sandbox=off, or train several folds at once, with workers=N"
        )
    if many != 1 and trainer.selects_epoch(options):
        raise ConfigError(
            f"trainer.devices={many} cannot choose an epoch: leave out callbacks that monitor a metric, or devices"
        )
    accelerator = training_settings.accelerator
    precision = training_settings.precision
    if places.executor == "local" and accelerator != "cpu":
        available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "auto": True}
        available["gpu"] = available["cuda"] or available["mps"]
        if not available[accelerator] or (precision == "16-mixed" and not available["gpu"]):
            raise ConfigError(
                f"accelerator={accelerator} precision={precision} needs a GPU, and PyTorch {torch.__version__} finds none "
                "here: choose accelerator=cpu and precision=32-true, or install PyTorch's build for this GPU"
            )


def check_folders(config: RunConfig) -> None:
    """Refuse places into which a run could not write. It writes its folds, its features, and the secret of drawn names.

    Raises:
        DataError: one cannot be written.
    """
    _check_folder("runs", config.runs)
    _check_folder("cache", config.cache)


def problem_of_database(config: RunConfig) -> str:
    """Why MLflow's database cannot lie where the settings say, with the next step; empty if it can.

    The run needs no database, so it goes on; it could only not be sent there in the end.
    """
    places = [*local_tracking_places(config.tracking)]
    problem = problem_of_path(places[0]) if places else ""
    return f"this run will not be sent to MLflow: {problem}, with tracking=sqlite:////DIR/mlflow.db" if problem else ""


def _check_folder(key: str, folder: str) -> None:
    """Refuse a folder in which nothing can be written, now or once it is made."""
    with refused_by_system(f"{key}={folder} cannot be written", f"name another folder with {key}=DIR"):
        try_writing(Path(folder).expanduser().absolute())


def _check_weights(weights: Path) -> None:
    """Read each file of weights in a format that several methods share."""
    if not weights.exists():
        raise ConfigError(f"method.weights={weights} does not exist: name the file, or the folder, of the weights")
    readers: dict[str, Any] = {
        **dict.fromkeys(TORCH_ENDINGS, released.torch_weights),
        **dict.fromkeys(KERAS_ENDINGS, released.keras_weights),
    }
    for file in sorted(weights.iterdir()) if weights.is_dir() else [weights]:
        read = readers.get(file.suffix.lower())
        if read is not None:
            read(file)
