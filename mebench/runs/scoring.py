"""The scores of a run from its folder alone: predictions and truth, no model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import list_first
from mebench.metrics import Tables, find_convention, own_metrics, spotting_chance
from mebench.metrics.catalogue import JOINT, metric_columns
from mebench.metrics.mistakes import summarize_mistakes
from mebench.metrics.ratios import Floats
from mebench.metrics.reasons import UNDEFINED_WITHOUT_ONE
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.summary import summarize
from mebench.metrics.tables import number_groups
from mebench.metrics.uncertainty import are_probabilities
from mebench.output.terminal import format_count
from mebench.runs.folder import RunFolder

FIRST_SCORER = 1
"""Version of scoring of summaries that state none."""
SCORER = 3
"""Version of scoring: raised when the same tables come to other scores, or when a summary gets a new section."""


MOST_NAMED = 5
"""Silent folds that a remark names; further ones are counted."""


def _any_summary(summary: Mapping[str, Any]) -> bool:
    """Every summary: the version adds scores to all."""
    return True


def _has_only_false_alarms(summary: Mapping[str, Any]) -> bool:
    """Whether something is spotted of a kind that at most one person shows.

    Precision and F1 of such a kind are 0 since then.
    """
    summaries = [summary, *summary.get("members", {}).values()]
    parts = [part for each in summaries for part in each.get("spotting", {}).values()]
    return any(_is_of_at_most_one_person(part) for part in parts)


def _is_of_at_most_one_person(part: Mapping[str, Any]) -> bool:
    """Whether a kind is spotted that nobody shows, or whose precision rests on one person."""
    is_shown_by_nobody: bool = part["tp"] + part["fn"] == 0 and part["fp"] > 0
    rests_on_one: bool = part["scores"]["precision"].get("reason") == UNDEFINED_WITHOUT_ONE
    return is_shown_by_nobody or rests_on_one


CHANGES: dict[int, Callable[[Mapping[str, Any]], bool]] = {2: _any_summary, 3: _has_only_false_alarms}
"""For each version of scoring, whether it may change a summary of the version before."""


def holds_current_scores(summary: Mapping[str, Any]) -> bool:
    """Whether this version of scoring gives the stored scores, too, whichever version made them."""
    made_by = summary.get("scorer", FIRST_SCORER)
    later = [may_differ for version, may_differ in CHANGES.items() if version > made_by]
    return made_by <= SCORER and not any(may_differ(summary) for may_differ in later)


def lacks_scores(summary: Mapping[str, Any], with_own: bool = True) -> bool:
    """Whether a part of a summary lacks a later score of the catalogue's columns.

    Without `with_own`, those of one's own are not asked for.
    """
    for part in ScoreTable.read(summary).parts():
        columns = set(metric_columns(part.task))
        if part.name == "all intervals":
            columns -= JOINT
        if not with_own:
            columns -= own_metrics.ADDED.keys()
        if not columns <= part.scores.keys():
            return True
    return False


def read_tables(folder: RunFolder) -> Tables:
    """The tables that scoring reads; a clip that several folds test has several rows.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    about = folder.read_json("folds.json")
    videos = folder.read_table("videos.parquet")
    truths = folder.read_table("truth.parquet")
    predictions = folder.read_table("predictions.parquet") if "spot" in about["tasks"] else None
    clips = _read_clips(folder, about, videos, truths) if "recognize" in about["tasks"] else None
    distractors = None
    if (folder.path / "distractors.parquet").is_file():
        distractors = folder.read_table("distractors.parquet")
    return Tables(videos, truths, predictions, clips, distractors=distractors)


def _read_clips(
    folder: RunFolder, about: Mapping[str, Any], videos: pd.DataFrame, truths: pd.DataFrame
) -> pd.DataFrame:
    """The annotated clips with their answers; where each fold is scored by itself, each is a `part` of its own."""
    answers = folder.read_table("clips.parquet")
    if about.get("scored_each"):
        return _join_answers_of_folds(about, videos, truths, answers)
    return _join_answers(about, videos, truths, answers)


def select_scored_clips(truths: pd.DataFrame) -> pd.DataFrame:
    """The annotated clips that are classified (`Scheme.scores`); `emotion` holds their classes."""
    return truths[(truths["kind"] == "micro") & truths["emotion"].notna()]


def _join_answers(
    about: Mapping[str, Any], videos: pd.DataFrame, truths: pd.DataFrame, answers: pd.DataFrame
) -> pd.DataFrame:
    """The annotated clips of some videos with their answers."""
    clips = _clips_of_videos(videos, truths)
    first = _first_answers(clips, answers, ["video", "onset", "offset"])
    return _with_answers(clips, first, _probability_of_answers(first, about["classes"], [slice(0, len(first))]))


def _join_answers_of_folds(
    about: Mapping[str, Any], videos: pd.DataFrame, truths: pd.DataFrame, answers: pd.DataFrame
) -> pd.DataFrame:
    """The annotated clips of the videos that each fold tests, with its own answers; `part` is the fold."""
    clips = _clips_of_videos(videos, truths)
    rows = _rows_of_folds(about["folds"], videos, clips)
    # All folds are joined at once: one after the other they took twice as long.
    names = np.repeat([fold["fold"] for fold in about["folds"]], [len(of_fold) for of_fold in rows])
    clips = clips.take(np.concatenate(rows)).reset_index(drop=True).assign(fold=names)
    first = _first_answers(clips, answers, ["fold", "video", "onset", "offset"])
    ends = np.cumsum([len(of_fold) for of_fold in rows]).tolist()
    folds = [slice(end - len(of_fold), end) for of_fold, end in zip(rows, ends)]
    probability = _probability_of_answers(first, about["classes"], folds)
    return _with_answers(clips, first, probability).assign(part=clips["fold"])


def _rows_of_folds(
    folds: Sequence[Mapping[str, Any]], videos: pd.DataFrame, clips: pd.DataFrame
) -> list[NDArray[np.intp]]:
    """The rows of the clips whose videos each fold tests, in order."""
    video_of_clip = pd.Index(videos["video"]).get_indexer(pd.Index(clips["video"]))
    subject_of_video, subjects = pd.factorize(videos["subject"].to_numpy(object))
    rows = []
    for fold in folds:
        if "videos" in fold:
            is_tested = videos["video"].isin(fold["videos"]).to_numpy(bool)
        else:
            is_tested = np.isin(subjects, fold["test"])[subject_of_video]
        rows.append(np.flatnonzero(is_tested[video_of_clip]))
    return rows


def _clips_of_videos(videos: pd.DataFrame, truths: pd.DataFrame) -> pd.DataFrame:
    """The annotated clips of some videos, with the subject and dataset of their video."""
    # `DataFrame.merge` took three times as long.
    scored = select_scored_clips(truths)
    row_of_video = pd.Index(videos["video"]).get_indexer(pd.Index(scored["video"]))  # -1 for another video
    is_of_videos = row_of_video >= 0
    scored = scored[is_of_videos]
    of_video = videos[["video", "subject", "dataset"]].take(row_of_video[is_of_videos]).reset_index(drop=True)
    return of_video.assign(**{name: scored[name].array for name in ("onset", "offset", "emotion")})


def _first_answers(clips: pd.DataFrame, answers: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The first answer to each clip, by columns that name a clip; empty cells where there is none."""
    clip_numbers, answer_numbers = number_groups(keys, clips, answers)
    is_first = ~pd.Index(answer_numbers).duplicated()
    return answers[["predicted", "probabilities"]].set_axis(answer_numbers)[is_first].reindex(clip_numbers)


def _with_answers(clips: pd.DataFrame, answers: pd.DataFrame, probability: Floats) -> pd.DataFrame:
    """Clips with the answer to each, and its probability, as scoring reads them."""
    return clips[["video", "subject", "dataset"]].assign(
        truth=clips["emotion"], predicted=answers["predicted"].array, probability=probability
    )


def _probability_of_answers(answers: pd.DataFrame, classes: Sequence[str], parts: Sequence[slice]) -> Floats:
    """(n,) the probability of each predicted class; NaN without an answer, and in a part whose class scores are no probabilities."""
    scores_of_rows = answers["probabilities"].to_numpy(object)
    is_answered = pd.notna(scores_of_rows)
    named = pd.Index(classes).get_indexer(pd.Index(answers["predicted"]))
    probability = np.full(len(answers), np.nan)
    for part in parts:
        rows = part.start + np.flatnonzero(is_answered[part])
        if not len(rows):
            continue
        # A record keeps them as float32: scored from there they must give the same.
        scores = np.stack([np.asarray(row, dtype=np.float32) for row in scores_of_rows[rows]]).astype(np.float64)
        has_all_classes = scores.shape[1] == len(classes)
        if has_all_classes and are_probabilities(scores):
            column = named[rows]
            probability[rows] = np.where(column < 0, np.nan, scores[np.arange(len(scores)), column])
    return np.asarray(np.minimum(probability, 1))


def _join_answers_of_fold(
    about: Mapping[str, Any],
    fold: Mapping[str, Any],
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    answers: pd.DataFrame,
) -> pd.DataFrame:
    """The annotated clips of the videos that a fold tests, with its own answers."""
    own_answers = answers[answers["fold"] == fold["fold"]]
    return _join_answers(about, _tested_videos(fold, videos), truths, own_answers)


def read_tables_of_folds(folder: RunFolder) -> Iterator[tuple[str, Tables]]:
    """Each fold's name, and the predictions of its models for its tested videos.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    about = folder.read_json("folds.json")
    all_tables = read_tables(folder)
    answers = None if all_tables.clips is None else folder.read_table("clips.parquet")
    for fold in about["folds"]:
        tested = _select_videos(all_tables, _tested_videos(fold, all_tables.videos))
        clips = None
        if answers is not None:
            clips = _join_answers_of_fold(about, fold, tested.videos, tested.truths, answers)
        spotted = tested.predictions
        if spotted is not None:
            spotted = spotted[spotted["fold"] == fold["fold"]]
        yield fold["fold"], Tables(tested.videos, tested.truths, spotted, clips)


def select_dataset(tables: Tables, name: str) -> Tables:
    """The rows of one dataset, as if nothing else had been tested."""
    return _select_videos(tables, tables.videos[tables.videos["dataset"] == name])


def _tested_videos(fold: Mapping[str, Any], videos: pd.DataFrame) -> pd.DataFrame:
    """The videos that a fold tests."""
    if "videos" in fold:
        return videos[videos["video"].isin(fold["videos"])]
    return videos[videos["subject"].isin(fold["test"])]


def _select_videos(tables: Tables, videos: pd.DataFrame) -> Tables:
    """The rows of some of the videos."""

    def rows_of(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["video"].isin(videos["video"])]

    predictions = None if tables.predictions is None else rows_of(tables.predictions)
    clips = None if tables.clips is None else rows_of(tables.clips)
    return Tables(videos, rows_of(tables.truths), predictions, clips)


def score_run(folder: RunFolder, seed: int, draws: int, convention: str = "strict") -> dict[str, Any]:
    """The summary of a run, with mistakes and the level of chance.

    The level of chance is left out under conventions for which it is not known (`Convention.has_known_chance`). With
    several spotted datasets, `members` holds spotting and analysis of each from the same predictions.

    Args:
        folder: a run whose folds are merged, or the record of one.
        seed: seed of the run; bootstrap and chance draw from it.
        draws: number of bootstrap draws.
        convention: name of the rules.
    """
    about = folder.read_json("folds.json")
    tables = read_tables(folder)
    rules = {"classes": about["classes"], "seed": seed, "draws": draws, "convention": convention}
    summary = summarize(tables, kinds=about["kinds"], **rules)
    datasets = sorted(set(tables.videos["dataset"]))
    if "spotting" in summary and len(datasets) > 1:
        summary["members"] = {}
        for name in datasets:
            of_member = summarize(select_dataset(tables, name), kinds=about["kinds"], **rules)
            summary["members"][name] = {part: of_member[part] for part in ("spotting", "analysis") if part in of_member}
    summary["scorer"] = SCORER
    if "spotting" not in summary:
        return summary
    summary["mistakes"] = summarize_mistakes(tables, about["kinds"], convention)
    remarks = [_remark_on_silence(about, tables, kind) for kind in about["kinds"]]
    summary["remarks"] += [remark for remark in remarks if remark]
    rule = find_convention(convention)
    if rule.has_known_chance:
        summary["chance"] = {kind: _chance_of_kind(about, tables, kind, seed, convention) for kind in about["kinds"]}
    else:
        summary["remarks"].append(f"the level of chance is not known under {rule.name}: it is left out")
    return summary


def _remark_on_silence(about: Mapping[str, Any], tables: Tables, kind: str) -> str:
    """A remark on folds that spot nothing of a kind, as after a failed training."""
    true = tables.truths[tables.truths["kind"] == kind]
    folds_that_spot = set(tables.spotted["fold"][tables.spotted["kind"] == kind])
    n_missed: dict[str, int] = {}
    for fold in about["folds"]:
        tested = _tested_videos(fold, tables.videos)["video"]
        n_true = true["video"].isin(tested).sum()
        if n_true and fold["fold"] not in folds_that_spot:
            n_missed[fold["fold"]] = n_true
    if not n_missed:
        return ""
    where = f"{len(n_missed)} of {format_count(len(about['folds']), 'fold')} ({list_first([*n_missed], MOST_NAMED)})"
    return f"no {kind}-expression is spotted in {where}, whose videos hold {sum(n_missed.values())}"


def _chance_of_kind(about: Mapping[str, Any], tables: Tables, kind: str, seed: int, convention: str) -> dict[str, Any]:
    """The level of chance of a kind."""
    return spotting_chance(
        tables.videos,
        tables.truths,
        {name: k_prime[kind] for name, k_prime in about["k_prime"].items()},
        kind,
        seed,
        convention=convention,
        one_per_video=about.get("one_per_video", False),
    )


def current_summary(folder: RunFolder) -> dict[str, Any]:
    """The summary of a finished run, with the scores of this version; scored again only if they may differ.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    summary = own_metrics.without_outdated(folder.read_json("summary.json"))
    own_metrics.remember_words(summary)
    if holds_current_scores(summary) and not lacks_scores(summary):
        return summary
    rescored = rescore_run(folder, folder.read_json("config.json")["config"])
    return add_lacking_scores(summary, rescored) if holds_current_scores(summary) else summary | rescored


def add_lacking_scores(stored: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """The stored scores, with those of another summary that they lack, at any depth.

    >>> add_lacking_scores({"f1": {"value": 0.5}}, {"f1": {"value": 0.4, "low": 0.1}, "f05": {"value": 0.3}})
    {'f1': {'value': 0.5, 'low': 0.1}, 'f05': {'value': 0.3}}
    """
    whole = dict(stored)
    for name, value in here.items():
        if name not in whole:
            whole[name] = value
        elif isinstance(value, Mapping) and isinstance(whole[name], Mapping):
            whole[name] = add_lacking_scores(whole[name], value)
    return whole


def rescore_run(folder: RunFolder, config: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a run or record from its tables, under its own settings."""
    return score_run(folder, int(config["seed"]), int(config["bootstrap"]), config.get("convention", "strict"))
