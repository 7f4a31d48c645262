"""Add published and rescored results to the tables of measured ones."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from mebench.boards.build import table_name
from mebench.boards.row_scores import metrics_of, mistakes_over_seeds, n_of, single_score
from mebench.boards.rows import BoardTable, Part, PublishedLine, Rescored
from mebench.errors import ConfigError, DataError
from mebench.grouping import group_by
from mebench.metrics.catalogue import SECTIONS
from mebench.metrics.epoch_choices import LEAKING, RULES
from mebench.metrics.scored_parts import scored_parts
from mebench.records.matching_published import Alias, is_same_dataset
from mebench.records.published import COUNTS, PublishedValue
from mebench.records.recorded_settings import scheme_in_words
from mebench.reproduction.rescore import AnswerSet as Answers, RescoredSource, list_sources, read_source


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


class RescoredPlacement(NamedTuple):
    """A rescored row, and where it belongs.

    Attributes:
        table: its table, without parts. Spotting has no scheme; a source without a scheme appears in the table of every scheme.
        part: name of its part.
        row: the row.
    """

    table: BoardTable
    part: str
    row: Rescored


def with_rescored(
    tables: Sequence[BoardTable], placements: Sequence[RescoredPlacement], aliases: Sequence[Alias]
) -> list[BoardTable]:
    """The tables with rescored rows added to each part; a missing table or part is made, named after its scheme."""
    extended = list(tables)
    for own_table, _, _ in placements:
        if not any(_holds_answers(table, own_table, aliases) for table in extended):
            extended.append(own_table)
    extended.sort(key=lambda table: (SECTIONS.index(table.task), table.dataset, table.protocol, table.variant))
    return [_with_rescored_rows(table, placements, aliases) for table in extended]


def _with_rescored_rows(
    table: BoardTable, placements: Sequence[RescoredPlacement], aliases: Sequence[Alias]
) -> BoardTable:
    """A table with the rescored rows that belong to it."""
    parts = {part.name: part for part in table.parts}
    for own_table, name, row in placements:
        if _holds_answers(table, own_table, aliases):
            part = parts.get(name) or Part(name, metrics_of(table.task, name), ())
            parts[name] = replace(part, rescored=(*part.rescored, row))
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


ScoredSource = tuple[RescoredSource, Mapping[str, Any]]
"""A source and its outcome."""


def collect_rescored(folder: Path, notify: Callable[[str], object]) -> list[ScoredSource]:
    """The scored sources of a folder, sorted by name; `notify` gets one sentence for each that is left out."""
    known = []
    for name in list_sources(folder):
        again = f"mebench rescore {name} --root CLONE --write"
        try:
            source = read_source(folder, name)
            file = folder / f"{name}.json"
            outcome: Any = json.loads(file.read_text(encoding="utf-8"))
            if outcome["key"] != source.key:
                notify(f"{name} is left out: it was scored before {name}.yaml changed; score it again by {again}")
                continue
            list(rescored_rows([(source, outcome)], []))  # a damaged outcome fails here, not when all are shown
        except FileNotFoundError:
            notify(f"{name} is left out: it was not scored yet, {again}")
        except (ConfigError, DataError) as error:
            notify(f"{name} is left out: {error}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            notify(
                f"{name} is left out: {file} is damaged ({type(error).__name__}: {error}); write it again by {again}"
            )
        else:
            known.append((source, outcome))
    return known


def rescored_rows(known: Sequence[ScoredSource], published: Sequence[PublishedValue]) -> Iterator[RescoredPlacement]:
    """Each scored result of each source as a row with its table and part."""
    for source, outcome in known:
        for answers, scored in zip(source.sets, outcome["sets"], strict=True):
            printed = [row for row in source.printed_values(answers, published) if row.metric not in COUNTS]
            for result in scored["results"]:
                comparable = printed if _is_as_in_paper(source, answers, result) else []
                for task, name, section in scored_parts(result["summary"]):
                    part = name
                    member = ""
                    if task == "recognition":  # names of sections are those of members
                        part = "members" if name else "all clips"
                        member = name
                    values = _printed_values(comparable, task, part, member)
                    row = _rescored_row(source, result, name, section, member, values)
                    yield RescoredPlacement(_table_of_answers(answers, task), part, row)


def _is_as_in_paper(source: RescoredSource, answers: Answers, result: Mapping[str, Any]) -> bool:
    """Whether the paper should print the score of a result: its own rules, intervals and choice."""
    is_first_choice = answers.choice is None or result.get("choice") == answers.choice.rules[0]
    return result["convention"] == source.convention and not result["later"] and is_first_choice


def _table_of_answers(answers: Answers, task: str) -> BoardTable:
    """The table of the leaderboard in which scored answers stand."""
    scheme = answers.scheme if task != "spotting" else ""
    ids = answers.dataset, answers.protocol, scheme_in_words({"scheme": scheme})
    return BoardTable(table_name(task, *ids), task, *ids, scheme, ())


def _printed_values(values: Sequence[PublishedValue], task: str, part: str, member: str) -> dict[str, str]:
    """The values that a paper prints for a part, by metric; those with caveats are marked by †."""
    printed = {}
    for value in values:
        if (value.task, part_of(value), value.member) == (task, part, member):
            mark = "†" if value.caveats else ""
            printed[value.metric] = f"{value.value:.{value.digits}f}{mark}"
    return printed


def _rescored_row(
    source: RescoredSource,
    result: Mapping[str, Any],
    name: str,
    section: Mapping[str, Any],
    member: str,
    printed: dict[str, str],
) -> Rescored:
    """One part of a result as a row.

    Args:
        source: the source.
        result: the scores, with their rules.
        name: name of the part; in recognition the member, or empty.
        section: scores of the part.
        member: the member, in recognition.
        printed: the values that the paper prints for it, by metric.
    """
    summary = result["summary"]
    return Rescored(
        method=f"{source.method} ({source.variant})" if source.variant else source.method,
        reading=_reading_in_words(source, result),
        convention=result["convention"],
        member=member,
        n=n_of(section),
        scores={metric: single_score(score) for metric, score in section["scores"].items()},
        printed=printed,
        source=source.id,
        repository=source.repository,
        commit=source.commit,
        note="; ".join(source.remarks),
        curve=summary.get("curves", {}).get(name, ()),
        **mistakes_over_seeds([summary.get("mistakes", {}).get(name, {})], name),  # of a single seed
    )


def _reading_in_words(source: RescoredSource, result: Mapping[str, Any]) -> str:
    """The rules by which answers were read and scored, in words."""
    rule = result["convention"]
    later = result["later"]
    choice = result.get("choice")
    words = [f"{rule}, the authors' rules" if rule == source.convention else rule]
    if later:
        words.append(f"intervals {later} frames (k'/2) later")
    if choice:
        words.append(RULES[choice])
    if source.selection:
        words.append("answers sent in")
    if choice in LEAKING:
        words.append("test_selected")
    if choice is None:
        words += source.caveats
    return "; ".join(filter(None, words))
