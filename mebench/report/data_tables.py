"""What a dataset holds and what is wrong with this copy, as lines that a person reads."""

from __future__ import annotations

from collections.abc import Mapping

from mebench.console import plural
from mebench.core.types import KINDS, Kind
from mebench.inspection.annotation_checks import TITLES
from mebench.inspection.summary import Summary
from mebench.inspection.verify import Verification

HEADERS = ("what", "which", "number", "more")
Row = tuple[str, str, str, str]


def summary_rows(summary: Summary) -> list[Row]:
    """The lines of a summary: what is counted, which of them, how many, and more about it."""
    rows: list[Row] = [
        ("subjects", "", f"{summary.subjects}", ""),
        ("videos", "", f"{summary.videos}", _unannotated(summary)),
        ("fps", "", ", ".join(f"{rate:g}" for rate in summary.fps) or "unknown", ""),
    ]
    for kind in KINDS:
        rows.append(("expressions", kind, f"{summary.expressions[kind]}", _durations(summary, kind)))
    if summary.without_interval:
        rows.append(("expressions", "no interval", f"{summary.without_interval}", "counted above, never scored"))
    for label, n in summary.emotions.items():
        more = ", ".join(f"{kind} {n[kind]}" for kind in KINDS if n.get(kind))
        rows.append(("emotion", label, f"{sum(n.values())}", more))
    for name, scheme in summary.schemes.items():
        left_out = f"; left out: {_listed(scheme.left_out)}" if scheme.left_out else ""
        rows.append(("scheme", name, f"{sum(scheme.classes.values())}", f"{_listed(scheme.classes)}{left_out}"))
    if summary.unmapped:
        rows.append(("in no scheme", "", f"{sum(summary.unmapped.values())}", _listed(summary.unmapped)))
    units = ", ".join(f"{unit} ({n})" for unit, n in summary.action_units.items())
    rows.append(("action units", "", f"{summary.with_units}", units))
    rows.append(("ground truth", "SHA-256", "", summary.hash))
    return rows


def total_rows(members: Mapping[str, Summary]) -> list[Row]:
    """The sums over the members of a composite."""
    every = list(members.values())
    rows: list[Row] = [
        ("subjects", "", f"{sum(s.subjects for s in every)}", _listed({i: s.subjects for i, s in members.items()})),
        ("videos", "", f"{sum(s.videos for s in every)}", _listed({i: s.videos for i, s in members.items()})),
    ]
    for kind in KINDS:
        numbers = {id_: summary.expressions[kind] for id_, summary in members.items()}
        rows.append(("expressions", kind, f"{sum(numbers.values())}", _listed(numbers)))
    return rows


def finding_lines(seen: Verification) -> dict[str, list[str]]:
    """What was found, one line each, by the title of its check; only titles with findings."""
    lines: dict[str, list[str]] = {}
    for finding in seen.findings:
        lines.setdefault(TITLES[finding.check], []).append(f"{finding.level}: {finding}")
    return lines


def verdict(errors: int, warnings: int, sound: bool) -> str:
    """Sound or not, and why.

    >>> verdict(1, 0, False), verdict(0, 2, True)
    ('problems found: 1 error, no warnings', 'sound: no errors, 2 warnings')
    """
    numbers = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    return f"{'sound' if sound else 'problems found'}: {numbers}"


def looked(deep: bool) -> str:
    """How the frames were looked at."""
    return "decoded" if deep else "checked without decoding them"


def counted(n: int, what: str) -> str:
    """A number and its noun.

    >>> counted(0, "error"), counted(1, "error"), counted(2, "error")
    ('no errors', '1 error', '2 errors')
    """
    return plural(n, what) if n else f"no {what}s"


def _unannotated(summary: Summary) -> str:
    return f"and {summary.without_expressions} without expressions" if summary.without_expressions else ""


def _durations(summary: Summary, kind: Kind) -> str:
    found = summary.durations_ms.get(kind)
    if found is None:
        return ""
    return f"{found.min:.0f} to {found.max:.0f} ms, median {found.median:.0f}, mean {found.mean:.0f}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items())
