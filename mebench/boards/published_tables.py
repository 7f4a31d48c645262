"""Add published and rescored results to the tables of measured ones, and show the gain from selection on tested people."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from mebench.boards.build import explained, mean, metrics_of, n_of, over_seeds, table_name
from mebench.boards.rows import Part, PublishedLine, Rescored, Table
from mebench.errors import ConfigError, DataError
from mebench.grouping import grouped
from mebench.metrics import LEAKING, RULES, SECTIONS, scores_by_path
from mebench.metrics.scored_parts import scored_parts
from mebench.number_format import NONE, digits, ends, span
from mebench.records import COUNTS, Alias, Published, Record, matches, of_protocol, of_scheme
from mebench.reproduction import Paper, Source, paper_cells, read_source, sources
from mebench.runner.leak import worth
from mebench.table import Column, Table as Shown


def lines(rows: Sequence[Published]) -> list[PublishedLine]:
    """Lines of published values, in the order of the file: one for each method, table, source and number of classes."""
    place = attrgetter("source", "table", "method", "method_variant", "member", "protocol", "classes")
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
        for same in grouped(rows, key=place).values()
        for first in same[:1]
    ]


def with_published(table: Table, rows: Sequence[Published], aliases: Sequence[Alias]) -> Table:
    """The table with the published rows of its dataset added to each part."""
    of_table = [
        row
        for row in rows
        if row.task == table.task and matches((row.dataset, row.protocol), table.dataset, table.protocol, aliases)
    ]
    parts = (replace(p, published=tuple(lines([r for r in of_table if part_of(r) == p.name]))) for p in table.parts)
    return replace(table, parts=tuple(parts))


Placed = tuple[Table, str, Rescored]
"""A rescored row after its place: a table without parts, and the part's name.

Spotting has no scheme; a source without a scheme appears in the table of every scheme.
"""


def with_rescored(tables: Sequence[Table], rows: Sequence[Placed], aliases: Sequence[Alias]) -> list[Table]:
    """The tables with rescored rows added to each part; a missing table or part is made, named after its scheme."""
    extended = list(tables)
    for place, _, _ in rows:
        if not any(_belongs(place, table, aliases) for table in extended):
            extended.append(place)
    extended.sort(key=lambda table: (SECTIONS.index(table.task), table.dataset, table.protocol, table.variant))
    for n, table in enumerate(extended):
        parts = {part.name: part for part in table.parts}
        for place, name, row in rows:
            if _belongs(place, table, aliases):
                part = parts.get(name) or Part(name, metrics_of(table.task, name), ())
                parts[name] = replace(part, rescored=(*part.rescored, row))
        extended[n] = replace(table, parts=tuple(parts.values()))
    return extended


def _belongs(place: Table, table: Table, aliases: Sequence[Alias]) -> bool:
    return (
        place.task == table.task
        and place.scheme in ("", table.scheme)
        and matches((place.dataset, place.protocol), table.dataset, table.protocol, aliases)
    )


def part_of(row: Published) -> str:
    """Name of the part of a table that a published value belongs to."""
    return {
        "spotting": row.kind,
        "recognition": "members" if row.member else "all clips",
        # strs covers both networks and belongs to the part of true positives
        "analysis": (row.part or "true_positives").replace("_", " "),
    }[row.task]


Known = tuple[Source, Mapping[str, Any]]
"""A source and its outcome."""


def collect_rescored(folder: Path, notify: Callable[[str], object]) -> list[Known]:
    """The scored sources of a folder, sorted by name; `notify` gets one sentence for each that is left out."""
    known = []
    for name in sources(folder):
        again = f"mebench rescore {name} --root CLONE"
        try:
            source, file = read_source(folder, name), folder / f"{name}.json"
            outcome: Any = json.loads(file.read_text(encoding="utf-8"))
            if outcome["key"] != source.key:
                notify(f"{name} is left out: it was scored before {name}.yaml changed; score it again by {again}")
                continue
            list(placed([(source, outcome)], []))
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


def placed(known: Sequence[Known], published: Sequence[Published]) -> Iterator[Placed]:
    """Each scored result of each source as a row with its place."""
    for source, outcome in known:
        for one, scored in zip(source.sets, outcome["sets"], strict=True):
            printed = [row for row in source.prints(one, published) if row.metric not in COUNTS]
            for result in scored["results"]:
                rule, later, choice = result["convention"], result["later"], result.get("choice")
                first = one.choice is None or choice == one.choice.rules[0]
                exact = rule == source.convention and not later and first  # the value that the paper should print
                words = [
                    f"{rule}, the authors' rules" if rule == source.convention else rule,
                    f"intervals {later} frames (k'/2) later" if later else "",
                    RULES[choice] if choice else "",
                    "answers sent in" if source.selection else "",
                    *(["test_selected"] if choice in LEAKING else []),
                    *(source.caveats if choice is None else []),
                ]
                for task, name, section in scored_parts(result["summary"]):
                    member = name if task == "recognition" else ""
                    part = ("members" if member else "all clips") if task == "recognition" else name
                    prints = (
                        row for row in printed if exact and (row.task, part_of(row), row.member) == (task, part, member)
                    )
                    row = Rescored(
                        method=f"{source.method} ({source.variant})" if source.variant else source.method,
                        reading="; ".join(filter(None, words)),
                        convention=rule,
                        member=member,
                        n=n_of(section),
                        scores={name: over_seeds([score]) for name, score in section["scores"].items()},
                        printed={r.metric: f"{r.value:.{r.digits}f}{'†' if r.caveats else ''}" for r in prints},
                        source=source.id,
                        repository=source.repository,
                        commit=source.commit,
                        note="; ".join(source.remarks),
                        curve=result["summary"].get("curves", {}).get(name, ()),
                        **explained([result["summary"].get("mistakes", {}).get(name, {})], name),
                    )
                    scheme = one.scheme if task != "spotting" else ""
                    place = one.dataset, one.protocol, of_scheme({"scheme": scheme})
                    yield Table(table_name(task, *place), task, *place, scheme, ()), part, row


def what_selection_is_worth(
    records: Iterable[Record],
    papers: Iterable[Paper],
    published: Iterable[Published],
    aliases: Sequence[Alias],
    rescored: Iterable[Known] = (),
) -> Shown:
    """A row for the runs of each method, settings and data with selection on the tested subjects, and for the public
    answers of others.

    Scores are UF1 over all clips, or F1 of spotted intervals; the leaking one belongs to the epoch that the run's rule
    keeps, the honest one to the last epoch of the same trainings. Over seeds each is a mean, and the interval of the
    gain, paired over subjects, reaches from the lowest to the highest end. Published values accompany runs of their
    dataset and protocol; protocols other than `loso` are named. Public answers (`rescored`) have a row for each pair of
    a leaking and an honest rule.
    """
    known = list(published)
    printed = ((paper, cell) for paper in papers for table in paper.tables for cell in paper_cells(paper, table, known))
    named = {
        cell.row.plugin: (cell.published, cell.row)
        for paper, cell in printed
        if cell.row.program
        and cell.published.dataset in paper.datasets
        and (cell.published.metric, cell.published.member) == ("uf1", "")
    }
    looked = [
        (record, audited)
        for record in records
        if (audited := worth(record.audit)) and any(audited["differences"].get(path) for path in OF_SELECTION)
    ]
    rows = []
    for group in grouped(looked, key=lambda each: each[0].identity).values():
        group.sort(key=lambda each: each[0].seed)
        first = group[0][0]
        path = next(path for path in OF_SELECTION if group[0][1]["differences"].get(path))
        leaks = [scores_by_path(record.summary)[path]["value"] for record, _ in group]
        gain = over_seeds([each["differences"][path] for _, each in group])
        if gain["value"] is None or None in leaks:
            continue
        row, program = named.get(first.method, (None, None)) if path == "recognition.uf1" else (None, None)
        protocol = str(first.config["protocol"])
        same = row is not None and matches((row.dataset, row.protocol), first.dataset, protocol, aliases)
        words = re.sub(r"(^|; )audit=leak$", "", first.settings)  # the default rule of a leak
        rows.append(
            {
                "method": first.method + (f" ({words})" if words else ""),
                "dataset": first.dataset + ("" if protocol == "loso" else f", {of_protocol(first.config)}"),
                "score": OF_SELECTION[path],
                "year": str(row.year or "") if row else "",
                "published": f"{row.value:.{row.digits}f}" if row and same else NONE,
                "leaking": digits(mean(leaks)),
                "honest": digits(mean(leaks) - gain["value"]),
                "gain": f"{gain['value']:+.3f} {ends(gain)}",
                "candidates": span([each["looks"][end] for _, each in group for end in ("least", "most")]),
                "seeds": ", ".join(str(record.seed) for record, _ in group),
                "the paper's program": program.program if program else NONE,
            }
        )
    for source, outcome in rescored:
        for set_, scored in zip(source.sets, outcome["sets"], strict=True):
            for pair in scored.get("selection", ()):
                f1, key = pair["f1"], ("spotting", pair["part"], "f1")
                paper = next((r for r in source.prints(set_, known) if (r.task, r.kind, r.metric) == key), None)
                rows.append(
                    {
                        "method": f"{source.method} ({RULES[pair['leaking']]}; honest: {RULES[pair['honest']]})",
                        "dataset": set_.dataset,
                        "score": OF_SELECTION[f"spotting.{pair['part']}.f1"],
                        "year": str(paper.year) if paper else "",
                        "published": f"{paper.value:.{paper.digits}f}" if paper else NONE,
                        "leaking": digits(f1["first"]["value"]),
                        "honest": digits(f1["second"]["value"]),
                        "gain": f"{f1['difference']['value']:+.3f} {ends(f1['difference'])}",
                        "candidates": f"{pair['looks']:,}",
                        "seeds": NONE,
                        "the paper's program": f"keeps {source.keeps}",
                    }
                )
    rows.sort(key=lambda row: (row["score"], row["dataset"], row["method"]))
    columns = ("method", "dataset", "score", "year", "published", "leaking", "honest", "gain", "candidates", "seeds")
    return Shown.of([*map(Column, columns), Column("the paper's program")], rows, "What selection is worth")


OF_SELECTION = {
    "spotting.overall.f1": "F1 of intervals, overall",
    "spotting.micro.f1": "F1 of intervals, micro",
    "spotting.macro.f1": "F1 of intervals, macro",
    "recognition.uf1": "UF1 of clips",
}
"""Scores whose gain is shown, in words: for each run the first available one."""
