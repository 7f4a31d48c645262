"""The tables that scoring reads, brought into one order so that the order of their rows never matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import DataError

_COLUMNS = {
    "videos": ("video", "subject", "dataset", "n_frames", "fps"),
    "truths": ("video", "kind", "onset", "apex", "offset", "emotion"),
    "predictions": ("video", "kind", "onset", "apex", "offset", "confidence", "emotion", "draw"),
    "clips": ("video", "truth", "predicted"),
    "frame_scores": ("video", "kind", "frame", "score"),
}
_OPTIONAL = ("probability",)


@dataclass(frozen=True)
class Tables:
    """What a run predicted beside what is true. Frames are 0-based; intervals include both ends.

    Attributes:
        videos: all videos: `video` (`dataset/subject/id`), `subject` (`dataset/subject`), `dataset`, `n_frames`, `fps`;
            the last two may be missing.
        truths: annotated intervals: `video`, `kind`, `onset`, `apex` (may be missing), `offset`, `emotion` (a scored
            class, or missing where the scheme does not map the label).
        predictions: spotted intervals: `video`, `kind`, `onset`, `apex`, `offset`, `confidence` (only its order
            counts), `emotion` (may be missing), `draw` (numbered from 0; always 0 unless the method predicts by
            chance). None if the method does not spot.
        clips: recognition on annotated clips: `video`, `truth`, `predicted`, both scored classes, and, where known,
            `probability` of the predicted class. None if the method does not recognize or there are no clips.
        frame_scores: `video`, `kind`, `frame`, `score`; frames without a score may be absent or NaN. None if the method
            scores no frames.
    """

    videos: pd.DataFrame
    truths: pd.DataFrame
    predictions: pd.DataFrame | None = None
    clips: pd.DataFrame | None = None
    frame_scores: pd.DataFrame | None = None

    def ordered(self) -> Tables:
        """The same tables in canonical order, with what scoring needs and an integer `unit`, the subject's number.

        Predictions are ranked by confidence, then video, kind, onset, offset and apex. The emotion comes last, only so
        that copies of one interval that differ in nothing else stand in an order that no row order can change. Truths
        and predictions keep the number of their row as `row`, for conventions that go by it.

        Raises:
            DataError: a column lacks, a video is listed twice or not at all, or an interval ends before it begins.
        """
        videos = _checked("videos", self.videos).sort_values("video", ignore_index=True)
        twice = videos["video"][videos["video"].duplicated()]
        if len(twice):
            raise DataError(f"the table of videos lists {twice.iloc[0]!r} twice: every video must have one row")
        videos["n_frames"], videos["fps"] = numbers(videos["n_frames"]), numbers(videos["fps"])
        # Sorting by (dataset, subject) makes the units the same for every order of rows.
        subjects = sorted(set(zip(videos["dataset"], videos["subject"])))
        number = {subject: unit for unit, subject in enumerate(subjects)}
        videos["unit"] = np.array([number[key] for key in zip(videos["dataset"], videos["subject"])], dtype=np.int64)
        truths = _intervals("truths", self.truths, videos, ["video", "kind", "onset", "offset", "apex", "emotion"])
        predictions = clips = None
        if self.predictions is not None:
            order = ["surest", "video", "kind", "onset", "offset", "apex", "emotion", "draw"]
            predictions = _intervals("predictions", self.predictions, videos, order)
        if self.clips is not None:
            clips = _joined("clips", _checked("clips", self.clips), videos)
            clips = clips[clips["truth"].notna()].sort_values(["video", "truth", "predicted"], ignore_index=True)
        frames = None
        if self.frame_scores is not None:
            frames = _joined("frame scores", _checked("frame_scores", self.frame_scores), videos)
            frames = frames.sort_values(["video", "kind", "frame"], ignore_index=True)
        return Tables(videos, truths, predictions, clips, frames)


def numbers(column: pd.Series) -> NDArray[np.float64]:
    """A column of numbers, NaN where one is missing (None, NA or NaN)."""
    return pd.to_numeric(column, errors="raise").to_numpy(dtype=np.float64, na_value=np.nan)


def of_kinds(table: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """The rows of some kinds, in order, numbered anew."""
    return table[table["kind"].isin(list(kinds))].reset_index(drop=True)


def _checked(name: str, table: pd.DataFrame) -> pd.DataFrame:
    lacking = [column for column in _COLUMNS[name] if column not in table.columns]
    if lacking:
        raise DataError(
            f"the table of {name} lacks the column {lacking[0]!r}: it must have {', '.join(_COLUMNS[name])}"
        )
    return table.loc[:, [*_COLUMNS[name], *(column for column in _OPTIONAL if column in table.columns)]].copy()


def _joined(name: str, table: pd.DataFrame, videos: pd.DataFrame) -> pd.DataFrame:
    """Add subject number, dataset and frame rate; an unknown video is an error."""
    row = pd.Index(videos["video"]).get_indexer(pd.Index(table["video"]))
    if (row < 0).any():
        stray = table["video"].iloc[int(np.argmax(row < 0))]
        raise DataError(
            f"the table of {name} names the video {stray!r}, which is not in the table of videos: "
            "score it with its own dataset"
        )
    for column in ("unit", "dataset", "fps"):
        table[column] = videos[column].to_numpy()[row]
    return table


def _intervals(name: str, table: pd.DataFrame, videos: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    table = _joined(name, _checked(name, table), videos)
    table["row"] = np.arange(len(table), dtype=np.float64)
    for column in ("onset", "offset"):
        table[column] = table[column].astype(np.int64)
    wrong = np.flatnonzero(table["offset"].to_numpy() < table["onset"].to_numpy())
    if len(wrong):
        row = table.iloc[int(wrong[0])]
        raise DataError(
            f"the table of {name} holds an interval [{row['onset']}, {row['offset']}] in "
            f"{row['video']!r}: its onset must not be after its offset"
        )
    table["apex"] = numbers(table["apex"])
    table["emotion"] = table["emotion"].astype(object).where(table["emotion"].notna(), "")
    if "confidence" in table:
        table["surest"] = -numbers(table["confidence"])
        table["draw"] = table["draw"].astype(np.int64)
    return table.sort_values(order, ignore_index=True, kind="stable")
