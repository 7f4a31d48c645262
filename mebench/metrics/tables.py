"""The tables that scoring reads, and which of their videos count.

Their order does not depend on the order of their rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.grouping import group_by
from mebench.metrics.conventions import Convention
from mebench.metrics.ratios import Bools, Floats, Indices, per_unit

TABLE_COLUMNS = {
    "videos": ("video", "subject", "dataset", "n_frames", "fps"),
    "truths": ("video", "kind", "onset", "apex", "offset", "emotion"),
    "predictions": ("video", "kind", "onset", "apex", "offset", "confidence", "emotion", "draw"),
    "clips": ("video", "truth", "predicted"),
    "frame_scores": ("video", "kind", "frame", "score"),
}
"""The columns that each table of `Tables` has at least."""
_OPTIONAL = ("probability", "processed", "intensity", "untouched", "flags", "run", "part", "person", "in_truth")
NOBODY = "not in the truth"
"""The stratum of the one unit that holds the predictions in videos of people whom the truth does not know. It is no person: nothing
resamples, exchanges or counts it."""
_Columns = dict[str, Any]
"""A table on its way, each column an array of NumPy or of pandas."""


@dataclass(frozen=True, eq=False)  # equal only to itself, so that results made from it can be cached
class Tables:
    """Predictions and truth of a run. Frames are 0-based; intervals include both ends.

    Attributes:
        videos: all videos: `video` (`dataset/subject/id`), `subject` (`dataset/subject`), `dataset`, `n_frames`, `fps`;
            the last two may be missing. Optionally `processed`, the kinds that were looked for in the video, whether or not
            anything was found; without it all were looked for. `person`, who a subject is, where people go by several ids:
            units of scoring are people. `in_truth`, whether the truth knows the video: one that only predictions name adds false
            positives, but no minute and no person. In a pool of runs (`comparison.pool_runs`), `run`, the number of the run
            whose copy of the video it is.
        truths: annotated intervals: `video`, `kind`, `onset`, `apex` (may be missing), `offset`, `emotion` (a scored
            class, or missing where the scheme does not map the label), and `intensity` where the dataset knows it. Where
            expressions were put into videos, `untouched`, the video with the same frames without them, and `flags`, what the person
            does meanwhile.
        predictions: spotted intervals: `video`, `kind`, `onset`, `apex`, `offset`, `confidence` (only its order
            counts), `emotion` (may be missing), `draw` (numbered from 0; always 0 unless the method predicts by
            chance). None if the method does not spot.
        clips: recognition on annotated clips: `video`, `truth`, `predicted`, both scored classes, and, where known,
            `probability` of the predicted class; `part` where each part of them is scored by itself and the mean over parts is taken,
            as over the folds of some protocols. None if the method does not recognize or there are no clips.
        frame_scores: `video`, `kind`, `frame`, `score`; frames without a score may be absent or NaN. None if the method
            scores no frames.
        distractors: annotated movements that are no expressions: `video`, `kind` (`blink`, `speech`, `head` …), `onset`,
            `offset`. None where the dataset annotates none. Only the causes of mistakes look at them.
    """

    videos: pd.DataFrame
    truths: pd.DataFrame
    predictions: pd.DataFrame | None = None
    clips: pd.DataFrame | None = None
    frame_scores: pd.DataFrame | None = None
    distractors: pd.DataFrame | None = None

    @property
    def spotted(self) -> pd.DataFrame:
        """The predictions of a method that spots."""
        assert self.predictions is not None
        return self.predictions

    def put_in_order(self) -> "Tables":
        """The same tables in canonical order, with what scoring needs.

        Each row has the integer `unit`, the number of the person, and each video the person's `stratum`: the dataset, those of
        several ids joined by `+`.

        Predictions are ranked by confidence, then video, kind, onset, offset and apex. The emotion comes last, only so
        that copies of one interval that differ in nothing else stand in an order that no row order can change. Truths
        and predictions keep the number of their row as `row`, for conventions that go by it.

        Raises:
            DataError: a column lacks, a video is listed twice or not at all, or an interval ends before it begins.
        """
        return self._ordered

    @cached_property
    def _ordered(self) -> "Tables":  # scores, mistakes and their causes ask for it one after the other
        videos = _ordered_videos(self.videos)
        order = ["video", "kind", "onset", "offset", "apex", "emotion"]
        truths = _intervals("truths", self.truths, videos, order)
        truths["processed"] = _looked_for(truths, videos)
        predictions = None
        if self.predictions is not None:
            columns = _intervals("predictions", self.predictions, videos, ["surest", *order, "draw"])
            predictions = _table_of_columns(columns)
        clips = _ordered_rows("clips", self.clips, videos, ["video", "truth", "predicted"])
        return Tables(
            videos=videos,
            truths=_table_of_columns(truths),
            predictions=predictions,
            clips=None if clips is None else clips.dropna(subset="truth", ignore_index=True),
            frame_scores=_ordered_rows("frame_scores", self.frame_scores, videos, ["video", "kind", "frame"]),
        )


def of_first_draw(tables: Tables) -> Tables:
    """The tables with only the first draw of a method that predicts at random; those of other methods unchanged."""
    if tables.predictions is None or (tables.predictions["draw"] == 0).all():
        return tables
    return replace(tables, predictions=tables.predictions[tables.predictions["draw"] == 0].reset_index(drop=True))


def videos_of_truth(videos: pd.DataFrame) -> pd.DataFrame:
    """The videos that the truth knows (`Tables.videos`)."""
    return videos[videos["in_truth"].astype(bool)] if "in_truth" in videos else videos


def strata_of_units(videos: pd.DataFrame) -> list[str]:
    """The stratum of each unit, in the order of their numbers; videos as in `Tables.put_in_order`."""
    stratum_of_unit = dict(zip(videos["unit"].tolist(), videos["stratum"].tolist()))
    return [stratum_of_unit[unit] for unit in sorted(stratum_of_unit)]


def people_of_videos(videos: pd.DataFrame) -> pd.DataFrame:
    """A row for each unit, in the order of their numbers: its first video; videos as in `Tables.put_in_order`."""
    return videos.drop_duplicates("unit").sort_values("unit")


def members_of(stratum: str) -> tuple[str, ...]:
    """The member datasets of a stratum: itself, and where its people are shown by several each of these, joined by `+`."""
    return stratum, *stratum.split("+")


def as_floats(column: pd.Series) -> Floats:
    """A column of numbers, NaN where one is missing (None, NA or NaN)."""
    return pd.to_numeric(column, errors="raise").to_numpy(dtype=np.float64, na_value=np.nan)


def lengths_of(intervals: pd.DataFrame) -> Floats:
    """(n,) length of each interval in frames, both ends included."""
    onset, offset = (intervals[end].to_numpy(np.int64) for end in ("onset", "offset"))
    return np.asarray(offset - onset + 1, dtype=np.float64)


def of_kinds(table: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """The rows of some kinds, in order, renumbered."""
    inside = np.isin(table["kind"].to_numpy(object, na_value=""), list(kinds))
    return (table if inside.all() else table.take(np.flatnonzero(inside))).reset_index(drop=True)


def of_units(table: pd.DataFrame, values: Floats, n_units: int, by_draw: bool) -> Floats:
    """Sum over the rows of videos or truths for every unit, (n_units,); where units are draws, each of them has all rows."""
    if by_draw:
        return np.full(n_units, float(values.sum()))
    return per_unit(table["unit"].to_numpy(np.int64), n_units, values)


def number_groups(columns: Sequence[str], *tables: pd.DataFrame) -> list[Indices]:
    """A number for each row, the same for rows that agree in some columns.

    Numbers are 0 or more, and serve all tables together. Missing values are equal. Tables are small and many: the preparations
    of `DataFrame.groupby` took a fourth of a score's time.

    >>> tables = [pd.DataFrame({"video": videos, "kind": "micro"}) for videos in (["a", "b", "a"], ["b", "c"])]
    >>> [numbers.tolist() for numbers in number_groups(["video", "kind"], *tables)]
    [[0, 1, 0], [1, 2]]
    """
    numbers = np.zeros(sum(len(table) for table in tables), dtype=np.int64)
    for column in columns:
        codes, values = pd.factorize(_joined([table[column] for table in tables]), use_na_sentinel=False)
        numbers = numbers * len(values) + codes
    return np.split(numbers, np.cumsum([len(table) for table in tables])[:-1])


MANY_ROWS = 10_000
"""Rows from which on words that are joined stay pandas' own: their numbers take a sixth of the time; of few rows three times as long."""


def _joined(columns: Sequence[pd.Series]) -> Any:
    """The values of columns below each other."""
    first, *others = columns
    if not others:
        return first.values
    are_words = all(isinstance(column.dtype, pd.StringDtype) and column.dtype == first.dtype for column in columns)
    if are_words and sum(map(len, columns)) >= MANY_ROWS:
        return pd.concat(columns, ignore_index=True).array
    return np.concatenate([column.to_numpy() for column in columns])


class RowGroups(NamedTuple):
    """The rows of a table that agree in some columns, in order of first occurrence.

    Attributes:
        number: (n_rows,) number of the group of each row, from 0.
        first: (n_groups,) first row of each group.
        cells: values of each group in these columns.
    """

    number: Indices
    first: Indices
    cells: list[tuple[Any, ...]]


def group_rows(table: pd.DataFrame, columns: Sequence[str]) -> RowGroups:
    """The groups of rows that agree in some columns.

    >>> group_rows(pd.DataFrame({"subject": ["1", "2", "1"], "video": ["b", "a", "b"]}), ["subject", "video"]).cells
    [('1', 'b'), ('2', 'a')]
    """
    (of_columns,) = number_groups(columns, table)
    number, _ = pd.factorize(of_columns)
    # Groups are numbered as they come: one begins in a row where the largest number so far rises.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(number), prepend=-1))
    return RowGroups(number, first, list(zip(*(table[column].array.take(first).tolist() for column in columns))))


def _ordered_videos(table: pd.DataFrame) -> pd.DataFrame:
    """The videos in order, with `stratum`, `unit` and `run`.

    Raises:
        DataError: a column lacks, or a video is listed twice.
    """
    columns = _checked("videos", table)
    columns["n_frames"], columns["fps"] = as_floats(table["n_frames"]), as_floats(table["fps"])
    datasets = columns["dataset"].tolist()
    # Ids that are equal in two datasets are two people.
    ids = list(zip(datasets, columns["subject"].tolist()))
    people = columns["person"].tolist() if "person" in columns else ids
    if "in_truth" in columns:
        in_truth = np.asarray(columns["in_truth"], dtype=np.bool_)
        # No time passes in the others.
        columns["n_frames"] = np.where(in_truth, columns["n_frames"], 0.0)
        columns["fps"] = np.where(in_truth, columns["fps"], 1.0)
        people, datasets = _people_of_truth(people, datasets, in_truth, table.get("run"))
    strata = _stratum_of_people(people, datasets)
    # Sorting by (stratum, person) makes the units the same for every order of rows.
    in_order = sorted(strata, key=lambda person: (strata[person], person))
    number = {person: unit for unit, person in enumerate(in_order)}
    columns["stratum"] = np.array([strata[person] for person in people], dtype=object)
    columns["unit"] = np.array([number[person] for person in people], dtype=np.int64)
    columns.setdefault("run", np.zeros(len(people), dtype=np.int64))
    columns = sort_rows(columns, ["video"])
    twice = [name for name, following in pairwise(columns["video"]) if name == following]
    if twice:
        raise DataError(f"the table of videos lists {twice[0]!r} twice: every video must have one row")
    return _table_of_columns(columns)


def _people_of_truth(
    people: Sequence[Any], datasets: Sequence[str], in_truth: Bools, runs: pd.Series | None
) -> tuple[list[Any], list[str]]:
    """The person and the dataset of each video; of videos of unknown people nobody (`NOBODY`), one for each run of a pool."""
    known = {person for person, is_known in zip(people, in_truth) if is_known}
    run_of_video = ["0"] * len(people) if runs is None else [str(run) for run in runs]
    own_people = list(people)
    own_datasets = list(datasets)
    for row, (person, run) in enumerate(zip(people, run_of_video)):
        if person not in known:
            own_people[row] = (NOBODY, run)
            own_datasets[row] = NOBODY
    return own_people, own_datasets


def _stratum_of_people(people: Sequence[Any], datasets: Sequence[str]) -> dict[Any, str]:
    """The datasets of each person, joined by `+`.

    They follow from the person and the dataset of each video.
    """
    of_person = group_by(zip(people, datasets), key=itemgetter(0))
    return {person: "+".join(sorted({dataset for _, dataset in several})) for person, several in of_person.items()}


def _looked_for(truths: _Columns, videos: pd.DataFrame) -> Bools:
    """(n_truths,) whether the kind of each truth was looked for in its video; in a pool some runs may not say."""
    if "processed" not in videos:
        return np.ones(len(truths["video"]), dtype=np.bool_)
    processed = videos["processed"].to_numpy(object)
    is_known = ~pd.isna(processed)
    kinds_of_video = dict(zip(videos["video"].to_numpy(object)[is_known], processed[is_known]))
    looked_for = [kind in kinds_of_video.get(video, (kind,)) for video, kind in zip(truths["video"], truths["kind"])]
    return np.array(looked_for, dtype=np.bool_)


def _ordered_rows(
    name: str, table: pd.DataFrame | None, videos: pd.DataFrame, order: Sequence[str]
) -> pd.DataFrame | None:
    """The rows of a table by some columns, with what scoring needs of their videos; None for no table."""
    return None if table is None else _table_of_columns(sort_rows(_checked_with_videos(name, table, videos), order))


def _checked(name: str, table: pd.DataFrame) -> _Columns:
    """The columns of a table that scoring reads, checked."""
    lacking = [column for column in TABLE_COLUMNS[name] if column not in table.columns]
    if lacking:
        raise DataError(
            f"the table of {name} lacks the column {lacking[0]!r}: it must have {', '.join(TABLE_COLUMNS[name])}"
        )
    wanted = [*TABLE_COLUMNS[name], *(column for column in _OPTIONAL if column in table.columns)]
    return {column: _array_of_column(table[column]) for column in wanted}


def _array_of_column(column: pd.Series) -> Any:
    """The values of a column; words as objects, equal ones as one, which take a tenth of the time of pandas' strings."""
    if column.dtype == np.object_:
        return column.to_numpy()
    if not isinstance(column.dtype, pd.StringDtype):
        return column.array
    which, words = pd.factorize(column.array)
    return np.append(np.asarray(words, dtype=object), np.nan)[which]


def _checked_with_videos(name: str, table: pd.DataFrame, videos: pd.DataFrame) -> _Columns:
    """The checked columns with subject number, dataset, frame rate and run; an unknown video is an error."""
    columns = _checked(name, table)
    row_of_video = {name: row for row, name in enumerate(videos["video"].tolist())}
    row = np.array([row_of_video.get(name, -1) for name in columns["video"]], dtype=np.int64)
    if (row < 0).any():
        stray = columns["video"][int(np.argmax(row < 0))]
        raise DataError(
            f"the table of {name.replace('_', ' ')} names the video {stray!r}, which is not in the table of videos: "
            "score it with its own dataset"
        )
    return columns | {
        column: _array_of_column(videos[column]).take(row) for column in ("unit", "dataset", "fps", "run")
    }


def _intervals(name: str, table: pd.DataFrame, videos: pd.DataFrame, order: list[str]) -> _Columns:
    """Checked intervals with what scoring needs, in order.

    Raises:
        DataError: a column lacks, a video is unknown, or an interval ends before it begins.
    """
    columns = _checked_with_videos(name, table, videos)
    columns["onset"], columns["offset"] = (table[end].astype(np.int64).to_numpy() for end in ("onset", "offset"))
    columns["row"] = np.arange(len(table), dtype=np.float64)
    wrong = np.flatnonzero(columns["offset"] < columns["onset"])
    if len(wrong):
        video, onset, offset = (columns[column][int(wrong[0])] for column in ("video", "onset", "offset"))
        raise DataError(
            f"the table of {name} holds an interval [{onset}, {offset}] in {video!r}: its onset must not be after its offset"
        )
    columns["apex"] = as_floats(table["apex"])
    emotion = np.asarray(columns["emotion"], dtype=object)
    columns["emotion"] = np.where(pd.isna(emotion), "", emotion)
    if "confidence" in columns:
        columns["surest"] = -as_floats(table["confidence"])
        columns["draw"] = table["draw"].astype(np.int64).to_numpy()
    return sort_rows(columns, order)


def sort_rows(columns: _Columns, order: Sequence[str]) -> _Columns:
    """The rows sorted by some columns, missing values last; rows that agree in all of them keep their order.

    Tables are small and many: `DataFrame.sort_values` and columns added one by one took most of a score's time.
    """
    keys = []
    for name in order:
        key = columns[name]
        if not isinstance(key, np.ndarray) or key.dtype == object:
            key, names = pd.factorize(np.asarray(key, dtype=object), sort=True)
            key[key < 0] = len(names)
        keys.append(key)
    if len(keys[0]) >= MANY_ROWS:
        keys = _fewer_keys(keys)
    rows = np.lexsort(keys[::-1])
    return {name: column.take(rows) for name, column in columns.items()}


LIMIT = 2**63
"""The first whole number beyond 64 bits with a sign."""


def _fewer_keys(keys: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Keys with the same order of rows, neighbouring whole numbers as one: each key of a million rows takes a tenth of a second.

    >>> _fewer_keys([np.array([1, 0]), np.array([5, 9]), np.array([0.5, 0.25])])
    [array([5, 4]), array([0.5 , 0.25])]
    """
    fewer: list[NDArray[Any]] = []
    values_of_last = LIMIT  # of the last key; with another one there is no room for more
    for key in keys:
        is_whole = key.dtype.kind == "i"
        lowest, highest = (int(key.min()), int(key.max())) if is_whole else (0, LIMIT)
        values = highest - lowest + 1
        if values >= LIMIT:
            fewer.append(key)
            values_of_last = LIMIT
        elif values_of_last * values < LIMIT:
            fewer[-1] = fewer[-1] * values + (key.astype(np.int64) - lowest)
            values_of_last *= values
        else:
            fewer.append(key.astype(np.int64) - lowest)
            values_of_last = values
    return fewer


def _table_of_columns(columns: _Columns) -> pd.DataFrame:
    """A table whose words stay objects: pandas would make strings of its own of them."""
    words = {name: column for name, column in columns.items() if column.dtype == np.object_}
    return pd.DataFrame(columns | {name: pd.Index(column, dtype=object) for name, column in words.items()})


def in_scope(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The truths and predictions that count under a convention.

    They are in the order in which predictions take turns.

    A dummy interval [0, 0] (`Convention.silence`) stands where its video's would: right before the first row of the
    next video, in the order of the truths, for which anything was spotted. It has no apex, emotion or confidence.

    Args:
        truths: table as in `Tables.put_in_order`, of the kinds that are pooled; each kind is treated by itself.
        predictions: table as in `Tables.put_in_order`.
        convention: rules.

    Returns:
        Both tables, with new row numbers; the same tables under `strict`.
    """
    truths = renumber_truths(truths, convention)
    if convention.videos == "with_truth":
        predictions = predictions[_known(predictions, truths, ["video", "kind"])]
    elif convention.videos == "with_result":
        truths = truths[truths["processed"] | _known(truths, predictions, ["video", "kind"])]
    elif convention.videos == "of_spotted_subjects":
        truths = truths[_known(truths, predictions, ["unit", "kind"])]
        predictions = predictions[_known(predictions, truths, ["video", "kind"])]
    if convention.silence == "dummy":
        predictions = pd.concat([predictions, _dummies(truths, predictions)], ignore_index=True)
    if convention.order == "rows":
        predictions = predictions.sort_values("row", kind="stable")
    return truths.reset_index(drop=True), predictions.reset_index(drop=True)


def _dummies(truths: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """An interval [0, 0] for each truth without a prediction.

    There is one for each draw, video and kind.
    """
    keys = ["video", "kind"]
    draws = sorted(set(predictions["draw"])) or [0]
    first_truths = truths.sort_values("row", kind="stable").drop_duplicates(keys)
    annotated = first_truths[[*keys, "unit", "dataset", "fps", "run"]]
    expected = pd.DataFrame({"draw": draws}).merge(annotated, how="cross")
    first_row = predictions.groupby(["draw", *keys])["row"].min()
    row = first_row.reindex(pd.MultiIndex.from_frame(expected[["draw", *keys]])).to_numpy(np.float64)
    row_by_draw = row.reshape(len(draws), len(annotated))
    silent = np.isnan(row_by_draw)
    # Half a row before the next video that has predictions: there the released code has its dummy in the ranking.
    before_next = pd.DataFrame(row_by_draw).bfill(axis=1).to_numpy(np.float64) - 0.5
    silent_videos: pd.DataFrame = expected[silent.ravel()]
    return silent_videos.assign(
        row=np.nan_to_num(before_next[silent], nan=np.inf),
        onset=0,
        offset=0,
        apex=np.nan,
        confidence=np.nan,
        emotion="",
        surest=np.nan,
    )


def renumber_truths(truths: pd.DataFrame, convention: Convention) -> pd.DataFrame:
    """Truths with the frames that a convention takes for them (`Convention.numbering`).

    These are the truths of `in_scope` and others.
    """
    if convention.numbering == "alike":
        return truths
    return truths.assign(**{name: truths[name] - 1 for name in ("onset", "apex", "offset")})


def _known(table: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> Bools:
    """Whether each row's values of some columns occur in another table."""
    keys, other_keys = number_groups(columns, table, other)
    return np.isin(keys, other_keys)
