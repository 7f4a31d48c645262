"""One trial: a configuration over the inner folds, trained whole or only proposed anew, scored as they come in."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from mebench.config import RunConfig
from mebench.errors import RunError
from mebench.metrics.summary import flat_scores, summarize
from mebench.metrics.tables import Tables
from mebench.progress import Progress
from mebench.runner.describe import truth_tables
from mebench.runner.host import propose_again
from mebench.runner.identity import content_of, reusable, truth_of
from mebench.runner.inputs import digest, inputs_of
from mebench.runner.plan import Plan
from mebench.runner.workers import Workers
from mebench.runs.fold_result import FoldResult
from mebench.runs.scoring import scored_of
from mebench.tuning.records import Objective
from mebench.tuning.space import Space, with_values
from mebench.tuning.splits import Split, who
from mebench.tuning.study import Step
from mebench.tuning.work import Features, FoldCache, of_part, run_folds, with_config

_IN_MEMORY = 8
"""Trainings whose weights and frame scores stay there; older ones are read again when a trial proposes from them."""


class Evaluator:
    """Scores values over the inner folds of one study.

    Args:
        split: the study.
        space: what is tuned.
        objectives: what for.
        pool: who trains.
        folder: where frame scores and models are kept that other trials can use.
        progress: where to tell of features that are computed.

    Attributes:
        waited: wall seconds until features and whole inner folds were there, over all trials so far.
    """

    def __init__(
        self,
        split: Split,
        space: Space,
        objectives: Sequence[Objective],
        pool: Workers,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._split, self._space, self._objectives = split, space, tuple(objectives)
        self._crew, self._features = pool, Features(pool, progress)
        self._run = of_part(split.inner, split.part)
        self._fold_of, inner = {fold.key: fold for fold in self._run.folds}, split.inner
        self._inputs = inputs_of(inner.config, inner.dataset), truth_of(inner), *content_of(inner)
        sections = {objective.path.partition(".")[0] for objective in self._objectives}
        self._names = "analysis" in sections
        self._classes = split.inner.task.classes if {"analysis", "recognition"} & sections else ()
        self.waited = 0.0
        self._kept = lru_cache(_IN_MEMORY)(lambda name: FoldCache(folder / name, self._run.task.kinds))

    def __call__(self, values: Mapping[str, Any], step: Step) -> list[float]:
        """The objectives over all inner folds together.

        Args:
            values: by key.
            step: told the first objective after each fold, in the order of the folds; may raise to end the trial.

        Raises:
            MebenchError: the values do not go together, a fold failed, or an objective is undefined.
        """
        config = with_values(self._split.inner.config, values)
        done: list[FoldResult] = []
        seconds = 0.0
        for result in self._results(config, values):
            done.append(result)
            seconds += result.costs["fit_seconds"] + result.costs["predict_seconds"]
            asked = len(self._objectives) == 1 and not self._space.free  # else no trial is pruned
            unfinished = asked and len(done) < len(self._run.folds)
            if unfinished and (first := self._values(done, seconds)[0]) is not None:
                step(first)
        found = self._values(done, seconds)
        for objective, value in zip(self._objectives, found):
            if value is None:
                raise RunError(
                    f"{objective.path} is undefined over the inner folds, so nothing can be said of these values"
                )
        return [value for value in found if value is not None]

    def _results(self, config: RunConfig, values: Mapping[str, Any]) -> Iterator[FoldResult]:
        """The inner folds in order, each as soon as those before it are there."""
        began = time.perf_counter()
        plan = self._features.of(of_part(with_config(self._split.inner, config), self._split.part))
        self.waited += time.perf_counter() - began
        if not (self._space.reuses and reusable(config)):
            yield from self._computed(plan, {})
            return
        about = [*self._inputs, self._split.name, self._split.part, who(self._run.folds), self._space.trained(values)]
        keep = self._kept(digest(about))
        there = keep.read(plan.folds)
        with keep.alone() if len(there) < len(plan.folds) else nullcontext():
            there = keep.read(plan.folds)
            for result in self._computed(plan, there):
                if result.key not in there:
                    keep.write(result)
                yield propose_again(plan, self._fold_of[result.key], result, self._names)

    def _computed(self, plan: Plan, there: Mapping[str, FoldResult]) -> Iterator[FoldResult]:
        """The folds in order, those that are not there yet from the workers."""
        lacking = [fold for fold in plan.folds if fold.key not in there]
        running = run_folds(self._crew, plan, lacking)
        found = dict(there)
        try:
            for fold in plan.folds:
                began = time.perf_counter()
                while fold.key not in found:
                    result = next(running)
                    found[result.key] = result
                self.waited += time.perf_counter() - began
                yield found[fold.key]
        finally:
            running.close()  # type: ignore[attr-defined]

    def _values(self, done: Sequence[FoldResult], seconds: float) -> list[float | None]:
        plan = replace(self._run, folds=tuple(self._fold_of[result.key] for result in done))
        scores = flat_scores(
            summarize(
                tables_from(plan, done),
                kinds=plan.task.kinds,
                classes=self._classes,
                seed=0,
                convention=plan.config.convention,
                draws=0,
            )
        )
        return [objective.value(scores, seconds) for objective in self._objectives]


def tables_from(plan: Plan, results: Sequence[FoldResult]) -> Tables:
    """The tables that scoring reads, from results in memory.

    Args:
        plan: its folds are those of the results; whom no fold tests is not scored.
        results: one for each fold.
    """
    tables = truth_tables(plan)
    spots, names = "spot" in plan.task.tasks, "recognize" in plan.task.tasks
    columns = ["video", "kind", "onset", "apex", "offset", "confidence", "emotion", "draw"]
    predictions = [[getattr(p, column) for column in columns] for result in results for p in result.predictions]
    answers = {(c.video, c.onset, c.offset): c.predicted for result in results for c in result.clips}
    asked = scored_of(tables.truths)[["video", "onset", "offset", "emotion"]].to_numpy(object).tolist()
    clips = [(video, label, answers.get((video, onset, offset))) for video, onset, offset, label in asked]
    return replace(
        tables,
        predictions=pd.DataFrame(predictions, columns=columns) if spots else None,
        clips=pd.DataFrame(clips, columns=["video", "truth", "predicted"]) if names else None,
    )
