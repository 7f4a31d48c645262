"""The scores of a result: of one run, or the means over all its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mebench.metrics.seed_means import by_chance, mean_ends, mean_summary, over_seeds
from mebench.output.number_format import format_number
from mebench.output.table import Column, ShownScore, Table
from mebench.records.record import read_record
from mebench.reports.result_sentence import INTERVALS, StatedScore, result_sentence
from mebench.reports.scores import main_scores, state_scores
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from mebench.score_type import Score


@dataclass(frozen=True)
class ResultScores:
    """The main scores of a result.

    Attributes:
        stated: scores beside chance, each a mean over seeds with its interval, the lowest and the highest seed.
        of_seeds: main scores of each seed, by label.
        interval: kind of the intervals, of `result_sentence.INTERVALS`.
    """

    stated: Sequence[StatedScore]
    of_seeds: Sequence[Mapping[str, Score]]
    interval: str


def scores_of_result(folders: Sequence[RunFolder], summaries: Sequence[Mapping[str, Any]]) -> ResultScores:
    """The main scores of runs that differ in the seed alone. A score that one run lacks is undefined.

    Args:
        folders: folder of each run.
        summaries: their summaries.
    """
    of_seeds = [main_scores(summary) for summary in summaries]
    of_first = state_scores(summaries[0])
    if len(folders) == 1:
        return ResultScores(of_first, of_seeds, "run")
    of_means, interval = _scores_of_means(folders, summaries)
    stated = []
    for one in of_first:
        pooled = over_seeds([scores[one.label] for scores in of_seeds], of_means[one.label])
        stated.append(replace(one, score=pooled))
    return ResultScores(stated, of_seeds, interval)


def _scores_of_means(
    folders: Sequence[RunFolder], summaries: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Score], str]:
    """The means over seeds with their intervals, and the kind of these."""
    tables = [read_tables(folder) for folder in folders]
    if by_chance(tables):
        return mean_ends([main_scores(summary) for summary in summaries]), "draws"
    about = folders[0].read_json("folds.json")
    config = folders[0].read_json("config.json")["config"]
    return main_scores(mean_summary(tables, about, config, summaries[0]["convention"])), "mean"


def table_of_seeds(seeds: Sequence[int], scores: ResultScores) -> Table:
    """The main scores of a result: means over seeds with their intervals, chance, and each seed by itself."""
    columns = [Column("score", main=True), Column("mean", right=True, score=True), Column("chance", right=True)]
    columns += [Column(f"seed {seed}", right=True) for seed in seeds]
    rows = []
    for one in scores.stated:
        of_seeds = [format_number(of_seed[one.label].value, one.digits) for of_seed in scores.of_seeds]
        mean = ShownScore(replace(one.score, lowest=None, highest=None), digits=one.digits)
        rows.append([one.label, mean, format_number(one.chance.value, one.digits), *of_seeds])
    return Table(columns, rows, f"means over {len(seeds)} seeds, with {INTERVALS[scores.interval]}")


def sentence_of_runs(folders: Sequence[RunFolder], scores: ResultScores) -> str:
    """The sentence on a result."""
    records = [read_record(folder) for folder in folders]
    seeds = [record.seed for record in records]
    first = records[0]
    return result_sentence(
        first.method, first.settings, seeds, scores.stated[0], scores.interval, unpublished=first.unpublished
    )
