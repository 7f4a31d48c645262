"""Merges the layers, types every value and remembers where it comes from."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_type_hints

from mebench import registry
from mebench.config.layers import COMMAND_LINE, Layer, flatten, more_plugins, read_layers
from mebench.config.settings import RunConfig, RunSettings
from mebench.config.values import choices, convert, expected, plain
from mebench.errors import ConfigError, PluginError, unknown
from mebench.registry import PluginInfo, PluginKind

Raw = dict[str, tuple[Any, str]]
"""Values not typed yet, each with its origin."""

SAVED = "saved configuration"
_FOLDERS = {"runs", "cache", "dataset.root"}
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
    method, dataset = _chosen("method", layers), _chosen("dataset", layers)
    raws = {
        "": _run_layers(layers, paths),
        "method": _plugin_layers(method, layers, dataset.id),
        "dataset": _plugin_layers(dataset, layers),
    }
    return _build(method, dataset, raws)


def from_plain(values: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> RunConfig:
    """The configuration that `RunConfig.values` holds, as JSON or YAML gives it back; reads no file of the user's.

    Raises:
        ConfigError: a value no longer fits, for example after the plugin changed.
        PluginError: a plugin is gone or broken.
    """
    flat = flatten(values)
    registry.add_paths(flat.get("plugins") or ())
    raws: dict[str, Raw] = {"": {}, "method": {}, "dataset": {}}
    for key, value in flat.items():
        part, _, name = f"{key}.name".rpartition(".") if key in registry.PLUGIN_KINDS else key.rpartition(".")
        part, name = (part, name) if part in raws else ("", key)
        raws[part][name] = (value, (origins or {}).get(key, SAVED))
    infos = [registry.find(kind, str(flat.get(kind))) for kind in registry.PLUGIN_KINDS]
    return _build(infos[0], infos[1], raws)


def keys(info: PluginInfo) -> dict[str, Any]:
    """The parameters of a plugin and their types, by name.

    Raises:
        PluginError: a type in `params.py` cannot be resolved.
    """
    return _hints(registry.params_class(info), f"{info.where}/params.py")


def _chosen(kind: PluginKind, layers: Sequence[Layer]) -> PluginInfo:
    """The plugin that the highest layer names."""
    named = [(layer.values[kind], layer.origin) for layer in layers if kind in layer.values]
    if not named:
        known = ", ".join(registry.plugins(kind)) or "none"
        raise ConfigError(f"no {kind} is named: add {kind}=<id>. Known: {known}. See them with: mebench list {kind}s")
    name, origin = named[-1]
    _refuse_sweep(kind, name, origin)
    try:
        return registry.find(kind, name)
    except PluginError as error:
        raise type(error)(str(error) if origin == COMMAND_LINE else f"{error} ({origin})") from error


def _refuse_sweep(key: str, value: Any, origin: str) -> None:
    if not isinstance(value, str) or "," in value:
        raise ConfigError(
            f"{key} must be one name, not {value!r} ({origin}): sweeps are not there yet, run them one by one"
        )


def _run_layers(layers: Sequence[Layer], paths: tuple[str, ...]) -> Raw:
    """The keys that belong to no plugin."""
    raw: Raw = {}
    for layer in layers:
        raw.update(
            {k: (v, layer.origin) for k, v in layer.values.items() if "." not in k and k not in registry.PLUGIN_KINDS}
        )
        strays = [k for k in layer.values if "." in k and k.split(".")[0] not in (*registry.PLUGIN_KINDS, "roots")]
        raw.update({k: (layer.values[k], layer.origin) for k in strays})
    if "protocol" in raw:
        _refuse_sweep("protocol", *raw["protocol"])
    if paths:
        raw["plugins"] = (list(paths), raw["plugins"][1] if "plugins" in raw else "--plugins")
    return raw


def _plugin_layers(info: PluginInfo, layers: Sequence[Layer], dataset: str = "") -> Raw:
    """The keys of a plugin, merged from its `config.yaml` and the layers; `dataset` for a method's settings for it.

    A preset that the user chooses undoes the method's settings for the dataset; one chosen by the plugin does not.
    """
    file = f"{info.where}/config.yaml"
    own = dict(info.section("datasets").get(dataset) or {})
    preset, origin, by_user = _preset(info, own.pop("preset", None), dataset, layers)
    packaged = (info.section("params"), f"{file}: params")
    chosen = (_preset_values(info, preset, origin), f"preset {preset} ({file})")
    special = (own, f"{file}: datasets.{dataset}")
    raw: Raw = {}
    for values, source in (packaged, special, chosen) if by_user else (packaged, chosen, special):
        raw.update({name: (value, source) for name, value in values.items()})
    for layer in layers:
        root = layer.root(info.id) if info.kind == "dataset" else None
        if root is not None and "root" in keys(info):
            raw["root"] = (root, f"{layer.origin}: roots.{info.id}")
        raw.update({name: (value, layer.origin) for name, value in layer.of(info.kind, info.id).items()})
    name_origin = [layer.origin for layer in layers if info.kind in layer.values][-1]
    return raw | {"name": (info.id, name_origin), "preset": (preset, origin)}


def _preset(info: PluginInfo, special: Any, dataset: str, layers: Sequence[Layer]) -> tuple[str | None, str, bool]:
    """The chosen preset, who chose it, and whether that was the user."""
    for layer in reversed(layers):
        own = layer.of(info.kind, info.id)
        if "preset" in own:
            return _typed(f"{info.kind}.preset", own["preset"], str | None, layer.origin), layer.origin, True
    file = f"{info.where}/config.yaml"
    if special is not None:
        return str(special), f"{file}: datasets.{dataset}", False
    preset = info.config.get("preset")
    return (None, "default", False) if preset is None else (str(preset), file, False)


def _preset_values(info: PluginInfo, preset: str | None, origin: str) -> Mapping[str, Any]:
    presets = info.section("presets")
    if preset is None:
        return {}
    if preset not in presets:
        raise ConfigError(f"{unknown(f'preset of {info.id}', preset, presets)} ({origin})")
    return presets[preset] or {}


def _build(method: PluginInfo, dataset: PluginInfo, raws: Mapping[str, Raw]) -> RunConfig:
    """Type all values, check their ranges and put them together."""
    every = {f.name for f in dataclasses.fields(RunSettings)}
    params = {info.kind: keys(info) for info in (method, dataset)}
    known = {
        *every,
        *registry.PLUGIN_KINDS,
        *(f"{kind}.{name}" for kind, hints in params.items() for name in (*hints, "preset")),
    }
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    built: dict[str, Any] = {}
    for info in (method, dataset):
        raw = dict(raws[info.kind])
        head = {name: raw.pop(name, (None, "default")) for name in ("name", "preset")}
        built[info.kind], from_ = _instance(
            registry.params_class(info), f"{info.kind}.", raw, known, f"default ({info.where}/params.py)"
        )
        origins |= {info.kind: head["name"][1], f"{info.kind}.preset": head["preset"][1]} | from_
        values[info.kind] = {"name": info.id, "preset": head["preset"][0], **_fields(built[info.kind])}
    settings, from_ = _instance(RunSettings, "", dict(raws[""]), known, "default")
    return RunConfig(
        method=method.id,
        method_params=built["method"],
        dataset=dataset.id,
        dataset_params=built["dataset"],
        values=values | _fields(settings),
        origins=origins | from_,
        **{name: getattr(settings, name) for name in every},
    )


def _instance(cls: type[_T], prefix: str, raw: Raw, known: Iterable[str], default: str) -> tuple[_T, dict[str, str]]:
    """An instance of a dataclass from raw values, and the origin of each field."""
    hints = _hints(cls, default)
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
    return str(Path(result).expanduser()) if key in _FOLDERS and isinstance(result, str) else result


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


def _hints(cls: type, where: str) -> dict[str, Any]:
    """Types of the fields that can be set."""
    try:
        hints = get_type_hints(cls)
    except Exception as error:
        raise PluginError(f"{where}: the types of {cls.__name__} cannot be read: {error}") from error
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]


def _fields(instance: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(instance, f.name)) for f in dataclasses.fields(instance) if f.init}
