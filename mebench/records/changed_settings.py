"""The settings of a method that differ from those of its paper."""

import re
from collections.abc import Mapping
from dataclasses import fields

from mebench.config import registry
from mebench.errors import MebenchError
from mebench.records.recorded_settings import split_settings, value_in_words


def changed_settings(method: str, settings: str) -> str:
    """The non-default settings of a run in words, each with the default that it replaces; empty for the defaults.

    Args:
        method: id of the method, with that of its recognizer after ` + `.
        settings: non-default settings, as records state them.
    """
    return settings_beside_defaults(settings, default_settings(method)) if settings else ""


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

    Its authors' plugin takes them from its paper, or says on its card why not.
    """
    info = registry.known_plugin("method", re.split(" [+] | with ", method)[0])
    if info is None:
        return {}
    try:
        params = registry.params_class(info)
        packaged = info.read_section("params") | info.read_section("presets").get(str(info.config.get("preset")), {})
        values = {field.name: packaged.get(field.name, getattr(params(), field.name)) for field in fields(params)}
    except (MebenchError, TypeError, ValueError):  # a broken plugin, or a parameter without a default
        return {}
    return {name: value_in_words(value) for name, value in values.items()}
