"""Sources of settings: the user's file, `-c` files, words or Python's values, and the plugins' own files.

Each becomes flat values (`method`, `method.p`, `seed`, `roots.casme2`) that know their origin; `merge_layers` puts them
together. Nothing is typed yet, see `mebench.config.resolving`.
"""

import os
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mebench.config.examples import list_examples
from mebench.config.registry import PLUGIN_KINDS, PluginKind, id_of_spelling, list_plugins, protocol_of_spelling
from mebench.config.sections import PLUGIN_KEYS, PluginSection, composite_members, member_name, parameter_types
from mebench.config.spellings import usual_name
from mebench.config.typed_values import ARGUMENT, COMMAND_LINE, NULLS, PLACES_OF_DATASETS, Raw, convert_value, to_plain
from mebench.errors import ConfigError, unknown
from mebench.files import Text, read_yaml
from mebench.output.terminal import print_lines

Given = Mapping[str, Any] | Sequence[str]
"""Settings: Python's values by key, nested or flat, or `key=value` words."""
NAMED = (*PLUGIN_KEYS, "protocol")
"""The keys that name something with parameters of its own."""
ALIASES: Mapping[str, str] = {
    **{
        key: key.replace(".", "_")
        for key in ("executor.address", "tracking.folds", "tracking.models", "tracking.figures")
    },
    **{f"{key}.name": key for key in NAMED},
}
"""Other ways to write a key."""
NESTED = (*NAMED, "roots", "trainer")
"""The keys whose maps hold further keys."""
OF_ONE_MEMBER = PLACES_OF_DATASETS | {"preset"}
"""Parameters that the members of a composite never share."""


@dataclass(frozen=True)
class Layer:
    """Values of one origin by flat key: `method`, `method.p`, `seed`, `roots.casme2`.

    Attributes:
        origin: source, for messages.
        values: the values, not typed yet.
        folder: base of relative paths in `roots`.
    """

    origin: str
    values: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)

    def settings_for(self, key: str, name: Any) -> dict[str, Any]:
        """The layer's settings for the plugin or protocol `name`, without the prefix.

        Empty if the layer itself names another one under `key`.
        """
        if self.values.get(key, name) != name:
            return {}
        prefix = f"{key}."
        return {full.removeprefix(prefix): value for full, value in self.values.items() if full.startswith(prefix)}

    def root_of(self, dataset: str) -> str | None:
        """The folder that the layer gives a dataset, if any: `~` is the home folder, a relative path starts at the file."""
        path = self.values.get(f"roots.{dataset}")
        return str(self.folder / Path(path).expanduser()) if isinstance(path, str) and path else None


def user_file() -> Path | None:
    """The user's file: `$MEBENCH_CONFIG`, else `./mebench.yaml`, else `~/.config/mebench/config.yaml`, or None.

    Raises:
        ConfigError: `$MEBENCH_CONFIG` names a file that does not exist.
    """
    if named := os.environ.get("MEBENCH_CONFIG"):
        if not Path(named).expanduser().exists():
            raise ConfigError(f"MEBENCH_CONFIG names {named}, which does not exist: create it or unset the variable")
        return Path(named).expanduser()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return next((p for p in (Path("mebench.yaml"), home / "mebench" / "config.yaml") if p.is_file()), None)


def key_value(word: str) -> tuple[str, str]:
    """Key and value of a word.

    Raises:
        ConfigError: it is no `key=value`.
    """
    key, equals, value = word.partition("=")
    if not equals or not key:
        raise ConfigError(f"{word!r} is not a key=value word: {_hint_on_word(word)}")
    return key, value


def _hint_on_word(word: str) -> str:
    """What somebody may have meant by a word without key and value."""
    if word.endswith((".yaml", ".yml")):
        return f"to read a file of settings, write -c {word}"
    kind = next((kind for kind in PLUGIN_KINDS if word in list_plugins(kind)), None)
    if kind:
        return f"did you mean {kind}={word}?"
    return "write for example method=mean or method.p=0.6, without blanks around ="


def settings_of(words: Sequence[str] = (), values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings by flat key; if a key occurs twice, the later value holds.

    Args:
        words: `key=value`, whose text is converted to the key's type.
        values: Python values, unchanged: numbers and arrays of NumPy, columns of pandas, ranges and paths too. A map
            below `method`, `recognizer`, `dataset` or `protocol` holds their own.

    Raises:
        ConfigError: a word is no `key=value`, or a value is an object.

    >>> settings_of(["method=mean", "method.p=0.6", "dataset.root=/data/a=b"])
    {'method': 'mean', 'method.p': '0.6', 'dataset.root': '/data/a=b'}
    >>> settings_of(["seed=1"], {"method": {"name": "mean", "p": 0.6}, "kinds": ("micro", "macro"), "scheme": None})
    {'seed': '1', 'method': 'mean', 'method.p': 0.6, 'kinds': ['micro', 'macro'], 'scheme': None}
    """
    settings = dict[str, Any]()
    for key, text in map(key_value, words):
        _refuse_lone_bytes(key, text)
        settings[ALIASES.get(key, key)] = text
    for key, value in flatten_keys(values or {}).items():
        try:
            settings[key] = to_plain(value)
        except TypeError:
            example = ""
            if key.split(".")[0] == "trainer":
                example = ', objects as {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss"}}'
            raise ConfigError(
                f"{key} must be text, a number, or a list or map of them{example}, not {value!r} ({ARGUMENT})"
            ) from None
    return settings


def _refuse_lone_bytes(key: str, text: str) -> None:
    """Refuse bytes of a name that are no UTF-8: runs keep their settings as text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode(errors="surrogateescape").decode(errors="replace")
        raise ConfigError(
            f"{key}={shown} holds bytes that are no text in UTF-8: rename the file or folder, or give it a second name with ln -s",
            settings=[key],
        ) from None


def read_file(path: Path) -> Layer:
    """A YAML file of run keys; `method`, `dataset`, `protocol` and `roots` may be maps. Scalars stay text until keys
    type them.
    """
    origin = str(path) if path.is_absolute() else f"./{path}"
    try:
        content = read_yaml(path, Text) or {}
    except FileNotFoundError:
        instead = (
            f": one of that name comes with mebench, take --example {path.stem} in place of -c"
            if path.stem in list_examples()
            else ""
        )
        raise ConfigError(f"the configuration file {origin} does not exist{instead}") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {origin} is unreadable: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"the configuration file {origin} must hold a map of keys, for example seed: 1, not {reprlib.repr(content)}"
        )
    return Layer(origin, flatten_keys(content), path.parent)


def flatten_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """Flat keys of a nested map.

    >>> flatten_keys({"seed": 1, "method": {"name": "mean", "p": 0.6}, "dataset": "casme2", "dataset.seed": 3})
    {'seed': 1, 'method': 'mean', 'method.p': 0.6, 'dataset': 'casme2', 'dataset.seed': 3}
    """
    values = dict[str, Any]()
    for key, value in content.items():
        holds_keys = key.split(".")[0] in NESTED and not key.startswith("trainer.")
        if holds_keys and isinstance(value, Mapping):
            values.update(flatten_keys({f"{key}.{inner}": item for inner, item in value.items()}))
        elif key != "roots" or value:
            values[ALIASES.get(key, key)] = value
    return values


def layers_of(given: Given = (), files: Iterable[str | Path] = (), origin: str = "") -> list[Layer]:
    """The user's layers, lowest first: the user's file, `-c` files, and what is given.

    Raises:
        ConfigError: a file is missing or unreadable, or a word is not `key=value`.
    """
    if isinstance(given, Mapping):
        highest = Layer(origin or ARGUMENT, settings_of(values=given))
    else:
        highest = Layer(origin or COMMAND_LINE, settings_of(given))
    layers = [*(read_file(Path(file)) for file in (user_file(), *files) if file), highest]
    return [_with_usual_ids(layer) for layer in layers]


def _with_usual_ids(layer: Layer) -> Layer:
    """The layer with ids in place of usual spellings."""
    return replace(layer, values={key: usual_value(key, value) for key, value in layer.values.items()})


def usual_value(key: str, value: Any) -> Any:
    """The value of a setting, with ids in place of usual spellings.

    >>> usual_value("dataset", "[CASME II,SAMM]"), usual_value("protocol", "LOSO"), usual_value("seed", 1)
    ('[casme2,samm]', 'loso', 1)
    """
    if key == "protocol" and isinstance(value, str):
        return protocol_of_spelling(value)
    if key not in PLUGIN_KEYS:
        return value
    kind = PLUGIN_KEYS[key]
    if isinstance(value, list | tuple):
        return [_usual_member(kind, part) if isinstance(part, str) else part for part in value]
    if isinstance(value, str) and value.startswith("["):
        members = [_usual_member(kind, part.strip()) for part in value.strip("[] ").split(",")]
        return f"[{','.join(members)}]"
    return id_of_spelling(kind, value) if isinstance(value, str) else value


def _usual_member(kind: PluginKind, word: str) -> str:
    """A member of a composite by its id; one that is renamed, `slow:CASME II`, keeps its own name."""
    name, colon, id_ = word.rpartition(":")
    return f"{name}{colon}{id_of_spelling(kind, id_)}"


def effective_values(layers: Sequence[Layer]) -> Raw:
    """The value of each key in the highest layer that has it."""
    return {key: (value, layer.origin) for layer in layers for key, value in layer.values.items()}


def user_setting(key: str, default: str, given: Given = (), files: Iterable[str | Path] = ()) -> str:
    """The value of one key, by default in the user's file alone."""
    value, _ = effective_values(layers_of(given, files)).get(key, (default, ""))
    return value if isinstance(value, str) and value else default


def more_plugins(layers: Sequence[Layer] | None = None) -> list[str]:
    """Folders with plugins named in the layers, by default in the user's file.

    A missing folder that a file names is left out with a warning.
    """
    if layers is None:
        file = user_file()
        layers = [] if file is None else [read_file(file)]
    found: list[str] = []
    for layer in layers:
        for folder in _named_folders(layer):
            if folder.is_dir() or layer.origin in (COMMAND_LINE, ARGUMENT):
                found.append(str(folder))
            elif folder not in _WARNED:
                _WARNED.add(folder)
                print_lines(
                    f"warning: {layer.origin} names plugins at {folder}, which is not a folder: left out", error=True
                )
    return found


def _named_folders(layer: Layer) -> list[Path]:
    """The folders with plugins that a layer names; relative ones start at its file."""
    named = layer.values.get("plugins")
    if not named:
        return []
    try:
        return [layer.folder / Path(path).expanduser() for path in convert_value(named, tuple[str, ...])]
    except ValueError:
        raise ConfigError(f"plugins must be a list of folders, not {named!r} ({layer.origin})") from None


_WARNED = set[Path]()
"""Missing folders of plugins that have been reported."""


# -- merging ----------------------------------------------------------------------------------------------------------------


def merge_layers(layers: Sequence[Layer], effective: Raw, sections: Sequence[PluginSection]) -> tuple[Raw, Raw]:
    """The values of the plugins' own files, and those of the user, which override them.

    Args:
        layers: layers of the user, lowest first.
        effective: their effective values, among them `method`, `dataset`, `recognizer` and `protocol`.
        sections: sections of the plugins that these name.

    Returns:
        The values of the plugins' files, then those of the user.
    """
    data = [section for section in sections if section.info.kind == "dataset"]
    user: Raw = {}
    for layer in layers:
        user |= _values_of_layer(layer, effective, data)
    packaged: Raw = {}
    for section in sections:
        chosen_preset = _with_usual_preset(user.get(f"{section.prefix}preset"), section)
        if chosen_preset is not None:
            user[f"{section.prefix}preset"] = chosen_preset
        data_of_method = [] if section in data else data  # only a method's file has settings for a dataset
        packaged |= packaged_values(section, data_of_method, chosen_preset)
    return packaged, user


def _with_usual_preset(chosen: tuple[Any, str] | None, section: PluginSection) -> tuple[Any, str] | None:
    """The user's preset with its origin, in the plugin's own spelling."""
    if chosen is None or not isinstance(chosen[0], str):
        return chosen
    word, origin = chosen
    return usual_name(word, section.info.read_section("presets")) or word, origin


def _values_of_layer(layer: Layer, effective: Raw, data: Sequence[PluginSection]) -> Raw:
    """The values of a layer that count, by keys of the whole configuration.

    Args:
        layer: one layer of the user.
        effective: effective values of all layers.
        data: the dataset, or the members of a composite.
    """
    found: Raw = {}
    for section in data:
        root = layer.root_of(section.info.id)
        if root and "root" in parameter_types(section.info):
            found[f"{section.prefix}root"] = (root, f"{layer.origin}: roots.{section.info.id}")
    flat = {key: value for key, value in layer.values.items() if not _is_parameter_or_root(key)}
    for key in ("method", "recognizer", "protocol"):
        name, _ = effective.get(key, (None, ""))
        flat |= {f"{key}.{own}": value for own, value in layer.settings_for(key, name).items()}
    dataset, _ = effective["dataset"]
    flat |= _values_of_data(layer, data, dataset)
    return found | {key: (value, layer.origin) for key, value in flat.items()}


def _is_parameter_or_root(key: str) -> bool:
    """Whether a key is a parameter of a plugin or protocol, or a root."""
    head, dot, _ = key.partition(".")
    return bool(dot) and head in NESTED and head != "trainer"


def _values_of_data(layer: Layer, data: Sequence[PluginSection], dataset: Any) -> dict[str, Any]:
    """The settings of the dataset in a layer.

    In a composite, `dataset.samm.root` is for one member, `dataset.follow_links` for all.

    Raises:
        ConfigError: a key names no member, cannot be shared, or is no parameter of any member.
    """
    if data[0].prefix == "dataset.":
        return {f"dataset.{name}": value for name, value in layer.settings_for("dataset", dataset).items()}
    dataset_of_layer = layer.values.get("dataset")
    words = tuple(section.word for section in data)
    if dataset_of_layer is not None and composite_members(dataset_of_layer, layer.origin) != words:
        return {}
    values = layer.settings_for("dataset", dataset_of_layer)
    _check_keys_of_members(values, layer.origin, data)
    flat = dict[str, Any]()
    for section in data:
        known = parameter_types(section.info)
        flat |= {f"{section.prefix}{name}": value for name, value in values.items() if name in known}
    return flat | {f"dataset.{name}": value for name, value in values.items() if "." in name}


def _check_keys_of_members(keys: Iterable[str], origin: str, members: Sequence[PluginSection]) -> None:
    """Refuse keys of a composite that no member takes, or that lack its name.

    Args:
        keys: keys without `dataset.`: `samm.root`, `follow_links`.
        origin: file or command line that gives them, for messages.
        members: sections of the composite's members.
    """
    member_names = [member_name(section.word) for section in members]
    shareable = {key for section in members for key in parameter_types(section.info)} - OF_ONE_MEMBER
    for key in keys:
        head, dot, _ = key.partition(".")
        names_member = bool(dot)
        where = f"(dataset.{key}, {origin})"
        if names_member and head not in member_names:
            raise ConfigError(f"{unknown('member', head, member_names)} {where}")
        if key in OF_ONE_MEMBER:
            raise ConfigError(
                f"dataset.{key} does not name a member: write dataset.{member_names[0]}.{key}=… ({origin})"
            )
        if not names_member and key not in shareable:
            raise ConfigError(f"{unknown('key of the members', key, shareable)} {where}")


def packaged_values(section: PluginSection, data: Sequence[PluginSection], chosen: tuple[Any, str] | None) -> Raw:
    """A plugin's `config.yaml`: its `params`, preset, and settings for the dataset.

    For a composite dataset these are the settings that all members share. A preset chosen by the user overrides the
    settings for the dataset; one chosen by the plugin does not.

    Args:
        section: the plugin.
        data: the dataset or its members, for which a method's file may have settings.
        chosen: the user's preset and its origin.

    Raises:
        ConfigError: there is no such preset.
    """
    info = section.info
    file = f"{info.where}/config.yaml"
    origin_of_dataset = f"{file}: datasets.{'+'.join(other.info.id for other in data)}"
    for_dataset = _settings_for_data(section, data)
    preset_for_dataset = for_dataset.pop("preset", None)
    if chosen is not None:
        preset, origin = chosen
    elif preset_for_dataset is not None:
        preset = preset_for_dataset
        origin = origin_of_dataset
    elif info.config.get("preset") is not None:
        preset = info.config["preset"]
        origin = file
    else:
        preset = None
        origin = "default"
    name = "" if str(preset).lower() in NULLS else str(preset)
    presets = {"": {}} | info.read_section("presets")
    if name not in presets:
        sentence = f"{unknown(f'preset of {info.id}', name, info.read_section('presets'))} ({origin})"
        raise ConfigError(sentence, settings=[f"{section.prefix}preset"])
    of_preset = (presets[name] or {}, f"preset {name} ({file})")
    of_dataset = (for_dataset, origin_of_dataset)
    by_rank = [
        ({"preset": name or None}, origin),
        (info.read_section("params"), f"{file}: params"),
    ]  # the last of a key holds
    if chosen is not None:
        by_rank += [of_dataset, of_preset]
    else:
        by_rank += [of_preset, of_dataset]
    return {f"{section.prefix}{key}": (value, source) for values, source in by_rank for key, value in values.items()}


def _settings_for_data(section: PluginSection, data: Sequence[PluginSection]) -> dict[str, Any]:
    """The settings that a method's file has for the dataset; for a composite only if all members have the same."""
    of_members = [section.info.read_section("datasets").get(other.info.id) or {} for other in data]
    are_equal = all(settings == of_members[0] for settings in of_members)
    return dict(of_members[0]) if of_members and are_equal else {}
