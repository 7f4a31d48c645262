"""The pages of the site as text: filled templates, and tables with the links and marks that only pages have."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from importlib.metadata import version
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, cast

from jinja2 import Environment
from markupsafe import Markup, escape

from mebench.atomic import new_folder, put_in_place
from mebench.boards import row_facts, rows, several_datasets, table_files
from mebench.boards.board_pages import (
    NAMES,
    OF_ANSWERS,
    OF_NAMES,
    OF_PRINTED,
    OF_RANKS,
    RANKS_ARE_NO_TEST,
    BoardPage,
    level_name,
    other_tables,
    tested_column,
    unranked_in_words,
)
from mebench.boards.chance_rows import chance_methods
from mebench.boards.file_links import TABLE_FORMATS
from mebench.boards.first_choice import ABOUT as ABOUT_FIRST, TITLE as TITLE_FIRST, first_spotters
from mebench.boards.power import power_sentence
from mebench.boards.published_tables import part_of
from mebench.boards.row_columns import (
    cost_columns,
    fact_columns,
    firmness_columns,
    of_ranked,
    rule_columns,
    version_columns,
)
from mebench.boards.row_scores import SCORING
from mebench.boards.rows import (
    PRINTED,
    BoardRow,
    BoardTable,
    Part,
    PublishedLine,
    Ranked,
    Rescored,
    displayed_metrics,
    shared_facts,
)
from mebench.boards.selection_gains import Gain, table_of_gains
from mebench.boards.site.board_tables import BoardTables
from mebench.boards.site.cards import card_html
from mebench.boards.site.chart import ChartPoint, draw_chart, total_seconds
from mebench.config import registry
from mebench.config.registry import PluginKind
from mebench.errors import ConfigError
from mebench.files import holds_content
from mebench.grouping import group_by
from mebench.metrics import catalogue
from mebench.metrics.conventions import describe_convention
from mebench.metrics.score_column import score_column
from mebench.output.number_format import format_mean_count, format_seconds, format_span, format_table_number
from mebench.output.table import Column, ShownScore, Table
from mebench.output.terminal import format_count
from mebench.records.costs import COSTS
from mebench.records.memory_limits import limited_memory
from mebench.records.published import CAVEATS, PublishedValue
from mebench.records.record import DAMAGE, Record, UnshownError, hash_files
from mebench.records.rerun import rerun_command
from mebench.reports import report
from mebench.reports.page_templates import SHEET, TABLES_SCRIPT, template_environment
from mebench.reports.timeline import SCRIPT, STYLE
from mebench.result_cache import cached_result
from mebench.runs.fold_files import safe_name
from mebench.score_type import Score
from mebench.shared_work import make_ahead, results_in_order


class PlacedRow(NamedTuple):
    """A row with its table and part."""

    table: BoardTable
    part: Part
    row: BoardRow


SMALL = Markup('{}<span class="settings">{}</span>')
METHOD_AND_RULES = Column("method", "method, rules", of=lambda row: SMALL.format(row.method, row.reading), main=True)


class PageTables:
    """Tables as HTML.

    Args:
        environment: contains `macros.html`, which draws the names of methods with their links.
    """

    def __init__(self, environment: Environment) -> None:
        self._draw: Any = environment.get_template("macros.html").module

    def measured(self, part: Part, ranked: Sequence[Ranked]) -> Markup:
        """The measured rows of a part and its levels of chance; `ranked` are its rows with ranks."""
        one_remark = shared_facts(part.rows).get("remark")

        def method(one: Ranked) -> Any:
            remark = one.row.remark if one.row.measured and not one_remark else ""
            return self._draw.method_name(one.row, part, "../", remark, one.pairs)

        def score(metric: str, one: Ranked) -> Any:
            return one.row.scores[metric]

        main, *others = _scores(displayed_metrics(part.metrics, part.rows), 4, score, digits=3)
        columns = [
            Column("rank", "#", right=True, text=lambda rank: str(rank or "")),
            Column("method", of=method, main=True),
            Column("member", of=attrgetter("row.member"), choose=True, optional=True),
            replace(main, main=True),
            *([self._group_column()] if any(row.group for row in part.rows) else ()),
            *map(of_ranked, firmness_columns(part)),
            *others,
            Column(
                "n", of=attrgetter("row.n"), text=format_mean_count, right=True, meaning="the scored items", room="more"
            ),
            *map(of_ranked, cost_columns()),
            *(of_ranked(column, blank="") for column in (*rule_columns(), *version_columns(["mebench"]))),
            *(
                replace(of_ranked(fact, blank=""), optional=False)  # the same columns in every table
                for fact in fact_columns()
                if not fact.mark
            ),
            Column("runs", of=lambda one: self._draw.run_links(one.row, "../"), kind="runs", room="wide"),
        ]
        muted = {n for n, one in enumerate(ranked) if not one.row.measured or not one.rank}
        return Table.from_items(columns, ranked, muted=muted).to_html(caption="Measured", sortable=True)

    def _group_column(self) -> Column:
        """The column of significance groups."""
        return Column("group", of=lambda one: self._draw.groups(one.row), room="wide", meaning=f"rows {_ALIKE}")

    def beating(self, part: Part) -> Markup:
        """The share of draws in which each ranked row is better than each other one. Of a composite the first member
        with ranks is shown.
        """
        rows = next((part.find_rivals(row) for row in part.rows if row.ranks), [])
        heads = (Column(str(n), right=True, digits=2) for n in range(1, len(rows) + 1))
        cells: list[list[Any]] = []
        for number, row in enumerate(rows):
            shares: list[float | None] = list(row.beats)
            if number < len(shares):
                shares[number] = None  # nobody is compared with itself
            cells.append([number + 1, self._draw.method_head(row, part), *shares])
        return Table([Column("#", right=True), Column("method", main=True), *heads], cells).to_html("plain")

    def all_rows(self, flat: Sequence[PlacedRow]) -> Markup:
        """Every measured row by its main score, below the heading of its table."""
        columns = [
            Column("method", choose=True, main=True),
            _SCORE,
            Column("task", choose=True, room="more"),
            Column("dataset", choose=True, room="more"),
            Column("group", room="wide", meaning=f"rows of one table {_ALIKE}"),
            Column("seeds", right=True, room="more"),
            Column("seconds", right=True, text=format_seconds, order=float, room="wide"),
            Column("runs", kind="runs", room="wide"),
        ]
        lines: list[Sequence[Any] | str] = []
        for alike in group_by(flat, lambda placed: (placed.table.name, placed.part.name, placed.row.member)).values():
            lines.append(self._heading_of_rows(alike[0]))
            lines += [self._cells_of_all_rows(placed) for placed in alike]
        return Table(columns, lines).to_html(sortable=True)

    def _heading_of_rows(self, placed: PlacedRow) -> Markup:
        """The heading of rows that compare, with the link to their table."""
        table, part, row = placed
        place = f"{catalogue.find_metric(part.metrics[0]).label} of {table.task}, {table.dataset}, {table.protocol}"
        return Markup("{}, {}").format(place, self._draw.table_link(table, part, row, ""))

    def _cells_of_all_rows(self, placed: PlacedRow) -> list[Any]:
        """The cells of a row among all rows."""
        table, part, row = placed
        name, _, score = self._name_metric_score(part, row, "")
        place = f"{table.task}, {table.dataset}, {table.protocol}"
        name = Markup('{}<span class="settings place">{}</span>').format(name, place)
        costs = total_seconds(row), self._draw.run_links(row, "")
        return [name, score, table.task, table.dataset, row.group, len(row.seeds), *costs]

    def of_card(self, flat: Sequence[PlacedRow]) -> Markup:
        """The measured rows of a method."""
        return Table(
            [Column("task"), Column("table"), Column("method"), *_OF_ROW, Column("runs", kind="runs")],
            [
                [
                    table.task,
                    self._draw.table_link(table, part, row, "../"),
                    *self._name_metric_score(part, row, "../"),
                    self._draw.run_links(row, "../"),
                ]
                for table, part, row in flat
            ],
        ).to_html(sortable=True)

    def _name_metric_score(self, part: Part, row: BoardRow, root: str) -> tuple[Any, str, ShownScore]:
        """The cells of a row in `method` and `_OF_ROW`; `root` is the page's relative path to the site's top folder."""
        metric = part.metrics[0]
        score = ShownScore(row.scores[metric], share=catalogue.find_metric(metric).scale == "share")
        return self._draw.method_name(row, part, root), catalogue.find_metric(metric).label, score

    def rescored(self, part: Part) -> Markup:
        """Scores of authors' own prediction files."""
        score = partial(
            table_files.score_with_printed, note=Markup('<span title="what the paper prints">printed {}</span>')
        )
        public = Markup('<a href="{}">{}</a><span class="settings">commit {}</span>')

        def source(row: Rescored) -> Markup:
            if row.commit:
                return public.format(row.repository, row.source, row.commit[:7])
            return SMALL.format(row.source, row.address)

        return Table.from_items(
            [
                METHOD_AND_RULES,
                Column("member", optional=True),
                *_scores(displayed_metrics(part.metrics, part.rescored), 5, score, digits=PRINTED),
                Column("n", text=format_mean_count, right=True, meaning="the scored items", room="wide"),
                Column("source", of=source, kind="source", room="wide"),
            ],
            part.rescored,
        ).to_html("rescored", "Answers of the authors’ own programs, rescored, not run here", sortable=True)

    def published(self, lines: Sequence[PublishedLine]) -> Markup:
        """Published results for a part."""

        def value(name: str, line: PublishedLine) -> Markup | None:
            if name not in line.values:
                return None
            return Markup("{}{}").format(line.values[name], _mark(line.caveats.get(name)))

        def caveats(line: PublishedLine) -> Any:
            return self._draw.caveats(dict.fromkeys(chain(*line.caveats.values())), line.note, "../")

        metrics = list(dict.fromkeys(metric for line in lines for metric in line.values))
        own_meanings = {"n": "the scored items"}
        values = []
        for column in _scores(metrics, 5, value):
            meaning = column.meaning or own_meanings.get(column.name, "")
            values.append(replace(column, score=False, meaning=meaning))
        return Table.from_items(
            [
                Column("method", of=self._draw.published_name, main=True),
                Column("member", optional=True),
                _CLASSES,
                *values,
                Column("caveats", of=caveats, room="wide"),
            ],
            lines,
        ).to_html("published", "Published by others, not measured here", sortable=True)

    def printed(self, values: Sequence[PublishedValue], root: str) -> Markup:
        """Single published values; `root` is the page's relative path to the site's top folder."""
        value = Markup("{:.{}f}{}").format
        return Table.from_items(
            [
                Column("method", of=lambda row: self._draw.published_name(row, row.method_variant), main=True),
                Column(
                    "dataset",
                    of=lambda row: SMALL.format(row.dataset, row.member) if row.member else row.dataset,
                    choose=True,
                ),
                Column("task", choose=True, room="wide"),
                Column("of", of=part_of, room="wide"),
                Column("protocol", of=lambda row: row.protocol or "–", room="wide"),
                _CLASSES,
                Column("metric", of=lambda row: catalogue.find_metric(row.metric).label, choose=True),
                Column(
                    "value",
                    right=True,
                    of=lambda row: row,
                    text=lambda row: value(row.value, row.digits, _mark(row.caveats)),
                    order=attrgetter("value"),
                ),
                Column("caveats", of=lambda row: self._draw.caveats(row.caveats, row.note, root), room="wide"),
            ],
            values,
        ).to_html("published", sortable=True)

    def best_over_time(self, part: Part) -> Markup:
        """The published lines that were better than all before them, if at least two. Lines with a caveat do not count."""
        metric = part.metrics[0]
        eligible = [line for line in part.published if line.year and metric in line.values and not line.member]
        eligible.sort(key=lambda line: (line.year or 0, -float(line.values[metric])))
        best = -1.0
        cells: list[list[Any]] = []
        for line in eligible:
            value = float(line.values[metric])
            if value > best and not line.caveats.get(metric):
                best = value
                source = SMALL.format(source_link(line.source), line.table) + _link_to_code(part, line)
                cells.append([line.year, line.method, line.values[metric], source])
        if len(cells) < 2:
            return Markup()
        columns = [
            Column("year", right=True),
            Column("method", main=True),
            score_column(metric, score=False),
            Column("paper, code", kind="source"),
        ]
        return Table(columns, cells).to_html("plain few published")

    def ranks(self, mains: Sequence[PlacedRow], ranks: Sequence[tuple[str, Mapping[int, Ranked]]]) -> Markup:
        """Each method with its ranks in each table, in 95 % of draws of people."""

        def cell(metric: str, one: Ranked | None) -> Markup:
            if one is None:
                return Markup('<span class="none">–</span>')
            value = format_table_number(one.row.scores[metric].value)
            return Markup('{}<span class="spread">{}</span>').format(
                format_span(one.row.ranks or [one.rank or 0]), value
            )

        heads: list[Column] = []
        for n, (table, part, _) in enumerate(mains):
            needs_room = n > 1
            head = Column(
                table.name,
                self._draw.rank_head(table, part),
                right=True,
                text=partial(cell, part.metrics[0]),
                order=attrgetter("rank"),
                room="wide" if needs_room else "",
            )
            heads.append(head)
        return Table(
            [Column("method", main=True), *heads],
            [
                [
                    Markup('{} <code class="id">{}</code>').format(self._draw.method_words(method, ""), method),
                    *(by_table.get(n) for n in range(len(mains))),
                ]
                for method, by_table in ranks
            ],
        ).to_html("ranks", sortable=True)

    def mistakes(self, part: Part, rescored: bool = False) -> Iterator[Markup]:
        """Tables of mistakes: causes of false positives with the gain in F1 without them, and missed truths."""
        name = Column("method", of=lambda row: self._draw.method_head(row, part), main=True)
        if rescored:
            part = replace(part, rows=cast(Any, part.rescored))
            name = METHOD_AND_RULES

        def with_small(cell: Any) -> Any:
            return Markup("{} <small>{}</small>").format(*cell) if isinstance(cell, tuple) else cell

        for table in (table_files.causes_table(part, name), table_files.misses_table(part, name)):
            columns = []
            for column in table.columns[1:]:  # without the number of the row
                is_text = column.name.startswith(("method", "missed, "))
                columns.append(replace(column, right=not is_text))
            cells = [list(map(with_small, row[1:])) for row in table.rows]
            yield Table(columns, cells).to_html("plain")


_ALIKE = "that share a letter are not distinguishable"
_CLASSES = Column("classes", right=True, text=lambda n: str(n or "–"), room="wide")
_SCORE = Column("score", right=True, score=True, main=True, digits=3, falling=True)
_OF_ROW = Column("metric"), _SCORE


def _scores(metrics: Sequence[str], few: int, of: Callable[[str, Any], Any], **look: Any) -> list[Column]:
    """Columns of scores; a wide screen shows a `few` at first, a narrow one only the first."""
    rooms = ("", *["wide"] * (few - 1), *["more"] * len(metrics))
    return [score_column(name, of=partial(of, name), room=room, **look) for name, room in zip(metrics, rooms)]


def _mark(caveats: Sequence[str] | None) -> Markup:
    """The mark of a printed value with its caveats as tooltip; empty without any."""
    return Markup('<sup title="{}">†</sup>').format(", ".join(caveats)) if caveats else Markup()


def _link_to_code(part: Part, line: PublishedLine) -> Markup:
    """A link to the repository of a published method, if its answers are rescored; else nothing."""
    name = line.method.split(" ")[0]
    for row in part.rescored:
        if row.commit and row.method.split(" ")[0] == name:
            return Markup('<a href="{0}">{1}</a>').format(row.repository, row.repository.split("/")[-1])
    return Markup()


def source_link(source: str) -> Markup:
    """The citation key, linked to its DOI, arXiv page or address."""
    key, _, page = source.partition(" ")
    address = re.sub(r"^doi:", "https://doi.org/", re.sub(r"^arXiv:", "https://arxiv.org/abs/", page))
    if not address.startswith("https://"):
        return escape(source)
    return Markup('<a href="{}">{}</a>').format(address, key)


TASKS = (
    ("spotting", "When does a micro-expression happen? Spotted intervals against annotated ones."),
    ("analysis", "Spot, then name: the emotions of spotted intervals."),
    ("recognition", "Which emotion does a given clip show?"),
)


CARDS: dict[PluginKind, str] = {
    "method": "The methods, each with its paper, its computation, and its deviations from the paper.",
    "dataset": "The datasets, with licence, layout and known defects. No face is shipped here.",
}
BIBTEX = """@software{mebench,
  title  = {mebench: the benchmark suite for facial micro-expressions},
  author = {{The mebench developers}},
  year   = {2026},
  note   = {Version %s}
}"""
OF_PAGES = (
    *(
        *SCORING,
        "records/*.py",
        "output/table.*",
        "output/number_format.py",
        "boards/rows.py",
        "boards/site/site_pages.py",
    ),
    *(f"boards/site/templates/{name}.html" for name in ("base", "run_page")),
    *(f"reports/{name}.py" for name in ("report", "findings", "timeline", "plots", "scores", "page_templates")),
    *(f"reports/templates/{name}.html" for name in ("run", "parts", "sweep", "timeline")),
    *("annotations/schemes.py", "config/*.py", "errors.py"),
    "files.py",  # hashes the truths, by which records share levels of chance
)
"""The code that makes the page of a run."""
OF_TABLE_PAGES = (
    *OF_PAGES,
    *("boards/*.py", "boards/site/*.py", "boards/site/templates/*.html", "reports/templates/*.html"),
)
"""The code that makes the page of a table."""
MOST_SHOWN = 100_000
"""Most answers of a run, over all draws, that its page shows one by one."""


IMPLIED_END = re.compile(r"</t[dh]>(?=<t[dh][ >]|</tr>)")
"""The end of a cell that the next cell, or the end of the row, implies: a twentieth of all pages."""


class Site:
    """All pages of a leaderboard.

    Args:
        tables: tables with published lines.
        records: records of the runs in them.
        published: all published values.
        gains: gains from selection on tested people.
        boards: the named boards.
    """

    def __init__(
        self,
        tables: Sequence[BoardTable],
        records: Sequence[Record],
        published: Sequence[PublishedValue],
        gains: Sequence[Gain] = (),
        boards: Sequence[BoardPage] = (),
    ) -> None:
        self.selection = table_of_gains(gains) if gains else None
        self.boards = boards
        self.tables = tables
        self.records = records
        self.published = published
        self.records_by_id = {record.id: record for record in records}
        self.with_page = {*self.records_by_id}
        self.plugins = {kind: registry.list_plugins(kind) for kind in registry.PLUGIN_KINDS}
        self.chance_ids = chance_methods()
        self.environment = template_environment(Path(__file__).parent / "templates")
        self.environment.globals |= {
            "methods": self.plugins["method"],
            "datasets": self.plugins["dataset"],
            "facts": row_facts.FACTS,
            "marks": rows.MARKS,
            "boards": boards,
            "with_page": self.with_page,
            "about_row": self._facts_of_row,
            "rerun": self._rerun_row,
        }
        self.environment.filters |= {
            "distinguishing": lambda row, part: rows.settings_of_row(row, part.rows),
            "common": lambda part: rows.shared_facts(part.rows),
            "source": source_link,
            "real_first": lambda tables: sorted(tables, key=_unlike_real),
            "not_comparable": _all_rows_have_remarks,
            "body": partial(card_html, plugins=self.plugins),
            "named": self._name,
            "level": level_name,
            "in_order": self._in_order,
            "titled": lambda dataset: " + ".join(self._title("dataset", id_) for id_ in dataset.split("+")),
            "ranked": self._ranked,
            "standing": rows.standing_in_words,
            "best_rescored": _best_rescored,
            "tables_of": self._tables_of,
        }
        self.environment.globals["draw"] = PageTables(self.environment)
        self.environment.globals["of_board"] = BoardTables(self.environment)

    def _facts_of_row(self, row: BoardRow) -> list[tuple[str, str]]:
        """What the card of a row tells: people, rules, costs and origin, each with its name."""
        record = self.records_by_id.get(row.runs[0])
        people = ""
        if record is not None:
            subjects = {subject for fold in record.about["folds"] for subject in fold["test"]}
            people = (
                f"{format_count(len(subjects), 'tested subject')}, {format_count(len(record.about['folds']), 'fold')}"
            )
        costs = [
            f"{cost.words} {cost.write(row.costs[cost.name])} {cost.unit}".rstrip()
            for cost in COSTS.values()
            if row.costs.get(cost.name) is not None
        ]
        versions = [f"{name.replace('_', ' ')} {text}" for name, text in row.versions.items() if text]
        origin = [row.sent_by or "made by the owners of this board", row.facts.get("isolation", ""), *versions]
        told = {
            "settings": row.settings or "the defaults",
            "people": people,
            "rules": f"{row.convention}, selection {row.selection}, transductive {row.transductive}",
            "costs": "; ".join(costs),
            "provenance": "; ".join(filter(None, origin)),
        }
        return [(name, text) for name, text in told.items() if text]

    def _rerun_row(self, row: BoardRow) -> str:
        """The command that runs a row again; empty without its record."""
        record = self.records_by_id.get(row.runs[0])
        return rerun_command(record.config, row.seeds) if record is not None else ""

    def make_pages(self) -> Iterator[tuple[str, str]]:
        """Path and text of every page.

        Raises:
            UnshownError: some of the records have no page.
        """
        measured = _measured_rows(self.tables)
        yield self._index_page(measured)
        yield from map(self._board_page, self.boards)
        yield from self._table_pages()
        yield from self._run_pages()
        for kind, words in CARDS.items():
            yield from self._card_pages(kind, words, measured)
        yield self._page("published.html", lines=self.published, caveats=CAVEATS)
        yield self._page("rows.html", flat=sorted(measured, key=lambda placed: bool(placed.row.remark)))
        yield self._ranks_page()
        yield self._page("submit.html", bibtex=BIBTEX % version("mebench"))
        yield self._about_page(measured)

    def _index_page(self, measured: Sequence[PlacedRow]) -> tuple[str, str]:
        """The first page: the boards and the other tables, each with its best row."""
        return self._page(
            "index.html",
            tables=self.tables,
            tasks=TASKS,
            n_rows=len(measured),
            n_runs=len({record.id for record in self.records}.union(*map(_runs_of, self.tables))),
            n_measured=sum(any(part.rows for part in table.parts) for table in self.tables),
            n_published=len(self.published),
            n_rescored=len({row.source for row in self._rescored()}),
            selection=self.selection,
            boards=self.boards,
            first_spotters=group_by(first_spotters(self.boards), lambda first: first.page.board.group),
            title_of_first=TITLE_FIRST,
            about_first=ABOUT_FIRST,
            experiments=other_tables(self.boards, self.tables),
        )

    def _rescored(self) -> list[Rescored]:
        """The rescored rows of all tables."""
        parts = [part for table in self.tables for part in table.parts]
        return [row for part in parts for row in part.rescored]

    def _board_page(self, page: BoardPage) -> tuple[str, str]:
        """The page of a named board."""
        content = page.content
        points = [self._point(place, content.rows) for place in content.places]
        published = [line for part in content.parts for line in part.published]
        chart = draw_chart(self.environment, content.score, points, content.levels, published) if points else Markup()
        test = Markup("<em>{}</em>").format(tested_column(content))
        guide = Markup('<a href="../about.html#ranks">how to read</a>')
        return self._page(
            f"boards/{page.board.id}.html",
            "board.html",
            board=page.board,
            page=page,
            content=content,
            chart=chart,
            without_rank=unranked_in_words(content) if content.unranked else "",
            about_names=[OF_NAMES.format(settings=row.settings) for row in content.levels if row.method == NAMES],
            power=Markup("{}").format(Markup(power_sentence(content, "<em>Tied</em>"))) if content.is_measured else "",
            about_order=Markup("{} {}").format(Markup(RANKS_ARE_NO_TEST).format(test=test, guide=guide), OF_RANKS),
            about_answers=Markup("{} {}").format(OF_ANSWERS, Markup(OF_PRINTED).format(Markup("<em>Printed</em>"))),
        )

    def _table_pages(self) -> Iterator[tuple[str, str]]:
        """The page of each table."""
        titles = {kind: [(id_, self._title(kind, id_)) for id_ in self.plugins[kind]] for kind in registry.PLUGIN_KINDS}
        for table in self.tables:
            path = f"tables/{safe_name(table.name)}.html"
            boards = [page.plain() for page in self.boards if table in page.content.tables]
            linked = sorted(self.with_page & _runs_of(table))
            text = cached_result(
                partial(self._text_of_table, path, table),
                OF_TABLE_PAGES,
                path,
                table.content,
                boards,
                linked,
                titles,
                sorted(self.chance_ids),
            )
            yield path, text

    def _text_of_table(self, path: str, table: BoardTable) -> str:
        """The page of a table."""
        charts = {part.name: self._chart(table, part) for part in table.parts}
        _, text = self._page(path, "table.html", table=table, charts=charts, datasets_of=table.dataset.split("+"))
        return text

    def _run_pages(self) -> Iterator[tuple[str, str]]:
        """The page of each run.

        Raises:
            UnshownError: after all pages, if some of the records have none.
        """
        reasons = {}
        for record, page in zip(self.records, results_in_order("pages", self.records, self._try_page_of_run)):
            if isinstance(page, str):
                reasons[record.id] = page
            else:
                yield page
        if reasons:
            raise UnshownError(reasons)

    def make_ahead(self) -> None:
        """Make pages of runs for the cache alone, in another process of a team."""
        make_ahead("pages", self.records, self._try_page_of_run)

    def _try_page_of_run(self, record: Record) -> tuple[str, str] | str:
        """Path and text of the page of a run, or why it has none."""
        appears = [table for table, runs in self._tables_with_runs if record.id in runs]
        try:
            with limited_memory():
                path, text = self._page_of_run(record, appears)
            text.encode()  # an unpaired surrogate is not text
        except (*DAMAGE, MemoryError) as error:
            return f"{type(error).__name__}: {error}"
        return path, text

    @cached_property
    def _tables_with_runs(self) -> list[tuple[BoardTable, set[str]]]:
        """Each table with the ids of its runs."""
        return [(table, _runs_of(table)) for table in self.tables]

    def _card_pages(self, kind: PluginKind, words: str, measured: Sequence[PlacedRow]) -> Iterator[tuple[str, str]]:
        """The list of methods or datasets, then the card of each.

        Args:
            kind: methods or datasets.
            words: description of the list.
            measured: all measured rows.
        """
        cards = self.plugins[kind]
        placed_of: dict[str, list[PlacedRow]] = {id_: [] for id_ in cards}
        for placed in measured:
            ids = placed.row.method.split(" + ") if kind == "method" else placed.table.dataset.split("+")
            for id_ in dict.fromkeys(ids):
                placed_of.setdefault(id_, []).append(placed)
        yield self._page(f"{kind}s.html", "cards.html", kind=kind, words=words, cards=cards.values(), rows_of=placed_of)
        for id_, card in cards.items():
            printed = [value for value in self.published if kind == "dataset" and id_ in (value.dataset, value.member)]
            path = f"{kind}s/{safe_name(id_)}.html"
            yield self._page(path, "card.html", card=card, rows=placed_of[id_], printed=printed)

    def _ranks_page(self) -> tuple[str, str]:
        """The page of ranks: best ranks of each method, and methods over several datasets. A rank is that in the main
        part of a table.
        """
        mains = [
            PlacedRow(table, table.parts[0], table.parts[0].rows[0])
            for table in sorted(self.tables, key=_unlike_real)
            if table.parts and table.parts[0].rows
        ]
        best_of: dict[str, dict[int, Ranked]] = {}
        for number, (table, part, _) in enumerate(mains):
            for ranked in self._ranked(table, part):
                if ranked.rank:
                    best_of.setdefault(ranked.row.method, {}).setdefault(number, ranked)

        def most_tables_first(entry: tuple[str, dict[int, Ranked]]) -> tuple[int, int, str]:
            method, by_table = entry
            return -len(by_table), sum(ranked.rank or 0 for ranked in by_table.values()), method

        pairs = several_datasets.pairs_of(self.tables, self.records)
        return self._page(
            "ranks.html",
            mains=mains,
            ranks=sorted(best_of.items(), key=most_tables_first),
            pairs=several_datasets.table_of_pairs(pairs).to_html(sortable=True) if pairs else "",
        )

    def _about_page(self, measured: Sequence[PlacedRow]) -> tuple[str, str]:
        """The explanations: metrics, and the conventions in use."""
        names = (
            {"strict"} | {placed.row.convention for placed in measured} | {row.convention for row in self._rescored()}
        )
        return self._page(
            "about.html", metrics=catalogue.METRICS, conventions=[describe_convention(name) for name in sorted(names)]
        )

    def _page_of_run(self, record: Record, appears: Sequence[BoardTable]) -> tuple[str, str]:
        """Path and text of a run's page. It is made again if the run, its counterpart, or the linked tables have
        changed.
        """
        path = f"runs/{safe_name(record.id)}.html"
        twin = report.find_twin(record, report.TRANSFER)
        by_names = _scores_by_names(appears)

        def text() -> str:
            values = report.values_of_page(record, MOST_SHOWN, by_names)
            _, page = self._page(path, "run_page.html", appears=appears, **values)
            return page

        return path, cached_result(
            text,
            OF_PAGES,
            record.content,
            record.other_input,
            record.unpublished,
            [] if twin is None else hash_files(twin.path),
            MOST_SHOWN,
            [[*self.plugins[kind]] for kind in registry.PLUGIN_KINDS],
            [(table.name, table.title) for table in appears],
            by_names,
        )

    def _page(self, path: str, template: str = "", **values: Any) -> tuple[str, str]:
        """Path and text of a page."""
        links = {"root": "../", "here": ""} if "/" in path else {"root": "", "here": path.removesuffix(".html")}
        text = self.environment.get_template(template or path).render(links | values)
        short = IMPLIED_END.sub("", re.sub(r"\n\s*\n+", "\n", text))
        return path, short.strip() + "\n"

    def _title(self, kind: PluginKind, id_: str) -> str:
        """The title of a plugin; its id if it has none, or is not installed."""
        plugin = self.plugins[kind].get(id_)
        return plugin.title or id_ if plugin else id_

    def _tables_of(self, dataset: str) -> list[BoardTable]:
        """The tables on a dataset, alone or in a composite."""
        return [table for table in self.tables if dataset in table.dataset.split("+")]

    def _in_order(self, groups: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The groups of boards in the order of the boards; Jinja sorts them by name."""
        order = list(dict.fromkeys(page.board.group for page in self.boards))
        return sorted(groups, key=lambda group: order.index(group[0]))

    def _name(self, method: str) -> str:
        """The title of a method; of a pair those of spotter and recognizer."""
        return ", named by ".join(self._title("method", id_) for id_ in method.split(" + "))

    def _ranked(self, table: BoardTable, part: Part) -> list[rows.Ranked]:
        """The rows of a part of a table with their ranks."""
        return rows.rank_rows(part, self.chance_ids, join_pairs=table.task == "spotting")

    def _chart(self, table: BoardTable, part: Part) -> Markup:
        """The chart of a part of a table; empty for members of a composite."""
        if any(row.member for row in part.rows):  # members have their own scores, not a common scale
            return Markup()
        points = [self._point(one, part.rows) for one in self._ranked(table, part) if one.rank is not None]
        levels = [row for row in part.rows if not row.measured]
        return draw_chart(self.environment, part.metrics[0], points, levels, part.published)

    def _point(self, place: Ranked, shown: Sequence[BoardRow]) -> ChartPoint:
        """A row with a rank as a point of a chart; `shown` are all rows of the chart."""
        row = place.row
        name = ", ".join(filter(None, (self._name(row.method), rows.settings_of_row(row, shown))))
        url = f"../runs/{safe_name(row.runs[0])}.html" if row.runs[0] in self.with_page else ""
        return ChartPoint(place.rank or 0, row, url, name)


def _measured_rows(tables: Sequence[BoardTable]) -> list[PlacedRow]:
    """The measured rows of all tables."""
    placed = []
    for table in tables:
        for part in table.parts:
            placed += [PlacedRow(table, part, row) for row in part.rows if row.measured]
    return placed


def _runs_of(table: BoardTable) -> set[str]:
    """Ids of the runs behind all rows of a table."""
    rows = [row for part in table.parts for row in part.rows]
    return {run for row in rows for run in row.runs}


DENSE = 0.05
"""Difference between F1 and F1 at the density of SAMM Long Videos from which on expressions are denser than in real recordings."""


def _all_rows_have_remarks(table: BoardTable) -> bool:
    """Whether no row compares with published ones without a remark, as on drawn faces."""
    rows = [row for part in table.parts for row in part.rows]
    measured = [row for row in rows if row.measured]
    return bool(measured) and all(row.remark for row in measured)


def _scores_by_names(tables: Sequence[BoardTable]) -> dict[str, Any]:
    """The scores from names alone, of the first table that has them.

    Empty where no table of recognition has them.
    """
    rows_of_tables = [table.parts[0].rows for table in tables if table.task == "recognition" and table.parts]
    for row in chain(*rows_of_tables):
        if row.method == NAMES and not row.measured and not row.member:
            return {metric: score.plain() for metric, score in row.scores.items() if score.value is not None}
    return {}


def _unlike_real(table: BoardTable) -> tuple[bool, bool, int]:
    """The reasons that put a table behind others: the data are drawn, expressions are so dense that F1 would be another at the density of
    real recordings (`DENSE`), or fewer methods were measured.
    """
    rows_of_first_part = table.parts[0].rows if table.parts else ()
    scores = [row.scores for row in rows_of_first_part if row.measured]
    dense = any(_depends_on_density(own) for own in scores)
    return _all_rows_have_remarks(table), dense, -len(scores)


def _depends_on_density(scores: Mapping[str, Score]) -> bool:
    """Whether F1 would be another at the density of real recordings; not if one of both is unknown."""
    if "f1@samm_lv" not in scores:
        return False
    f1 = scores["f1"].value
    at_real_density = scores["f1@samm_lv"].value
    if f1 is None or at_real_density is None:
        return False
    return bool(abs(f1 - at_real_density) > DENSE)


def _best_rescored(part: Part) -> Rescored:
    """The best rescored row of a part: scored by `strict` and without a choice on tested people, where there are such rows."""
    name = part.metrics[0]
    return max(
        part.rescored,
        key=lambda row: (
            "test_selected" not in row.reading,
            row.convention == "strict",
            catalogue.METRICS[name].sort_key(row.scores[name].value),
        ),
    )


def write_site(
    tables: Sequence[BoardTable],
    records: Sequence[Record],
    published: Sequence[PublishedValue],
    folder: Path,
    gains: Sequence[Gain] = (),
    boards: Sequence[BoardPage] = (),
) -> tuple[int, int]:
    """Write the site into `folder`, replacing an existing one as a whole; number of files and bytes.

    Raises:
        ConfigError: the folder holds something else.
        UnshownError: some of the records have no page.
    """
    index = folder / "index.html"
    ours = index.is_file() and "mebench leaderboard build" in index.read_text(encoding="utf-8", errors="replace")[:2000]
    if not ours and folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder} has files that do not belong to a site of mebench: move them away, or name another --out"
        )
    files = {**_assets(), **_files_of_tables(tables, boards)}
    pages = Site(tables, records, published, gains, boards).make_pages()
    with new_folder(folder.parent, ".site-") as temporary:
        sizes = []
        for name, text in chain(files.items(), pages):
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            sizes.append(_write_or_keep(temporary / name, text.encode(), folder / name))
        put_in_place(temporary, folder)
    return len(sizes), sum(sizes)


def _write_or_keep(file: Path, content: bytes, former: Path) -> int:
    """Write a file of the site, and return its bytes; an equal former file gets a second name instead."""
    if holds_content(former, content):
        with suppress(OSError):  # some disks have no second names
            file.hardlink_to(former)
            return len(content)
    return file.write_bytes(content)


def _assets() -> dict[str, str]:
    """Styles and scripts of the pages by their paths in the site."""
    files = (*(Path(__file__).parent / "static").iterdir(), SHEET, TABLES_SCRIPT, SCRIPT, STYLE)
    return {f"assets/{file.name}": file.read_text(encoding="utf-8") for file in files}


def _files_of_tables(tables: Sequence[BoardTable], boards: Sequence[BoardPage]) -> dict[str, str]:
    """CSV, JSON and LaTeX of all tables, also of answers, by their paths."""
    texts_of = {table.name: table_files.texts_of_table(table) for table in tables}
    for page in boards:
        texts_of |= {guest.name: guest.make_texts(made="") for guest in page.guests}
    files = {}
    for name, texts in texts_of.items():
        for ending in TABLE_FORMATS:
            files[f"tables/{safe_name(name)}.{ending}"] = texts[ending]
    return files
