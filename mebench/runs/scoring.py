"""The scores of a run from its folder alone: predictions and truth, no model."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mebench.errors import listed
from mebench.metrics import Tables, groups, named, spotting_chance, summarize, summarize_mistakes
from mebench.runs.folder import RunFolder
from mebench.terminal import plural

FIRST_SCORER, SCORER = 1, 2
"""Version of scoring: raised when the same tables come to other scores, so that no board holds scores of two kinds unmarked."""


def tables_of(folder: RunFolder) -> Tables:
    """The tables that scoring reads; a clip that several folds test has several rows.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    about = folder.read_json("folds.json")
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    predictions = folder.read_table("predictions.parquet") if "spot" in about["tasks"] else None
    clips = None
    if "recognize" in about["tasks"]:
        answers = folder.read_table("clips.parquet")
        if about.get("scored_each"):  # each fold is scored by itself: a `part` of its own
            clips = pd.concat(
                [_clips_of(about, fold, videos, truths, answers).assign(part=fold["fold"]) for fold in about["folds"]],
                ignore_index=True,
            )
        else:
            clips = _clips(about, videos, truths, answers)
    distractors = folder.read_table("distractors.parquet") if (folder.path / "distractors.parquet").is_file() else None
    return Tables(videos, truths, predictions, clips, distractors=distractors)


def scored_of(truths: pd.DataFrame) -> pd.DataFrame:
    """The annotated clips to be classified (`Scheme.scores`); `emotion` holds their classes."""
    return truths[(truths["kind"] == "micro") & truths["emotion"].notna()]


def _clips(about: Mapping[str, Any], videos: pd.DataFrame, truths: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The annotated clips of some videos with their answers."""
    # Merging, which pandas prepares at length, took three times as long.
    scored = scored_of(truths)
    place = pd.Index(videos["video"]).get_indexer(pd.Index(scored["video"]))
    scored, of_video = scored[place >= 0], videos[["video", "subject", "dataset"]].take(place[place >= 0])
    ids, found = groups(["video", "onset", "offset"], scored, answers)
    first = answers[["predicted", "probabilities"]].set_axis(found)[~pd.Index(found).duplicated()].reindex(ids)
    # Probability of the predicted class; NaN for all if the class scores are no probabilities with sum 1.
    answered, probability = first["probabilities"].notna().to_numpy(), np.full(len(first), np.nan)
    if answered.any():
        # A record keeps them as float32: scored from there they must give the same.
        rows = [np.asarray(row, dtype=np.float32) for row in first["probabilities"][answered]]
        scores, classes = np.stack(rows).astype(np.float64), about["classes"]
        if scores.shape[1] == len(classes) and (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
            column = pd.Index(classes).get_indexer(pd.Index(first["predicted"][answered]))
            probability[answered] = np.where(column < 0, np.nan, scores[np.arange(len(scores)), column])
    return of_video.reset_index(drop=True).assign(
        truth=scored["emotion"].array,
        predicted=first["predicted"].array,
        probability=np.minimum(probability, 1),
    )


def _clips_of(
    about: Mapping[str, Any],
    fold: Mapping[str, Any],
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    answers: pd.DataFrame,
) -> pd.DataFrame:
    """The annotated clips of the videos that a fold tests, with its own answers."""
    return _clips(about, _tested(fold, videos), truths, answers[answers["fold"] == fold["fold"]])


def tables_of_folds(folder: RunFolder) -> Iterator[tuple[str, Tables]]:
    """Each fold's name, and the predictions of its models for its tested videos.

    Raises:
        RunError: as `tables_of`.
    """
    about, every = folder.read_json("folds.json"), tables_of(folder)
    answers = None if every.clips is None else folder.read_table("clips.parquet")
    for fold in about["folds"]:
        tested = _of_videos(every, _tested(fold, every.videos))
        clips = None if answers is None else _clips_of(about, fold, tested.videos, tested.truths, answers)
        spotted = None if tested.predictions is None else tested.predictions[tested.predictions["fold"] == fold["fold"]]
        yield fold["fold"], Tables(tested.videos, tested.truths, spotted, clips)


def of_dataset(tables: Tables, name: str) -> Tables:
    """The rows of one dataset, as if nothing else had been tested."""
    return _of_videos(tables, tables.videos[tables.videos["dataset"] == name])


def _tested(fold: Mapping[str, Any], videos: pd.DataFrame) -> pd.DataFrame:
    """The videos that a fold tests."""
    column, names = ("video", fold["videos"]) if "videos" in fold else ("subject", fold["test"])
    return videos[videos[column].isin(names)]


def _of_videos(tables: Tables, videos: pd.DataFrame) -> Tables:
    """The rows of some of the videos."""

    def rows_of(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["video"].isin(videos["video"])]

    answered = (None if table is None else rows_of(table) for table in (tables.predictions, tables.clips))
    return Tables(videos, rows_of(tables.truths), *answered)


def score(folder: RunFolder, seed: int, draws: int, convention: str = "strict") -> dict[str, Any]:
    """The summary of a run, with the level of chance for each kind of spotting.

    The level of chance assumes one-to-one matching in all videos, so it is left out under other conventions. With
    several spotted datasets, `members` holds spotting and analysis of each from the same predictions.

    Args:
        folder: a run whose folds are merged, or the record of one.
        seed: of the run; bootstrap and chance draw from it.
        draws: of the bootstrap.
        convention: name of the rules.
    """
    about, tables = folder.read_json("folds.json"), tables_of(folder)
    rules = {"classes": about["classes"], "seed": seed, "draws": draws, "convention": convention}
    summary = summarize(tables, kinds=about["kinds"], **rules)
    datasets = sorted(set(tables.videos["dataset"]))
    if "spotting" in summary and len(datasets) > 1:
        members = {name: summarize(of_dataset(tables, name), kinds=about["kinds"], **rules) for name in datasets}
        summary["members"] = {
            name: {part: found[part] for part in ("spotting", "analysis") if part in found}
            for name, found in members.items()
        }
    summary["scorer"] = SCORER
    rule = named(convention)
    if "spotting" in summary:
        summary["mistakes"] = summarize_mistakes(tables, about["kinds"], convention)
        for kind in about["kinds"]:
            # Folds without any spotted interval of a kind that their videos hold, as after a failed training.
            true = tables.truths[tables.truths["kind"] == kind]
            spotted = set(tables.spotted["fold"][tables.spotted["kind"] == kind])
            without = [fold for fold in about["folds"] if fold["fold"] not in spotted]
            held = {fold["fold"]: true["video"].isin(_tested(fold, tables.videos)["video"]).sum() for fold in without}
            if silent := [name for name, n in held.items() if n]:
                where = f"{len(silent)} of {plural(len(about['folds']), 'fold')} ({listed(silent, 5)})"
                summary["remarks"].append(
                    f"no {kind}-expression is spotted in {where}, whose videos hold {sum(held.values())}"
                )
        if (rule.matching, rule.videos) == ("maximum", "all"):
            summary["chance"] = {
                kind: spotting_chance(
                    tables.videos,
                    tables.truths,
                    {name: k[kind] for name, k in about["k_prime"].items()},
                    kind,
                    seed,
                    convention=convention,
                    one_per_video=about.get("one_per_video", False),
                )
                for kind in about["kinds"]
            }
        else:
            summary["remarks"].append(f"the level of chance is not known under {rule.name}: it is left out")
    return summary


def scores_of(folder: RunFolder) -> dict[str, Any]:
    """The summary of a finished run; if another version of scoring made it, the stored predictions are scored again.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    summary: dict[str, Any] = folder.read_json("summary.json")
    if summary.get("scorer") == SCORER:
        return summary
    return summary | score_again(folder, folder.read_json("config.json")["config"])


def score_again(folder: RunFolder, config: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a run or record from its tables, under the seed, draws and convention of its configuration."""
    return score(folder, int(config["seed"]), int(config["bootstrap"]), config.get("convention", "strict"))
