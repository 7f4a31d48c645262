"""The parameters that all datasets with sheets share."""

import shlex
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import ClassVar

from mebench.annotations.annotation import Annotation, Log
from mebench.annotations.layout import Layout, Tree, candidates, check_files
from mebench.annotations.reading import Cleaning, begin, read_row
from mebench.annotations.sheets import Sheet, read_sheets
from mebench.annotations.table import Columns, Header, Row, Table, find_table, need_table
from mebench.console import plural
from mebench.core import Dataset, Expression, Frames, Repair, Unplaced, Video
from mebench.errors import DataError
from mebench.frames import FolderFrames


@dataclass(frozen=True)
class SheetParams:
    """Where the dataset lies.

    Attributes:
        root: folder of the dataset as released; the sheet and the frames are looked for in it.
        annotations: file of the annotations, where it lies elsewhere or has another name; frames may then be absent.
        follow_links: follow links that lead out of the root, for example to another disk.
    """

    root: str | None = None
    annotations: str | None = None
    follow_links: bool = False


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
        if numbers is not None and known != [*numbers]:
            there += f", counted from {first}, since its files are not numbered in the order of their names"
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


class SheetDataset(Dataset):
    """Reads sheets, repairs their cells, finds the frames. An adapter declares what is special and overrides little.

    Attributes:
        id: the plugin's id; the first part of every key.
        files: known names of the sheet, best first, with `*` and `?`.
        forms: how its columns are recognised, best first.
        cleaning: how its cells are read.
        layout: where the frames lie.
        fps: frames per second, where the sheet has no column for it.
        short_videos: each video is one expression with some frames around it; folders that no row names are then left out,
            else they are videos without expressions.
        marks: flags for rows, by subject and video, that emotion schemes leave out.
    """

    Params = SheetParams
    id: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    forms: ClassVar[tuple[Header | Columns, ...]] = (Header(),)
    cleaning: ClassVar[Cleaning] = Cleaning()
    layout: ClassVar[Layout]
    fps: ClassVar[float]
    short_videos: ClassVar[bool] = False
    marks: ClassVar[Mapping[tuple[str, str], tuple[str, ...]]] = {}
    params: SheetParams

    # What an adapter may override ---------------------------------------------------------------------------------

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """All annotations of the file's sheets, in their order."""
        table = need_table(sheets, *self.forms, file=self.annotation_file)
        begin(table, log)
        found = (self.annotation(row, table, log) for row in table.rows)
        return [self.mark(annotation) for annotation in found if annotation is not None]

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The annotation of a row, or None for a remark."""
        return read_row(row, table, self.cleaning, log)

    def mark(self, annotation: Annotation) -> Annotation:
        """The annotation with the flags by which emotion schemes leave it out."""
        return annotation.with_flags(*self.marks.get((annotation.subject, annotation.video), ()))

    # The contract -------------------------------------------------------------------------------------------------

    @property
    def one_per_video(self) -> bool:  # type: ignore[override]
        """True for short videos, unless a row names a clip again: then a clip holds several expressions."""
        return self.short_videos and all(len(video.expressions) == 1 for video in self.videos())

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key; positions by the image files where they are there."""
        return self._located[0]

    def as_annotated(self) -> Sequence[Video]:
        """The videos of the sheet alone; positions by the documented numbering."""
        placed = ((a, place(a, a.first or self.layout.first, None, Log())) for a in self.annotations)
        return sorted(group(self.id, placed, self.fps, self.layout.first).values(), key=lambda v: v.key)

    def frames(self, video: Video) -> Frames:
        """The images of a video.

        Raises:
            DataError: they are missing; the sentence says where they should be.
        """
        folder = self.folder(video)
        if folder is None:
            raise DataError(
                f"{video.key} has no frames: expected {self._expected(video)}. "
                f"How to ask for the dataset: mebench info {self.id}"
            )
        check_files(folder, self._tree_or_stop.root, self.params.follow_links)
        return FolderFrames(folder, self.layout.pattern)

    def folder(self, video: Video) -> Path | None:
        """Where the images of a video are, or None where they are missing.

        Raises:
            DataError: several folders fit, or a link leads out of the root.
        """
        return self._folder(video.subject, video.id)

    def repair_rows(self) -> Sequence[Repair]:
        """What was repaired or marked, in the order of the sheet, then what the frames brought to light."""
        return (*self._read[1], *self._located[2])

    def unplaced(self) -> Sequence[Unplaced]:
        """Rows without a usable interval, and those that lie outside their video."""
        return self._located[1]

    def check(self) -> None:
        """Look for the root, the sheet and the folder of the frames.

        Raises:
            DataError: one is missing; the sentence says what is expected where.
        """
        self._tree_or_stop  # noqa: B018  (annotations alone are not enough)
        if not self._homes:
            one = Video(self.id, self.annotations[0].subject, self.annotations[0].video, self.fps, None)
            raise DataError(
                f"{self.id} has no frames below dataset.root={self.params.root}, only annotations: expected {self.layout.example}, "
                f"such as {self._expected(one)}"
            )

    def frame_folders(self) -> Sequence[Path]:
        """The folder that the frames are read from, then others that hold frames of these videos, too."""
        if not self._homes:
            return ()
        return (self._tree_or_stop.whole(self._homes[0]), *self._homes[1:])

    def unannotated(self) -> Sequence[tuple[str, str, Path]]:
        """Subject, id and folder of the videos on the disk that no row names."""
        if self._home is None:
            return ()
        named = {self._folder(a.subject, a.video) for a in self.annotations if a.subject and a.video}
        return [entry for entry in self._tree_or_stop.all_folders(self._home) if entry[2] not in named]

    # How it is done -----------------------------------------------------------------------------------------------

    @property
    def annotations(self) -> Sequence[Annotation]:
        """The rows of the sheet, cleaned, in file numbers."""
        return self._read[0]

    @cached_property
    def annotation_file(self) -> Path:
        """The file of the annotations.

        Raises:
            DataError: there is none; the sentence says what is expected where.
        """
        if self.params.annotations is not None:
            path = Path(self.params.annotations).expanduser()
            if not path.is_file():
                raise DataError(
                    f"dataset.annotations={self.params.annotations} is not a file: expected one such as {self.files[0]}"
                )
            return path
        if not self._candidates:
            raise DataError(
                f"no annotations under dataset.root={self.params.root}: expected {self.files[0]} beside {self.layout.example}, "
                f"or give dataset.annotations=FILE. How to ask for the dataset: mebench info {self.id}"
            )
        return self._candidates[0]

    @cached_property
    def _candidates(self) -> list[Path]:
        """Files below the root that may hold the annotations, best first."""
        return candidates(
            self._tree_or_stop, self.files, lambda path: find_table(read_sheets(path), *self.forms) is not None
        )

    @cached_property
    def _read(self) -> tuple[tuple[Annotation, ...], tuple[Repair, ...], str]:
        """Annotations, what was repaired in them, and the name of their sheet."""
        log = Log(self.annotation_file.name)
        found = self.read(read_sheets(self.annotation_file), log)
        if not found:
            raise DataError(
                f"{self.annotation_file} has a header but no annotation: is it complete? Compare it with the file as released"
            )
        self._look_twice(found, log)
        return tuple(found), tuple(log.repairs), log.where

    def _look_twice(self, found: Sequence[Annotation], log: Log) -> None:
        """Mark what no single row shows: rows that say the same, and other files that might have been meant."""
        rows: dict[tuple[object, ...], int] = {}
        for a in found:
            row = rows.setdefault((a.subject, a.video, a.kind, a.onset, a.offset), a.row)
            if row != a.row and a.onset is not None:
                log.marked(a.row, "all columns", f"{a.subject}/{a.video}", f"the same interval as in row {row}")
        others = [] if self.params.annotations is not None else self._candidates[1:]
        if others:
            names = ", ".join(path.name for path in others)
            log.marked(None, "file", names, "could hold the annotations too: dataset.annotations=FILE chooses it")

    @cached_property
    def _located(self) -> tuple[tuple[Video, ...], tuple[Unplaced, ...], tuple[Repair, ...]]:
        """Videos, rows without a place, and what was repaired when the frames were looked at."""
        log = Log(self._read[2])
        keys = dict.fromkeys((a.subject, a.video) for a in self.annotations)
        numbers = {key: self._numbers(*key) for key in keys}
        placed = [
            (a, place(a, a.first or self.layout.first, numbers[a.subject, a.video], log)) for a in self.annotations
        ]
        first = "the sheet's first frame" if any(a.first for a in self.annotations) else f"{self.layout.first}"
        there = any(found is not None for found in numbers.values())
        reason = "counted along the image files" if there else f"no frames: counted from {first}"
        log.repaired(None, "onset, apex, offset", "file numbers", "positions from 0", reason)
        if self.packed:
            log.marked(None, "frames", "", f"there are none{self.packed}")
        videos = {
            key: video if (found := numbers[key]) is None else with_files(video, found)
            for key, video in group(self.id, placed, self.fps, self.layout.first).items()
        }
        for subject, id_, _ in () if self.short_videos else self.unannotated():
            if (subject, id_) not in videos and (present := self._numbers(subject, id_)):
                alone = Video(self.id, subject, id_, self.fps, None, first=self.layout.first)
                videos[subject, id_] = with_files(alone, present)
        lost = tuple(where for _, where in placed if isinstance(where, Unplaced))
        return tuple(sorted(videos.values(), key=lambda v: v.key)), lost, tuple(log.repairs)

    def _numbers(self, subject: str, video: str) -> Sequence[int | None] | None:
        """File number of each frame, or None where the frames are missing."""
        folder = self._folder(subject, video)
        if folder is None:
            return None
        try:
            return FolderFrames(folder, self.layout.pattern).numbers
        except DataError:  # an empty folder is as good as none; asking for its frames says so
            return None

    def _folder(self, subject: str, video: str) -> Path | None:
        if self._home is None or not subject or not video:
            return None
        return self._tree_or_stop.folder(self._home, subject, video)

    @cached_property
    def _homes(self) -> list[Path]:
        """Folders that may hold the folders of all videos, the one that is read first; empty where the frames are absent."""
        if self.params.root is None and self.params.annotations is not None:
            return []
        return self._tree_or_stop.homes({(a.subject, a.video) for a in self.annotations if a.subject and a.video})

    @property
    def _home(self) -> Path | None:
        return self._homes[0] if self._homes else None

    @cached_property
    def _tree_or_stop(self) -> Tree:
        if self.params.root is None:
            raise DataError(
                f"{self.id} needs its folder: give dataset.root=PATH, the folder that holds {self.layout.example} and {self.files[0]}, "
                f"or dataset.annotations=FILE for a summary. How to ask for it: mebench info {self.id}"
            )
        root = Path(self.params.root).expanduser()
        if not root.is_dir():
            raise DataError(
                f"dataset.root={self.params.root} is not a folder: expected the one that holds {self.layout.example}. "
                f"How to ask for the dataset: mebench info {self.id}"
            )
        return Tree(root, self.layout, self.params.follow_links)

    @cached_property
    def packed(self) -> str:
        """Where no frames but archives or video files lie below the root: what makes frames of them; else empty."""
        if self.params.root is None or self._homes or not (found := self._tree_or_stop.packed()):
            return ""
        first = "" if self.layout.first == 1 else f" --first {self.layout.first}"
        command = (
            f"mebench data unpack {shlex.quote(self.params.root)} -o {shlex.quote(self.params.root)}/frames{first}"
        )
        return f". {plural(len(found), 'file')} such as {found[0].name} {'lies' if len(found) == 1 else 'lie'} there packed: {command}"

    def _expected(self, video: Video) -> str:
        """Where the frames of a video should be, in words."""
        if self.params.root is None:
            return f"them as {self.layout.example} below dataset.root, which is not given"
        tree = self._tree_or_stop
        place = (self._home or tree.root) / self.layout.folder.format(subject=video.subject, video=video.id)
        links = "; a link out of the root was not followed, dataset.follow_links=true allows it" if tree.aside else ""
        return f"the folder {place}{links}{self.packed}"
