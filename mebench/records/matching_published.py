"""Match published results to measured ones: the rows, the score, and the differences between them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml

from mebench.errors import DataError
from mebench.files import read_yaml
from mebench.grouping import group_by
from mebench.metrics.catalogue import find_metric
from mebench.output.number_format import format_score
from mebench.records.published import CLIPS, PublishedValue
from mebench.records.record import Record
from mebench.score_type import Score

Value = tuple[float, float | None, float | None]
"""A score, and the ends of its interval if it has one."""
ALIASES_FILE = "beside.yaml"


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
        return [_alias_of_entry(entry) for entry in read_yaml(file) or []]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): expected a list of published and measured pairs"
        ) from error


def _alias_of_entry(entry: Mapping[str, Any]) -> Alias:
    """An entry of the file as pairs."""
    published = entry["published"]
    measured = entry["measured"]
    printed = str(published["dataset"]), str(published["protocol"])
    return printed, (frozenset(map(str, measured["dataset"])), frozenset(map(str, measured["protocol"])))


def is_same_dataset(published: tuple[str, str], dataset: str, protocol: str, aliases: Sequence[Alias]) -> bool:
    """Whether a published dataset and protocol match the measured ones."""
    published_dataset, published_protocol = published
    if published_dataset == dataset and published_protocol in (protocol, "none", ""):
        return True
    matches = [measured for printed, measured in aliases if printed == published]
    return any(dataset in datasets and protocol in protocols for datasets, protocols in matches)


SELECTION = {
    "fixed": "this run takes its last epoch or closed form, and nothing is chosen",
    "inner": "this run chooses on inner validation subjects",
    "test": "this run chooses on the tested subjects (audit={audit})",
}


def differences_from_published(
    record: Record, rows: Sequence[PublishedValue], aliases: Sequence[Alias]
) -> dict[str, str]:
    """Differences between a run and a published result, one sentence each.

    Args:
        record: the run.
        rows: the values of the published result.
        aliases: datasets and protocols with the same clips and folds.

    Returns:
        Sentences for `source`, `method`, `protocol`, `selection`, `classes`, `clips`, `seeds`, and for each value, such as `UF1`,
        `UF1, samm` or `F1, macro`.
    """
    scored_kinds = ("micro", "overall", *record.about["kinds"])
    comparable = [row for row in rows if row.task in record.summary and row.kind in scored_kinds]
    if not comparable:
        tasks = ", ".join(sorted({row.task for row in rows}))
        return {"task": f"the published values are of {tasks}, which this run lacks: there is nothing to compare"}
    values = _values_of_one_table(record, comparable, aliases)
    first = values[0]
    same_data = _has_same_data(record, first, aliases)
    conditions = {
        "source": f"{first.source}, {first.table}",
        "method": _method_difference(record, first),
        "protocol": _protocol_difference(record, first, same_data),
        "selection": _selection_difference(record, values),
        "classes": _classes_difference(record, first),
        "clips": _clips_difference(record, first),
        "seeds": f"this run is one training (seed {record.seed}); how many trainings the published value stands for is not printed",
    }
    for row in values:
        conditions[_name_of_value(row)] = _value_difference(record, row, same_data)
    return conditions


def _has_same_data(record: Record, row: PublishedValue, aliases: Sequence[Alias]) -> bool:
    """Whether a published value has the clips and folds of a run."""
    return is_same_dataset((row.dataset, row.protocol), record.dataset, str(record.config["protocol"]), aliases)


def _values_of_one_table(
    record: Record, rows: Sequence[PublishedValue], aliases: Sequence[Alias]
) -> list[PublishedValue]:
    """If several tables print the method, the values of the one with the same clips; else of the fullest."""
    tables = group_by(rows, key=attrgetter("source", "table", "dataset", "protocol", "classes"))
    return max(tables.values(), key=lambda some: (_has_same_data(record, some[0], aliases), len(some)))


def _method_difference(record: Record, first: PublishedValue) -> str:
    """The published method and the one of the run."""
    settings = f" ({record.settings})" if record.settings else ""
    return f"published {first.method}, this run {record.method}{settings}"


def _protocol_difference(record: Record, first: PublishedValue, same_data: bool) -> str:
    """The published protocol and dataset, and those of the run."""
    outcome = "other clips or folds, so the numbers are not comparable"
    if same_data:
        outcome = "the same clips and folds"
    return (
        f"published under {first.protocol or 'no named protocol'} on {first.dataset}, this run under "
        f"{record.config['protocol']} on {record.dataset}: {outcome}"
    )


def _selection_difference(record: Record, values: Sequence[PublishedValue]) -> str:
    """The choices on tested subjects of the published value and of the run."""
    notes = "; ".join(dict.fromkeys(row.note for row in values if row.note))
    chosen = "no choice on tested subjects is known of the published value"
    if any("test_selected" in row.caveats for row in values):
        chosen = "the published value was chosen on the tested subjects"
        chosen += f" ({notes})" if notes else ""
    return f"{chosen}; " + SELECTION[record.selection].format(audit=record.config.get("audit", "leak"))


def _classes_difference(record: Record, first: PublishedValue) -> str:
    """The number of classes of the published value and of the run."""
    classes = record.about["classes"]
    published = f"{first.classes} classes" if first.classes else "an unknown number of classes"
    outcome = "as many" if first.classes == len(classes) else "not as many"
    return f"published over {published}, this run over {len(classes)} ({', '.join(classes)}): {outcome}"


def _clips_difference(record: Record, first: PublishedValue) -> str:
    """The number of clips of the published value and of the run."""
    pictures = f"the pictures are those of {record.dataset}, which need not be the authors' own"
    clips_of_classes = CLIPS.get((first.dataset, ""), ())
    n_published = sum(clips_of_classes)
    n_measured = record.summary.get(first.task, {}).get("n")
    if not n_published or n_measured is None:
        return f"the number behind the published value is not printed; {pictures}"
    outcome = "the same number" if n_published == n_measured else "not the same, so the numbers are not comparable"
    return f"published over {n_published}, this run over {n_measured}: {outcome}; {pictures}"


def _name_of_value(row: PublishedValue) -> str:
    """The score of a published value with its part, `UF1, samm` or `F1, macro`."""
    metric = "n"
    if row.metric != "n":
        metric = find_metric(row.path[-1] if row.metric in row.path else row.metric).label
    part = row.kind if row.task == "spotting" else row.part.replace("_", " ")
    return ", ".join(filter(None, (metric, part, row.member, row.method_variant)))


def _value_difference(record: Record, row: PublishedValue, same_data: bool) -> str:
    """A published value beside that of the run. Their gap is added if the data are the same."""
    published = f"{row.value:.{row.digits}f} published"
    found = measured_value(record.summary, row)
    if found is None:
        return f"{published}, undefined or not scored here"
    here = format_score(Score(*found), row.digits)
    # For other clips or folds, give only the two values: neither chance nor the method explains their difference.
    gap = gap_in_words(row, *found) if same_data else "not comparable"
    return f"{published}, {here} here: {gap}"


def gap_in_words(row: PublishedValue, value: float, low: float | None, high: float | None) -> str:
    """The gap in a few words; a printed value is exact to half a unit of its last digit."""
    slack = 0.5 * 10.0**-row.digits
    gap = f"{value - row.value:+.{row.digits}f}"
    if abs(value - row.value) <= slack:
        return "equal to the printed digits"
    if low is None or high is None:
        return gap
    if low - slack <= row.value <= high + slack:
        return f"{gap}, inside the interval: may be chance"
    return f"{gap}, outside the interval: more than chance"


def measured_value(summary: Mapping[str, Any], row: PublishedValue) -> Value | None:
    """The run's score for a published value, with its interval; None if it is missing or undefined.

    A missing member is searched by its database: `smic_hs` is `smic` in ready-made maps.
    """
    row = _with_scored_member(summary, row)
    value = _printed_quantity(summary, row)
    if isinstance(value, Mapping):
        return None if value["value"] is None else (value["value"], value["low"], value["high"])
    return None if value is None else (float(value), None, None)


def _with_scored_member(summary: Mapping[str, Any], row: PublishedValue) -> PublishedValue:
    """The value with its member as the summary names it, if that is its database."""
    members = summary.get(row.task, {}).get("members", {})
    database = row.member.partition("_")[0]
    if row.member and row.member not in members and database in members:
        return replace(row, member=database)
    return row


def _printed_quantity(summary: Mapping[str, Any], row: PublishedValue) -> Any:
    """The score or count of a summary that a published value names; None if it is missing."""
    if row.metric == "n":
        return count_scored(summary, row)
    section: Any = summary
    for key in row.path[:-1]:
        section = section.get(key, {})
    value = section.get(row.metric)
    if value is None and row.task == "analysis" and row.metric in ("tp", "fp", "fn"):
        # A summary has right answers as a share; each wrong answer is both a false positive and a miss.
        accuracy = section.get("scores", {}).get("accuracy", {}).get("value")
        if accuracy is None:
            return None
        n_right = round(accuracy * section["n"])
        return n_right if row.metric == "tp" else section["n"] - n_right
    return value


def section_keys(row: PublishedValue) -> tuple[str, ...]:
    """The keys of the part of a summary to which a value belongs."""
    return tuple(key for key in row.path[:-1] if key != "scores")


def count_scored(summary: Mapping[str, Any], row: PublishedValue) -> float | None:
    """The number of scored truths (spotting) or samples (analysis)."""
    part: Any = summary
    for key in section_keys(row):
        part = part.get(key, {})
    if "n" in part:
        return float(part["n"])
    return float(part["tp"] + part["fn"]) if "tp" in part else None
