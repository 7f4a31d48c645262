"""The pages of named boards as Markdown: the index, a page for each board, and the list of all other tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mebench.boards import row_facts
from mebench.boards.file_links import link_files
from mebench.boards.guest_tables import GuestTable
from mebench.boards.method_names import MethodNames, method_title
from mebench.boards.named_boards import (
    ALL_KINDS,
    CHOSEN,
    FALSE_ALARMS,
    PRINTED,
    PROTOCOL,
    QUESTIONS,
    SEEDS,
    SELECTION,
    TIED,
    BoardContent,
    NamedBoard,
    RescoredSystem,
    board_contents,
    nearest_table_in_words,
    without_audit,
)
from mebench.boards.power import mean_rank, power_sentence, power_words
from mebench.boards.row_columns import score_of_hardest
from mebench.boards.rows import MARKS, BoardRow, BoardTable, Ranked, Rescored, settings_of_row
from mebench.boards.selection_gains import Gain
from mebench.boards.takeaways import ClaimError, Gains, takeaway_of
from mebench.metrics.catalogue import METRICS, find_metric
from mebench.output.number_format import NONE, format_ends, format_number, format_span, format_table_number
from mebench.output.table import Column, Markdown, MarkdownStyle, Table, markdown_text
from mebench.records.costs import COSTS
from mebench.score_type import UNDEFINED, Score

PAGES = "boards"
TABLES = "tables"
INDEX = "README.md"
EXPERIMENTS = "experiments.md"
MADE = "<!-- made by mebench leaderboard build -->"
"""First line of a page that may be written anew."""
NAMES = "names"
"""The row of answers by the names of clips and videos alone."""
OF_NAMES = (
    "A rule that reads the names of files alone, learnt on the training people ({settings}). Some datasets' names hold a code of the "
    "class or the place of the expression. A score below it needs no face to be explained."
)


OF_ANSWERS = (
    "Answers of the authors' own programs, scored by mebench under its strict rules, none of them run here. They are sorted by score "
    "and not tested against each other."
)
OF_PRINTED = "{} is the value of their paper, under its rules (†: with a caveat)."
RANKS_ARE_NO_TEST = "Ranks say how stable the order is; {test} is the test of differences ({guide})."
OF_RANKS = (
    "The mean rank is taken over draws of other people, among the rows of this page. All rows are scored on the same draws, each as its "
    "mean over seeds; the hardest people are the fifth on whom all rows score lowest."
)
ON_PAGE = MarkdownStyle(aligned=True, beside="&nbsp;", italic=True)
"""The main table of a page: no line break divides a score from its interval, and levels of chance are in italics."""
BESIDE = MarkdownStyle(aligned=True, beside=" ")
"""A table below it: intervals stand beside their scores."""


@dataclass(frozen=True)
class BoardPage:
    """A named board with its sentence.

    Attributes:
        content: rows, columns and settings that it shows.
        takeaway: the sentence to take away.
        gains: for a board of selection the gains of each other board's rows, by the board's short name and the row's method.
        other_gains: for a board of selection the gains in other scores.
        names: names of methods.
        guests: for a board of answers, a table for each set of questions.
    """

    content: BoardContent
    takeaway: str
    gains: Mapping[str, Mapping[str, Gain]]
    other_gains: Sequence[Gain] = ()
    names: MethodNames = field(default_factory=MethodNames)
    guests: Sequence[GuestTable] = ()

    @property
    def board(self) -> NamedBoard:
        """The board."""
        return self.content.board

    @property
    def methods_with_gain(self) -> set[str]:
        """The methods that have a gain on some board."""
        return {method for of_rows in self.gains.values() for method in of_rows}

    def settings_of_gain(self, method: str) -> str:
        """The settings of a method with a gain, on the first board that has one."""
        return next(of_rows[method].settings for of_rows in self.gains.values() if method in of_rows)

    def plain(self) -> dict[str, Any]:
        """The board as JSON values."""
        names = ("id", "title", "question", "task", "about")
        tables = [table.name for table in self.content.tables]
        tables += [table.name for table in self.guests]
        return {**{name: getattr(self.board, name) for name in names}, "takeaway": self.takeaway, "tables": tables}


def board_pages(
    boards: Sequence[NamedBoard],
    tables: Sequence[BoardTable],
    gains: Sequence[Gain],
    chance_ids: Iterable[str],
    names: MethodNames,
    notify: Callable[[str], object],
    guests: Sequence[GuestTable] = (),
) -> list[BoardPage]:
    """Each named board with its content and its sentence.

    Args:
        boards: the boards, in their order.
        tables: all tables.
        gains: all gains from selection on tested people.
        chance_ids: methods that are levels of chance.
        names: names of methods.
        notify: gets a sentence for each board whose sentence the tables do not bear: who leads is said instead.
        guests: all tables with columns of their own.
    """
    contents = board_contents(boards, tables, chance_ids)
    pages = []
    for content in contents:
        if content.board.task == QUESTIONS:
            pages.append(_page_of_guests(content, guests, names))
        else:
            pages.append(_page_of_rows(content, contents, gains, names, notify, tables))
    return pages


NO_ROW = "No row yet."
"""The sentence of a board without a row."""


def _page_of_rows(
    content: BoardContent,
    contents: Sequence[BoardContent],
    gains: Sequence[Gain],
    names: MethodNames,
    notify: Callable[[str], object],
    tables: Sequence[BoardTable],
) -> BoardPage:
    """The page of a board of runs or of public answers; on a board of selection with the gains of other boards."""
    gains_of_boards = _gains_of_boards(content, contents, gains)
    shown = [gain for of_rows in gains_of_boards.values() for gain in of_rows.values()]
    values = {
        board: [gain.score.value or 0.0 for gain in of_rows.values()] for board, of_rows in gains_of_boards.items()
    }
    sentence = _sentence(content, contents, {content.board.id: values}, notify)
    nearest = "" if content.tables or content.board.task == SELECTION else nearest_table_in_words(content.board, tables)
    if nearest and sentence == NO_ROW:
        sentence = f"{NO_ROW} {nearest}"
    shown_measures = {gain.measure for gain in shown}
    other_gains = [gain for gain in gains if shown and gain.measure not in shown_measures]
    return BoardPage(content, sentence, gains_of_boards, other_gains, names)


def _gains_of_boards(
    content: BoardContent, contents: Sequence[BoardContent], gains: Sequence[Gain]
) -> dict[str, dict[str, Gain]]:
    """The gains on each board that a board of selection names, by its column."""
    content_of = {other.board.id: other for other in contents}
    gains_of_boards = {}
    for id_ in content.board.boards:
        board = content_of[id_].board
        of_rows = _gains_on(content_of[id_], gains)
        if of_rows:
            gains_of_boards[board.short or board.title] = of_rows
    return gains_of_boards


def _page_of_guests(content: BoardContent, guests: Sequence[GuestTable], names: MethodNames) -> BoardPage:
    """The page of a board of answers: its sets in their order, and who leads the first one."""
    board = content.board
    own = [table for table in guests if table.part == board.part and (not board.sets or table.dataset in board.sets)]
    own.sort(key=lambda table: board.sets.index(table.dataset) if board.sets else 0)
    sentences = [f"On {table.dataset} {table.leader}." for table in own]
    return BoardPage(content, " ".join(sentences) or NO_ROW, {}, names=names, guests=own)


def _sentence(
    content: BoardContent,
    contents: Sequence[BoardContent],
    gains: Gains,
    notify: Callable[[str], object],
) -> str:
    """The sentence of a board; if the tables do not bear it, who leads, and a message."""
    has_rows = content.places or content.systems or gains[content.board.id]
    if not has_rows:
        return NO_ROW
    try:
        return takeaway_of(content, contents, gains)
    except ClaimError as error:
        notify(str(error))
        if content.board.task == SELECTION:
            return ""
        return takeaway_of(replace(content, board=replace(content.board, takeaway="")), contents, gains)


def _gains_on(content: BoardContent, gains: Sequence[Gain]) -> dict[str, Gain]:
    """The gains of the rows with a rank on a board, by method."""
    places = {(table.dataset, table.protocol) for table in content.tables}
    gains_here = [gain for gain in gains if gain.place in places]
    found: dict[str, Gain] = {}
    for row in content.rows:
        for gain in gains_here:
            if (gain.method_id, without_audit(gain.settings)) == (row.method, without_audit(row.settings)):
                found.setdefault(row.method, gain)
    return found


def board_page(page: BoardPage, folder: Path) -> str:
    """The page of a board as Markdown.

    Args:
        page: the board.
        folder: folder of the leaderboard, beside which cards of methods may lie.
    """
    board = page.board
    content = page.content
    lines = [MADE, "", f"# {board.title}", "", f"**{board.question}** {page.takeaway}".rstrip(), ""]
    if board.about:
        lines += [board.about, ""]
    if board.task == SELECTION:
        lines += _selection_lines(page, folder)
    elif board.task == QUESTIONS:
        lines += _guest_lines(page)
    elif content.is_measured:
        lines += _measured_lines(page, folder)
    elif content.systems:
        lines += _rescored_lines(page)
    for table in content.tables:
        protocol = f" under {table.protocol}" if len(content.tables) > 1 else ""
        lines += [
            f"All scores, settings, costs, versions and runs{protocol}: {_link_whole_table(table.name)}.",
            "",
        ]
    return "\n".join([*lines, "[All boards](../README.md)"]).rstrip() + "\n"


def _link_whole_table(name: str) -> str:
    """Links from a board's page to a table with all columns, and to its files."""
    return f"[the whole table](../{TABLES}/{name}.md), as {link_files(f'../{TABLES}/{name}')}"


def _guest_lines(page: BoardPage) -> list[str]:
    """The tables of a board of answers, and once how to read them."""
    lines = []
    for table in page.guests:
        lines += [*table.section_lines(), f"All scores, costs and scorers: {_link_whole_table(table.name)}.", ""]
    for guide in dict.fromkeys(table.guide for table in page.guests):
        lines += [guide, ""]
    return lines


class Notes:
    """Numbered notes below a table, each once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        """The mark of a note."""
        if text not in self.texts:
            self.texts.append(text)
        return f"<sup>{self.texts.index(text) + 1}</sup>"

    def list_lines(self) -> list[str]:
        """All notes."""
        return [f"<sup>{number}</sup> {markdown_text(text)}  " for number, text in enumerate(self.texts, 1)] + [""]


def _measured_lines(page: BoardPage, folder: Path) -> list[str]:
    """The tables of a board with ranked rows."""
    content = page.content
    notes = Notes()
    lines_of_board = places_and_levels(content)
    columns = [
        Column("rank", "#", right=True, text=lambda rank: str(rank or "")),
        Column(
            "method", "method (year)", of=lambda line: Markdown(_name_of_line(line, page, folder, notes)), main=True
        ),
        _score_with_interval(content.score, f"{_linked_metric(content.score, folder)} [95 %]", lambda line: line.row),
        *(_column_of_board(name, content, folder) for name in content.board.columns),
    ]
    levels = {position for position, line in enumerate(lines_of_board) if line.rank is None}
    table = Table.from_items(columns, lines_of_board, muted=levels)
    lines = [table.to_markdown(ON_PAGE), "", *notes.list_lines()]
    if power := power_sentence(content):
        lines += [power, ""]
    lines += _folded("How sure is the order?", _stability_lines(content, folder))
    lines += _folded("Costs and runs", [_origin_table(content).to_markdown(ON_PAGE)])
    if content.unranked:
        lines += [markdown_text(unranked_in_words(content)), ""]
    return lines


def _score_with_interval(metric: str, head: str, row_of: Callable[[Any], BoardRow | Rescored]) -> Column:
    """The column of the headline score with its interval, of lines that hold a row."""

    def score(line: Any) -> Score:
        return replace(row_of(line).scores[metric], lowest=None, highest=None)

    return Column(metric, head, of=score, digits=3, score=True, main=True)


def _column_of_board(name: str, content: BoardContent, folder: Path) -> Column:
    """A column beside rank, method and score; the head of a score leads to its definition."""
    head = _linked_metric(name, folder) if name in METRICS else head_of_column(name, content)

    def cell(line: Ranked) -> str:
        return _cell_of_level(name, line.row) if line.rank is None else cell_of_place(name, line, content)

    return Column(name, head, of=cell)


def places_and_levels(content: BoardContent) -> list[Ranked]:
    """The rows of a board by score. Levels of chance have no rank and stand where their score belongs."""
    worth = METRICS[content.score].sort_key
    lines = [*content.places, *(Ranked(row, None) for row in content.levels)]
    return sorted(lines, key=lambda line: -worth(content.value(line.row)))


def unranked_in_words(content: BoardContent) -> str:
    """The measured rows without a rank, each with its reasons, as a sentence."""
    reasons = ((method_title(row.method), ", ".join(row.marks), row.remark) for row in content.unranked)
    return f"Without a rank: {'; '.join(': '.join(filter(None, reason)) for reason in reasons)}."


def head_of_column(name: str, content: BoardContent) -> str:
    """The head of a column beside rank, method and score."""
    label = find_metric(content.score).label if content.score else ""
    heads = {
        TIED: "tied with #",
        CHOSEN: "epoch chosen on the tested people" if content.is_measured else "chosen on tested people",
        SEEDS: "seeds",
        PRINTED: f"printed {label}",
        ALL_KINDS: f"{label}, all kinds",
        FALSE_ALARMS: "false alarms a hit",
        PROTOCOL: "protocol",
    }
    return heads[name] if name in heads else find_metric(name).label


LONGEST_IN_NAME = 50
"""Signs of the settings that stand beside a method's name; longer ones, of tuned rows, stand in its note alone."""


def _linked_metric(name: str, folder: Path) -> str:
    """The label of a score, with a link to its definition.

    It is a link if the documentation lies beside the leaderboard.
    """
    metric = find_metric(name)
    page = "docs/reference/metrics.md" if "spotting" in metric.sections else "docs/reference/metrics_recognition.md"
    if metric.column:
        page = "docs/reference/metrics_put_in.md"
    return f"[{metric.label}](../../{page}#{metric.name})" if _lies_beside(folder, page) else metric.label


def _name_of_line(line: Ranked, page: BoardPage, folder: Path, notes: Notes) -> str:
    """The name of a row, or of a level of chance, with its notes."""
    if line.rank is None:
        return _name_of_level(line.row, notes)
    row = line.row
    name = _linked(row.method, page.names, folder)
    own_settings = _own_settings(row, page.content)
    if 0 < len(own_settings) <= LONGEST_IN_NAME:
        name += f", {markdown_text(own_settings)}"
    # Settings of its own, and of others of the method, are what a reader asks next.
    if row.settings:
        name += notes.mark(f"{method_title(row.method)}: {row.settings}")
    fact_of_mark = {fact.mark: row.facts.get(fact.name) for fact in row_facts.FACTS if fact.mark}
    for mark in row.marks:
        fact = fact_of_mark.get(mark)
        name += notes.mark(f"{method_title(row.method)}: {mark}: {fact}" if fact else f"{mark}: {MARKS[mark]}")
    is_told = len(own_settings) <= LONGEST_IN_NAME  # settings that stand in the name end with the sender
    return f"{name}, {markdown_text(row.sent_by)}" if row.sent_by and not is_told else name


def cell_of_place(column: str, place: Ranked, content: BoardContent) -> str:
    """The cell of a row in a column beside rank, method and score."""
    row = place.row
    if column == TIED:
        return tied_words(content.tied_ranks(place), place.rank or 0, len(content.places)) if row.group else NONE
    if column == SEEDS:
        return str(len(row.seeds))
    if column == CHOSEN:
        return _score_if_chosen(row, content)
    if column not in METRICS:  # a column of public answers
        return NONE
    return format_table_number(row.scores.get(column, UNDEFINED).value, decimals_of(column))


def _score_if_chosen(row: BoardRow, content: BoardContent) -> str:
    """The score if the epoch is chosen on tested people, and its gain."""
    chosen = content.find_chosen_row(row)
    if chosen is None:
        return NONE
    value = content.value(chosen)
    own = content.value(row)
    return NONE if value is None or own is None else f"{format_table_number(value)} ({value - own:+.3f})"


def decimals_of(metric: str) -> int:
    """The digits of a score behind the point: of a share three, of other scores one."""
    return 3 if METRICS[metric].scale == "share" else 1


def tied_words(ranks: Sequence[int], own: int, n_rows: int) -> str:
    """The ranks from which a row is not distinguishable, in words.

    Args:
        ranks: ranks of the other rows, in order.
        own: rank of the row, which interrupts no range.
        n_rows: number of rows.

    >>> tied_words([2, 3, 5], 4, 6), tied_words([1, 2], 3, 3), tied_words([], 1, 4)
    ('2 to 5', 'all others', 'none')
    """
    if not ranks:
        return "none"
    if len(ranks) == n_rows - 1:
        return "all others"
    ranges: list[list[int]] = []
    for rank in sorted(ranks):
        previous = rank - 1 if rank - 1 != own else own - 1
        if ranges and ranges[-1][1] == previous:
            ranges[-1][1] = rank
        else:
            ranges.append([rank, rank])
    return ", ".join(format_span(found) for found in ranges)


def _name_of_level(row: BoardRow, notes: Notes) -> str:
    """The name of a level of chance; that of names alone has a note."""
    name = f"*{markdown_text(level_name(row.method))}*"
    return name + notes.mark(OF_NAMES.format(settings=row.settings)) if row.method == NAMES else name


def _cell_of_level(column: str, row: BoardRow) -> str:
    """The cell of a level of chance in a column beside rank, method and score; empty without a value."""
    value = row.scores.get(column, UNDEFINED).value if column in METRICS else None
    return "" if value is None else format_table_number(value, decimals_of(column))


def level_name(method: str) -> str:
    """The name of a level of chance, for people."""
    return "from names alone, no pixel" if method == NAMES else method


def _linked(method: str, names: MethodNames, folder: Path, settings: str = "") -> str:
    """A method's name, linked to its card: with its year and its presets. A card lies beside the leaderboard."""
    card = folder.absolute().parent / "methods" / method.split(" + ")[0] / "README.md"
    name = markdown_text(names.with_year(method, settings))
    title = markdown_text(method_title(method))
    if not card.is_file():
        return name
    return name.replace(title, f"[{title}](../../methods/{method.split(' + ')[0]}/README.md)", 1)


def _unbroken_interval(score: Score) -> str:
    """The interval of a score, which no line break divides; empty without one."""
    return format_ends(score).replace(" ", "&nbsp;")


def _stability_lines(content: BoardContent, folder: Path) -> list[str]:
    """Stability of the order when other people are drawn, and scores on the hardest people."""
    people = max((row.hardest.people for row in content.rows if row.hardest), default=0)
    label = f"hardest {people} people: {find_metric(content.score).label}" if people > 1 else "hardest person"
    columns = [
        Column("rank", "#", right=True),
        Column("method", of=lambda place: _name_with_settings(place.row, content)),
        Column(
            "mean_rank", "mean rank with other people", of=lambda place: format_number(mean_rank(content, place.row), 1)
        ),
    ]
    if people:
        columns.append(Column("hardest", label, of=lambda place: score_of_hardest(place.row), digits=3, score=True))
    table = Table.from_items(columns, content.places)
    guide = _link_to_docs(folder, "Ranks on a leaderboard", "docs/reference/ranks.md", root="../..")
    note = RANKS_ARE_NO_TEST.format(test=f"*{tested_column(content)}*", guide=guide)
    return [table.to_markdown(BESIDE), "", f"{note} {OF_RANKS}"]


def _name_with_settings(row: BoardRow, content: BoardContent) -> str:
    """The title of a row's method, with settings of the row. These tell it from others of the method."""
    return ", ".join(filter(None, [method_title(row.method), _own_settings(row, content)]))


def tested_column(content: BoardContent) -> str:
    """The column that tests whether rows differ: on the board, or else in its whole table."""
    return "tied with" if TIED in content.board.columns else "not distinguishable"


def _own_settings(row: BoardRow, content: BoardContent) -> str:
    """The settings that tell a row from others of its method on the board."""
    return settings_of_row(row, content.rows)


def _origin_table(content: BoardContent) -> Table:
    """Training time, size and runs of each row."""

    def runs(place: Ranked) -> Markdown:
        links = [f"[seed {seed}](../records/{run})" for seed, run in zip(place.row.seeds, place.row.runs)]
        return Markdown(", ".join(links))

    columns = [
        Column("rank", "#", right=True),
        Column("method", of=lambda place: method_title(place.row.method)),
        Column("fit_seconds", "training, s", of=partial(_cost_in_words, "fit_seconds")),
        Column("parameters", of=partial(_cost_in_words, "parameters")),
        Column("runs", of=runs),
    ]
    return Table.from_items(columns, content.places)


def _cost_in_words(name: str, place: Ranked) -> str:
    """A cost of a row."""
    costs = place.row.costs
    return COSTS[name].write(costs[name]) if name in costs else NONE


def _rescored_lines(page: BoardPage) -> list[str]:
    """The table of a board of answers that authors published."""
    content = page.content
    head = f"{find_metric(content.score).label}, strict [95 %]"
    columns = [
        Column("method", "method (year)", of=lambda system: page.names.of_system(system.row.method), main=True),
        _score_with_interval(content.score, head, lambda system: system.row),
        *(
            Column(name, head_of_column(name, content), of=partial(cell_of_system, name, content=content))
            for name in content.board.columns
        ),
    ]
    table = Table.from_items(columns, content.systems)
    return [table.to_markdown(ON_PAGE), "", f"{OF_ANSWERS} {OF_PRINTED.format('*Printed*')}", ""]


def cell_of_system(column: str, system: RescoredSystem, content: BoardContent) -> str:
    """The cell of a rescored system in a column beside method and score."""
    if column == PRINTED:
        return system.printed or NONE
    if column == ALL_KINDS:
        return NONE if system.overall is None else format_table_number(content.value(system.overall))
    if column == CHOSEN:
        return NONE if system.chosen is None else format_table_number(content.value(system.chosen))
    if column == FALSE_ALARMS:
        precision = system.row.scores["precision"].value
        return f"{1 / precision - 1:.1f}" if precision else "no hit"
    if column == PROTOCOL:
        return ", ".join(system.protocols)
    return format_table_number(system.row.scores.get(column, UNDEFINED).value)


def _selection_lines(page: BoardPage, folder: Path) -> list[str]:
    """The tables of gains: a row for each method and a column for each board, then those in other scores."""
    columns = [
        Column(
            "method",
            "method (year)",
            of=lambda method: Markdown(_linked(method, page.names, folder, page.settings_of_gain(method))),
        ),
        *(Column(board, of=of_rows.get, text=_write_gain) for board, of_rows in page.gains.items()),
    ]
    lines = [Table.from_items(columns, methods_by_gain(page)).to_markdown(), ""]
    if page.other_gains:
        lines += ["## In other scores", "", _table_of_other_gains(page.other_gains).to_markdown(), ""]
    about = "All gains with seeds, candidates and the rule of each paper's program"
    return [*lines, f"{about}: {_link_whole_table(SELECTION)}.", ""]


def methods_by_gain(page: BoardPage) -> list[str]:
    """The methods of a board of selection, the largest gain on any board first."""

    def largest(method: str) -> float:
        return max(_sortable(of_rows.get(method)) for of_rows in page.gains.values())

    return sorted(page.methods_with_gain, key=lambda name: (-largest(name), name))


def _table_of_other_gains(gains: Sequence[Gain]) -> Table:
    """The gains in other scores."""

    def name(gain: Gain) -> str:
        return gain.method.replace(gain.method_id, method_title(gain.method_id), 1)

    def difference(gain: Gain) -> Markdown:
        return Markdown(f"**{gain.score.value:+.3f}** {format_ends(gain.score)}")

    columns = [
        Column("method", of=name),
        Column("dataset"),
        Column("measure", "score"),
        Column("leaking", "chosen", digits=3),
        Column("honest", digits=3),
        Column("gain", "gain [95 %]", of=difference),
        Column("candidates"),
    ]
    return Table.from_items(columns, gains)


def _sortable(gain: Gain | None) -> float:
    """A gain as a number that sorts; a missing one comes last."""
    return float("-inf") if gain is None or gain.score.value is None else float(gain.score.value)


def _write_gain(gain: Gain | None) -> str:
    """A gain with its interval below."""
    if gain is None or gain.score.value is None:
        return NONE
    return f"**{gain.score.value:+.3f}**<br>{format_ends(gain.score)}"


def _folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines that open on a click."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def index_page(pages: Sequence[BoardPage], tables: Sequence[BoardTable], folder: Path) -> str:
    """The index of all boards as Markdown.

    Args:
        pages: the boards.
        tables: all tables.
        folder: folder of the leaderboard, beside which the documentation may lie.
    """
    lines = [MADE, "", "# Leaderboards", ""]
    finding = next((page for page in pages if page.board.task == SELECTION and page.takeaway), None)
    if finding:
        lines += [f"How good are micro-expression methods, really? {finding.takeaway}", ""]
    if pages:
        lines += [
            "Compare rows within a board only. *Tied*: not distinguishable at 5 %, all pairs of the board together. Each score has a 95 % "
            "interval over people. With several seeds everything concerns their mean.",
            "",
        ]
    for group in dict.fromkeys(page.board.group for page in pages):
        of_group = [page for page in pages if page.board.group == group]
        lines += [f"## {group}", "", Table.from_items(INDEX_COLUMNS, of_group).to_markdown(), ""]
    others = other_tables(pages, tables)
    guide = _link_to_docs(folder, "Keep a leaderboard of your own", "docs/how_to/board.md")
    lines += [
        f"All tables that are no board are [experiments]({EXPERIMENTS}): {len(others)} of them.",
        f"Every table lies in [{TABLES}]({TABLES}) as Markdown, CSV, JSON and LaTeX.",
        "",
        f"To publish a run, to score public answers again or to name a board of your own, see {guide}.",
    ]
    return "\n".join(lines) + "\n"


def _link_to_docs(folder: Path, title: str, place: str, root: str = "..") -> str:
    """A page of the documentation: a link if it lies beside the leaderboard, as in the repository.

    Args:
        folder: folder of the leaderboard.
        title: title of the page.
        place: path of the page in the repository.
        root: relative path to the repository.
    """
    return f"[{title}]({root}/{place})" if _lies_beside(folder, place) else f"*{title}* in the documentation"


def _lies_beside(folder: Path, place: str) -> bool:
    """Whether a file of the repository lies beside the leaderboard."""
    return (folder.absolute().parent / place).is_file()


def _link_board(page: BoardPage) -> Markdown:
    """The title of a board, which leads to its page, and its question below."""
    board = page.board
    return Markdown(f"**[{markdown_text(board.title)}]({PAGES}/{board.id}.md)**<br>{markdown_text(board.question)}")


def number_of_rows(page: BoardPage) -> int:
    """Rows of a board: methods, systems, or methods with a gain."""
    if page.board.task == SELECTION:
        return len(page.methods_with_gain)
    if page.guests:
        return sum(table.n_methods for table in page.guests)
    return len(page.content.places) or len(page.content.systems)


def who_leads(page: BoardPage) -> str:
    """The best row of a board, its score, and with whom it is tied."""
    content = page.content
    if page.board.task == SELECTION:
        return _largest_gain(page)
    if page.guests:
        leaders = [f"{markdown_text(table.dataset)}: {markdown_text(table.leader)}" for table in page.guests]
        return "<br>".join(leaders)
    if content.is_measured:
        return _measured_leader(page)
    if content.systems:
        return _first_system(page)
    return NONE


def _largest_gain(page: BoardPage) -> str:
    """The largest gain on any board, and the range of gains on the first one."""
    every = [(gain, method, board) for board, of_rows in page.gains.items() for method, gain in of_rows.items()]
    if not every:
        return NONE
    gain, method, board = max(every, key=lambda one: _sortable(one[0]))
    first_board, of_first = next(iter(page.gains.items()))
    values = [_sortable(gain) for gain in of_first.values()]
    name = markdown_text(page.names.with_year(method, gain.settings))
    score, _, _ = gain.measure.partition(" ")
    largest = f"largest gain: {gain.score.value:+.3f} {score}, {name}, {markdown_text(board)}"
    return f"{largest}<br>{markdown_text(first_board)}: {min(values):+.3f} to {max(values):+.3f}"


def _first_system(page: BoardPage) -> str:
    """The rescored system with the best score; such systems are not tested against each other."""
    content = page.content
    first = content.systems[0]
    name = markdown_text(page.names.of_system(first.row.method))
    number = f"{format_table_number(content.value(first.row))} {find_metric(content.score).label}"
    interval = _unbroken_interval(first.row.scores[content.score])
    is_alone = len(content.systems) == 1
    standing = "the only public answers" if is_alone else "public answers, not tested against each other"
    return f"{name} {number} {interval}".rstrip() + f"<br>{standing}"


def _measured_leader(page: BoardPage) -> str:
    """The measured row with rank 1; that there is no leader, if all are tied."""
    content = page.content
    best = content.places[0]
    score = best.row.scores[content.score]
    number = f"{format_table_number(score.value)} {find_metric(content.score).label}"
    interval = _unbroken_interval(score)
    name = markdown_text(page.names.with_year(best.row.method, best.row.settings))
    words = f"{name} {number} {interval}".rstrip()
    tied = content.tied_ranks(best)
    power = power_words(content)
    found = f"; {power}" if power else ""
    n_others = len(content.places) - 1
    if not n_others:
        return f"{words}<br>the only method"
    if set.intersection(*(set(row.groups) for row in content.rows)):
        lowest = format_table_number(content.value(content.rows[-1]))
        return f"no leader: all {n_others + 1} are tied, {lowest} to {number}{found}<br>first: {name} {interval}"
    everyone = f"all {n_others} others" if n_others > 1 else "the other one"
    if not tied:
        return f"{words}<br>better than {everyone}" if best.row.group else words
    if len(tied) == n_others:
        return f"{words}<br>tied with {everyone}{found}"
    return f"{words}<br>tied with {len(tied)} of the {n_others} others{found}"


INDEX_COLUMNS = (
    Column("board", of=_link_board),
    Column("who leads", of=lambda page: Markdown(who_leads(page))),
    Column("rows", of=lambda page: str(number_of_rows(page) or NONE)),
)
"""The columns of the index."""


def other_tables(pages: Sequence[BoardPage], tables: Sequence[BoardTable]) -> list[BoardTable]:
    """The tables that are on no named board."""
    named = {table.name for page in pages for table in page.content.tables}
    return [table for table in tables if table.name not in named]


def experiments_page(pages: Sequence[BoardPage], tables: Sequence[BoardTable]) -> str:
    """The list of all tables that are on no named board."""
    lines = [MADE, "", "# Experiments", "", "Tables that are no board, by task, dataset and protocol.", ""]
    others = other_tables(pages, tables)
    columns = [
        Column("table", of=lambda table: Markdown(f"[{markdown_text(table.title)}]({TABLES}/{table.name}.md)")),
        Column("rows", of=lambda table: len(table.parts[0].rows) + len(table.parts[0].rescored)),
        Column("as", of=lambda table: Markdown(link_files(f"{TABLES}/{table.name}"))),
    ]
    lines.append(Table.from_items(columns, others).to_markdown() if others else "There is none.")
    return "\n".join([*lines, "", f"[All boards]({INDEX})"]) + "\n"
