"""Writes tables for people, papers, spreadsheets and programs; the page of Markdown is `markdown`. Equal tables give equal bytes."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from mebench.atomic import new_folder
from mebench.boards.markdown import markdown, score_columns
from mebench.metrics.catalogue import SECTIONS
from mebench.records import row_facts
from mebench.records.row_facts import COSTS, RULES, VERSIONS
from mebench.records.rows import NOTHING, PRINTED, Part, Table, common, displayed_metrics, stated
from mebench.table import ENDS, Column, Latex, latex_text
from mebench.table import Table as Shown

COLUMNS = 4
"""Metrics of a table, the first ones: more fit on no page."""


def latex(table: Table) -> str:
    r"""All parts of a table, each as `\begin{table}`; needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

    What has no room on a page, cost, rules, versions and run ids of every row, stands above it as comments.
    """
    lines = ["% Made by mebench leaderboard build. Needs booktabs, and fontenc with T1."]
    for part in table.parts:
        lines.append("")
        for number, row in enumerate(part.rows, 1):
            if row.measured:
                said = {name: stated(row, name) for name in (*RULES, *VERSIONS)}
                said |= {name: f"{value:g}" for name, value in row.costs.items()}
                said |= {fact.head: str(row.facts.get(fact.name) or "") for fact in row_facts.FACTS if not fact.mark}
                facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in said.items() if value)
                head = " ".join(" ".join([row.method, row.member, row.settings]).split())
                lines += [f"% {number}. {head}", f"%    {facts}", f"%    runs {', '.join(row.runs)}"]
        lines += dict.fromkeys(f"% {row.method}, scored anew: {row.place}" for row in part.rescored)
        lines.append(_paper(table, part))
    return "\n".join(lines) + "\n"


def _paper(table: Table, part: Part) -> str:
    metrics = displayed_metrics(part.metrics, (*part.rows, *part.rescored))[:COLUMNS]
    rows: list[Any] = []
    for row in part.rows:
        words = [row.method, row.member, row.settings if row.measured else "", *row.marks]
        rows.append([", ".join(filter(None, words)), len(row.seeds), *(row.scores[metric] for metric in metrics)])
    rows += ["Scored anew from the authors' files, not run here"] if part.rescored else []
    for one in part.rescored:
        exact = ({**one.scores.get(metric, NOTHING), "digits": PRINTED} for metric in metrics)
        rows.append([", ".join(filter(None, [one.method, one.member, one.reading])), "", *exact])
    lines = [line for line in part.published if any(metric in line.values for metric in metrics)]
    rows += ["Published by others, not measured here\n(†: with a caveat)"] if lines else []
    for line in lines:
        name = latex_text(f"{line.method}, {line.member}" if line.member else line.method)
        values = (line.values.get(m, "–") + ("†" if line.caveats.get(m) else "") for m in metrics)
        rows.append([Latex(f"{name} \\cite{{{line.source.partition(' ')[0]}}}"), "", *values])
    muted = {n for n, row in enumerate(part.rows) if not row.measured}
    same = common(part.rows)
    rules = ", ".join(f"{name} {latex_text(same[name])}" for name in RULES if name in same)
    caption = (
        f"{latex_text(table.title)}, {latex_text(part.name)}{f', emotion scheme {latex_text(table.scheme)}' if table.scheme else ''}. "
        rf"Scores with 95\,\% intervals over subjects; means over seeds.{f' All: {rules}.' if rules else ''}"
        f"{' Rows in italics are the level of chance.' if muted else ''}"
    )
    return Shown([Column("method", main=True), Column("seeds"), *score_columns(metrics)], rows, muted=muted).latex(
        caption
    )


OVERVIEW = "tables.md"


def write(tables: Sequence[Table], out: Path, selection: Shown | None = None) -> Path:
    """Write `tables.md`, with what selection is worth in it, and for each table `<name>.csv`, `.json` and `.tex`; the path of `tables.md`.

    Files that the former `tables.md` names and no table needs any longer are removed; nothing else is touched.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {OVERVIEW: markdown(tables, selection)}
    for table in tables:
        text = json.dumps(table.plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        files |= {f"{table.name}.csv": as_csv(table), f"{table.name}.json": text, f"{table.name}.tex": latex(table)}
    overview = (out / OVERVIEW).read_text(encoding="utf-8") if (out / OVERVIEW).is_file() else ""
    linked = set(re.findall(r"\]\(([\w.+~-]+\.(?:csv|json|tex))\)", overview))
    former = {name for name in linked if name.startswith(tuple(f"{task}-" for task in SECTIONS))}
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
    facts = {fact.name: fact.head.replace(" ", "_") for fact in row_facts.FACTS}
    first = ("part", "member", "provenance", "method", "settings", "seeds", "n", "group")
    last = (*RULES, *COSTS, *VERSIONS, *facts, "runs", "source", "caveats", "remark")
    heads = {"group": "not_distinguishable", **facts}
    cells: list[dict[str, Any]] = []
    for part in table.parts:
        for row in part.rows:
            cells.append({**vars(row), **row.costs, **row.versions, **row.facts, **row.scores, "part": part.name})
        for one in part.rescored:
            said = {"provenance": "rescored", "settings": one.reading, "remark": one.note, "part": part.name}
            scores = {
                name: {end: score[end] for end in ENDS[:3]} for name, score in one.scores.items()
            }  # there is no seed
            cells.append({**vars(one), **scores, **said, "source": f"{one.source} {one.repository} {one.commit}"})
        for line in part.published:
            said = {
                "provenance": "published",
                "caveats": line.caveats_in_words(),
                "remark": line.note,
                "part": part.name,
            }
            values: dict[str, Any] = {name: {"value": text} for name, text in line.values.items()}
            values["n"] = line.values.get("n")
            cells.append({**vars(line), **values, **said, "source": f"{line.source}, {line.table}"})
    names = (
        [Column(name) for name in first],
        [Column(name, score=True) for name in metrics],
        [Column(name) for name in last],
    )
    made = Shown.of(list(chain(*names)), cells)
    return replace(
        made, columns=[replace(column, name=heads.get(column.name, column.name)) for column in made.columns]
    ).csv()
