"""Match published results to measured ones: the rows, the score, and the differences between them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml

from mebench.errors import DataError
from mebench.files import read_yaml
from mebench.grouping import grouped
from mebench.metrics.catalogue import find_metric
from mebench.number_format import scored
from mebench.records.published import CLIPS, Published
from mebench.records.record import Record

Value = tuple[float, float | None, float | None]
"""A score, and the ends of its interval if it has one."""
FILE = "beside.yaml"


Alias = tuple[tuple[str, str], tuple[frozenset[str], frozenset[str]]]
"""Dataset and protocol of published results, as in `leaderboards/published.csv`, and the measured datasets and protocols
that they also match.
"""


def read_aliases(file: Path) -> list[Alias]:
    """The aliases of a YAML list of `{published: {dataset, protocol}, measured: {dataset: [...], protocol: [...]}}`.

    A missing file holds none.

    Raises:
        DataError: the file cannot be read or has another form.
    """
    try:
        return [
            (
                (str(entry["published"]["dataset"]), str(entry["published"]["protocol"])),
                (frozenset(map(str, entry["measured"]["dataset"])), frozenset(map(str, entry["measured"]["protocol"]))),
            )
            for entry in read_yaml(file) or []
        ]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): expected a list of published and measured pairs"
        ) from error


def matches(published: tuple[str, str], dataset: str, protocol: str, aliases: Sequence[Alias]) -> bool:
    """Whether a published dataset and protocol match the measured ones."""
    return (published[0] == dataset and published[1] in (protocol, "none", "")) or any(
        pair == published and dataset in datasets and protocol in protocols for pair, (datasets, protocols) in aliases
    )


SELECTION = {
    "fixed": "this run takes its last epoch or closed form, and nothing is chosen",
    "inner": "this run chooses on inner validation subjects",
    "test": "this run chooses on the tested subjects (audit={audit})",
}


def separates(record: Record, rows: Sequence[Published], aliases: Sequence[Alias]) -> dict[str, str]:
    """Differences between a run and a published result, one sentence each.

    Args:
        record: of the run.
        rows: the values of the published result.
        aliases: datasets and protocols with the same clips and folds.

    Returns:
        Sentences for `source`, `method`, `protocol`, `selection`, `classes`, `clips`, `seeds`, and for each value, such as `UF1`,
        `UF1, samm` or `F1, macro`.
    """
    own_rows = [
        row for row in rows if row.task in record.summary and row.kind in ("micro", "overall", *record.about["kinds"])
    ]
    if not own_rows:
        tasks = ", ".join(sorted({row.task for row in rows}))
        return {"task": f"the published values are of {tasks}, which this run lacks: there is nothing to compare"}
    tables = grouped(own_rows, key=attrgetter("source", "table", "dataset", "protocol", "classes"))
    dataset, protocol = record.dataset, str(record.config["protocol"])
    # If several tables print the method, take the one with the same clips; else the fullest.
    own_rows = max(
        tables.values(),
        key=lambda some: (matches((some[0].dataset, some[0].protocol), dataset, protocol, aliases), len(some)),
    )
    first, classes = own_rows[0], record.about["classes"]
    same = matches((first.dataset, first.protocol), dataset, protocol, aliases)
    notes = "; ".join(dict.fromkeys(row.note for row in own_rows if row.note))
    chosen = (
        f"the published value was chosen on the tested subjects{f' ({notes})' if notes else ''}"
        if any("test_selected" in row.caveats for row in own_rows)
        else "no choice on tested subjects is known of the published value"
    )
    counted, n = sum(CLIPS.get((first.dataset, ""), ())), record.summary.get(first.task, {}).get("n")
    same_number = "the same number" if counted == n else "not the same, so the numbers are not comparable"
    clips = (
        f"published over {counted}, this run over {n}: {same_number}"
        if counted and n is not None
        else "the number behind the published value is not printed"
    )
    conditions = {
        "source": f"{first.source}, {first.table}",
        "method": f"published {first.method}, this run {record.method}{f' ({record.settings})' if record.settings else ''}",
        "protocol": f"published under {first.protocol or 'no named protocol'} on {first.dataset}, this run under "
        f"{protocol} on {dataset}: "
        + ("the same clips and folds" if same else "other clips or folds, so the numbers are not comparable"),
        "selection": f"{chosen}; " + SELECTION[record.selection].format(audit=record.config.get("audit", "leak")),
        "classes": f"published over {f'{first.classes} classes' if first.classes else 'an unknown number of classes'}, "
        f"this run over {len(classes)} ({', '.join(classes)}): {'as many' if first.classes == len(classes) else 'not as many'}",
        "clips": f"{clips}; the pictures are those of {dataset}, which need not be the authors' own",
        "seeds": f"this run is one training (seed {record.seed}); how many trainings the published value stands for is not printed",
    }
    for row in own_rows:
        metric = find_metric(row.path[-1] if row.metric in row.path else row.metric).label if row.metric != "n" else "n"
        part = row.kind if row.task == "spotting" else row.part.replace("_", " ")
        words = f"{row.value:.{row.digits}f} published, undefined or not scored here"
        if values := value_of(record.summary, row):
            here = scored(dict(zip(("value", "low", "high"), values)), row.digits)
            # For other clips or folds, give only the two values: neither chance nor the method explains their
            # difference.
            gap = gap_in_words(row, *values) if same else "not comparable"
            words = f"{row.value:.{row.digits}f} published, {here} here: {gap}"
        conditions[", ".join(filter(None, (metric, part, row.member, row.method_variant)))] = words
    return conditions


def gap_in_words(row: Published, value: float, low: float | None, high: float | None) -> str:
    """The gap in a few words; a printed value is exact to half a unit of its last digit."""
    slack, gap = 0.5 * 10.0**-row.digits, f"{value - row.value:+.{row.digits}f}"
    if abs(value - row.value) <= slack:
        return "equal to the printed digits"
    if low is None or high is None:
        return gap
    inside = low - slack <= row.value <= high + slack
    return f"{gap}, {'inside the interval: may be chance' if inside else 'outside the interval: more than chance'}"


def value_of(summary: Mapping[str, Any], row: Published) -> Value | None:
    """The run's score for a published value, with its interval; None if it is missing or undefined.

    A missing member is searched by its database: `smic_hs` is `smic` in ready-made maps.
    """
    members = summary.get(row.task, {}).get("members", {})
    if row.member and row.member not in members and row.member.partition("_")[0] in members:
        row = replace(row, member=row.member.partition("_")[0])
    section: Any = summary
    for key in row.path[:-1]:
        section = section.get(key, {})
    value: Any = count_of(summary, row) if row.metric == "n" else section.get(row.metric)
    if value is None and row.task == "analysis" and row.metric in ("tp", "fp", "fn"):
        # A summary has right answers as a share; each wrong answer is both a false positive and a miss.
        accuracy = section.get("scores", {}).get("accuracy", {}).get("value")
        right = None if accuracy is None else round(accuracy * section["n"])
        value = right if right is None or row.metric == "tp" else section["n"] - right
    if isinstance(value, Mapping):
        return None if value["value"] is None else (value["value"], value["low"], value["high"])
    return None if value is None else (float(value), None, None)


def section_of(row: Published) -> tuple[str, ...]:
    """The keys of the part of a summary to which a value belongs."""
    return tuple(key for key in row.path[:-1] if key != "scores")


def count_of(summary: Mapping[str, Any], row: Published) -> float | None:
    """The number of scored truths (spotting) or samples (analysis)."""
    part: Any = summary
    for key in section_of(row):
        part = part.get(key, {})
    return float(part["n"]) if "n" in part else float(part["tp"] + part["fn"]) if "tp" in part else None
