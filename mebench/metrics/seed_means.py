"""Scores of several runs that differ in the seed alone: their means over seeds, with the intervals of these means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mebench.metrics.bootstrap import (
    Basis,
    BasisOf,
    Evaluate,
    PlainScore,
    Resampling,
    SectionScores,
    average_scores,
    basis_of_all,
)
from mebench.metrics.compared_tables import sections_of
from mebench.metrics.conventions import Convention
from mebench.metrics.mistakes import number_of_draws
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables, strata_of_units
from mebench.score_type import UNDEFINED, Score


def mean_summary(
    tables: Sequence[Tables], about: Mapping[str, Any], config: Mapping[str, Any], convention: str
) -> dict[str, Any]:
    """The summary of runs that differ in the seed, each score a mean over seeds.

    Args:
        tables: tables of each run.
        about: `folds.json` of the first.
        config: its configuration.
        convention: name of the rules.
    """
    return summarize_seeds(
        tables,
        kinds=about["kinds"],
        classes=about["classes"],
        seed=int(config["seed"]),
        convention=convention,
        draws=int(config["bootstrap"]),
    )


def summarize_seeds(
    runs: Sequence[Tables],
    *,
    kinds: Sequence[str],
    classes: Sequence[str],
    seed: int,
    convention: str | Convention = "strict",
    draws: int = 1000,
) -> dict[str, Any]:
    """The summary of the first run, whose scores are means over all runs.

    In each draw of people, and without each person, every run is scored and the mean taken, so an interval is that of the mean. A
    score that one run lacks is undefined. Counts and curves are those of the first run. Folds that are scored by themselves
    are left out: those of another seed may test other people.

    Args:
        runs: tables of each run: the same videos and truths, no predictions by chance in several draws.
        kinds: kinds that were spotted.
        classes: classes of the scheme.
        seed: seed of the draws.
        convention: rules, or their name.
        draws: number of bootstrap draws.

    Raises:
        ConfigError: there is no such convention.
        DataError: the tables of a run do not fit together.
    """
    first, *others = runs
    strata = strata_of_units(first.put_in_order().videos)
    sections = [sections_of(tables, len(strata), kinds, classes, convention) for tables in others]
    whole = Resampling.of_subjects(strata, draws, seed)
    means = SeedMeans(whole.weights, strata=whole.strata, subjects=whole.subjects, others=sections)
    summary = summarize(
        first, kinds=kinds, classes=classes, seed=seed, convention=convention, draws=draws, resampling=means
    )
    if "recognition" in summary:
        summary["recognition"].pop("folds", None)
    return summary


@dataclass
class SeedMeans(Resampling):
    """Weightings that make the scores of one run means over several runs.

    Attributes:
        others: the score functions of the other runs, by section.
    """

    others: Sequence[Mapping[str, SectionScores]] = field(default=())

    def scores(
        self, section: str, evaluate: Evaluate, basis_of: BasisOf = basis_of_all, drawn_by: Evaluate | None = None
    ) -> dict[str, PlainScore]:
        """Values and intervals of the means over runs."""
        runs = [SectionScores(evaluate, basis_of, drawn_by), *(other[section] for other in self.others)]
        return super().scores(
            section,
            average_scores([run.evaluate for run in runs]),
            partial(_basis_of_mean, [run.basis_of for run in runs]),
            average_scores([run.drawn_by or run.evaluate for run in runs]),
        )


def _basis_of_mean(runs: Sequence[BasisOf], units: Sequence[int], name: str) -> Basis:
    """The data behind a mean over seeds: the least of any run, and every doubt."""
    bases = [basis_of(units, name) for basis_of in runs]
    doubts = dict.fromkeys(basis.doubt for basis in bases if basis.doubt)
    # The people are the same under all seeds, so what the jackknife does not show does not cancel out.
    hidden_error = sum(basis.hidden_error for basis in bases) / len(bases)
    return Basis(min(basis.subjects for basis in bases), "; ".join(doubts), hidden_error)


def by_chance(tables: Iterable[Tables]) -> bool:
    """Whether a run predicts by chance, in several draws; its intervals hold draws, not people."""
    return any(number_of_draws(of_run) > 1 for of_run in tables)


def mean_ends(scores: Sequence[Mapping[str, Score]]) -> dict[str, Score]:
    """For each score the mean of the lower and of the upper ends over runs; None where a run has none."""
    ends = {}
    for name in scores[0]:
        of_runs = [of_run[name] for of_run in scores]
        low = _mean_if_all_known([score.low for score in of_runs])
        high = _mean_if_all_known([score.high for score in of_runs])
        ends[name] = Score(low=low, high=high)
    return ends


def _mean_if_all_known(values: Sequence[float | None]) -> float | None:
    """The mean over runs; None if a run has no value."""
    known = [value for value in values if value is not None]
    return exact_mean(known) if len(known) == len(values) else None


def over_seeds(scores: Iterable[Score], of_mean: Score) -> Score:
    """Mean, lowest and highest value of the seeds, with the interval of their mean; undefined if a value is.

    Args:
        scores: score of each seed.
        of_mean: score of all seeds together, whose ends count, see `seed_mean_scores`.
    """
    values = [score.value for score in scores]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return UNDEFINED
    return Score(exact_mean(known), of_mean.low, of_mean.high, lowest=min(known), highest=max(known))


def exact_mean(values: Sequence[float]) -> float:
    """The mean; for equal values exactly that value."""
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)
