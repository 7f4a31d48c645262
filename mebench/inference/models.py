"""Fitted models for other videos: those of the folds of a run, and model files.

A file is in the format of safetensors, so no code in it is run; its header describes the model as JSON (`ModelHeader`). A network
alone is written as ONNX, which runs without Lightning, PyTorch and mebench.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mebench.atomic import replace_file
from mebench.config import RunConfig, RunSettings, from_plain, more_plugins, registry, trainer, user_setting
from mebench.config.settings import is_place
from mebench.core.types import Kind
from mebench.errors import ConfigError, MebenchError, RunError, check_known, refuse_if, refused_by_system
from mebench.files import open_plain, whole_file
from mebench.inference.onnx_files import ONNX_ENDING, is_network, name_recipe, read_network, read_recipe
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.limits import MODEL_BYTES, MODEL_HEADER_BYTES
from mebench.runs import RunFolder
from mebench.runs.fold_files import MODEL, whole_fold

with lazy_imports():
    from mebench.runner import fold as fold_process

if TYPE_CHECKING:
    import torch

    from mebench.core.method import Method
else:
    torch = load_lazily("torch")

ENDING = ".safetensors"
_KEY = "mebench"
INPUT = "maps"
"""The input of a network in ONNX."""

Word = Annotated[str, Field(max_length=200, pattern=r"^\P{Cc}*$")]
Frames = Annotated[int, Field(ge=1, le=10**6)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ModelTask(_Strict):
    """The task of a model: some of `spot` and `recognize`, the kinds it spots, the emotions it names."""

    tasks: list[Literal["spot", "recognize"]] = Field(max_length=2)
    kinds: list[Kind] = Field(max_length=2)
    classes: list[Word] = Field(max_length=100)
    scheme: Word
    one_per_video: bool
    several: bool = False


class Timed(_Strict):
    """Durations in the videos that a model was fitted on, in frames."""

    fps: float = Field(gt=0, le=100_000)
    k: Frames
    k_prime: dict[Kind, Frames]


class ModelHeader(_Strict):
    """The header of a model file.

    Attributes:
        format: format of the header.
        name: name of the model.
        method: `name`, `preset` and parameters, as in a run's configuration.
        recognizer: preset and parameters of a pair's second method, or None.
        task: task of the model.
        timings: durations in its training.
        fold: fold of the run that it was fitted in, which gives its seed.
        seed: seed of that run.
        features: fingerprint of each chain that it reads, at the first of `timings`.
        versions: versions of mebench, packages and plugins.
        card: its training data, scores and limits of use, in Markdown.
        scores: scores on people outside its training, by path.
    """

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    method: dict[Word, Any] = Field(max_length=200)
    recognizer: dict[Word, Any] | None = Field(default=None, max_length=200)
    task: ModelTask
    timings: list[Timed] = Field(min_length=1, max_length=100)
    fold: Word
    seed: Annotated[int, Field(ge=0, le=2**32)]
    features: dict[Word, Word] = Field(max_length=50)
    versions: dict[Word, Word] = Field(max_length=50)
    card: Annotated[str, Field(max_length=20_000, pattern=r"^[\P{Cc}\n]*$")]
    scores: dict[Word, float | None] = Field(max_length=50)


@dataclass(frozen=True)
class Model:
    """A fitted method, or a spotter and a recognizer fitted together.

    Attributes:
        name: name in messages.
        config: configuration of the methods.
        about: tasks of the methods: `tasks`, `kinds`, `classes`, `scheme`, `one_per_video`.
        timings: timings of the training videos: `fps`, `k`, `k_prime` by kind.
        fold: fold of the run, whose name gives the seed.
        file: safetensors, or a network in ONNX with its recipe beside it; missing if nothing is learnt.
        trained_on: keys of the training people, if known.
        header: header of a model file; None for a fold of a run.
    """

    name: str
    config: RunConfig
    about: Mapping[str, Any]
    timings: Sequence[Mapping[str, Any]]
    fold: str
    file: Path
    trained_on: frozenset[str] = field(default=frozenset(), repr=False)
    header: ModelHeader | None = None

    def restore(self, parts: Mapping[str, Method]) -> None:
        """Load the weights of methods, ready to predict; methods without weights need no file.

        Args:
            parts: the methods by the prefix of their weights (`fold.methods_by_prefix`).

        Raises:
            RunError: the weights are missing, damaged, or of another version of a method.
        """
        if not self.file.is_file() and not any(method.state_dict() for method in parts.values()):
            return fold_process.restore_methods(parts, {})
        refuse_if(
            (
                self.config.adaptation != "none",
                f"{self.name} was adapted to the clips that it tested (adaptation={self.config.adaptation}): name a run without",
            ),
            (
                not self.file.is_file() and self.config.audit != "guard",
                f"{self.name} leaks (audit={self.config.audit}) and keeps no weights: name the honest run",
            ),
            (
                not self.file.is_file(),
                f"{self.name} keeps no model of fold {self.fold!r}: {self.file} is missing. A record of the leaderboard never "
                "holds one; compute the run again with mebench run, which keeps the models of all folds",
            ),
            error=RunError,
        )
        try:
            weights = {name: _without_tiny(weight) for name, weight in self._weights(parts).items()}
            fold_process.restore_methods(parts, weights)
        except MebenchError:
            raise
        except Exception as error:
            names = " and ".join(repr(type(method).__module__.split(".")[-2]) for method in parts.values())
            raise RunError(
                f"{self.file} does not fit method {names} as it is now ({' '.join(str(error).split())}): run it again"
            ) from error

    def _weights(self, parts: Mapping[str, Method]) -> Mapping[str, torch.Tensor]:
        """The stored weights; those of a network in ONNX under the names of the method that it came from."""
        from safetensors.torch import load_file

        if not is_network(self.file):
            weights: Mapping[str, torch.Tensor] = load_file(self.file)
            return weights
        (method,) = parts.values()
        return read_network(self.file, method)


def _without_tiny(weights: torch.Tensor) -> torch.Tensor:
    """Weights, those too small for normal numbers replaced by 0; whole numbers unchanged.

    Such weights, below 1e-38, change no answer, and make a convolution 50 times slower.
    """
    if not weights.is_floating_point():
        return weights
    return weights * (weights.abs() >= torch.finfo(weights.dtype).tiny)


def config_of_run(folder: RunFolder) -> RunConfig:
    """The configuration of a run.

    Raises:
        RunError: its file is missing or damaged.
        PluginError: a plugin is gone or broken.
    """
    stored = folder.read_json("config.json")
    with trainer.without_foreign_code():  # nothing is trained
        return from_plain(stored["config"], stored["origins"])


def model_of_fold(folder: RunFolder, fold: str) -> Model:
    """The model of a fold.

    Raises:
        RunError: there is no such fold, or a file of the run is missing or damaged.
    """
    about = folder.read_json("folds.json")
    fold_folder = folder.fold_folder(fold).resolve()
    entries = {entry["fold"]: entry for entry in about["folds"]}
    check_known("fold", fold, entries, f"The folds of run {folder.id} are named after their tested people", RunError)
    if folder.seal and (fold_folder / MODEL).is_file() and whole_fold(fold_folder) != fold:
        raise RunError(f"{fold_folder} was changed, so its model would answer differently. Compute the run again")
    return Model(
        f"run {folder.id}",
        config_of_run(folder),
        about,
        tuple(folder.fold_record(fold)["timing"].values()) if fold_folder.is_dir() else (),
        fold,
        fold_folder / MODEL,
        frozenset([*entries[fold]["train"], *entries[fold]["valid"]]),
    )


def models_of_run(folder: RunFolder, fold: str | None = None) -> tuple[Model, ...]:
    """The models of all folds, or of one.

    Raises:
        RunError: there is no such fold, or the run keeps no models.
    """
    keys = [entry["fold"] for entry in folder.read_json("folds.json")["folds"]]
    chosen = keys if fold is None else [fold]
    places = [folder.fold_folder(key) for key in chosen if key in keys]
    missing = [place for place in places if not place.is_dir()]
    left_out = [key for key in chosen if key in keys and _leaves_out_model(folder, key)]
    if missing or left_out:
        file = (missing or [folder.fold_folder(key) for key in left_out])[0] / MODEL
        raise RunError(
            f"run {folder.id} keeps no models: {file} is missing. A record of the leaderboard never holds them, "
            "nor does a run with keep_models=none; compute the run again with mebench run and keep_models=all"
        )
    return tuple(model_of_fold(folder, key) for key in chosen)


def _leaves_out_model(folder: RunFolder, fold: str) -> bool:
    """Whether the run was asked not to keep the weights of a fold; a method without training has none."""
    place = folder.fold_folder(fold)
    kept = folder.read_json("config.json")["config"].get("keep_models", "all")
    if kept == "all" or not place.is_dir() or (place / MODEL).is_file():
        return False
    return bool(folder.fold_record(fold)["costs"].get("parameters"))


# -- files ------------------------------------------------------------------------------------------------------------------


def read_model(path: Path) -> Model:
    """A model from its file. Its methods must be installed or lie in a folder of the user's file; folders named in the
    model are ignored.

    Raises:
        RunError: it cannot be read, is not a model of mebench, or has impossible contents. ConfigError, PluginError:
            its method is missing or has other parameters now; a folder in the user's file has no plugins.
    """
    header = read_header(path)
    parts = {"method": header.method}
    if header.recognizer:
        parts["recognizer"] = header.recognizer
    plugins = {section: settings.get("name") for section, settings in parts.items()}
    values = {}
    for section, settings in parts.items():
        own = {key: value for key, value in settings.items() if not is_place(f"{section}.{key}", plugins)}
        values[section] = own
    here = {"cache": user_setting("cache", RunSettings().cache), "plugins": more_plugins()}
    try:
        config = from_plain({**values, "dataset": {"name": "folder"}, "seed": header.seed, **here})
    except MebenchError as error:
        raise type(error)(f"the model {path}: {error}") from error
    task = header.task.model_dump()
    timings = tuple(timing.model_dump() for timing in header.timings)
    return Model(f"model {header.name}", config, task, timings, header.fold, path, header=header)


def read_header(path: Path) -> ModelHeader:
    """Read the header of a model file; the weights are not read. That of a network in ONNX stands in its recipe.

    Raises:
        RunError: it cannot be read, is not a model of mebench, or has impossible contents.
    """
    if is_network(path):
        return _checked_header(name_recipe(path), json.dumps(read_recipe(path)["header"]))
    with refused_by_system(f"the model {path} cannot be read", error=RunError):
        if not path.is_file():
            raise RunError(
                f"there is no model {path}: name a file that mebench model export wrote, or one of mebench model list"
            )
        with open_plain(path, MODEL_BYTES) as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if length <= MODEL_HEADER_BYTES else b""
    try:
        text = json.loads(header)["__metadata__"][_KEY]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise RunError(f"{path} is not a model of mebench: name a file that mebench model export wrote") from None
    return _checked_header(path, text)


def _checked_header(path: Path, text: str) -> ModelHeader:
    """A header from its text.

    Raises:
        RunError: it has impossible contents.
    """
    try:
        return ModelHeader.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"the model {path} is invalid ({'.'.join(map(str, first['loc']))[:100]}: {first['msg']}): export it again"
        ) from None


def write_model(path: Path, model: Model, header: ModelHeader) -> None:
    """Write a model file atomically.

    Raises:
        RunError: its weights are missing or damaged.
        DataError: the file cannot be written.
    """
    from safetensors.torch import load_file, save

    if is_network(model.file):
        raise RunError(
            f"{model.file} is a network in ONNX, which cannot become {path.name}: export the model that it came from"
        )
    weights = load_file(model.file) if model.file.is_file() else {}
    with refused_by_system(f"{path} cannot be written"):
        replace_file(path, bytes(save(weights, {_KEY: header.model_dump_json()})))


def export_onnx(method: Method, path: Path) -> tuple[str, ...]:
    """Write the method's network (`Method.exportable`); the first axis of its input `maps` may have any length.

    Args:
        method: fitted.
        path: the file, written completely or not at all.

    Returns:
        Names of the outputs.

    Raises:
        ConfigError: the packages that write ONNX are not installed.
        RunError: the method has no network.
        DataError: the file cannot be written.
    """
    try:
        import onnxscript  # noqa: F401  (torch asks for it, in a longer sentence)
    except ImportError as error:
        raise ConfigError(
            f"ONNX needs packages that are not installed ({error}): pip install 'mebench[onnx]'"
        ) from error
    module, example, outputs = method.exportable()
    silenced = logging.root.manager.disable
    logging.disable(max(silenced, logging.WARNING))
    try:
        with warnings.catch_warnings(action="ignore"):
            network: Any = torch.onnx.export(
                module,
                (example,),
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_shapes=({0: torch.export.Dim("n")},),
                dynamo=True,
                verbose=False,
            )
    finally:
        logging.disable(silenced)
    with (
        refused_by_system(f"{path} cannot be written", "name another file with -o FILE"),
        whole_file(path) as temporary,
    ):
        network.save(temporary, external_data=False)
    return outputs


# -- names ------------------------------------------------------------------------------------------------------------------


def included_models() -> dict[Path, ModelHeader]:
    """The files of the models included with methods, and their headers; invalid files are left out."""
    headers = {}
    for info in registry.list_plugins("method").values():
        for file in sorted((info.folder / "models").glob(f"*{ENDING}")):
            with suppress(RunError):
                headers[file] = read_header(file)
    return headers


def find_model_file(word: str) -> Path:
    """The model file of a path, or of the name of an included model.

    Raises:
        RunError: there is no such model.
    """
    known = {header.name: file for file, header in included_models().items()}
    file = Path(word).expanduser()
    if word.endswith((ENDING, ONNX_ENDING)) or (word not in known and file.is_file()):
        return file
    advice = f"See them with: mebench model list. A file ends with {ENDING} or {ONNX_ENDING}"
    check_known("model", word, known, advice, RunError)
    return known[word]
