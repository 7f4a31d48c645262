"""What tuning is worth: the tuned configuration beside the default on subjects that no trial saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from mebench.config import RunConfig
from mebench.core import Fold
from mebench.metrics.comparison import LEVEL, ComparedScore, Comparison, compare
from mebench.progress import Progress
from mebench.runner.describe import describe, truth_tables
from mebench.runner.identity import content_of, reusable, truth_of
from mebench.runner.inputs import digest, inputs_of
from mebench.runner.plan import Plan
from mebench.runner.session import write_skipped
from mebench.runner.workers import Workers
from mebench.runs.folder import TUNED, RunFolder
from mebench.runs.scoring import score, tables_of
from mebench.tuning.records import COST, Objective, Study, Trial
from mebench.tuning.space import Space, with_values
from mebench.tuning.splits import Split, who
from mebench.tuning.work import Features, FoldCache, run_folds, with_config


class Judge:
    """Runs the outer folds of the configuration as it was and of tuned ones.

    Args:
        plan: of the run.
        splits: the studies; together their outer folds are the run.
        space: what was tuned.
        pool: who trains.
        folder: of the study.
        progress: where to tell how it goes.
    """

    def __init__(
        self, plan: Plan, splits: Sequence[Split], space: Space, pool: Workers, folder: Path, progress: Progress
    ) -> None:
        self._splits, self._space, self._crew = tuple(splits), space, pool
        self._folder, self._progress, self._features = folder, progress, Features(pool, progress)
        self._plan = replace(plan, folds=tuple(fold for split in splits for fold in split.outer))

    def judge(
        self, tuned: Mapping[str, Mapping[str, Any]], objectives: Sequence[Objective]
    ) -> tuple[RunFolder, RunFolder, Comparison]:
        """Compare.

        Args:
            tuned: the values of each study by its name.
            objectives: what is compared.

        Returns:
            The run of the configuration as it was; that of the tuned values, of which with one study for each outer fold each fold has its
            own; and the scores of tuned (first) and default (second) with the paired test over subjects.

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
        return default, other, found

    def _run(self, name: str, tuned: Mapping[str, Mapping[str, Any]], default: RunFolder | None = None) -> RunFolder:
        """The outer folds as a run folder; what is there already stays, and is scored by the rules and draws asked for now."""
        plan, tables = self._plan, truth_tables(self._plan)
        # Other than that of a plain run: folds and values are not those that its configuration names.
        inputs = inputs_of(plan.config, plan.dataset), truth_of(plan), *content_of(plan)
        key = digest([*inputs, who(plan.folds), tuned])
        folder = RunFolder(self._folder / "outer" / f"{name}-{key[:8]}")
        keep = FoldCache(folder.path, plan.task.kinds)
        with keep.alone():
            if folder.done:
                # Scored anew if that was done under other rules or with other draws; it notes these last.
                about, config = folder.read_json("config.json"), plan.config
                asked = {name: config.values[name] for name in ("convention", "bootstrap")}
                if (known := about["config"] | asked) != about["config"]:
                    self._score(folder)
                    origins = about["origins"] | {name: config.origins[name] for name in asked}
                    folder.write_json("config.json", {**about, "config": known, "origins": origins})
                return folder
            shown = self._with(tuned[self._splits[0].name]) if len(self._splits) == 1 else plan
            # First: an end between the two would leave what looks like a plain run.
            folder.write_json(TUNED, {name: dict(values) for name, values in tuned.items()})
            describe(folder, shown, tables, key)
            parts = [self._features.of(self._with(tuned[split.name])) for split in self._splits]
            if plan.config.no_face == "skip":
                reasons = {key: reason for part in parts for key, reason in self._features.faceless(part).items()}
                if line := write_skipped(folder, reasons, len(plan.videos)):
                    self._progress.say(f"outer {name}: {line}")
            there = folder.finished_folds()
            with self._progress.stage(f"outer {name}", len(plan.folds), "folds", done=len(there)) as advance:
                for split, part in zip(self._splits, parts):
                    lacking = [fold for fold in split.outer if fold.key not in there]
                    for result in self._results(part, tuned[split.name], lacking, default):
                        folder.write_fold(result, plan.task.kinds)
                        advance()
            folder.merge([fold.key for fold in plan.folds])
            self._score(folder)
            folder.finish()
        return folder

    def _score(self, folder: RunFolder) -> None:
        config = self._plan.config
        summary = score(folder, config.seed, config.bootstrap, config.convention)
        folder.write_json("summary.json", {"run_id": folder.id, "seconds": 0.0, **summary})

    def _results(self, plan: Plan, values: Mapping[str, Any], folds: Sequence[Fold], default: RunFolder | None) -> Any:
        """Those of some folds, computed by workers unless the values train nothing that the default has not trained.

        Args:
            plan: of the values, once its features are stored.
            values: by key; empty for the default.
            folds: of the outer ones.
            default: the finished run of the default, unless this is it.
        """
        own, reused = self._space.own(), default is not None and dict(values) == self._space.own()
        if default is not None and not reused and reusable(plan.config) and reusable(self._plan.config):
            alike = self._space.trained(values) == self._space.trained(own)
            reused = "spot" in plan.task.tasks and alike
        if default is not None and reused:
            stored = FoldCache(default.path, plan.task.kinds).read(folds)
            spots = "spot" in plan.task.tasks
            return run_folds(self._crew, plan, folds, stored) if spots else (stored[f.key] for f in folds)
        return run_folds(self._crew, plan, folds)

    def _with(self, values: Mapping[str, Any]) -> Plan:
        return with_config(self._plan, with_values(self._plan.config, values))


@dataclass(frozen=True)
class Tuned:
    """What came of a tuning.

    Attributes:
        plain: everything, for JSON.
        config: the configuration as it was.
        best: the chosen trial of each study by its name.
        space: what was tuned.
    """

    plain: dict[str, Any]
    config: RunConfig
    best: Mapping[str, Trial]
    space: Space


def summary_of(
    config: RunConfig,
    splits: Sequence[Split],
    space: Space,
    studies: Mapping[str, Study],
    judged: tuple[RunFolder, RunFolder, Comparison],
    name: str,
    storage: str,
    is_nested: bool,
    seconds: Mapping[str, float],
) -> Tuned:
    """Put together what was found.

    Args:
        config: as it was.
        splits: the studies' subjects.
        space: what was tuned.
        studies: by name of the split, each with a complete trial.
        judged: both configurations on the outer subjects.
        name: of the study.
        storage: where it is, for people.
        is_nested: whether there is one study for each outer fold.
        seconds: of computing inner folds, of all else in the trials, and of the outer folds.
    """
    objectives = next(iter(studies.values())).objectives
    chosen = {key: study.chosen() for key, study in studies.items()}
    before = {key: study.default for key, study in studies.items()}
    (default, tuned, found), paths = judged, [objective.path for objective in objectives if objective.path != COST]
    scores = {path: _score(objectives, path, found.scores[path], chosen, before) for path in paths}
    main = next(iter(scores.items()), None)
    unchanged = all(dict(trial.params) == space.own() for trial in chosen.values())
    plain = {
        "study": name,
        "storage": storage,
        "method": "+".join(filter(None, (config.method, config.recognizer))),
        "dataset": config.dataset,
        "protocol": config.protocol,
        "tuned_on": "the training subjects of each outer fold" if is_nested else "a tuning set",
        "nested": is_nested,
        "objectives": {o.path: o.direction for o in objectives},
        "parameters": space.plain(),
        "studies": {
            split.name: {
                "subjects": [*map(str, split.subjects)],
                "inner_folds": len(split.inner.folds),
                "trials": studies[split.name].counts(),
                "best": _trial(chosen[split.name], objectives),
                "default": None if (was := before[split.name]) is None else _trial(was, objectives),
                "importance": dict(studies[split.name].importance),
                "front": [_trial(trial, objectives) for trial in studies[split.name].front()]
                if len(objectives) > 1
                else [],
            }
            for split in splits
        },
        "outer_subjects": found.subjects,
        "least_p": 1 / (found.permutations if found.exact else found.permutations + 1),
        "default_values": space.own(),
        "scores": scores,
        "conclusion": "" if main is None else conclusion(*main, found.subjects, unchanged),
        "runs": {"default": str(default.path), "tuned": str(tuned.path)},
        "seconds": dict(seconds),
        "folder": str(tuned.path.parent.parent),
    }
    return Tuned(plain, config, chosen, space)


def trials_table(study: Study, space: Space) -> pd.DataFrame:
    """One row for each trial: number, state, values of parameters and objectives, seconds."""
    return pd.DataFrame(
        {
            "trial": t.number,
            "state": t.state,
            **{d.key: t.params.get(d.key) for d in space.dimensions},
            **{o.path: t.values[i] if t.values else None for i, o in enumerate(study.objectives)},
            "seconds": t.seconds,
            "retry_of": t.retry_of,
            "reason": t.reason,
        }
        for t in study.trials
    ).astype({"retry_of": "Int64"})


def _score(
    objectives: Sequence[Objective],
    path: str,
    row: ComparedScore,
    best: Mapping[str, Trial],
    before: Mapping[str, Trial | None],
) -> dict[str, Any]:
    """Inner and outer value of both configurations, and how much better the inner one looked."""
    place = [o.path for o in objectives].index(path)
    sign = 1 if objectives[place].direction == "maximize" else -1
    tuned = fmean(trial.values[place] for trial in best.values())
    were = [trial.values[place] for trial in before.values() if trial is not None]
    default = fmean(were) if len(were) == len(before) else None
    outer, gain = row.first["value"], row.difference["value"]
    inner_gain = None if default is None else tuned - default
    return {
        "direction": objectives[place].direction,
        "inner": {"default": default, "tuned": tuned, "gain": inner_gain},
        "outer": {"default": dict(row.second), "tuned": dict(row.first), "gain": dict(row.difference), "p": row.p},
        "flattered": None if outer is None else sign * (tuned - outer),
        "flattered_gain": None if gain is None or inner_gain is None else sign * (inner_gain - gain),
        "detectable": row.detectable,
    }


def conclusion(path: str, score: Mapping[str, Any], subjects: int, unchanged: bool) -> str:
    """What the paired test allows to say."""
    if unchanged:
        return "no tried values were better than the default's on the inner folds: the configuration stays as it was"
    gain, p = score["outer"]["gain"], score["outer"]["p"]
    if gain["value"] is None or p is None:
        return f"{path} is undefined on the outer subjects: nothing can be said of a gain"
    better = gain["value"] if score["direction"] == "maximize" else -gain["value"]
    between = "" if gain["low"] is None else f", 95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}"
    told = f"{gain['value']:+.4f}{between}, p {p:.4f} over {subjects} subjects"
    if p >= LEVEL or better == 0:
        return f"no gain is shown on new subjects: {path} changes by {told}"
    return f"tuning {'helps on new subjects' if better > 0 else 'is worse here'}: {path} changes by {told}"


def _trial(trial: Trial, objectives: Sequence[Objective]) -> dict[str, Any]:
    return {
        "trial": None if trial.number < 0 else trial.number,
        "params": dict(trial.params),
        "values": {o.path: value for o, value in zip(objectives, trial.values)},
    }
