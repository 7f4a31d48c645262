"""The settings of a run: its identity without paths, and its non-default settings in words."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple

from mebench.config import flatten_keys
from mebench.config.settings import is_place, shaping_values

_RUN_KEYS = (
    "kinds",
    "validation",
    "bootstrap",
    "accelerator",
    "precision",
    "no_face",
    "audit",
    "adaptation",
)
LATER_OF_METHODS: Mapping[str, Any] = {
    "half_width": 1.0,
    "align": "none",
    "track": "none",
    "margin": 0.0,
    "half_size": False,
    "macro": "negative",
    "longest_frames": None,
}
"""Parameters of methods that older records lack, with the value used then."""
LATER: Mapping[str, Any] = {
    "precision": "32-true",
    "tuned_on": [],
    "adaptation": "none",
    "degrade": "none",
    **{f"method.{name}": value for name, value in LATER_OF_METHODS.items()},
    **{f"recognizer.{name}": value for name, value in LATER_OF_METHODS.items()},
}
"""Keys that older records lack, with the value used then: a record without the key belongs to the same row."""


def without_places(values: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved configuration as flat keys, without folders; other paths are reduced to the file name.

    >>> without_places({"method": {"name": "a", "model": "/home/ann/face.dat"}, "seed": 1, "runs": "/home/ann/runs"})
    {'method': 'a', 'method.model': 'face.dat', 'seed': 1}
    """
    flat = flatten_keys(values)
    return {key: without_folder(value) for key, value in flat.items() if not is_place(key, flat)}


def row_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that two seeds of one row share: all flat keys that shape predictions, except the seed."""
    settings = {}
    for key, value in shaping_values(config).items():
        is_later_default = (key, value) in LATER.items()
        if key != "seed" and not is_later_default:
            settings[key] = value
    return settings


def method_settings(values: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """The non-default settings of method, recognizer and run, in words; may be empty.

    >>> origins = {"method.preset": "command line", "method.stride": "preset short (methods/mean/config.yaml)"}
    >>> method_settings({"method": {"name": "mean", "preset": "short", "stride": 2, "p": 0.55}, "seed": 1}, origins)
    'preset short: stride=2'
    """
    flat = without_places(values)
    method = _plugin_in_words(flat, origins, "method")
    recognizer = _plugin_in_words(flat, origins, "recognizer")
    of_recognizer = f"recognizer: {recognizer}" if recognizer else ""
    changed = [key for key in _RUN_KEYS if key in flat and not _is_packaged(origins.get(key, "default"))]
    return "; ".join(filter(None, [method, of_recognizer, _settings_in_words(flat, changed, "")]))


def data_settings(values: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """The non-default settings of dataset and protocol, in words: runs that differ here are not comparable.

    >>> data_settings({"dataset": "a", "protocol": {"name": "kfold", "folds": 5}}, {"protocol.folds": "command line"})
    'protocol: folds=5'
    >>> data_settings({"dataset": "a", "protocol": "loso", "degrade": "blur:3"}, {"degrade": "command line"})
    'degrade=blur:3'
    """
    flat = without_places(values)
    dataset = _plugin_in_words(flat, origins, "dataset")
    protocol = _plugin_in_words(flat, origins, "protocol")
    of_protocol = f"protocol: {protocol}" if protocol else ""
    degrade = flat.get("degrade", "none")
    of_degradation = f"degrade={degrade}" if degrade != "none" else ""
    return "; ".join(filter(None, [dataset, of_protocol, of_degradation]))


def own_choices(values: Mapping[str, Any], origins: Mapping[str, str]) -> dict[str, Any]:
    """The settings chosen by the user: names of presets, and values from neither a default nor a preset, without paths.

    >>> origins = {"method.preset": "command line", "method.stride": "preset short (methods/mean/config.yaml)", "seed": "default"}
    >>> own_choices({"method": {"name": "mean", "preset": "short", "stride": 2}, "seed": 1}, origins)
    {'method.preset': 'short'}
    """
    chosen = {}
    for key, value in without_places(values).items():
        if key not in origins or _is_packaged(origins[key]):
            continue
        if not origins[key].startswith("preset "):
            chosen[key] = value
    return chosen


def protocol_in_words(values: Mapping[str, Any]) -> str:
    """The protocol with its settings, without null ones.

    >>> protocol_in_words({"protocol": {"name": "kfold", "folds": 5, "seed": None}}), protocol_in_words({"protocol": "loso"})
    ('kfold (folds=5)', 'loso')
    """
    flat = without_places(values)
    keys = [key for key in flat if key.startswith("protocol.") and flat[key] is not None]
    settings = _settings_in_words(flat, keys, "protocol.")
    return f"{flat['protocol']} ({settings})" if settings else str(flat["protocol"])


def scheme_in_words(values: Mapping[str, Any]) -> str:
    """The emotion scheme, if it is not the dataset's first."""
    return f"scheme {values['scheme']}" if values.get("scheme") else ""


def distinguishing_settings(own: str, everyone: Sequence[str]) -> str:
    """The settings of a method that do not all of its rows share; for a preset of its own, only the name.

    Args:
        own: settings of one row, in words.
        everyone: settings of all rows of the method, this one among them.

    >>> distinguishing_settings("preset a: p=1, q=[2, 3]; r=3", ["preset a: p=1, q=[2, 3]; r=3", "preset a: p=1, q=4"])
    'q=[2, 3], r=3'
    >>> distinguishing_settings("preset a: p=1; r=3", ["preset b: p=2; r=3", "preset a: p=1; r=3"])
    'preset a'
    """
    if len(everyone) < 2:
        return ""
    shared = _words_of_all(tuple(everyone))
    words = []
    for head, values in split_settings(own):
        distinct = ", ".join(value for value in values if value not in shared)
        is_own_head = head != "" and head not in shared
        if is_own_head and (head.startswith("preset ") or not distinct):
            words.append(head)
        elif distinct:
            words.append(f"{head}: {distinct}" if is_own_head else distinct)
    return ", ".join(words)


@lru_cache(maxsize=256)  # a table asks for each of its rows
def _words_of_all(settings: tuple[str, ...]) -> Set[str]:
    """The heads and values that all of some settings have."""
    return set.intersection(*map(_words_of, settings))


def _words_of(settings: str) -> set[str]:
    """All heads and values of some settings."""
    return {word for head, values in split_settings(settings) for word in (head, *values)}


def split_settings(settings: str) -> Iterator[tuple[str, list[str]]]:
    """The head of each part of some settings, and its values. A head is such as `preset short`, and may be empty.

    >>> [*split_settings("preset short: epochs=4, lr=0.001; kinds=[micro, macro]")]
    [('preset short', ['epochs=4', 'lr=0.001']), ('', ['kinds=[micro, macro]'])]
    """
    for part in filter(None, settings.split("; ")):
        if "=" not in part:
            yield part, []
            continue
        head, _, values = part.rpartition(": ")
        yield head, re.split(r", (?=\w+=)", values) if values else []


def _plugin_in_words(flat: Mapping[str, Any], origins: Mapping[str, str], kind: str) -> str:
    """The non-default settings of a plugin, in words: its preset, those for the dataset, and the rest."""
    prefix = f"{kind}."
    preset_key = f"{kind}.preset"
    preset = flat.get(preset_key)
    own_origins = {key: origins.get(key, "default") for key in flat if key.startswith(prefix) and key != preset_key}
    keys = _keys_by_source(own_origins, preset)
    words = []
    if preset is not None and not _is_packaged(origins.get(preset_key, "default")):
        words.append(_preset_in_words(preset, _settings_in_words(flat, keys.of_preset, prefix), len(keys.of_preset)))
    if keys.for_dataset:
        words.append(f"for {dataset_in_words(flat['dataset'])}: {_settings_in_words(flat, keys.for_dataset, prefix)}")
    if keys.rest:
        words.append(_settings_in_words(flat, keys.rest, prefix))
    return "; ".join(words)


class _KeysBySource(NamedTuple):
    """Keys of settings that the plugin itself does not set.

    Attributes:
        of_preset: keys that the preset sets.
        for_dataset: keys that are set for the dataset.
        rest: keys that are set elsewhere.
    """

    of_preset: list[str]
    for_dataset: list[str]
    rest: list[str]


def _keys_by_source(origins: Mapping[str, str], preset: str | None) -> _KeysBySource:
    """The keys of a plugin's non-default settings, by what sets them."""
    keys = _KeysBySource([], [], [])
    for key, origin in origins.items():
        if origin.startswith(f"preset {preset} ("):
            keys.of_preset.append(key)
        elif _is_packaged(origin):
            continue
        elif _OF_DATASET.search(origin):
            keys.for_dataset.append(key)
        else:
            keys.rest.append(key)
    return keys


def _preset_in_words(preset: str, values: str, n_values: int) -> str:
    """The name of a preset and its values, if these are few."""
    return f"preset {preset}: {values}" if 0 < n_values <= MOST_LISTED else f"preset {preset}"


MOST_LISTED = 6
"""A preset with more values than this is shown only by name."""
_OF_DATASET = re.compile(r": datasets\.[\w+]+$")
"""The end of an origin that sets a value for one dataset."""


def dataset_in_words(dataset: str | list[str]) -> str:
    """Id of a dataset; the ids of a composite's members are joined by `+`."""
    return dataset if isinstance(dataset, str) else "+".join(dataset)


def _is_packaged(origin: str) -> bool:
    """Whether the plugin itself sets a value. A user's file begins with `/` or `./`, a plugin's does not."""
    return origin.startswith("default") or (
        origin.endswith(("/config.yaml", "/config.yaml: params")) and not origin.startswith(("/", "./"))
    )


def _settings_in_words(flat: Mapping[str, Any], keys: list[str], prefix: str) -> str:
    """Some settings as `name=value`, without the prefix."""
    return ", ".join(f"{key.removeprefix(prefix)}={value_in_words(flat[key])}" for key in keys)


def value_in_words(value: Any) -> str:
    """A value as on the command line, but without quotes, and numbers with six digits.

    >>> value_in_words([1, None, True, "a", 0.027467435857304365])
    '[1, null, true, a, 0.0274674]'
    """
    if isinstance(value, float):
        value = float(f"{value:.6g}")
    if isinstance(value, list):
        return f"[{', '.join(map(value_in_words, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def without_folder(value: Any) -> Any:
    r"""A value in which each absolute path is reduced to its file name. It is found at any depth and inside sentences.

    >>> without_folder(["/home/ann/face.dat", {"p": 0.5}, "it reads /home/ann/my lab/head.npz: and/or 1/2"])
    ['face.dat', {'p': 0.5}, 'it reads head.npz: and/or 1/2']
    >>> without_folder("reads 'C:\\Users\\ann\\head.npz', ~/weights/a.pt")
    "reads 'head.npz', a.pt"
    """
    if isinstance(value, list):
        return [without_folder(item) for item in value]
    if isinstance(value, dict):
        return {key: without_folder(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if _ABSOLUTE.match(value):
        return _last_name(value)
    return _PATH_IN_SENTENCE.sub(lambda found: _last_name(found[0]), value)


def _last_name(path: str) -> str:
    """The last name of a path of any operating system."""
    names = re.split(r"[\\/]", path.rstrip("\\/"))
    return names[-1]


_ABSOLUTE = re.compile(r"~|/|\\\\|[A-Za-z]:[\\/]")
"""The beginning of an absolute path."""


_PATH_IN_SENTENCE = re.compile(
    r"(?<![\w/\\.:~])(?:~|/|[A-Za-z]:[\\/]|\\\\)[\w.@+~-]*(?:[\\/][\w.@+~-]+(?: [\w.@+~-]+(?=[\\/]))*)+"
)
"""An absolute path of two names or more within a text; a folder's name may have spaces."""
