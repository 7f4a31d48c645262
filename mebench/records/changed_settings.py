"""The settings of a method that are not its defaults, or not as published."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from mebench.config import registry
from mebench.errors import MebenchError
from mebench.records.recorded_settings import split_settings, value_in_words

UNPUBLISHED = "not as published"
"""Words before the settings that a paper or its authors' program has otherwise."""


def changed_settings(method: str, settings: str, unpublished: str = "") -> str:
    """The settings of a run that are not the defaults, or not as published.

    Args:
        method: id of the method, with that of its recognizer after ` + `.
        settings: non-default settings, as records state them.
        unpublished: settings that are not as published, as `unpublished_settings` states them.

    >>> changed_settings("off_apexnet", "audit=leak", "epochs=120 instead of 3000")
    'audit=leak; not as published: epochs=120 instead of 3000'
    """
    changed = settings_beside_defaults(settings, default_settings(method)) if settings else ""
    return "; ".join(filter(None, [changed, f"{UNPUBLISHED}: {unpublished}" if unpublished else ""]))


def unpublished_settings(config: Mapping[str, Any]) -> str:
    """The settings of a run that are not as published; empty if all are.

    Only a plugin whose defaults are others knows this: it names the presets as published under `published`. Where these
    are several, a run may have those of any. Other changes are the non-default settings.

    Args:
        config: flat configuration of the run.

    >>> unpublished_settings({"method": "off_apexnet", "method.epochs": 120, "method.dropout": 0.1})
    'epochs=120 instead of 3000'
    >>> unpublished_settings({"method": "off_apexnet", "method.epochs": 3000})
    ''
    """
    of_method = _unlike_published(str(config["method"]), config, "method")
    recognizer = config.get("recognizer")
    of_recognizer = _unlike_published(recognizer, config, "recognizer") if recognizer else ""
    return "; ".join(filter(None, [of_method, f"recognizer: {of_recognizer}" if of_recognizer else ""]))


def _unlike_published(method: str, config: Mapping[str, Any], part: str) -> str:
    """The settings of one method of a run that are not as published."""
    differences = [
        [
            f"{name}={value_in_words(config[f'{part}.{name}'])} instead of {value}"
            for name, value in published.items()
            if value_in_words(config.get(f"{part}.{name}", value)) != value
        ]
        for published in _published_settings(method)
    ]
    return ", ".join(differences[0]) if differences and all(differences) else ""


def _published_settings(method: str) -> Sequence[Mapping[str, str]]:
    """The parameters of each published preset in words, except those of all."""
    info = registry.known_plugin("method", method)
    if info is None or info.broken or not info.published:
        return []
    default = default_settings(method)
    of_presets = [_values_of_preset(info, preset) for preset in info.published]
    names = [name for name in default if any(values.get(name) != default[name] for values in of_presets)]
    return [{name: values[name] for name in names if name in values} for values in of_presets]


def settings_beside_defaults(settings: str, defaults: Mapping[str, str]) -> str:
    """The settings of a row in words, each with the default that it replaces.

    Args:
        settings: non-default settings, as records state them.
        defaults: default of each parameter of the method, in words; those of a recognizer and of runs have none.

    >>> settings_beside_defaults("preset short: epochs=10; kinds=[micro]", {"epochs": "800"})
    'preset short: epochs=10 (default 800); kinds=[micro]'
    """
    parts = []
    for head, values in split_settings(settings):
        known = {} if head.startswith("recognizer") else defaults
        written = ", ".join(_with_default(value, known) for value in values)
        parts.append(": ".join(filter(None, [head, written])))
    return "; ".join(parts)


def _with_default(setting: str, defaults: Mapping[str, str]) -> str:
    """A setting such as `epochs=10` with its default, if it is known and another."""
    name, _, value = setting.partition("=")
    default = defaults.get(name, value)
    return setting if default == value else f"{setting} (default {default})"


def default_settings(method: str) -> dict[str, str]:
    """The default of each parameter of a method in words; empty for a method that is not installed here.

    They are those of its paper, unless its plugin names other presets under `published`.
    """
    info = registry.known_plugin("method", re.split(" [+] | with ", method)[0])
    return {} if info is None else _values_of_preset(info, str(info.config.get("preset")))


def _values_of_preset(info: registry.PluginInfo, preset: str) -> dict[str, str]:
    """Each parameter of a method in words, under a preset if there is one."""
    try:
        params = registry.params_class(info)
        packaged = info.read_section("params") | (info.read_section("presets").get(preset) or {})
        values = {field.name: packaged.get(field.name, getattr(params(), field.name)) for field in fields(params)}
    except (MebenchError, TypeError, ValueError):  # a broken plugin, or a parameter without a default
        return {}
    return {name: value_in_words(value) for name, value in values.items()}
