"""One view over tables: how far methods differ over several datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter, itemgetter
from typing import Any

from mebench.boards.rows import BoardRow, BoardTable
from mebench.grouping import group_by
from mebench.metrics.paired import holm
from mebench.metrics.ranking import over_datasets
from mebench.output.table import Column, Table
from mebench.records.record import Record
from mebench.score_type import Score


@dataclass(frozen=True)
class PairOnDataset:
    """Two methods with a rank on one dataset.

    Attributes:
        task: task of the table.
        first: the method whose name comes first.
        second: the other method.
        place: table's name, and the member of a composite dataset or empty.
        people: the tested people.
        beats: share of draws of people in which the first is better.
        dataset: id of the dataset, of a composite's member that of the member.
    """

    task: str
    first: str
    second: str
    place: tuple[str, str]
    people: frozenset[str]
    beats: float
    dataset: str

    @property
    def n_datasets(self) -> int:
        """Number of datasets of the people."""
        return len({person.partition("/")[0] for person in self.people})


def pairs_of(tables: Sequence[BoardTable], records: Sequence[Record]) -> list[dict[str, Any]]:
    """Pairs of methods with a rank on two datasets or more, the clearest difference first: `first` less `second`.

    Of a table its main part counts, of a composite dataset each member; of a method its best row; of tables that test the same people
    the first with the most. A composite's table without members counts where nothing else tests its people.

    Args:
        tables: the board's.
        records: records of their runs, which name the people; rows without one are left out.

    Returns:
        For each pair `task`, `first` and `second`, in the order of their names, `datasets`: table and member of each, what
        `metrics.ranking.over_datasets` finds, and `p_holm`, adjusted for all pairs of the task.
    """
    pairs: list[dict[str, Any]] = []
    for (task, first, second), kept in compare_on_datasets(tables, records).items():
        if len(kept) > 1:
            shares = [comparison.beats for comparison in kept]
            n_people = [len(comparison.people) for comparison in kept]
            datasets = [comparison.place for comparison in kept]
            pair = {"task": task, "first": first, "second": second, "datasets": datasets}
            pairs.append({**pair, **over_datasets(shares, n_people)})
    for pairs_of_task in group_by(pairs, key=itemgetter("task")).values():
        adjusted = holm([pair["p"] for pair in pairs_of_task])
        for one, p in zip(pairs_of_task, adjusted):
            one["p_holm"] = p
    return sorted(pairs, key=itemgetter("task", "p", "first", "second"))


def compare_on_datasets(
    tables: Sequence[BoardTable], records: Sequence[Record]
) -> dict[tuple[str, str, str], list[PairOnDataset]]:
    """Pairs of methods with a rank on each dataset, by task and names.

    Of datasets with the same people one counts.

    Args:
        tables: the board's.
        records: records of their runs, as for `pairs_of`.
    """
    about = {record.id: record.about for record in records}
    comparisons = [comparison for table in tables for comparison in _comparisons_in(table, about)]
    by_pair = group_by(comparisons, key=attrgetter("task", "first", "second"))
    return {pair: _on_other_people(same) for pair, same in by_pair.items()}


def _comparisons_in(table: BoardTable, about: Mapping[str, Mapping[str, Any]]) -> list[PairOnDataset]:
    """All pairs of ranked methods in a table, or in each member of a composite.

    Args:
        table: the table.
        about: the `folds.json` of each run.
    """
    parts_of_members = [part for part in table.parts if part.name.endswith("members")]
    part = parts_of_members[0] if parts_of_members else table.parts[0]
    ranked = [row for row in part.rows if row.ranks]
    comparisons = []
    for member, rows in group_by(ranked, key=attrgetter("member")).items():
        place_of: dict[str, int] = {}  # of the best row of each method
        for position, row in enumerate(rows):
            if row.runs[0] in about:
                place_of.setdefault(row.method, position)
        for first, second in combinations(sorted(place_of), 2):
            best = rows[place_of[first]]
            people = _tested_people(best, about[best.runs[0]])
            beats = best.beats[place_of[second]]
            place = (table.name, member)
            comparisons.append(PairOnDataset(table.task, first, second, place, people, beats, member or table.dataset))
    return comparisons


def _tested_people(row: BoardRow, about: Mapping[str, Any]) -> frozenset[str]:
    """The people on whom a row is tested, each by one name."""
    every = {subject for fold in about["folds"] for subject in fold["test"]}
    tested = {subject for subject in every if row.member in ("", subject.partition("/")[0])}
    persons = about.get("persons", {})
    return frozenset(persons.get(subject, subject) for subject in tested)


def _on_other_people(comparisons: Sequence[PairOnDataset]) -> list[PairOnDataset]:
    """Comparisons that test nobody twice: members before a composite as a whole, then the ones with the most people."""
    kept: list[PairOnDataset] = []
    for comparison in sorted(comparisons, key=lambda one: (one.n_datasets, -len(one.people))):
        if all(comparison.people.isdisjoint(other.people) for other in kept):
            kept.append(comparison)
    return kept


def table_of_pairs(pairs: Sequence[dict[str, Any]]) -> Table:
    """The result of `pairs_of` as a table for people."""
    return Table.from_items(
        [
            Column("task", choose=True, room="wide"),
            Column("first", "method", main=True),
            Column("second", "less", main=True),
            Column("datasets", right=True, room="wide", of=lambda pair: len(pair["datasets"])),
            Column("people", right=True, room="wide"),
            Column(
                "difference",
                "mean standardised difference",
                of=lambda pair: Score.from_plain(pair["difference"]),
                right=True,
                score=True,
                digits=2,
            ),
            Column(
                "p_holm", "p (Holm)", right=True, order=float, text=lambda p: "<0.0001" if p < 0.0001 else f"{p:.4f}"
            ),
        ],
        pairs,
        "methods over several datasets",
    )
