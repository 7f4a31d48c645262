"""What tuning is worth: the tuned configuration beside the default on subjects that no trial has touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mebench.config import RunConfig
from mebench.core.types import Fold
from mebench.metrics.statistics.comparison import ComparedScore, compare
from mebench.progress import Progress
from mebench.runner.describe import describe, inputs_of, key_of, truth_tables
from mebench.runner.fold import FoldResult
from mebench.runner.folder import RunFolder
from mebench.runner.plan import Plan
from mebench.runner.pool import Workers
from mebench.runner.scoring import score, tables_of
from mebench.tuning.keep import Keep
from mebench.tuning.objective import COST, Objective
from mebench.tuning.space import Space, with_values
from mebench.tuning.splits import Split, who
from mebench.tuning.work import propose_again, reusable, run_folds, with_config, with_features


@dataclass(frozen=True)
class Judged:
    """Both configurations on the outer subjects.

    Attributes:
        default: folder of the run of the configuration as it was.
        tuned: folder of the run of the tuned values; with one study for each outer fold, each fold has its own.
        scores: of tuned (first) and default (second) by path, with the paired test over subjects; those that are defined.
        subjects: how many were tested.
        least_p: no p value of so few subjects can be below it.
    """

    default: RunFolder
    tuned: RunFolder
    scores: Mapping[str, ComparedScore]
    subjects: int
    least_p: float


class Judge:
    """Runs the outer folds of the configuration as it was and of tuned ones.

    Args:
        plan: of the run.
        splits: the studies; together their outer folds are the run.
        space: what was tuned.
        crew: who trains.
        folder: of the study.
        progress: where to tell how it goes.
    """

    def __init__(
        self, plan: Plan, splits: Sequence[Split], space: Space, crew: Workers, folder: Path, progress: Progress
    ) -> None:
        self._splits, self._space, self._crew = tuple(splits), space, crew
        self._folder, self._progress = folder, progress
        self._plan = replace(plan, folds=tuple(fold for split in splits for fold in split.outer))

    def judge(self, tuned: Mapping[str, Mapping[str, Any]], objectives: Sequence[Objective]) -> Judged:
        """Compare.

        Args:
            tuned: the values of each study by its name.
            objectives: what is compared.

        Raises:
            MebenchError: a fold failed.
        """
        default = self._run("default", {split.name: {} for split in self._splits})
        other = self._run("tuned", tuned, default)
        paths = [objective.path for objective in objectives if objective.path != COST]
        found = compare(
            tables_of(other),
            tables_of(default),
            kinds=self._plan.task.kinds,
            classes=self._plan.task.classes,
            convention=self._plan.config.convention,
            metrics=paths or ("all",),
            draws=self._plan.config.bootstrap,
            seed=self._plan.config.seed,
        )
        scores = {path: found.scores[path] for path in paths}
        least = 1 / found.permutations if found.exact else 1 / (found.permutations + 1)
        return Judged(default, other, scores, found.subjects, least)

    def _run(self, name: str, tuned: Mapping[str, Mapping[str, Any]], default: RunFolder | None = None) -> RunFolder:
        """The outer folds as a run folder; what is there already stays."""
        plan = self._plan
        key = hashlib.sha256(
            json.dumps([inputs_of(plan), who(plan.folds), tuned], sort_keys=True).encode()
        ).hexdigest()[:8]
        folder = RunFolder(self._folder / "outer" / f"{name}-{key}")
        keep = Keep(folder.path, plan.task.kinds)
        with keep.alone():
            if folder.done:
                return folder
            tables = truth_tables(plan)
            shown = self._with(tuned[self._splits[0].name]) if len(self._splits) == 1 else plan
            describe(folder, shown, tables, key_of(shown, tables))
            folder.write_json("tuned.json", {name: dict(values) for name, values in tuned.items()})
            there = folder.finished_folds()
            folds = [fold for split in self._splits for fold in split.outer]
            with self._progress.stage(f"outer {name}", len(folds), "folds", done=len(there)) as advance:
                for split in self._splits:
                    lacking = [fold for fold in split.outer if fold.key not in there]
                    for result in self._results(split, tuned[split.name], lacking, default):
                        folder.write_fold(result, plan.task.kinds)
                        advance()
            folder.merge([fold.key for fold in folds])
            summary = score(folder, plan.config.seed, plan.config.bootstrap, plan.config.convention)
            folder.write_json("summary.json", {"run_id": folder.id, "seconds": 0.0, **summary})
            folder.finish()
        return folder

    def _results(
        self, split: Split, values: Mapping[str, Any], folds: Sequence[Fold], default: RunFolder | None
    ) -> Any:
        plan = self._with(values)
        config = plan.config
        if default is not None and self._same_training(config, values):
            stored = Keep(default.path, plan.task.kinds).read(folds)
            return (self._again(plan, fold, stored[fold.key], values) for fold in folds)
        if not folds:
            return ()
        ready = with_features(plan, self._crew, self._progress)
        everybody = sorted({video.subject_key for video in plan.videos})
        return run_folds(self._crew, plan, folds, everybody, ready.skipped)

    def _with(self, values: Mapping[str, Any]) -> Plan:
        return with_config(self._plan, with_values(self._plan.config, values))

    def _same_training(self, config: RunConfig, values: Mapping[str, Any]) -> bool:
        """Whether the values train nothing that the default has not trained."""
        default = self._space.own()
        if dict(values) == default:
            return True
        alike = reusable(config) and reusable(self._plan.config)
        return "spot" in self._plan.task.tasks and alike and self._space.trained(values) == self._space.trained(default)

    def _again(self, plan: Plan, fold: Fold, stored: FoldResult, values: Mapping[str, Any]) -> FoldResult:
        return propose_again(plan, fold, stored) if "spot" in plan.task.tasks else stored
