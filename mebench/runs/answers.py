"""Every annotated clip of a run with its truth and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mebench.lazy_imports import load_lazily
from mebench.metrics.label_sets import within_classes
from mebench.metrics.uncertainty import rows_of_probabilities
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import select_scored_clips

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

ANSWER_COLUMNS = (
    "dataset",
    "subject",
    "video",
    "onset",
    "offset",
    "truth",
    "predicted",
    "probability",
    "probability_of_truth",
)
"""The columns of answers, before one `score_<class>` for each class."""
CLIP_KEY = ["video", "onset", "offset"]


def read_answers_of_run(folder: RunFolder) -> pd.DataFrame:
    """A row for each annotated clip of a scored class; one for each fold that tests it, where each fold is scored by itself.

    Returns:
        `ANSWER_COLUMNS`, of which `probability` is that of the answer and `probability_of_truth` that of the true class, NaN where
        the scores of classes are no probabilities; and `score_<class>`, as the method gives it. Sorted by video and onset.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    about = folder.read_json("folds.json")
    classes = about["classes"]
    truths = select_scored_clips(folder.read_table("truth.parquet"))
    truths = truths[within_classes(truths["emotion"], classes)]
    answers = folder.read_table("clips.parquet")
    if not about.get("scored_each"):
        answers = answers.drop_duplicates(CLIP_KEY)
    videos = folder.read_table("videos.parquet")[["video", "subject", "dataset"]]
    rows = truths[[*CLIP_KEY, "emotion"]].merge(videos, on="video").merge(answers, on=CLIP_KEY, how="left")
    rows = rows.rename(columns={"emotion": "truth"}).sort_values(CLIP_KEY, ignore_index=True)
    return _with_class_scores(rows, classes)


def _with_class_scores(rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Answers with the score of each class, and the probabilities of answer and truth."""
    scores = np.full((len(rows), len(classes)), np.nan)
    for number, scores_of_clip in enumerate(rows["probabilities"]):
        if scores_of_clip is not None and np.size(scores_of_clip) == len(classes):
            scores[number] = np.asarray(scores_of_clip, dtype=np.float32)
    are_probabilities = rows_of_probabilities(scores)
    number_of_class = {name: number for number, name in enumerate(classes)}
    answers = rows.copy()
    for column, named in (("probability", "predicted"), ("probability_of_truth", "truth")):
        numbers = rows[named].map(number_of_class).to_numpy(np.float64, na_value=np.nan)
        known = ~np.isnan(numbers) & are_probabilities
        values = np.full(len(rows), np.nan)
        values[known] = scores[known, numbers[known].astype(np.int64)]
        answers[column] = np.minimum(values, 1)
    score_columns = [f"score_{name}" for name in classes]
    class_scores = pd.DataFrame(scores, columns=score_columns, index=answers.index)
    return pd.concat([answers[list(ANSWER_COLUMNS)], class_scores], axis=1)


def select_wrong(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers that differ from the truth, the surest first; a clip without an answer is wrong, too.

    The sets of a label (`joy+fear`) have no order.
    """
    given = answers["predicted"].map(_as_set)
    true = answers["truth"].map(_as_set)
    wrong = answers[given != true]
    return wrong.sort_values("probability", ascending=False, kind="stable", ignore_index=True)


def _as_set(label: object) -> frozenset[str]:
    """The classes that a label joins; none of a missing one."""
    return frozenset(label.split("+")) if isinstance(label, str) else frozenset()
