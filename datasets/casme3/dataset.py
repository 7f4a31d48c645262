"""CAS(ME)3: long videos in colour and depth, with macro- and micro-expressions in files of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Layout,
    Log,
    Row,
    Sheet,
    SheetDataset,
    Table,
    by_name,
    find_table,
    name_in,
    need_table,
    read_row,
    read_sheets,
    three_classes,
)
from mebench.annotations.layout import called, candidates
from mebench.annotations.names import plain_name
from mebench.annotations.reading import begin, is_remark
from mebench.core import Kind, Repair, Scheme, Video
from mebench.errors import DataError
from mebench.frames import FolderFrames

from .params import Params as _Params
from .sheets import BLINK_FORM, BLINKS, DAMAGED, OCCLUDED, SHEETS, SLIPS

COVERED = "occluded"
"""Flag of a micro-expression whose apex is covered."""
LABELS = ("disgust", "surprise", "others", "fear", "anger", "sad", "happy")
LABELS_C = ("negative", "positive", "surprise", "others")
_FOUR = {"positive": "positive", "negative": "negative", "surprise": "surprise", "others": "others"}
_LONG = Layout(
    example="part_A/data/part_A/spNO.1/a/color/1.jpg",
    folder="{subject}/{video}/color?",
    homes=("part_A",),
    video_name=r"[A-Za-z]+",
)
_CLIPS = Layout(
    example="Part_A_ME_clip/frame/spNO.1_a_355/355.jpg",
    folder="{subject}_{video}",
    homes=("frame",),
    video_name=r"[A-Za-z]+_\d+",
)
_QUESTIONED = Layout(
    example="part_C/01/a/color/1.jpg",
    folder="{subject}/{video}/color?",
    also=("{subject}/color?",),
    homes=("part_C",),
    video_name=r"[A-Za-z]+",
)


class Casme3(SheetDataset):
    """Part A or part C; a video of part A is called by a letter, the only one of a person in part C is `a`."""

    Params = _Params
    params: _Params
    id = "casme3"
    revision = "2"
    kinds: tuple[Kind, ...] = ("micro", "macro")
    fps = 30.0
    files = (*SHEETS["A"].both, *SHEETS["A"].micro)
    forms = SHEETS["A"].forms
    signature = {"Subject": r"spNO\..*", "Onset": ".*", "Filename": ".*"}  # noqa: RUF012  (a constant map)
    cleaning = SHEETS["A"].cleaning
    layout = _LONG
    damaged = DAMAGED
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("three", ("disgust", "fear", "anger", "sad"), ("happy",)),
        Scheme(
            "four",
            tuple(_FOUR),
            {"others": "others", "surprise": "surprise", "happy": "positive"}
            | dict.fromkeys(("disgust", "fear", "anger", "sad"), "negative"),
        ),
        Scheme.native(LABELS, "seven"),
        OBJECTIVE,
    )

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        self._sheets = SHEETS[params.part]
        if params.part == "C":
            self.files, self.forms = (*self._sheets.micro, *self._sheets.both), self._sheets.forms  # type: ignore[misc]
            self.cleaning, self.layout = self._sheets.cleaning, _QUESTIONED  # type: ignore[misc]
            self.revision = "2-C"
            self.schemes = by_name(
                Scheme.native(LABELS_C),
                three_classes("three", LABELS_C[:1], LABELS_C[1:2]),
                Scheme("four", tuple(_FOUR), _FOUR),
                OBJECTIVE,
            )
        if params.clips:
            self.layout, self.short_videos = _CLIPS, True  # type: ignore[misc]  # which one depends on the parameters
            self.files = (*self._sheets.micro, *self._sheets.both)  # type: ignore[misc]  # the folders are called as in the first
            self.kinds = ("micro",)
            self.tasks = frozenset({"recognize"})  # a clip is its expression and nothing else
            self.revision = "2-clips"
        if params.occluded == "left_out":
            left_out = {name: replace(s, excluded=s.excluded | {COVERED}) for name, s in self.schemes.items()}
            self.schemes, self.revision = left_out, f"{self.revision}-uncovered"

    @classmethod
    def sheet_names(cls) -> Mapping[str, Mapping[str, str]]:
        """The emotion schemes of both parts."""
        return {name: {"part": part} for part, s in SHEETS.items() for name in (*s.both, *s.micro, *s.macro)}

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """The expressions of both kinds: from one file, with their emotions in others, or from a file each."""
        table = need_table(sheets, *self.forms, file=self.annotation_file)
        whole = "kind" in table.columns
        found = self._rows(table, "micro", log)
        if self.params.clips:
            return [a for a in found if a.kind == "micro"]
        where = log.where
        if whole and self._sheets.both_first:
            found = self._with_emotions(found, "micro", self._file("emotions", self._sheets.micro), log)
            found = self._with_emotions(found, "macro", self._file("macro_annotations", self._sheets.macro), log)
        elif not whole:
            path = self._file("macro_annotations", (*self._sheets.macro, *self._sheets.both))
            found += self._macro(path, found, log)
        log.where = (
            where if log.where == where else f"{where}, and {log.where}"
        )  # later remarks on frames concern all videos
        return found

    def read_distractors(self) -> Sequence[tuple[str, Annotation]]:
        """The blinks of part A, which are in a separate sheet of the file of both kinds."""
        if self.params.clips or self.params.part != "A":
            return ()
        files = (self.annotation_file, *self._called(self._sheets.both)[:1])
        for sheet in (sheet for path in files for sheet in read_sheets(path)):
            if plain_name(sheet.name) == plain_name(BLINKS) and (table := find_table([sheet], BLINK_FORM)):
                quiet = Log(sheet.where)  # 841 rows: a single remark follows below
                found = [self._annotation(row, table, self.cleaning, quiet) for row in table.rows]
                return [("blink", a) for a in found if a is not None]
        return ()

    def mark(self, annotation: Annotation) -> Annotation:
        """The expression, with a flag if a hand covers the apex."""
        a = super().mark(annotation)
        key = (a.subject, a.video.split("_")[0], a.onset)
        return a.with_flags(COVERED) if a.kind == "micro" and key in OCCLUDED and self.params.part == "A" else a

    def depth(self, video: Video) -> tuple[Path | None, ...]:
        """The depth images of a video: one for each frame, or None.

        They are 16-bit PNG files in the size of the frames. Empty if the video has no frames or no folder of depth
        images.
        """
        color = self.folder(video)
        folder = self._depth_folder(color) if color is not None else None
        if color is None or folder is None:
            return ()
        try:
            depth = FolderFrames(folder, self.layout.pattern)
        except DataError:  # an empty folder
            return ()
        by_number = {number: folder / name for number, name in zip(depth.numbers, depth.names)}
        return tuple(by_number.get(number) for number in FolderFrames(color, self.layout.pattern).numbers)

    def repair_rows(self) -> Sequence[Repair]:
        """As of every sheet, and how many videos have depth images."""
        return (*super().repair_rows(), *self._depth_remark)

    def _rows(self, table: Table, kind: Kind, log: Log) -> list[Annotation]:
        """The expressions of one sheet, of this kind unless a column gives another one."""
        begin(table, log)
        cleaning = replace(self.cleaning, kind=kind)
        found = (self._annotation(row, table, cleaning, log) for row in table.rows)
        return [self.mark(annotation) for annotation in found if annotation is not None]

    def _annotation(self, row: Row, table: Table, cleaning: Cleaning, log: Log) -> Annotation | None:
        """The expression of a row, with slips of the pen put right and the names that folders have."""
        # A heading with unknown names, above columns that were found by their position, is a remark.
        if is_remark(row) or (row.number == 1 and not any(c.isdigit() for c in row.get("onset") + row.get("offset"))):
            return read_row(replace(row, cells={}), table, cleaning, log)  # which logs it
        written = self._sheets.video or name_in(row, table, "video", log)
        name = written.lower()
        if written != name:
            log.repaired(row.number, table.columns["video"], written, name, "the folders have small letters")
        if self.params.clips and name:
            name = f"{name}_{row.get('onset')}"  # as in the sheet, right or wrong
        slip = SLIPS.get(tuple(row.get(what) for what in ("subject", "video", "onset", "apex", "offset")))
        if slip is not None:
            log.repaired(row.number, table.columns[slip.column], row.get(slip.column), slip.taken, slip.reason)
            row = replace(row, cells={**row.cells, slip.column: slip.taken})
        return read_row(row, table, cleaning, log, video=name)

    def _with_emotions(self, found: list[Annotation], kind: Kind, path: Path | None, log: Log) -> list[Annotation]:
        """The annotations, with the emotions that a file has for this kind; rows of either that have no other are
        logged.
        """
        mine = [a for a in found if a.kind == kind]
        if path is None:
            if mine and not any(a.emotion for a in mine):
                names = {"micro": ("emotions", self._sheets.micro), "macro": ("macro_annotations", self._sheets.macro)}
                word, files = names[kind]
                reason = (
                    f"the {kind}-expressions have no emotions, since {files[0]} is missing: name it with "
                    f"dataset.{word}=FILE"
                )
                log.marked(None, "emotion", "", reason)
            return found
        own, theirs = log.where, Log()
        labels = {_key(a): a for a in self._rows(need_table(read_sheets(path), *self.forms, file=path), kind, theirs)}
        log.repairs += [r for r in theirs.repairs if r.row is not None and r.column.casefold() in ("emotion", "onset")]
        self._differences(mine, labels, own, theirs.where, log)
        return [
            replace(a, emotion=labels[_key(a)].emotion) if a.kind == kind and _key(a) in labels else a for a in found
        ]

    def _macro(self, path: Path | None, micro: list[Annotation], log: Log) -> list[Annotation]:
        """The macro-expressions of a file; if it has micro-expressions too, those in only one of the two files are
        logged.
        """
        if path is None:
            files = (*self._sheets.macro, *self._sheets.both)
            reason = (
                f"the sheet of the macro-expressions, {files[0]}, is missing: name it with "
                "dataset.macro_annotations=FILE"
            )
            log.marked(None, "kind", "", reason)
            return []
        own = log.where
        found = self._rows(need_table(read_sheets(path), *self.forms, file=path), "macro", log)
        if any(a.kind == "micro" for a in found):
            self._differences([a for a in found if a.kind == "micro"], {_key(a): a for a in micro}, log.where, own, log)
        return [a for a in found if a.kind == "macro"]

    @staticmethod
    def _differences(
        rows: Sequence[Annotation], others: Mapping[tuple[object, ...], Annotation], here: str, there: str, log: Log
    ) -> None:
        """Log the rows of one sheet that the other lacks, and the reverse."""
        last, keys = log.where, {_key(a) for a in rows}
        missing = ([a for a in rows if _key(a) not in others], here, there)
        for lone, own, other in (missing, ([a for key, a in others.items() if key not in keys], there, here)):
            log.where = own
            for a in lone:
                reason = f"no row of {other} has this subject, file and onset"
                log.marked(a.row, "onset", f"{a.subject}/{a.video} {a.onset}", reason)
        log.where = last

    def _file(self, param: str, names: Sequence[str]) -> Path | None:
        """The file that a parameter names, else the best one below the root or in the folder of the annotations."""
        given = getattr(self.params, param)
        if given is not None:
            path = Path(given).expanduser()
            if not path.is_file():
                raise DataError(f"dataset.{param}={given} is not a file: expected one such as {names[0]}")
            return path
        found = next((path for path in self._called(names) if path != self.annotation_file), None)
        if found is not None:
            self._read_too = (*self._read_too, found)
        return found

    def _called(self, names: Sequence[str]) -> list[Path]:
        """Files of these names below the root, or in the folder of the annotations if no root is given."""
        if self.params.root is None:
            return called(names, sorted(self.annotation_file.parent.iterdir()))
        return candidates(self._tree_or_stop, names)

    def _depth_folder(self, color: Path) -> Path | None:
        """Next to the folder `color`; or next to `frame`, with the clip's own name."""
        tree = self._tree_or_stop
        if not self.params.clips:
            return tree.child(color.parent, "depth")
        home = tree.child(color.parent.parent, "depth")
        return tree.child(home, color.name) if home is not None else None

    @cached_property
    def _depth_remark(self) -> tuple[Repair, ...]:
        folders = [folder for video in self.videos() if (folder := self.folder(video)) is not None]
        deep = sum(self._depth_folder(folder) is not None for folder in folders)
        if not deep:
            return ()
        reason = (
            "there are depth images beside the colour ones: Casme3.depth(video) lists them, and no "
            "method reads them yet"
        )
        return (Repair(None, "depth", f"{deep} of {len(folders)} videos", None, reason),)


def _key(a: Annotation) -> tuple[object, ...]:
    """The key by which two sheets identify an expression."""
    return a.subject, a.video, a.onset


Plugin = Casme3
