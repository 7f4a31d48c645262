"""The report of `mebench data verify` as Markdown, the same on every machine that holds the same copy in the same place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mebench import __version__
from mebench.inspection.verify import Verification
from mebench.report.data_tables import HEADERS, finding_lines, looked, summary_rows, verdict


def verification_markdown(members: Mapping[str, Verification], strict: bool = False) -> str:
    """The whole report: for each member the verdict, findings by check, counts, summary and repairs."""
    parts = [_part(id_, seen, strict) for id_, seen in members.items()]
    return "\n".join(["# Verification of " + " + ".join(members), "", f"mebench {__version__}", "", *parts])


def _part(id_: str, seen: Verification, strict: bool) -> str:
    lines = [
        f"## {id_}",
        "",
        f"- {verdict(seen.errors, seen.warnings, seen.sound(strict))}",
        f"- frames: {seen.frames} {looked(seen.deep)}",
        f"- ground truth: `{seen.summary.hash}` (SHA-256; equal for two laboratories that score the same annotations)",
        "",
    ]
    for title, found in finding_lines(seen).items():
        lines += [f"### {title[0].upper()}{title[1:]} ({len(found)})", "", *(f"- {_plain(line)}" for line in found), ""]
    if seen.counts:
        rows = [(name, f"{n}", f"{said}", "" if n == said else "differs") for name, (n, said) in seen.counts.items()]
        source = f"Published: {_plain(seen.source)}."
        lines += ["### Counts", "", source, "", *_table(("what", "found", "published", ""), rows), ""]
    lines += ["### Summary", "", *_table(HEADERS, summary_rows(seen.summary)), ""]
    if seen.summary.repairs:
        lines += [f"### Repairs and remarks ({len(seen.summary.repairs)})", ""]
        lines += [*(f"- {_plain(str(repair))}" for repair in seen.summary.repairs), ""]
    return "\n".join(lines)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [headers, ["---"] * len(headers), *rows]
    return [f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines]


def _plain(text: str) -> str:
    """Text without the signs that Markdown would take for its own."""
    for sign in "\\`*_|<":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
