"""The same predictions under other rules: every convention, and every rule of one by itself."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_type_hints

from mebench.errors import MebenchError
from mebench.metrics.catalogue import find
from mebench.metrics.conventions import CONVENTIONS, RULES, Convention, changed, named

Under = Callable[[str, int], dict[str, Any]]
"""The summary under a convention's name with so many draws."""

THRESHOLDS = ("0.3", "0.4", "0.6", "0.7")
_OF_EMOTIONS = (("analysis", "strs"), ("recognition", "uf1"), ("recognition", "uar"))
"""The scores of which it is said what moves them, besides F1 of every kind."""


def of_conventions(under: Under) -> dict[str, Any]:
    """Counts and values under every convention; of one that asks for more than the files hold, the reason."""
    return {name: _tried(under, name) for name in CONVENTIONS}


def of_rules(under: Under, convention: str) -> dict[str, Any]:
    """Counts and values under a convention, and with each other value of each of its rules, by `rule=value`.

    What a convention leaves out on purpose (`sections`, `scores`) is no rule that moves a number.
    """
    rules = _others(named(convention))
    return {convention: _tried(under, convention)} | {
        rule: _tried(under, changed(convention, [rule])) for rule in rules
    }


def strongest(rows: Mapping[str, Any], convention: str) -> list[str]:
    """A sentence for each main score: which rule by itself moves it most, and whether any does.

    >>> rows = {"strict": {"micro": {"f1": 0.5}}, "ends=half_open": {"micro": {"f1": 0.5}}, "reaching=false": {"micro": {"f1": 0.4}}}
    >>> strongest(rows, "strict")
    ['of the rules of strict, reaching=false moves F1 of micro most, from 0.5000 to 0.4000; 1 of 2 move it at all']
    """
    told = []
    of_spotting = [(part, "f1") for part in rows[convention] if part not in {"analysis", "recognition", "reason"}]
    for part, name in (*of_spotting, *_OF_EMOTIONS):
        usual = rows[convention].get(part, {}).get(name)
        if usual is None:
            continue
        found = {
            rule: row.get(part, {}).get(name)
            for rule, row in rows.items()
            if rule != convention and "reason" not in row
        }
        moves = {rule: value for rule, value in found.items() if value is not None and abs(value - usual) > 1e-12}
        score = f"{find(name).label} of {part}"
        if not moves:
            told.append(f"no rule of {convention} by itself moves {score}")
            continue
        rule = max(moves, key=lambda rule: abs(moves[rule] - usual))
        told.append(
            f"of the rules of {convention}, {rule} moves {score} most, from {usual:.4f} to {moves[rule]:.4f}; "
            f"{len(moves)} of {len(found)} move it at all"
        )
    return told


def _others(convention: Convention) -> Iterator[str]:
    """Each other value of each rule, as `rule=value`."""
    hints = get_type_hints(Convention)
    for field in RULES:
        values = get_args(hints[field]) if field not in ("sections", "scores", "class_scores") else ()
        if field == "threshold":
            values = THRESHOLDS
        elif hints[field] is bool:
            values = ("true", "false")
        own = getattr(convention, field)
        yield from (
            f"{field}={value}" for value in values if value != (str(own).lower() if isinstance(own, bool) else own)
        )


def _tried(under: Under, name: str) -> dict[str, Any]:
    try:
        return _plain(under(name, 0)) or {
            "reason": f"it defines {', '.join(named(name).sections)} alone, which is not here"
        }
    except MebenchError as error:
        return {"reason": str(error)}


def _plain(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Counts and values without intervals."""
    found: dict[str, Any] = {}
    for kind, part in summary.get("spotting", {}).items():
        values = {name: score["value"] for name, score in part["scores"].items()}
        found[kind] = {**{count: part[count] for count in ("tp", "fp", "fn")}, **values}
    if analysis := summary.get("analysis"):
        scores = analysis["true_positives"]["scores"]
        found["analysis"] = {
            "strs": analysis["strs"]["value"],
            **{name: score["value"] for name, score in scores.items()},
        }
    if recognition := summary.get("recognition"):
        values = {name: score["value"] for name, score in recognition["scores"].items()}
        found["recognition"] = {"n": recognition["n"], **values}
    return found
