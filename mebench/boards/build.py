"""Build tables from measured runs: a row for each method and its settings, and rows for the level of chance."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache, partial
from operator import itemgetter
from typing import Any

from mebench.boards import row_facts
from mebench.boards.row_facts import VERSIONS
from mebench.boards.rows import NOTHING, QUIET, UNRANKED, Part, Row, Score, Table, ranked
from mebench.boards.significance import Read, standing, together
from mebench.config import registry
from mebench.core import ABSENT, KINDS
from mebench.grouping import grouped
from mebench.metrics import (
    JOINT,
    METRICS,
    SECTIONS,
    Tables,
    metric_columns as metrics_shown,
    miss_shares,
    names_chance,
    quiet_rate,
)
from mebench.metrics.scored_parts import scored_parts
from mebench.records import DAMAGE, Record, UnshownError, recorded_settings
from mebench.result_cache import cached
from mebench.runs import RunFolder, read_tables, select_dataset
from mebench.terminal import plural

SCORING = (
    "core/*.py",
    "metrics/*.py",
    "runs/*.py",
    "records/record.py",
    "terminal.py",
    "json_output.py",
    "grouping.py",
)
"""The code that computes scores from the tables of a run."""
OF_ROWS, OF_LETTERS = (*SCORING, "boards/build.py"), (*SCORING, "boards/significance.py")
"""The code of the stored values of single rows, and of the rows of a table together."""
CHANCE = {"as_many": "random (as many as truths)", "best_rate": "random (best rate)"}


def chance_methods() -> set[str]:
    """Ids of the methods that are levels of chance."""
    return {id_ for id_, info in registry.plugins("method").items() if info.config.get("chance")}


BY_NAME = "not a method: answers by names of clips and videos alone, learnt on the training people; a fold hides these names from methods"


def names_rows(task: str, part: str, metrics: Sequence[str], records: Sequence[Record]) -> list[Row]:
    """The row of name leakage, from the run with the lowest seed whose protocol leaves people out."""
    for source in sorted(records, key=lambda r: (r.seed, r.id)):
        by_name = cached(partial(_by_name, source), OF_ROWS, "names", source.content)  # equal for all its tables
        if section := _sections(by_name).get((task, part)):
            reads = by_name["reads"].get("recognition" if task == "recognition" else "spotting", {})
            places = [f"{name}: {max(counts, key=lambda place: counts[place])}" for name, counts in reads.items()]
            known = {subject for fold in source.about["folds"] for subject in fold["test"]}
            extra = {subject for fold in source.about["folds"] for subject in (*fold["train"], *fold["valid"])} - known
            alone = f"; {plural(len(extra), 'person trains', 'people train')} alone, and no record holds their names"
            return [
                _level(
                    source,
                    "names",
                    "; ".join(places),
                    n_of(section),
                    {metric: section["scores"].get(metric, NOTHING) for metric in metrics},
                    BY_NAME + alone * bool(extra),
                )
            ]
    return []


def _by_name(record: Record) -> dict[str, Any]:
    """The result of `names_chance` if each tested person has training people; else empty."""
    tables = read_tables(RunFolder(record.folder))
    trained_on = {who: [*fold["train"], *fold["valid"]] for fold in record.about["folds"] for who in fold["test"]}
    if record.about.get("subject_dependent") or not all(map(trained_on.get, tables.videos["subject"])):
        return {"reads": {}}
    return names_chance(tables, trained_on, record.about["classes"], record.about["kinds"], record.convention)


def _level(source: Record, name: str, settings: str, n: float, scores: Mapping[str, Any], remark: str) -> Row:
    """The row of a level of chance, which is not a method: from one run, without a spread over seeds."""
    return Row(
        method=name,
        settings=settings,
        member="",
        provenance="chance",
        seeds=(source.seed,),
        n=n,
        scores={metric: over_seeds([score]) for metric, score in scores.items()},
        convention=source.convention,
        selection="fixed",
        transductive="none",
        costs={},
        versions={"mebench": source.versions["mebench"]},
        runs=(),
        remark=remark,
    )


TOO_MANY = "not tested against the others: there are too many rows or answers"
OTHER_FEATURES = (
    "not tested against the others: its features had an earlier version; mebench leaderboard renew makes it again"
)
NO_USE = "does not apply: "
"""Prefix of a plugin's `other_input` if the method cannot work on the input: the row has no rank."""
OTHER_CODE = "another row has these settings and this seed: the code of mebench or its features differs"


def build(records: Iterable[Record]) -> list[Table]:
    """All tables, by task, dataset, protocol and variant. The order of the records does not matter.

    Raises:
        UnshownError: some of the records can be in no table; the others can.
    """
    some = list(records)
    try:
        return _build(some)
    except DAMAGE:
        reasons = {}
        for record in some:
            try:
                read_tables(RunFolder(record.folder))  # which paired tests read
                json.dumps([table.plain() for table in _build([record])], ensure_ascii=False, allow_nan=False).encode()
            except DAMAGE as error:
                reasons[record.id] = f"{type(error).__name__}: {error}"
        if not reasons:
            raise
        raise UnshownError(reasons) from None


def _build(records: Sequence[Record]) -> list[Table]:
    def about_data(record: Record) -> str:
        of_data = {k: v for k, v in record.config.items() if k.partition(".")[0] in ("dataset", "protocol")}
        return json.dumps(of_data, sort_keys=True)

    def place(task: str, record: Record) -> tuple[str, str, str]:
        """Dataset, protocol and variant. Emotion schemes make no difference to spotting."""
        scheme = recorded_settings.of_scheme(record.config) if task != "spotting" else ""
        rules = f"convention {record.convention}" if record.convention != "strict" else ""
        return record.dataset, str(record.config["protocol"]), "; ".join(filter(None, [record.data, scheme, rules]))

    # Equal settings of dataset and protocol get equal words: an explicit default does not make another table.
    ordered = sorted(records, key=lambda r: (r.identity, r.doubt, r.seed, r.id))
    words = {key: [record.data for record in same] for key, same in grouped(ordered, key=about_data).items()}
    shortest = {key: min(several, key=lambda text: (len(text), text)) for key, several in words.items()}
    ordered = [replace(record, data=shortest[about_data(record)]) for record in ordered]

    tables, floors = [], chance_methods()
    for task in SECTIONS:
        groups = grouped((record for record in ordered if task in record.summary), key=partial(place, task))
        for where, group in sorted(groups.items(), key=itemgetter(0)):
            scheme = str(group[0].about.get("scheme", "")) if task != "spotting" else ""
            held = cache(
                lambda folder: read_tables(RunFolder(folder))
            )  # of one table's tests, however many pairs include a run
            parts = _parts(task, group, lambda record, held=held: held(record.folder), floors)  # type: ignore[misc]
            tables.append(Table(table_name(task, *where), task, *where, scheme, parts))
    counts = Counter(table.name.casefold() for table in tables)  # names of files must be unique
    return [replace(t, name=f"{t.name}_{_hash(t.title)}") if counts[t.name.casefold()] > 1 else t for t in tables]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def table_name(task: str, dataset: str, protocol: str, variant: str) -> str:
    """Name of a table's files, without ending."""

    def slug(text: str) -> str:
        short = re.sub(r"[^\w.]+", "_", text, flags=re.ASCII).strip("_")
        plain = len(short) <= 40 and not re.search(r"[^\w.:;,= -]|=-", text, re.ASCII)  # -1 is not 1
        return short if plain else f"{short[:32]}_{_hash(text)}"

    fits = re.compile(r"[\w+.-]{1,80}", re.ASCII).fullmatch
    words = (word if fits(word) else slug(word) for word in (dataset, protocol))
    return "-".join([task, *words, *([slug(variant)] if variant else [])])


PARTS = {
    "spotting": {kind: f"spotting.{kind}.f1" for kind in ("micro", "macro", "overall")},
    "analysis": {"true positives": "analysis.strs", "all intervals": "analysis.all_intervals.f1"},
    "recognition": {"all clips": "recognition.uf1"},
}
"""The parts of each task by name, with the path of the main score."""


def _sections(summary: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The sections of a summary by task and part; those of members in recognition by task and member."""
    return {(task, name or "all clips"): section for task, name, section in scored_parts(summary)}


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


@dataclass(frozen=True, eq=False)  # compared and hashed by identity
class MeasuredRow:
    """A row of a method, before it is compared with others.

    Attributes:
        row: the row, over all its seeds.
        run: the run that represents the row in paired tests.
    """

    row: Row
    run: Record


ScoredRun = tuple[Record, Mapping[str, Any]]
"""A run, and the section of its summary that a part shows."""


def _parts(task: str, records: Sequence[Record], read: Read, floors: Set[str]) -> tuple[Part, ...]:
    """All parts of a table that have rows, first over all videos, then for each member of a composite."""
    sections = [(record, _sections(record.summary)) for record in records]
    parts = []
    for name, path in PARTS[task].items():
        runs = [(record, by_part[task, name]) for record, by_part in sections if by_part.get((task, name))]
        parts.append(_part(PartSpec(task, name, path), runs, read, floors))
    if task == "recognition":
        parts.append(_members_of_recognition(sections, parts[0].metrics, read, floors))
    else:
        for name, path in PARTS[task].items():
            if name != "all intervals":
                parts.append(_members_of_spotting(PartSpec(task, name, path), records, read, floors))
    return tuple(part for part in parts if part.rows)


def _members_of_recognition(
    sections: Sequence[tuple[Record, Mapping[tuple[str, str], Any]]],
    metrics: tuple[str, ...],
    read: Read,
    floors: Set[str],
) -> Part:
    """The part with the rows of every member of a composite in recognition."""
    rows: list[Row] = []
    for member in sorted(
        {member for record, _ in sections for member in record.summary["recognition"].get("members", {})}
    ):
        spec = PartSpec("recognition", member, f"recognition.members.{member}.uf1", member)
        key = ("recognition", member)
        runs = [(record, by_part[key]) for record, by_part in sections if by_part.get(key)]
        rows += _part(spec, runs, read, floors).rows
    return Part("members", metrics, tuple(rows))


def _members_of_spotting(spec: PartSpec, records: Sequence[Record], read: Read, floors: Set[str]) -> Part:
    """The same for a part of spotting, or of analysis: there each member has a summary of its own."""
    name = f"{spec.name}, members"
    rows: list[Row] = []
    for member in sorted({member for record in records for member in record.summary.get("members", {})}):
        runs: list[ScoredRun] = []
        for record in records:
            summary_of_member = record.summary.get("members", {}).get(member, {})
            section = _sections(summary_of_member).get((spec.task, spec.name))
            if section:
                runs.append((record, section))
        read_member = partial(_read_member, read, member)
        rows += _part(replace(spec, name=name, member=member), runs, read_member, floors).rows
    return Part(name, metrics_shown(spec.task), tuple(rows))


def _read_member(read: Read, member: str, record: Record) -> Tables:
    """The tables of one member of a composite."""
    return select_dataset(read(record), member)


def _part(spec: PartSpec, runs: Sequence[ScoredRun], read: Read, floors: Set[str]) -> Part:
    """Build one part of a table: a row for each identity among the runs, and the levels of chance.

    Args:
        spec: the part.
        runs: the runs that have such a section.
        read: gives the tables of a run.
        floors: methods that are levels of chance.
    """
    records = [record for record, _ in runs]
    scores_a_unit = any(ABSENT in record.about["classes"] for record in records)
    metrics = metrics_of(spec.task, spec.name, scores_a_unit)
    versions = _annotation_versions(records, spec.task)
    sort_key = partial(_sort_key, main_score=metrics[0])

    measured = _measured_rows(spec, metrics, runs, versions, read)
    measured.sort(key=lambda entry: sort_key(entry.row))
    comparable = [
        entry
        for entry in measured
        if _annotation_version(entry.run, spec.task) == versions[0] and not entry.row.unranked
    ]
    rows = _with_standings(spec, metrics, measured, comparable, read, floors)
    if not spec.member:
        if spec.task == "spotting":
            rows += _chance_rows(spec.name, metrics, records)
        rows += names_rows(spec.task, spec.name, metrics, [entry.run for entry in comparable])
    return Part(spec.name, metrics, tuple(sorted(rows, key=sort_key)))


def _sort_key(row: Row, main_score: str) -> tuple[Any, ...]:
    """Best first; then rows chosen on tested subjects, and last rows that disagree with known annotations or code."""
    worth = METRICS[main_score].worth(row.scores[main_score]["value"])
    return row.unranked, row.chosen_on_tested, -worth, row.method, row.settings, row.seeds, row.runs


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
    """A row for each method with its settings, over its seeds, in the order of the runs."""
    rows: list[MeasuredRow] = []
    for of_identity in grouped(runs, key=lambda run: (run[0].identity, run[0].doubt)).values():
        one_run_a_seed = len({record.seed for record, _ in of_identity}) == len(of_identity)
        # Two different runs of one seed: the plugin's code changed, so their difference is not a spread over seeds.
        runs_of_rows = [of_identity] if one_run_a_seed else [[run] for run in of_identity]
        for runs_of_row in runs_of_rows:
            first, _ = runs_of_row[0]
            remark = _remark_on(first, spec.task, versions, other_code=not one_run_a_seed)
            row = _row(metrics, runs_of_row, spec.member, remark)
            row = replace(row, **_cached_mistakes(spec, [record for record, _ in runs_of_row], read))
            rows.append(MeasuredRow(row, _median_run(runs_of_row, metrics[0])))
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
    if record.about.get("subject_dependent"):
        remarks.append("subject-dependent: tested people train too")
    if len(versions) > 1 and not record.doubt:
        remarks.append(f"annotations {_annotation_version(record, task)}: not the same as in every other row")
    return "; ".join(remarks)


def _cached_mistakes(spec: PartSpec, records: Sequence[Record], read: Read) -> dict[str, Any]:
    """The mistakes of a row in spotting of one kind, see `_mistakes`; empty for other rows."""
    if spec.task != "spotting" or spec.member or spec.name not in KINDS:
        return {}
    compute = partial(_mistakes, records, spec.name, read)
    return cached(compute, OF_ROWS, "mistakes", spec.name, [record.content for record in records])


def _median_run(runs: Sequence[ScoredRun], main_score: str) -> Record:
    """The run with the median main score; of two such runs, the worse one."""

    def worth_and_seed(run: ScoredRun) -> tuple[float, int]:
        record, section = run
        return METRICS[main_score].worth(section["scores"].get(main_score, NOTHING)["value"]), record.seed

    record, _ = sorted(runs, key=worth_and_seed)[(len(runs) - 1) // 2]
    return record


def _with_standings(
    spec: PartSpec,
    metrics: tuple[str, ...],
    measured: Sequence[MeasuredRow],
    comparable: Sequence[MeasuredRow],
    read: Read,
    floors: Set[str],
) -> list[Row]:
    """Add significance groups and intervals of ranks to the measured rows, or a remark why a row has none.

    Args:
        spec: the part.
        metrics: its columns.
        measured: all rows of methods, best first.
        comparable: rows that may be tested against one another: on the usual annotations, without a doubt.
        read: gives the tables of a run.
        floors: methods that are levels of chance: tested, but not ranked.
    """
    same_features = [entry for entry in comparable if not entry.row.facts["earlier"]]
    tested = [same_features[place] for place in together([entry.run for entry in same_features])]

    part = Part(spec.name, metrics, tuple(entry.row for entry in measured))
    places = ranked(part, floors, fold=spec.task == "spotting")
    ids_with_rank = {id(place.row) for place in places if place.rank is not None}
    judged = [number for number, entry in enumerate(tested) if id(entry.row) in ids_with_rank]

    standing_of: dict[MeasuredRow, dict[str, Any]] = {}
    if tested:
        runs = [entry.run for entry in tested]
        compute = partial(standing, runs, spec.path, read, judged)
        standings = cached(compute, OF_LETTERS, spec.path, spec.member, [run.content for run in runs], judged)
        standing_of = dict(zip(tested, standings))

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


def _with_remark(row: Row, remark: str) -> Row:
    """The row with one more remark."""
    return replace(row, remark=f"{row.remark}; {remark}" if row.remark else remark)


def _chance_rows(kind: str, metrics: Sequence[str], records: Sequence[Record]) -> list[Row]:
    """The levels of chance in spotting, from the run with the lowest seed; other runs differ only by noise."""
    sources = [record for record in records if not record.doubt and kind in record.summary.get("chance", {})]
    if not sources:
        return []
    source = min(sources, key=lambda record: (record.seed, record.id))
    rows = []
    for rule, level in source.summary["chance"][kind].items():
        if rule not in CHANCE:
            continue
        rate = level.get("rate_per_minute")
        rows.append(
            _level(
                source,
                CHANCE[rule],
                "" if rate is None else f"{rate:.1f} intervals per minute",
                n_of(source.summary["spotting"][kind]),
                {metric: level.get(metric, NOTHING) for metric in metrics},
                "not a method: intervals of mean length at random places; 95 % of single draws lie in the interval",
            )
        )
    return rows


def metrics_of(task: str, part: str, of_unit: bool = False) -> tuple[str, ...]:
    """The columns of a part, the main metric first."""
    return tuple(m for m in metrics_shown(task, of_unit) if part != "all intervals" or m not in JOINT)


def _row(metrics: Sequence[str], group: Sequence[tuple[Record, Any]], member: str, remark: str) -> Row:
    records, sections = [record for record, _ in group], [section for _, section in group]
    first = records[0]
    return Row(
        method=first.method,
        # An explicit default value does not make another row, only a longer text.
        settings=min((record.settings for record in records), key=lambda text: (len(text), text)),
        member=member,
        provenance="measured",
        seeds=tuple(record.seed for record in records),
        n=mean([n_of(section) for section in sections]),
        scores={m: over_seeds([section["scores"].get(m, NOTHING) for section in sections]) for m in metrics},
        convention=first.convention,
        selection=first.selection,
        transductive=first.transductive,
        costs={
            name: round(mean([record.costs[name] for record in records]), 3)
            for name in first.costs
            if all(name in record.costs for record in records)
        },
        versions={name: first.versions[name] for name in VERSIONS if name in first.versions},
        runs=tuple(record.id for record in records),
        remark=remark,
        facts={fact.name: fact.read(first) for fact in row_facts.FACTS},
    )


def _mistakes(records: Sequence[Record], kind: str, read: Read) -> dict[str, Any]:
    """See `causes`, `missed` and `quiet` of `Row`."""
    runs = list(map(read, records))
    facts: dict[str, Any] = {"quiet": {}}
    for absent, kinds in zip(QUIET, ([kind], KINDS)):
        rates = [quiet_rate(run, kind, run.truths[run.truths["kind"].isin(kinds)]) for run in runs]
        known = [rate for rate, _ in rates if rate is not None]
        if len(known) == len(rates):
            facts["quiet"][absent] = [mean(known), rates[0][1]]
    annotated = {word for run in runs if run.distractors is not None for word in run.distractors["kind"].unique()}
    return facts | explained([record.summary.get("mistakes", {}).get(kind, {}) for record in records], kind, annotated)


def explained(mistakes: Sequence[Mapping[str, Any]], kind: str, annotated: Iterable[str] = ()) -> dict[str, Any]:
    """`causes` and `missed` of `Row`, of runs that all hold their mistakes; nothing of others.

    Args:
        mistakes: the mistakes in the summary of each.
        kind: of the intervals.
        annotated: distractors.
    """
    if not all("gain" in m for m in mistakes):
        return {}
    shares = [miss_shares(m) for m in mistakes]
    numbers = [sum(n for cause, n in m["miss"].items() if cause != "localisation") for m in mistakes]
    # The cause of a false positive that overlaps with no expression of another kind and no distractor.
    names = sorted(
        ({*annotated} | {*KINDS, "duplicate", "near_miss", "nothing"} - {kind}).union(*(m["gain"] for m in mistakes))
        - {"missed"}
    )
    causes = {word: [mean([m[part].get(word, 0.0) for m in mistakes]) for part in ("under", "gain")] for word in names}
    causes["missed"] = [mean(numbers), mean([m["gain"]["missed"] for m in mistakes])]
    missed = {
        name: {third: mean([m[name][third] for m in shares]) for third in thirds}
        for name, thirds in shares[0].items()
        if all(name in m for m in shares)
    }
    return {"causes": causes, "missed": missed}


def n_of(section: Mapping[str, Any]) -> float:
    """The number of scored truths (spotting) or samples (other sections)."""
    return float(section["n"] if "n" in section else section["tp"] + section["fn"])


def over_seeds(scores: Sequence[Mapping[str, Any]]) -> Score:
    """Mean, lowest and highest value, lowest and highest end of the intervals.

    Empty if a value is undefined; no interval if one seed has none.
    """
    values, lows, highs = ([score[end] for score in scores] for end in ("value", "low", "high"))
    if None in values:
        return NOTHING
    return {
        "value": mean(values),
        "low": None if None in lows else min(lows),
        "high": None if None in highs else max(highs),
        "min": min(values),
        "max": max(values),
    }


def mean(values: Sequence[float]) -> float:
    """The mean; for equal values exactly that value."""
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)
