"""Callbacks, loggers and the like as Python objects: each becomes a stored copy that a setting names."""

from __future__ import annotations

import functools
import inspect
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.pickling import with_own_code
from mebench.errors import ConfigError, RunError, refused_by_system
from mebench.lazy_imports import lazy_imports, load_lazily

with lazy_imports():
    from mebench.config import sources, trainer, trainer_objects, typed_values

if TYPE_CHECKING:
    import cloudpickle
    import torch

    from mebench import atomic
else:
    atomic = load_lazily("mebench.atomic")
    torch = load_lazily("torch")
    cloudpickle = load_lazily("cloudpickle")


def store_trainer_objects(
    words: Sequence[str], settings: Mapping[str, Any], files: Sequence[str | Path]
) -> dict[str, Any]:
    """Settings whose objects of `trainer` are stored beside the runs, and named by plain data.

    Args:
        words: words of the run, which may name the folder of runs.
        settings: settings of the run.
        files: YAML files of settings.

    Raises:
        ConfigError: an object is of another class than its option takes, or cannot be pickled.
    """
    stored = dict(settings)
    options = settings.get("trainer")
    flat = {key: value for key, value in settings.items() if key.startswith(trainer.PREFIX)}
    if not isinstance(options, Mapping) and not flat:
        return stored
    given = {"runs": settings["runs"]} if "runs" in settings else {}
    runs = sources.user_setting("runs", "runs", sources.settings_of(words, given), files)
    if isinstance(options, Mapping):
        stored["trainer"] = {name: _stored(value, str(name), runs) for name, value in options.items()}
    return stored | {key: _stored(value, key.removeprefix(trainer.PREFIX), runs) for key, value in flat.items()}


def _stored(value: Any, option: str, runs: str) -> Any:
    """A value of an option with specs instead of objects."""
    if option not in trainer.OBJECT_BASES:
        return value
    if isinstance(value, list | tuple):
        return [_stored(item, option, runs) for item in value]
    home, name = trainer.OBJECT_BASES[option]
    base = getattr(import_module(home), name)
    if not isinstance(value, base) and not callable(value):
        return value
    made = _make(value, base, option)
    trainer.refuse_impossible(type(made), option, typed_values.ARGUMENT)
    factory = _factory_of_optimizer(value) if isinstance(value, torch.optim.Optimizer) else value
    content = _pickled(factory, made, option)
    id_ = trainer_objects.id_of_content(content)
    file = trainer_objects.objects_folder(runs) / id_
    with refused_by_system(
        f"{type(made).__name__} cannot be stored in {file}", "choose another place with runs=DIR", RunError
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file():
            atomic.replace_file(file, content)
    monitor = getattr(made, "monitor", None)
    return {
        "class_path": f"{type(made).__module__}.{type(made).__qualname__}",
        "init_args": {"monitor": monitor} if isinstance(monitor, str) else {},
        "object": id_,
    }


def _make(value: Any, base: type, option: str) -> Any:
    """The object, or what a factory of it makes.

    Raises:
        ConfigError: it is no such object, or its factory fails.
    """
    if isinstance(value, base):
        return value
    name = getattr(value, "__name__", type(value).__name__)
    of_optimizer = option == "optimizer"
    try:
        made = value([torch.nn.Parameter(torch.zeros(1))]) if of_optimizer else value()
    except Exception as error:  # each refuses in its own way
        arguments = "a list of parameters" if of_optimizer else "nothing"
        raise ConfigError(
            f"{_setting_of(option)}: {name} cannot be called with {arguments} ({type(error).__name__}: "
            f"{' '.join(str(error).split())}): give an object, or a function that makes one so ({typed_values.ARGUMENT})"
        ) from error
    if not isinstance(made, base):
        raise ConfigError(
            f"{_setting_of(option)}: {name} makes {made!r}, expected an object of {base.__module__.partition('.')[0]}'s "
            f"{base.__name__} ({typed_values.ARGUMENT})"
        )
    return made


def _factory_of_optimizer(given: torch.optim.Optimizer) -> Callable[..., Any]:
    """A function that makes the same optimizer for parameters of a fold.

    Raises:
        ConfigError: it has several groups of parameters, or has taken steps.
    """
    name = type(given).__name__
    if len(given.param_groups) != 1 or given.state:
        reason = "has taken steps" if given.state else "has several groups of parameters"
        raise ConfigError(
            f"{_setting_of('optimizer')}: this {name} {reason}, and each fold needs a fresh one for its own copy of the module: give "
            f"a function of the parameters, such as lambda parameters: {name}(parameters, lr=0.01) ({typed_values.ARGUMENT})"
        )
    known = inspect.signature(type(given)).parameters
    group = given.param_groups[0]
    return functools.partial(type(given), **{key: group[key] for key in given.defaults if key in known})


def _pickled(value: Any, made: Any, option: str) -> bytes:
    """An object or factory as bytes, from which each fold makes its copy."""
    code = {type(made).__module__, getattr(value, "__module__", None) or type(made).__module__}
    modules = [sys.modules[name] for name in sorted(code) if sys.modules.get(name) is not None]
    try:
        with with_own_code(modules):
            return _dumps(value)
    except Exception as error:  # each library refuses in its own way
        raise ConfigError(
            f"{_setting_of(option)}: {type(made).__name__} cannot be pickled ({type(error).__name__}: "
            f"{' '.join(str(error).split())}), and each fold needs a copy of it: give a function that makes it "
            f"({typed_values.ARGUMENT})"
        ) from error


def _dumps(value: Any) -> bytes:
    """An object as bytes.

    A tensor is written as its numbers, since PyTorch's own form holds its address in memory.
    """

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc,name-defined]
        def reducer_override(self, item: Any) -> Any:
            if type(item) is torch.Tensor and not item.requires_grad and item.device.type == "cpu":
                return functools.partial(torch.tensor, dtype=item.dtype), (item.tolist(),)
            return super().reducer_override(item)

    buffer = io.BytesIO()
    Pickler(buffer).dump(value)
    return buffer.getvalue()


def _setting_of(option: str) -> str:
    """The setting that holds an option of the Trainer, such as `trainer.callbacks`."""
    return f"{trainer.PREFIX}{option}"
