"""The named boards of a leaderboard, as `boards.yaml` lists them: which tables, rows and columns each one shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml

from mebench.boards.rows import BoardRow, BoardTable, Part, Ranked, Rescored, rank_rows
from mebench.errors import ConfigError, check_known
from mebench.files import read_yaml
from mebench.metrics.catalogue import METRICS

FILE = "boards.yaml"
SELECTION = "selection"
"""The task of a board of gains from selection on tested people."""
TIED = "tied"
CHOSEN = "chosen"
SEEDS = "seeds"
PRINTED = "printed"
ALL_KINDS = "all_kinds"
FALSE_ALARMS = "false_alarms"
PROTOCOL = "protocol"
QUESTIONS = "questions"
"""The task of a board of answers to questions."""
ASKED_ABOUT = ("clips", "videos")
"""Topics of questions: the parts of such a board."""
MEASURED_COLUMNS = (TIED, CHOSEN, SEEDS)
RESCORED_COLUMNS = (PRINTED, ALL_KINDS, CHOSEN, FALSE_ALARMS, PROTOCOL)
MOST_COLUMNS = 4
"""Most columns beside rank, method and score: seven in all fit a screen."""


@dataclass(frozen=True)
class NamedBoard:
    """A board with a name.

    Attributes:
        id: name of its page.
        title: its name for people.
        question: the question that it answers.
        task: `spotting`, `analysis`, `recognition`, `selection` for the gains of other boards, or `questions` for answers to questions.
        group: heading of the index under which it stands.
        dataset: id of the dataset.
        protocol: protocols, whose tables make one board.
        settings: the non-default settings of dataset and protocol, as the list of experiments names them.
        scheme: the emotion scheme; by default the first one of the dataset.
        part: part of the tables, such as `micro`; the first by default. Of questions: `clips` or `videos`.
        score: the headline score, which sorts; the first of the part by default.
        columns: columns beside rank, method and score: names of metrics, and `tied`, `chosen`, `seeds`, or for rescored answers
            `printed`, `all_kinds`, `chosen`, `false_alarms`, `protocol`.
        leave_out: rows with one of these texts among their settings are no rows of the board.
        about: facts that all rows share, in a sentence or two.
        takeaway: the sentence to take away, see `takeaways`.
        short: its name where the boards of a selection are columns.
        boards: ids of the boards whose gains a selection shows.
        sets: the sets of questions that a board of answers shows, in their order; all by default.
    """

    id: str
    title: str
    question: str
    task: str
    group: str = "Boards"
    dataset: str = ""
    protocol: tuple[str, ...] = ()
    settings: str = ""
    scheme: str = ""
    part: str = ""
    score: str = ""
    columns: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    about: str = ""
    takeaway: str = ""
    short: str = ""
    boards: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()

    def shows_table(self, table: BoardTable) -> bool:
        """Whether a table belongs to the board."""
        has_data = (table.task, table.dataset) == (self.task, self.dataset) and table.protocol in self.protocol
        settings = [setting for setting in table.variant.split("; ") if setting]
        settings_of_data = [setting for setting in settings if not setting.startswith("scheme ")]
        # The variant of a table with the first scheme of its dataset names no scheme.
        has_scheme = table.scheme == self.scheme if self.scheme else settings == settings_of_data
        return has_data and has_scheme and "; ".join(settings_of_data) == self.settings


def read_named_boards(folder: Path) -> list[NamedBoard]:
    """The boards that `boards.yaml` in a leaderboard's folder names, in their order; none without the file.

    Raises:
        ConfigError: the file cannot be read, or an entry has another form.
    """
    file = folder / FILE
    if not file.is_file():
        return []
    try:
        entries = read_yaml(file)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{file} cannot be read ({type(error).__name__}: {error}): expected a list of boards"
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ConfigError(f"{file} must hold a list of boards, each with id, title, question and task")
    boards = [_read_board(file, entry) for entry in entries]
    ids = [board.id for board in boards]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise ConfigError(f"{file} names two boards {id_}: give each an id of its own")
    for board in boards:
        for other in board.boards:
            check_known("board", other, ids, where=f"{file}, boards of {board.id}")
    return boards


def _read_board(file: Path, entry: Mapping[str, Any]) -> NamedBoard:
    """One entry of the file as a board.

    Raises:
        ConfigError: it has another form.
    """
    where = f"{file}, board {entry.get('id', '')}".rstrip()
    names = [field.name for field in fields(NamedBoard)]
    for key in entry:
        check_known("key", str(key), names, where=where)
    lacking = [name for name in ("id", "title", "question", "task") if not entry.get(name)]
    if lacking:
        raise ConfigError(f"{where}: {', '.join(lacking)} is missing")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        values[key] = _as_tuple(value) if key in LISTS else " ".join(str(value).split())
    board = NamedBoard(**values)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,60}", board.id):
        raise ConfigError(f"{where}: an id has small letters, digits, - and _, and names the page")
    check_known("task", board.task, ("spotting", "analysis", "recognition", SELECTION, QUESTIONS), where=where)
    if board.task == SELECTION:
        if not board.boards:
            raise ConfigError(f"{where}: boards must name the boards whose gains it shows")
        return board
    if board.task == QUESTIONS:
        check_known("part", board.part, ASKED_ABOUT, where=where)
        return board
    if not board.dataset or not board.protocol:
        raise ConfigError(f"{where}: dataset and protocol must say which tables it shows")
    if board.score:
        check_known("metric", board.score, METRICS, where=where)
    for column in board.columns:
        check_known("column", column, {*METRICS, *MEASURED_COLUMNS, *RESCORED_COLUMNS}, where=where)
    if len(board.columns) > MOST_COLUMNS:
        raise ConfigError(
            f"{where}: {len(board.columns)} columns beside rank, method and score do not fit a screen: name at most {MOST_COLUMNS}"
        )
    return board


LISTS = ("protocol", "columns", "leave_out", "boards", "sets")
"""The fields of an entry that may hold several values."""


def _as_tuple(value: Any) -> tuple[str, ...]:
    """One or several values as a tuple of texts."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def with_titles(tables: Sequence[BoardTable], boards: Sequence[NamedBoard]) -> list[BoardTable]:
    """The tables under the titles of their boards; several of one board are told apart by their protocols."""
    titled = []
    for table in tables:
        board = next((board for board in boards if board.shows_table(table)), None)
        if board is None:
            titled.append(table)
        else:
            is_alone = sum(board.shows_table(other) for other in tables) == 1
            titled.append(
                replace(table, board=board.title if is_alone else f"{board.title}, protocol {table.protocol}")
            )
    return titled


@dataclass(frozen=True)
class BoardContent:
    """What a board shows.

    Attributes:
        board: the board.
        tables: its tables; empty if none was built.
        parts: the part of each table that it shows.
        score: name of its headline score.
        places: its measured rows with their ranks, the best first.
        levels: its levels of chance.
        unranked: measured rows without a rank that no selection on tested people explains.
        systems: its rescored systems, the best first.
    """

    board: NamedBoard
    tables: tuple[BoardTable, ...]
    parts: tuple[Part, ...]
    score: str
    places: tuple[Ranked, ...] = ()
    levels: tuple[BoardRow, ...] = ()
    unranked: tuple[BoardRow, ...] = ()
    systems: tuple[RescoredSystem, ...] = ()

    @property
    def rows(self) -> list[BoardRow]:
        """The measured rows with a rank, the best first."""
        return [entry.row for entry in self.places]

    @property
    def is_measured(self) -> bool:
        """Whether runs are ranked; otherwise answers of others are scored again."""
        return bool(self.places)

    def value(self, row: BoardRow | Rescored) -> float | None:
        """The headline score of a row."""
        return row.scores[self.score].value

    def find_chosen_row(self, row: BoardRow) -> BoardRow | None:
        """The row of the same trainings that chose its epoch on tested people; or None."""
        for part in self.parts:
            for other in part.rows:
                is_same = (other.method, without_audit(other.settings)) == (row.method, without_audit(row.settings))
                if is_same and other.selection == "test":
                    return other
        return None

    def tied_ranks(self, place: Ranked) -> list[int]:
        """The ranks of the other rows from which a row is not distinguishable."""
        groups = set(place.row.groups)
        others = (other for other in self.places if other is not place)
        return [other.rank or 0 for other in others if groups & set(other.row.groups)]


def without_audit(settings: str) -> str:
    """Settings without the rule by which a leaking run chooses.

    >>> without_audit("epochs=28; precision=bf16, audit=leak_last"), without_audit("audit=leak")
    ('epochs=28; precision=bf16', '')
    """
    return re.sub(r"(^|; |, )audit=\w+", "", settings)


@dataclass(frozen=True)
class RescoredSystem:
    """The public answers of one system under the strict rules, a line of a board. No kind of row: it holds several readings.

    Attributes:
        row: its scores under the strict rules, without a choice on tested people where there is such a reading.
        printed: the headline score that the paper prints, or empty.
        overall: the same reading over all kinds of expressions, or None.
        chosen: the best reading whose epoch or threshold was chosen on tested people, or None.
        later: the reading of intervals moved by half a window, or None.
        protocols: the protocols of the tables that hold it.
    """

    row: Rescored
    printed: str
    overall: Rescored | None
    chosen: Rescored | None
    later: Rescored | None
    protocols: tuple[str, ...]


def nearest_table_in_words(board: NamedBoard, tables: Sequence[BoardTable]) -> str:
    """What a board without a table has to say to show the nearest.

    Empty if none is of its task and dataset.
    """
    of_data = [table for table in tables if (table.task, table.dataset) == (board.task, board.dataset)]
    if not of_data:
        return ""
    nearest = max(of_data, key=lambda table: (table.protocol in board.protocol, _likeness(board, table)))
    names_scheme = any(setting.startswith("scheme ") for setting in nearest.variant.split("; "))
    settings = "; ".join(
        setting for setting in nearest.variant.split("; ") if setting and not setting.startswith("scheme ")
    )
    differing = [
        f"protocol: {nearest.protocol}" if nearest.protocol not in board.protocol else "",
        f'settings: "{settings}"' if settings != board.settings else "",
        f"scheme: {nearest.scheme}" if board.scheme != nearest.scheme and (board.scheme or names_scheme) else "",
    ]
    return f"The nearest table is {nearest.settings_title}: write {', '.join(filter(None, differing))}."


def _likeness(board: NamedBoard, table: BoardTable) -> float:
    """How alike the settings of a board and a table are, from 0 to 1."""
    return SequenceMatcher(None, board.settings, table.variant).ratio()


def board_contents(
    boards: Sequence[NamedBoard], tables: Sequence[BoardTable], chance_ids: Iterable[str]
) -> list[BoardContent]:
    """What each board shows of the tables."""
    ids = set(chance_ids)
    return [_content_of(board, [table for table in tables if board.shows_table(table)], ids) for board in boards]


def _content_of(board: NamedBoard, tables: Sequence[BoardTable], chance_ids: set[str]) -> BoardContent:
    """What a board shows."""
    own_tables: list[BoardTable] = []
    parts: list[Part] = []
    for table in tables:
        part = _part_of(board, table)
        if part is not None:
            own_tables.append(table)
            parts.append(part)
    score = board.score or (parts[0].metrics[0] if parts else "")
    empty = BoardContent(board, tuple(own_tables), tuple(parts), score)
    if not any(part.rows for part in parts):
        return replace(empty, systems=tuple(_systems(empty)))
    return _with_measured_rows(empty, chance_ids)


def _with_measured_rows(content: BoardContent, chance_ids: set[str]) -> BoardContent:
    """A board with the rows of its parts: the ranked ones, those without a rank, and levels of chance."""
    board = content.board
    parts = content.parts
    score = content.score
    rows = [row for part in parts for row in part.rows]
    rows = [row for row in rows if not any(text in row.settings for text in board.leave_out)]
    ranked_rows = [entry for part in parts for entry in _ranked_rows_of(board, part, chance_ids)]
    ranked_rows = [entry for entry in ranked_rows if entry.row in rows]
    ranked_rows.sort(key=lambda entry: -METRICS[score].sort_key(entry.row.scores[score].value))
    numbered = tuple(replace(entry, rank=rank) for rank, entry in enumerate(ranked_rows, 1))
    levels_of_chance = [row for row in rows if not row.measured or row.method in chance_ids]
    return replace(
        content,
        places=numbered,
        levels=tuple(row for row in levels_of_chance if row.scores[score].value is not None),
        unranked=tuple(_rows_without_rank(rows, ranked_rows, levels_of_chance)),
    )


def _rows_without_rank(
    rows: Sequence[BoardRow], ranked_rows: Sequence[Ranked], levels_of_chance: Sequence[BoardRow]
) -> list[BoardRow]:
    """The rows of methods that are neither ranked nor chosen on tested people."""
    shown_ids = {id(row) for row in levels_of_chance}
    for entry in ranked_rows:
        shown_ids |= {id(row) for row in (entry.row, *entry.pairs)}
    return [row for row in rows if id(row) not in shown_ids and not row.chosen_on_tested]


def _part_of(board: NamedBoard, table: BoardTable) -> Part | None:
    """The part of a table that a board shows, or None."""
    return next((part for part in table.parts if part.name == (board.part or table.parts[0].name)), None)


def _ranked_rows_of(board: NamedBoard, part: Part, chance_ids: set[str]) -> list[Ranked]:
    """The rows of a part with a rank."""
    return [
        entry for entry in rank_rows(part, chance_ids, join_pairs=board.task == "spotting") if entry.rank is not None
    ]


def _systems(content: BoardContent) -> Iterable[RescoredSystem]:
    """The rescored systems of a board under the strict rules, the best first."""
    by_method: dict[str, list[tuple[BoardTable, Rescored]]] = {}
    for table, part in zip(content.tables, content.parts):
        for row in part.rescored:
            name = re.sub(r" \(intervals .*later\)$", "", row.method)
            by_method.setdefault(name, []).append((table, row))
    found = [_system(content, name, own) for name, own in by_method.items()]
    systems = [system for system in found if system is not None]
    return sorted(systems, key=lambda system: -METRICS[content.score].sort_key(content.value(system.row)))


def _system(content: BoardContent, name: str, own: Sequence[tuple[BoardTable, Rescored]]) -> RescoredSystem | None:
    """A system of a board; None if its answers were not scored under the strict rules.

    Args:
        content: the board.
        name: name of the system.
        own: its readings with their tables.
    """
    readings = [row for _, row in own]
    later = []
    honest = []
    chosen = []
    for row in readings:
        if row.convention != "strict":
            continue
        if "later" in row.reading or row.method != name:
            later.append(row)
        elif "test_selected" in row.reading:
            chosen.append(row)
        else:
            honest.append(row)
    if not honest:
        return None
    # Of several honest readings the one that needs no choice of an epoch.
    main = next((row for row in honest if "last epoch" in row.reading), honest[0])
    printed = [row.printed[content.score] for row in readings if content.score in row.printed]
    return RescoredSystem(
        row=main,
        printed=next(iter(printed), ""),
        overall=_overall_row(content, main),
        chosen=max(chosen, key=lambda row: METRICS[content.score].sort_key(content.value(row)), default=None),
        later=next(iter(later), None),
        protocols=tuple(dict.fromkeys(table.protocol for table, _ in own)),
    )


def _overall_row(content: BoardContent, row: Rescored) -> Rescored | None:
    """The same reading of a system, scored over all kinds together; None if there is none."""
    parts = [part for table in content.tables for part in table.parts]
    overall = [part for part in parts if part.name == "overall"]
    rows = [other for part in overall for other in part.rescored]
    return next((other for other in rows if (other.method, other.reading) == (row.method, row.reading)), None)
