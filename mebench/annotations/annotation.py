"""One row of a sheet: cleaned, with a log of repairs, and placed among the frames; and the hash of all rows."""

import hashlib
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Self

from mebench.annotations.names import BLANK
from mebench.annotations.sheets import DATE, number_of_date
from mebench.core import Distractor, Expression, Kind, Repair, Video
from mebench.core.types import Unplaced
from mebench.grouping import group_by


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotated expression in the file numbers of its sheet.

    Attributes:
        row: row of the sheet, from 1.
        subject: the person's id.
        video: id of the video within the subject.
        onset: file number of the first frame, or None where the row has no usable interval; then `offset` is None too.
        apex: file number of the strongest movement, inside the interval, or None.
        offset: file number of the last frame, not before `onset`.
        kind: `micro` or `macro`.
        emotion: native label, lower case, or None.
        units: action units as annotated, `("4", "L10")`.
        objective: objective class `I` to `VII`, or None.
        first: file number of the video's first frame, where the sheet says so.
        fps: frames per second, where the sheet says so.
        flags: see `Expression.flags`; from the interval `apex_outside`, `onset_is_apex`, `offset_from_apex`, `offset_unknown`,
            `onset_from_apex`, `swapped`.
        problem: why it has no interval; empty if it has one.
    """

    row: int
    subject: str
    video: str
    onset: int | None
    apex: int | None
    offset: int | None
    kind: Kind = "micro"
    emotion: str | None = None
    units: tuple[str, ...] = ()
    objective: str | None = None
    first: int | None = None
    fps: float | None = None
    flags: tuple[str, ...] = ()
    problem: str = ""

    def first_file_number(self, first: int) -> int:
        """File number at which the video begins: the sheet's, else the given one."""
        return first if self.first is None else self.first

    def with_flags(self, *flags: str) -> Self:
        """The annotation with more flags."""
        return replace(self, flags=(*self.flags, *flags))


@dataclass
class Log:
    """Collects repairs of one sheet.

    Attributes:
        where: file and sheet.
        repairs: so far.
        nameless: columns of names already reported as largely empty.
    """

    where: str = ""
    repairs: list[Repair] = field(default_factory=list)
    nameless: set[str] = field(default_factory=set)

    def repaired(
        self, row: int | None, column: str, found: str, taken: str, reason: str, altered: bool = False
    ) -> None:
        """Log a cell that is read as another value than it shows.

        Args:
            row: number of its line, None for the whole sheet.
            column: name of its column.
            found: content of the cell.
            taken: value that is read.
            reason: explanation for the user.
            altered: whether what the cell meant may be lost, so that results can differ.
        """
        self.repairs.append(Repair(row, column, found, taken, reason, self.where, altered))

    def marked(self, row: int | None, column: str, found: str, reason: str, altered: bool = False) -> None:
        """Log an odd cell for which no other value is read.

        Arguments are those of `repaired`; `altered` says that the cell is ignored, so that results can differ.
        """
        self.repairs.append(Repair(row, column, found, None, reason, self.where, altered))


LISTED = 3
"""Up to this many remarks of one kind are listed; beyond it, the first and a count."""


def repair_lines(repairs: Sequence[Repair]) -> list[str]:
    """Repairs and remarks as lines; many of one kind become one line."""
    lines: list[str] = []
    for alike in group_by(repairs, key=_kind_of_repair).values():
        if len(alike) <= LISTED:
            lines += map(str, alike)
        else:
            lines.append(f"{alike[0]} (and {len(alike) - 1} rows like it)")
    return lines


def _kind_of_repair(repair: Repair) -> tuple[str, str, bool, str]:
    """The facts that repairs of one kind share: sheet, column, whether a value changed, and the reason but its numbers."""
    reason = repair.reason.split(": ")[-1]
    return repair.sheet, repair.column, repair.taken is None, re.sub(r"\d+", "#", reason)


MOST_DIGITS = 9
"""Digits of a frame number; a longer number is something else."""
_SCIENTIFIC = re.compile(r"\d+(?:\.\d*)?[eE][+-]?\d+")


def frame_number(text: str, row: int, column: str, log: Log) -> int | None:
    """A frame number from a cell, or None where there is none.

    A sign for "missing", such as `/`, and anything but a plain number is logged as a repair; a blank cell is not.
    Spreadsheet programs turn numbers into dates: an early date is read as its number (`sheets.number_of_date`); for a
    recent one, or one that could be two numbers, the original is lost.

    >>> log = Log()
    >>> [frame_number(t, 2, "Apex", log) for t in ("46", " 046", "46.0", "/", "about 46", "", "1900-02-15T00:00:00")]
    [46, 46, 46, None, 46, None, 46]
    >>> [(r.found, r.taken) for r in log.repairs]
    [(' 046', '46'), ('/', 'none'), ('about 46', '46'), ('1900-02-15T00:00:00', '46')]
    """
    number, reason = _number_in(text)
    if reason:
        log.repaired(row, column, text, "none" if number is None else str(number), reason, altered=reason == _LOST)
    return number


_LOST = "a date, which a spreadsheet program made of a number: take the cell from the sheet as released"


def _number_in(text: str) -> tuple[int | None, str]:
    """The number, and the reason if it differs from the cell's."""
    plain = text.strip()
    if plain.casefold() in BLANK:
        return None, "no number is given" if plain else ""
    if re.fullmatch(rf"\d{{1,{MOST_DIGITS}}}(\.0*)?", plain):
        number = int(float(plain))
        is_padded = text.split(".")[0] != str(number)
        return number, "blanks and leading zeros mean nothing in a frame number" if is_padded else ""
    if DATE.fullmatch(plain):
        days = number_of_date(plain)
        return days, _LOST if days is None else "a number that a spreadsheet program shows as a date"
    if _SCIENTIFIC.fullmatch(plain):
        value = float(plain)
        if value.is_integer() and value < 10**MOST_DIGITS:
            return int(value), "a number in scientific notation"
    number_in_words = _only_number_of(plain)
    if number_in_words is not None:
        return number_in_words, "the one number in the cell"
    return None, "not a frame number"


def _only_number_of(plain: str) -> int | None:
    """The one whole number among the words of a cell; None for none, several, a negative or a broken one."""
    if _SCIENTIFIC.search(plain):
        return None
    numbers = re.findall(r"(?<![\d.])\d+(?![\d.])", plain)
    if len(numbers) != 1 or len(numbers[0]) > MOST_DIGITS:
        return None
    before, _, _ = plain.partition(numbers[0])
    return None if before.endswith("-") else int(numbers[0])


def read_interval(
    onset: int | None, apex: int | None, offset: int | None, row: int, names: Mapping[str, str], log: Log
) -> Annotation:
    """The interval that three numbers of a row mean, still without person and video.

    The rules, in this order. An apex of 0 is treated as not annotated. An offset of 0, or an offset before the onset with
    an apex after it, is replaced by the apex (as in the baseline of MEGC 2020), or by the onset without an apex. Onset
    and offset in the wrong order are exchanged. A missing onset is the apex. An apex outside its interval is treated as
    not annotated.

    Args:
        onset: number in the sheet, None if missing.
        apex: the same.
        offset: the same.
        row: row of the sheet.
        names: the sheet's names of the columns `onset`, `apex` and `offset`.
        log: log of every change.
    """
    flags: list[str] = []
    if apex == 0 and onset != 0:
        log.repaired(row, names["apex"], "0", "none", "an apex of 0 means that none is annotated")
        apex = None
    if onset is None and apex is None:
        problem = "neither onset nor apex is given" if offset is not None else "no frame number is given"
        log.marked(row, names["onset"], "", f"{problem}: the row is counted, but cannot be scored")
        return Annotation(row, "", "", None, None, None, problem=problem)
    if onset is None:
        log.repaired(row, names["onset"], "", str(apex), "no onset is given: the apex is taken")
        onset = apex
        flags.append("onset_from_apex")
    assert onset is not None  # an apex took the place of a missing one
    if offset is None or _is_unusable_offset(onset, apex, offset):
        end, flag, reason = _end_without_offset(onset, apex, offset)
        log.repaired(row, names["offset"], "" if offset is None else str(offset), str(end), reason)
        flags.append(flag)
        offset = end
    elif offset < onset:
        both = f"{names['onset']}, {names['offset']}"
        log.repaired(row, both, f"{onset}, {offset}", f"{offset}, {onset}", "onset and offset are exchanged")
        onset, offset = offset, onset
        flags.append("swapped")
    if apex is not None and not onset <= apex <= offset:
        where = "before the onset" if apex < onset else "after the offset"
        log.repaired(row, names["apex"], str(apex), "none", f"the apex lies {where}, outside [{onset}, {offset}]")
        apex = None
        flags.append("apex_outside")
    elif apex is not None and apex == onset and onset < offset:
        flags.append("onset_is_apex")
    return Annotation(row, "", "", onset, apex, offset, flags=tuple(flags))


def _is_unusable_offset(onset: int, apex: int | None, offset: int) -> bool:
    """Whether an offset of 0 means none, or precedes an onset with a later apex."""
    means_none = offset == 0 and max(onset, apex or 0) > 0
    is_beyond_apex = offset < onset and apex is not None and apex >= onset
    return means_none or is_beyond_apex


def _end_without_offset(onset: int, apex: int | None, offset: int | None) -> tuple[int, str, str]:
    """The frame in place of an unusable offset, its flag, and the reason."""
    why = "no offset is given" if not offset else "the offset precedes the onset"
    if apex is not None and apex >= onset:
        return apex, "offset_from_apex", f"{why}: the apex is taken as the end"
    return onset, "offset_unknown", f"{why}: the end is unknown, the onset is taken"


def place_annotation(
    annotation: Annotation, first: int, numbers: Sequence[int | None] | None, log: Log
) -> Expression | Unplaced:
    """The expression of an annotation in 0-based positions.

    A number without a file becomes the nearest one inside the interval; a number beyond the files becomes the first or
    the last frame. Both are logged and flagged `missing_frame` and `cut`. An interval without any frame, or with more
    than half of it outside the video, has no place.

    Args:
        annotation: in file numbers.
        first: file number of the first frame where the files are absent.
        numbers: file number of each frame, rising, or None where the files are absent; None for a file without digits.
        log: list that gets the changes.
    """
    if annotation.onset is None or annotation.offset is None:
        return _unplaced(annotation, annotation.problem)
    known = range(first, annotation.offset + 1) if numbers is None else frame_numbers(first, numbers)
    begin = bisect_left(known, annotation.onset)
    if begin == bisect_right(known, annotation.offset):
        log_as = (annotation.row, "onset, offset", f"{annotation.onset}, {annotation.offset}")
        video = f"the video {annotation.subject}/{annotation.video}"
        if 0 < begin < len(known):
            reason = f"missing from {video}: no file has a number from {annotation.onset} to {annotation.offset}"
            log.marked(*log_as, reason)
            return _unplaced(annotation, "none of the interval's frames exists")
        log.marked(*log_as, f"outside {video}: {_extent(known, first, numbers)}")
        return _unplaced(annotation, "the interval lies outside the video")
    inside = min(annotation.offset, known[-1]) - max(annotation.onset, known[0]) + 1
    long = annotation.offset - annotation.onset + 1
    if 2 * inside < long:
        lie = f"begin at {known[0]}" if numbers is None else f"run from {known[0]} to {known[-1]}"
        reason = f"only {inside} of its {long} frames lie in the video {annotation.subject}/{annotation.video}, whose frames {lie}"
        log.marked(annotation.row, "onset, offset", f"{annotation.onset}, {annotation.offset}", reason)
        return _unplaced(annotation, "most of the interval lies outside the video")
    flags = list(annotation.flags)
    onset = _position(annotation.onset, known, "onset", annotation, flags, log)
    offset = _position(annotation.offset, known, "offset", annotation, flags, log)
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


def _extent(known: Sequence[int], first: int, numbers: Sequence[int | None] | None) -> str:
    """The first and the last frame of a video, in words."""
    extent = f"its frames run from {known[0]} to {known[-1]}" if known else f"its frames begin at {first}"
    if numbers is not None and known != [*numbers]:
        extent += f", counted from {first}, since its files are not numbered in the order of their names"
    return extent


def renumbering_note(rows: Sequence[Annotation], numbers: Mapping[tuple[str, str], Sequence[int | None] | None]) -> str:
    """A note if most videos look renumbered, so that expressions lie beyond them; else empty.

    Args:
        rows: the annotations.
        numbers: by subject and video the file number of each frame; None for a missing video.
    """
    existing = {key: found for key, found in numbers.items() if found}
    from_one = {key: len(found) for key, found in existing.items() if found[0] in (0, 1)}  # with their last number
    beyond_last = set()
    for annotation in rows:
        key = (annotation.subject, annotation.video)
        if key in from_one and annotation.onset and annotation.onset > from_one[key]:
            beyond_last.add(key)
    if 2 * len(beyond_last) <= len(existing):
        return ""
    return (
        f"the files of {len(beyond_last)} of {len(existing)} videos are numbered from 1 (or 0), and their expressions lie "
        "beyond the last: the files were renumbered. Give the frames under their released names"
    )


def videos_from_zero(
    rows: Sequence[Annotation], numbers: Mapping[tuple[str, str], Sequence[int | None] | None], first: int
) -> frozenset[tuple[str, str]]:
    """The videos whose images are numbered from 0 although the release begins at 1.

    They are known by their numbers, 0 to n - 1 for n images, and by their expressions, which end at n or before. Empty unless most
    videos are numbered so: a single picture 0 may be anything.

    Args:
        rows: the annotations.
        numbers: by subject and video the file number of each frame; None for a missing video.
        first: the number of the first file in the release.
    """
    existing = {key: found for key, found in numbers.items() if found}
    released_first = {(row.subject, row.video): row.first_file_number(first) for row in rows}
    from_zero = {
        key
        for key, found in existing.items()
        if found[0] == 0 and found[-1] == len(found) - 1 and released_first.get(key, first) == 1
    }
    for row in rows:
        key = (row.subject, row.video)
        if key in from_zero and row.offset is not None and row.offset > len(existing[key]):
            from_zero.discard(key)
    return frozenset(from_zero) if 2 * len(from_zero) > len(existing) else frozenset()


def group_by_video(
    dataset: str, placed: Iterable[tuple[Annotation, Expression | Unplaced]], fps: float, first: int, log: Log
) -> dict[tuple[str, str], Video]:
    """Videos of the expressions by subject and id, sorted; the number of frames is left open.

    Args:
        dataset: id of the dataset.
        placed: the rows with their places.
        fps: frames per second where rows have none.
        first: file number of the first frame where rows have none.
        log: log of videos whose rows have different rates.
    """
    with_place = [(annotation, e) for annotation, e in placed if isinstance(e, Expression)]
    by_video = group_by(with_place, key=lambda pair: (pair[0].subject, pair[0].video))
    videos = {}
    for key, of_video in sorted(by_video.items()):
        rates = {annotation.fps for annotation, _ in of_video if annotation.fps}
        expressions = sorted((e for _, e in of_video), key=lambda e: (e.onset, e.offset, e.kind))
        if len(rates) > 1:
            given = ", ".join(f"{rate:g}" for rate in sorted(rates))
            reason = f"{'/'.join(key)} has one frame rate: the rate of the dataset, {fps:g}, is used"
            log.marked(of_video[-1][0].row, "fps", given, reason, altered=True)
        rate = rates.pop() if len(rates) == 1 else fps
        videos[key] = Video(dataset, *key, rate, None, tuple(expressions), of_video[0][0].first_file_number(first))
    return videos


def frame_numbers(first: int, numbers: Sequence[int | None]) -> Sequence[int]:
    """File number of each frame. Files without rising numbers are counted from the documented first number."""
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers) and not first_unrising(known):
        return known
    return range(first, first + len(numbers))


def first_unrising(numbers: Iterable[int]) -> tuple[int, int] | None:
    """The first two neighbours that do not rise, such as `img1.png` and `img1.bmp`; None where all rise."""
    return next(((a, b) for a, b in pairwise(numbers) if a >= b), None)


def with_files(video: Video, numbers: Sequence[int | None]) -> Video:
    """The video with the number and the names of its files.

    Args:
        video: `first` is what a file without a number of its own counts from.
        numbers: file number of each frame, None for a file without digits; at least one.
    """
    known = frame_numbers(video.first, numbers)
    gaps = known[-1] - known[0] + 1 > len(known)
    return replace(video, n_frames=len(known), first=known[0], numbers=tuple(known) if gaps else ())


def _position(number: int, known: Sequence[int], what: str, annotation: Annotation, flags: list[str], log: Log) -> int:
    """The position of the image with a number, or of its neighbour, which is logged."""
    position = bisect_left(known, number)  # of the number, else of the next higher one
    if position < len(known) and known[position] == number:
        return position
    if position == len(known) or number < known[0]:
        position = min(position, len(known) - 1)
        reason = "beyond the video's files"
        flag = "cut"
    elif what == "onset":
        reason = "no file has this number, the next one is taken"
        flag = "missing_frame"
    else:
        position -= 1
        reason = "no file has this number, the one before is taken"
        flag = "missing_frame"
    video = f"{annotation.subject}/{annotation.video}"
    log.repaired(annotation.row, what, str(number), str(known[position]), f"{video}: {reason}")
    flags.append(flag)
    return position


def _unplaced(annotation: Annotation, reason: str) -> Unplaced:
    """An annotation that has no place in its video, and why."""
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
        videos: videos by subject and id.
        rows: kind and place of each distractor, in file numbers.
        numbers: file number of each frame by subject and id, see `place_annotation`.
        first: file number of the first frame, where a row does not say.
        log: log of the number of distractors in no video.
    """
    by_video: dict[tuple[str, str], list[Distractor]] = {key: [] for key in videos}
    for kind, annotation in rows:
        key = (annotation.subject, annotation.video)
        place = place_annotation(annotation, annotation.first_file_number(first), numbers.get(key), Log())
        if isinstance(place, Expression) and key in by_video:
            by_video[key].append(Distractor(kind, place.onset, place.offset))
    n_lost = len(rows) - sum(len(distractors) for distractors in by_video.values())
    if n_lost:
        reason = "distractors, such as blinks, lie in no existing video, or outside it: left out"
        log.marked(None, "onset, offset", f"{n_lost} of {len(rows)}", reason)
    complete = []
    for key, video in videos.items():
        in_order = sorted(by_video[key], key=lambda distractor: (distractor.onset, distractor.offset, distractor.kind))
        complete.append(replace(video, distractors=tuple(in_order)))
    return complete


def ground_truth_hash(videos: Iterable[Video]) -> str:
    """SHA-256 over all expressions: person, video, interval, apex, kind, emotion, action units, objective class.

    Hash `Dataset.as_annotated()`, which does not depend on the frames that lie on a machine. Order, frame counts, frame
    rates, flags and the name of the dataset do not enter.

    Returns:
        64 hexadecimal digits; the first 12 are enough to compare by eye.
    """
    lines = []
    for v in videos:
        for e in v.expressions:
            facts = [v.subject, v.id, e.onset, e.offset, e.apex, e.kind, e.emotion, list(e.action_units), e.objective]
            lines.append(json.dumps(facts, ensure_ascii=True))
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
