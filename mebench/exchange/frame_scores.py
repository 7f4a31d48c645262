"""One score for each frame, from which mebench's own spotting derives intervals."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mebench.annotations.names import KINDS, kind_of, plain_name
from mebench.core import SpottingParams
from mebench.core.peaks import spot
from mebench.errors import ConfigError, DataError, unknown
from mebench.exchange.choices import NO_CHOICES, Choices
from mebench.exchange.column_values import choose_score
from mebench.exchange.repeated_videos import refuse_repeated_videos
from mebench.exchange.text_table import (
    File,
    Remarks,
    TextTable,
    at_lines,
    first_true,
    parse_columns,
    read_sheet,
)
from mebench.exchange.values import (
    IDS,
    IntervalFile,
    Role,
    frame_of_rows,
    read_frames,
    read_kinds,
    read_numbers,
    required_frames,
)
from mebench.exchange.wide_scores import tall_scores
from mebench.output.terminal import format_count

ROLE: Role = "frame scores"
_WANTED = (*IDS, "frame", "score", "kind", "fps")


def half_lengths(given: int | Mapping[str, int] | str | None) -> dict[str, int]:
    """Half lengths k' of each kind in frames: one number for all kinds, or one for each, as values or text.

    Raises:
        ConfigError: it is missing, or not a whole number of at least 1.

    >>> half_lengths(6), half_lengths({"micro": 6}), half_lengths("micro=6,macro=20")
    ({'micro': 6, 'macro': 6}, {'micro': 6}, {'micro': 6, 'macro': 20})
    """
    if given is None:
        raise ConfigError(
            "--frame-scores needs --k-prime N, half the length of the intervals in frames. It is never taken from "
            "the truth, which must not influence the intervals: give (N + 1) / 2 with N the mean of offset - "
            "onset of your training subjects, or micro=N,macro=N for two kinds"
        )
    parts: Mapping[str, int | str] = given if isinstance(given, Mapping) else dict.fromkeys(KINDS, given)
    if isinstance(given, str) and "=" in given:
        parts = dict(part.partition("=")[::2] for part in given.split(","))
    lengths: dict[str, int] = {}
    for name, number in parts.items():
        kind = kind_of(name)
        if kind is None:
            raise ConfigError(f"--k-prime: {unknown('kind', name.strip(), KINDS)}")
        whole = int(number) if isinstance(number, str) and re.fullmatch(r"\s*\d{1,9}\s*", number) else number
        if not isinstance(whole, int | np.integer) or whole < 1:
            raise ConfigError(f"--k-prime must be a whole number of frames, at least 1, not {number!r}")
        lengths[kind] = int(whole)
    return lengths


def read_frame_scores(path: File, remarks: Remarks, choices: Choices = NO_CHOICES) -> IntervalFile:
    """Read and check a file of frame scores.

    Args:
        path: a table of text with the columns `subject`, `video`, `frame`, `score` and, as available, `dataset` and
            `kind`, with rows in any order. The frames of a video may begin at any number but have no gap; scores may be
            missing at either end.
        remarks: list that gets what was noticed and repaired.
        choices: decisions of the user about columns and rows.

    Returns:
        A file of frames instead of intervals: the columns of `IDS` that it has, `kind`, `frame` (as the file counts),
        `score` (NaN where undefined, only at the ends of a video), `line`; sorted by video, kind and frame, without
        gaps.

    Raises:
        DataError: the file cannot be understood; the sentence names the line.
    """
    sheet = read_sheet(path, remarks, ROLE, tall_scores)
    table = parse_columns(sheet, path, ROLE, _WANTED, remarks, choices=choices)
    table = _with_score(table, remarks)
    table.require("video", "frame", "score")
    table.note_unread(remarks)
    if not len(table.lines):
        raise DataError(f"{path} holds no row below its header, so nothing can be spotted")
    ids = [name for name in IDS if name in table.cells]
    rows = frame_of_rows(table, remarks).assign(
        kind=read_kinds(table),
        frame=required_frames(table, "frame", read_frames(table, "frame")),
        score=read_numbers(table, "score"),
    )
    known = frozenset({*ids, "kind", "frame", "score"})
    every = IntervalFile(str(path), ROLE, rows, rows, known, others=table.other_columns())
    refuse_repeated_videos(every, choices, once=("kind", "frame"))
    rows["group"] = rows.groupby([*ids, "kind"], sort=False).ngroup()
    rows = rows.sort_values(["group", "frame"], kind="stable", ignore_index=True)
    _refuse_repeated_and_missing_frames(path, rows)
    _refuse_missing_scores(path, rows)
    lacking = rows["score"].isna()
    if lacking.any():
        remarks.warn(
            f"{ROLE}: {format_count(int(lacking.sum()), 'frame')} at the ends of videos without a score "
            f"({at_lines(rows['line'][lacking])}), left out of smoothing and threshold"
        )
    listed = rows.drop_duplicates("group")[["line", *ids, "kind"]]
    if "fps" not in table.cells:
        return IntervalFile(str(path), ROLE, rows, listed, known)
    rates = dict(zip(table.lines.tolist(), read_numbers(table, "fps").tolist()))
    return IntervalFile(str(path), ROLE, rows, listed.assign(fps=listed["line"].map(rates)), known | {"fps"})


def _with_score(table: TextTable, remarks: Remarks) -> TextTable:
    """The table with the column that holds the score of each frame.

    Raises:
        DataError: it is a table of OpenFace without its video, or several columns may hold the score.
    """
    names = set(map(plain_name, table.headers))
    if names >= _OF_OPENFACE and "video" not in table.cells:
        raise DataError(
            f"{table.place} is what OpenFace writes for one video and names none: add a column video to it, and name the column of "
            "the score, such as --column score=AU12_r ('confidence' is how sure OpenFace is of the face)"
        )
    found = choose_score(table)
    if found is None:
        return table
    remarks.repair(f"{ROLE}: no column is called score: {found!r} is read, the only one that varies as a score does")
    return table.with_column(found, "score", table.others[found].read(str.strip))


_OF_OPENFACE = frozenset(("frame", "confidence", "success"))
"""Names of columns, without signs, in every table of a video that OpenFace writes."""


def _refuse_repeated_and_missing_frames(path: File, rows: pd.DataFrame) -> None:
    """Refuse a video with a frame twice, or without one between others.

    Args:
        path: the file, for the sentence.
        rows: rows by `group`, a video and kind, and by frame.

    Raises:
        DataError: there is one.
    """
    does_not_follow = (rows["group"].diff() == 0) & (rows["frame"].diff() != 1)
    wrong = first_true(does_not_follow.to_numpy(np.bool_))
    if wrong is None:
        return
    row = rows.iloc[wrong]
    before = rows.iloc[wrong - 1]
    where = f"{path}, line {row['line']}: video {row['video']!r}"
    if row["frame"] == before["frame"]:
        raise DataError(
            f"{where} has frame {row['frame']} twice (first on line {before['line']}): every frame of a video and kind has one score"
        )
    raise DataError(
        f"{where} goes from frame {before['frame']} to {row['frame']}: frames must follow each other without a gap; give every frame "
        "its score"
    )


def _refuse_missing_scores(path: File, rows: pd.DataFrame) -> None:
    """Refuse a missing score between others; arguments and error as above.

    Scores may be missing at the ends of a video, such as those of the last frames of optical flow.
    """
    is_defined = rows["score"].notna()
    has_earlier = is_defined.groupby(rows["group"]).cummax()
    has_later = is_defined[::-1].groupby(rows["group"][::-1]).cummax()[::-1]
    inner = first_true((~is_defined & has_earlier & has_later).to_numpy(np.bool_))
    if inner is not None:
        raise DataError(
            f"{path}, line {rows['line'][inner]}: frame {rows['frame'][inner]} of video {rows['video'][inner]!r} has no score, but frames "
            "before and after it have: only the first and the last frames of a video may lack one"
        )


def propose_intervals(
    scores: IntervalFile,
    lengths: Mapping[str, int],
    options: SpottingParams,
    remarks: Remarks,
    short_videos: bool = False,
) -> IntervalFile:
    """The intervals that mebench's spotting derives from frame scores.

    They have the frame numbers of the file.

    Every video goes through the same steps, independently of the truth: smoothing, threshold, peaks, intervals
    (`mebench.spotting.spot`). The confidence is the smoothed score of the peak.

    Args:
        scores: scores of a file.
        lengths: k' of each kind: half the length of its intervals in frames, at least 1.
        options: p, rule, smoothing and anchor; `middle` is for scores of windows [i, i + k' - 1].
        remarks: gets the videos that are too short for smoothing.
        short_videos: every video holds one expression, so the highest smoothed frame is the answer and no threshold
            applies.

    Raises:
        ConfigError: a kind of the file has no k'.
    """
    windows = options.rule == "paper" and options.smoothing != "none"
    rows: list[tuple[object, ...]] = []
    short: list[str] = []
    for _, video in scores.intervals.groupby("group", sort=False):
        ids = [str(video[name].iloc[0]) for name in scores.ids]
        kind = str(video["kind"].iloc[0])
        if kind not in lengths:
            raise ConfigError(
                f"the frame scores hold the kind {kind}, but --k-prime gives no value for it: add {kind}=N"
            )
        k_prime = lengths[kind]
        first = int(video["frame"].iloc[0])
        frame_scores = video["score"].to_numpy(np.float64)
        if windows and np.count_nonzero(~np.isnan(frame_scores)) < 2 * k_prime + 1:
            short.append("/".join(ids))
        for found in spot(frame_scores, k_prime, highest_only=short_videos, options=options, lead=k_prime - 1):
            # The middle of the last window lies beyond the last frame.
            line = int(video["line"].iloc[min(found.apex, len(video) - 1)])
            onset = first + found.onset
            offset = first + found.offset
            apex = float(first + found.apex)
            rows.append((line, *ids, kind, onset, offset, apex, "", found.confidence))
    if short:
        remarks.warn(
            f"{ROLE}: {format_count(len(short), 'video')}, such as {short[0]}, shorter than the 2k' + 1 frames of the moving average: "
            "nothing can be spotted there"
        )
    columns = ["line", *scores.ids, "kind", "onset", "offset", "apex", "emotion", "confidence"]
    table = pd.DataFrame(rows, columns=columns).astype({"onset": np.int64, "offset": np.int64, "line": np.int64})
    known = (scores.columns & {"fps"}) | {*scores.ids, "kind", "onset", "offset", "apex", "confidence"}
    return IntervalFile(scores.place, ROLE, table, scores.videos, known)
