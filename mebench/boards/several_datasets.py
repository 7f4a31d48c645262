"""One view over tables: how far methods differ over several datasets."""

from collections.abc import Sequence
from itertools import combinations
from operator import itemgetter
from typing import Any

from mebench.boards.rows import Row, Table as BoardTable
from mebench.grouping import grouped
from mebench.metrics import holm, over_datasets
from mebench.records import Record
from mebench.table import Column, Table


def pairs_of(tables: Sequence[BoardTable], records: Sequence[Record]) -> list[dict[str, Any]]:
    """Pairs of methods with a rank on two datasets or more, the clearest difference first: `first` less `second`.

    Of a table its main part counts, of a composite dataset each member; of a method its best row; of tables that test the same people
    the first with the most. A composite's table without members counts where nothing else tests its people.

    Args:
        tables: the board's.
        records: of their runs, which name the people.

    Returns:
        For each pair `task`, `first` and `second`, in the order of their names, `datasets`: table and member of each, what
        `metrics.ranking.over_datasets` finds, and `p_holm`, adjusted for all pairs of the task.
    """
    about = {record.id: record.about for record in records}

    def people(row: Row) -> frozenset[str]:
        of_run = about[row.runs[0]]
        every = {who for fold in of_run["folds"] for who in fold["test"]}
        tested = {who for who in every if row.member in ("", who.partition("/")[0])}
        return frozenset(of_run.get("persons", {}).get(who, who) for who in tested)

    met: list[tuple[tuple[str, str, str], tuple[str, str], frozenset[str], float]] = []
    for table in tables:
        part = next((part for part in table.parts if part.name.endswith("members")), table.parts[0])
        for member, rows in grouped((row for row in part.rows if row.ranks), key=lambda row: row.member).items():
            places = {row.method: n for n, row in reversed([*enumerate(rows)])}
            for one, other in combinations(sorted(places), 2):
                best = rows[places[one]]
                met.append(((table.task, one, other), (table.name, member), people(best), best.beats[places[other]]))
    compared = []
    for (task, one, other), several in grouped(met, key=itemgetter(0)).items():
        kept: list[Any] = []
        # Members come before all clips of a composite, which are no dataset of their own.
        for each in sorted(several, key=lambda each: (len({who.partition("/")[0] for who in each[2]}), -len(each[2]))):
            kept += [each] * all(each[2].isdisjoint(there[2]) for there in kept)
        if len(kept) > 1:
            compared.append(
                {
                    "task": task,
                    "first": one,
                    "second": other,
                    "datasets": [each[1] for each in kept],
                    **over_datasets([beats for *_, beats in kept], [len(people) for *_, people, _ in kept]),
                }
            )
    for pairs in grouped(compared, key=itemgetter("task")).values():
        for pair, p in zip(pairs, holm([pair["p"] for pair in pairs])):
            pair["p_holm"] = p
    return sorted(compared, key=itemgetter("task", "p", "first", "second"))


def table_of(pairs: Sequence[dict[str, Any]]) -> Table:
    """The same as a table."""
    return Table.of(
        [
            Column("task", choose=True, room="wide"),
            Column("first", "method", main=True),
            Column("second", "less", main=True),
            Column("datasets", right=True, room="wide", of=lambda pair: len(pair["datasets"])),
            Column("people", right=True, room="wide"),
            Column("difference", "mean standardised difference", right=True, score=True, digits=2),
            Column(
                "p_holm", "p (Holm)", right=True, order=float, text=lambda p: "<0.0001" if p < 0.0001 else f"{p:.4f}"
            ),
        ],
        pairs,
        "methods over several datasets",
    )
