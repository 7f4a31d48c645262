"""MEVIEW: short clips from television, as video files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Header,
    Layout,
    Log,
    Row,
    Sheet,
    Table,
    by_name,
    name_in,
    read_row,
    subject_id,
    three_classes,
)
from mebench.annotations.film_dataset import FilmDataset, plain_film_name
from mebench.annotations.names import plain_name
from mebench.annotations.text import HEADER_WITHIN
from mebench.core import Published, Scheme
from mebench.errors import DataError
from mebench.files import read_plain
from mebench.frames.videofile import without_film_ending

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


class Meview(FilmDataset):
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
    layout = Layout(example="me-cuts/cuts/sub01-1.mp4", folder="{video}")
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
        known = {plain_film_name(annotation.video) for annotation in found}
        unknown = [name for name in names if plain_film_name(name) not in known]
        if unknown:
            raise DataError(
                f"dataset.subset={self.params.subset} names {', '.join(unknown)}, which {self.annotation_file.name} does not "
                f"hold: expected names of clips such as {found[0].video if found else 'sub01-1'}, one a line"
            )
        wanted = set(map(plain_film_name, names))
        chosen = [annotation for annotation in found if plain_film_name(annotation.video) in wanted]
        reason = f"left out: not among the clips of {self.params.subset}"
        log.marked(None, "subset", f"{len(found) - len(chosen)} of {len(found)} rows", reason)
        return chosen

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The micro-expression of a row, its clip called as the video file."""
        subject, name = subject_id(row, table, self.cleaning, log), name_in(row, table, "video", log)
        clip = f"sub{subject}-{name}" if name.isdigit() else without_film_ending(name)
        return read_row(row, table, self.cleaning, log, subject=subject, video=clip)

    @classmethod
    def film_name(cls, path: Path) -> str:
        """The name of a clip; a folder of images `01` in `sub01` is clip `sub01-01`."""
        return f"{path.parent.name}-{path.name}" if path.name.isdigit() else path.name


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
