"""Shell completion of `key=value` words and plugin names. Reads only `config.yaml` and `params.py`; never fails."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from mebench import config, metrics, protocols
from mebench.errors import MebenchError


def complete_word(given: Sequence[str], incomplete: str, plugins: Sequence[str] = ()) -> list[str]:
    """Completions of the word at the cursor.

    bash splits words at `=`, other shells do not: the words before the cursor may end with `method`, `=` (or with
    `method` alone), and then only the value is completed.

    Args:
        given: the words before the cursor.
        incomplete: the word at the cursor.
        plugins: folders of `--plugins`.
    """
    try:
        config.registry.add_paths([*config.more_plugins(), *plugins])
        words: list[str] = []  # joined again at each `=` where the shell split them
        for part in given:
            if part == "=" and words:
                words[-1] += "="
            elif words and words[-1].endswith("=") and words[-1].count("=") == 1:
                words[-1] += part
            else:
                words.append(part)
        last = words[-1] if words else ""
        key = last.removesuffix("=") if last.find("=") in (-1, len(last) - 1) else ""  # whose value is being typed
        types = _types(dict(word.split("=", 1) for word in words if "=" in word))
        if key in types:
            return [value for value in _values(key, types[key], words) if value.startswith(incomplete)]
        name, equals, value = incomplete.partition("=")
        if equals:
            return [f"{name}={v}" for v in _values(name, types.get(name), words) if v.startswith(value)]
        names = [name for name in types if name.startswith(incomplete)]
        values = _values(names[0], types[names[0]], words) if len(names) == 1 else []
        # The shell would add a space to a single `method=`, but not to its complete values.
        return [f"{names[0]}={v}" for v in values] if len(values) > 1 else [f"{name}=" for name in names]
    except (MebenchError, OSError):
        return []


def complete_plugin(incomplete: str, plugins: Sequence[str] = ()) -> list[str]:
    """Names of methods, datasets, protocols and metrics."""
    try:
        config.registry.add_paths([*config.more_plugins(), *plugins])
        names = {
            *protocols.PROTOCOLS,
            *metrics.catalogue.METRICS,
            *(id_ for kind in config.registry.PLUGIN_KINDS for id_ in config.registry.plugins(kind)),
        }
        return sorted(name for name in names if name.startswith(incomplete))
    except (MebenchError, OSError):
        return []


def _types(chosen: Mapping[str, str]) -> dict[str, Any]:
    """All keys that the words so far allow, with their types."""
    types: dict[str, Any] = dict.fromkeys(config.setting_layers.PLUGIN_KEYS)
    hints = get_type_hints(config.RunSettings)
    types |= {field.name: hints[field.name] for field in dataclasses.fields(config.RunSettings)}
    for key, kind in config.setting_layers.PLUGIN_KEYS.items():
        name = chosen.get(key, "")
        members = name.strip("[]").split(",") if name.startswith("[") else []
        for prefix, id_ in [(f"{key}.{config.parts.called(m.strip())}", m.strip()) for m in members] or [(key, name)]:
            info = config.registry.plugins(kind).get(id_.rpartition(":")[2])
            if info and not info.broken:
                types |= {
                    f"{prefix}.{field}": hint for field, hint in (config.parts.keys(info) | {"preset": str}).items()
                }
    protocol = protocols.PROTOCOLS.get(chosen.get("protocol", config.settings.PROTOCOL))
    if protocol is not None:
        own = config.parts.hints_of(protocol.params, f"protocol {protocol.name}")
        types |= {f"protocol.{name}": hint for name, hint in own.items()}
    return types


def _values(key: str, hint: Any, words: Sequence[str]) -> list[str]:
    """The values of a key that has few."""
    if key in config.setting_layers.PLUGIN_KEYS:
        return [
            id_
            for id_, info in config.registry.plugins(config.setting_layers.PLUGIN_KEYS[key]).items()
            if not info.broken
        ]
    if key == "protocol":
        return sorted(protocols.PROTOCOLS)
    for part, kind in config.setting_layers.PLUGIN_KEYS.items():
        if key == f"{part}.preset":
            chosen = dict(word.split("=", 1) for word in words if "=" in word).get(part, "")
            return list(config.registry.find(kind, chosen).section("presets"))
    return list(config.typed_values.choices(hint))
