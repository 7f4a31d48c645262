"""From file numbers to positions: expressions, videos and distractors along the files that are there."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from mebench.annotations.annotation import Annotation, Log
from mebench.core import Distractor, Expression, Unplaced, Video


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
    known = range(first, annotation.offset + 1) if numbers is None else listed(first, numbers)
    if not known or annotation.onset > known[-1] or annotation.offset < known[0]:
        there = f"its frames run from {known[0]} to {known[-1]}" if known else f"its frames begin at {first}"
        reason = f"outside the video {annotation.subject}/{annotation.video}: {there}"
        log.marked(annotation.row, "onset, offset", f"{annotation.onset}, {annotation.offset}", reason)
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


def renumbered(rows: Iterable[Annotation], numbers: Mapping[tuple[str, str], Sequence[int | None] | None]) -> str:
    """Says that files were numbered anew from 1, where most annotated videos that are there look so; else empty.

    Args:
        rows: the annotations.
        numbers: by subject and video the file number of each frame; None for a video that is not there.
    """
    there = {key: found for key, found in numbers.items() if found}
    lost = {
        (a.subject, a.video)
        for a in rows
        if (found := there.get((a.subject, a.video))) and a.onset and found[0] in (0, 1) and a.onset > len(found)
    }
    if 2 * len(lost) <= len(there):
        return ""
    return (
        f"the files of {len(lost)} of {len(there)} videos are numbered from 1 (or 0), and their expressions lie beyond the last: "
        "they were renumbered. Give the frames under the names with which they were released"
    )


def group(
    dataset: str, placed: Iterable[tuple[Annotation, Expression | Unplaced]], fps: float, first: int
) -> dict[tuple[str, str], Video]:
    """Videos of the expressions by subject and id, sorted; the number of frames is left open.

    Args:
        dataset: what they belong to.
        placed: the rows, and where they lie.
        fps: frames per second, where the rows do not say.
        first: file number of the first frame, where they do not say.
    """
    found = [(annotation, e) for annotation, e in placed if isinstance(e, Expression)]
    ordered = sorted(found, key=lambda pair: (pair[0].subject, pair[0].video))
    videos = {}
    for key, pairs in groupby(ordered, key=lambda pair: (pair[0].subject, pair[0].video)):
        of_video = list(pairs)
        rates = {annotation.fps for annotation, _ in of_video if annotation.fps}
        expressions = sorted((e for _, e in of_video), key=lambda e: (e.onset, e.offset, e.kind))
        rate, begin = rates.pop() if len(rates) == 1 else fps, of_video[0][0].first or first
        videos[key] = Video(dataset, *key, rate, None, tuple(expressions), begin)
    return videos


def listed(first: int, numbers: Sequence[int | None]) -> Sequence[int]:
    """File number of each frame. Files that are not numbered in their order count from the documented first number."""
    known = [n for n in numbers if n is not None]
    rising = len(known) == len(numbers) and all(a < b for a, b in pairwise(known))
    return known if rising else range(first, first + len(numbers))


def with_files(video: Video, numbers: Sequence[int | None]) -> Video:
    """The video with the number of its files and what they are called.

    Args:
        video: `first` is what a file without a number of its own counts from.
        numbers: file number of each frame, None for a file without digits; at least one.
    """
    known = listed(video.first, numbers)
    gaps = known[-1] - known[0] + 1 > len(known)
    return replace(video, n_frames=len(known), first=known[0], numbers=tuple(known) if gaps else ())


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
    log.repaired(
        annotation.row, what, str(number), str(known[at]), f"{annotation.subject}/{annotation.video}: {reason}"
    )
    flags.append(flag)
    return at


def _unplaced(annotation: Annotation, reason: str) -> Unplaced:
    return Unplaced(annotation.subject, annotation.video, annotation.kind, annotation.emotion, annotation.row, reason)


def with_distractors(
    videos: Mapping[tuple[str, str], Video],
    rows: Sequence[tuple[str, Annotation]],
    numbers: Mapping[tuple[str, str], Sequence[int | None] | None],
    first: int,
    log: Log,
) -> list[Video]:
    """The videos with the distractors that lie in them.

    Args:
        videos: by subject and id.
        rows: kind and place of each distractor, in file numbers.
        numbers: by subject and id the file number of each frame, see `place`.
        first: file number of the first frame, where a row does not say.
        log: how many lie in no video is written down there.
    """
    found: dict[tuple[str, str], list[Distractor]] = {key: [] for key in videos}
    for kind, a in rows:
        where = place(a, a.first or first, numbers.get((a.subject, a.video)), Log())
        if isinstance(where, Expression) and (a.subject, a.video) in found:
            found[a.subject, a.video].append(Distractor(kind, where.onset, where.offset))
    if lost := len(rows) - sum(map(len, found.values())):
        reason = "distractors, such as blinks, lie in no video that is there, or outside it: left out"
        log.marked(None, "onset, offset", f"{lost} of {len(rows)}", reason)
    return [
        replace(video, distractors=tuple(sorted(found[key], key=lambda d: (d.onset, d.offset, d.kind))))
        for key, video in videos.items()
    ]
