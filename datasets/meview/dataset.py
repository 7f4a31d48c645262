"""MEVIEW: short clips from television, as video files."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Header,
    Log,
    Row,
    Sheet,
    SheetDataset,
    Table,
    by_name,
    name_in,
    read_row,
    subject_id,
    three_classes,
)
from mebench.annotations.layout import check_inside
from mebench.annotations.names import plain_name
from mebench.annotations.text import HEADER_WITHIN
from mebench.core import Frames, Published, Scheme, Video
from mebench.errors import DataError
from mebench.files import read_plain
from mebench.frames import VideoFrames

from .clips import LAYOUT, ClipTree, plain, without_ending
from .params import Params as _Params

LABELS = ("happiness", "anger", "disgust", "surprise", "contempt", "fear")
NEGATIVE = ("anger", "disgust", "contempt", "fear", "sadness", "contempt/disgust")
FINAL = "FINAL"
"""Heading above the columns of the annotators' agreement; the columns of each annotator precede them."""
MEAN2022 = Published(
    source="Liong, See and Chan 2023 (MEAN, section 5 and Table 10): 9 negative, 6 positive, 6 surprise",
    subjects=14,
    expressions={"micro": 21},
)


class Meview(SheetDataset):
    """A clip is called as its video file, `sub01-1`; frames are counted from 1 inside it."""

    Params = _Params
    params: _Params
    id = "meview"
    revision = "1"
    kinds = ("micro",)
    short_videos = True
    fps = 25.0
    files = ("MEVIEW_v2*.xls*", "MEVIEW*.xls*", "MEVIEW*.csv")
    signature = {"ID": ".*", "Link": ".*", "Apex": ".*"}  # noqa: RUF012  (a constant map)
    forms = (
        Header(
            names={
                "video": ("ID", "Clip", "Video", "Filename", "File name", "Name"),
                "onset": (f"{FINAL} Onset", "Onset", "Onset Frame", "Start"),
                "apex": (f"{FINAL} Apex", "Apex", "Apex Frame"),
                "offset": (f"{FINAL} Offset", "Offset", "Offset Frame", "End"),
            },
        ),
    )
    cleaning = Cleaning(subject_digits=2, subject_prefix="sub", spellings={"happy": "happiness", "suprise": "surprise"})
    layout = LAYOUT
    schemes = by_name(Scheme.native(LABELS), three_classes("mean2022", NEGATIVE), OBJECTIVE)

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        if params.subset is not None and plain_name(Path(params.subset).stem) == "mean2022":
            self.published = MEAN2022

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """The micro-expressions of the chosen clips."""
        found = super().read([_one_header(sheet) for sheet in sheets], log)
        if self.params.subset is None:
            return found
        names = _names(Path(str(self.params.subset)).expanduser())
        known = {plain(annotation.video) for annotation in found}
        unknown = [name for name in names if plain(name) not in known]
        if unknown:
            raise DataError(
                f"dataset.subset={self.params.subset} names {', '.join(unknown)}, which {self.annotation_file.name} does not "
                f"hold: expected names of clips such as {found[0].video if found else 'sub01-1'}, one a line"
            )
        wanted = set(map(plain, names))
        chosen = [annotation for annotation in found if plain(annotation.video) in wanted]
        reason = f"left out: not among the clips of {self.params.subset}"
        log.marked(None, "subset", f"{len(found) - len(chosen)} of {len(found)} rows", reason)
        return chosen

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The micro-expression of a row, its clip called as the video file."""
        subject, name = subject_id(row, table, self.cleaning, log), name_in(row, table, "video", log)
        clip = f"sub{subject}-{name}" if name.isdigit() else without_ending(name)
        return read_row(row, table, self.cleaning, log, subject=subject, video=clip)

    def frames(self, video: Video) -> Frames:
        """The frames of a clip, from its video file or its folder of images.

        Raises:
            DataError: both are missing.
        """
        path = self.folder(video)
        if path is not None and path.is_file():
            return VideoFrames(check_inside(path, self._tree_or_stop.root, self.params.follow_links))
        return super().frames(video)

    @cached_property
    def _tree_or_stop(self) -> ClipTree:
        tree = super()._tree_or_stop
        return ClipTree(tree.root, tree.layout, self.params.follow_links)

    def _expected(self, video: Video) -> str:
        """The expected place of a clip, in words."""
        if self.params.root is None:
            return super()._expected(video)
        return f"a file {video.id}.mp4, or a folder of that name with its images, below {self._tree_or_stop.root}"

    def _numbers(self, subject: str, video: str) -> Sequence[int | None] | None:
        """Number of each frame as the sheet counts, from 1; images may be numbered from 0."""
        path = self._folder(subject, video)
        if path is not None and path.is_file():
            try:
                return range(1, len(VideoFrames(path)) + 1)
            except DataError:  # its frames report the fault
                return None
        numbers = super()._numbers(subject, video)
        return range(1, len(numbers) + 1) if numbers and numbers[0] == 0 else numbers


def _one_header(sheet: Sheet) -> Sheet:
    """The sheet with the headings of groups put before the names of onset, apex and offset: `FINAL Onset`."""
    rows = list(sheet.rows)
    for at in range(1, min(len(rows), HEADER_WITHIN)):
        above, (number, header) = rows[at - 1][1], rows[at]
        names = [plain_name(cell) for cell in header]
        if plain_name(FINAL) in map(plain_name, above) and "onset" in names:
            group, full = "", []
            for column, cell in enumerate(header):
                group = (above[column].strip() if column < len(above) else "") or group
                full.append(f"{group} {cell}" if names[column] in ("onset", "apex", "offset") else cell)
            rows[at] = (number, tuple(full))
            return replace(sheet, rows=tuple(rows))
    return sheet


def _names(path: Path) -> list[str]:
    """The clips that a file lists, one a line; blank lines and those that begin with # do not count.

    Raises:
        DataError: it cannot be read, or lists nothing.
    """
    try:
        lines = read_plain(path, 2**20).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"dataset.subset={path} cannot be read as text ({error}): expected names of clips, one a line"
        ) from error
    names = [line.strip().strip(",;\"'") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise DataError(f"dataset.subset={path} names no clip: expected names such as sub01-1, one a line")
    return names


Plugin = Meview
