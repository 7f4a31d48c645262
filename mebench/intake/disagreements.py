"""Find records that disagree with what is known here: other annotations, other code, the answers of another record.

A finding appears on that record's own row, which has no rank and no comparisons, so a new record cannot change another
row. The registry of the board gives the order of arrival and the known annotations.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mebench.grouping import group_by
from mebench.intake.record_registry import Registry
from mebench.intake.similar_answers import AnswersOfRecord, find_similar, name_alike, read_answers, spot_alike
from mebench.protocols import PROTOCOLS
from mebench.records import recorded_settings
from mebench.records.record import Record, annotation_facts
from mebench.records.schema import FOLDS
from mebench.runner.describe import describe_run, truth_tables
from mebench.runner.plan import Plan
from mebench.runs import RunFolder


def data_of(config: Mapping[str, Any], settings: str, tasks: Iterable[str]) -> str:
    """The settings that determine the truth of a run, in words.

    Args:
        config: flat keys.
        settings: non-default settings of dataset and protocol, in words.
        tasks: tasks of the run.
    """
    data = f"{recorded_settings.dataset_in_words(config['dataset'])} under {config['protocol']}"
    words = data, settings, recorded_settings.scheme_in_words(config), " and ".join(sorted(tasks))
    return "; ".join(filter(None, words))


def truth_of(record: Record) -> tuple[str, list[str]]:
    """The words of a record's data, the hashes of its annotations, and its dataset's revision."""
    words = data_of(record.config, record.data, record.about["tasks"])
    return words, [*record.annotations, record.versions["dataset_revision"]]


def truth_of_plan(plan: Plan) -> tuple[str, list[str]]:
    """The result of `truth_of` for a plan's runs, from the local copy of the dataset."""
    values = plan.config.values
    with TemporaryDirectory() as room:
        folder = RunFolder(Path(room))
        describe_run(folder, plan, truth_tables(plan.data), "")
        hashes = annotation_facts(folder, folder.read_json(FOLDS))["annotations"]
    settings = recorded_settings.data_settings(values, plan.config.origins)
    words = data_of(recorded_settings.without_places(values), settings, plan.data.task.tasks)
    return words, [*hashes, plan.data.dataset.revision]


def with_senders(records: Iterable[Record], registry: Registry) -> list[Record]:
    """The records, each with its sender; runs are the board's own."""
    sent: list[Record] = []
    for record in records:
        if record.published:
            sent.append(record.with_values(sender=registry.sender_of(record.id)))
        else:
            sent.append(record)
    return sent


def with_doubts(records: Iterable[Record], registry: Registry) -> list[Record]:
    """The records, by id, each with the doubts about it in words.

    Those of a registered record are the registered ones. A new one is compared with earlier records: those of the registry arrived first,
    in its order; then other committed ones, which arrived together and are also compared with one another; then runs, which are in
    doubt for nothing but equal answers and other annotations.
    """
    place_of = {run_id: position for position, run_id in enumerate(registry.records)}

    def by_arrival(record: Record) -> tuple[int, bool, str]:
        return place_of.get(record.id, len(place_of)), not record.published, record.id

    read = cache(read_answers)
    arrived = sorted(records, key=by_arrival)
    new_committed = [record for record in arrived if record.published and record.id not in registry.records]
    registered = registry.records.keys()
    registered_or_new = {*registered, *(record.id for record in new_committed)}
    similar = _similar_to_new(arrived, registry)
    by_identity = group_by(arrived, key=attrgetter("identity"))
    by_run = group_by(arrived, key=_facts_of_run)
    judged: list[Record] = []
    for record in arrived:
        doubts = [truth_doubt(record, registry)]
        if not record.published:
            similar_ids = similar[record.id]
            earlier = [former for former in judged if former.id in similar_ids]
            doubts.append(doubt_of(record, earlier, registered, read, similar_ids))
        elif record.id in registered:
            doubts.append(registry.records[record.id])
        else:
            data, _ = truth_of(record)
            if data not in registry.truths:
                doubts.append(f"the annotations of {data} are unknown here")
            similar_ids = similar[record.id]
            of_same_run = (*by_identity[record.identity], *by_run[_facts_of_run(record)])
            related_ids = similar_ids | {other.id for other in of_same_run}
            earlier = [former for former in (*judged, *new_committed) if former.id in related_ids]
            doubts.append(doubt_of(record, earlier, registered_or_new, read, similar_ids))
        judged.append(record.with_values(doubt="; ".join(filter(None, doubts))))
    return sorted(judged, key=lambda record: record.id)


def _similar_to_new(records: Iterable[Record], registry: Registry) -> dict[str, set[str]]:
    """The records with nearly equal answers, by id. Annotations without a new record are left out."""
    similar: dict[str, set[str]] = {}
    for of_truth in group_by(records, key=_hash_of_intervals).values():
        if any(not record.published or record.id not in registry.records for record in of_truth):
            similar |= find_similar(of_truth)
    return similar


def _hash_of_intervals(record: Record) -> str:
    """The hash of a record's videos and annotated intervals, without emotions."""
    intervals, _ = record.annotations
    return intervals


def truth_doubt(record: Record, registry: Registry) -> str:
    """The difference between the truth of a record and the registered one, in words; empty if they agree or no truth is
    registered.
    """
    data, (intervals, intervals_and_emotions, revision) = truth_of(record)
    known = registry.truths.get(data)
    if known is None:
        return ""
    known_intervals, known_intervals_and_emotions, known_revision = known
    has_other_intervals = intervals != known_intervals
    has_other_emotions = intervals_and_emotions != known_intervals_and_emotions
    names_emotions = "recognize" in record.about["tasks"]  # spotting does not depend on emotions
    if has_other_intervals or (names_emotions and has_other_emotions):
        return f"its annotations differ from those known of {record.dataset}"
    if record.published and revision != known_revision:
        return f"its revision {revision} of {record.dataset} differs from the known {known_revision}"
    return ""


def doubt_of(
    record: Record,
    earlier: Iterable[Record],
    known: Collection[str],
    read: Callable[[Path], AnswersOfRecord],
    similar: Collection[str] | None = None,
) -> str:
    """The doubts about a record, except for its truth, in words: disagreements with other records; may be empty.

    Args:
        record: the record.
        earlier: records that arrived before it or together with it.
        known: ids of registered records, and of those that arrive together with it.
        read: gives the answers in a folder.
        similar: ids of the records with nearly its answers, as `find_similar` gives them; by default all are compared.
    """
    doubts = list[str]()
    if record.published and record.config["protocol"] not in PROTOCOLS:
        doubts.append(f"protocol {record.config['protocol']} is not known here, so its folds could not be drawn again")
    for former in earlier:
        if former.id == record.id or _hash_of_intervals(former) != _hash_of_intervals(record):
            continue
        if record.published and former.id in known and _is_same_run(record, former):
            doubts.append(f"{former.id} has these settings and this seed")
            break
        copied = _copied_answers(record, former, read) if similar is None or former.id in similar else []
        if copied:
            doubts.append(f"its {' and '.join(copied)} are those of {former.id}")
            break
        if record.published and _has_other_size(record, former):
            doubts.append(
                f"its parameters, {record.costs['parameters']:g}, are not the {former.costs['parameters']:g} of "
                f"{former.id}, which has its settings and code"
            )
            break
    return "; ".join(doubts)


def _facts_of_run(record: Record) -> tuple[Any, ...]:
    """What `_is_same_run` makes equal, quick to compare; other runs may have the same."""
    names = sorted(recorded_settings.row_settings(record.config))
    return record.seed, record.method, record.dataset, *names


def _is_same_run(record: Record, other: Record) -> bool:
    """Whether two records have equal settings and seeds."""
    if other.seed != record.seed:
        return False
    return recorded_settings.row_settings(other.config) == recorded_settings.row_settings(record.config)


def _has_other_size(record: Record, other: Record) -> bool:
    """Whether a method with the same settings, code and data has another number of parameters."""
    return record.identity == other.identity and record.costs["parameters"] != other.costs["parameters"]


def _copied_answers(record: Record, earlier: Record, read: Callable[[Path], AnswersOfRecord]) -> list[str]:
    """The kinds of answers that are copied. They equal those of an earlier record, although they come from another
    training.
    """
    suspect = [kind for kind in ("emotions", "intervals") if _should_differ(record, earlier, kind)]
    if not suspect:
        return []
    own = read(record.folder)
    others = read(earlier.folder)
    is_copied = {"emotions": name_alike(own, others), "intervals": spot_alike(own, others)}
    return [kind for kind in suspect if is_copied[kind]]


def _should_differ(record: Record, earlier: Record, kind: str) -> bool:
    """Whether two records must not have equal answers. Answers of another method or another trained seed must differ,
    and so must guarded ones from leaking ones.
    """
    if _method_behind(kind, record) != _method_behind(kind, earlier):
        return True
    is_pair = " + " in record.method
    section = "recognizer" if kind == "emotions" and is_pair else "method"
    if record.seed != earlier.seed and _has_epochs(record, section):
        return True
    return _is_guarded(record) and not _is_guarded(earlier)


def _is_guarded(record: Record) -> bool:
    """Whether nothing in a run was chosen on tested people."""
    return str(record.config.get("audit", "guard")) == "guard"


def _method_behind(kind: str, record: Record) -> str:
    """The method of a record that gave the `emotions` or the `intervals`: of a pair, the second or the first."""
    methods = record.method.split(" + ")
    return methods[-1] if kind == "emotions" else methods[0]


def _has_epochs(record: Record, section: str) -> bool:
    """Whether a method is trained in epochs; the seed makes no difference to others."""
    of_section = {key: value for key, value in record.config.items() if key.partition(".")[0] == section}
    return any(value for key, value in of_section.items() if key.endswith("epochs"))
