"""`mebench list` and `mebench info`: what there is to run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mebench import console
from mebench.config import more_plugins, registry
from mebench.config.parts import hints_of, keys
from mebench.config.registry import PluginInfo, PluginKind
from mebench.config.values import expected, plain
from mebench.core.options import attributes
from mebench.errors import ConfigError, PluginError, unknown
from mebench.metrics.catalogue import COLUMNS, DIRECTIONS, METRICS, RANGES, Metric

if TYPE_CHECKING:
    from mebench.protocols import Protocol

LISTS = ("methods", "datasets", "protocols", "metrics")


def list_command(what: str | None, plugins: Sequence[str]) -> None:
    """Print one list, or all four; off a terminal each line of all four starts with the list's name."""
    if what is not None and what not in LISTS:
        raise ConfigError(unknown("list", what, LISTS))
    registry.add_paths([*more_plugins(), *plugins])
    for name in LISTS if what is None else (what,):
        headers, rows = _rows(name)
        if what is None and not console.at_terminal():
            rows = [(name, *row) for row in rows]
        console.print_table(headers, rows, title=name)


def info_command(id_: str, plugins: Sequence[str]) -> None:
    """Print card and parameters of what has that name, which a method, a dataset, a protocol and a metric may share."""
    from mebench.protocols import PROTOCOLS

    registry.add_paths([*more_plugins(), *plugins])
    id_ = next((key for key, metric in METRICS.items() if metric.name == id_), id_)
    found = [known[id_] for known in map(registry.plugins, registry.PLUGIN_KINDS) if id_ in known]
    if not found and id_ not in {*PROTOCOLS, *METRICS}:
        every = [name for kind in registry.PLUGIN_KINDS for name in registry.plugins(kind)]
        known = {*every, *PROTOCOLS, *METRICS}
        raise PluginError(unknown("plugin, protocol or metric", id_, known, "See them with: mebench list"))
    if id_ in METRICS:
        _print_metric(id_, METRICS[id_])
    if id_ in PROTOCOLS:
        _print_protocol(PROTOCOLS[id_])
    for info in found:
        _print_card(info)
        if not info.broken:
            _print_parameters(info)


def effective_defaults(info: PluginInfo) -> dict[str, Any]:
    """Each parameter's value where nobody sets it: from `params.py`, `config.yaml` and the plugin's own preset."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(registry.params_class(info)):
        if field.default is not dataclasses.MISSING:
            values[field.name] = plain(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            values[field.name] = plain(field.default_factory())
    preset = info.section("presets").get(info.config.get("preset", "")) or {}
    return values | info.section("params") | preset


def _rows(name: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    if name == "protocols":
        from mebench.protocols import PROTOCOLS

        return ("protocol", "meaning"), [(name, protocol.summary) for name, protocol in PROTOCOLS.items()]
    if name == "metrics":
        return ("metric", "range and meaning"), [(metric.name, metric.describe()) for metric in METRICS.values()]
    kind: PluginKind = "method" if name == "methods" else "dataset"
    return (kind, "tasks", "summary"), [_row(info) for info in registry.plugins(kind).values()]


def _row(info: PluginInfo) -> tuple[str, str, str]:
    summary = f"{info.title}: {info.summary}" if not info.broken else f"broken: {info.broken}"
    return info.id, ", ".join(info.tasks) or "-", summary


def _print_card(info: PluginInfo) -> None:
    card = info.folder / "README.md"
    facts = {"broken": info.broken, "summary": info.summary, "tasks": ", ".join(info.tasks)}
    facts |= {"paper": info.config.get("paper"), "folder": str(info.folder)}
    _print_facts(f"{info.kind} {info.id}: {info.title or '(no title)'}", facts)
    if card.is_file():
        console.print_markdown(card.read_text(encoding="utf-8"))
        print()


def _print_metric(name: str, metric: Metric) -> None:
    number = metric.direction is not None
    tables = ", ".join(section for section in metric.sections if name in COLUMNS[section])
    facts = {
        "range": RANGES[metric.scale] if number else None,
        "unit": metric.unit or ("none" if number else None),
        "direction": DIRECTIONS[metric.direction] if metric.direction else None,
        "scored in": ", ".join(metric.sections) or "no run: a function of mebench.metrics",
        "column of the leaderboards of": tables,
        "meaning": metric.meaning,
        "formula": metric.formula,
        "source": metric.source,
    }
    _print_facts(f"metric {metric.name}: {metric.label}", facts)


def _print_facts(title: str, facts: Mapping[str, str | None]) -> None:
    print("\n".join([title, *(f"{name}: {fact}" for name, fact in facts.items() if fact)]) + "\n")


def _print_protocol(protocol: Protocol) -> None:
    print(protocol.describe() + "\n")
    meanings, hints = attributes(protocol.params), hints_of(protocol.params, f"protocol {protocol.name}")
    rows = [
        (f"protocol.{f.name}", expected(hints[f.name]), _default(f), meanings.get(f.name, ""))
        for f in dataclasses.fields(protocol.params)
    ]
    if rows:
        console.print_table(("parameter", "type", "default", "meaning"), rows, title="parameters")


def _default(field: dataclasses.Field[Any]) -> str:
    return "(needed)" if field.default is dataclasses.MISSING else console.text(plain(field.default))


def _print_parameters(info: PluginInfo) -> None:
    defaults, meanings = effective_defaults(info), attributes(registry.params_class(info))
    rows = [
        (f"{info.kind}.{name}", expected(hint), console.text(defaults.get(name, "(needed)")), meanings.get(name, ""))
        for name, hint in keys(info).items()
    ]
    console.print_table(("parameter", "type", "default", "meaning"), rows, title="parameters")
    for section, title in (("presets", "preset"), ("datasets", "settings for")):
        lines = [(f"{title} {name}", _settings(values or {})) for name, values in info.section(section).items()]
        if lines:
            console.print_table((title, "values"), lines, title=section)


def _settings(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={console.text(plain(value))}" for name, value in values.items()) or "(the defaults)"
