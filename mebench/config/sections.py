"""Sections of the settings: the keys of one dataclass, those of a plugin, of the protocol, or of the run itself."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Required, get_type_hints

from mebench.config.registry import PluginInfo, PluginKind, find_plugin, list_plugins, params_class
from mebench.config.typed_values import ARGUMENT, COMMAND_LINE, NULLS, Raw, convert_value, describe_type, to_plain
from mebench.errors import ConfigError, PluginError, keys_behind, nearest_name, refuse_if

PLUGIN_KEYS: Mapping[str, PluginKind] = {"method": "method", "recognizer": "method", "dataset": "dataset"}
"""The keys that name a plugin, and its kind. `recognizer` pairs a spotter with a method that names the emotions of its
intervals.
"""


@dataclass(frozen=True)
class Section:
    """Keys for one dataclass: of a plugin, of the protocol, or of the run itself.

    Attributes:
        prefix: beginning of its keys: `method.`, `dataset.casme2.` in a composite, `protocol.`, or nothing for those of
            the run.
        cls: the dataclass.
        origin: origin of its defaults.
    """

    prefix: str
    cls: type
    origin: str

    @property
    def names(self) -> Sequence[str]:
        """The fields that can be set, in the order of stored configurations."""
        return [f.name for f in fields(self.cls) if f.init]

    @property
    def kind(self) -> str:
        """Name of the section in error messages: `method` in `method.p`."""
        return self.prefix.rstrip(".")

    def types(self) -> dict[str, Any]:
        """The type of each key, `Required[...]` if it has no default."""
        hints = field_types(self.cls, self.origin)
        optional = self.defaults()
        types = {}
        for name in self.names:
            key = f"{self.prefix}{name}"
            types[key] = hints[name] if key in optional else Required[hints[name]]
        return types

    def defaults(self) -> dict[str, Any]:
        """The value of each key that has one."""
        by_name = {f.name: f for f in fields(self.cls)}
        values = {}
        for name in self.names:
            f = by_name[name]
            value = f.default if f.default_factory is MISSING else f.default_factory()
            if value is not MISSING:
                values[f"{self.prefix}{name}"] = value
        return values

    def instance(self, values: Mapping[str, Any], origins: Mapping[str, str]) -> Any:
        """The dataclass from its own typed values.

        Values of the type `Path` become absolute, without `~`, since a run may be resumed, and its workers may run, in
        another folder.

        Raises:
            ConfigError: the dataclass refuses them; the sentence says where the named values were set.
        """
        known = {**self.defaults(), **values}
        arguments = {}
        for name in self.names:
            key = f"{self.prefix}{name}"
            if key in known:
                value = known[key]
                arguments[name] = value.expanduser().absolute() if isinstance(value, Path) else value
        with self.refused_with_origins(origins):
            return self.cls(**arguments)

    @contextmanager
    def refused_with_origins(self, origins: Mapping[str, str]) -> Iterator[None]:
        """Add to errors of the dataclass where the named values were set; defaults stay unmentioned.

        Args:
            origins: origin of each value by its key.

        Raises:
            ConfigError: instead of the error.
        """
        try:
            with keys_behind(self.prefix, self.kind):
                yield
        except (ConfigError, ValueError) as error:
            keys = [f"{self.prefix}{name}" for name in self._names_in(str(error))]
            origins_of_keys = {key: origins[key] for key in keys if origins[key] != self.origin}
            sentence = f"{error} ({_in_words(origins_of_keys)})" if origins_of_keys else str(error)
            raise ConfigError(sentence, settings={*keys, *getattr(error, "settings", ())}) from error
        except TypeError as error:
            sentence = self._sentence_on_wrong_default()
            if not sentence:
                raise
            raise ConfigError(sentence) from error

    def _sentence_on_wrong_default(self) -> str:
        """A sentence on the first default that is not of its type; empty if all are."""
        types = field_types(self.cls, self.origin)
        for key, default in self.defaults().items():
            hint = types[key.removeprefix(self.prefix)]
            try:
                convert_value(to_plain(default), hint)
            except ValueError:
                return (
                    f"the default of {key} must be {describe_type(hint)}, not {default!r}: correct it ({self.origin})"
                )
        return ""

    def _names_in(self, sentence: str) -> list[str]:
        """The fields that a sentence names, with the prefix or, where none has it, without."""
        for prefix in (self.prefix, ""):  # `p` may be any word in a message about method.q
            found = [
                name
                for name in self.names
                if re.search(rf"(?<![\w.]){re.escape(prefix)}{re.escape(name)}(?!\w)", sentence)
            ]
            if found:
                return found
        return []

    def stored(self, instance: Any) -> dict[str, Any]:
        """The fields of an instance that can be set, by name, as plain data."""
        return {name: to_plain(getattr(instance, name)) for name in self.names}


def _in_words(origins: Mapping[str, str]) -> str:
    """The origins of some keys; that of a single key without the key."""
    if len(origins) == 1:
        return next(iter(origins.values()))
    return ", ".join(f"{key}: {origin}" for key, origin in origins.items())


@dataclass(frozen=True)
class PluginSection(Section):
    """The parameters of a plugin, behind `method.`, `recognizer.`, `dataset.`, or `dataset.casme2.` in a composite.

    Attributes:
        info: the plugin.
    """

    info: PluginInfo

    @property
    def kind(self) -> str:
        """`method` or `dataset`."""
        return self.info.kind

    @property
    def member(self) -> str:
        """Name of a composite's member: `casme2` of `dataset.casme2.`, else empty."""
        _, name, *_ = self.prefix.split(".")
        return name

    @property
    def word(self) -> str:
        """The dataset in the configuration: `casme2`, or `slow:synthetic` for a renamed member of a composite."""
        return self.info.id if self.member in ("", self.info.id) else f"{self.member}:{self.info.id}"

    def types(self) -> dict[str, Any]:
        """The type of each key, including the preset's."""
        return {f"{self.prefix}preset": str | None} | super().types()


def parameter_types(info: PluginInfo) -> Mapping[str, Any]:
    """The parameters of a plugin and their types, by name.

    Raises:
        PluginError: a type in `params.py` cannot be resolved.
    """
    return field_types(params_class(info), f"{info.where}/params.py")


@lru_cache(maxsize=128)
def field_types(cls: type, where: str) -> Mapping[str, Any]:
    """Types of the fields of a dataclass that can be set."""
    try:
        hints = get_type_hints(cls)
    except Exception as error:
        raise PluginError(f"{where}: the types of {cls.__name__} cannot be read: {error}") from error
    return {f.name: hints[f.name] for f in fields(cls) if f.init}


def plugin_sections(named: Raw, keys: Iterable[str] = ("method", "dataset", "recognizer")) -> list[PluginSection]:
    """The plugins that `keys` name: `dataset=[casme2,slow:synthetic]` names two, `recognizer=null` none.

    Raises:
        ConfigError: no method or no dataset is named, or several methods are.
        PluginError: a plugin is unknown or broken.
    """
    sections = list[PluginSection]()
    for key in keys:
        if key == "recognizer" and str(named.get(key, ("null",))[0]).lower() in NULLS:
            continue
        if key not in named:
            _refuse_unnamed(key, named)
        value, origin = named[key]
        words = composite_members(value, origin) if key == "dataset" else None
        if words is None:
            sections.append(_plugin_section(key, f"{key}.", one_name(key, value, origin), origin))
        else:
            sections += [_plugin_section(key, f"{key}.{member_name(word)}.", word, origin) for word in words]
    return sections


def _plugin_section(key: str, prefix: str, word: str, origin: str) -> PluginSection:
    """The section of one plugin.

    Args:
        key: key that names it.
        prefix: beginning of its keys.
        word: its name, or `slow:synthetic` for a renamed member of a composite.
        origin: origin of the word.
    """
    try:
        info = find_plugin(PLUGIN_KEYS[key], word)
    except PluginError as error:
        is_typed_now = origin in (COMMAND_LINE, ARGUMENT)
        raise PluginError(str(error) if is_typed_now else f"{error} ({origin})") from error
    return PluginSection(prefix, params_class(info), f"default ({info.where}/params.py)", info)


def _refuse_unnamed(key: str, named: Raw) -> None:
    """Refuse a run whose method or dataset is unnamed or misspelt."""
    without_dots = [other for other in named if "." not in other]
    near = nearest_name(key, without_dots)
    if near is not None:
        value, origin = named[near]
        raise ConfigError(f"unknown key {near!r}: did you mean {key}={value}? ({origin})")
    known = ", ".join(list_plugins(PLUGIN_KEYS[key])) or "none"
    raise ConfigError(f"no {key} is named: add {key}=<id>. Known: {known}. See them with: mebench list {key}s")


def composite_members(name: Any, origin: str = COMMAND_LINE) -> tuple[str, ...] | None:
    """The members that a list of datasets names, or None if it is no list.

    Raises:
        ConfigError: fewer than two, two of one name, or a name that is not snake_case.

    >>> composite_members("[casme2, samm]"), composite_members("[slow:synthetic,fast:synthetic]"), composite_members("casme2")
    (('casme2', 'samm'), ('slow:synthetic', 'fast:synthetic'), None)
    """
    is_list = isinstance(name, list | tuple) or (isinstance(name, str) and name.startswith("["))
    if not is_list:
        return None
    try:
        words: tuple[str, ...] = convert_value(name, tuple[str, ...])
    except ValueError:
        sentence = f"dataset must be a name or a list of names, not {name!r} ({origin})"
        raise ConfigError(sentence, settings=["dataset"]) from None
    distinct = {member_name(word) for word in words}
    refuse_if(
        (
            len(words) < 2 or len(distinct) < len(words),
            f"a composite dataset needs two members or more, each once, not {list(words)} ({origin}): "
            "write for example dataset=[casme2,samm], or [slow:synthetic,fast:synthetic] for one dataset with two settings",
        )
    )
    for word in words:
        own_name, colon, id_ = word.rpartition(":")
        if colon and not re.fullmatch(r"[a-z][a-z0-9_]*", own_name):
            raise ConfigError(
                f"{own_name!r} cannot name a member of a composite: write lower-case letters, digits and _, for "
                f"example slow:{id_} ({origin})"
            )
    return words


def member_name(word: str) -> str:
    """The name of a composite's member by its word.

    >>> member_name("casme2"), member_name("slow:synthetic")
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
