"""Shell completion of `key=value` words and plugin names. Reads only `config.yaml` and `params.py`; never fails."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mebench.errors import MebenchError
from mebench.lazy_imports import lazy_imports
from mebench.metrics.catalogue import METRICS

with lazy_imports():
    from mebench.config import registry, resolving, sections, settings as run_settings, sources, typed_values
    from mebench.protocols import known as known_protocols


def complete_word(before: Sequence[str], incomplete: str, plugins: Sequence[str] = ()) -> list[str]:
    """Completions of the word at the cursor.

    bash splits words at `=`, other shells do not: the words before the cursor may end with `method`, `=` (or with
    `method` alone), and then only the value is completed.

    Args:
        before: the words before the cursor.
        incomplete: the word at the cursor.
        plugins: folders of `--plugins`.
    """
    try:
        registry.add_paths([*sources.more_plugins(), *plugins])
        words = _join_split_words(before)
        chosen = dict(word.split("=", 1) for word in words if "=" in word)
        types = _types_of_keys(chosen)
        key_before = _key_without_value(words[-1])
        if key_before in types:
            return _matching_values(key_before, incomplete, types, chosen)
        key, equals, value = incomplete.partition("=")
        if equals:
            return [f"{key}={match}" for match in _matching_values(key, value, types, chosen)]
        return _complete_key(key, types, chosen)
    except (MebenchError, OSError):
        return []


def _join_split_words(before: Sequence[str]) -> list[str]:
    """The words as they were typed: `key`, `=` and `value` become one word again."""
    return re.sub("\0?=\0?", "=", "\0".join(before)).split("\0")


def _key_without_value(word: str) -> str:
    """The key in `method=` or `method`, whose value is typed next; empty for a word with a value."""
    key, _, value = word.partition("=")
    return "" if value else key


def _matching_values(key: str, beginning: str, types: Mapping[str, Any], chosen: Mapping[str, str]) -> list[str]:
    """The values of a key that begin with what is typed."""
    return [value for value in _values_of_key(key, types.get(key), chosen) if value.startswith(beginning)]


def _complete_key(beginning: str, types: Mapping[str, Any], chosen: Mapping[str, str]) -> list[str]:
    """The keys that begin with what is typed, each with `=`. A single one is completed with its values."""
    keys = [key for key in types if key.startswith(beginning)]
    if len(keys) == 1:
        key = keys[0]
        values = _values_of_key(key, types[key], chosen)
        if len(values) > 1:  # the shell would add a space to a single `method=`, but not to its complete values
            return [f"{key}={value}" for value in values]
    return [f"{key}=" for key in keys]


def complete_plugin(incomplete: str, plugins: Sequence[str] = ()) -> list[str]:
    """Names of methods, datasets, protocols and metrics."""
    try:
        registry.add_paths([*sources.more_plugins(), *plugins])
        return sorted(name for name in known_names() if name.startswith(incomplete))
    except (MebenchError, OSError):
        return []


def known_names() -> set[str]:
    """Names of all methods, datasets, protocols and metrics."""
    plugins = (id_ for kind in registry.PLUGIN_KINDS for id_ in registry.list_plugins(kind))
    return {*plugins, *known_protocols.PROTOCOLS, *METRICS}


def _types_of_keys(chosen: Mapping[str, str]) -> dict[str, Any]:
    """All keys that the words so far allow, with their types."""
    section = sections.Section
    named = {key: (value, "") for key, value in chosen.items()}
    types = dict.fromkeys(sections.PLUGIN_KEYS) | resolving.RUN_SECTION.types()
    for key in sections.PLUGIN_KEYS:
        with suppress(MebenchError):  # it is not named yet, or wrong
            for part in sections.plugin_sections(named, [key]):
                types |= part.types()
    protocol = known_protocols.PROTOCOLS.get(chosen.get("protocol", run_settings.PROTOCOL))
    if protocol is not None:
        types |= section("protocol.", protocol.settings, f"protocol {protocol.name}").types()
    return types


def _values_of_key(key: str, hint: Any, chosen: Mapping[str, str]) -> list[str]:
    """The values of a key that has few."""
    kinds = sections.PLUGIN_KEYS
    part, _, name = key.partition(".")
    if key in kinds:
        return [id_ for id_, info in registry.list_plugins(kinds[key]).items() if not info.broken]
    if key == "protocol":
        return sorted(known_protocols.PROTOCOLS)
    if part in kinds and name == "preset":
        return list(registry.find_plugin(kinds[part], chosen.get(part, "")).read_section("presets"))
    return list(typed_values.allowed_values(hint))
