"""4DME: short clips, one micro-expression each, with one emotion or two."""

import re
from dataclasses import replace
from itertools import combinations

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Header,
    Layout,
    Log,
    Row,
    SheetDataset,
    Table,
    by_name,
    three_classes,
)
from mebench.annotations.schemes import tokens
from mebench.core import Published, Scheme

LABELS = ("positive", "negative", "surprise", "repression", "others")
SETS = {"+".join(sorted(some)): "+".join(some) for n in (1, 2, 3) for some in combinations(LABELS, n)}
"""Up to three annotated emotions of one clip, in the order of the classes."""
HELD = re.compile(r"\(\s*k\s*\)", re.IGNORECASE)
"""Sign of an action unit that a person shows permanently, so that it is not part of the movement."""


class FourDme(SheetDataset):
    """Two emotions of one clip make one label in the order of the alphabet: `positive+surprise`."""

    id = "four_dme"
    revision = "1"
    kinds = ("micro",)
    short_videos = True
    fps = 60.0
    files = ("4DME_Labelling_Micro*.xls*", "*4DME*.xls*")
    signature = {"sub_ID": ".*", "fold_name": ".*"}  # noqa: RUF012  (a constant map)
    forms = (
        Header(
            required=("subject", "video", "onset", "apex", "offset", "emotion"),
            names={"subject": ("sub_ID", "Subject"), "video": ("fold_name", "Filename")},
        ),
    )
    cleaning = Cleaning(spellings={"other": "others", "happy": "positive"})
    layout = Layout(
        example="gray_micro/S13/001_01_1/2481.jpg",
        folder="{subject}/{video}",
        homes=("gray_micro",),
        cropped=("gray_micro_crop",),
    )
    schemes = by_name(
        Scheme.native(LABELS),
        Scheme("4dmr2025", LABELS, SETS, several=True),
        three_classes("three", ("negative", "repression"), ("positive",)),
        OBJECTIVE,
    )
    published = Published(
        source="4DME_Labelling_Micro_release v1.xlsx (Li et al. 2023)", subjects=None, expressions={"micro": 267}
    )

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The annotation of a row without the action units that are held, its emotions in the order of the alphabet."""
        said = row.get("units")
        units = tokens(said)
        moving = "+".join(unit for unit in units if not HELD.search(unit))
        if any(map(HELD.search, units)):
            reason = "units marked (k) are held all the time and no part of the movement"
            log.repaired(row.number, table.columns["units"], said, moving, reason)
            row = replace(row, cells={**row.cells, "units": moving})
        found = super().annotation(row, table, log)
        if found is None or found.emotion is None:
            return found
        labels = sorted(label for part in re.split(r"[+/,&]", found.emotion) if (label := part.strip()))
        if len(labels) > 1:
            column = table.columns["emotion"]
            log.marked(row.number, column, found.emotion, "two emotions: of the schemes only 4dmr2025 scores the clip")
        return replace(found, emotion="+".join(self.cleaning.spellings.get(label, label) for label in labels))


Plugin = FourDme
