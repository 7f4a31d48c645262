"""Writes tables as Markdown for people, CSV for spreadsheets and JSON for programs. Equal tables give equal bytes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mebench.leaderboard.tables import TASKS, Part, Row, Score, Table
from mebench.metrics.conventions import CONVENTIONS
from mebench.report.score_rows import NAMES

OVERVIEW = "tables.md"

_HEAD = """# Leaderboards

Made by `mebench leaderboard build`; do not edit. Methods are compared within a table only: other data, protocols or
emotion schemes make other tables.

- A score is followed by its 95 % interval: a percentile bootstrap over subjects, or for a method that predicts by
  chance the band in which 95 % of its draws lie.
- With several seeds a score is the mean over them, followed by the lowest and the highest seed in round brackets; the
  interval then reaches from the lowest to the highest end of the seeds' own intervals.
- *n* is what is scored: annotated expressions (spotting), spotted ones that are right (analysis, true positives),
  videos (analysis, all intervals), annotated clips (recognition).
- *settings* are those that are not the method's defaults. *selection*: `inner` methods choose something on inner
  validation subjects. *transductive*: `video` if a test video's own unlabelled statistics enter its predictions.
- *fit* and *predict* are seconds on whatever machine it was, summed over folds; *parameters* are of the largest model.
- Rows in italics are the level of chance, not methods.
"""


def write(tables: Sequence[Table], out: Path) -> Path:
    """Write `tables.md` and for each table `<name>.csv` and `<name>.json`; the path of `tables.md`.

    Files that the former `tables.md` names and no table needs any longer are removed; nothing else is touched.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {OVERVIEW: markdown(tables)}
    for table in tables:
        files[f"{table.name}.csv"] = as_csv(table)
        files[f"{table.name}.json"] = json.dumps(table.plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    former = _named_files(out / OVERVIEW)
    for name, text in files.items():
        temporary = out / f".writing-{name}"
        temporary.write_bytes(text.encode())
        temporary.replace(out / name)
    for name in former - set(files):
        (out / name).unlink(missing_ok=True)
    return out / OVERVIEW


def markdown(tables: Sequence[Table]) -> str:
    """All tables on one page, with contents."""
    lines = [_HEAD]
    lines += [f"- [{title}](#{_anchor(title)})" for title in map(_title, tables)]
    for table in tables:
        title = _title(table)
        lines += [f"\n## {title}\n", f"As [CSV]({table.name}.csv) and [JSON]({table.name}.json)."]
        for part in table.parts:
            lines += [f"\n### {part.name}\n", *_markdown_rows(part)]
    conventions = sorted({row.convention for table in tables for part in table.parts for row in part.rows})
    lines += ["\n## Conventions\n"]
    lines += [f"- {CONVENTIONS[c].describe() if c in CONVENTIONS else escape(c)}" for c in conventions]
    return "\n".join(lines) + "\n"


def as_csv(table: Table) -> str:
    """One table with a line for each row of each part, its scores unrounded to six digits, in RFC 4180's form.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe.
    """
    metrics = list(dict.fromkeys(metric for part in table.parts for metric in part.metrics))
    columns = [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high", "_min", "_max")]
    costs = ("fit_seconds", "predict_seconds", "parameters")
    words = ("convention", "selection", "transductive")
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    first = ("part", "member", "provenance", "method", "settings", "seeds", "n")
    writer.writerow([*first, *columns, *words, *costs, "version", "runs", "remark"])
    for part in table.parts:
        for row in part.rows:
            head = [
                part.name,
                row.member,
                row.provenance,
                row.method,
                row.settings,
                " ".join(map(str, row.seeds)),
                row.n,
            ]
            scores = [
                row.scores.get(metric, {}).get(end)
                for metric in metrics
                for end in ("value", "low", "high", "min", "max")
            ]
            tail = [getattr(row, name) for name in words] + [row.costs.get(name) for name in costs]
            cells = [*head, *scores, *tail, row.version, " ".join(row.runs), row.remark]
            writer.writerow([_csv_cell(cell) for cell in cells])
    return target.getvalue()


def escape(text: str) -> str:
    r"""Text in a cell of a Markdown table: nothing in it is markup or ends the cell.

    >>> print(escape("a|b *c* <d>"))
    a\|b \*c\* &lt;d&gt;
    """
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "&#92;")):
        text = text.replace(char, entity)
    return re.sub(r"([`*|\[\]])", r"\\\1", " ".join(text.split()))


def safe_cell(text: str) -> str:
    r"""Text in a cell that no spreadsheet runs, in one line.

    >>> safe_cell("\t=SUM(A1)"), safe_cell("p=0.6")
    ("'=SUM(A1)", 'p=0.6')
    """
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _markdown_rows(part: Part) -> Iterable[str]:
    members = any(row.member for row in part.rows)
    head = [*(["member"] if members else []), "method", "settings", "seeds", "n", *(NAMES[m] for m in part.metrics)]
    head += [
        "convention",
        "selection",
        "transductive",
        "fit, s",
        "predict, s",
        "parameters",
        "mebench",
        "runs",
        "remark",
    ]
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in part.rows:
        method = escape(row.method) if row.provenance == "measured" else f"*{escape(row.method)}*"
        cells = [
            *([escape(row.member)] if members else []),
            method,
            escape(row.settings),
            ", ".join(map(str, row.seeds)),
        ]
        cells += [_number(row.n), *(_score(row.scores[metric], row) for metric in part.metrics)]
        cells += [escape(row.convention), row.selection, escape(row.transductive), *_costs(row)]
        cells += [escape(row.version), escape(", ".join(row.runs)), escape(row.remark)]
        yield f"| {' | '.join(cells)} |"


def _score(score: Score, row: Row) -> str:
    if score["value"] is None:
        return "–"
    spread = f" ({_digits(score['min'])}–{_digits(score['max'])})" if len(row.seeds) > 1 else ""
    band = "" if score["low"] is None else f" [{_digits(score['low'])}, {_digits(score['high'])}]"
    return f"{_digits(score['value'])}{spread}{band}"


def _digits(value: float | None) -> str:
    """Three digits after the point, one from 10 on."""
    assert value is not None
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def _costs(row: Row) -> list[str]:
    if not row.costs:
        return ["–"] * 3
    return [f"{row.costs['fit_seconds']:.1f}", f"{row.costs['predict_seconds']:.1f}", f"{row.costs['parameters']:.0f}"]


def _csv_cell(cell: Any) -> Any:
    if isinstance(cell, float):
        return f"{cell:.6f}".rstrip("0").rstrip(".")
    return safe_cell(cell) if isinstance(cell, str) else cell


def _title(table: Table) -> str:
    variant = f" ({escape(table.variant)})" if table.variant else ""
    return f"{table.task}: {escape(table.dataset)}, {escape(table.protocol)}{variant}"


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _named_files(overview: Path) -> set[str]:
    """The tables that a former overview links to."""
    if not overview.is_file():
        return set()
    found = re.findall(r"\]\(([\w.-]+\.(?:csv|json))\)", overview.read_text(encoding="utf-8"))
    return {name for name in found if name.startswith(tuple(f"{task}-" for task in TASKS))}
