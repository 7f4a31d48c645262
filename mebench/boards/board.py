"""The content of a leaderboard (runs, records, published results and rescored files), and its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from mebench.boards.build import build_tables
from mebench.boards.collect import Notify, collect_finished_runs, collect_records, unique_records
from mebench.boards.disagreements import with_doubts, with_senders
from mebench.boards.included import IncludedBoards, add_included, included_folder, place_in_board, read_included
from mebench.boards.named_boards import FILE as BOARDS, NamedBoard, read_named_boards, with_titles
from mebench.boards.published_tables import (
    ScoredSource,
    collect_rescored,
    rescored_rows,
    with_published,
    with_rescored,
)
from mebench.boards.question_rows import (
    FOLDER as QUESTIONS_FOLDER,
    QuestionTable,
    build_question_tables,
    collect_answer_records,
)
from mebench.boards.record_registry import Registry
from mebench.boards.rows import BoardTable
from mebench.boards.selection_gains import Gain, selection_gains
from mebench.errors import MebenchError, RunError
from mebench.records.matching_published import ALIASES_FILE, Alias, read_aliases
from mebench.records.published import PublishedValue, read_published
from mebench.records.record import Record, UnshownError
from mebench.reproduction.papers import Paper, read_paper
from mebench.reproduction.rescore import RESCORED_FOLDER, list_sources
from mebench.runs.folder import RunFolder
from mebench.vqa.answer_records import AnswerRecord

RECORDS = "records"
PUBLISHED = "published.csv"
PAPERS = "papers"
T = TypeVar("T")


@dataclass(frozen=True)
class Board:
    """The content of a leaderboard.

    Attributes:
        records: the runs, each once.
        published: results printed by others.
        aliases: published datasets and protocols with the measured ones that match them.
        rescored: files of others.
        papers: papers whose programs select on tested subjects, and how.
        named: the named boards.
        answered: records of answers to questions.
        included: the measured boards of the package, where they stand in for records.
    """

    records: Sequence[Record]
    published: Sequence[PublishedValue]
    aliases: Sequence[Alias]
    rescored: Sequence[ScoredSource]
    papers: Sequence[Paper]
    named: Sequence[NamedBoard] = ()
    answered: Sequence[AnswerRecord] = ()
    included: IncludedBoards = field(default_factory=IncludedBoards)

    def make_tables(self) -> list[BoardTable]:
        """The tables with published results, each under the title of its named board.

        Raises:
            UnshownError: some records cannot be shown in a table; the others can.
        """
        measured = add_included(build_tables(self.records), self.included.tables)
        extended = with_rescored(measured, list(rescored_rows(self.rescored, self.published)), self.aliases)
        return with_titles([with_published(table, self.published, self.aliases) for table in extended], self.named)

    def compute_gains(self) -> list[Gain]:
        """The gains from selection on tested subjects."""
        own = selection_gains(self.records, self.papers, self.published, self.aliases, self.rescored)
        by_name = {_name_gain(gain): gain for gain in own}
        known = [by_name.pop(_name_gain(gain), gain) for gain in self.included.gains]
        return [*known, *by_name.values()]

    def question_tables(self) -> list[QuestionTable]:
        """The tables of answers to questions."""
        return build_question_tables(self.answered)

    def render(self, show: Callable[[Board], T], notify: Notify) -> T:
        """The result of `show` on the board without the records that it cannot show; each such record is reported in a
        sentence.
        """
        try:
            return show(self)
        except UnshownError as error:  # only an attempt reveals the records that cannot be shown
            for run_id, why in error.reasons.items():
                notify(f"{run_id} is left out: it cannot be shown ({why})")
            sound = [record for record in self.records if record.id not in error.reasons]
            return replace(self, records=sound).render(show, notify)


def _name_gain(gain: Gain) -> tuple[str, tuple[str, str], str]:
    """What makes a gain the same in two lists: of which system, where, in which score."""
    return gain.method, gain.place, gain.measure


def read_board(runs: Path, folder: Path, notify: Notify, kept: Path | None = None) -> Board:
    """Collect a board from run folders.

    Args:
        runs: folder of run folders, or `none`.
        folder: folder of records, published results and papers, such as `leaderboards`.
        notify: gets a sentence for everything that is left out.
        kept: folder of records, `records` in `folder` by default; or `none`; or `included`, the tables of the package. These are also
            taken by an installed package where there is no such folder.

    Raises:
        RunError: there is nothing to show.
    """
    if not runs.is_dir() and str(runs) != "none":
        others = (
            "included boards" if included_folder(folder / RECORDS, kept) else f"records in {kept or folder / RECORDS}"
        )
        notify(f"there is no folder {runs}: only the {others} count. Name the folder of your runs with --runs")
    return board_of(collect_finished_runs(runs, notify), str(runs), folder, notify, kept)


def board_of(found: Sequence[Record], source: str, folder: Path, notify: Notify, kept: Path | None = None) -> Board:
    """Collect a board of some runs.

    Args:
        found: the runs.
        source: the folder of the search, in words.
        folder: the folder of `read_board`; its records count too.
        notify: as in `read_board`.
        kept: as in `read_board`.

    Raises:
        MebenchError: every record of the folder was refused.
        RunError: there is nothing to show.
    """
    records_folder = kept or folder / RECORDS
    package = included_folder(folder / RECORDS, kept)
    committed = [] if package else collect_records(records_folder, notify)
    if not committed and not package:
        _check_that_no_record_is_there(records_folder)
    registry = Registry.read(folder)
    every = with_senders([*found, *committed], registry)
    records = with_doubts(unique_records(every, notify), registry)
    place = partial(place_in_board, folder, package)
    file = place(PUBLISHED)
    published = read_published(file) if file.is_file() else []
    aliases = read_aliases(place(ALIASES_FILE))
    rescored = collect_rescored(place(RESCORED_FOLDER), notify)
    answered = collect_answer_records(place(QUESTIONS_FOLDER), notify)
    included = read_included(package) if package else IncludedBoards()
    if not records and not package:
        nothing = f"no finished run in {source} and no record in {records_folder}"
        advice = "make one with mebench run, or name the folder of your runs with --runs"
        if not published and not rescored and not answered:
            raise RunError(f"{nothing}: {advice}")
        notify(f"{nothing}, so the page has only published values: {advice}")
    papers = [read_paper(place(PAPERS), name) for name in list_sources(place(PAPERS))]
    named = read_named_boards(place(BOARDS).parent)
    return Board(records, published, aliases, rescored, papers, named, answered, included)


def _check_that_no_record_is_there(records_folder: Path) -> None:
    """Refuse a folder of records of which not one counts: its tables would lose all their rows.

    Raises:
        MebenchError: the folder holds records.
    """
    refused = sorted(file.parent.name for file in records_folder.glob("[!.]*/record.json"))
    if refused:
        raise MebenchError(
            f"all {len(refused)} records in {records_folder} are left out, for the reasons above, so nothing is written. "
            "Get them again as they were published (git checkout restores committed ones), or pass --records none"
        )


def ids_there(runs: Path, folder: Path) -> set[str]:
    """Ids of all runs in folders, finished or not, and of all records; the arguments are those of `read_board`."""
    return {
        *(file.parent.name.partition("~v")[0] for file in (folder / RECORDS).glob("*/record.json")),
        *(run.id for run in RunFolder.list_runs(runs)),
    }
