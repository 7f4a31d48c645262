"""Merges the layers, types every value and remembers where it comes from."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from mebench.config import registry
from mebench.config.layers import NESTED, PLUGIN_KEYS, Layer, flatten, more_plugins, read_layers
from mebench.config.parts import (
    Member,
    Part,
    Raw,
    called,
    chosen_datasets,
    chosen_method,
    chosen_recognizer,
    dataset_parts,
    hints_of,
    keys,
    members,
    method_part,
    one_name,
)
from mebench.config.settings import PROTOCOL, RunConfig, RunSettings
from mebench.config.values import choices, convert, expected, plain
from mebench.errors import ConfigError, unknown

if TYPE_CHECKING:
    from mebench.protocols import Protocol

SAVED = "saved configuration"
_FOLDERS = {"runs", "cache", "root", "annotations"}
_T = TypeVar("_T")


def resolve(words: Sequence[str], files: Iterable[str | Path] = (), plugins: Iterable[str | Path] = ()) -> RunConfig:
    """The configuration that the words of the command line, `-c` files and the user's file ask for.

    Args:
        words: `key=value`, for example `method.p=0.6`.
        files: YAML files, later ones rank higher.
        plugins: folders with more plugins.

    Raises:
        ConfigError: an unknown or ill-typed key, with the nearest match and where it stands.
        PluginError: an unknown or broken plugin.
    """
    paths = registry.add_paths(plugins)
    layers = read_layers(words, files)
    paths = tuple(dict.fromkeys([*paths, *registry.add_paths(more_plugins(layers))]))
    method, method_origin = chosen_method(layers)
    recognizer, recognizer_origin = chosen_recognizer(layers)
    datasets, dataset_origin = chosen_datasets(layers)
    parts = [method_part("method", method, layers, datasets), *dataset_parts(datasets, layers)]
    named = {"method": (method.id, method_origin), "dataset": (_name(datasets), dataset_origin)}
    if recognizer is not None:
        parts.append(method_part("recognizer", recognizer, layers, datasets))
        named["recognizer"] = (recognizer.id, recognizer_origin)
    else:
        _refuse_orphans(layers)
    return _build(parts, named, _run_layers(layers, paths))


@dataclass(frozen=True)
class DatasetConfig:
    """What the verbs need that look at a dataset and run nothing.

    Attributes:
        dataset: id of the dataset; the names of a composite's members are joined by `+`.
        dataset_params: the `Params` of each member by its word (`casme2`, or `slow:synthetic`); one of a plain dataset.
    """

    dataset: str
    dataset_params: Mapping[str, Any]


def resolve_dataset(
    words: Sequence[str], files: Iterable[str | Path] = (), plugins: Iterable[str | Path] = ()
) -> DatasetConfig:
    """The dataset that the words ask for, or the members of a composite. Files may hold the keys of whole runs.

    Raises:
        ConfigError: an unknown or ill-typed key, or among the words one that only a run has.
        PluginError: an unknown or broken plugin.
    """
    registry.add_paths(plugins)
    layers = read_layers(words, files)
    registry.add_paths(more_plugins(layers))
    datasets, _ = chosen_datasets(layers)
    parts = dataset_parts(datasets, layers)
    known = ["dataset", *(f"{part.prefix}.{name}" for part in parts for name in (*keys(part.info), "preset"))]
    _refuse_run_keys(layers[-1], known)
    built = {dataset.word: _params(part, known)[1] for dataset, part in zip(datasets, parts)}
    return DatasetConfig("+".join(dataset.name for dataset in datasets), built)


def from_plain(values: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> RunConfig:
    """The configuration that `RunConfig.values` holds, as JSON or YAML gives it back; reads no file of the user's.

    Raises:
        ConfigError: a value no longer fits, for example after the plugin changed.
        PluginError: a plugin is gone or broken.
    """
    flat = flatten(values)
    registry.add_paths(flat.get("plugins") or ())
    names = members(flat.get("dataset"), SAVED)
    parts = [Part("method", registry.find("method", str(flat.get("method"))))]
    for name in names or [flat.get("dataset")]:
        prefix = f"dataset.{called(str(name))}" if names else "dataset"
        parts.append(Part(prefix, registry.find("dataset", str(name))))
    if flat.get("recognizer") is not None:
        parts.append(Part("recognizer", registry.find("method", str(flat["recognizer"]))))
    named: Raw = {}
    run: Raw = {}
    for key, value in flat.items():
        entry = (value, (origins or {}).get(key, SAVED))
        prefix, _, name = key.rpartition(".")
        part = next((part for part in parts if part.prefix == prefix), None)
        home = named if key in PLUGIN_KEYS else part.raw if part else run
        home[name if part else key] = entry
    return _build(parts, named, run)


def _refuse_orphans(layers: Sequence[Layer]) -> None:
    for layer in layers:
        for key in layer.values:
            if key.startswith("recognizer."):
                raise ConfigError(f"{key} is set, but no recognizer is named: add recognizer=<id> ({layer.origin})")


def _refuse_run_keys(words: Layer, known: Iterable[str]) -> None:
    of_runs = {f.name for f in dataclasses.fields(RunSettings)} - {"plugins"} | PLUGIN_KEYS.keys() - {"dataset"}
    for key in words.values:
        head = key.split(".")[0]
        if head in of_runs:
            raise ConfigError(
                f"{key} belongs to a run, and this looks at a dataset: give only dataset=… and dataset.<key>=… ({words.origin})"
            )
        if head not in ("dataset", "roots", "plugins"):
            raise ConfigError(f"{unknown('key', key, known)} ({words.origin})")


def _run_layers(layers: Sequence[Layer], paths: tuple[str, ...]) -> Raw:
    """The keys that belong to no plugin."""
    raw: Raw = {}
    for layer in layers:
        raw.update({k: (v, layer.origin) for k, v in layer.values.items() if "." not in k and k not in PLUGIN_KEYS})
        strays = [k for k in layer.values if "." in k and k.split(".")[0] not in NESTED]
        raw.update({k: (layer.values[k], layer.origin) for k in strays})
    protocol = one_name("protocol", *raw["protocol"]) if "protocol" in raw else PROTOCOL
    for layer in layers:
        own = layer.of("protocol", protocol)
        raw.update({f"protocol.{name}": (value, layer.origin) for name, value in own.items()})
    if paths:
        raw["plugins"] = (list(paths), raw["plugins"][1] if "plugins" in raw else "--plugins")
    return raw


def _build(parts: Sequence[Part], named: Raw, run: Raw) -> RunConfig:
    """Type all values, check their ranges and put them together.

    Args:
        parts: the method, the dataset or its members, and the recognizer if there is one.
        named: the names of `method`, `dataset` and `recognizer`.
        run: the keys that belong to no plugin, those of the protocol among them.
    """
    every = {f.name for f in dataclasses.fields(RunSettings)}
    protocol = _protocol(*run.get("protocol", (PROTOCOL, "default")))
    known = {
        *every,
        *(f"protocol.{name}" for name in protocol.parameters()),
        *PLUGIN_KEYS,
        *(f"{part.prefix}.{name}" for part in parts for name in (*keys(part.info), "preset")),
    }
    origins = {key: origin for key, (_, origin) in named.items()}
    values: dict[str, Any] = {key: {"name": plain(name)} for key, (name, _) in named.items()}
    built: dict[str, Any] = {}
    for part in parts:
        preset, built[part.prefix], from_ = _params(part, known)
        origins |= from_
        key, _, member = part.prefix.partition(".")
        own = {"preset": preset, **_fields(built[part.prefix])}
        values[key] |= {member: own} if member else own
    of_protocol = {key.removeprefix("protocol."): run[key] for key in run if key.startswith("protocol.")}
    general = {key: value for key, value in run.items() if not key.startswith("protocol.")}
    settings, from_ = _instance(RunSettings, "", general, known, "default")
    of_default = f"default (protocol {protocol.name})"
    protocol_params: Any
    protocol_params, of_params = _instance(protocol.params, "protocol.", of_protocol, known, of_default)
    of_run = _fields(settings) | {f"protocol.{name}": value for name, value in _fields(protocol_params).items()}
    ids = {part.prefix: part.info.id for part in parts}
    datasets = {
        Member(part.prefix.partition(".")[2] or part.info.id, part.info).word: built[part.prefix]
        for part in parts
        if part.prefix.startswith("dataset")
    }
    return RunConfig(
        method=ids["method"],
        method_params=built["method"],
        recognizer=ids.get("recognizer"),
        recognizer_params=built.get("recognizer"),
        dataset="+".join(map(called, datasets)),
        dataset_params=datasets,
        protocol_params=protocol_params,
        values=values | of_run,
        origins=origins | from_ | of_params,
        **{name: getattr(settings, name) for name in every},
    )


def _params(part: Part, known: Iterable[str]) -> tuple[str | None, Any, dict[str, str]]:
    """The preset of a plugin, its `Params`, and the origin of each of its keys."""
    raw = dict(part.raw)
    preset, origin = raw.pop("preset", (None, "default"))
    default = f"default ({part.info.where}/params.py)"
    params: Any
    params, origins = _instance(registry.params_class(part.info), f"{part.prefix}.", raw, known, default)
    return preset, params, {f"{part.prefix}.preset": origin} | origins


def _name(datasets: Sequence[Member]) -> str | tuple[str, ...]:
    return datasets[0].word if len(datasets) == 1 else tuple(dataset.word for dataset in datasets)


def _protocol(name: Any, origin: str) -> Protocol:
    from mebench import protocols

    try:
        return protocols.find(one_name("protocol", name, origin))
    except ConfigError as error:
        raise ConfigError(f"{error} ({origin})") from error


def _instance(cls: type[_T], prefix: str, raw: Raw, known: Iterable[str], default: str) -> tuple[_T, dict[str, str]]:
    """An instance of a dataclass from raw values, and the origin of each field."""
    hints = hints_of(cls, default)
    typed = {}
    for name, (value, origin) in raw.items():
        key = f"{prefix}{name}"
        if name not in hints:
            raise ConfigError(f"{_unknown_key(key, known)} ({origin})")
        typed[name] = _typed(key, value, hints[name], origin)
    origins = {f"{prefix}{name}": raw[name][1] if name in raw else default for name in hints}
    for f in dataclasses.fields(cls):  # type: ignore[arg-type]
        needed = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if f.init and needed and f.name not in typed:
            raise ConfigError(f"{prefix}{f.name} has no value: add {prefix}{f.name}=... ({expected(hints[f.name])})")
    try:
        return cls(**typed), origins
    except (ConfigError, ValueError) as error:
        _blame(str(error), prefix, origins, default, error)


def _unknown_key(key: str, known: Iterable[str]) -> str:
    """The nearest key, first by its last part (`p` for `method.p`), and the list of those beside it."""
    part, _, name = key.rpartition(".")
    beside = [k for k in known if k.rpartition(".")[0] == part] or list(known)
    near = sorted(k for k in known if k.rpartition(".")[2] == name)
    if near:
        return f"unknown key {key!r}. Did you mean {near[0]!r}? Known: {', '.join(sorted(beside))}."
    return unknown("key", key, beside)


def _typed(key: str, value: Any, hint: Any, origin: str) -> Any:
    try:
        result = convert(value, hint)
    except ValueError:
        allowed = choices(hint)
        near = unknown(key, value, allowed) if isinstance(value, str) and len(allowed) > 2 else ""
        raise ConfigError(f"{near or f'{key} must be {expected(hint)}, not {value!r}'} ({origin})") from None
    folder = key.rpartition(".")[2] in _FOLDERS and isinstance(result, str)
    if folder and not result:
        raise ConfigError(f"{key} is empty: name a folder, or leave {key}= out ({origin})")
    return str(Path(result).expanduser()) if folder else result


def _blame(message: str, prefix: str, origins: Mapping[str, str], default: str, cause: Exception) -> NoReturn:
    """Say of a value out of range where it was set: of the keys that the message names, those that somebody set."""
    dotted = [key for key in origins if re.search(rf"(?<![\w.]){re.escape(key)}(?!\w)", message)]
    bare = [key for key in origins if re.search(rf"(?<![\w.]){re.escape(key.removeprefix(prefix))}(?!\w)", message)]
    sources = {key: origins[key] for key in dotted or bare if origins[key] != default}
    if len(sources) > 1:
        message += f" ({', '.join(f'{key}: {origin}' for key, origin in sources.items())})"
    elif sources:
        message += f" ({next(iter(sources.values()))})"
    raise ConfigError(message) from cause


def _fields(instance: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(instance, f.name)) for f in dataclasses.fields(instance) if f.init}
