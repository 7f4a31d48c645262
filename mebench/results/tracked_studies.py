"""What MLflow shall hold of a study and its trials, and of others' files scored anew: plain data. `tracking` sends it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mebench.config import flatten
from mebench.metrics.summary import flat_scores
from mebench.results.mlflow_store import without_password
from mebench.results.settings import joined
from mebench.results.tracked import (
    LONGEST_TAG,
    Entry,
    Point,
    datasets_of,
    dotted,
    named_tags,
    points,
    source_tags,
    text_of,
)
from mebench.runner.folder import RunFolder

if TYPE_CHECKING:
    from mebench.results.published_tables import Known

RESCORED_TAG = "mebench.rescored"
STUDY_TAG, PART_TAG, TRIAL_TAG = "mebench.study", "mebench.study.part", "mebench.study.trial"
OUTCOME_TAG = "mebench.outcome"
"""Hash of the outcome of a study that has ended."""
STUDY_FILE, OUTCOME_FILE, TRIALS_FILE = "study.json", "outcome.json", "trials.csv"
"""What a study is about, what came of it, and a row for each of its trials, in the folder of the study."""


def of_study(folder: Path) -> tuple[dict[str, Any], Entry]:
    """A study as it stands: what is searched, the trials that have ended, and once there is one its outcome.

    `trials/<objective>` holds the value of each trial at its number, `trials/best_<objective>` the best so far; scores of the
    outcome are `<objective>.inner.tuned`, `<objective>.outer.gain` with `.low` and `.high`, `<objective>.outer.p` ….
    Parameters of what was chosen are called `best.<key>`. With one study for each outer fold, each is a run between.

    Returns:
        the configuration, and the run.

    Raises:
        RunError: a file is missing or damaged.
    """
    home = RunFolder(folder)
    stored = home.read_json(STUDY_FILE)
    outcome = home.read_json(OUTCOME_FILE) if (folder / OUTCOME_FILE).is_file() else None
    stored["config"]["tracking"] = without_password(stored["config"].get("tracking") or "") or None
    values = flatten(stored["config"])
    values["dataset"] = joined(values["dataset"])
    tags = {STUDY_TAG: stored["study"], **named_tags(values)}
    parts = [_part(folder, name, stored, outcome, tags) for name in stored["parts"]]
    whole = Entry(name=stored["study"], tags=tags, nested=parts) if stored["nested"] else parts[0]
    told: dict[str, str] = {}
    numbers: dict[str, float] = {}
    if outcome is not None:
        found = {name: part for name, part in outcome.items() if name != "seconds"}  # of each process that ends its own
        digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
        told = {OUTCOME_TAG: digest, "mlflow.note.content": outcome["conclusion"][:LONGEST_TAG]}
        numbers = flat_scores({**outcome["scores"], **{name: outcome[name] for name in ("seconds", "outer_subjects")}})
    default = folder / "outer" / Path(outcome["runs"]["default"]).name if outcome is not None else None

    def files(target: Path) -> None:
        (target / STUDY_FILE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
        for file in (*folder.glob("*.png"), *folder.glob(TRIALS_FILE), *folder.glob(OUTCOME_FILE)):
            shutil.copyfile(file, target / file.name)

    asked = {key: text_of(value) for key, value in values.items()} | dotted("study", stored["how"])
    ranges = {f"search.{key}": text_of(said) for key, said in stored["search"].items()}
    return stored["config"], replace(
        whole,
        name=stored["study"],
        tags={**tags, **source_tags(stored, "mebench tune"), **told},
        params={**asked, **ranges, **whole.params},
        metrics=[*points(numbers), *whole.metrics],
        data=() if default is None or not default.is_dir() else list(datasets_of(RunFolder(default), stored["config"])),
        files=None if outcome is None else files,
        ended=outcome is not None,
    )


def _part(
    folder: Path, name: str, stored: Mapping[str, Any], outcome: Mapping[str, Any] | None, tags: Mapping[str, str]
) -> Entry:
    """One study of a nested tuning, or the only one: its trials, and what was chosen."""
    place = folder / stored["parts"][name]
    tags = {**tags, **({PART_TAG: name} if stored["nested"] else {})}
    found = outcome["studies"][name] if outcome is not None else None
    trials = list(_trials(place, stored, tags))
    metrics, best = list[Point](), dict[str, float]()
    for trial in trials:
        for path, value, _ in trial.metrics:
            if path in stored["objectives"]:
                step, better = int(trial.tags[TRIAL_TAG]), max if stored["objectives"][path] == "maximize" else min
                best[path] = better(value, best.get(path, value))
                metrics += [Point(f"trials/{path}", value, step), Point(f"trials/best_{path}", best[path], step)]

    def files(target: Path) -> None:
        for file in (*place.glob("*.png"), *place.glob(TRIALS_FILE)):
            shutil.copyfile(file, target / file.name)

    return Entry(
        name=name,
        tags=tags,
        params={}
        if found is None
        else {f"best.{key}": text_of(value) for key, value in found["best"]["params"].items()},
        metrics=[]
        if found is None
        else [*metrics, *points(flat_scores({"importance": found["importance"], "trials": found["trials"]}))],
        files=None if found is None else files,
        nested=trials,
        ended=found is not None,
    )


def _trials(place: Path, stored: Mapping[str, Any], tags: Mapping[str, str]) -> Iterator[Entry]:
    """The trials of a study that have ended, from its table."""
    file = place / TRIALS_FILE
    if not file.is_file():
        return
    end = int(file.stat().st_mtime * 1000)
    for row in pd.read_csv(file, dtype=str, keep_default_na=False).to_dict("records"):
        if row["state"] not in ("complete", "pruned", "failed"):
            continue
        seconds = float(row["seconds"] or 0)
        yield Entry(
            name=f"trial {row['trial']}",
            tags={**tags, TRIAL_TAG: row["trial"], "mebench.state": row["state"]},
            params={key: row[key] for key in stored["search"]},
            metrics=[
                *(Point(path, float(row[path])) for path in stored["objectives"] if row[path]),
                Point("seconds", seconds),
            ],
            start=end - int(seconds * 1000),
            end=end,
            failed=row["state"] == "failed",
        )


# -- files scored anew -------------------------------------------------------------------------------------------------


def of_rescored(known: Known) -> Iterator[tuple[str, Entry]]:
    """What public files of others score to, for each dataset and reading: the experiment, and the run."""
    source = known.source
    for one in known.outcome["sets"]:
        for result in one["results"]:
            scores = flat_scores(result["summary"])
            name = f"{source.id} {one['dataset']} {result['convention']} later {result['later']}"
            text = json.dumps([source.key, name, scores], sort_keys=True)
            tags = {
                "provenance": "rescored",
                "method": source.method,
                "dataset": one["dataset"],
                "protocol": one["protocol"],
                "convention": result["convention"],
                "later": str(result["later"]),
                "repository": source.repository,
                "commit": source.commit,
            }

            def files(target: Path, result: Any = result) -> None:
                (target / "scores.json").write_text(json.dumps(dict(result), indent=1) + "\n", encoding="utf-8")

            yield (
                f"mebench/{one['dataset']}/{one['protocol']}",
                Entry(
                    name=name,
                    tags={
                        RESCORED_TAG: f"{name} {hashlib.sha256(text.encode()).hexdigest()[:8]}",
                        **{f"mebench.{key}": value for key, value in tags.items()},
                        **source_tags({}, "mebench rescore"),
                    },
                    metrics=points(scores),
                    files=files,
                ),
            )
