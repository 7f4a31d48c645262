"""SAMM Long Videos: the recordings that SAMM was cut from, with macro-expressions too."""

import re
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
    SheetDataset,
    Table,
    by_name,
    name_in,
    need_table,
    read_row,
    three_classes,
)
from mebench.annotations.layout import candidates
from mebench.core import Published, Scheme, SubjectKey
from mebench.errors import DataError

from .emotions import FILES as SAMM_FILES, FORM as SAMM_FORM, SammLabels, read_labels
from .params import Params as _Params

LABELS = ("anger", "other", "happiness", "surprise", "contempt", "disgust", "fear", "sadness")
NEGATIVE = ("anger", "contempt", "disgust", "sadness", "fear")
OVER_LONG = "over_long"
"""Flag of the macro-expressions whose onset the authors left out because they last too long."""
NO_ONSET = ("0", "1")
"""The sheet's value for their onset: 0 in releases 1 and 2, 1 in release 3."""


class SammLv(SheetDataset):
    """A file name, `006_1_2`, is the video `006_1` and the number of the expression in it."""

    Params = _Params
    params: _Params
    id = "samm_lv"
    revision = "2"
    kinds = ("micro", "macro")
    fps = 200.0
    files = (
        "SAMM_LongVideos_V3_Release*.xls*",
        "SAMM_LongVideos_V2_Release*.xls*",
        "SAMM_LongVideos_V1_Release*.xls*",
        "*SAMM*Long*Video*.*",
    )
    signature = {"Filename": r"\d+_\d+_\d+", "Inducement Code": ".*", "Type": "m[ia]cro.*"}  # noqa: RUF012  (a constant map)
    forms = (Header(required=("subject", "video", "onset", "apex", "offset", "kind"), names={"kind": ("Type",)}),)
    cleaning = Cleaning(subject_digits=3)
    layout = Layout(
        example="SAMM_longvideos/006_1/006_1_0001.jpg",
        folder="{video}",
        homes=("SAMM_longvideos",),
        video_name=r"(?P<subject>\d+)_\d+",
    )
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("mean2022", NEGATIVE),
        Scheme(
            "four",
            ("positive", "negative", "surprise", "others"),
            {"happiness": "positive", "surprise": "surprise", "other": "others"} | dict.fromkeys(NEGATIVE, "negative"),
        ),
        OBJECTIVE,
    )
    published = Published(
        source="Yap et al. 2020, emotions by SAMM_Micro_FACS_Codes_v2.xlsx",
        subjects=30,
        expressions={"micro": 159, "macro": 343},
        emotions=dict(zip(LABELS, (57, 26, 26, 15, 12, 9, 8, 6))),
    )

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """The expressions of the sheet, with the emotions of SAMM's where that is at hand."""
        table = need_table(sheets, *self.forms, file=self.annotation_file)
        self._labels = labels = self._samm_labels(log)
        found = super().read(sheets, log)
        for label in labels.unused() if labels else ():
            reason = f"row {label.row} of {labels.where if labels else ''} has no such file name in this sheet"
            log.marked(None, table.columns["video"], label.video, reason)
        return found

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The expression of a row in its video, flagged if it has no onset because it is too long."""
        name = name_in(row, table, "video", log)
        parts = re.match(r"(\d+)_\d+", name)
        onset = row.get("onset")
        over_long = onset in NO_ONSET and "macro" in row.get("kind").casefold()
        if over_long:
            reason = "marks a macro-expression that is too long; it is flagged, and begins with the first frame"
            first = str(self.layout.first)
            if onset == first:
                log.marked(row.number, table.columns["onset"], onset, reason)
            else:
                log.repaired(row.number, table.columns["onset"], onset, first, reason)
            row = replace(row, cells={**row.cells, "onset": first})
        read = read_row(row, table, self.cleaning, log, video=parts.group() if parts else name)
        return read.with_flags(OVER_LONG) if read is not None and over_long else read

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: SAMM and SAMM Long Videos show the same people under the same numbers."""
        return SubjectKey("samm", key.subject)

    def read_row(self, row: Row, table: Table, log: Log) -> Sequence[Annotation]:
        """The expression of a row with the label of SAMM's sheet; a micro-expression that has none there is listed."""
        found = super().read_row(row, table, log)
        if (labels := self._labels) is None or not found:
            return found
        label = labels.find(row.get("video"), found[0].kind)
        if label is not None:
            return [replace(found[0], emotion=label.emotion, objective=label.objective or found[0].objective)]
        if found[0].kind == "micro":
            reason = f"not in {labels.where}: no emotion is known"
            log.marked(row.number, table.columns["video"], row.get("video"), reason)
        return found

    def _samm_labels(self, log: Log) -> SammLabels | None:
        """SAMM's sheet, if there is one: the given file, else the best one below the root or in the folder of the
        annotations.
        """
        given = self.params.samm_sheet
        path = None if given is None else Path(given).expanduser()
        if path is None:
            found = (
                [path for name in SAMM_FILES for path in sorted(self.annotation_file.parent.glob(name))]
                if self.params.root is None
                else candidates(self._tree_or_stop, SAMM_FILES, SAMM_FORM)
            )
            path = next(iter(found), None)
        elif not path.is_file():
            raise DataError(
                f"dataset.samm_sheet={given} is not a file: expected SAMM's annotations, such as {SAMM_FILES[0]}"
            )
        if path is not None:
            return read_labels(path, log)
        reason = (
            f"the sheet has no emotions, and SAMM's sheet, {SAMM_FILES[0]}, is missing: name it with "
            "dataset.samm_sheet=FILE"
        )
        log.marked(None, "emotion", "", reason)
        return None


Plugin = SammLv
