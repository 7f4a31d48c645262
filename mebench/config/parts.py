"""The plugins that a configuration names and their settings: merged layers, typed values, and the origin of each."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Required, get_type_hints

from mebench import protocols
from mebench.config import registry, trainer
from mebench.config.registry import PluginInfo
from mebench.config.setting_layers import (
    ARGUMENT,
    COMMAND_LINE,
    NESTED,
    PLUGIN_KEYS,
    Given,
    Layer,
    flatten,
    layers_of,
    more_plugins,
)
from mebench.config.settings import PROTOCOL, RunConfig, RunSettings
from mebench.config.typed_values import NULLS, Raw, convert, plain, typed, unknown_key
from mebench.errors import ConfigError, PluginError, keys_behind, refuse_if, unknown

OF_ONE_MEMBER = frozenset({"root", "annotations", "openface", "preset"})
"""Parameters that the members of a composite never share."""


@dataclass(frozen=True)
class Section:
    """Keys for one dataclass: of a plugin, of the protocol, or of the run itself.

    Attributes:
        prefix: of its keys: `protocol.`, or nothing for those of the run.
        cls: the dataclass.
        origin: of its defaults.
    """

    prefix: str
    cls: type
    origin: str

    @property
    def kind(self) -> str:
        """The first word of its keys in the sentences of the dataclass."""
        return self.prefix.rstrip(".")

    def types(self) -> dict[str, Any]:
        """The type of each key, `Required[...]` if it has no default."""
        hints = {f"{self.prefix}{name}": hint for name, hint in hints_of(self.cls, self.origin).items()}
        optional = self.defaults()
        return {key: hint if key in optional else Required[hint] for key, hint in hints.items()}

    def defaults(self) -> dict[str, Any]:
        """The value of each key that has one."""
        values = {
            f.name: f.default if f.default_factory is MISSING else f.default_factory()
            for f in fields(self.cls)
            if f.init
        }
        return {f"{self.prefix}{name}": value for name, value in values.items() if value is not MISSING}

    def instance(self, values: Mapping[str, Any], origins: Mapping[str, str]) -> Any:
        """The dataclass from its own typed values. Values of the type `Path` become absolute, without `~`, since a run
        may be resumed, and its workers may run, in another folder.

        Raises:
            ConfigError: the dataclass refuses them; the sentence says where the named values were set.
        """
        known = {**self.defaults(), **values}
        args = {f.name: known[key] for f in fields(self.cls) if f.init and (key := f"{self.prefix}{f.name}") in known}
        places = {name: value.expanduser().absolute() for name, value in args.items() if isinstance(value, Path)}
        try:
            with keys_behind(self.prefix, self.kind):
                return self.cls(**args | places)
        except (ConfigError, ValueError) as error:
            for prefix in (self.prefix, ""):  # `p` may be any word in a message about method.q
                pattern = rf"(?<![\w.]){re.escape(prefix)}{{}}(?!\w)"
                named = [
                    f.name
                    for f in fields(self.cls)
                    if f.init and re.search(pattern.format(re.escape(f.name)), str(error))
                ]
                if named:
                    break
            set_at = {key: at for name in named if (at := origins[key := f"{self.prefix}{name}"]) != self.origin}
            listed = [f"{key}: {at}" for key, at in set_at.items()] if len(set_at) > 1 else set_at.values()
            raise ConfigError(f"{error} ({', '.join(listed)})" if set_at else str(error)) from error


@dataclass(frozen=True)
class Part(Section):
    """The parameters of a plugin, behind `method.`, `recognizer.`, `dataset.`, or `dataset.casme2.` in a composite
    dataset.

    Attributes:
        info: the plugin.
    """

    info: PluginInfo

    @property
    def kind(self) -> str:
        """`method` or `dataset`."""
        return self.info.kind

    @property
    def word(self) -> str:
        """The dataset in the configuration: `casme2`, or `slow:synthetic` for a renamed member of a composite."""
        name = self.prefix.split(".")[1]
        return self.info.id if name in ("", self.info.id) else f"{name}:{self.info.id}"

    def types(self) -> dict[str, Any]:
        """The type of each key, including the preset's."""
        return {f"{self.prefix}preset": str | None} | super().types()


def keys(info: PluginInfo) -> Mapping[str, Any]:
    """The parameters of a plugin and their types, by name.

    Raises:
        PluginError: a type in `params.py` cannot be resolved.
    """
    return hints_of(registry.params_class(info), f"{info.where}/params.py")


@lru_cache(maxsize=128)
def hints_of(cls: type, where: str) -> Mapping[str, Any]:
    """Types of the fields of a dataclass that can be set."""
    try:
        hints = get_type_hints(cls)
    except Exception as error:
        raise PluginError(f"{where}: the types of {cls.__name__} cannot be read: {error}") from error
    return {f.name: hints[f.name] for f in fields(cls) if f.init}


def parts_of(named: Raw, keys: Iterable[str] = ("method", "dataset", "recognizer")) -> list[Part]:
    """The plugins that `keys` name: `dataset=[casme2,slow:synthetic]` names two, `recognizer=null` none.

    Raises:
        ConfigError: no method or no dataset is named, or several methods are.
        PluginError: a plugin is unknown or broken.
    """
    parts = list[Part]()
    for key in keys:
        if key == "recognizer" and str(named.get(key, ("null",))[0]).lower() in NULLS:
            continue
        if key not in named:
            for near in difflib.get_close_matches(key, [other for other in named if "." not in other], n=1):
                value, origin = named[near]
                raise ConfigError(f"unknown key {near!r}: did you mean {key}={value}? ({origin})")
            known = ", ".join(registry.plugins(PLUGIN_KEYS[key])) or "none"
            raise ConfigError(f"no {key} is named: add {key}=<id>. Known: {known}. See them with: mebench list {key}s")
        value, origin = named[key]
        words = members(value, origin) if key == "dataset" else ()
        for word in words or [one_name(key, value, origin)]:
            try:
                info = registry.find(PLUGIN_KEYS[key], word)
            except PluginError as error:
                raise PluginError(
                    str(error) if origin in (COMMAND_LINE, ARGUMENT) else f"{error} ({origin})"
                ) from error
            prefix = f"{key}.{called(word)}." if words else f"{key}."
            parts.append(Part(prefix, registry.params_class(info), f"default ({info.where}/params.py)", info))
    return parts


def members(name: Any, origin: str = COMMAND_LINE) -> tuple[str, ...] | None:
    """The members that a list of datasets names, or None if it is no list.

    Raises:
        ConfigError: fewer than two, two of one name, or a name that is not snake_case.

    >>> members("[casme2, samm]"), members("[slow:synthetic,fast:synthetic]"), members("casme2")
    (('casme2', 'samm'), ('slow:synthetic', 'fast:synthetic'), None)
    """
    if not isinstance(name, list | tuple) and not (isinstance(name, str) and name.startswith("[")):
        return None
    try:
        names: tuple[str, ...] = convert(name, tuple[str, ...])
    except ValueError:
        raise ConfigError(f"dataset must be a name or a list of names, not {name!r} ({origin})") from None
    refuse_if(
        (
            len(names) < 2 or len({called(word) for word in names}) < len(names),
            f"a composite dataset needs two members or more, each once, not {list(names)} ({origin}): "
            "write for example dataset=[casme2,samm], or [slow:synthetic,fast:synthetic] for one dataset with two settings",
        ),
        *(
            (
                colon and not re.fullmatch(r"[a-z][a-z0-9_]*", name),
                f"{name!r} cannot name a member of a composite: write lower-case letters, digits and _, for "
                f"example slow:{id_} ({origin})",
            )
            for name, colon, id_ in (word.rpartition(":") for word in names)
        ),
    )
    return names


def called(word: str) -> str:
    """The name of a member by its word.

    >>> called("casme2"), called("slow:synthetic")
    ('casme2', 'slow')
    """
    return word.partition(":")[0]


def one_name(key: str, value: Any, origin: str) -> str:
    """A value that must be one name.

    Raises:
        ConfigError: it is a list, or several names in one word.
    """
    if isinstance(value, str) and "," not in value:
        return value
    composite = "for a composite dataset write dataset=[a,b]; " if key == "dataset" else ""
    hint = f"{composite}several runs at once are a sweep: mebench run -m {key}=a,b …"
    raise ConfigError(f"{key} must be one name, not {value!r} ({origin}): {hint}")


def merged(layers: Sequence[Layer], named: Raw, parts: Sequence[Part]) -> tuple[Raw, Raw]:
    """The values of a run by key: those of the plugins' files, overridden by the user's.

    Args:
        layers: of the user, lowest first.
        named: their values of `method`, `dataset`, `recognizer` and `protocol`.
        parts: the named plugins.
    """
    of_data = [part for part in parts if part.info.kind == "dataset"]
    user: Raw = {}
    for layer in layers:
        flat = {k: v for k, v in layer.values.items() if "." not in k or k.split(".")[0] not in {*NESTED} - {"trainer"}}
        for key in ("method", "recognizer", "protocol"):
            flat |= {f"{key}.{name}": value for name, value in layer.of(key, named.get(key, (None,))[0]).items()}
        rooted = [part for part in of_data if layer.root(part.info.id) and "root" in keys(part.info)]
        user |= {f"{p.prefix}root": (layer.root(p.info.id), f"{layer.origin}: roots.{p.info.id}") for p in rooted}
        flat |= _of_data(layer, of_data, named["dataset"][0])
        user |= {key: (value, layer.origin) for key, value in flat.items()}
    packaged: Raw = {}
    for part in parts:
        packaged |= _packaged(part, () if part in of_data else of_data, user.get(f"{part.prefix}preset"))
    return packaged, user


def _of_data(layer: Layer, parts: Sequence[Part], dataset: Any) -> dict[str, Any]:
    """The settings of the dataset in a layer: in a composite, `dataset.samm.root` is for one member,
    `dataset.follow_links` for all.
    """
    if parts[0].prefix == "dataset.":
        return {f"dataset.{name}": value for name, value in layer.of("dataset", dataset).items()}
    named = layer.values.get("dataset")
    if named is not None and members(named, layer.origin) != tuple(part.word for part in parts):
        return {}
    values = layer.of("dataset", named)
    names, known = (
        [called(part.word) for part in parts],
        {key for part in parts for key in keys(part.info)} - OF_ONE_MEMBER,
    )
    for key in values:
        name, dot, _ = key.partition(".")
        where = f"(dataset.{key}, {layer.origin})"
        if dot and name not in names:
            raise ConfigError(f"{unknown('member', name, names)} {where}")
        if key in OF_ONE_MEMBER:
            raise ConfigError(
                f"dataset.{key} does not name a member: write dataset.{names[0]}.{key}=… ({layer.origin})"
            )
        if not dot and key not in known:
            raise ConfigError(f"{unknown('key of the members', key, known)} {where}")
    shared = {f"{part.prefix}{key}": values[key] for part in parts for key in values.keys() & keys(part.info)}
    return shared | {f"dataset.{key}": value for key, value in values.items() if "." in key}


def _packaged(part: Part, of_data: Sequence[Part], chosen: tuple[Any, str] | None) -> Raw:
    """A plugin's `config.yaml`: its `params`, preset, and settings for the dataset (for a composite, those that all
    members share).

    A preset chosen by the user overrides the settings for the dataset; one chosen by the plugin does not.

    Args:
        part: the plugin.
        of_data: the dataset or its members, for which a method's file may have settings.
        chosen: the user's preset and its origin.
    """
    info, file = part.info, f"{part.info.where}/config.yaml"
    sections = [info.section("datasets").get(data.info.id) or {} for data in of_data] or [{}]
    special = dict(sections[0]) if all(section == sections[0] for section in sections) else {}
    where = f"{file}: datasets.{'+'.join(data.info.id for data in of_data)}"
    of_dataset_file, default = special.pop("preset", None), info.config.get("preset")
    of_info = (default, "default" if default is None else file)
    preset, origin = chosen or (of_info if of_dataset_file is None else (of_dataset_file, where))
    name = "" if str(preset).lower() in NULLS else str(preset)
    presets = {"": {}} | info.section("presets")
    if name not in presets:
        raise ConfigError(f"{unknown(f'preset of {info.id}', name, info.section('presets'))} ({origin})")
    of_preset, of_dataset = (presets[name] or {}, f"preset {name} ({file})"), (special, where)
    layers = [
        ({"preset": name or None}, origin),
        (info.section("params"), f"{file}: params"),
        *((of_dataset, of_preset) if chosen else (of_preset, of_dataset)),
    ]
    return {f"{part.prefix}{key}": (value, source) for values, source in layers for key, value in values.items()}


SAVED = "saved configuration"


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
        ConfigError: an unknown or ill-typed key, with the nearest match and its place.
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
    layers, named, paths = _read(given, files, plugins)
    parts = parts_of(named, ["dataset"])
    of_runs = {f.name for f in fields(RunSettings)} - {"plugins"} | PLUGIN_KEYS.keys() - {"dataset"}
    for key in layers[-1].values:
        head, where = key.split(".")[0], layers[-1].origin
        if head in of_runs:
            raise ConfigError(
                f"{key} belongs to a run, and this command takes a dataset: give only dataset=… and "
                f"dataset.<key>=… ({where})"
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
    """The configuration from `RunConfig.values` after JSON or YAML; the user's files are not read.

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
    """The user's layers, lowest first; the effective value of each key; the folders with more plugins, now registered.

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
    """The set values by key; an instance of each section by prefix; and the origin of every key.

    A user's value that equals the value without it keeps the latter's origin: a default written out is no setting.
    """
    types = {key: hint for section in sections for key, hint in section.types().items()}
    values = typed(raw, types | dict.fromkeys(PLUGIN_KEYS, Any))
    packaged_values = typed(
        packaged, {key: hint for key, hint in types.items() if key in packaged} | dict.fromkeys(PLUGIN_KEYS, Any)
    )
    before = {
        **{key: (value, section.origin) for section in sections for key, value in section.defaults().items()},
        **{key: (packaged_values[key], origin) for key, (_, origin) in packaged.items()},
    }
    changed = {
        key: origin
        for key, (_, origin) in raw.items()
        if key not in before or plain(values[key]) != plain(before[key][0])
    }
    origins = {key: origin for key, (_, origin) in before.items()} | changed
    return values, {section.prefix: section.instance(values, origins) for section in sections}, origins


def _build(raw: Raw, packaged: Raw, parts: Sequence[Part]) -> RunConfig:
    """Type all values, check their ranges and put them together.

    Args:
        raw: all values of a run.
        packaged: the values without the user's.
        parts: the method, the dataset or its members, and the recognizer if any.
    """
    if parts[-1].prefix != "recognizer.":
        raw.pop("recognizer", None)
        then = "is set, but no recognizer is named: add recognizer=<id>"
        refuse_if(*((key.startswith("recognizer."), f"{key} {then} ({at})") for key, (_, at) in raw.items()))
    name, origin = raw.get("protocol", (PROTOCOL, "default"))
    try:
        protocol = protocols.find(one_name("protocol", name, origin))
    except ConfigError as error:
        raise ConfigError(f"{error} ({origin})") from error
    of_protocol = Section("protocol.", protocol.params, f"default (protocol {protocol.name})")
    sections = [*parts, Section("", RunSettings, "default"), of_protocol]
    if any(key.startswith(trainer.PREFIX) for key in raw):
        sections.append(Section(trainer.PREFIX, trainer.options(), "default (Lightning)"))
    typed_values, built, origins = _typed(raw, packaged, sections)
    options = trainer.settled(typed_values, origins)
    ids = {part.prefix: part.info.id for part in parts}
    data = {part.word: built[part.prefix] for part in parts if part.info.kind == "dataset"}
    values: dict[str, Any] = {}
    for part in parts:
        key, member = part.prefix.split(".")[:2]
        settings = {"preset": typed_values.get(f"{part.prefix}preset"), **_fields(built[part.prefix])}
        home = values.setdefault(key, {"name": list(data) if member else part.info.id})
        home |= {member: settings} if member else settings
    values |= _fields(built[""]) | {f"protocol.{name}": v for name, v in _fields(built["protocol."]).items()}
    values |= {f"{trainer.PREFIX}{name}": value for name, value in options.items()}
    return RunConfig(
        **vars(built[""]),
        method=ids["method."],
        method_params=built["method."],
        recognizer=ids.get("recognizer."),
        recognizer_params=built.get("recognizer."),
        dataset="+".join(map(called, data)),
        dataset_params=data,
        protocol_params=built["protocol."],
        trainer=options,
        values=values,
        origins=origins,
    )


def _fields(instance: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(instance, f.name)) for f in fields(instance) if f.init}
