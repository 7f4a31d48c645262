"""Options of Lightning's Trainer as settings, `trainer.<option>`, typed by Lightning's own signature. Callbacks and
loggers are written as LightningCLI writes them: the name of a class, or a map of its `class_path` and `init_args`.
"""

import csv
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field, make_dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from types import NoneType, UnionType
from typing import Any, Literal, Required, Union, get_args, get_origin, get_type_hints

from mebench import _fast_imports
from mebench.config.trainer_objects import is_id, read_object, unpickle_object
from mebench.config.typed_values import Raw, to_plain, type_values
from mebench.errors import ConfigError, at_fault, check_known

PREFIX = "trainer."
SET_BY_FOLD = {
    *("accelerator", "precision", "default_root_dir"),  # settings of the run, and its own folder
    *("barebones", "enable_checkpointing", "fast_dev_run", "limit_test_batches", "limit_predict_batches"),
    *("num_nodes", "plugins", "model_registry"),
}
"""Options of Lightning's that a fold sets by itself, so that no setting can."""
BASES = {
    "callbacks": ("lightning.pytorch.callbacks", "Callback"),
    "logger": ("lightning.pytorch.loggers", "Logger"),
}
"""Options that take objects: where Lightning's own are, and their class."""
OBJECT_BASES = BASES | {
    "strategy": ("lightning.pytorch.strategies", "Strategy"),
    "profiler": ("lightning.pytorch.profilers", "Profiler"),
    "optimizer": ("torch.optim", "Optimizer"),
}
"""The options for which Python takes objects: where their class is, and its name."""
SPEC_KEYS = {"class_path", "init_args", "object"}
"""Keys of the map that describes a callback or logger; `object` names one that Python gave."""
ONLY_WATCH = {
    *("detect_anomaly", "enable_autolog_hparams", "enable_model_summary", "enable_progress_bar", "log_every_n_steps"),
    *("logger", "num_sanity_val_steps", "profiler"),
}
"""Options that shape no prediction."""
WATCHERS = {
    *("DeviceStatsMonitor", "LearningRateMonitor", "ModelSummary", "OnExceptionCheckpoint", "RichModelSummary"),
    *("RichProgressBar", "ThroughputMonitor", "TQDMProgressBar"),
}
"""Callbacks of Lightning without effect on predictions; a `ModelCheckpoint` without `monitor` has none either."""


IMPOSSIBLE_IN_FOLDS = {
    "LearningRateFinder": "it would train before the fold's training: choose the rate with mebench tune, or find it with "
    "Lightning's Tuner in a program of your own, and give it as a setting of the method",
    "BatchSizeFinder": "it would train before the fold's training, and change its batches: try sizes with mebench run -m",
}
"""Callbacks of Lightning that cannot work inside folds, and what to do instead."""

_IMPORTS_FOREIGN: ContextVar[bool] = ContextVar("imports_foreign", default=True)
"""Whether callbacks and loggers outside Lightning are imported, which runs their code."""

OWN_FILES = {"CSVLogger", *(["TensorBoardLogger"] if find_spec("tensorboard") else [])}
"""Loggers of Lightning's that write files and do nothing else; others talk to a process or a server, for which a
sandbox has no sockets. The package tensorboardX shares memory with a process, which it has not either.
"""


@cache
def trainer_options() -> type:
    """A dataclass of the options that a setting may give, with Lightning's defaults."""
    trainer = _fast_imports.L.Trainer
    hints = get_type_hints(trainer.__init__)
    return make_dataclass(
        "Trainer",
        [
            *(
                (name, _type_of_option(name, hints[name]), field(default=parameter.default))
                for name, parameter in inspect.signature(trainer.__init__).parameters.items()
                if name not in SET_BY_FOLD | {"self"}
            ),
            ("optimizer", dict[str, Any] | None, field(default=None)),
        ],
        kw_only=True,
    )


def _type_of_option(name: str, hint: Any) -> Any:
    """The type of an option, with the map that names a stored object."""
    if name in BASES:
        return Any
    return Union[settable_type(hint), dict[str, Any]] if name in OBJECT_BASES else settable_type(hint)  # noqa: UP007


def settable_type(hint: Any) -> Any:
    """The part of a type that a setting can give: numbers, text, truth values, and lists and maps of them; anything
    where none is left.

    >>> from pathlib import Path
    >>> settable_type(int | Path | None), settable_type(Path)
    (typing.Optional[int], typing.Any)
    """
    if get_origin(hint) in (Union, UnionType):
        kept = [part for part in get_args(hint) if settable_type(part) is not Any and get_origin(part) is not list]
        return Union[tuple(kept)] if set(kept) - {NoneType} else Any  # noqa: UP007
    parts = [part for part in get_args(hint) if part is not ...]
    is_scalar = get_origin(hint) is Literal or hint in (bool, int, float, str, NoneType)
    holds_settable = bool(parts) and all(settable_type(part) is not Any for part in parts)
    return hint if is_scalar or holds_settable else Any


def changed_options(values: Mapping[str, Any], origins: Mapping[str, str]) -> dict[str, Any]:
    """The options that differ from Lightning's defaults, as plain data.

    Callbacks and loggers become maps of `class_path` and `init_args`.

    Args:
        values: typed, by key with `PREFIX`.
        origins: where each stands.

    Raises:
        ConfigError: there is no such callback or logger, or it does not take these arguments.
    """
    chosen = {key.removeprefix(PREFIX): value for key, value in values.items() if key.startswith(PREFIX)}
    if not chosen:
        return {}
    defaults = {name: parameter.default for name, parameter in inspect.signature(trainer_options()).parameters.items()}
    for name in chosen.keys() & BASES.keys():
        value = chosen[name]
        if isinstance(value, bool | None):
            continue
        specs = value if isinstance(value, list) else [value]
        with at_fault(PREFIX + name):
            chosen[name] = [_checked(spec, name, origins[PREFIX + name]) for spec in specs]
    for name in chosen.keys() & OBJECT_BASES.keys() - BASES.keys():
        if isinstance(chosen[name], Mapping) and not is_id(chosen[name].get("object")):
            raise ConfigError(
                f"{PREFIX}{name} takes an object in Python alone, mebench.run(…, trainer={{{name!r}: …}}), not a map "
                f"({origins[PREFIX + name]})"
            )
    return {name: to_plain(value) for name, value in sorted(chosen.items()) if value != defaults[name]}


@contextmanager
def without_foreign_code() -> Iterator[None]:
    """A context in which classes outside Lightning are not imported; their arguments stay unchecked."""
    before = _IMPORTS_FOREIGN.set(False)
    try:
        yield
    finally:
        _IMPORTS_FOREIGN.reset(before)


def _checked(spec: Any, option: str, origin: str) -> dict[str, Any]:
    """A callback or logger with its full `class_path` and typed `init_args`; it is constructed once as a check."""
    full: Any = {"class_path": spec} if isinstance(spec, str) else spec
    if not isinstance(full, Mapping) or not isinstance(full.get("class_path"), str) or full.keys() - SPEC_KEYS:
        raise ConfigError(
            f"{PREFIX}{option} holds {spec!r}, expected the name of a class, or a map with class_path and init_args ({origin})"
        )
    if "object" in full:
        if not is_id(full["object"]):
            raise ConfigError(f"{PREFIX}{option} names no stored object: {full['object']!r} ({origin})")
        return {**full, "init_args": to_plain(full.get("init_args") or {})}
    is_foreign = "." in full["class_path"] and not full["class_path"].startswith("lightning.")
    if is_foreign and not _IMPORTS_FOREIGN.get():
        return {"class_path": full["class_path"], "init_args": to_plain(full.get("init_args") or {})}
    cls = _class(full["class_path"], option, origin)
    refuse_impossible(cls, option, origin)
    arguments = _typed_arguments(cls, full.get("init_args") or {}, origin)
    stored = {name: to_plain(value) for name, value in arguments.items()}
    try:
        cls(**arguments)
    except Exception as error:  # each refuses in its own way
        raise ConfigError(f"{cls.__name__} cannot be made: {' '.join(str(error).split())} ({origin})") from error
    return {"class_path": f"{cls.__module__}.{cls.__qualname__}", "init_args": stored}


def refuse_impossible(cls: type, option: str, origin: str) -> None:
    """Refuse a class that cannot work inside folds.

    Args:
        cls: class of a callback or the like.
        option: option that names it.
        origin: origin of the option, for the message.

    Raises:
        ConfigError: it is one of `IMPOSSIBLE_IN_FOLDS`, or made of it.
    """
    for base in cls.__mro__:
        if base.__module__.startswith("lightning.") and base.__name__ in IMPOSSIBLE_IN_FOLDS:
            reason = IMPOSSIBLE_IN_FOLDS[base.__name__]
            raise ConfigError(f"{PREFIX}{option}: {cls.__name__} cannot work inside folds, since {reason} ({origin})")


def _typed_arguments(cls: Any, init_args: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Arguments of a class with the types of its signature: plain data, and maps whose keys may be numbers.

    Args:
        cls: class of a callback or logger.
        init_args: arguments as settings give them, or as they are stored.
        origin: origin of the arguments, for messages.
    """
    name = cls.__name__
    signature = inspect.signature(cls).parameters.values()
    try:
        hints = get_type_hints(cls.__init__)
    except NameError:  # of imports only for types, as in WandbLogger
        hints = dict.fromkeys((p.name for p in signature), Any)
    given = {"save_dir": ".", **init_args} if "save_dir" in hints else init_args
    raw: Raw = {f"{name}.{key}": (value, origin) for key, value in given.items()}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature)
    types: dict[str, Any] = dict.fromkeys(raw, Any) if takes_any else {}
    for p in signature:
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            hint = settable_type(hints.get(p.name, Any))
            types[f"{name}.{p.name}"] = Required[hint] if p.default is p.empty else hint
    arguments = {key.partition(".")[2]: value for key, value in type_values(raw, types).items()}
    plain = {key: to_plain(value) for key, value in arguments.items() if not isinstance(value, dict)}
    return {**arguments, **plain}


def with_number_keys(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Options with the numbers in maps of callbacks and loggers, which JSON keeps as text."""
    objects = {option: specs for option, specs in chosen.items() if option in BASES and isinstance(specs, list)}
    return {**chosen, **{option: [_with_number_keys(spec) for spec in specs] for option, specs in objects.items()}}


def _with_number_keys(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A callback or logger whose maps have the keys of its signature."""
    if "object" in spec:
        return spec
    maps = [name for name, value in spec["init_args"].items() if isinstance(value, dict)]
    if not maps:
        return spec
    arguments = _typed_arguments(resolve_name(spec["class_path"]), spec["init_args"], "stored configuration")
    return {**spec, "init_args": {**spec["init_args"], **{name: arguments[name] for name in maps}}}


def _class(path: str, option: str, origin: str) -> Any:
    """A class by its name in Lightning, or its full path."""
    home = import_module(BASES[option][0])
    module, _, name = path.rpartition(".")
    if not module:
        yours = "One of yours has its full path, module.Class"
        check_known(option.rstrip("s"), name, home.__all__, f"{yours} ({origin})")
    if module == "__main__":
        raise ConfigError(
            f"folds cannot import {path!r} of the program itself: put {name} into a file of its own ({origin})"
        )
    try:
        cls = getattr(import_module(module) if module else home, name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{PREFIX}{option} names {path!r}, which cannot be imported: {error} ({origin})") from error
    base = getattr(home, BASES[option][1])
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise ConfigError(
            f"{PREFIX}{option} names {path!r}, expected a subclass of Lightning's {base.__name__} ({origin})"
        )
    return cls


def _name(spec: Mapping[str, Any]) -> str:
    return str(spec["class_path"]).rpartition(".")[2]


def _talking(chosen: Mapping[str, Any]) -> list[Any]:
    """Lightning's loggers that talk to a process or a server."""
    specs = chosen["logger"] if isinstance(chosen.get("logger"), list) else []
    return [spec for spec in specs if spec["class_path"].startswith("lightning.") and _name(spec) not in OWN_FILES]


def options_in_fold(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Options for a fold: a `CSVLogger` replaces each logger that talks to a server, and `hand_over` passes its rows on
    later.
    """
    talking = _talking(chosen)
    if not talking:
        return dict(chosen)
    path = f"{BASES['logger'][0]}.CSVLogger"
    files = [{"class_path": path, "init_args": {"save_dir": ".", "name": _name(spec)}} for spec in talking]
    return {**chosen, "logger": [*(spec for spec in chosen["logger"] if spec not in talking), *files]}


def hand_over(chosen: Mapping[str, Any], settings: Mapping[str, Any], fold: str, folder: Path) -> list[str]:
    """Give the rows of a finished fold to loggers that talk elsewhere.

    Args:
        chosen: the options.
        settings: settings of the run.
        fold: name of the fold, for loggers without a name.
        folder: folder of the fold's logs.

    Returns:
        a sentence for each logger that failed.
    """
    failed = []
    for spec in _talking(chosen):
        try:
            logger = _logger_of_fold(spec, settings, fold, folder)
            logger.log_hyperparams(dict(settings))
            for file in sorted(folder.rglob(f"{_name(spec)}/*/metrics.csv")):
                for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
                    step = int(row.pop("step"))
                    logger.log_metrics({name: float(value) for name, value in row.items() if value}, step)
            logger.finalize("success")
            getattr(logger.experiment, "finish", lambda: None)()
        except Exception as error:  # each fails in its own way, and the fold is done
            reason = " ".join(str(error).split()) or type(error).__name__
            failed.append(f"{_name(spec)} did not take fold {fold} ({reason}): its rows are in {folder}")
    return failed


def _logger_of_fold(spec: Mapping[str, Any], settings: Mapping[str, Any], fold: str, folder: Path) -> Any:
    """A logger for the rows of one fold.

    A class names its run after the fold, an object has the name that it was given.

    Args:
        spec: the logger.
        settings: settings of the run.
        fold: name of the fold.
        folder: folder of the fold's logs.
    """
    if "object" in spec:
        given = unpickle_object(read_object(spec, settings["runs"]))
        return given if hasattr(given, "log_metrics") and not isinstance(given, type) else given()
    cls = getattr(import_module(spec["class_path"].rpartition(".")[0]), _name(spec))
    args = dict(spec["init_args"])
    if "save_dir" in args:
        args["save_dir"] = str(folder / (args["save_dir"] or "."))
    if "name" in inspect.signature(cls).parameters:
        args["name"] = args.get("name") or fold
    return cls(**args)


def monitored_metric(spec: Mapping[str, Any]) -> str | None:
    """The metric by which a callback chooses, or None."""
    metric = spec["init_args"].get("monitor")
    return None if metric is None or _name(spec) in WATCHERS else str(metric)


def selects_epoch(chosen: Mapping[str, Any]) -> bool:
    """Whether options select something by a metric of the inner validation subjects."""
    return any(monitored_metric(spec) for spec in chosen.get("callbacks") or ())


def shaping_option(option: str, value: Any) -> Any:
    """The part of an option that shapes predictions, or None. Callbacks that only watch do not."""
    if option in ONLY_WATCH:
        return None
    if option != "callbacks" or not isinstance(value, list):
        return value
    only_watching = WATCHERS | {"ModelCheckpoint"}
    shaping = [spec for spec in value if monitored_metric(spec) or _name(spec) not in only_watching]
    return shaping or None


def user_modules(chosen: Mapping[str, Any]) -> list[str]:
    """The modules of callbacks and loggers outside Lightning: folds import them, and their code is part of the run's
    key.
    """
    specs: list[Any] = []
    for option in BASES:
        listed = chosen.get(option)
        if isinstance(listed, list):
            specs += listed
    # A stored object brings its code along, and its name follows from both.
    named = [spec for spec in specs if "object" not in spec]
    names = {str(spec["class_path"]).rpartition(".")[0] for spec in named}
    return sorted(name for name in names if not name.startswith("lightning."))
