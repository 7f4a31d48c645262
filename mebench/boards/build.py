"""Build tables from measured runs: a row for each method and its settings, and rows for the level of chance."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from mebench.boards import row_facts
from mebench.boards.chance_rows import chance_methods, names_rows, random_rows
from mebench.boards.row_facts import VERSIONS
from mebench.boards.row_scores import (
    OF_MISTAKES,
    SCORING,
    costs_over_seeds,
    metrics_of,
    mistakes_of_runs,
    parts_by_name,
    seed_mean_scores,
    single_score,
)
from mebench.boards.rows import UNRANKED, BoardRow, BoardTable, HardestPeople, Part, rank_rows
from mebench.boards.run_tables import Read, RunTables, read_member
from mebench.boards.standings import compute_standings, testable_together
from mebench.core import KINDS
from mebench.core.types import ABSENT
from mebench.errors import MebenchError, list_first
from mebench.grouping import group_by
from mebench.metrics.catalogue import METRICS, SECTIONS, metric_columns as metrics_shown
from mebench.metrics.score_table import ScoredPart, ScoreTable
from mebench.metrics.seed_means import exact_mean, over_seeds
from mebench.records import recorded_settings
from mebench.records.record import DAMAGE, Record, UnshownError
from mebench.result_cache import cached_result
from mebench.runs import RunFolder
from mebench.runs.scoring import SCORER, read_tables
from mebench.score_type import UNDEFINED, Score
from mebench.shared_work import results_in_order

OF_STANDINGS = (*SCORING, "boards/significance.py", "boards/standings.py", "boards/group_letters.py")
"""The code of the stored values of the rows of a table together."""
TOO_MANY = "not tested against the others: there are too many rows or answers"
OTHER_FEATURES = (
    "not tested against the others: its features had an earlier version; mebench leaderboard renew computes it again"
)
NO_USE = "does not apply: "
"""Prefix of a plugin's `other_input` if the method cannot work on the input: the row has no rank."""
OTHER_CODE = "another row has these settings and this seed: the code of mebench or its features differs"


def build_tables(records: Iterable[Record]) -> list[BoardTable]:
    """All tables, by task, dataset, protocol and variant. The order of the records does not matter.

    Raises:
        UnshownError: some of the records can be in no table; the others can.
    """
    records = list(records)
    try:
        return _build(records)
    except DAMAGE:
        reasons = _reasons_not_to_show(records)
        if not reasons:
            raise
        raise UnshownError(reasons) from None


def _reasons_not_to_show(records: Sequence[Record]) -> dict[str, str]:
    """The error of each record that can be in no table, by its id."""
    reasons = {}
    for record in records:
        try:
            read_tables(RunFolder(record.folder))  # which paired tests read
            plain = [table.plain() for table in _build([record])]
            json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
        except DAMAGE as error:
            reasons[record.id] = _reason_of(error, RunFolder(record.folder))
    return reasons


def _reason_of(error: Exception, folder: RunFolder) -> str:
    """Why a record can be in no table: the files of its run that are damaged, else the error."""
    damaged = folder.list_damaged_files()
    if damaged:
        return f"the run {folder.describe_damage(damaged)}"
    return str(error) if isinstance(error, MebenchError) else f"{type(error).__name__}: {error}"


def _build(records: Sequence[Record]) -> list[BoardTable]:
    """All tables of some records."""
    ordered = sorted(records, key=lambda record: (*_row_key(record), record.seed, record.id))
    ordered = _with_equal_words(ordered)
    chance_ids = chance_methods()
    of_tables: list[RunsOfTable] = []
    for task in SECTIONS:
        scored = [record for record in ordered if task in record.summary]
        by_identity = group_by(scored, key=partial(_identity_of_table, task))
        of_tables += [RunsOfTable(task, identity, by_identity[identity]) for identity in sorted(by_identity)]
    make = partial(_table, chance_ids=chance_ids)
    return _with_unique_names(
        [*results_in_order("tables", of_tables, make, size=lambda of_table: len(of_table.records))]
    )


def _with_equal_words(records: Sequence[Record]) -> list[Record]:
    """The records with equal words for equal data: an explicit default does not make another table."""
    words_of = {}
    for data, same in group_by(records, key=_settings_of_data).items():
        own = [record for record in same if not record.sender] or same  # no sender words the tables of the board
        words_of[data] = _shortest([record.data for record in own])
    return [record.with_values(data=words_of[_settings_of_data(record)]) for record in records]


def _row_key(record: Record) -> tuple[str, str, str]:
    """What the runs of a row share: seeds are pooled within one sender only."""
    return record.identity, record.sender, record.doubt


def _settings_of_data(record: Record) -> str:
    """The settings of dataset and protocol as JSON."""
    sections = ("dataset", "protocol")
    settings = {key: value for key, value in record.config.items() if key.partition(".")[0] in sections}
    return json.dumps(settings, sort_keys=True)


def _identity_of_table(task: str, record: Record) -> tuple[str, str, str]:
    """Dataset, protocol and variant of the table of a run. Emotion schemes make no difference to spotting."""
    variant = [record.data]
    if task != "spotting":
        variant.append(recorded_settings.scheme_in_words(record.config))
    if record.convention != "strict":
        variant.append(f"convention {record.convention}")
    return record.dataset, str(record.config["protocol"]), "; ".join(filter(None, variant))


class RunsOfTable(NamedTuple):
    """The runs of a table, on the same data.

    Attributes:
        task: task of the table.
        identity: dataset, protocol and variant.
        records: runs that have a score of the task.
    """

    task: str
    identity: tuple[str, str, str]
    records: Sequence[Record]


def _table(of_table: RunsOfTable, chance_ids: Set[str]) -> BoardTable:
    """The table of some runs; `chance_ids` are the methods that are levels of chance."""
    task, identity, records = of_table
    scheme = str(records[0].about.get("scheme", "")) if task != "spotting" else ""
    tables_of_runs = RunTables()  # many pairs of tests include a run
    return BoardTable(
        table_name(task, *identity), task, *identity, scheme, _parts(task, records, tables_of_runs.read, chance_ids)
    )


def _with_unique_names(tables: Sequence[BoardTable]) -> list[BoardTable]:
    """The tables, with a hash in names that would make the same file."""
    counts = Counter(table.name.casefold() for table in tables)
    unique = []
    for table in tables:
        if counts[table.name.casefold()] > 1:
            unique.append(replace(table, name=f"{table.name}_{_hash(table.settings_title)}"))
        else:
            unique.append(table)
    return unique


def table_name(task: str, dataset: str, protocol: str, variant: str) -> str:
    """Name of a table's files, without ending."""
    words: list[str] = []
    for word in (dataset, protocol):
        is_plain = re.fullmatch(r"[\w+.-]{1,80}", word, re.ASCII)
        words.append(word if is_plain else _slug(word))
    if variant:
        words.append(_slug(variant))
    return "-".join([task, *words])


def _slug(text: str) -> str:
    """A text as part of a file name, with a hash unless nothing is lost."""
    short = re.sub(r"[^\w.]+", "_", text, flags=re.ASCII).strip("_")
    is_plain = len(short) <= 40 and not re.search(r"[^\w.:;,= -]|=-", text, re.ASCII)  # -1 is not 1
    return short if is_plain else f"{short[:32]}_{_hash(text)}"


def _hash(text: str) -> str:
    """Eight digits of a hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


PARTS_OF_TASKS = {
    "spotting": {kind: f"spotting.{kind}.f1" for kind in ("micro", "macro", "overall")},
    "analysis": {"true positives": "analysis.strs", "all intervals": "analysis.all_intervals.f1"},
    "recognition": {"all clips": "recognition.uf1"},
}
"""The parts of each task by name, with the path of the main score."""


@dataclass(frozen=True)
class PartSpec:
    """What a part of a table shows.

    Attributes:
        task: `spotting`, `analysis` or `recognition`.
        name: name of the part, such as `micro` or `all clips`.
        path: path of the main score in a run's summary, such as `spotting.micro.f1`.
        member: the member of a composite whose videos alone are scored; empty for all videos.
    """

    task: str
    name: str
    path: str
    member: str = ""

    @property
    def member_of_tables(self) -> str:
        """The member whose videos alone the tables hold: recognition scores all members from the tables of all videos."""
        return "" if self.task == "recognition" else self.member


@dataclass(frozen=True, eq=False)  # compared and hashed by identity
class MeasuredRow:
    """A row with the runs behind it. They are needed until it is compared with others. It is no kind of row.

    Attributes:
        row: the row, over all its seeds.
        runs: the run of each seed.
    """

    row: BoardRow
    runs: tuple[Record, ...]

    @property
    def first(self) -> Record:
        """The run that tells what all seeds share, such as the annotations."""
        return self.runs[0]


ScoredRun = tuple[Record, ScoredPart]
"""A run, and its scores in a part."""


def _parts(task: str, records: Sequence[Record], read: Read, chance_ids: Set[str]) -> tuple[Part, ...]:
    """All parts of a table that have rows: first those over all videos, then those of the members of a composite."""
    scored = [(record, parts_by_name(ScoreTable.read(record.summary))) for record in records]
    parts = []
    for name, path in PARTS_OF_TASKS[task].items():
        runs = [(record, by_name[task, name]) for record, by_name in scored if (task, name) in by_name]
        parts.append(_part(PartSpec(task, name, path), runs, read, chance_ids))
    if task == "recognition":
        parts.append(_members_of_recognition(scored, parts[0].metrics, read, chance_ids))
    else:
        for name, path in PARTS_OF_TASKS[task].items():
            if name != "all intervals":
                parts.append(_members_of_spotting(PartSpec(task, name, path), records, read, chance_ids))
    return tuple(part for part in parts if part.rows)


def _members_of_recognition(
    scored: Sequence[tuple[Record, Mapping[tuple[str, str], ScoredPart]]],
    metrics: tuple[str, ...],
    read: Read,
    chance_ids: Set[str],
) -> Part:
    """The part with the rows of every member of a composite in recognition."""
    rows: list[BoardRow] = []
    members = {part.member for _, by_name in scored for part in by_name.values() if part.member}
    for member in sorted(members):
        spec = PartSpec("recognition", member, f"recognition.members.{member}.uf1", member)
        key = ("recognition", member)
        runs = [(record, by_name[key]) for record, by_name in scored if key in by_name]
        rows += _part(spec, runs, read, chance_ids).rows
    return Part("members", metrics, tuple(rows))


def _members_of_spotting(spec: PartSpec, records: Sequence[Record], read: Read, chance_ids: Set[str]) -> Part:
    """The rows of the members of a composite in spotting or analysis. Each member has a summary there."""
    rows: list[BoardRow] = []
    members = {member for record in records for member in record.summary.get("members", {})}
    for member in sorted(members):
        runs: list[ScoredRun] = []
        for record in records:
            of_member = parts_by_name(ScoreTable.read(record.summary).of_member(member))
            if (spec.task, spec.name) in of_member:
                runs.append((record, of_member[spec.task, spec.name]))
        read_of_member = partial(read_member, read, member)
        rows += _part(replace(spec, member=member), runs, read_of_member, chance_ids).rows
    return Part(f"{spec.name}, members", metrics_shown(spec.task), tuple(rows))


def _part(spec: PartSpec, runs: Sequence[ScoredRun], read: Read, chance_ids: Set[str]) -> Part:
    """Build one part of a table: a row for each identity among the runs, and the levels of chance.

    Args:
        spec: the part.
        runs: the runs that have such a part.
        read: gives the tables of a run.
        chance_ids: methods that are levels of chance.
    """
    records = [record for record, _ in runs]
    scores_a_unit = any(ABSENT in record.about["classes"] for record in records)
    metrics = metrics_of(spec.task, spec.name, scores_a_unit)
    versions = _annotation_versions(records, spec.task)
    sort_key = partial(row_order, main_score=metrics[0])

    measured = _measured_rows(spec, metrics, runs, versions, read)
    measured.sort(key=lambda entry: sort_key(entry.row))
    comparable = [
        entry
        for entry in measured
        if _annotation_version(entry.first, spec.task) == versions[0] and not entry.row.unranked
    ]
    rows = _with_standings(spec, metrics, measured, comparable, read, chance_ids)
    if not spec.member:
        if spec.task == "spotting":
            rows += random_rows(spec.name, metrics, records)
        rows += names_rows(spec.task, spec.name, metrics, [run for entry in comparable for run in entry.runs])
    return Part(spec.name, metrics, tuple(sorted(rows, key=sort_key)))


def row_order(row: BoardRow, main_score: str) -> tuple[Any, ...]:
    """Best first; then rows that tested subjects may have shaped, and last rows that disagree with known annotations or code."""
    worth = METRICS[main_score].sort_key(row.scores[main_score].value)
    return row.unranked, row.may_know_tested, -worth, row.method, row.settings, row.seeds, row.runs


def _annotation_version(record: Record, task: str) -> str:
    """The version of the annotations that the task is scored with; spotting does not depend on emotions."""
    intervals, intervals_and_emotions = record.annotations
    return intervals if task == "spotting" else intervals_and_emotions


def _annotation_versions(records: Sequence[Record], task: str) -> list[str]:
    """The versions of the annotations, the most frequent first. Doubtful runs count only if there are no others."""
    trusted = [record for record in records if not record.doubt] or records
    counts = Counter(_annotation_version(record, task) for record in trusted)
    return [version for version, _ in counts.most_common()]


def _measured_rows(
    spec: PartSpec, metrics: Sequence[str], runs: Sequence[ScoredRun], versions: Sequence[str], read: Read
) -> list[MeasuredRow]:
    """A row for each method with its settings. It summarises all seeds; rows stand in the order of the runs."""
    rows: list[MeasuredRow] = []
    for of_identity in group_by(runs, key=lambda run: _row_key(run[0])).values():
        one_run_a_seed = len({record.seed for record, _ in of_identity}) == len(of_identity)
        # Two different runs of one seed: the plugin's code changed, so their difference is not a spread over seeds.
        runs_of_rows = [of_identity] if one_run_a_seed else [[run] for run in of_identity]
        for runs_of_row in runs_of_rows:
            first, _ = runs_of_row[0]
            remark = _remark_on(first, spec.task, versions, other_code=not one_run_a_seed)
            records = [record for record, _ in runs_of_row]
            row = _row(spec, metrics, runs_of_row, read, remark)
            row = replace(row, **_cached_mistakes(spec, records, read))
            rows.append(MeasuredRow(row, tuple(records)))
    return rows


def _remark_on(record: Record, task: str, versions: Sequence[str], other_code: bool) -> str:
    """What a reader must know before comparing a run with those of other rows."""
    remarks = []
    if record.doubt:
        remarks.append(f"{UNRANKED}: {record.doubt}")
    elif record.other_input.startswith(NO_USE):
        remarks.append(f"{UNRANKED}: {record.other_input}")
    if record.about["remark"]:
        remarks.append(record.about["remark"])
    if other_code:
        remarks.append(OTHER_CODE)
    if record.training_code:
        remarks.append(f"trained with code of its sender: {list_first(record.training_code)}")
    if record.landmark_files:
        remarks.append(f"faces cut by a landmark file of its sender: {list_first(record.landmark_files)}")
    if record.about.get("subject_dependent"):
        remarks.append("subject-dependent: tested people train too")
    if len(versions) > 1 and not record.doubt:
        remarks.append(f"annotations {_annotation_version(record, task)}: not the same as in every other row")
    return "; ".join(remarks)


def _cached_mistakes(spec: PartSpec, records: Sequence[Record], read: Read) -> dict[str, Any]:
    """The mistakes of a row in spotting of one kind, see `mistakes_of_runs`; empty for other rows."""
    if spec.task != "spotting" or spec.member or spec.name not in KINDS:
        return {}
    compute = partial(mistakes_of_runs, records, spec.name, read)
    return cached_result(compute, OF_MISTAKES, "mistakes", spec.name, [record.content for record in records])


def _with_standings(
    spec: PartSpec,
    metrics: tuple[str, ...],
    measured: Sequence[MeasuredRow],
    comparable: Sequence[MeasuredRow],
    read: Read,
    chance_ids: Set[str],
) -> list[BoardRow]:
    """Add significance groups and intervals of ranks to measured rows. A row that was not tested gets a remark instead.

    Args:
        spec: the part.
        metrics: its columns.
        measured: all rows of methods, best first.
        comparable: rows that may be tested against one another: on the usual annotations, without a doubt.
        read: gives the tables of a run.
        chance_ids: methods that are levels of chance: tested, but not ranked.
    """
    same_features = [entry for entry in comparable if not entry.row.facts["earlier"]]
    tested = [same_features[position] for position in testable_together([entry.runs for entry in same_features])]
    with_rank = _entries_with_rank(spec, metrics, measured, chance_ids)
    standing_of = _standings_of(spec, tested, with_rank, read)
    rows = []
    for entry in measured:
        if entry in standing_of:
            rows.append(replace(entry.row, **standing_of[entry]))
        elif entry in same_features:
            rows.append(_with_remark(entry.row, TOO_MANY))
        elif entry in comparable:
            rows.append(_with_remark(entry.row, OTHER_FEATURES))
        else:
            rows.append(entry.row)
    return rows


def _entries_with_rank(
    spec: PartSpec, metrics: tuple[str, ...], measured: Sequence[MeasuredRow], chance_ids: Set[str]
) -> set[MeasuredRow]:
    """The measured rows that have a rank in the table."""
    entry_of = {id(entry.row): entry for entry in measured}  # rows of equal content are different rows
    part = Part(spec.name, metrics, tuple(entry.row for entry in measured))
    ranked_rows = rank_rows(part, chance_ids, join_pairs=spec.task == "spotting")
    return {entry_of[id(ranked.row)] for ranked in ranked_rows if ranked.rank is not None}


def _standings_of(
    spec: PartSpec, tested: Sequence[MeasuredRow], with_rank: Set[MeasuredRow], read: Read
) -> dict[MeasuredRow, dict[str, Any]]:
    """Significance groups and ranks of the tested rows. They are cached while runs and ranks are unchanged.

    Args:
        spec: the part.
        tested: rows that are tested together.
        with_rank: rows that have a rank.
        read: gives the tables of a run.
    """
    if not tested:
        return {}
    runs_of_rows = [entry.runs for entry in tested]
    contents = [[run.content for run in runs] for runs in runs_of_rows]
    ranked_positions = [position for position, entry in enumerate(tested) if entry in with_rank]
    trusted = [position for position in ranked_positions if not tested[position].runs[0].is_of_stranger]
    compute = partial(compute_standings, runs_of_rows, spec.path, read, ranked_positions, trusted)
    standings = cached_result(compute, OF_STANDINGS, spec.path, spec.member, contents, ranked_positions, trusted)
    return dict(zip(tested, map(_typed_standing, standings)))


def _typed_standing(standing: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row that the cache holds as plain data."""
    return {**standing, "hardest": HardestPeople.from_plain(standing.get("hardest", {}))}


def _with_remark(row: BoardRow, remark: str) -> BoardRow:
    """The row with one more remark."""
    return replace(row, remark=f"{row.remark}; {remark}" if row.remark else remark)


def _row(spec: PartSpec, metrics: Sequence[str], runs: Sequence[ScoredRun], read: Read, remark: str) -> BoardRow:
    """The row of some runs that differ in the seed only.

    Args:
        spec: the part.
        metrics: its columns.
        runs: the runs with their scores.
        read: gives the tables of a run.
        remark: facts that a reader must know to compare.
    """
    records = [record for record, _ in runs]
    first = records[0]
    return BoardRow(
        method=first.method,
        # An explicit default value does not make another row, only a longer text.
        settings=_shortest([record.settings for record in records]),
        member=spec.member,
        provenance="measured",
        seeds=tuple(record.seed for record in records),
        n=exact_mean([part.counts.scored for _, part in runs]),
        scores=_scores_over_seeds(spec, metrics, runs, read),
        convention=first.convention,
        selection=first.selection,
        transductive=first.transductive,
        costs=costs_over_seeds(records),
        versions={
            **{name: first.versions[name] for name in VERSIONS if name in first.versions},
            "scoring": _scoring_of(records),
        },
        runs=tuple(record.id for record in records),
        remark=remark,
        facts=row_facts.with_seldom_left_out({fact.name: fact.read(first) for fact in row_facts.FACTS}),
    )


def _scores_over_seeds(
    spec: PartSpec, metrics: Sequence[str], runs: Sequence[ScoredRun], read: Read
) -> dict[str, Score]:
    """The scores of a row by metric, from the arguments of `_row`."""
    if len(runs) == 1:
        ((_, part),) = runs
        return {metric: single_score(part.scores.get(metric, UNDEFINED)) for metric in metrics}
    means = seed_mean_scores([record for record, _ in runs], read, spec.member_of_tables)
    of_means = means[spec.task, spec.name]
    scores: dict[str, Score] = {}
    for metric in metrics:
        of_seeds = [part.scores.get(metric, UNDEFINED) for _, part in runs]
        scores[metric] = over_seeds(of_seeds, of_means.get(metric, UNDEFINED))
    return scores


def _scoring_of(records: Sequence[Record]) -> str:
    """The version of scoring of a row's scores. Earlier versions that made those of its records are named in brackets."""
    earlier = {str(record.scored_by) for record in records if record.scored_by != SCORER}
    return f"{SCORER} (made under {', '.join(sorted(earlier))})" if earlier else str(SCORER)


def _shortest(texts: Iterable[str]) -> str:
    """The shortest text; of equally long ones the first in order."""
    return min(texts, key=lambda text: (len(text), text))
