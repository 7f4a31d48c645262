"""The values of a row over the seeds of its runs: numbers, scores and mistakes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from mebench.boards.rows import QUIET, Score
from mebench.boards.run_tables import Read
from mebench.core import KINDS
from mebench.metrics.catalogue import JOINT, metric_columns as metrics_shown
from mebench.metrics.mistakes import miss_shares, quiet_rate
from mebench.metrics.scored_parts import scored_parts
from mebench.metrics.seed_means import by_chance, exact_mean, mean_ends, mean_summary, over_seeds
from mebench.records.record import Record
from mebench.result_cache import cached_result

SCORING = (
    "core/*.py",
    "metrics/*.py",
    "runs/*.py",
    "records/record.py",
    "boards/run_tables.py",
    "output/terminal.py",
    "output/json_output.py",
    "grouping.py",
)
"""The code that computes scores from the tables of a run."""
OF_SEEDS = OF_MISTAKES = (*SCORING, "boards/row_scores.py")
"""The code of the stored scores over seeds, and of the stored mistakes of a row."""


def metrics_of(task: str, part: str, of_unit: bool = False) -> tuple[str, ...]:
    """The columns of a part, the main metric first."""
    return tuple(metric for metric in metrics_shown(task, of_unit) if part != "all intervals" or metric not in JOINT)


def sections_by_part(summary: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The sections of a summary by task and part; those of members in recognition by task and member."""
    return {(task, name or "all clips"): section for task, name, section in scored_parts(summary)}


def n_of(section: Mapping[str, Any]) -> float:
    """The number of scored truths (spotting) or samples (other sections)."""
    return float(section["n"] if "n" in section else section["tp"] + section["fn"])


def single_score(score: Mapping[str, Any]) -> Score:
    """The score of a single run or level of chance, as `over_seeds` gives it."""
    return over_seeds([score], score)


def seed_mean_scores(
    records: Sequence[Record], read: Read, member: str = ""
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The scores of runs that differ in the seed: means with intervals, by task and part.

    A method that predicts by chance has the mean ends of its runs in spotting and analysis: what holds 95 % of its draws.

    Args:
        records: the runs, more than one.
        read: gives the tables of a run, or those of one member of a composite.
        member: name of that member, or empty.
    """
    compute = partial(_scores_of_means, records, read, member)
    means = cached_result(compute, OF_SEEDS, "means over seeds", member, [record.content for record in records])
    return {(task, part): scores for task, part, scores in means}


def _scores_of_means(records: Sequence[Record], read: Read, member: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Task, part and scores of `seed_mean_scores`, as plain data."""
    tables = [read(record) for record in records]
    first = records[0]
    if by_chance(tables):
        summaries = [record.summary for record in records]
        if member:
            summaries = [summary["members"][member] for summary in summaries]
        sections = [sections_by_part(summary) for summary in summaries]
        shared = [key for key in sections[0] if all(key in section for section in sections)]
        return [(*key, mean_ends([section[key]["scores"] for section in sections])) for key in shared]
    summary = mean_summary(tables, first.about, first.config, first.convention)
    return [(task, part, section["scores"]) for (task, part), section in sections_by_part(summary).items()]


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
