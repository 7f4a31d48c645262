"""From file numbers to frame indices: by the files that are there, else by the documented numbering."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from mebench.annotations.annotation import Annotation, Log
from mebench.core.types import Expression, Unplaced, Video


def place(annotation: Annotation, first: int, numbers: Sequence[int | None] | None, log: Log) -> Expression | Unplaced:
    """The expression of an annotation in 0-based positions.

    A number that no file has becomes the nearest one inside the interval; one beyond the files becomes the first or the last
    frame. Both are logged, and flagged `cut` and `missing_frame`.

    Args:
        annotation: in file numbers.
        first: file number of the first frame where the files are absent.
        numbers: file number of each frame, rising, or None where the files are absent; None for a file without digits.
        log: what was changed is written down there.
    """
    if annotation.onset is None or annotation.offset is None:
        return _unplaced(annotation, annotation.problem)
    known = _known(annotation, first, numbers)
    if not known or annotation.onset > known[-1] or annotation.offset < known[0]:
        there = f"its frames run from {known[0]} to {known[-1]}" if known else f"its frames begin at {first}"
        found = f"{annotation.onset}, {annotation.offset}"
        reason = f"outside the video {annotation.subject}/{annotation.video}: {there}"
        log.marked(annotation.row, "onset, offset", found, reason)
        return _unplaced(annotation, "the interval lies outside the video")
    flags = list(annotation.flags)
    onset = _position(annotation.onset, known, "onset", annotation, flags, log)
    offset = max(onset, _position(annotation.offset, known, "offset", annotation, flags, log))
    apex = None if annotation.apex is None else _position(annotation.apex, known, "apex", annotation, flags, log)
    return Expression(
        onset,
        offset,
        annotation.kind,
        None if apex is None else min(max(apex, onset), offset),
        annotation.emotion,
        annotation.units,
        annotation.objective,
        tuple(dict.fromkeys(flags)),
    )


def group(dataset: str, placed: Iterable[tuple[Annotation, Expression]], fps: float) -> dict[tuple[str, str], Video]:
    """Videos of the expressions by subject and id, sorted; the number of frames is left open."""
    ordered = sorted(placed, key=lambda pair: (pair[0].subject, pair[0].video))
    videos = {}
    for key, pairs in groupby(ordered, key=lambda pair: (pair[0].subject, pair[0].video)):
        of_video = list(pairs)
        rates = {annotation.fps for annotation, _ in of_video if annotation.fps}
        expressions = sorted((e for _, e in of_video), key=lambda e: (e.onset, e.offset, e.kind))
        videos[key] = Video(dataset, *key, rates.pop() if len(rates) == 1 else fps, None, tuple(expressions))
    return videos


def _known(annotation: Annotation, first: int, numbers: Sequence[int | None] | None) -> Sequence[int]:
    """File number of each frame. Files that are not numbered in their order count from the documented first number."""
    if numbers is None:
        return range(first, (annotation.offset or 0) + 1)
    listed = [n for n in numbers if n is not None]
    rising = len(listed) == len(numbers) and all(a < b for a, b in pairwise(listed))
    return listed if rising else range(first, first + len(numbers))


def _position(number: int, known: Sequence[int], what: str, annotation: Annotation, flags: list[str], log: Log) -> int:
    at = bisect_left(known, number)
    if at < len(known) and known[at] == number:
        return at
    if at == len(known) or number < known[0]:
        at, reason, flag = min(at, len(known) - 1), "beyond the video's files", "cut"
    elif what == "onset":
        reason, flag = "no file has this number, the next one is taken", "missing_frame"
    else:
        at, reason, flag = at - 1, "no file has this number, the one before is taken", "missing_frame"
    log.mended(annotation.row, what, str(number), str(known[at]), f"{annotation.subject}/{annotation.video}: {reason}")
    flags.append(flag)
    return at


def _unplaced(annotation: Annotation, reason: str) -> Unplaced:
    return Unplaced(annotation.subject, annotation.video, annotation.kind, annotation.emotion, annotation.row, reason)
