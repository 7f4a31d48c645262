"""Layers of settings: the user's file, `-c` files, and the command line or a program, each as flat keys."""

import os
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mebench.config import registry
from mebench.config.typed_values import convert, plain
from mebench.errors import ConfigError
from mebench.files import Text, read_yaml
from mebench.terminal import print_lines

COMMAND_LINE = "command line"
ARGUMENT = "argument"
"""Origin of values from Python."""
Given = Mapping[str, Any] | Sequence[str]
"""Settings: Python's values by key, nested or flat, or `key=value` words."""
PLUGIN_KEYS: Mapping[str, registry.PluginKind] = {"method": "method", "recognizer": "method", "dataset": "dataset"}
"""The keys that name a plugin, and its kind. `recognizer` pairs a spotter with a method that names the emotions of its
intervals.
"""
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


@dataclass(frozen=True)
class Layer:
    """Values of one origin by flat key (`method`, `method.p`, `seed`, `roots.casme2`), as text or YAML's plain data.

    Attributes:
        origin: source, for messages.
        values: not typed yet.
        folder: base of relative paths in `roots`.
    """

    origin: str
    values: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)

    def of(self, key: str, id_: Any) -> dict[str, Any]:
        """Its settings for a plugin or protocol, without the prefix; none if its `key` names another one."""
        if self.values.get(key, id_) != id_:
            return {}
        return {
            name.removeprefix(f"{key}."): value for name, value in self.values.items() if name.startswith(f"{key}.")
        }

    def root(self, id_: str) -> str | None:
        """The folder that it gives a dataset, if any: `~` is the home folder, a relative path starts at the file."""
        path = self.values.get(f"roots.{id_}")
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
        kind = next((kind for kind in registry.PLUGIN_KINDS if word in registry.plugins(kind)), None)
        hint = f"did you mean {kind}={word}?" if kind else "write for example method=mean or method.p=0.6"
        raise ConfigError(f"{word!r} is not a key=value word: {hint}")
    return key, value


def settings_of(words: Sequence[str] = (), values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings by flat key; the later of two with one key counts.

    Args:
        words: `key=value`, whose text is converted to the key's type.
        values: Python values, unchanged: numbers and arrays of NumPy, columns of pandas, ranges and paths too. A map
            below `method`, `recognizer`, `dataset` or `protocol` holds their own.

    >>> settings_of(["method=mean", "method.p=0.6", "dataset.root=/data/a=b"])
    {'method': 'mean', 'method.p': '0.6', 'dataset.root': '/data/a=b'}
    >>> settings_of(["seed=1"], {"method": {"name": "mean", "p": 0.6}, "kinds": ("micro", "macro"), "scheme": None})
    {'seed': '1', 'method': 'mean', 'method.p': 0.6, 'kinds': ['micro', 'macro'], 'scheme': None}
    """
    settings: dict[str, Any] = {ALIASES.get(key, key): value for key, value in map(key_value, words)}
    for key, value in flatten(values or {}).items():
        try:
            settings[key] = plain(value)
        except TypeError:
            example = ', objects as {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss"}}'
            raise ConfigError(
                f"{key} must be text, a number, or a list or map of them{example if key.split('.')[0] == 'trainer' else ''}, not {value!r} "
                f"({ARGUMENT})"
            ) from None
    return settings


def read_file(path: Path) -> Layer:
    """A YAML file of run keys; `method`, `dataset`, `protocol` and `roots` may be maps. Scalars stay text until keys
    type them.
    """
    origin = str(path) if path.is_absolute() else f"./{path}"
    try:
        content = read_yaml(path, Text) or {}
    except FileNotFoundError:
        raise ConfigError(f"the configuration file {origin} does not exist") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {origin} is unreadable: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"the configuration file {origin} must hold a map of keys, for example seed: 1, not {reprlib.repr(content)}"
        )
    return Layer(origin, flatten(content), path.parent)


def flatten(content: Mapping[str, Any]) -> dict[str, Any]:
    """Flat keys of a nested map.

    >>> flatten({"seed": 1, "method": {"name": "mean", "p": 0.6}, "dataset": "casme2", "dataset.seed": 3})
    {'seed': 1, 'method': 'mean', 'method.p': 0.6, 'dataset': 'casme2', 'dataset.seed': 3}
    """
    values = {}
    for key, value in content.items():
        if key.split(".")[0] in NESTED and isinstance(value, Mapping) and not key.startswith("trainer."):
            values.update(flatten({f"{key}.{inner}": item for inner, item in value.items()}))
        elif key != "roots" or value:
            values[ALIASES.get(key, key)] = value
    return values


def layers_of(given: Given = (), files: Iterable[str | Path] = (), origin: str = "") -> list[Layer]:
    """The user's layers, lowest first: the user's file, `-c` files, and what is given.

    Raises:
        ConfigError: a file is missing or unreadable, or a word is not `key=value`.
    """
    values, default_origin = (
        (settings_of(values=given), ARGUMENT) if isinstance(given, Mapping) else (settings_of(given), COMMAND_LINE)
    )
    return [*(read_file(Path(file)) for file in (user_file(), *files) if file), Layer(origin or default_origin, values)]


def user_setting(key: str, default: str, given: Given = (), files: Iterable[str | Path] = ()) -> str:
    """The value of one key in the highest layer, by default in the user's file alone, for callers without a whole
    run.
    """
    values = [layer.values[key] for layer in layers_of(given, files) if key in layer.values]
    return values[-1] if values and isinstance(values[-1], str) and values[-1] else default


def more_plugins(layers: Sequence[Layer] | None = None) -> list[str]:
    """Folders with plugins named in the layers, by default in the user's file.

    A missing folder that a file names is left out with a warning.
    """
    if layers is None:
        layers = [read_file(mine)] if (mine := user_file()) else []
    places: list[str] = []
    for layer in layers:
        named = layer.values.get("plugins")
        try:
            paths = convert(named, tuple[str, ...]) if named else ()
            folders = [layer.folder / Path(path).expanduser() for path in paths]
        except ValueError:
            raise ConfigError(f"plugins must be a list of folders, not {named!r} ({layer.origin})") from None
        for folder in folders:
            if folder.is_dir() or layer.origin in (COMMAND_LINE, ARGUMENT):
                places.append(str(folder))
            elif folder not in _WARNED:
                _WARNED.add(folder)
                print_lines(
                    f"warning: {layer.origin} names plugins at {folder}, which is not a folder: left out", error=True
                )
    return places


_WARNED = set[Path]()
"""Missing folders of plugins that have been reported."""
