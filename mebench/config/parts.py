"""The plugins that a configuration names, and the settings that each of them gets from the layers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_type_hints

from mebench.config import registry
from mebench.config.layers import COMMAND_LINE, Layer
from mebench.config.registry import PluginInfo, PluginKind
from mebench.config.values import convert
from mebench.errors import ConfigError, PluginError, unknown

Raw = dict[str, tuple[Any, str]]
"""Values not typed yet, each with its origin."""

OF_ONE_MEMBER = frozenset({"root", "annotations", "preset"})
"""Parameters that the members of a composite never share."""


class Member(NamedTuple):
    """A dataset of a run: what the run calls it, and the plugin; `slow:synthetic` calls `synthetic` `slow`."""

    name: str
    info: PluginInfo

    @property
    def word(self) -> str:
        """As the configuration writes it."""
        return self.name if self.name == self.info.id else f"{self.name}:{self.info.id}"


@dataclass(frozen=True)
class Part:
    """One plugin of a configuration.

    Attributes:
        prefix: of its keys: `method`, `recognizer`, `dataset`, or `dataset.casme2` for a member of a composite dataset.
        info: the plugin.
        raw: what the layers say of it, `preset` among them.
    """

    prefix: str
    info: PluginInfo
    raw: Raw = field(default_factory=dict)


def keys(info: PluginInfo) -> dict[str, Any]:
    """The parameters of a plugin and their types, by name.

    Raises:
        PluginError: a type in `params.py` cannot be resolved.
    """
    return hints_of(registry.params_class(info), f"{info.where}/params.py")


def hints_of(cls: type, where: str) -> dict[str, Any]:
    """Types of the fields of a dataclass that can be set."""
    try:
        hints = get_type_hints(cls)
    except Exception as error:
        raise PluginError(f"{where}: the types of {cls.__name__} cannot be read: {error}") from error
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}


def chosen_method(layers: Sequence[Layer]) -> tuple[PluginInfo, str]:
    """The method that the highest layer names, and which layer that is."""
    name, origin = _named("method", layers)
    return _find("method", one_name("method", name, origin), origin), origin


def chosen_recognizer(layers: Sequence[Layer]) -> tuple[PluginInfo | None, str]:
    """The recognizer that the highest layer pairs with the method, or None; `null` undoes a lower layer's."""
    named = [(layer.values["recognizer"], layer.origin) for layer in layers if "recognizer" in layer.values]
    name, origin = named[-1] if named else (None, "default")
    if name is None or convert(name, Any) is None:
        return None, origin
    return _find("method", one_name("recognizer", name, origin), origin), origin


def chosen_datasets(layers: Sequence[Layer]) -> tuple[list[Member], str]:
    """The dataset that the highest layer names, or the members of a composite, `dataset=[casme2,samm]`."""
    name, origin = _named("dataset", layers)
    names = members(name, origin)
    if names is None:
        info = _find("dataset", one_name("dataset", name, origin), origin)
        return [Member(info.id, info)], origin
    return [member(word, origin) for word in names], origin


def member(word: str, origin: str = COMMAND_LINE) -> Member:
    """A member of a composite by its word: `casme2`, or `slow:synthetic` where a plugin is called otherwise.

    Raises:
        ConfigError: the name is not snake_case.
        PluginError: the plugin is unknown or broken.
    """
    name, colon, id_ = word.rpartition(":")
    if colon and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(
            f"{name!r} is no name for a member of a composite: write lower-case letters, digits and _, for example "
            f"slow:{id_} ({origin})"
        )
    info = _find("dataset", id_, origin)
    return Member(name or info.id, info)


def members(name: Any, origin: str = COMMAND_LINE) -> tuple[str, ...] | None:
    """The members that a list of datasets names, or None if it is no list.

    Raises:
        ConfigError: fewer than two, or two of one name.

    >>> members("[casme2, samm]"), members("[slow:synthetic,fast:synthetic]"), members("casme2")
    (('casme2', 'samm'), ('slow:synthetic', 'fast:synthetic'), None)
    """
    if not isinstance(name, list | tuple) and not (isinstance(name, str) and name.startswith("[")):
        return None
    try:
        names: tuple[str, ...] = convert(name, tuple[str, ...])
    except ValueError:
        raise ConfigError(f"dataset must be a name or a list of names, not {name!r} ({origin})") from None
    if len(names) < 2 or len({called(word) for word in names}) < len(names):
        raise ConfigError(
            f"a composite dataset needs two members or more, each once, not {list(names)} ({origin}): "
            "write for example dataset=[casme2,samm], or [slow:synthetic,fast:synthetic] for one dataset with two settings"
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


def method_part(key: str, info: PluginInfo, layers: Sequence[Layer], datasets: Sequence[Member]) -> Part:
    """The method or recognizer with its settings for the dataset; for a composite those that all members share."""
    sections = [info.section("datasets").get(dataset.info.id) or {} for dataset in datasets]
    shared = sections[0] if all(section == sections[0] for section in sections) else {}
    where = f"{info.where}/config.yaml: datasets.{'+'.join(dataset.info.id for dataset in datasets)}"
    said = [_said(layer, layer.of(key, info.id)) for layer in layers]
    return Part(key, info, _raw(info, said, shared, where))


def dataset_parts(datasets: Sequence[Member], layers: Sequence[Layer]) -> list[Part]:
    """The dataset, or the members of a composite: `dataset.samm.root` is of one, `dataset.follow_links` of all."""
    if len(datasets) == 1:
        info = datasets[0].info
        single = [_with_root(layer, info, layer.of("dataset", info.id)) for layer in layers]
        return [Part("dataset", info, _raw(info, single))]
    shared = [_of_all(layer, datasets) for layer in layers]
    parts = []
    for name, info in datasets:
        known, own = keys(info), []
        for layer, common in zip(layers, shared):
            mine = {k.removeprefix(f"{name}."): v for k, v in common.items() if k.startswith(f"{name}.")}
            fitting = {k: v for k, v in common.items() if k in known}
            own.append(_with_root(layer, info, fitting | mine))
        parts.append(Part(f"dataset.{name}", info, _raw(info, own)))
    return parts


def _of_all(layer: Layer, datasets: Sequence[Member]) -> dict[str, Any]:
    """What a layer says of a composite: keys of one member (`samm.root`) and of all."""
    names, words = [d.name for d in datasets], tuple(d.word for d in datasets)
    if members(layer.values.get("dataset", words), layer.origin) != words:
        return {}
    common = {k.removeprefix("dataset."): v for k, v in layer.values.items() if k.startswith("dataset.")}
    known = {key for d in datasets for key in keys(d.info)} - OF_ONE_MEMBER
    for key in common:
        if "." in key:
            name = key.split(".")[0]
            if name not in names:
                raise ConfigError(f"{unknown('member', name, names)} (dataset.{key}, {layer.origin})")
        elif key in OF_ONE_MEMBER:
            raise ConfigError(
                f"dataset.{key} does not say of which member: write dataset.{names[0]}.{key}=… ({layer.origin})"
            )
        elif key not in known:
            raise ConfigError(f"{unknown('key of the members', key, known)} (dataset.{key}, {layer.origin})")
    return common


def _with_root(layer: Layer, info: PluginInfo, values: dict[str, Any]) -> Raw:
    """The layer's values with their origin, and the root that its `roots` give the dataset below them."""
    root = layer.root(info.id)
    raw: Raw = {"root": (root, f"{layer.origin}: roots.{info.id}")} if root and "root" in keys(info) else {}
    return raw | _said(layer, values)


def _said(layer: Layer, values: Mapping[str, Any]) -> Raw:
    return {name: (value, layer.origin) for name, value in values.items()}


def _raw(info: PluginInfo, said: Sequence[Raw], of_dataset: Mapping[str, Any] | None = None, where: str = "") -> Raw:
    """The values of a plugin, merged from its `config.yaml` and what each layer says of it.

    A preset that the user chooses undoes the method's settings for the dataset (`of_dataset`, which stand at `where`); one
    chosen by the plugin does not.
    """
    special = dict(of_dataset or {})
    preset, origin, by_user = _preset(info, special.pop("preset", None), where, said)
    packaged = (info.section("params"), f"{info.where}/config.yaml: params")
    chosen = (_preset_values(info, preset, origin), f"preset {preset} ({info.where}/config.yaml)")
    for_dataset = (special, where)
    raw: Raw = {}
    for values, source in (packaged, for_dataset, chosen) if by_user else (packaged, chosen, for_dataset):
        raw.update({name: (value, source) for name, value in values.items()})
    for layer in said:
        raw.update(layer)
    return raw | {"preset": (preset, origin)}


def _preset(info: PluginInfo, special: Any, where: str, said: Sequence[Raw]) -> tuple[str | None, str, bool]:
    """The chosen preset, who chose it, and whether that was the user."""
    for values in reversed(said):
        if "preset" in values:
            value, origin = values["preset"]
            try:
                return convert(value, str | None), origin, True
            except ValueError:
                raise ConfigError(f"{info.kind}.preset must be text or null, not {value!r} ({origin})") from None
    if special is not None:
        return str(special), where, False
    preset = info.config.get("preset")
    return (None, "default", False) if preset is None else (str(preset), f"{info.where}/config.yaml", False)


def _preset_values(info: PluginInfo, preset: str | None, origin: str) -> Mapping[str, Any]:
    presets = info.section("presets")
    if preset is None:
        return {}
    if preset not in presets:
        raise ConfigError(f"{unknown(f'preset of {info.id}', preset, presets)} ({origin})")
    return presets[preset] or {}


def _named(kind: PluginKind, layers: Sequence[Layer]) -> tuple[Any, str]:
    named = [(layer.values[kind], layer.origin) for layer in layers if kind in layer.values]
    if not named:
        known = ", ".join(registry.plugins(kind)) or "none"
        raise ConfigError(f"no {kind} is named: add {kind}=<id>. Known: {known}. See them with: mebench list {kind}s")
    return named[-1]


def _find(kind: PluginKind, name: str, origin: str) -> PluginInfo:
    try:
        return registry.find(kind, name)
    except PluginError as error:
        raise type(error)(str(error) if origin == COMMAND_LINE else f"{error} ({origin})") from error
