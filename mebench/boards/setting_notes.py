"""Notes on settings in tables for papers: what was not as the method's paper, or its released program, has it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from mebench.boards.rows import BoardRow
from mebench.config import registry
from mebench.errors import MebenchError
from mebench.records.recorded_settings import split_settings, value_in_words


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
    info = registry.known_plugin("method", method.split(" + ")[0])
    if info is None:
        return {}
    try:
        params = registry.params_class(info)
        packaged = info.read_section("params") | info.read_section("presets").get(str(info.config.get("preset")), {})
        values = {field.name: packaged.get(field.name, getattr(params(), field.name)) for field in fields(params)}
    except (MebenchError, TypeError, ValueError):  # a broken plugin, or a parameter without a default
        return {}
    return {name: value_in_words(value) for name, value in values.items()}


def note_settings(rows: Sequence[BoardRow]) -> list[str]:
    """For each row its non-default settings with the defaults; empty for a row with defaults, and for levels of chance."""
    notes = []
    for row in rows:
        is_told = row.measured and row.settings != ""
        notes.append(settings_beside_defaults(row.settings, default_settings(row.method)) if is_told else "")
    return notes


def number_notes(notes: Sequence[str]) -> dict[str, int]:
    """The number of each different note, from 1, in their order.

    >>> number_notes(["epochs=10", "", "audit=leak", "epochs=10"])
    {'epochs=10': 1, 'audit=leak': 2}
    """
    different = dict.fromkeys(note for note in notes if note)
    return {note: number for number, note in enumerate(different, 1)}


def raised_number(number: int) -> str:
    """The number of a note, raised.

    >>> raised_number(12)
    '¹²'
    """
    return str(number).translate(_RAISED)


def raise_numbers_in_latex(text: str) -> str:
    r"""Text for LaTeX whose raised numbers fonts without these signs show, too.

    >>> print(raise_numbers_in_latex("¹² epochs=10"))
    \textsuperscript{12} epochs=10
    """
    plain = {raised: digit for digit, raised in zip(_DIGITS, _RAISED_DIGITS)}
    return re.sub(
        f"[{_RAISED_DIGITS}]+",
        lambda found: rf"\textsuperscript{{{''.join(plain[sign] for sign in found[0])}}}",
        text,
    )


_DIGITS = "0123456789"
_RAISED_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISED = str.maketrans(_DIGITS, _RAISED_DIGITS)
