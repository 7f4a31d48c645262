"""Shared parts of the three recordings of SMIC: short clips with the label in their name, long ones with a sheet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from mebench.annotations.annotation import Annotation, Log, frame_number, frame_numbers
from mebench.annotations.layout import Layout, SheetParams, candidates
from mebench.annotations.nested import NestedDataset, NestedTree
from mebench.annotations.reading import Cleaning
from mebench.annotations.schemes import three_classes
from mebench.annotations.sheet_dataset import ReadSheet
from mebench.annotations.table import Header, Row, Table
from mebench.core import Published, Scheme, SubjectKey
from mebench.errors import ConfigError, DataError
from mebench.frames import FolderFrames
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.annotations import drawn

LABELS = ("negative", "positive", "surprise")
CODES = {"ne": "negative", "po": "positive", "sur": "surprise"}
"""Part of a clip's name, `s1_ne_01`, and its emotion."""
FURTHER = "further_interval"
"""Flag of the second and third movement that the sheet gives for one long clip."""
NATIVE = Scheme.native(LABELS)
MEAN2022 = three_classes("mean2022", LABELS[:1], LABELS[1:2], LABELS[2:], [FURTHER])
"""As in Table 1 of MEAN (Liong, See and Chan 2023, doi 10.1016/j.image.2022.116875): one movement of each clip."""
MEGC2019 = three_classes("megc2019", LABELS[:1], LABELS[1:2], LABELS[2:], [FURTHER])

_COLUMNS = {
    "onset": ("OnsetF", "Onset1F", "OnsetF1", "Onset", "Onset Frame"),
    "offset": ("OffsetF", "Offset1F", "OffsetF1", "Offset", "Offset Frame"),
    "onset2": ("Onset2F", "OnsetF2"),
    "offset2": ("Offset2F", "OffsetF2"),
    "onset3": ("Onset3F", "OnsetF3"),
    "offset3": ("Offset3F", "OffsetF3"),
}
_CLIP = r"s(?P<subject>\d+)_(?:ne|po|sur)_?\d+"
_RECORDING = re.compile(r"(?<![A-Za-z])(HS|VIS|NIR)(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True)
class SmicParams(SheetParams):
    """The folder of SMIC, and its version.

    Attributes:
        extended: the long clips of SMIC-E, with frames before and after the movement, instead of the short ones.
        every_interval: read every movement that the sheet of SMIC-E gives for a clip, not only the first.
    """

    extended: bool = False
    every_interval: bool = False

    def __post_init__(self) -> None:
        """Check that there is a sheet to read."""
        if self.every_interval and not self.extended and self.annotations is None:
            raise ConfigError("dataset.every_interval=true reads the sheet of SMIC-E: add dataset.extended=true")


class Smic(NestedDataset):
    """One of the recordings.

    Attributes:
        recording: `HS`, `VIS` or `NIR`, as folders and sheets call it.
        published_short: counts of the short clips.
        published_extended: counts of the long ones.
    """

    Params = SmicParams
    params: SmicParams
    kinds = ("micro",)
    short_videos = True
    cleaning = Cleaning(subject_digits=2, subject_prefix="s", spellings=dict(zip("012", LABELS)))
    forms = (Header(names=_COLUMNS), Header(required=("subject", "video", "onset", "apex"), names=_COLUMNS))
    recording: ClassVar["drawn.Recording"]
    published_short: ClassVar[Published]
    published_extended: ClassVar[Published]

    def __init__(self, params: SmicParams) -> None:
        short = "SMIC_all_raw/{0}/s1/micro/negative/s1_ne_01/image000123.bmp"
        long = "SMIC-E_raw image/{0}_long/SMIC-{0}-E/{0}/s01/s1_ne_01/image559700.jpg"
        self.layout = Layout(  # type: ignore[misc]  # which one depends on the parameters
            example=(long if params.extended else short).format(self.recording),
            folder="{video}",
            homes=("SMIC_all_raw", "SMIC-E_raw image"),
            cropped=("SMIC_all_cropped",),
            video_name=_CLIP,
        )
        self.revision = "1-extended" if params.extended else "1"
        self.published = self.published_extended if params.extended else self.published_short
        if not params.extended:
            self.tasks = frozenset({"recognize"})  # a short clip is its movement and nothing else
        super().__init__(params)

    def person(self, key: SubjectKey) -> SubjectKey:
        """Identity of a subject: the three recordings show the same people, under the same numbers."""
        return SubjectKey("smic", key.subject)

    @classmethod
    def write_fake_tree(cls, folder: Path) -> None:
        """Draw small trees of short and long clips, with the releases' quirks."""
        drawn.write_drawn_clips(folder, cls.recording)

    def belongs_here(self, names: tuple[str, ...]) -> bool:
        """The folders of this recording, short clips below `micro` and long ones not."""
        matches = [_RECORDING.search(name) for name in reversed(names)]
        named = [match.group().upper() for match in matches if match]
        short = any(name.lower() == "micro" for name in names)
        is_of_recording = not named or named[0] == self.recording
        return is_of_recording and short != self.params.extended

    def read_row(self, row: Row, table: Table, log: Log) -> Sequence[Annotation]:
        """The movements of a row."""
        movements = [*super().read_row(row, table, log)]
        if not movements:
            return []
        for number in (2, 3):
            onset_column = table.columns.get(f"onset{number}", f"onset{number}")
            offset_column = table.columns.get(f"offset{number}", f"offset{number}")
            onset = frame_number(row.get(f"onset{number}"), row.number, onset_column, log)
            offset = frame_number(row.get(f"offset{number}"), row.number, offset_column, log)
            if onset is None or offset is None or offset < onset:
                continue
            if self.params.every_interval:
                further = replace(movements[0], onset=onset, apex=None, offset=offset, flags=(FURTHER,), problem="")
                movements.append(further)
            else:
                reason = "a further movement of the clip, read with dataset.every_interval=true only"
                log.marked(row.number, f"{onset_column}, {offset_column}", f"{onset}, {offset}", reason)
        return movements

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The first movement of a row, its clip named like its folder.

        Where no column gives the offset, it is the clip's last image. Where no column gives the emotion, the clip's name
        does; a contradiction of the two is logged.
        """
        if "offset" not in table.columns and self.params.root is not None and row.get("video"):
            row = self._with_last_image_as_offset(row, log)
        read = super().annotation(row, table, log)
        if read is None or not read.video:
            return read
        is_whole_name = re.match(r"s\d", read.video, re.IGNORECASE)
        name = read.video if is_whole_name else f"s{read.subject.lstrip('0')}_{read.video}"
        emotion = _emotion(name)
        if read.emotion is None and emotion is not None:
            log.repaired(row.number, table.columns.get("emotion", "emotion"), "", emotion, f"as the name {name} says")
        elif emotion is not None and read.emotion != emotion:
            log.marked(row.number, table.columns["emotion"], read.emotion or "", f"the name {name} says {emotion}")
        return replace(read, video=name, emotion=read.emotion or emotion)

    def _with_last_image_as_offset(self, row: Row, log: Log) -> Row:
        """The row with the clip's last image as offset.

        Sheets of apex frames (`smic_apex.xlsx`) have no offsets, and a short clip ends with its movement.
        """
        folder = self._tree_or_stop.folder(self._tree_or_stop.root, subject="", video=row.get("video"))
        numbers = FolderFrames(folder).numbers if folder is not None else ()
        known = [number for number in numbers if number is not None]
        if not known:
            return row
        last = str(max(known))
        log.repaired(row.number, "offset", "", last, "the sheet has none: the last image of the clip is used")
        return replace(row, cells={**row.cells, "offset": last})

    @cached_property
    def annotation_file(self) -> Path:
        """The sheet; for the short clips, which have none, the folder that holds them."""
        return super().annotation_file if self._has_sheet else self._tree_or_stop.root

    @property
    def _has_sheet(self) -> bool:
        """Whether a sheet of annotations is read, and not the names of folders alone."""
        return self.params.extended or self.params.annotations is not None

    @cached_property
    def _candidates(self) -> list[Path]:
        """Sheets of this recording; those of the others have the same columns."""
        named = ((path, _RECORDING.findall(path.name)) for path in super()._candidates)
        return [path for path, names in named if not names or self.recording in map(str.upper, names)]

    @cached_property
    def _read(self) -> ReadSheet:
        """The annotations: from the sheet, or from the names of the clips' folders."""
        if self._has_sheet:
            return super()._read
        tree = self._tree_or_stop
        log = Log("names of the folders")
        found = tree.all_folders(tree.root)
        clips = []
        for row, (number, name, folder) in enumerate(found, 1):
            clips.append(self._clip_of_folder(row, number, name, folder, log))
        if not clips:
            hint = ""
            if tree.cropped:
                hint = f"; there are faces cropped by the authors: read them with dataset.root={tree.cropped[0]}"
            raise DataError(
                f"no clips of SMIC-{self.recording} under dataset.root={self.params.root}: expected {self.layout.example}; "
                f"the long clips of SMIC-E are read with dataset.extended=true{hint}"
            )
        for path in candidates(tree, ("*smic*apex*.xls*",)):  # made by others: only on request
            log.marked(
                None, "file", path.name, f"a sheet of apex frames, not read: dataset.annotations={path} reads it"
            )
        return ReadSheet(tuple(clips), tuple(log.repairs), log.where)

    def _clip_of_folder(self, row: int, number: str, name: str, folder: Path, log: Log) -> Annotation:
        """A short clip, the whole of which is the movement."""
        emotion = _emotion(name)
        where = str(folder.relative_to(self._tree_or_stop.root))
        label = folder.parent.name.lower()
        if label in LABELS and label != emotion:
            log.marked(row, "emotion", label, f"the name of {where} says {emotion}, which is taken")
        clip = Annotation(row, number.zfill(2), name, None, None, None, emotion=emotion)
        try:
            numbers = FolderFrames(folder).numbers
        except DataError:
            reason = "the folder holds no images: the clip is counted, but cannot be scored"
            log.marked(row, "frames", where, reason)
            return replace(clip, problem="no images")
        known = frame_numbers(1, numbers)
        n_missing = known[-1] - known[0] + 1 - len(known)
        if n_missing:
            log.marked(row, "frames", where, f"{n_missing} of the numbers from {known[0]} to {known[-1]} have no image")
        return replace(clip, onset=known[0], offset=known[-1], first=known[0])

    @cached_property
    def _tree_or_stop(self) -> NestedTree:
        """The tree of the dataset's folder, or the error that it is missing."""
        if self.params.root is None and not self._has_sheet:
            raise DataError(
                f"{self.id} needs its folder: give dataset.root=PATH (of several datasets dataset.{self.id}.root=PATH), "
                f"the folder that holds {self.layout.example}. "
                f"How to ask for it: mebench info {self.id}"
            )
        return super()._tree_or_stop


def _emotion(name: str) -> str | None:
    """The emotion in the name of a clip; None if it names none."""
    code = re.match(r"s\d+_([a-z]+)", name.lower())
    return CODES.get(code.group(1)) if code else None
