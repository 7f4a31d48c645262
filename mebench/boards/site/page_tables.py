"""The tables of the pages: their columns, with the links and marks that only a page has."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from mebench.boards import markdown
from mebench.boards.published_tables import part_of
from mebench.boards.site.chart import cost
from mebench.format import count, digits, seconds, whole
from mebench.metrics.catalogue import find
from mebench.records import row_facts
from mebench.records.published import Published
from mebench.records.rows import NOTHING, PRINTED, Part, PublishedLine, Ranked, Row, common, displayed_metrics
from mebench.records.rows import Table as BoardTable
from mebench.table import Column, Table

Flat = tuple[BoardTable, Part, Row]
SMALL = Markup('{}<span class="settings">{}</span>')
UNKNOWN = Markup('<span class="none">–</span>')
LAST = 9999
"""Where a page sorts what has no rank."""


class PageTables:
    """Tables as HTML.

    Args:
        environment: whose `macros.html` draws the names of methods with their links.
    """

    def __init__(self, environment: Environment) -> None:
        self._draw: Any = environment.get_template("macros.html").module

    def measured(self, part: Part, ranked: Sequence[Ranked]) -> Markup:
        """The measured rows of a part, and what stands for chance; `ranked` are its rows with their ranks."""
        one_remark = common(part.rows).get("remark")

        def method(one: Ranked) -> Markup:
            remark = one.row.remark if one.row.measured and not one_remark else ""
            return Markup(self._draw.method_name(one.row, part, "../", remark, one.pairs))

        def spent(name: str, label: str, text: Callable[[float | None], str], **look: Any) -> Column:
            order: Callable[[Any], Any] = lambda value: -1 if value is None else value  # noqa: E731
            return Column(name, label, lambda one: one.row.costs.get(name), text, right=True, order=order, **look)

        def rule(name: str, one: Ranked) -> Any:
            return getattr(one.row, name) if one.row.measured or name == "convention" else ""

        def fact(name: str, one: Ranked) -> Any:
            return one.row.facts.get(name) or ""

        main, *others = _scores(
            displayed_metrics(part.metrics, part.rows), 4, lambda name, one: one.row.scores[name], digits=3
        )
        alike = [
            Column("alike", of=lambda one: self._draw.letters(one.row), room="wide", meaning=f"rows {_ALIKE}"),
            Column(
                "ranks",
                right=True,
                of=lambda one: one if one.rank else None,
                text=lambda one: _ranks(one) if one else "",
                order=lambda one: one.low if one else LAST,
                room="wide",
                meaning="the ranks that it may have, as far as rows can be told apart",
            ),
        ]
        table = Table.of(
            [
                Column("rank", "#", right=True, text=lambda rank: str(rank or ""), order=lambda rank: rank or LAST),
                Column("method", of=method, main=True),
                Column("member", of=attrgetter("row.member"), choose=True, optional=True),
                replace(main, main=True),
                *(alike if any(row.group for row in part.rows) else []),
                *others,
                Column("n", of=attrgetter("row.n"), text=count, right=True, meaning="what is scored", room="more"),
                spent("fit_seconds", "fit, s", seconds, room="wide", meaning="seconds, all folds"),
                spent("predict_seconds", "predict, s", seconds, room="more", meaning="seconds, all folds"),
                spent("parameters", "parameters", whole, room="more"),
                *(Column(n, of=partial(rule, n), room="more") for n in ("selection", "transductive", "convention")),
                Column("mebench", of=lambda one: one.row.versions.get("mebench", ""), room="more"),
                *(replace(f, of=partial(fact, f.name), room="more") for f in row_facts.FACTS if not f.mark),
                Column("runs", of=lambda one: self._draw.run_links(one.row, "../"), kind="runs", room="wide"),
            ],
            ranked,
            muted={n for n, one in enumerate(ranked) if not one.row.measured or not one.rank},
        )
        return table.html(caption="Measured", sortable=True)

    def all_rows(self, flat: Sequence[Flat]) -> Markup:
        """Every measured row of every table by its main score."""
        rows = [
            [
                *(table.task, table.dataset, self._place(table, part, row, ""), *self._named(part, row, "")),
                *(row.group, len(row.seeds), cost(row), self._draw.run_links(row, "")),
            ]
            for table, part, row in flat
        ]
        shown_columns = [
            Column("task", choose=True, room="wide"),
            Column("dataset", choose=True, room="wide"),
            Column("table", room="wide"),
            Column("method", choose=True, main=True),
            *_OF_ROW,
            Column("alike", room="wide", meaning=f"rows of one table {_ALIKE}"),
            Column("seeds", right=True, room="more"),
            Column("seconds", right=True, text=seconds, order=float, room="wide"),
            Column("runs", kind="runs", room="wide"),
        ]
        return Table(shown_columns, rows).html(sortable=True)

    def of_card(self, flat: Sequence[Flat]) -> Markup:
        """The measured rows of a method or dataset."""
        rows = [
            [
                table.task,
                self._place(table, part, row, "../"),
                *self._named(part, row, "../"),
                self._draw.run_links(row, "../"),
            ]
            for table, part, row in flat
        ]
        names = [Column("task"), Column("table"), Column("method"), *_OF_ROW, Column("runs", kind="runs")]
        return Table(names, rows).html(sortable=True)

    def _place(self, table: BoardTable, part: Part, row: Row, root: str) -> Markup:
        return Markup(self._draw.table_link(table, part, row, root))

    def _named(self, part: Part, row: Row, root: str) -> tuple[Markup, str, Mapping[str, Any]]:
        metric = part.metrics[0]
        score = {**row.scores[metric], "metric": metric}
        return Markup(self._draw.method_name(row, part, root)), find(metric).label, score

    def rescored(self, part: Part) -> Markup:
        """What authors' own files score to."""

        def score(name: str, row: Any) -> Mapping[str, Any]:
            printed = row.printed.get(name)
            note = Markup('<span title="what the paper prints">printed {}</span>').format(printed) if printed else ""
            return {**row.scores.get(name, NOTHING), "note": note}

        source = Markup('<a href="{}">{}</a><span class="settings">commit {}</span>')
        table = Table.of(
            [
                Column("method", "method, rules", of=lambda row: SMALL.format(row.method, row.reading), main=True),
                Column("member", optional=True),
                *_scores(displayed_metrics(part.metrics, part.rescored), 5, score, digits=PRINTED),
                Column("n", text=count, right=True, meaning="what is scored", room="wide"),
                Column(
                    "source",
                    of=lambda row: source.format(row.repository, row.source, row.commit[:7]),
                    kind="source",
                    room="wide",
                ),
            ],
            part.rescored,
        )
        return table.html("rescored", "Scored anew from the authors’ files, not run here", sortable=True)

    def published(self, lines: Sequence[PublishedLine]) -> Markup:
        """What others print beside a part."""

        def value(name: str, line: PublishedLine) -> Markup | None:
            return (
                Markup("{}{}").format(line.values[name], _mark(line.caveats.get(name))) if name in line.values else None
            )

        def caveats(line: PublishedLine) -> Markup:
            return Markup(
                self._draw.caveats(dict.fromkeys(c for some in line.caveats.values() for c in some), line.note)
            )

        found = _scores(list(dict.fromkeys(metric for line in lines for metric in line.values)), 5, value)
        table = Table.of(
            [
                Column("method", of=self._draw.published_name, main=True),
                Column("member", optional=True),
                Column("classes", right=True, text=_or_dash, room="wide"),
                *(replace(one, score=False, meaning=one.meaning or _COUNTS.get(one.name, "")) for one in found),
                Column("caveats", of=caveats, room="wide"),
            ],
            lines,
        )
        return table.html("published", "Published by others, not measured here", sortable=True)

    def printed(self, values: Sequence[Published]) -> Markup:
        """Published values one by one."""

        def value(row: Published) -> Markup:
            return Markup("{:.{}f}{}").format(row.value, row.digits, _mark(row.caveats))

        table = Table.of(
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
                Column("classes", right=True, text=_or_dash, room="wide"),
                Column("metric", of=lambda row: find(row.metric).label, choose=True),
                Column("value", right=True, of=lambda row: row, text=value, order=attrgetter("value")),
                Column("caveats", of=lambda row: self._draw.caveats(row.caveats, row.note), room="wide"),
            ],
            values,
        )
        return table.html("published", sortable=True)

    def best_over_time(self, part: Part) -> Markup:
        """The published lines without a caveat that were better than all before them, where there are two at least."""
        metric, best, found = part.metrics[0], -1.0, []
        eligible = [line for line in part.published if line.year and metric in line.values and not line.member]
        for line in sorted(eligible, key=lambda line: (line.year or 0, -float(line.values[metric]))):
            if not line.caveats.get(metric) and float(line.values[metric]) > best:
                best = float(line.values[metric])
                codes = (
                    row.repository for row in part.rescored if row.method.split(" ")[0] == line.method.split(" ")[0]
                )
                code = Markup('<a href="{0}">{1}</a>')
                links = Markup("").join(code.format(place, place.split("/")[-1]) for place in list(codes)[:1])
                source = SMALL.format(source_link(line.source), line.table) + links
                found.append([line.year, line.method, line.values[metric], source])
        score = Column.metric(metric, score=False)
        names = [Column("year", right=True), Column("method", main=True), score, Column("paper, code", kind="source")]
        return Table(names, found).html("plain few published") if len(found) > 1 else Markup()

    def ranks(self, mains: Sequence[Flat], ranks: Sequence[tuple[str, Mapping[int, Ranked]]]) -> Markup:
        """Each method with the ranks that it may have in each table."""

        def cell(metric: str, one: Ranked | None) -> Markup:
            if one is None:
                return UNKNOWN
            value = digits(one.row.scores[metric]["value"])
            return Markup('{}<span class="spread">{}</span>').format(_ranks(one), value)

        heads = [
            Column(
                table.name,
                self._draw.rank_head(table, part),
                right=True,
                text=partial(cell, part.metrics[0]),
                order=lambda one: one.rank if one else LAST,
                room="wide" if n > 1 else "",
            )
            for n, (table, part, _) in enumerate(mains)
        ]
        name = Markup('{} <code class="id">{}</code>')
        rows = [
            [name.format(self._draw.method_words(method, ""), method), *(found.get(n) for n in range(len(mains)))]
            for method, found in ranks
        ]
        return Table([Column("method", main=True), *heads], rows).html("ranks", sortable=True)

    def mistakes(self, part: Part) -> Iterator[Markup]:
        """What lies under false positives and what a cure would gain; and what is missed."""
        name = Column("method", of=lambda row: self._draw.method_head(row, part), main=True)
        for table in (markdown.causes(part, name), markdown.misses(part, name)):
            named = [
                replace(column, right=not column.name.startswith(("method", "missed, "))) for column in table.columns
            ]
            small = Markup("{} <small>{}</small>")
            cells = [[small.format(*v) if isinstance(v, tuple) else v for v in row[1:]] for row in table.rows]
            yield Table(named[1:], cells).html("plain")


_COUNTS = {"n": "what is scored"}
_ALIKE = "that share a letter cannot be told apart"
_OF_ROW = Column("metric"), Column("score", right=True, score=True, main=True, digits=3)


def _scores(metrics: Sequence[str], few: int, of: Callable[[str, Any], Any], **look: Any) -> list[Column]:
    """Columns of scores, of which a wide screen shows a `few` at first and a narrow one the first."""
    rooms = ("", *["wide"] * (few - 1), *["more"] * len(metrics))
    return [Column.metric(name, of=partial(of, name), room=room, **look) for name, room in zip(metrics, rooms)]


def _ranks(one: Ranked) -> str:
    return f"{one.low} to {one.high}" if one.high > one.low else str(one.low)


def _mark(caveats: Sequence[str] | None) -> Markup:
    return Markup('<sup title="{}">†</sup>').format(", ".join(caveats)) if caveats else Markup()


def _or_dash(value: Any) -> str:
    return str(value or "–")


def source_link(source: str) -> Markup:
    """The citation key, linked to its DOI, arXiv page or address."""
    key, _, place = source.partition(" ")
    address = re.sub(r"^doi:", "https://doi.org/", re.sub(r"^arXiv:", "https://arxiv.org/abs/", place))
    if not address.startswith("https://"):
        return escape(source)
    return Markup('<a href="{}">{}</a>').format(address, key)
