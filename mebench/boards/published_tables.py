"""Add published and rescored results to the tables of measured ones."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from mebench.boards.rows import BoardTable, PublishedLine
from mebench.grouping import group_by
from mebench.metrics.catalogue import SECTIONS
from mebench.records.matching_published import Alias, is_same_dataset
from mebench.records.published import PublishedValue


def published_lines(rows: Sequence[PublishedValue]) -> list[PublishedLine]:
    """Lines of published values, in the order of the file: one for each method, table, source and number of classes."""
    key = attrgetter("source", "table", "method", "method_variant", "member", "protocol", "classes")
    return [_published_line(values) for values in group_by(rows, key=key).values()]


def _published_line(values: Sequence[PublishedValue]) -> PublishedLine:
    """The line of some values of one method in one table."""
    first = values[0]
    noted = [value.note for value in values if value.note]
    notes = [note for joined in noted for note in joined.split("; ")]
    return PublishedLine(
        method=f"{first.method} ({first.method_variant})" if first.method_variant else first.method,
        year=first.year,
        member=first.member,
        protocol=first.protocol,
        classes=first.classes,
        values={value.metric: f"{value.value:.{value.digits}f}" for value in values},
        caveats={value.metric: value.caveats for value in values if value.caveats},
        source=first.source,
        table=first.table,
        note="; ".join(dict.fromkeys(notes)),
    )


def with_published(table: BoardTable, rows: Sequence[PublishedValue], aliases: Sequence[Alias]) -> BoardTable:
    """The table with the published rows of its dataset added to each part."""
    of_table = [
        row
        for row in rows
        if row.task == table.task
        and is_same_dataset((row.dataset, row.protocol), table.dataset, table.protocol, aliases)
    ]
    parts = []
    for part in table.parts:
        of_part = [row for row in of_table if part_of(row) == part.name]
        parts.append(replace(part, published=tuple(published_lines(of_part))))
    return replace(table, parts=tuple(parts))


def with_rescored(
    tables: Sequence[BoardTable], answers: Sequence[BoardTable], aliases: Sequence[Alias]
) -> list[BoardTable]:
    """The tables with rescored rows added to each part; a missing table or part is made, named after its scheme.

    Args:
        tables: tables of measured rows.
        answers: tables whose parts hold rescored rows alone, in the order in which these are added. Spotting has no scheme; answers without
            a scheme appear in the table of every scheme.
        aliases: published datasets and protocols with the measured ones that match them.
    """
    extended = list(tables)
    for own_table in answers:
        if not any(_holds_answers(table, own_table, aliases) for table in extended):
            extended.append(replace(own_table, parts=()))
    extended.sort(key=lambda table: (SECTIONS.index(table.task), table.dataset, table.protocol, table.variant))
    return [_with_rescored_rows(table, answers, aliases) for table in extended]


def _with_rescored_rows(table: BoardTable, answers: Sequence[BoardTable], aliases: Sequence[Alias]) -> BoardTable:
    """A table with the rescored rows that belong to it."""
    parts = {part.name: part for part in table.parts}
    for own_table in answers:
        if _holds_answers(table, own_table, aliases):
            for own_part in own_table.parts:
                part = parts.get(own_part.name) or replace(own_part, rescored=())
                parts[part.name] = replace(part, rescored=(*part.rescored, *own_part.rescored))
    return replace(table, parts=tuple(parts.values()))


def _holds_answers(table: BoardTable, of_answers: BoardTable, aliases: Sequence[Alias]) -> bool:
    """Whether answers appear in a table; `of_answers` is the table of their own dataset, protocol and scheme."""
    return (
        of_answers.task == table.task
        and of_answers.scheme in ("", table.scheme)
        and is_same_dataset((of_answers.dataset, of_answers.protocol), table.dataset, table.protocol, aliases)
    )


def part_of(row: PublishedValue) -> str:
    """Name of the part of a table that a published value belongs to."""
    if row.task == "spotting":
        return row.kind
    if row.task == "recognition":
        return "members" if row.member else "all clips"
    # STRS, of spotting and recognition together, names no part: it stands among the scores of true positives.
    return (row.part or "true_positives").replace("_", " ")
