"""The cost of degradations for a finished run: scores at each strength, and relations that need no label.

`mebench.features.degradation` holds the kinds; `mebench.inference.robustness_page` shows what is measured here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mebench.config import RunConfig, from_plain, trainer
from mebench.errors import ConfigError, MebenchError
from mebench.features.degradation import Degradation
from mebench.features.relations import Answers, concerns_tasks, count_violations_of_run
from mebench.inference.models import models_of_run
from mebench.metrics.compared_tables import compare_tables
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.tables import Tables
from mebench.output.progress import Progress
from mebench.runner import execute_sweep
from mebench.runner.session import Outcome, read_skipped
from mebench.runs import RunFolder
from mebench.runs.scoring import current_summary, read_tables
from mebench.score_type import Score

DEGRADED_RUNS = "degraded"
"""Subfolder of a run with the runs of its models on degraded videos."""


def measure_robustness(
    clean: RunFolder, words: Sequence[str], workers: int | None, progress: Progress
) -> list[dict[str, Any]]:
    """Test the models of a run on degraded videos. Earlier results are reused.

    Args:
        clean: the run.
        words: degradations, `KIND:STRENGTH`.
        workers: number of processes; None for all cores.
        progress: reports the progress.

    Returns:
        For each word `kind`, `strength` and `run`, or the reason of a failure in `error`; `skipped`: number of videos
        whose face is no longer found; `scores`: for each main score its `score`, its `difference` from the clean one,
        paired over subjects, and the relative `drop`; for a relation, `violations` instead.

    Raises:
        ConfigError: no word says anything about what the run does, see `concerns_tasks`.
        RunError: the run keeps no models.
        MebenchError: no word applies to its dataset, its data are missing, or all degradations failed.
    """
    models_of_run(clean)
    stored = clean.read_json("config.json")
    about = clean.read_json("folds.json")
    parsed = [(word, Degradation.from_text(word)) for word in words]
    tested = [(word, how) for word, how in parsed if concerns_tasks(how, about["tasks"])]
    if not tested:
        raise ConfigError(
            f"{clean.id} spots nothing, so a still video says nothing about it: name another kind with --what"
        )
    settings = {"runs": str(clean.path.absolute() / DEGRADED_RUNS), "workers": workers, "looks": False}
    with trainer.without_foreign_code():  # nothing is trained
        configs = {}
        for word, how in tested:
            if how.strength:
                configs[word] = from_plain({**stored["config"], **settings, "degrade": word}, stored["origins"])
    reference = _read_reference(clean, stored["config"], about)
    outcomes = _run_degraded(configs, clean, progress)
    return [_robustness_row(how, outcomes.get(word), reference) for word, how in tested]


@dataclass(frozen=True)
class _Reference:
    """The clean run, with all that degraded ones are compared with.

    Attributes:
        folder: folder of the run.
        scores: all scores by path.
        tables: truth and predictions.
        answers: intervals and named clips.
        fps: frame rate of each video, by its key.
        rules: kinds, classes and convention of the scoring.
    """

    folder: RunFolder
    scores: Mapping[str, Score]
    tables: Tables
    answers: Answers
    fps: Mapping[str, float | None]
    rules: Mapping[str, Any]


def _read_reference(clean: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> _Reference:
    """The scores, tables and rules of the run on clean videos."""
    fps: dict[Any, Any] = clean.read_table("videos.parquet").set_index("video")["fps"].to_dict()
    convention = config.get("convention", "strict")
    rules = {"kinds": about["kinds"], "classes": about["classes"], "convention": convention}
    return _Reference(clean, _read_scores(current_summary(clean)), read_tables(clean), _read_answers(clean), fps, rules)


def _read_scores(summary: Mapping[str, Any]) -> dict[str, Score]:
    """All scores of a summary by path."""
    return ScoreTable.read(summary).by_path()


def _read_answers(folder: RunFolder) -> Answers:
    """The answers of a run."""
    return [[*folder.read_table(f"{name}.parquet").itertuples()] for name in ("predictions", "clips")]


def _run_degraded(
    configs: Mapping[str, RunConfig], clean: RunFolder, progress: Progress
) -> dict[str, Outcome | MebenchError]:
    """The outcome of each word; the first error if all failed."""
    if not configs:
        return {}
    outcomes = dict(zip(configs, execute_sweep([*configs.values()], progress, keep=True, clean=clean)))
    if all(isinstance(outcome, MebenchError) for outcome in outcomes.values()):
        first, *_ = outcomes.values()
        raise cast(MebenchError, first)
    return outcomes


def _robustness_row(how: Degradation, outcome: Outcome | MebenchError | None, clean: _Reference) -> dict[str, Any]:
    """One row of the result; without an outcome, of strength 0, it is that of the clean run."""
    row: dict[str, Any] = {"kind": how.kind, "strength": how.strength, "run": None, "error": None, "skipped": 0}
    if isinstance(outcome, MebenchError):
        return row | {"error": str(outcome)}
    folder = outcome.folder if outcome else clean.folder
    row |= {"run": folder.id, "skipped": len(read_skipped(folder))}
    if how.about.answer:
        return row | {"violations": count_violations_of_run(clean.answers, _read_answers(folder), how, clean.fps)}
    scores = _read_scores(outcome.summary) if outcome else clean.scores
    return row | {"scores": _compared_scores(folder, scores, clean)}


def _compared_scores(folder: RunFolder, scores: Mapping[str, Score], clean: _Reference) -> dict[str, dict[str, Any]]:
    """Main scores of a degraded run, their differences from the clean one, and drops."""
    compared_scores = {}
    comparison = compare_tables(read_tables(folder), clean.tables, permutations=1, **clean.rules)
    for path, compared in comparison.scores.items():
        difference = compared.difference
        if folder is clean.folder:  # no draw of subjects tells a run from itself
            difference = Score(0.0)
        clean_value = clean.scores[path].value
        drop = None
        if clean_value and difference.value is not None:
            drop = 0.0 - difference.value / clean_value
        compared_scores[path] = {"score": scores[path].plain(), "difference": difference.plain(), "drop": drop}
    return compared_scores
