"""A dataset of a sheet and folders of images."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from mebench._installation import shipped_folder
from mebench.annotations.annotation import (
    Annotation,
    Log,
    first_unrising,
    group_by_video,
    place_annotation,
    renumbering_note,
    videos_from_zero,
    with_distractors,
    with_files,
)
from mebench.annotations.layout import (
    Layout,
    SheetParams,
    Tree,
    archives_in,
    candidates,
    check_files,
    fold,
    root_folder,
)
from mebench.annotations.names import plain_name
from mebench.annotations.openface import ACTION_UNITS, OpenFaceFiles
from mebench.annotations.reading import Cleaning, begin, count_rows, is_remark, one_spelling, read_row
from mebench.annotations.sheets import Sheet, read_sheets
from mebench.annotations.table import Columns, Header, Row, Table, need_table
from mebench.annotations.text import HEADER_WITHIN
from mebench.core import Dataset, Expression, Frames, Repair, Video
from mebench.core.types import Unplaced
from mebench.errors import DataError
from mebench.frames import FolderFrames
from mebench.frames.videofile import without_film_ending
from mebench.system import join_words

LINK = "a link out of the root was not followed, dataset.follow_links=true allows it"

FrameNumbers = dict[tuple[str, str], Sequence[int | None] | None]
"""File number of each frame, by subject and video; None where the frames are missing."""
Placed = Sequence[tuple[Annotation, Expression | Unplaced]]
"""Rows of a sheet with their places."""


class ReadSheet(NamedTuple):
    """The rows of a sheet, their repairs, and the name of the sheet."""

    annotations: tuple[Annotation, ...]
    repairs: tuple[Repair, ...]
    where: str


class LocatedVideos(NamedTuple):
    """The videos, the rows without a place, and the repairs that the frames made necessary."""

    videos: tuple[Video, ...]
    unplaced: tuple[Unplaced, ...]
    repairs: tuple[Repair, ...]


class SheetDataset(Dataset):
    """Reads sheets, repairs cells and finds frames; an adapter declares what is special about its dataset.

    Attributes:
        id: the plugin's id; the first part of every key.
        files: known names of the sheet, best first, with `*` and `?`.
        forms: how its columns are recognised, best first.
        signature: names of columns that its sheet has as released, with a regular expression of their cells: they
            identify the sheet under any file name.
        cleaning: rules for its cells.
        layout: layout of the frames.
        fps: frames per second, if the sheet has no column for it.
        short_videos: whether each video is one expression with some frames around it; folders that no row names are
            then left out, otherwise they are videos without expressions.
        marks: flags for rows, by subject and video, that emotion schemes leave out.
        damaged: file numbers of damaged images of the release, by subject and video in lower case; they are no frames.
    """

    Params = SheetParams
    id: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    forms: ClassVar[tuple[Header | Columns, ...]] = (Header(),)
    signature: ClassVar[Mapping[str, str]] = {}
    cleaning: ClassVar[Cleaning] = Cleaning()
    layout: ClassVar[Layout]
    fps: ClassVar[float]
    short_videos: ClassVar[bool] = False
    marks: ClassVar[Mapping[tuple[str, str], tuple[str, ...]]] = {}
    damaged: ClassVar[Mapping[tuple[str, str], range]] = {}
    params: SheetParams
    _read_too: Sequence[Path] = ()
    """Files that are read in addition to the annotations."""

    def __init__(self, params: SheetParams) -> None:
        super().__init__(params)
        root = Path(params.root or "").expanduser().absolute()
        if params.root is not None and self.layout.is_cropped(Path(*root.parts[-2:])):  # Cropped, or Cropped/Cropped
            self.revision += "-cropped"  # other frames, other features, another run
            cropped = f"faces cropped by the authors, read from {root.name}: not the raw frames"
            self.remark = "; ".join(filter(None, [self.remark, cropped]))
        if params.openface is not None:
            self._openface = OpenFaceFiles(params.openface)
            self._units = dict[str, NDArray[Any]]()
            self.revision += f"-openface-{self._openface.fingerprint()}"

    # What an adapter may override ---------------------------------------------------------------------------------

    @classmethod
    def sheet_names(cls) -> Mapping[str, Mapping[str, str]]:
        """Patterns of the sheets' names, and the parameters by which each is read."""
        return {name: {} for name in cls.files}

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """All annotations of the file's sheets, in their order."""
        table = need_table(sheets, *self.forms, file=self.annotation_file)
        begin(table, log)
        return [annotation for row in table.rows for annotation in self.read_row(row, table, log)]

    def read_row(self, row: Row, table: Table, log: Log) -> Sequence[Annotation]:
        """The annotations of a row: one, or none for a remark."""
        annotation = read_row(row, table, self.cleaning, log) if is_remark(row) else self.annotation(row, table, log)
        return [] if annotation is None else [self.mark(annotation)]

    def read_distractors(self) -> Sequence[tuple[str, Annotation]]:
        """The annotated movements that are no expressions, each with its kind: see `Distractor`."""
        return ()

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The annotation of a row, or None for a row without one."""
        return read_row(row, table, self.cleaning, log)

    def mark(self, annotation: Annotation) -> Annotation:
        """The annotation with the flags by which emotion schemes leave it out."""
        return annotation.with_flags(*self.marks.get((annotation.subject, annotation.video), ()))

    # The contract -------------------------------------------------------------------------------------------------

    @property
    def one_per_video(self) -> bool:  # type: ignore[override]
        """True for short videos, unless several rows name one clip, which then holds several expressions."""
        return self.short_videos and all(len(video.expressions) == 1 for video in self.videos())

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key; positions by the image files where these exist."""
        return self._located.videos

    def as_annotated(self) -> Sequence[Video]:
        """The videos of the sheet alone, with positions by the documented numbering."""
        first = self.layout.first
        placed = ((a, place_annotation(a, a.first_file_number(first), None, Log())) for a in self.annotations)
        grouped = group_by_video(self.id, placed, self.fps, first, Log())
        complete = with_distractors(grouped, self.read_distractors(), {}, first, Log())
        return sorted(complete, key=lambda video: video.key)

    def frames(self, video: Video) -> Frames:
        """The images of a video.

        Raises:
            DataError: they are missing; the sentence says where they should be.
        """
        folder = self.folder(video)
        if folder is None:
            raise DataError(f"{video.key} has no frames: expected {self._expected(video)}{self._how_to_ask}")
        check_files(folder, self._tree_or_stop.root, self.params.follow_links)
        return self._images(folder, video.subject, video.id)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The action units that OpenFace found, if `openface` says where.

        Raises:
            DataError: those of this video are missing, or not those of its frames.
        """
        if name != ACTION_UNITS or self.params.openface is None:
            return None
        if video.key not in self._units:  # asked for again and again: frames are listed once
            folder = self.folder(video) if self.params.root is not None else None
            images: Sequence[str] = ()
            if folder is not None and folder.is_dir():
                images = self._images(folder, video.subject, video.id).names
            self._units[video.key] = self._openface.read_units(video, folder, images)
        return self._units[video.key]

    def folder(self, video: Video) -> Path | None:
        """The folder with the images of a video, or None if they are missing.

        Raises:
            DataError: several folders fit, or a link leads out of the root.
        """
        return self._folder(video.subject, video.id)

    def repair_rows(self) -> Sequence[Repair]:
        """Repairs and marks: first those of the sheet, then those of the frames."""
        return (*self.sheet_repairs, *self._located.repairs)

    def unplaced(self) -> Sequence[Unplaced]:
        """Rows without a usable interval, and rows outside their video."""
        return self._located.unplaced

    def check(self) -> None:
        """Look for the root, the sheet and the folder of the frames.

        Raises:
            DataError: one is missing; the sentence says what is expected where.
        """
        self._tree_or_stop  # noqa: B018  (annotations alone are not enough)
        if not self._homes:
            video = Video(self.id, self.annotations[0].subject, self.annotations[0].video, self.fps, None)
            raise DataError(
                f"{self.id} has no frames below dataset.root={self.params.root}, only annotations: expected {self.layout.example}, "
                f"such as {self._expected(video)}"
            )

    def frame_folders(self) -> Sequence[Path]:
        """The folder of the frames, then others that also hold frames of these videos."""
        if not self._homes:
            return ()
        return (self._tree_or_stop.whole(self._homes[0]), *self._homes[1:], *self._tree_or_stop.cropped)

    def unannotated(self) -> Sequence[tuple[str, str, Path]]:
        """Subject, id and folder of the videos on disk that no row names.

        Persons are named as in the sheet, or in the form of its ids; a video whose folder does not name it gets the
        name of the sheet's videos if these share one.
        """
        if self._home is None:
            return ()
        named = {self._folder(*key) for key in self._annotated_videos}
        spellings = {fold(a.subject): a.subject for a in self.annotations}
        video_names = {a.video for a in self.annotations if a.video}
        common_name = video_names.pop() if len(video_names) == 1 else ""
        found = []
        for subject, video, folder in self._tree_or_stop.all_folders(self._home):
            if folder in named:
                continue
            name = subject.zfill(self.cleaning.subject_digits) if subject.isdigit() else subject
            found.append((spellings.get(fold(subject), name), video or common_name, folder))
        return found

    # How it is done -----------------------------------------------------------------------------------------------

    @property
    def annotations(self) -> Sequence[Annotation]:
        """The rows of the sheet, cleaned, in file numbers."""
        return self._read.annotations

    @property
    def sheet_repairs(self) -> Sequence[Repair]:
        """Repairs and marks of the sheet."""
        return self._read.repairs

    @cached_property
    def recognised(self) -> bool:
        """Whether a sheet has the columns of `signature`, filled in most rows."""
        if not self.signature:
            return False
        signature = {plain_name(name): form for name, form in self.signature.items()}
        try:
            sheets = read_sheets(self.annotation_file)
        except DataError:  # one that no adapter reads
            return False
        headers = [(sheet, header) for sheet in sheets for header in sheet.rows[:HEADER_WITHIN]]
        for sheet, (number, cells) in headers:
            columns = {name: column for column, name in enumerate(map(plain_name, cells)) if name in signature}
            has_all_columns = len(columns) == len(signature)
            if has_all_columns:
                last_column = max(columns.values())
                below = [row for row_number, row in sheet.rows if row_number > number]
                long_enough = [row for row in below if len(row) > last_column]
                fitting = [row for row in long_enough if _fits_signature(row, columns, signature)]
                return 2 * len(fitting) > len(long_enough)
        return False

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
            packed = archives_in(Path(self.params.root or "").expanduser())
            raise DataError(
                f"no annotations under dataset.root={self.params.root}: expected {self.files[0]} next to "
                f"{self.layout.example}, or give dataset.annotations=FILE{packed}{self._how_to_ask}"
            )
        return self._candidates[0]

    @property
    def _how_to_ask(self) -> str:
        """A sentence on how to ask for a dataset of mebench; empty for somebody's own."""
        file = Path(sys.modules[type(self).__module__].__file__ or "")
        is_ours = any(file.is_relative_to(folder) for folder in shipped_folder("datasets"))
        return f". How to ask for the dataset: mebench info {self.id}" if is_ours else ""

    @cached_property
    def _candidates(self) -> list[Path]:
        """Files below the root that may hold the annotations, best first."""
        return candidates(self._tree_or_stop, self.files, *self.forms)

    @cached_property
    def _read(self) -> ReadSheet:
        """The sheet, checked over all rows."""
        log = Log(self.annotation_file.name)
        annotations = self.read(read_sheets(self.annotation_file), log)
        if not annotations:
            raise DataError(
                f"{self.annotation_file} has a header but no annotation: is it complete? Compare it with the file as released"
            )
        annotations = one_spelling(annotations, log)
        _mark_repeated_intervals(annotations, log)
        if self.params.annotations is None:
            self._mark_other_files(log)
        return ReadSheet(tuple(annotations), tuple(log.repairs), log.where)

    def _mark_other_files(self, log: Log) -> None:
        """Log the files that could hold the annotations, too."""
        read = [self.annotation_file, *self._read_too]
        for path in self._candidates:
            if path in read:
                continue
            # The names would not distinguish copies in two places.
            is_copy = path.name == self.annotation_file.name
            other = str(path) if is_copy else path.name
            own = str(self.annotation_file) if is_copy else self.annotation_file.name
            reason = (
                f"could hold the annotations too, with {count_rows(path, self.forms)}; {own} is read, "
                f"with {count_rows(self.annotation_file, self.forms)}"
            )
            log.marked(None, "file", other, f"{reason}: dataset.annotations=FILE chooses")

    @cached_property
    def _located(self) -> LocatedVideos:
        """The videos with the frames of this machine."""
        log = Log(self._read.where)
        first = self.layout.first
        keys = dict.fromkeys((a.subject, a.video) for a in self.annotations)
        numbers = self._as_released({key: self._numbers(*key) for key in keys}, log)
        self._mark_shared_folders(keys, log)
        placed = [
            (a, place_annotation(a, a.first_file_number(first), numbers[a.subject, a.video], log))
            for a in self.annotations
        ]
        self._mark_state_of_frames(numbers, log)
        videos = self._annotated_with_files(placed, numbers, log)
        if not self.short_videos:
            self._add_unannotated(videos, numbers)
        self._mark_odd_images(numbers, log)
        complete = with_distractors(videos, self.read_distractors(), numbers, first, log)
        in_order = sorted(complete, key=lambda video: video.key)
        unplaced = [place for _, place in placed if isinstance(place, Unplaced)]
        return LocatedVideos(tuple(in_order), tuple(unplaced), tuple(log.repairs))

    def _as_released(self, numbers: FrameNumbers, log: Log) -> FrameNumbers:
        """The file numbers as the sheet counts them, where images begin at 0."""
        from_zero = videos_from_zero(self.annotations, numbers, self.layout.first)
        if not from_zero:
            return numbers
        n_existing = sum(bool(found) for found in numbers.values())
        reason = (
            f"the files of {len(from_zero)} of {n_existing} videos are numbered from 0, and those of the release from 1: the first file "
            "is read as the release's first. If it is another picture in front of the release's, remove it"
        )
        log.repaired(None, "frames", "files from 0", "frames from 1", reason, altered=True)
        return {
            key: range(1, len(found) + 1) if found and key in from_zero else found for key, found in numbers.items()
        }

    def _mark_shared_folders(self, keys: Iterable[tuple[str, str]], log: Log) -> None:
        """Log videos of the sheet in one folder: each would lack the other's expressions."""
        video_of: dict[Path, tuple[str, str]] = {}
        for key in keys:
            folder = self._folder(*key)
            if folder is None:
                continue
            other = video_of.setdefault(folder, key)
            if other != key:
                reason = f"has the frames of {'/'.join(other)}: if they are one video, give it one name in the sheet"
                log.marked(None, "video", "/".join(key), reason, altered=True)

    def _mark_state_of_frames(self, numbers: FrameNumbers, log: Log) -> None:
        """Log how frames are counted, and why they may be missing."""
        has_frames = any(found is not None for found in numbers.values())
        is_first_stated = any(a.first is not None for a in self.annotations)
        first = "the sheet's first frame" if is_first_stated else f"{self.layout.first}"
        reason = "counted along the image files" if has_frames else f"no frames: counted from {first}"
        log.repaired(None, "onset, apex, offset", "file numbers", "positions from 0", reason)
        if not has_frames and self.params.root is not None and not self.packed and not self._cropped:
            first_row = self.annotations[0]
            video = Video(self.id, first_row.subject, first_row.video, self.fps, None)
            log.marked(None, "frames", f"{video.subject}/{video.id}", f"not found: expected {self._expected(video)}")
        if self.params.root is not None:
            for link in self._tree_or_stop.aside:
                log.marked(None, "frames", str(link), LINK)
        if self.packed:
            log.marked(None, "frames", "", f"there are none{self.packed}")
        note = renumbering_note(self.annotations, numbers)
        if note:
            log.marked(None, "frames", "", note, altered=True)
        if not has_frames and self._cropped:
            reason = f"faces cropped by the authors are not raw frames: read them with dataset.root={self._cropped}"
            log.marked(None, "frames", self._cropped.name, reason)

    def _annotated_with_files(self, placed: Placed, numbers: FrameNumbers, log: Log) -> dict[tuple[str, str], Video]:
        """The annotated videos by subject and id, with their files' numbers if known."""
        videos = group_by_video(self.id, placed, self.fps, self.layout.first, log)
        for key, video in videos.items():
            found = numbers[key]
            if found is not None:
                videos[key] = with_files(video, found)
        return videos

    def _add_unannotated(self, videos: dict[tuple[str, str], Video], numbers: FrameNumbers) -> None:
        """Add the videos with frames that no row names, and the numbers of their files."""
        for subject, id_, _ in self.unannotated():
            if (subject, id_) in videos:
                continue
            found = self._numbers(subject, id_)
            if found:
                numbers[subject, id_] = found
                alone = Video(self.id, subject, id_, self.fps, None, first=self.layout.first)
                videos[subject, id_] = with_files(alone, found)

    def _mark_odd_images(self, numbers: FrameNumbers, log: Log) -> None:
        """Log damaged images, and images whose numbers do not rise."""
        for (subject, id_), found in numbers.items():
            if not found:
                continue
            damaged = self._damaged(subject, id_)
            if damaged:
                reason = "images that cannot be opened, by the authors' list: no frames"
                log.marked(None, "frames", f"{subject}/{id_}: {damaged[0]} to {damaged[-1]}", reason)
            known = [number for number in found if number is not None]
            unrising = first_unrising(known) if len(known) == len(found) else None
            if unrising is not None:
                before, after = unrising
                reason = (
                    f"file number {after} comes after {before}: frames are counted along the names instead, and "
                    "the sheet's numbers may mean others. Remove copies, or give the images their released names"
                )
                log.marked(None, "frames", f"{subject}/{id_}", reason, altered=True)

    def _numbers(self, subject: str, video: str) -> Sequence[int | None] | None:
        """File number of each frame, or None where the frames are missing."""
        folder = self._folder(subject, video)
        with suppress(DataError):  # an empty folder counts as missing; a request for its frames reports it
            return None if folder is None else self._images(folder, subject, video).numbers
        return None

    def _images(self, folder: Path, subject: str, video: str) -> FolderFrames:
        """The images in a folder, of which damaged ones may be left out."""
        return FolderFrames(folder, self.layout.pattern, damaged=self._damaged(subject, video))

    def _damaged(self, subject: str, video: str) -> range:
        """The positions of images of a video that are known to be damaged."""
        return self.damaged.get((subject.casefold(), video.casefold()), range(0))

    def _folder(self, subject: str, video: str) -> Path | None:
        """The folder of a video; None if there is none."""
        if self._home is None or not subject or not video:
            return None
        named = self._tree_or_stop.folder(self._home, subject, video)
        return named or self._tree_or_stop.folder(self._home, subject, without_film_ending(video))

    @cached_property
    def _homes(self) -> list[Path]:
        """Folders that may hold the folders of all videos, the one that is read first.

        There are none where the frames are absent.
        """
        if self.params.root is None and self.params.annotations is not None:
            return []
        return self._tree_or_stop.homes(self._annotated_videos)

    @property
    def _annotated_videos(self) -> set[tuple[str, str]]:
        """Subject and id of the videos that rows name. Each id stands as written and without the ending of a film."""
        named = {(a.subject, a.video) for a in self.annotations if a.subject and a.video}
        return named | {(subject, without_film_ending(video)) for subject, video in named}

    @property
    def _home(self) -> Path | None:
        """The folder that holds the subjects; None if there is none."""
        return self._homes[0] if self._homes else None

    @cached_property
    def _tree_or_stop(self) -> Tree:
        """The tree of the dataset's folder, or the error that it is missing."""
        root = root_folder(
            self.params.root,
            f"{self.id} needs its folder: give dataset.root=PATH (of several datasets dataset.{self.id}.root=PATH), "
            f"the folder that holds {self.layout.example} and {self.files[0]}, "
            f"or dataset.annotations=FILE for a summary{self._how_to_ask}",
            f"the one that holds {self.layout.example}{self._how_to_ask}",
        )
        return Tree(root, self.layout, self.params.follow_links)

    @cached_property
    def packed(self) -> str:
        """The command that unpacks archives or video files in place of frames, or nothing."""
        if self.params.root is None or self._cropped or any(self._folder(a.subject, a.video) for a in self.annotations):
            return ""
        files = self._tree_or_stop.packed_files()
        if not files:
            return ""
        source: str | Path = self.params.root
        target: str | Path = f"{self.params.root}/frames"
        if self._home is not None and self._home in files[0].parents:  # videos lie where their frames are expected
            source = target = self._home
        first = [] if self.layout.first == 1 else ["--first", str(self.layout.first)]
        words = ["mebench", "data", "unpack", str(source), "-o", str(target), *first]
        lie = f"{files[0].name} lies" if len(files) == 1 else f"{len(files)} files such as {files[0].name} lie"
        return f". {lie} there packed: {join_words(words)}"

    def _expected(self, video: Video) -> str:
        """The places where the frames of a video are expected, in words."""
        if self.params.root is None:
            return f"them as {self.layout.example} below dataset.root, which is not given"
        tree = self._tree_or_stop
        parts = (part.rstrip("*?") for part in self.layout.folder.split("/"))  # as `Layout.folder` marks them
        folder = (self._home or tree.root) / "/".join(parts).format(
            subject=video.subject, video=without_film_ending(video.id)
        )
        links = f"; {LINK}" if tree.aside else ""
        cropped = ""
        if self._cropped:
            cropped = f". There are faces cropped by the authors: read them with dataset.root={self._cropped}"
        return f"the folder {folder}{links}{cropped}{self.packed}"

    @property
    def _cropped(self) -> Path | None:
        """A folder of cropped faces where no raw frames are, or None."""
        cropped = self._tree_or_stop.cropped if self.params.root is not None and self._home is None else []
        return cropped[0] if cropped else None


def _fits_signature(row: Sequence[str], columns: Mapping[str, int], signature: Mapping[str, str]) -> bool:
    """Whether the cells of a row have the form of their columns."""
    return all(re.fullmatch(signature[name], row[column].strip(), re.I) for name, column in columns.items())


def _mark_repeated_intervals(annotations: Sequence[Annotation], log: Log) -> None:
    """Log the rows with the interval of an earlier row."""
    first: dict[tuple[object, ...], Annotation] = {}
    for a in annotations:
        same = first.setdefault((a.subject, a.video, a.kind, a.onset, a.offset), a)
        if same is not a and a.onset is not None:  # of several sheets each has a row 2
            log.marked(a.row, "all columns", f"{a.subject}/{a.video}", f"the same interval as in row {same.row}")
