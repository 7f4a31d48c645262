"""Everything besides the data that numbers depend on: code, packages, settings, the processor. The workers' part needs no
PyTorch.

Of mebench's own code only what computes predictions counts: `ROOMS`, and the files that execute a fold, `OF_FOLDS`.
Annotations and protocols decide who trains on what; core, features, frames and training compute frame scores; spotting
turns these into intervals. The command line, the Python interface, scoring, reports and tables do not count, since
scores are computed again from stored predictions. Configuration counts by its values. Comments and docstrings do not
count, see `code_hash`.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench._installation import PACKAGE, VERSION
from mebench.config import RunConfig, flatten_keys, registry, shaping_settings, trainer
from mebench.config.registry import PluginInfo, PluginKind
from mebench.config.settings import is_place, plugins_of
from mebench.core import Dataset
from mebench.errors import RunError
from mebench.features import processor
from mebench.files import code_hash, file_hash, find_module_file
from mebench.lazy_imports import load_lazily
from mebench.protocols import ADDED

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")

ROOMS = ("annotations", "core", "features", "frames", "protocols", "spotting.py", "training")
"""The parts of mebench that shape predictions."""
OF_FOLDS = (
    *(
        "runner/choices",
        "runner/deferred",
        "runner/fold",
        "runner/fold_setup",
        "runner/fold_source",
        "runner/fold_videos",
        "runner/host",
        "runner/job",
        "runner/selection_worth",
    ),
    *("runner/plan", "runner/prepare", "runner/run_data", "runner/run_features", "runner/timing", "runner/video_table"),
    "runs/fold_files",
)
"""The files that execute a fold."""
PACKAGES = (
    "torch",
    "lightning",
    "numpy",
    "numba",
    "llvmlite",
    "opencv-contrib-python-headless",
    "av",
    "dlib-bin",
    "face_recognition_models",
    "scipy",
    "scikit-learn",
    "pandas",
)


DIGITS = 8
"""Signs of the hash of a part: enough to tell two apart, and short enough to be read."""


def code_of(plugins: Iterable[PluginInfo], code: Callable[[Path], str]) -> str:
    """Hash of the code that a fold runs: of mebench, the packages that numbers depend on, and the plugins of its methods.

    Args:
        plugins: plugins of the methods.
        code: hashes a file.
    """
    return short_hash(
        [hash_own_code(code), VERSION, package_versions(), [_plugin_hash(plugin, code) for plugin in plugins]]
    )


def refuse_other(found: str, planned: str) -> None:
    """Stop a worker whose code or data differ from the plan's.

    Args:
        found: hash of the inputs here.
        planned: hash of the inputs of the plan.

    Raises:
        RunError: the two differ.
    """
    if found != planned:
        raise RunError(
            "a worker found other code, packages or data than the run began with, and folds must not mix: give all "
            "workers the same, or wait with edits until the run is finished"
        )


def refuse_other_code(found: Callable[[Callable[[Path], str]], str], planned: tuple[str, str]) -> None:
    """Stop a worker whose code, packages or data differ from the plan's. Comments may differ.

    Args:
        found: hash of the inputs here, by a hash of files.
        planned: the same of the plan, by `file_hash`, which takes a hundredth of the time, and by `code_hash`.

    Raises:
        RunError: the two differ.
    """
    if found(file_hash) != planned[0]:
        refuse_other(found(code_hash), planned[1])


@dataclass(frozen=True)
class RunCode:
    """The code of a run besides mebench's own, by names that every machine knows.

    Attributes:
        plugins: kind and id of each plugin.
        modules: the user's modules with callbacks for the trainer.
    """

    plugins: tuple[tuple[PluginKind, str], ...]
    modules: tuple[str, ...]


def run_code(plugins: Iterable[PluginInfo], trainer_options: Mapping[str, Any]) -> RunCode:
    """The code of a run with these plugins and options of Lightning's Trainer."""
    modules = trainer.user_modules({"callbacks": trainer_options.get("callbacks")})
    return RunCode(tuple((info.kind, info.id) for info in plugins), tuple(modules))


def worker_inputs(
    named: RunCode, revision: str, instructions: str, code: Callable[[Path], str] = code_hash
) -> dict[str, Any]:
    """Code, packages, processor and data that a worker must share with the plan.

    Args:
        named: code of the run.
        revision: revision of the dataset.
        instructions: instructions of the processor.
        code: hashes a file of code.
    """
    return {
        **hash_own_code(code),
        **_code_of_plugins((registry.find_plugin(kind, id_) for kind, id_ in named.plugins), code),
        **_code_of_modules(named.modules, code),
        **{f"package {name}": version for name, version in package_versions().items()},
        "processor": instructions,
        "revision of the dataset": revision,
    }


def inputs_of(
    config: RunConfig,
    dataset: Dataset,
    instructions: str | None = None,
    code: Callable[[Path], str] = code_hash,
) -> dict[str, Any]:
    """Everything that a worker's answers depend on: each part by name, with its version, value or hash.

    Args:
        config: configuration of the run.
        dataset: opened.
        instructions: instructions of the processor; by default those of folds, which needs PyTorch.
        code: hashes a file of code.
    """
    return {
        **code_and_settings(config, code),
        **{f"package {name}": version for name, version in package_versions().items()},
        "processor": instructions or instructions_of_folds(),
        "revision of the dataset": dataset.revision,
    }


def code_and_settings(config: RunConfig, code: Callable[[Path], str] = code_hash) -> dict[str, Any]:
    """The code and the settings of a run, each part by its name: two machines that work on one run must agree on them.

    Args:
        config: configuration of the run.
        code: hashes a file of code.
    """
    infos = plugins_of(config)
    added = ADDED.get(config.protocol)
    # The place of annotations does not matter: their content is in the truth.
    settings = shaping_settings(
        replace(config, values={**config.values, "dataset": _elsewhere(config.values["dataset"], lambda _: None)})
    )
    return {
        **hash_own_code(code),
        **_code_of_plugins(infos, code),
        **({} if added is None else {f"code of protocol {config.protocol}": code(added)[:DIGITS]}),
        **_code_of_modules(run_code(infos, config.trainer).modules, code),
        **{f"setting {key}": value for key, value in settings.items()},
    }


def _code_of_plugins(plugins: Iterable[PluginInfo], code: Callable[[Path], str]) -> dict[str, str]:
    """The hash of each plugin, by its name."""
    return {f"code of {info.where}": _plugin_hash(info, code) for info in plugins}


def _code_of_modules(names: Iterable[str], code: Callable[[Path], str]) -> dict[str, str]:
    """The hash of each of the user's modules that is found, by its name."""
    files = {name: find_module_file(name) for name in names}
    return {f"code of {name}": code(file)[:DIGITS] for name, file in files.items() if file}


def short_hash(parts: Any) -> str:
    """A short hash of plain data; the order of a map's keys does not matter."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def describe_people(people: Iterable[object]) -> dict[str, Any]:
    """Number and hash of the people on a side of a fold.

    Args:
        people: keys of the people, in any order.
    """
    names = sorted(map(str, people))
    return {"subjects": len(names), "hash": hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]}


def refuse_other_processor(run: str, then: str, now: str) -> None:
    """Refuse to continue on another kind of processor.

    Args:
        run: the run or the worker, as the sentence begins.
        then: the instructions that were chosen at the start.
        now: those chosen here.

    Raises:
        RunError: they differ, and so would numbers in their last bits.
    """
    if then != now:
        raise RunError(
            f"{run} began on another kind of processor ({then}; here it is {now}), and its folds must not mix: "
            "continue there, or start a new run here with: mebench run"
        )


def with_absolute_places(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a configuration with absolute roots, annotations, landmark files and store of features: a run may be
    resumed from another folder. Values of the type `Path` are absolute already.
    """
    flat = flatten_keys(values)
    methods = {}
    for part in ("method", "recognizer"):
        if values.get(part):
            methods[part] = _with_absolute_paths(part, values[part], flat)
    dataset = with_absolute_data(values["dataset"])
    store = _absolute(values["cache"])
    return {**values, **methods, "dataset": dataset, "cache": store}


def with_absolute_data(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a dataset or its members with absolute roots and annotations."""
    return _elsewhere(values, _absolute)


@cache
def software_versions() -> Mapping[str, str]:
    """Python, the machine, the instructions of its processor and the packages that numbers depend on."""
    return {
        "mebench": VERSION,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": instructions_of_folds(),
        **package_versions(),
    }


@cache
def instructions_of_folds() -> str:
    """The instructions that the libraries of features choose for this processor, and PyTorch."""
    return f"{processor()}, {instructions_of_torch()}"


@cache
def instructions_of_torch() -> str:
    """The instructions that PyTorch chooses for this processor."""
    return f"torch {torch.backends.cpu.get_cpu_capability()}"


@cache
def package_versions() -> dict[str, str]:
    """The packages that numbers depend on, with their versions."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


@cache
def hash_own_code(code: Callable[[Path], str]) -> dict[str, str]:
    """The hash of each part of mebench that shapes predictions.

    So an edit between stop and resume does not mix two programs.

    """
    files: dict[str, Iterable[Path]] = {}
    for name in ROOMS:
        path = PACKAGE / name
        files[name] = [path] if name.endswith(".py") else path.rglob("*.py")
    files["runner"] = (PACKAGE / f"{name}.py" for name in OF_FOLDS)
    return {f"code of mebench/{name}": _hash_of(paths, PACKAGE, code) for name, paths in files.items()}


def _plugin_hash(info: PluginInfo, code: Callable[[Path], str]) -> str:
    return _hash_of([*info.folder.rglob("*.py"), info.folder / "config.yaml"], info.folder, code)


def _hash_of(files: Iterable[Path], folder: Path, code: Callable[[Path], str]) -> str:
    return short_hash([(file.relative_to(folder).as_posix(), code(file)) for file in sorted(files)])[:DIGITS]


def _with_absolute_paths(part: str, parameters: Mapping[str, Any], flat: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a method or recognizer, those that are paths made absolute."""
    absolute = dict(parameters)
    for key, value in parameters.items():
        if value is not None and is_place(f"{part}.{key}", flat):
            absolute[key] = _absolute(value)
    return absolute


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


def _elsewhere(values: dict[str, Any], place: Callable[[str], str | None]) -> dict[str, Any]:
    """Parameters of a dataset or its members with other paths: root, annotations, OpenFace's files."""
    moved: dict[str, Any] = {}
    for key, value in values.items():
        names_path = key in ("root", "openface") or key.endswith("annotations")
        if isinstance(value, dict):
            moved[key] = _elsewhere(value, place)
        elif isinstance(value, str) and names_path:
            moved[key] = place(value)
        else:
            moved[key] = value
    return moved
