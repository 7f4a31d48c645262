"""Write a leaderboard: its index, a page for each named board, and each table for people, papers, spreadsheets and programs.
Equal tables give equal bytes.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mebench.atomic import new_folder
from mebench.boards import row_facts
from mebench.boards.board_pages import (
    EXPERIMENTS,
    INDEX,
    MADE,
    PAGES,
    TABLES,
    BoardPage,
    board_page,
    experiments_page,
    index_page,
    level_name,
)
from mebench.boards.file_links import TABLE_FORMATS
from mebench.boards.guest_tables import GuestTable
from mebench.boards.named_boards import SELECTION
from mebench.boards.row_columns import cost_columns, fact_columns, firmness_columns, rule_columns, version_columns
from mebench.boards.row_facts import RULES, VERSIONS
from mebench.boards.rows import (
    PRINTED,
    QUIET,
    BoardRow,
    BoardTable,
    Part,
    PublishedLine,
    Rescored,
    displayed_metrics,
    rule_or_version,
    settings_of_row,
    shared_facts,
)
from mebench.boards.selection_gains import Gain, table_of_gains
from mebench.files import holds_content
from mebench.metrics import catalogue
from mebench.metrics.conventions import describe_convention
from mebench.metrics.score_column import score_column
from mebench.output.number_format import format_mean_count, format_table_number, shares_in_words
from mebench.output.table import Column, Latex, LatexStyle, ShownScore, Table, latex_text, load_template
from mebench.records.costs import COSTS
from mebench.records.published import CAVEATS
from mebench.result_cache import cached_result
from mebench.score_type import UNDEFINED, Score

MEMBER = Column("member", optional=True)
N = Column("n", text=format_mean_count)


def score_columns(metrics: Sequence[str]) -> list[Column]:
    """Columns for some scores."""
    return [score_column(name, digits=3, of=partial(_score_of, name)) for name in metrics]


def _score_of(metric: str, row: BoardRow) -> Score:
    """A score of a row; without a value if it has none."""
    return row.scores.get(metric, UNDEFINED)


def numbered_table(part: Part, columns: Sequence[Column], keep: Callable[[BoardRow], object] | None = None) -> Table:
    """The kept rows of a part, all by default, with their numbers in the part."""
    numbered = [(number, row) for number, row in enumerate(part.rows, 1) if keep is None or keep(row)]
    table = Table.from_items(columns, [row for _, row in numbered])
    return Table(
        [Column("#"), *table.columns],
        [[number, *cells] for (number, _), cells in zip(numbered, table.rows)],
        muted={index for index, (_, row) in enumerate(numbered) if not row.measured},
    )


def method_column(part: Part) -> Column:
    """The name of a row, its distinguishing settings, and its marks."""

    def name(row: BoardRow) -> tuple[str, ...]:
        name = row.method if row.measured else level_name(row.method)
        *first, last = filter(None, [name, settings_of_row(row, part.rows)])
        return (*first, last + "".join(f" ({mark})" for mark in row.marks))

    return Column("method", of=name, main=True)


def scores_table(part: Part) -> Table:
    """The scores of the measured rows and of the levels of chance."""
    main, *others = score_columns(displayed_metrics(part.metrics, part.rows))
    leading = [
        MEMBER,
        Column("group", "not distinguishable", optional=True),
        replace(main, main=True),
        *firmness_columns(part),
    ]
    return numbered_table(part, [method_column(part), *leading, *others, N])


def origins_table(part: Part) -> Table:
    """The origin of the measured rows' scores; `common` has the facts that all rows share."""
    same = shared_facts(part.rows)
    return numbered_table(
        part,
        [
            Column("settings", of=lambda row: row.settings or "defaults"),
            Column("seeds", of=lambda row: ", ".join(map(str, row.seeds))),
            *cost_columns(),
            *(column for column in (*rule_columns(), *version_columns()) if column.name not in same),
            *fact_columns(),
            Column("runs"),
            *([] if "remark" in same else [Column("remark", optional=True)]),
        ],
        lambda row: row.measured,
    )


def causes_table(part: Part, name: Column | None = None) -> Table:
    """Causes of a row's false positives: their number, and the F1 gained without them; `name` is the column of names."""

    def cell(cause: str, row: BoardRow) -> tuple[str, str] | None:
        """The mean number of a cause, and the gain without it; None where a row has no such cause."""
        if cause not in row.causes:
            return None
        n, gain = row.causes[cause]
        return format_mean_count(n), f"+{format_table_number(gain)}"

    return numbered_table(
        part,
        [name or method_column(part), *(Column(cause, of=partial(cell, cause)) for cause in part.causes)],
        lambda row: row.causes,
    )


def misses_table(part: Part, name: Column | None = None) -> Table:
    """The kinds of missed truths, and false positives in videos without truths; `name` is the column of names."""

    def rate(absent: str, row: BoardRow) -> tuple[str, str] | None:
        if absent not in row.quiet:
            return None
        per_minute, minutes = row.quiet[absent]
        return format_table_number(per_minute), f"in {minutes:.1f} min"

    def missed(what: str, row: BoardRow) -> str:
        return shares_in_words(row.missed.get(what, {}))

    properties = dict.fromkeys(chain(*(row.missed for row in part.rows)))
    rate_label = catalogue.find_metric("fp_per_minute").label
    columns = [
        name or method_column(part),
        *(Column(f"missed, by {what}", of=partial(missed, what)) for what in properties),
        *(Column(f"{rate_label}, {absent}", of=partial(rate, absent)) for absent in QUIET),
    ]
    return numbered_table(part, columns, lambda row: row.missed or row.quiet)


def score_with_printed(name: str, row: Rescored, note: str = "printed {}") -> ShownScore:
    """A score of public prediction files, and a note with the paper's value."""
    printed = row.printed.get(name)
    return ShownScore(row.scores.get(name, UNDEFINED), note=note.format(printed) if printed else "")


def rescored_table(part: Part) -> Table:
    """Scores of public prediction files, with the paper's value below."""
    columns = (
        score_column(name, digits=PRINTED, of=partial(score_with_printed, name))
        for name in displayed_metrics(part.metrics, part.rescored)
    )
    return Table.from_items([Column("method"), Column("reading", "rules"), MEMBER, *columns, N], part.rescored)


def published_table(lines: Sequence[PublishedLine]) -> Table:
    """Published results; a value with a caveat is marked."""

    def value(name: str, line: PublishedLine) -> str | None:
        return line.values[name] + _caveat_mark(line, name) if name in line.values else None

    metrics = dict.fromkeys(metric for line in lines for metric in line.values)
    return Table.from_items(
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


def markdown_page(table: BoardTable) -> str:
    """The page of a table."""
    return _page(
        "table_page.md",
        table=table,
        shared_facts=shared_facts,
        scores_table=scores_table,
        origins_table=origins_table,
        causes_table=causes_table,
        misses_table=misses_table,
        rescored_table=rescored_table,
        published_table=published_table,
    )


def _stored_page(table: BoardTable) -> str:
    """The page of a table, made anew if the table has changed."""
    return cached_result(partial(markdown_page, table), OF_TEXTS, "page", table.content)


def table_guide(tables: Sequence[BoardTable]) -> str:
    """The page that explains columns, conventions and caveats of all tables."""
    parts = [part for table in tables for part in table.parts]
    rows = [row for part in parts for row in (*part.rows, *part.rescored)]
    conventions = sorted({row.convention for row in rows})
    return _page("table_guide.md", conventions=conventions, caveats=CAVEATS, describe_convention=describe_convention)


def _page(template: str, **values: Any) -> str:
    """A page of Markdown from a template."""
    return load_template(Path(__file__).with_name(template)).render(made=MADE, **values)


def latex_tables(table: BoardTable) -> str:
    r"""All parts of a table, each as `\begin{table}`; needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

    Content without room on a page (cost, rules, versions and run ids of every row) precedes it as comments.
    """
    lines = ["% Made by mebench leaderboard build. Needs booktabs, and fontenc with T1."]
    for part in table.parts:
        lines.append("")
        for number, row in enumerate(part.rows, 1):
            if row.measured:
                lines += _latex_comments(number, row)
        lines += dict.fromkeys(f"% {row.method}, rescored: {row.address}" for row in part.rescored)
        lines.append(_latex_table(table, part))
    return "\n".join(lines) + "\n"


def _latex_comments(number: int, row: BoardRow) -> list[str]:
    """The name of a measured row, its facts and its runs, as comments."""
    values = {
        **{name: rule_or_version(row, name) for name in (*RULES, *VERSIONS)},
        **{name: f"{value:g}" for name, value in row.costs.items()},
        **{fact.head: str(row.facts.get(fact.name) or "") for fact in row_facts.FACTS if not fact.mark},
    }
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items() if value)
    head = " ".join(f"{row.method} {row.member} {row.settings}".split())
    return [f"% {number}. {head}", f"%    {facts}", f"%    runs {', '.join(row.runs)}"]


MOST_LATEX_METRICS = 4
"""Number of metrics of a LaTeX table; more do not fit on a page."""


def _latex_table(table: BoardTable, part: Part) -> str:
    """A part as a LaTeX table: measured rows, rescored answers, published values."""
    metrics = displayed_metrics(part.metrics, (*part.rows, *part.rescored))[:MOST_LATEX_METRICS]
    muted = {n for n, row in enumerate(part.rows) if not row.measured}
    rows: list[Any] = [_latex_row(row, metrics) for row in part.rows]
    if part.rescored:
        rows.append("Answers of the authors' own programs, rescored, not run here")
        rows += [_latex_rescored_row(row, metrics) for row in part.rescored]
    lines = [line for line in part.published if not line.values.keys().isdisjoint(metrics)]
    if lines:
        rows.append("Published by others, not measured here\n(†: with a caveat)")
        rows += [_latex_published_row(line, metrics) for line in lines]
    columns = [Column("method", main=True), Column("seeds"), *score_columns(metrics)]
    return Table(columns, rows, muted=muted).to_latex(LatexStyle(_latex_caption(table, part, has_levels=bool(muted))))


def _latex_row(row: BoardRow, metrics: Sequence[str]) -> list[Any]:
    """Name, number of seeds and scores of a row."""
    words = [row.method, row.member, row.settings if row.measured else "", row.sent_by, *row.marks]
    return [", ".join(filter(None, words)), len(row.seeds), *(row.scores[metric] for metric in metrics)]


def _latex_rescored_row(row: Rescored, metrics: Sequence[str]) -> list[Any]:
    """Name and scores of rescored answers, with the digits that papers print."""
    scores = [ShownScore(row.scores.get(metric, UNDEFINED), digits=PRINTED) for metric in metrics]
    return [", ".join(filter(None, [row.method, row.member, row.reading])), "", *scores]


def _latex_published_row(line: PublishedLine, metrics: Sequence[str]) -> list[Any]:
    """Name, citation and printed values of a published line."""
    name = latex_text(f"{line.method}, {line.member}" if line.member else line.method)
    key, _, _ = line.source.partition(" ")
    values = [line.values.get(metric, "–") + _caveat_mark(line, metric) for metric in metrics]
    return [Latex(f"{name} \\cite{{{key}}}"), "", *values]


def _caveat_mark(line: PublishedLine, metric: str) -> str:
    """The mark behind a published value with a caveat."""
    return "†" if line.caveats.get(metric) else ""


def _latex_caption(table: BoardTable, part: Part, has_levels: bool) -> str:
    """The caption of a part: its title, and what all rows share."""
    title = f"{latex_text(table.title)}, {latex_text(part.name)}"
    if table.scheme:
        title += f", emotion scheme {latex_text(table.scheme)}"
    sentences = [f"{title}.", r"Scores with 95\,\% intervals over subjects; means over seeds."]
    same = shared_facts(part.rows)
    rules = ", ".join(f"{name} {latex_text(same[name])}" for name in RULES if name in same)
    if rules:
        sentences.append(f"All: {rules}.")
    if has_levels:
        sentences.append("Rows in italics are the level of chance.")
    return " ".join(sentences)


OTHER_INDEX = "boards.md"
"""The name of the index where `README.md` is a page of somebody else."""
FORMER_OVERVIEW = "tables.md"
"""The page of all tables up to version 0.2, which lay with them in the folder of the leaderboard."""


def write_leaderboard(
    tables: Sequence[BoardTable],
    out: Path,
    gains: Sequence[Gain] = (),
    pages: Sequence[BoardPage] = (),
    notify: Callable[[str], object] = print,
    guests: Sequence[GuestTable] = (),
) -> Path:
    """Write all files of a leaderboard; the path of its index. They are the index, a page for each named board, the
    list of other tables, and each table in `tables`.

    In `tables` each table has `<name>.md`, `.csv`, `.json` and `.tex`, and the gains from selection too. What an earlier build made and no
    table needs is removed; other files stay.

    Args:
        tables: the tables.
        out: folder of the leaderboard.
        gains: gains from selection on tested people.
        pages: the named boards.
        notify: gets a sentence if the index has to stand elsewhere, because a page of somebody else has its name.
        guests: tables with columns of their own.
    """
    out.mkdir(parents=True, exist_ok=True)
    index = _name_of_index(out, notify)
    files = {index: index_page(pages, tables, out), EXPERIMENTS: experiments_page(pages, tables)}
    files |= {f"{PAGES}/{page.board.id}.md": board_page(page, out) for page in pages}
    files[f"{TABLES}/README.md"] = table_guide(tables)
    if gains:
        files |= {f"{TABLES}/{SELECTION}.{ending}": text for ending, text in selection_texts(gains).items()}
    for table in tables:
        files[f"{TABLES}/{table.name}.md"] = _stored_page(table)
        files |= {f"{TABLES}/{table.name}.{ending}": text for ending, text in texts_of_table(table).items()}
    for guest in guests:
        files |= {f"{TABLES}/{guest.name}.{ending}": text for ending, text in guest.make_texts(MADE).items()}
    former = _former_files(out)
    changed = {name: text for name, text in files.items() if not holds_content(out / name, text.encode())}
    with new_folder(out) as temporary:
        for name, text in changed.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(text.encode())
        for name in changed:
            (out / name).parent.mkdir(exist_ok=True)
            (temporary / name).replace(out / name)
    for name in former - set(files):
        (out / name).unlink(missing_ok=True)
    return out / index


def _name_of_index(out: Path, notify: Callable[[str], object]) -> str:
    """The name of the index: `README.md`, unless that is a page of somebody else."""
    file = out / INDEX
    if not file.is_file() or is_made(file):
        return INDEX
    notify(
        f"{file} was not made by mebench leaderboard build, so it stays: the index of the boards is {out / OTHER_INDEX}"
    )
    return OTHER_INDEX


def is_made(file: Path) -> bool:
    """Whether a page was made by `mebench leaderboard build`."""
    with file.open("rb") as content:
        return content.read(len(MADE)) == MADE.encode()


def _former_files(out: Path) -> set[str]:
    """The files that an earlier build made, named relative to the leaderboard's folder."""
    pages = [*out.glob("*.md"), *out.glob(f"{PAGES}/*.md"), *out.glob(f"{TABLES}/*.md")]
    generated = [file for file in pages if is_made(file)]
    files = {file.relative_to(out).as_posix() for file in generated}
    for file in generated:
        if file.parent.name == TABLES:
            files |= {f"{TABLES}/{file.stem}.{ending}" for ending in TABLE_FORMATS}
    overview = out / FORMER_OVERVIEW
    text = overview.read_text(encoding="utf-8") if overview.is_file() else ""
    if "`mebench leaderboard build` made this page" in text[:500]:
        files |= {FORMER_OVERVIEW, *_files_named_in(text)}
    return files


def _files_named_in(overview: str) -> list[str]:
    """Names of the files of tables to which a former page of all tables links."""
    tasks = "|".join(catalogue.SECTIONS)
    endings = "|".join(TABLE_FORMATS)
    return re.findall(rf"\]\(((?:{tasks})-[\w.+~-]+\.(?:{endings}))\)", overview)


def selection_texts(gains: Sequence[Gain]) -> dict[str, str]:
    """The gains from selection as Markdown, CSV, JSON and LaTeX, by file ending."""
    table = table_of_gains(gains)
    heads = (*GAIN_COLUMNS, "published", "year", "candidates", "seeds", "program")
    columns = [Column(name, score=name == "gain") for name in heads]
    numbers = [
        {**vars(gain), "id": gain.method_id, "protocol": gain.place[1], "dataset": gain.place[0], "gain": gain.score}
        for gain in gains
    ]
    shown = replace(table, columns=table.columns[:-1], rows=[row[:-1] for row in table.rows])
    return {
        "md": _page("selection_page.md", selection=table),
        "csv": Table.from_items(columns, numbers).to_csv_text(),
        "json": json.dumps([gain.plain() for gain in gains], indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "tex": shown.to_latex(),
    }


GAIN_COLUMNS = ("id", "settings", "dataset", "protocol", "measure", "leaking", "honest", "gain")
"""The first columns of the file of gains."""


OF_TEXTS = (
    *("boards/*.py", "boards/*.md", "metrics/*.py", "records/*.py", "core/*.py"),
    *("output/*.py", "output/*.html", "grouping.py", "score_type.py"),
)
"""The code of the stored texts of tables."""


def texts_of_table(table: BoardTable) -> dict[str, str]:
    """A table as CSV, JSON and LaTeX, by the ending of its file. They are stored, and made anew if the table has changed."""
    return cached_result(partial(_texts_of_table, table), OF_TEXTS, "texts", table.content)


def _texts_of_table(table: BoardTable) -> dict[str, str]:
    """The texts of `texts_of_table`."""
    return {"csv": as_csv(table), "json": as_json(table), "tex": latex_tables(table)}


DECIMALS = 9
"""Decimals of numbers in the JSON of a table: more than a score can be reproduced to."""


def as_json(table: BoardTable) -> str:
    """One table as JSON: a line for each row, so that files stay small and differences readable."""
    plain = _rounded(table.plain())
    parts = plain.pop("parts")
    texts = []
    for part in parts:
        lists = {name: part.pop(name) for name in ("rows", "published", "rescored")}
        of_lists = ",\n ".join(f'"{name}": [{_in_lines(entries)}]' for name, entries in lists.items())
        texts.append(f"{_open_object(part)},\n {of_lists}}}")
    return f'{_open_object(plain)},\n"parts": [{",".join(texts)}]}}\n'


def _open_object(values: Mapping[str, Any]) -> str:
    """An object as JSON without its last brace, so that more values can follow."""
    return _compact(values).removesuffix("}")


def _in_lines(entries: Sequence[Any]) -> str:
    """Entries of a list, each on a line of its own."""
    return ",".join(f"\n  {_compact(entry)}" for entry in entries)


def _compact(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _rounded(value: Any) -> Any:
    """A JSON value with numbers of at most `DECIMALS` decimals."""
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value


def as_csv(table: BoardTable) -> str:
    """One table as CSV, a line for each row of each part. Measured scores have six digits, published ones are as
    printed.

    Measured rows come first in each part; `provenance` is `measured`, `chance`, `rescored` (from the authors' public files, `settings`
    saying how) or `published`. The form is RFC 4180's;
    text that a spreadsheet would run as a formula is preceded by an apostrophe.
    """
    facts = {fact.name: fact.head.replace(" ", "_") for fact in row_facts.FACTS}
    seldom = {fact.name for fact in row_facts.FACTS if fact.seldom}
    costs = [name for name, cost in COSTS.items() if cost.in_csv]
    first = ("part", "member", "provenance", "method", "settings", "seeds", "n", "group", "ranks", "beats_next")
    last = (*RULES, *costs, *VERSIONS, *facts, "runs", "source", "caveats", "remark")
    columns = [
        *(Column(name) for name in first),
        *(Column(name, score=True) for name in (*_metrics_of(table), "hardest")),
        *(Column(name, optional=name in seldom or (name in costs and COSTS[name].optional)) for name in last),
    ]
    cells: list[dict[str, Any]] = []
    for part in table.parts:
        cells += [_cells_of_row(part, row) for row in part.rows]
        cells += [_cells_of_rescored(part, row) for row in part.rescored]
        cells += [_cells_of_published(part, line) for line in part.published]
    made = Table.from_items(columns, cells)
    heads = {"group": "not_distinguishable", **facts}
    return replace(
        made, columns=[replace(column, name=heads.get(column.name, column.name)) for column in made.columns]
    ).to_csv_text()


def _metrics_of(table: BoardTable) -> list[str]:
    """All metrics of a table's parts and published lines; `n` is no metric."""
    names: list[str] = []
    for part in table.parts:
        names += part.metrics
        for line in part.published:
            names += line.values
    return [name for name in dict.fromkeys(names) if name != "n"]


def _cells_of_row(part: Part, row: BoardRow) -> dict[str, Any]:
    """The values of a row by the names of columns."""
    return {
        **vars(row),
        **row.costs,
        **row.versions,
        **row.facts,
        **row.scores,
        "hardest": None if row.hardest is None else row.hardest.score,
        "part": part.name,
        "ranks": tuple(row.ranks),
        "beats_next": part.beats_next(row),
    }


def _cells_of_rescored(part: Part, row: Rescored) -> dict[str, Any]:
    """The values of rescored answers by the names of columns; they have no seeds."""
    return {
        **vars(row),
        **{name: replace(score, lowest=None, highest=None) for name, score in row.scores.items()},
        "part": part.name,
        "provenance": "rescored",
        "settings": row.reading,
        "remark": row.note,
        "source": f"{row.source} {row.repository} {row.commit}",
    }


def _cells_of_published(part: Part, line: PublishedLine) -> dict[str, Any]:
    """The values of a published line by the names of columns, as printed."""
    return {
        **vars(line),
        **line.values,
        "n": line.values.get("n"),
        "part": part.name,
        "provenance": "published",
        "caveats": line.caveats_in_words(),
        "remark": line.note,
        "source": f"{line.source}, {line.table}",
    }
