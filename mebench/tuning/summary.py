"""The outcome of a tuning as plain data, with what may be concluded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from mebench.config import RunConfig
from mebench.metrics.statistics.comparison import ComparedScore
from mebench.tuning.objective import Objective
from mebench.tuning.outcome import Judged
from mebench.tuning.records import Study, Trial
from mebench.tuning.space import Space
from mebench.tuning.splits import Split

LEVEL = 0.05
"""p values below this count as shown."""


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
    judged: Judged,
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
    best = {key: study.best() for key, study in studies.items()}
    chosen = {key: trial for key, trial in best.items() if trial is not None}
    before = {key: study.default for key, study in studies.items()}
    scores = {path: _score(objectives, path, row, chosen, before) for path, row in judged.scores.items()}
    main = next(iter(scores.items()), None)
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
                "trials": _counts(studies[split.name]),
                "best": _trial(chosen[split.name], objectives),
                "default": None if (was := before[split.name]) is None else _trial(was, objectives),
                "importance": dict(studies[split.name].importance),
                "front": [_trial(trial, objectives) for trial in studies[split.name].front()]
                if len(objectives) > 1
                else [],
            }
            for split in splits
        },
        "outer_subjects": judged.subjects,
        "least_p": judged.least_p,
        "default_values": space.own(),
        "scores": scores,
        "conclusion": "" if main is None else _conclusion(*main, judged.subjects, _unchanged(chosen, space)),
        "runs": {"default": str(judged.default.path), "tuned": str(judged.tuned.path)},
        "seconds": dict(seconds),
        "folder": str(judged.tuned.path.parent.parent),
    }
    return Tuned(plain, config, chosen, space)


def trials_table(study: Study, space: Space) -> pd.DataFrame:
    """One row for each trial: number, state, values of parameters and objectives, seconds."""
    rows = [
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
    ]
    return pd.DataFrame(rows).astype({"retry_of": "Int64"})


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


def _conclusion(path: str, score: Mapping[str, Any], subjects: int, unchanged: bool) -> str:
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
    verb = "helps" if better > 0 else "harms"
    return f"tuning {verb} on new subjects: {path} changes by {told}"


def _unchanged(best: Mapping[str, Trial], space: Space) -> bool:
    return all(dict(trial.params) == space.own() for trial in best.values())


def _trial(trial: Trial, objectives: Sequence[Objective]) -> dict[str, Any]:
    return {
        "trial": None if trial.number < 0 else trial.number,
        "params": dict(trial.params),
        "values": {o.path: value for o, value in zip(objectives, trial.values)},
    }


def _counts(study: Study) -> dict[str, int]:
    states = [trial.state for trial in study.trials]
    found = {state: states.count(state) for state in ("complete", "pruned", "failed", "running", "waiting")}
    return {**found, "retried": sum(trial.retry_of is not None for trial in study.trials)}
