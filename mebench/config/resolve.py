"""Merges the layers, types every value and remembers where it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mebench import protocols
from mebench.config import registry
from mebench.config.parts import Part, Section, called, merged, one_name, parts_of
from mebench.config.setting_layers import PLUGIN_KEYS, Given, Layer, flatten, layers_of, more_plugins
from mebench.config.settings import PROTOCOL, RunConfig, RunSettings
from mebench.config.typed_values import Raw, plain, typed, unknown_key
from mebench.errors import ConfigError

SAVED = "saved configuration"


def resolve(
    given: Given, files: Iterable[str | Path] = (), plugins: Iterable[str | Path] = (), origin: str = ""
) -> RunConfig:
    """The configuration that some settings, `-c` files and the user's file ask for.

    Args:
        given: values by key, nested or flat, for example `{"method": {"name": "mean", "p": 0.6}}`; or the words of a command line.
        files: YAML files, later ones rank higher.
        plugins: folders with more plugins.
        origin: where the settings stand, for people: of values an argument, of words the command line by default.

    Raises:
        ConfigError: an unknown or ill-typed key, with the nearest match and where it stands.
        PluginError: an unknown or broken plugin.
    """
    layers, named, paths = _read(given, files, plugins, origin)
    parts = parts_of(named)
    packaged, user = merged(layers, named, parts)
    if paths:
        user["plugins"] = (paths, user["plugins"][1] if "plugins" in user else "--plugins")
    return _build(packaged | user, packaged, parts)


@dataclass(frozen=True)
class DatasetConfig:
    """What the verbs need that look at a dataset and run nothing.

    Attributes:
        dataset: id of the dataset; the names of a composite's members are joined by `+`.
        dataset_params: the `Params` of each member by its word (`casme2`, or `slow:synthetic`); one of a plain dataset.
        plugins: folders with more plugins.
    """

    dataset: str
    dataset_params: Mapping[str, Any]
    plugins: tuple[str, ...] = ()


def resolve_dataset(
    given: Given, files: Iterable[str | Path] = (), plugins: Iterable[str | Path] = ()
) -> DatasetConfig:
    """The dataset that some settings ask for, or the members of a composite. Files may hold the keys of whole runs.

    Raises:
        ConfigError: an unknown or ill-typed key, or among the settings one that only a run has.
        PluginError: an unknown or broken plugin.
    """
    layers, named, paths = _read(given, files, plugins)
    parts = parts_of(named, ["dataset"])
    of_runs = {f.name for f in fields(RunSettings)} - {"plugins"} | PLUGIN_KEYS.keys() - {"dataset"}
    for key in layers[-1].values:
        head, where = key.split(".")[0], layers[-1].origin
        if head in of_runs:
            raise ConfigError(
                f"{key} belongs to a run, and this looks at a dataset: give only dataset=… and dataset.<key>=… ({where})"
            )
        if head not in ("dataset", "roots", "plugins"):
            known = ["dataset", *(key for part in parts for key in part.types())]
            raise ConfigError(f"{unknown_key(key, known)} ({where})")
    packaged, user = merged(layers, named, parts)
    raw = {key: value for key, value in (packaged | user).items() if key.startswith("dataset.")}
    _, built, _ = _typed(raw, raw, parts)
    params = {part.word: built[part.prefix] for part in parts}
    return DatasetConfig("+".join(map(called, params)), params, tuple(paths))


def from_plain(values: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> RunConfig:
    """The configuration that `RunConfig.values` holds, as JSON or YAML gives it back; reads no file of the user's.

    Raises:
        ConfigError: a value no longer fits, for example after the plugin changed.
        PluginError: a plugin is gone or broken.
    """
    raw = {key: (value, (origins or {}).get(key, SAVED)) for key, value in flatten(values).items()}
    registry.add_paths(raw.get("plugins", ((), ""))[0])
    return _build(raw, raw, parts_of(raw))


def _read(
    given: Given, files: Iterable[str | Path], plugins: Iterable[str | Path], origin: str = ""
) -> tuple[list[Layer], Raw, list[str]]:
    """The user's layers, lowest first; what the highest says of each key; the folders with more plugins, which now are found.

    Raises:
        ConfigError: a file is missing or unreadable, or a word is not `key=value`.
    """
    paths = registry.add_paths(plugins)
    layers = layers_of(given, files, origin)
    paths += registry.add_paths(more_plugins(layers))
    named = {key: (value, layer.origin) for layer in layers for key, value in layer.values.items()}
    return layers, named, list(dict.fromkeys(paths))


def _typed(
    raw: Raw, packaged: Raw, sections: Sequence[Section]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """The values that somebody sets, by key; an instance of each section, by its prefix; and the origin of every key.

    What the user sets to the value that holds without it keeps the origin of that: a default spelled out is no setting.
    """
    types = {key: hint for section in sections for key, hint in section.types().items()}
    values = typed(raw, types | dict.fromkeys(PLUGIN_KEYS, Any))
    own = typed(
        packaged, {key: hint for key, hint in types.items() if key in packaged} | dict.fromkeys(PLUGIN_KEYS, Any)
    )
    before = {key: (value, section.origin) for section in sections for key, value in section.defaults().items()}
    before |= {key: (own[key], origin) for key, (_, origin) in packaged.items()}
    origins = {key: origin for key, (_, origin) in before.items()}
    for key, (_, origin) in raw.items():
        if key not in before or plain(values[key]) != plain(before[key][0]):
            origins[key] = origin
    return values, {section.prefix: section.instance(values, origins) for section in sections}, origins


def _build(raw: Raw, packaged: Raw, parts: Sequence[Part]) -> RunConfig:
    """Type all values, check their ranges and put them together.

    Args:
        raw: what is said of a run.
        packaged: what of it is said without the user.
        parts: the method, the dataset or its members, and the recognizer if there is one.
    """
    if parts[-1].prefix != "recognizer.":
        raw.pop("recognizer", None)
        for key in raw:
            if key.startswith("recognizer."):
                raise ConfigError(f"{key} is set, but no recognizer is named: add recognizer=<id> ({raw[key][1]})")
    name, origin = raw.get("protocol", (PROTOCOL, "default"))
    try:
        protocol = protocols.find(one_name("protocol", name, origin))
    except ConfigError as error:
        raise ConfigError(f"{error} ({origin})") from error
    of_protocol = Section("protocol.", protocol.params, f"default (protocol {protocol.name})")
    said, built, origins = _typed(raw, packaged, [*parts, Section("", RunSettings, "default"), of_protocol])
    ids = {part.prefix: part.info.id for part in parts}
    data = {part.word: built[part.prefix] for part in parts if part.info.kind == "dataset"}
    values: dict[str, Any] = {}
    for part in parts:
        key, member = part.prefix.split(".")[:2]
        own = {"preset": said.get(f"{part.prefix}preset"), **_fields(built[part.prefix])}
        home = values.setdefault(key, {"name": list(data) if member else part.info.id})
        home |= {member: own} if member else own
    values |= _fields(built[""]) | {f"protocol.{name}": v for name, v in _fields(built["protocol."]).items()}
    return RunConfig(
        **vars(built[""]),
        method=ids["method."],
        method_params=built["method."],
        recognizer=ids.get("recognizer."),
        recognizer_params=built.get("recognizer."),
        dataset="+".join(map(called, data)),
        dataset_params=data,
        protocol_params=built["protocol."],
        values=values,
        origins=origins,
    )


def _fields(instance: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(instance, f.name)) for f in fields(instance) if f.init}
