"""MMEW: short clips, one micro-expression each, sorted into folders by emotion."""

import re

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Header,
    Layout,
    Log,
    Row,
    Table,
    by_name,
    read_row,
    three_classes,
)
from mebench.annotations.nested import NestedDataset
from mebench.core import Published, Scheme

LABELS = ("happiness", "surprise", "anger", "disgust", "fear", "sadness", "others")
BASIC = {label: label for label in LABELS if label != "others"}


class Mmew(NestedDataset):
    """A clip's name consists of person, emotion and number, `S03-01-002`; the folders above it differ between copies."""

    id = "mmew"
    revision = "1"
    kinds = ("micro",)
    short_videos = True
    fps = 90.0
    files = ("MMEW_Micro_Exp*.xls*", "MMEW_Micro_Exp*.csv", "*MMEW*.xls*")
    signature = {"Filename": r"S\d+-\d+-\d+", "OnsetFrame": ".*"}  # noqa: RUF012  (a constant map)
    forms = (Header(required=("video", "onset", "apex", "offset", "emotion")),)
    cleaning = Cleaning(subject_digits=2, subject_prefix="S", spellings={"other": "others", "happy": "happiness"})
    layout = Layout(
        example="MMEW_Final/Micro_Expression/happiness/S03-01-002/1.jpg",
        folder="{video}",
        homes=("Micro_Expression",),
        video_name=r"S(?P<subject>\d+)-\d+-\d+",
    )
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("three", ("anger", "disgust", "fear", "sadness")),
        Scheme("six", tuple(BASIC), BASIC),
        OBJECTIVE,
    )
    published = Published(
        source="Ben et al. 2022 (DPAI Lab, Shandong University)", subjects=None, expressions={"micro": 300}
    )

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The annotation of a row; without a cell for the person, the clip's name gives it."""
        clip = re.fullmatch(self.layout.video_name, row.get("video"), re.IGNORECASE)
        if clip is None or row.get("subject"):
            return super().annotation(row, table, log)
        person = clip["subject"].zfill(self.cleaning.subject_digits)
        found = read_row(row, table, self.cleaning, log, subject=person)
        if found is not None:
            log.repaired(row.number, table.columns.get("subject", "subject"), "", person, f"as the name {clip[0]} says")
        return found


Plugin = Mmew
