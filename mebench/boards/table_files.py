"""Write tables for people, papers, spreadsheets and programs, and all of them on one page of Markdown: first the
scores, then their origin, then published values. Equal tables give equal bytes.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mebench.atomic import new_folder
from mebench.boards import row_facts
from mebench.boards.row_facts import COSTS, RULES, VERSIONS
from mebench.boards.rows import (
    NOTHING,
    PRINTED,
    QUIET,
    Part,
    PublishedLine,
    Rescored,
    Row,
    Table as BoardTable,
    common,
    displayed_metrics,
    distinguishing_settings,
    stated,
)
from mebench.metrics import catalogue, describe_convention
from mebench.number_format import count, digits, seconds, shares_in_words, span, whole
from mebench.records import CAVEATS
from mebench.table import ENDS, Column, Latex, Table, latex_text, template

MEMBER, N = Column("member", optional=True), Column("n", text=count)


def score_columns(metrics: Sequence[str]) -> list[Column]:
    """Columns for some scores."""
    return [
        Column.metric(name, digits=3, of=partial(lambda name, row: row.scores.get(name, NOTHING), name))
        for name in metrics
    ]


def numbered(part: Part, columns: Sequence[Column], keep: Callable[[Row], Any] = bool) -> Table:
    """A table of the selected rows (`keep`) of a part, with their numbers."""
    kept = [(n, row) for n, row in enumerate(part.rows, 1) if keep(row)]
    table = Table.of(columns, [row for _, row in kept])
    return Table(
        [Column("#"), *table.columns],
        [[n, *cells] for (n, _), cells in zip(kept, table.rows)],
        muted={n for n, (_, row) in enumerate(kept) if not row.measured},
    )


def method(part: Part) -> Column:
    """The name of a row, its distinguishing settings, and its marks."""

    def name(row: Row) -> tuple[str, ...]:
        *first, last = filter(None, [row.method, distinguishing_settings(row, part.rows)])
        return (*first, last + "".join(f" ({mark})" for mark in row.marks))

    return Column("method", of=name, main=True)


def scores(part: Part) -> Table:
    """The scores of the measured rows and of the levels of chance."""
    main, *others = score_columns(displayed_metrics(part.metrics, part.rows))
    leading = [MEMBER, Column("group", "not distinguishable", optional=True), replace(main, main=True), *firmness(part)]
    return numbered(part, [method(part), *leading, *others, N])


def firmness(part: Part, row: Callable[[Any], Row] = lambda row: row, **look: Any) -> list[Column]:
    """Stability of the rows over draws of other people, and their main score on the hardest people.

    Args:
        part: of the rows.
        row: gives the row of an element of the table.
        look: of the columns.
    """
    people = max((one.hardest.get("people", 0) for one in part.rows), default=0)
    look = {"right": True, "optional": True, **look}
    return [
        Column(
            "ranks",
            "rank, 95 %",
            of=lambda one: span(row(one).ranks) if row(one).ranks else None,
            meaning="95 % of draws of other people",
            **look,
        ),
        Column(
            "beats_next",
            "P(beats next)",
            of=lambda one: part.beats_next(row(one)),
            digits=2,
            meaning="the share of draws in which it is better than the next row",
            **look,
        ),
        Column(
            "hardest",
            "hardest person" if people == 1 else f"hardest {people} people",
            of=lambda one: row(one).hardest or None,
            digits=3,
            score=True,
            meaning="the same people for all rows",
            **look,
        ),
    ]


def origins(part: Part) -> Table:
    """The origin of the measured rows' scores; `common` has the facts that all rows share."""
    same = common(part.rows)

    def fact(name: str, row: Row) -> Any:
        return row.facts.get(name) or stated(row, name) or None

    def cost(name: str, label: str, text: Callable[[float | None], str]) -> Column:
        return Column(name, label, of=lambda row: row.costs.get(name), text=text)

    return numbered(
        part,
        [
            Column("settings", of=lambda row: row.settings or "defaults"),
            Column("seeds", of=lambda row: ", ".join(map(str, row.seeds))),
            cost("fit_seconds", "fit, s", seconds),
            cost("predict_seconds", "predict, s", seconds),
            cost("parameters", "parameters", whole),
            *(Column(n, of=partial(fact, n)) for n in (*RULES, *VERSIONS) if n not in same),
            *(replace(one, of=partial(fact, one.name), optional=True) for one in row_facts.FACTS),
            Column("runs"),
            *([] if "remark" in same else [Column("remark", optional=True)]),
        ],
        lambda row: row.measured,
    )


def causes(part: Part, name: Column | None = None) -> Table:
    """Causes of a row's false positives: their number, and the F1 gained without them; `name` is the function for rows'
    names.
    """

    def cell(cause: str, row: Row) -> tuple[str, str] | None:
        shares = row.causes.get(cause)
        return (count(shares[0]), f"+{digits(shares[1])}") if shares else None

    return numbered(
        part,
        [name or method(part), *(Column(cause, of=partial(cell, cause)) for cause in part.causes)],
        lambda row: row.causes,
    )


def misses(part: Part, name: Column | None = None) -> Table:
    """The kinds of missed truths, and false positives in videos without truths; `name` is the function for rows' names."""

    def rate(absent: str, row: Row) -> tuple[str, str] | None:
        shares = row.quiet.get(absent)
        return (digits(shares[0]), f"in {shares[1]:.1f} min") if shares else None

    def missed(what: str, row: Row) -> str:
        return shares_in_words(row.missed.get(what, {}))

    return numbered(
        part,
        [
            name or method(part),
            *(
                Column(f"missed, by {what}", of=partial(missed, what))
                for what in dict.fromkeys(chain(*(row.missed for row in part.rows)))
            ),
            *(
                Column(f"{catalogue.find_metric('fp_per_minute').label}, {absent}", of=partial(rate, absent))
                for absent in QUIET
            ),
        ],
        lambda row: row.missed or row.quiet,
    )


def with_printed(name: str, row: Rescored, note: str = "printed {}") -> dict[str, Any]:
    """A score of public prediction files, with the paper's value below."""
    printed = row.printed.get(name)
    return {**row.scores.get(name, NOTHING), "note": note.format(printed) if printed else ""}


def rescored(part: Part) -> Table:
    """Scores of public prediction files, with the paper's value below."""
    columns = (
        Column.metric(name, digits=PRINTED, of=partial(with_printed, name))
        for name in displayed_metrics(part.metrics, part.rescored)
    )
    return Table.of([Column("method"), Column("reading", "rules"), MEMBER, *columns, N], part.rescored)


def published(lines: Sequence[PublishedLine]) -> Table:
    """Published results; a value with a caveat is marked."""

    def value(name: str, line: PublishedLine) -> str | None:
        return line.values[name] + ("†" if line.caveats.get(name) else "") if name in line.values else None

    metrics = dict.fromkeys(metric for line in lines for metric in line.values)
    return Table.of(
        [
            Column("method", of=lambda line: f"{line.method} {line.year}" if line.year else line.method),
            MEMBER,
            Column("classes"),
            *(Column(name, catalogue.find_metric(name).label, of=partial(value, name)) for name in metrics),
            Column("caveats", of=PublishedLine.caveats_in_words),
            Column("note"),
            Column("source", of=lambda line: f"{line.source}, {line.table}"),
        ],
        lines,
    )


def markdown(tables: Sequence[BoardTable], selection: Table | None = None) -> str:
    """All tables on one page, with contents and the gains from selection."""
    parts = [part for table in tables for part in table.parts]
    return template(Path(__file__).with_name("tables.md")).render(
        tables=tables,
        selection=selection if selection and selection.rows else None,
        conventions=sorted({row.convention for part in parts for rows in (part.rows, part.rescored) for row in rows}),
        caveats=CAVEATS,
        anchor=lambda title: re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"),  # as GitHub names its headings
        **{
            made.__name__: made
            for made in (common, scores, origins, causes, misses, rescored, published, describe_convention)
        },
    )


def latex(table: BoardTable) -> str:
    r"""All parts of a table, each as `\begin{table}`; needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

    Content without room on a page (cost, rules, versions and run ids of every row) precedes it as comments.
    """
    lines = ["% Made by mebench leaderboard build. Needs booktabs, and fontenc with T1."]
    for part in table.parts:
        lines.append("")
        for number, row in enumerate(part.rows, 1):
            if row.measured:
                values = {
                    **{name: stated(row, name) for name in (*RULES, *VERSIONS)},
                    **{name: f"{value:g}" for name, value in row.costs.items()},
                    **{fact.head: str(row.facts.get(fact.name) or "") for fact in row_facts.FACTS if not fact.mark},
                }
                facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items() if value)
                head = " ".join(" ".join([row.method, row.member, row.settings]).split())
                lines += [f"% {number}. {head}", f"%    {facts}", f"%    runs {', '.join(row.runs)}"]
        lines += dict.fromkeys(f"% {row.method}, rescored: {row.place}" for row in part.rescored)
        lines.append(_paper(table, part))
    return "\n".join(lines) + "\n"


def _paper(table: BoardTable, part: Part) -> str:
    # Number of a table's metrics; more do not fit on a page.
    metrics = displayed_metrics(part.metrics, (*part.rows, *part.rescored))[:4]
    rows: list[Any] = []
    for row in part.rows:
        words = [row.method, row.member, row.settings if row.measured else "", *row.marks]
        rows.append([", ".join(filter(None, words)), len(row.seeds), *(row.scores[metric] for metric in metrics)])
    rows += ["Answers of the authors' own programs, rescored, not run here"] if part.rescored else []
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
    return Table([Column("method", main=True), Column("seeds"), *score_columns(metrics)], rows, muted=muted).latex(
        caption
    )


OVERVIEW = "tables.md"


def write(tables: Sequence[BoardTable], out: Path, selection: Table | None = None) -> Path:
    """Write `tables.md`, including the gains from selection, and for each table `<name>.csv`, `.json` and `.tex`; the
    path of `tables.md`.

    Files that the former `tables.md` names and no table needs are removed; other files stay.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {OVERVIEW: markdown(tables, selection)}
    files |= {f"{table.name}.{ending}": text for table in tables for ending, text in texts(table, 1).items()}
    overview = (out / OVERVIEW).read_text(encoding="utf-8") if (out / OVERVIEW).is_file() else ""
    former = set(re.findall(rf"\]\(((?:{'|'.join(catalogue.SECTIONS)})-[\w.+~-]+\.(?:csv|json|tex))\)", overview))
    with new_folder(out) as temporary:
        for name, text in files.items():
            (temporary / name).write_bytes(text.encode())
        for name in files:
            (temporary / name).replace(out / name)
    for name in former - set(files):
        (out / name).unlink(missing_ok=True)
    return out / OVERVIEW


def texts(table: BoardTable, indent: int | None = None) -> dict[str, str]:
    """A table as CSV, JSON and LaTeX, by the ending of its file."""
    return {
        "csv": as_csv(table),
        "json": json.dumps(table.plain(), indent=indent, ensure_ascii=False, allow_nan=False) + "\n",
        "tex": latex(table),
    }


def as_csv(table: BoardTable) -> str:
    """One table with a line for each row of each part, measured scores to six digits, published ones as printed.

    Measured rows come first in each part; `provenance` is `measured`, `chance`, `rescored` (from the authors' public files, `settings`
    saying how) or `published`. The form is RFC 4180's;
    text that a spreadsheet would run as a formula is preceded by an apostrophe.
    """
    names = ((*part.metrics, *chain(*(line.values for line in part.published))) for part in table.parts)
    metrics = [metric for metric in dict.fromkeys(chain(*names)) if metric != "n"]
    facts = {fact.name: fact.head.replace(" ", "_") for fact in row_facts.FACTS}
    first = ("part", "member", "provenance", "method", "settings", "seeds", "n", "group", "ranks", "beats_next")
    last = (*RULES, *COSTS, *VERSIONS, *facts, "runs", "source", "caveats", "remark")
    heads = {"group": "not_distinguishable", **facts}
    cells: list[dict[str, Any]] = []
    for part in table.parts:
        for row in part.rows:
            values = {**vars(row), **row.costs, **row.versions, **row.facts, **row.scores, "part": part.name}
            cells.append({**values, "ranks": tuple(row.ranks), "beats_next": part.beats_next(row)})
        cells.extend(
            {
                **vars(one),
                **{name: {end: score[end] for end in ENDS[:3]} for name, score in one.scores.items()},  # no seeds
                "part": part.name,
                "provenance": "rescored",
                "settings": one.reading,
                "remark": one.note,
                "source": f"{one.source} {one.repository} {one.commit}",
            }
            for one in part.rescored
        )
        cells.extend(
            {
                **vars(line),
                **{name: {"value": text} for name, text in line.values.items()},
                "n": line.values.get("n"),
                "part": part.name,
                "provenance": "published",
                "caveats": line.caveats_in_words(),
                "remark": line.note,
                "source": f"{line.source}, {line.table}",
            }
            for line in part.published
        )
    scored = (Column(name, score=True) for name in (*metrics, "hardest"))
    made = Table.of([*map(Column, first), *scored, *map(Column, last)], cells)
    return replace(
        made, columns=[replace(column, name=heads.get(column.name, column.name)) for column in made.columns]
    ).csv()
