"""The values of a row over the seeds of its runs: numbers, scores and mistakes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from mebench.boards.rows import QUIET
from mebench.boards.run_tables import Read
from mebench.core import KINDS
from mebench.metrics.catalogue import JOINT, metric_columns as metrics_shown
from mebench.metrics.mistakes import miss_shares, quiet_rate
from mebench.metrics.score_table import ScoredPart, ScoreTable
from mebench.metrics.seed_means import by_chance, exact_mean, mean_ends, mean_summary, over_seeds
from mebench.records.record import Record
from mebench.result_cache import cached_result
from mebench.score_type import Score, typed_scores

SCORING = (
    "core/*.py",
    "metrics/*.py",
    "runs/*.py",
    "records/record.py",
    "boards/run_tables.py",
    "output/terminal.py",
    "output/json_output.py",
    "grouping.py",
    "score_type.py",
)
"""The code that computes scores from the tables of a run."""
OF_SEEDS = OF_MISTAKES = (*SCORING, "boards/row_scores.py")
"""The code of the stored scores over seeds, and of the stored mistakes of a row."""


def metrics_of(task: str, part: str, of_unit: bool = False) -> tuple[str, ...]:
    """The columns of a part, the main metric first."""
    return tuple(metric for metric in metrics_shown(task, of_unit) if part != "all intervals" or metric not in JOINT)


def parts_by_name(table: ScoreTable) -> dict[tuple[str, str], ScoredPart]:
    """The parts of a table of scores by task and part; those of members in recognition by task and member."""
    return {(part.task, part.name or "all clips"): part for part in table.parts()}


def single_score(score: Score) -> Score:
    """The score of a single run or level of chance, as `over_seeds` gives it."""
    return over_seeds([score], score)


def seed_mean_scores(
    records: Sequence[Record], read: Read, member: str = ""
) -> dict[tuple[str, str], dict[str, Score]]:
    """The scores of runs that differ in the seed: means with intervals, by task and part.

    A method that predicts by chance has the mean ends of its runs in spotting and analysis: what holds 95 % of its draws.

    Args:
        records: the runs, more than one.
        read: gives the tables of a run, or those of one member of a composite.
        member: name of that member, or empty.
    """
    compute = partial(_scores_of_means, records, read, member)
    means = cached_result(compute, OF_SEEDS, "means over seeds", member, [record.content for record in records])
    return {(task, part): typed_scores(scores) for task, part, scores in means}


def _scores_of_means(records: Sequence[Record], read: Read, member: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Task, part and scores of `seed_mean_scores`, as plain data."""
    means = _means_of_parts(records, read, member)
    return [
        (task, part, {metric: score.plain() for metric, score in scores.items()})
        for (task, part), scores in means.items()
    ]


def _means_of_parts(records: Sequence[Record], read: Read, member: str) -> dict[tuple[str, str], Mapping[str, Score]]:
    """The scores of `seed_mean_scores`; see its arguments."""
    tables = [read(record) for record in records]
    first = records[0]
    if by_chance(tables):
        scored = [ScoreTable.read(record.summary) for record in records]
        if member:
            scored = [table.of_member(member) for table in scored]
        parts = [parts_by_name(table) for table in scored]
        shared = [key for key in parts[0] if all(key in by_name for by_name in parts)]
        return {key: mean_ends([by_name[key].scores for by_name in parts]) for key in shared}
    summary = mean_summary(tables, first.about, first.config, first.convention)
    return {key: part.scores for key, part in parts_by_name(ScoreTable.read(summary)).items()}


def costs_over_seeds(records: Sequence[Record]) -> dict[str, float]:
    """The mean of each cost that all runs have; parameters are not known where something loaded is not among them."""
    first, *others = records
    shared = [name for name in first.costs if all(name in record.costs for record in others)]
    if not all(record.counts_all_parameters for record in records):
        shared = [name for name in shared if name != "parameters"]
    return {name: round(exact_mean([record.costs[name] for record in records]), 3) for name in shared}


def mistakes_of_runs(records: Sequence[Record], kind: str, read: Read) -> dict[str, Any]:
    """The mistakes of a row in spotting of one kind: `causes`, `missed` and `quiet` of `Row`."""
    runs = [read(record) for record in records]
    quiet = {}
    for absent, kinds in zip(QUIET, ([kind], KINDS)):
        rates = [quiet_rate(run, kind, run.truths[run.truths["kind"].isin(kinds)]) for run in runs]
        known = [rate for rate, _ in rates if rate is not None]
        if len(known) == len(rates):
            _, minutes = rates[0]
            quiet[absent] = [exact_mean(known), minutes]
    annotated: set[str] = set()
    for run in runs:
        if run.distractors is not None:
            annotated |= {*run.distractors["kind"].unique()}
    mistakes = [record.summary.get("mistakes", {}).get(kind, {}) for record in records]
    return {"quiet": quiet, **mistakes_over_seeds(mistakes, kind, annotated)}


def mistakes_over_seeds(
    mistakes: Sequence[Mapping[str, Any]], kind: str, annotated: Iterable[str] = ()
) -> dict[str, Any]:
    """`causes` and `missed` of `Row`; empty unless all runs hold their mistakes.

    Args:
        mistakes: the mistakes in the summary of each run.
        kind: kind of the intervals.
        annotated: distractors, which are causes too.
    """
    if not all("gain" in mistake for mistake in mistakes):
        return {}
    causes = {*annotated} | ({*KINDS, "duplicate", "near_miss", "nothing"} - {kind})
    causes = causes.union(*(mistake["gain"] for mistake in mistakes)) - {"missed"}
    return {
        "causes": {
            **{cause: _cause_over_seeds(mistakes, cause) for cause in sorted(causes)},
            "missed": _misses_over_seeds(mistakes),
        },
        "missed": _miss_shares_over_seeds([miss_shares(mistake) for mistake in mistakes]),
    }


def _cause_over_seeds(mistakes: Sequence[Mapping[str, Any]], cause: str) -> list[float]:
    """The number of false positives of a cause, and the gain in F1 without it."""
    numbers = [mistake["under"].get(cause, 0.0) for mistake in mistakes]
    gains = [mistake["gain"].get(cause, 0.0) for mistake in mistakes]
    return [exact_mean(numbers), exact_mean(gains)]


def _misses_over_seeds(mistakes: Sequence[Mapping[str, Any]]) -> list[float]:
    """The number of misses except near ones, and the gain in F1 without them."""
    numbers = [sum(n for cause, n in mistake["miss"].items() if cause != "localisation") for mistake in mistakes]
    gains = [mistake["gain"]["missed"] for mistake in mistakes]
    return [exact_mean(numbers), exact_mean(gains)]


def _miss_shares_over_seeds(shares: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """For each property that all runs have, the share of each third that is missed."""
    first = shares[0]
    shared = [name for name in first if all(name in share for share in shares)]
    return {
        name: {third: exact_mean([share[name][third] for share in shares]) for third in first[name]} for name in shared
    }
