"""Writes tables for people, papers, spreadsheets and programs; the page of Markdown is `markdown`. Equal tables give equal bytes."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from mebench.atomic import new_folder
from mebench.format import digits, ends
from mebench.metrics.catalogue import SECTIONS, find
from mebench.results.render.markdown import markdown
from mebench.results.rows import (
    ENDS,
    NOTHING,
    PRINTED,
    RULES,
    SHOWN_VERSIONS,
    Part,
    PublishedLine,
    Rescored,
    Row,
    Table,
    common,
    shown,
    stated,
    words,
)

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "†": r"\textsuperscript{\dag}",
}
COLUMNS = 4
"""Metrics of a table, the first ones: more fit on no page."""


def latex(table: Table) -> str:
    r"""All parts of a table, each as `\begin{table}`; needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

    What has no room on a page, cost, rules, versions and run ids of every row, stands above it as comments.
    """
    lines = ["% Made by mebench leaderboard build. Needs booktabs, and fontenc with T1."]
    for part in table.parts:
        lines += ["", *_part(table, part)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it stands.

    >>> print(escape("a_b & 95 % \\end"))
    a\_b \& 95 \% \textbackslash{}end
    """
    return "".join(_SPECIAL.get(char, char) for char in " ".join(text.split()))


def _part(table: Table, part: Part) -> Iterator[str]:
    metrics = shown(part.metrics, (*part.rows, *part.rescored))[:COLUMNS]
    scheme = f", emotion scheme {escape(table.scheme)}" if table.scheme else ""
    same = common(part.rows)
    rules = ", ".join(f"{name} {escape(same[name])}" for name in RULES if name in same)
    chance = " Rows in italics are the level of chance." if any(not row.measured for row in part.rows) else ""
    yield from (f"% {line}" for number, row in enumerate(part.rows, 1) for line in _origin(number, row))
    yield from dict.fromkeys(f"% {row.method}, scored anew: {row.place}" for row in part.rescored)
    yield from (
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(table.title)}, {escape(part.name)}{scheme}. Scores with 95\,\% intervals over subjects; means "
        rf"over seeds.{f' All: {rules}.' if rules else ''}{chance}}}",
        rf"  \begin{{tabular}}{{ll{'r' * len(metrics)}}}",
        r"    \toprule",
        f"    method & seeds & {' & '.join(escape(find(metric).label) for metric in metrics)} \\\\",
        r"    \midrule",
    )
    for row in part.rows:
        yield f"    {' & '.join([_name(row), str(len(row.seeds)), *(_score(row, metric) for metric in metrics)])} \\\\"
    if part.rescored:
        yield from [r"    \midrule"] if part.rows else []
        yield rf"    \multicolumn{{{len(metrics) + 2}}}{{l}}{{Scored anew from the authors' files, not run here}} \\"
    for one in part.rescored:
        name = escape(", ".join(filter(None, [one.method, one.member, one.reading])))
        yield f"    {' & '.join([name, '', *(_score(one, metric) for metric in metrics)])} \\\\"
    lines = [line for line in part.published if any(metric in line.values for metric in metrics)]
    if lines:
        yield from (
            r"    \midrule",
            rf"    \multicolumn{{{len(metrics) + 2}}}{{l}}{{Published by others, not measured here",
            r"      (\textsuperscript{\dag}: with a caveat)} \\",
        )
    for line in lines:
        name = f"{line.method}, {line.member}" if line.member else line.method
        cells = [f"{escape(name)} \\cite{{{line.source.partition(' ')[0]}}}", ""]
        cells += [_value(line.values, line.caveats, metric) for metric in metrics]
        yield f"    {' & '.join(cells)} \\\\"
    yield from (r"    \bottomrule", r"  \end{tabular}", r"\end{table}")


def _origin(number: int, row: Row) -> Iterator[str]:
    """Where the numbers of a row come from."""
    if not row.measured:
        return
    facts = [f"{words(name)} {stated(row, name)}" for name in (*RULES, *SHOWN_VERSIONS) if stated(row, name)]
    costs = [f"{words(name)} {value:g}" for name, value in row.costs.items()]
    yield from (
        f"{number}. {' '.join(' '.join([row.method, row.member, row.settings]).split())}",
        f"   {', '.join([*facts, *costs])}",
        f"   runs {', '.join(row.runs)}",
    )


def _name(row: Row) -> str:
    name = ", ".join(filter(None, [row.method, row.member, row.settings if row.measured else "", *row.marks]))
    return escape(name) if row.measured else rf"\textit{{{escape(name)}}}"


def _score(row: Row | Rescored, metric: str) -> str:
    score = row.scores.get(metric, NOTHING)
    places = PRINTED if isinstance(row, Rescored) else 3
    return escape(" ".join(filter(None, [digits(score["value"], places), ends(score, places)])))


def _value(values: dict[str, str], caveats: dict[str, tuple[str, ...]], metric: str) -> str:
    return escape(values.get(metric, "–") + ("†" if caveats.get(metric) else ""))


OVERVIEW = "tables.md"

_COSTS = ("fit_seconds", "predict_seconds", "predict_per_minute", "parameters", "peak_memory_mib")
_LAST = ("earlier_features", "other_input", "runs", "source", "caveats", "remark")


def write(
    tables: Sequence[Table], out: Path, heads: Sequence[str] = (), selection: Sequence[Sequence[str]] = ()
) -> Path:
    """Write `tables.md`, with what selection is worth in it, and for each table `<name>.csv`, `.json` and `.tex`; the path of `tables.md`.

    Files that the former `tables.md` names and no table needs any longer are removed; nothing else is touched.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {OVERVIEW: markdown(tables, heads, selection)}
    for table in tables:
        text = json.dumps(table.plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        files |= {f"{table.name}.csv": as_csv(table), f"{table.name}.json": text, f"{table.name}.tex": latex(table)}
    former = _named_files(out / OVERVIEW)
    with new_folder(out) as temporary:
        for name, text in files.items():
            (temporary / name).write_bytes(text.encode())
        for name in files:
            (temporary / name).replace(out / name)
    for name in former - set(files):
        (out / name).unlink(missing_ok=True)
    return out / OVERVIEW


def as_csv(table: Table) -> str:
    """One table with a line for each row of each part, measured scores to six digits, published ones as printed.

    Measured rows come first in each part; `provenance` is `measured`, `chance`, `rescored` (from the authors' public files, `settings`
    saying how) or `published`. The form is RFC 4180's;
    text that a spreadsheet would run as a formula is preceded by an apostrophe.
    """
    found = ((*part.metrics, *chain(*(line.values for line in part.published))) for part in table.parts)
    metrics = [metric for metric in dict.fromkeys(chain(*found)) if metric != "n"]
    columns = [f"{metric}{end}" for metric in metrics for end in ("", *(f"_{end}" for end in ENDS[1:]))]
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    first = ("part", "member", "provenance", "method", "settings", "seeds", "n", "not_distinguishable")
    writer.writerow([*first, *columns, *RULES, *_COSTS, *SHOWN_VERSIONS, *_LAST])
    for part in table.parts:
        measured = (_measured(part, row, metrics) for row in part.rows)
        rescored = (_rescored(part, row, metrics) for row in part.rescored)
        published = (_published(part, line, metrics) for line in part.published)
        writer.writerows(map(_csv_cell, cells) for cells in chain(measured, rescored, published))
    return target.getvalue()


def safe_cell(text: str) -> str:
    r"""Text in a cell that no spreadsheet runs, in one line.

    >>> safe_cell("\t=SUM(A1)"), safe_cell("p=0.6")
    ("'=SUM(A1)", 'p=0.6')
    """
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _measured(part: Part, row: Row, metrics: Sequence[str]) -> list[Any]:
    return [
        *(part.name, row.member, row.provenance, row.method, row.settings),
        *(" ".join(map(str, row.seeds)), row.n, row.group),
        *(row.scores.get(metric, {}).get(end) for metric in metrics for end in ENDS),
        *(getattr(row, name) for name in RULES),
        *(row.costs.get(name) for name in _COSTS),
        *(row.versions.get(name) for name in SHOWN_VERSIONS),
        *(row.earlier, row.other_input, " ".join(row.runs), None, None, row.remark),
    ]


def _rescored(part: Part, row: Rescored, metrics: Sequence[str]) -> list[Any]:
    ends = ("value", "low", "high")  # there is no seed
    return [
        *(part.name, row.member, "rescored", row.method, row.reading, None, row.n, None),
        *(row.scores.get(m, {}).get(end) if end in ends else None for m in metrics for end in ENDS),
        *(row.convention if name == "convention" else None for name in RULES),
        *[None] * len((*_COSTS, *SHOWN_VERSIONS, "earlier", "other_input", "runs")),
        *(f"{row.source} {row.repository} {row.commit}", None, row.note),
    ]


def _published(part: Part, line: PublishedLine, metrics: Sequence[str]) -> list[Any]:
    return [
        *(part.name, line.member, "published", line.method, None, None, line.values.get("n"), None),
        *(line.values.get(metric) if end == "value" else None for metric in metrics for end in ENDS),
        *[None] * len((*RULES, *_COSTS, *SHOWN_VERSIONS, "earlier", "other_input", "runs")),
        *(f"{line.source}, {line.table}", line.caveats_in_words(), line.note),
    ]


def _csv_cell(cell: Any) -> Any:
    if isinstance(cell, float):
        return f"{cell:.6f}".rstrip("0").rstrip(".")
    return safe_cell(cell) if isinstance(cell, str) else cell


def _named_files(overview: Path) -> set[str]:
    """The tables that a former overview links to."""
    if not overview.is_file():
        return set()
    found = re.findall(r"\]\(([\w.+~-]+\.(?:csv|json|tex))\)", overview.read_text(encoding="utf-8"))
    return {name for name in found if name.startswith(tuple(f"{task}-" for task in SECTIONS))}
