"""Which published results, and which scored anew from published files, stand beside which measured table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mebench.errors import DataError
from mebench.metrics.catalogue import SECTIONS, columns
from mebench.results.published import Published
from mebench.results.rows import Part, PublishedLine, Rescored, Table
from mebench.results.tables import table_name

FILE = "beside.yaml"


@dataclass(frozen=True)
class Alias:
    """Published results of one dataset and protocol also stand beside these measured datasets and protocols.

    Attributes:
        published: dataset and protocol as in `leaderboards/published.csv`.
        measured: datasets, then protocols.
    """

    published: tuple[str, str]
    measured: tuple[frozenset[str], frozenset[str]]


def read_aliases(file: Path) -> list[Alias]:
    """The aliases of a YAML list of `{published: {dataset, protocol}, measured: {dataset: [...], protocol: [...]}}`.

    A file that is not there holds none.

    Raises:
        DataError: it cannot be read or has another form.
    """
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or []
        return [
            Alias(
                (str(entry["published"]["dataset"]), str(entry["published"]["protocol"])),
                (frozenset(map(str, entry["measured"]["dataset"])), frozenset(map(str, entry["measured"]["protocol"]))),
            )
            for entry in content
        ]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): expected a list of published and measured pairs"
        ) from error


def lines(rows: Sequence[Published]) -> list[PublishedLine]:
    """Values of one method in one table of one source, with as many classes, as one line each, in the order of the file."""
    groups: dict[tuple[Any, ...], list[Published]] = {}
    for row in rows:
        place = (row.source, row.table, row.method, row.method_variant, row.member, row.protocol, row.classes)
        groups.setdefault(place, []).append(row)
    return [
        PublishedLine(
            method=f"{first.method} ({first.method_variant})" if first.method_variant else first.method,
            year=first.year,
            member=first.member,
            protocol=first.protocol,
            classes=first.classes,
            values={row.metric: f"{row.value:.{row.digits}f}" for row in same},
            caveats={row.metric: row.caveats for row in same if row.caveats},
            source=first.source,
            table=first.table,
            note="; ".join(dict.fromkeys(part for row in same if row.note for part in row.note.split("; "))),
        )
        for same in groups.values()
        for first in same[:1]
    ]


def with_published(table: Table, rows: Sequence[Published], aliases: Sequence[Alias]) -> Table:
    """The table with the published lines of its dataset beside each part."""
    mine = [row for row in rows if row.task == table.task and _beside(row, table, aliases)]
    parts = (replace(p, published=tuple(lines([r for r in mine if part_of(r) == p.name]))) for p in table.parts)
    return replace(table, parts=tuple(parts))


class Placed(NamedTuple):
    """A row of scores of published files, and where it stands: task, dataset, protocol, emotion scheme, part of the table."""

    task: str
    dataset: str
    protocol: str
    scheme: str
    part: str
    row: Rescored


def with_rescored(tables: Sequence[Table], rows: Sequence[Placed], aliases: Sequence[Alias]) -> list[Table]:
    """The tables with the rows beside each part; where a table or a part lacks, one without measured rows is made."""
    found = list(tables)
    for placed in rows:
        if not any(_stands(placed, table, aliases) for table in found):
            place = placed.dataset, placed.protocol, ""
            scheme = placed.scheme if placed.task != "spotting" else ""
            found.append(Table(table_name(placed.task, *place), placed.task, *place, scheme, ()))
    found.sort(key=lambda table: (SECTIONS.index(table.task), table.dataset, table.protocol, table.variant))
    return [_with_rows(table, [placed for placed in rows if _stands(placed, table, aliases)]) for table in found]


def _stands(placed: Placed, table: Table, aliases: Sequence[Alias]) -> bool:
    return placed.task == table.task and _beside(placed, table, aliases)


def _with_rows(table: Table, rows: Sequence[Placed]) -> Table:
    parts = {part.name: part for part in table.parts}
    for placed in rows:
        part = parts.get(placed.part) or Part(placed.part, columns(table.task), ())
        parts[placed.part] = replace(part, rescored=(*part.rescored, placed.row))
    return replace(table, parts=tuple(parts.values()))


def part_of(row: Published) -> str:
    """Name of the part of a table that a published value belongs to."""
    return {
        "spotting": row.kind,
        "recognition": "members" if row.member else "all clips",
        # strs spans both networks and stands beside the true positives
        "analysis": (row.part or "true_positives").replace("_", " "),
    }[row.task]


def _beside(row: Published | Placed, table: Table, aliases: Sequence[Alias]) -> bool:
    own = row.dataset == table.dataset and row.protocol in (table.protocol, "none", "")
    return own or any(
        alias.published == (row.dataset, row.protocol)
        and table.dataset in alias.measured[0]
        and table.protocol in alias.measured[1]
        for alias in aliases
    )
