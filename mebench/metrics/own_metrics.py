"""Metrics of one's own: folders with `metric.py` and a card, which join the catalogue and its tables, marked as somebody's own."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mebench.errors import PluginError, find_plugin_line
from mebench.metrics.catalogue import COLUMNS, METRICS, REMEMBERED
from mebench.metrics.metric import Metric

FILE = "metric.py"
"""The file of a metric's object, `METRIC`, in its folder."""
WORDS = ("label", "meaning", "direction", "scale", "unit", "kind")
"""Words that a summary keeps of a metric of one's own, so that its scores can be read without the plugin."""
MARK = "own"
"""The word behind the label of such a metric."""
ADDED: dict[str, Path] = {}
"""The folders of the metrics that were added, by name."""
BROKEN: dict[str, str] = {}
"""Why some of them cannot be used, by name."""
_CODE: dict[str, str] = {}
"""The hash of their code when it was read, by name."""


def add_metrics(folder: Path) -> bool:
    """Add the metrics of a folder: each `<id>/metric.py` in it.

    Returns:
        whether the folder holds any.
    """
    found = [file.parent for file in sorted(folder.glob(f"*/{FILE}")) if file.parent.name[0] not in "._"]
    for plugin in found:
        add_metric(plugin.name, plugin)
    return bool(found)


def add_metric(name: str, folder: Path) -> None:
    """Add the metric of a folder under its name. Where it cannot be used, note why in `BROKEN`.

    Adding an unchanged folder again changes nothing; an edited one is read again.
    """
    is_taken = name in METRICS and ADDED.get(name) != folder
    if is_taken:
        taken_by = ADDED.get(name, "mebench itself")
        BROKEN[name] = f"{taken_by} and {folder} have one of this name; rename or remove one"
        return
    try:
        code = hash_of_code(folder)
        if _CODE.get(name) == code:
            return
        remove_metric(name)
        metric = read_metric(name, folder)
    except (Exception, SystemExit) as error:  # whatever the code of others raises
        line = find_plugin_line(error, lambda file: file.is_relative_to(folder))
        place = folder / FILE if line is None else f"{line.file}, line {line.line}"
        BROKEN[name] = f"{place}: {type(error).__name__}: {' '.join(str(error).split())}"
        return
    _CODE[name] = code
    ADDED[name] = folder
    METRICS[name] = replace(metric, label=f"{metric.label} ({MARK})", own=str(folder))
    for section in metric.sections:
        COLUMNS[section] = (*COLUMNS[section], name)


def remove_metric(name: str) -> None:
    """Forget a metric that was added."""
    BROKEN.pop(name, None)
    if name in ADDED:
        for section in METRICS.pop(name).sections:
            COLUMNS[section] = tuple(other for other in COLUMNS[section] if other != name)
        del ADDED[name], _CODE[name]


def read_metric(name: str, folder: Path) -> Metric:
    """Run `metric.py`, and return its `METRIC`.

    Raises:
        PluginError: it holds no metric, or one that cannot join the catalogue.
    """
    file = folder / FILE
    # A package of its own, so that the file may import others of its folder: `from .errors import onset_error`.
    qualified = f"mebench_own_metrics.{name}"
    spec = importlib.util.spec_from_file_location(qualified, file, submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None  # it has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    spec.loader.exec_module(module)
    metric = getattr(module, "METRIC", None)
    if not isinstance(metric, Metric):
        raise PluginError(f"METRIC must be a mebench.metrics.metric.Metric called {name!r}, not {metric!r:.80}")
    if fault := _first_fault(metric, name):
        raise PluginError(fault)
    return metric


def _first_fault(metric: Metric, name: str) -> str:
    """Why a metric cannot join the catalogue; empty if it can."""
    if metric.name != name:
        return f"METRIC must be called {name!r} like its folder, not {metric.name!r}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return f"its name {name!r} is not snake_case: rename {name}"
    if metric.direction is None:
        return "a metric of one's own has one number: give a direction, higher, lower or zero"
    if not metric.label or not metric.meaning:
        return "label and meaning are what tables and mebench info show: give both"
    of_intervals = [code for code in (metric.of_pairs, metric.of_spotted) if code]
    if len(of_intervals) + (metric.of_classes is not None) != 1:
        return "give its code once: of_pairs, of_spotted (sections=('spotting',)) or of_classes (analysis, recognition)"
    fitting = {"spotting"} if of_intervals else {"analysis", "recognition"}
    if not metric.sections or not set(metric.sections) <= fitting:
        return f"sections must be some of {', '.join(sorted(fitting))}, which its code serves, not {metric.sections!r}"
    return ""


def hash_of_code(folder: Path) -> str:
    """A hash of the code of a metric, all `*.py` of its folder but tests."""
    files = [file for file in sorted(folder.rglob("*.py")) if not file.name.startswith("test_")]
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def own_words() -> dict[str, dict[str, str | None]]:
    """The words of the metrics of one's own, and the hash of their code. They stand by name; empty without any."""
    words = {}
    for name in sorted(ADDED):
        of_metric: dict[str, str | None] = {word: getattr(METRICS[name], word) for word in WORDS}
        words[name] = {**of_metric, "code": _CODE[name]}
    return words


def own_codes() -> list[str]:
    """The hashes of the code of all metrics of one's own: part of the key of stored scores. Empty without any."""
    return [f"{name} {_CODE[name]}" for name in sorted(ADDED)]


def remember_words(summary: Mapping[str, Any]) -> None:
    """Keep the words of a summary's metrics of one's own. They are for those whose plugin is not here."""
    for name, words in summary.get("own_metrics", {}).items():
        if name not in METRICS:
            REMEMBERED[name] = Metric(name, **{word: words[word] for word in WORDS}, own="a run")


def without_own(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without the scores of one's own metrics, as records keep it: others cannot compute them again."""
    own = {*summary.get("own_metrics", {}), *ADDED}
    return _without_names(summary, own) if own else dict(summary)


def outdated(summary: Mapping[str, Any]) -> set[str]:
    """The metrics of one's own that other code than here computed for a summary."""
    stored = summary.get("own_metrics", {})
    return {name for name in ADDED if name in stored and stored[name].get("code") != _CODE[name]}


def without_outdated(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without the scores that other code than here computed."""
    names = outdated(summary)
    return _without_names(summary, names) if names else dict(summary)


def _without_names(summary: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A summary without some scores, and without what it says of them."""
    kept: dict[str, Any] = {}
    for key, value in summary.items():
        if key == "own_metrics":
            rest = {name: words for name, words in value.items() if name not in names}
            kept |= {key: rest} if rest else {}
        elif key == "scores":
            kept[key] = {name: score for name, score in value.items() if name not in names}
        elif isinstance(value, Mapping):
            kept[key] = _without_names(value, names)
        else:
            kept[key] = value
    return kept
