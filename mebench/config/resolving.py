"""Flat values with their origins become one typed, checked configuration."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mebench.config import registry
from mebench.config.sections import (
    PLUGIN_KEYS,
    PluginSection,
    Section,
    member_name,
    one_name,
    plugin_sections,
)
from mebench.config.settings import PROTOCOL, STORED_ORDER, RunConfig, RunSettings
from mebench.config.sources import Given, Layer, effective_values, flatten_keys, layers_of, merge_layers, more_plugins
from mebench.config.trainer import PREFIX, changed_options, trainer_options
from mebench.config.typed_values import Raw, nearest_key, to_plain, type_values, unknown_key
from mebench.errors import ConfigError, at_fault
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.protocols import known as known_protocols

SAVED = "saved configuration"
"""Origin of values that were stored without one."""


def resolve(
    given: Given, files: Iterable[str | Path] = (), plugins: Iterable[str | Path] = (), origin: str = ""
) -> RunConfig:
    """The configuration from settings, `-c` files and the user's file.

    Args:
        given: values by key, nested or flat, for example `{"method": {"name": "mean", "p": 0.6}}`; or the words of a command line.
        files: YAML files, later ones rank higher.
        plugins: folders with more plugins.
        origin: source of the settings, for messages: by default an argument for values, the command line for words.

    Raises:
        ConfigError: an unknown or ill-typed key, with the nearest match and its origin.
        PluginError: an unknown or broken plugin.
    """
    layers, folders = read_layers(given, files, plugins, origin)
    effective = effective_values(layers)
    sections = plugin_sections(effective)
    packaged, user = merge_layers(layers, effective, sections)
    if folders:
        _, origin_of_folders = user.get("plugins", ((), "--plugins"))
        user["plugins"] = (folders, origin_of_folders)
    return _configuration(packaged, user, sections)


@dataclass(frozen=True)
class DatasetConfig:
    """Configuration of verbs that read a dataset without a run.

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
    """The dataset of some settings, or the members of a composite. Files may hold the keys of whole runs.

    Raises:
        ConfigError: an unknown or ill-typed key, or a setting that belongs to runs only.
        PluginError: an unknown or broken plugin.
    """
    layers, folders = read_layers(given, files, plugins)
    effective = effective_values(layers)
    sections = plugin_sections(effective, ["dataset"])
    _refuse_keys_of_runs(layers[-1], sections)
    packaged, user = merge_layers(layers, effective, sections)
    return _dataset_config(packaged | user, sections, folders)


def dataset_from_plain(values: Mapping[str, Any], plugins: Sequence[str]) -> DatasetConfig:
    """The dataset of a stored configuration; the user's files are not read.

    Args:
        values: `dataset` of `RunConfig.values`, after JSON or YAML.
        plugins: folders with more plugins.

    Raises:
        ConfigError: a value no longer fits, for example after the plugin changed.
        PluginError: the plugin is gone or broken.
    """
    stored = {key: (value, SAVED) for key, value in flatten_keys({"dataset": values}).items()}
    return _dataset_config(stored, plugin_sections(stored, ["dataset"]), registry.add_paths(plugins))


def _dataset_config(raw: Raw, sections: Sequence[PluginSection], folders: Iterable[str]) -> DatasetConfig:
    """The dataset, or the members of a composite, with typed parameters."""
    parameters = {key: value for key, value in raw.items() if key.startswith("dataset.")}
    values, origins = _typed_values(parameters, {}, sections)
    params = {section.word: section.instance(values, origins) for section in sections}
    return DatasetConfig("+".join(map(member_name, params)), params, tuple(folders))


def _refuse_keys_of_runs(given: Layer, sections: Sequence[PluginSection]) -> None:
    """Refuse given keys that no dataset has; those of files are for whole runs."""
    settings = {f.name for f in fields(RunSettings)} - {"plugins"}
    keys_of_runs = settings | PLUGIN_KEYS.keys() - {"dataset"}
    for key in given.values:
        head = key.split(".")[0]
        if head in keys_of_runs:
            raise ConfigError(
                f"{key} belongs to a run, and this command takes a dataset: give only dataset=… and "
                f"dataset.<key>=… ({given.origin})"
            )
        if head not in ("dataset", "roots", "plugins"):
            known = ["dataset", *(key for section in sections for key in section.types())]
            raise ConfigError(f"{unknown_key(key, known)} ({given.origin})")


def from_plain(values: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> RunConfig:
    """The configuration from `RunConfig.values` after JSON or YAML; the user's files are not read.

    Raises:
        ConfigError: a value no longer fits, for example after the plugin changed.
        PluginError: a plugin is gone or broken.
    """
    stored = {key: (value, (origins or {}).get(key, SAVED)) for key, value in flatten_keys(values).items()}
    folders, _ = stored.get("plugins", ((), ""))
    registry.add_paths(folders)
    return _configuration(stored, {}, plugin_sections(stored))


def with_settings(config: RunConfig, settings: Mapping[str, Any], origins: Mapping[str, str]) -> RunConfig:
    """The configuration with other settings of the run, typed already.

    Args:
        config: the configuration.
        settings: values of `RunSettings`, by name.
        origins: origins of those that get another one.

    Raises:
        ConfigError: the settings do not go together.
    """
    values = config.values | {name: to_plain(value) for name, value in settings.items()}
    return replace(config, **settings, values=values, origins={**config.origins, **origins})


def with_parameters(config: RunConfig, parameters: Mapping[str, Any], origin: str) -> RunConfig:
    """The configuration with other parameters of its method or recognizer.

    Args:
        config: the configuration.
        parameters: values by key, such as `method.p`, not typed yet.
        origin: their origin, for messages.

    Raises:
        ConfigError: a value has another type, or the values do not go together.
    """
    origins = config.origins | dict.fromkeys(parameters, origin)
    ids = {"method": config.method, "recognizer": config.recognizer}
    named: Raw = {part: (id_, origins[part]) for part, id_ in ids.items() if id_ is not None}
    sections = plugin_sections(named, named)
    every_type = {key: hint for section in sections for key, hint in section.types().items()}
    types = {key: hint for key, hint in every_type.items() if key in parameters}
    chosen = type_values({key: (value, origin) for key, value in parameters.items()}, types)
    params = {"method": config.method_params, "recognizer": config.recognizer_params}
    stored = dict(config.values)
    for section in sections:
        part = section.prefix.rstrip(".")
        present = {f"{section.prefix}{name}": getattr(params[part], name) for name in section.names}
        params[part] = section.instance(present | chosen, origins)
        stored[part] = stored[part] | section.stored(params[part])
    return replace(
        config,
        method_params=params["method"],
        recognizer_params=params["recognizer"],
        values=stored,
        origins=origins,
    )


def read_layers(
    given: Given, files: Iterable[str | Path], plugins: Iterable[str | Path], origin: str = ""
) -> tuple[list[Layer], list[str]]:
    """The user's layers, lowest first, and the folders with more plugins, which are registered now.

    Raises:
        ConfigError: a file is missing or unreadable, or a word is not `key=value`.
    """
    folders = registry.add_paths(plugins)
    layers = layers_of(given, files, origin)
    with at_fault("plugins"):
        folders += registry.add_paths(more_plugins(layers))
    return layers, list(dict.fromkeys(folders))


def _configuration(packaged: Raw, user: Raw, sections_of_plugins: Sequence[PluginSection]) -> RunConfig:
    """The configuration of a run: all values typed, their ranges checked.

    Args:
        packaged: values of the plugins' own files, or those of a stored configuration.
        user: values of the user, which override them.
        sections_of_plugins: the method, the dataset or its members, and the recognizer if any.
    """
    if not any(section.prefix == "recognizer." for section in sections_of_plugins):
        packaged = _without_recognizer(packaged)
        user = _without_recognizer(user)
    raw = packaged | user
    sections = [*sections_of_plugins, RUN_SECTION, _protocol_section(raw)]
    if any(key.startswith(PREFIX) for key in raw):
        sections.append(Section(PREFIX, trainer_options(), "default (Lightning)"))
    values, origins = _typed_values(packaged, user, sections)
    built = {section.prefix: section.instance(values, origins) for section in sections}
    options = changed_options({key: v for key, v in values.items() if key.startswith(PREFIX)}, origins)
    ids = {section.prefix: section.info.id for section in sections_of_plugins}
    stored = _values_to_store(sections, values, built, options)
    data = {section.word: built[section.prefix] for section in sections_of_plugins if section.info.kind == "dataset"}
    return RunConfig(
        **vars(built[""]),
        method=ids["method."],
        method_params=built["method."],
        recognizer=ids.get("recognizer."),
        recognizer_params=built.get("recognizer."),
        dataset="+".join(map(member_name, data)),
        dataset_params=data,
        protocol_params=built["protocol."],
        trainer=options,
        values=stored,
        origins={key: origin for key, origin in origins.items() if key != TRAIN_PEOPLE or key in stored},
    )


def _without_recognizer(values: Raw) -> Raw:
    """The values of a run that names no recognizer.

    Raises:
        ConfigError: a setting of a recognizer is among them.
    """
    for key, (_, origin) in values.items():
        if key.startswith("recognizer."):
            raise ConfigError(f"{key} is set, but no recognizer is named: add recognizer=<id> ({origin})")
    return {key: value for key, value in values.items() if key != "recognizer"}


TRAIN_PEOPLE = "protocol.train_people"
EVERYBODY = "all"
"""The value of this setting, which came later, at which it is not stored, so that configurations stay what they were."""


class RunSection(Section):
    """The settings of the run itself, in the order of stored configurations."""

    @property
    def names(self) -> Sequence[str]:
        """The settings, not by group."""
        return STORED_ORDER


RUN_SECTION = RunSection("", RunSettings, "default")
"""The keys of a run that belong to no plugin."""


def _protocol_section(raw: Raw) -> Section:
    """The parameters of the named protocol."""
    name, origin = raw.get("protocol", (PROTOCOL, "default"))
    try:
        protocol = known_protocols.find_protocol(one_name("protocol", name, origin))
    except ConfigError as error:
        raise ConfigError(f"{error} ({origin})") from error
    return Section("protocol.", protocol.settings, f"default (protocol {protocol.name})")


def _typed_values(packaged: Raw, user: Raw, sections: Sequence[Section]) -> tuple[dict[str, Any], dict[str, str]]:
    """The set values by key, each typed once, and every key's origin.

    A user's value that equals the default keeps the default's origin, so that it does not count as a setting. The default
    is the value without the user's settings.

    Args:
        packaged: values without the user's.
        user: values of the user, which override them.
        sections: all sections of the configuration.
    """
    raw = packaged | user
    types = _types_of_keys(sections, raw)
    values = type_values(raw, types)
    overridden = {key: value for key, value in packaged.items() if key in user}
    types_of_overridden = {key: types[key] for key in overridden if key in types}
    typed_packaged = values | type_values(overridden, types_of_overridden)
    defaults: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for section in sections:
        for key, value in section.defaults().items():
            defaults[key] = value
            origins[key] = section.origin
    for key, (_, origin) in packaged.items():
        defaults[key] = typed_packaged[key]
        origins[key] = origin
    for key, (_, origin) in raw.items():
        is_default = key in defaults and to_plain(values[key]) == to_plain(defaults[key])
        if not is_default:
            origins[key] = origin
    return values, origins


def _types_of_keys(sections: Sequence[Section], raw: Raw) -> dict[str, Any]:
    """The type of each key; if a set key resembles none of them, also the options of Lightning's Trainer."""
    types: dict[str, Any] = {}
    for section in sections:
        types |= section.types()
    types |= dict.fromkeys(PLUGIN_KEYS, Any)
    strange = [key for key in raw if key not in types and "." not in key]
    if any(nearest_key(key, types) is None for key in strange):  # only now, since Lightning is slow to import
        types |= {f"{PREFIX}{option.name}": Any for option in fields(trainer_options())}
    return types


def _values_to_store(
    sections: Sequence[Section], values: Mapping[str, Any], built: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The configuration as plain data, as run folders store it.

    Args:
        sections: the plugins, the settings of the run, the protocol.
        values: typed values by key.
        built: instance of each section by its prefix.
        options: options of Lightning's Trainer.
    """
    stored: dict[str, Any] = {}
    for section in sections:
        own = section.stored(built[section.prefix])
        if isinstance(section, PluginSection):
            key, _, _ = section.prefix.partition(".")
            settings = {"preset": values.get(f"{section.prefix}preset"), **own}
            if section.member:
                composite = stored.setdefault(key, {"name": []})
                composite["name"].append(section.word)
                composite[section.member] = settings
            else:
                stored[key] = {"name": section.info.id, **settings}
        elif section.prefix != PREFIX:
            plain = {f"{section.prefix}{name}": value for name, value in own.items()}
            if plain.get(TRAIN_PEOPLE) == EVERYBODY:
                del plain[TRAIN_PEOPLE]
            stored |= plain
    return stored | {f"{PREFIX}{name}": value for name, value in options.items()}
