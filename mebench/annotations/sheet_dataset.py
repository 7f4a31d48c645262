"""A dataset of a sheet and folders of images."""

import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from mebench.annotations.annotation import (
    Annotation,
    Log,
    first_unrising,
    group_by_video,
    place_annotation,
    renumbering_note,
    with_distractors,
    with_files,
)
from mebench.annotations.layout import Layout, SheetParams, Tree, candidates, check_files, fold, root_folder
from mebench.annotations.names import plain_name
from mebench.annotations.openface import ACTION_UNITS, OpenFaceFiles
from mebench.annotations.reading import Cleaning, begin, count_rows, is_remark, one_spelling, read_row
from mebench.annotations.sheets import Sheet, read_sheets
from mebench.annotations.table import Columns, Header, Row, Table, need_table
from mebench.annotations.text import HEADER_WITHIN
from mebench.core import Dataset, Frames, Repair, Video
from mebench.core.types import Unplaced
from mebench.errors import DataError
from mebench.frames import FolderFrames

LINK = "a link out of the root was not followed, dataset.follow_links=true allows it"


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
            self._openface, self._units = OpenFaceFiles(params.openface), dict[str, NDArray[Any]]()
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
        return self._located[0]

    def as_annotated(self) -> Sequence[Video]:
        """The videos of the sheet alone, with positions by the documented numbering."""
        placed = ((a, place_annotation(a, a.begins(self.layout.first), None, Log())) for a in self.annotations)
        grouped = group_by_video(self.id, placed, self.fps, self.layout.first, Log())
        return sorted(
            with_distractors(grouped, self.read_distractors(), {}, self.layout.first, Log()), key=lambda v: v.key
        )

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
        return self._images(folder, video.subject, video.id)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The action units that OpenFace found, if `openface` says where.

        Raises:
            DataError: those of this video are missing, or not those of its frames.
        """
        if name != ACTION_UNITS or self.params.openface is None:
            return None
        if (units := self._units.get(video.key)) is not None:  # asked for again and again: frames are listed once
            return units
        folder = self.folder(video) if self.params.root is not None else None
        images = self._images(folder, video.subject, video.id).names if folder is not None and folder.is_dir() else ()
        return self._units.setdefault(video.key, self._openface.units(video, folder, images))

    def folder(self, video: Video) -> Path | None:
        """The folder with the images of a video, or None if they are missing.

        Raises:
            DataError: several folders fit, or a link leads out of the root.
        """
        return self._folder(video.subject, video.id)

    def repair_rows(self) -> Sequence[Repair]:
        """Repairs and marks: first those of the sheet, then those of the frames."""
        return (*self.sheet_repairs, *self._located[2])

    def unplaced(self) -> Sequence[Unplaced]:
        """Rows without a usable interval, and rows outside their video."""
        return self._located[1]

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
        named = {self._folder(a.subject, a.video) for a in self.annotations if a.subject and a.video}
        written = {fold(a.subject): a.subject for a in self.annotations}
        only = {a.video for a in self.annotations if a.video}
        digits, nameless = self.cleaning.subject_digits, next(iter(only)) if len(only) == 1 else ""
        return [
            (
                written.get(fold(subject), subject.zfill(digits) if subject.isdigit() else subject),
                video or nameless,
                folder,
            )
            for subject, video, folder in self._tree_or_stop.all_folders(self._home)
            if folder not in named
        ]

    # How it is done -----------------------------------------------------------------------------------------------

    @property
    def annotations(self) -> Sequence[Annotation]:
        """The rows of the sheet, cleaned, in file numbers."""
        return self._read[0]

    @property
    def sheet_repairs(self) -> Sequence[Repair]:
        """Repairs and marks of the sheet."""
        return self._read[1]

    @cached_property
    def recognised(self) -> bool:
        """Whether a sheet has the columns of `signature`, filled in most rows."""
        signature, sheets = {plain_name(name): form for name, form in self.signature.items()}, list[Sheet]()
        with suppress(DataError):  # one that no adapter reads
            sheets = read_sheets(self.annotation_file) if signature else []
        for sheet in sheets:
            for number, cells in sheet.rows[:HEADER_WITHIN]:
                columns = {name: at for at, name in enumerate(map(plain_name, cells)) if name in signature}
                if len(columns) == len(signature):
                    rows = [row for below, row in sheet.rows if below > number and len(row) > max(columns.values())]
                    fit = [
                        all(re.fullmatch(signature[n], row[at].strip(), re.I) for n, at in columns.items())
                        for row in rows
                    ]
                    return 2 * sum(fit) > len(fit)
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
            raise DataError(
                f"no annotations under dataset.root={self.params.root}: expected {self.files[0]} next to "
                f"{self.layout.example}, or give dataset.annotations=FILE. How to ask for the dataset: mebench info "
                f"{self.id}"
            )
        return self._candidates[0]

    @cached_property
    def _candidates(self) -> list[Path]:
        """Files below the root that may hold the annotations, best first."""
        return candidates(self._tree_or_stop, self.files, *self.forms)

    @cached_property
    def _read(self) -> tuple[tuple[Annotation, ...], tuple[Repair, ...], str]:
        """Annotations, what was repaired in them, and the name of their sheet."""
        log = Log(self.annotation_file.name)
        annotations = self.read(read_sheets(self.annotation_file), log)
        if not annotations:
            raise DataError(
                f"{self.annotation_file} has a header but no annotation: is it complete? Compare it with the file as released"
            )
        annotations = one_spelling(annotations, log)
        # Checks over all rows: repeated rows, and other possible files.
        first: dict[tuple[object, ...], Annotation] = {}
        for a in annotations:
            same = first.setdefault((a.subject, a.video, a.kind, a.onset, a.offset), a)
            if same is not a and a.onset is not None:  # of several sheets each has a row 2
                log.marked(a.row, "all columns", f"{a.subject}/{a.video}", f"the same interval as in row {same.row}")
        read = [self.annotation_file, *self._read_too]
        for path in [] if self.params.annotations is not None else self._candidates:
            if path not in read:
                held, own = (count_rows(file, self.forms) for file in (path, self.annotation_file))
                alike = path.name == self.annotation_file.name  # a copy elsewhere: the names would not distinguish them
                other, read_one = (str(p) if alike else p.name for p in (path, self.annotation_file))
                reason = f"could hold the annotations too, with {held}; {read_one} is read, with {own}"
                log.marked(None, "file", other, f"{reason}: dataset.annotations=FILE chooses")
        return tuple(annotations), tuple(log.repairs), log.where

    @cached_property
    def _located(self) -> tuple[tuple[Video, ...], tuple[Unplaced, ...], tuple[Repair, ...]]:
        """Videos, rows without a place, and what was repaired when the frames were looked at."""
        log = Log(self._read[2])
        numbers = {key: self._numbers(*key) for key in dict.fromkeys((a.subject, a.video) for a in self.annotations)}
        of_folder: dict[Path, tuple[str, str]] = {}
        for key in numbers:  # two videos of the sheet in one folder: each would lack the other's expressions
            if (folder := self._folder(*key)) is not None and (other := of_folder.setdefault(folder, key)) != key:
                reason = f"has the frames of {'/'.join(other)}: if they are one video, write it alike in the sheet"
                log.marked(None, "video", "/".join(key), reason, altered=True)
        placed = [
            (a, place_annotation(a, a.begins(self.layout.first), numbers[a.subject, a.video], log))
            for a in self.annotations
        ]
        stated = any(a.first is not None for a in self.annotations)
        first = "the sheet's first frame" if stated else f"{self.layout.first}"
        has_frames = any(found is not None for found in numbers.values())
        reason = "counted along the image files" if has_frames else f"no frames: counted from {first}"
        log.repaired(None, "onset, apex, offset", "file numbers", "positions from 0", reason)
        for link in self._tree_or_stop.aside if self.params.root is not None else ():
            log.marked(None, "frames", str(link), LINK)
        if self.packed:
            log.marked(None, "frames", "", f"there are none{self.packed}")
        if note := renumbering_note(self.annotations, numbers):
            log.marked(None, "frames", "", note, altered=True)
        if not has_frames and self._cropped:
            reason = f"faces cropped by the authors are not raw frames: read them with dataset.root={self._cropped}"
            log.marked(None, "frames", self._cropped.name, reason)
        videos = {
            key: video if (found := numbers[key]) is None else with_files(video, found)
            for key, video in group_by_video(self.id, placed, self.fps, self.layout.first, log).items()
        }
        for subject, id_, _ in () if self.short_videos else self.unannotated():
            if (subject, id_) not in videos and (present := self._numbers(subject, id_)):
                numbers[subject, id_] = present
                alone = Video(self.id, subject, id_, self.fps, None, first=self.layout.first)
                videos[subject, id_] = with_files(alone, present)
        for (subject, id_), found in numbers.items():
            if found and (which := self._damaged(subject, id_)):
                reason = "images that cannot be opened, by the authors' list: no frames"
                log.marked(None, "frames", f"{subject}/{id_}: {which[0]} to {which[-1]}", reason)
            if found and None not in found and (pair := first_unrising(n for n in found if n is not None)):
                reason = (
                    f"file number {pair[1]} comes after {pair[0]}: frames are counted along the names instead, and "
                    "the sheet's numbers may mean others. Remove copies, or give the images their released names"
                )
                log.marked(None, "frames", f"{subject}/{id_}", reason, altered=True)
        complete = with_distractors(videos, self.read_distractors(), numbers, self.layout.first, log)
        lost = (where for _, where in placed if isinstance(where, Unplaced))
        return tuple(sorted(complete, key=lambda v: v.key)), tuple(lost), tuple(log.repairs)

    def _numbers(self, subject: str, video: str) -> Sequence[int | None] | None:
        """File number of each frame, or None where the frames are missing."""
        folder = self._folder(subject, video)
        with suppress(DataError):  # an empty folder counts as missing; a request for its frames reports it
            return None if folder is None else self._images(folder, subject, video).numbers
        return None

    def _images(self, folder: Path, subject: str, video: str) -> FolderFrames:
        return FolderFrames(folder, self.layout.pattern, damaged=self._damaged(subject, video))

    def _damaged(self, subject: str, video: str) -> range:
        return self.damaged.get((subject.casefold(), video.casefold()), range(0))

    def _folder(self, subject: str, video: str) -> Path | None:
        if self._home is None or not subject or not video:
            return None
        return self._tree_or_stop.folder(self._home, subject, video)

    @cached_property
    def _homes(self) -> list[Path]:
        """Folders that may hold the folders of all videos, the one that is read first; empty where the frames are
        absent.
        """
        if self.params.root is None and self.params.annotations is not None:
            return []
        return self._tree_or_stop.homes({(a.subject, a.video) for a in self.annotations if a.subject and a.video})

    @property
    def _home(self) -> Path | None:
        return self._homes[0] if self._homes else None

    @cached_property
    def _tree_or_stop(self) -> Tree:
        root = root_folder(
            self.params.root,
            f"{self.id} needs its folder: give dataset.root=PATH (of several datasets dataset.{self.id}.root=PATH), "
            f"the folder that holds {self.layout.example} and {self.files[0]}, "
            f"or dataset.annotations=FILE for a summary. How to ask for it: mebench info {self.id}",
            f"the one that holds {self.layout.example}. How to ask for the dataset: mebench info {self.id}",
        )
        return Tree(root, self.layout, self.params.follow_links)

    @cached_property
    def packed(self) -> str:
        """If archives or video files lie below the root instead of frames: the command that unpacks them; else empty."""
        if self.params.root is None or self._cropped or any(self._folder(a.subject, a.video) for a in self.annotations):
            return ""
        if not (files := self._tree_or_stop.packed()):
            return ""
        beside = self._home if self._home in files[0].parents else None  # videos lie where their frames are expected
        source, target = (beside, beside) if beside else (self.params.root, f"{self.params.root}/frames")
        first = "" if self.layout.first == 1 else f" --first {self.layout.first}"
        command = f"mebench data unpack {shlex.quote(str(source))} -o {shlex.quote(str(target))}{first}"
        lie = f"{files[0].name} lies" if len(files) == 1 else f"{len(files)} files such as {files[0].name} lie"
        return f". {lie} there packed: {command}"

    def _expected(self, video: Video) -> str:
        """The places where the frames of a video are expected, in words."""
        if self.params.root is None:
            return f"them as {self.layout.example} below dataset.root, which is not given"
        tree = self._tree_or_stop
        parts = (part.rstrip("*?") for part in self.layout.folder.split("/"))  # as `Layout.folder` marks them
        place = (self._home or tree.root) / "/".join(parts).format(subject=video.subject, video=video.id)
        links = f"; {LINK}" if tree.aside else ""
        cropped = (
            f". There are faces cropped by the authors: read them with dataset.root={self._cropped}"
            if self._cropped
            else ""
        )
        return f"the folder {place}{links}{cropped}{self.packed}"

    @property
    def _cropped(self) -> Path | None:
        """A folder of cropped faces where no raw frames are, or None."""
        cropped = self._tree_or_stop.cropped if self.params.root is not None and self._home is None else []
        return cropped[0] if cropped else None
