"""CASME II: short clips, one micro-expression each."""

from collections.abc import Sequence
from dataclasses import replace

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Header,
    Layout,
    Log,
    Sheet,
    SheetDataset,
    by_name,
    three_classes,
)
from mebench.core import Published, Scheme

FIVE = {label: label for label in ("disgust", "happiness", "others", "surprise", "repression")}
LABELS = ("others", "disgust", "happiness", "repression", "surprise", "sadness", "fear")
NOT_MEGC2019, NOT_MEAN, KNOWN = "not_in_megc2019", "not_in_mean2022", "known_defect"
MOVED = (("24", "EP07_01"), ("24", "EP07_04f"), ("24", "EP10_03"))
"""Clips labelled sadness in the sheet of 2014 and surprise in the sheet of 2019."""
INDEX_ERROR = (66, 111, 111)
"""File numbers of the clip that the public program of MEAN leaves out because its frames end too early, as released."""


class Casme2(SheetDataset):
    """The clips contain more frames than those from onset to offset."""

    id = "casme2"
    revision = "2"
    kinds = ("micro",)
    short_videos = True
    fps = 200.0
    files = ("CASME2-coding-*.xls*", "CASME2_label_Ver_*.xls*", "CASME2*label*.xls*", "CASME2*coding*.*")
    signature = {"Filename": r"EP\d+_\d+.*", "OnsetFrame": ".*", "Estimated Emotion": ".*"}  # noqa: RUF012  (a constant map)
    forms = (Header(required=("subject", "video", "onset", "apex", "offset", "emotion")),)
    cleaning = Cleaning(subject_digits=2, subject_prefix="sub", spellings={"other": "others", "happy": "happiness"})
    layout = Layout(
        example="CASME2-RAW/sub01/EP02_01f/img1.jpg",
        folder="sub{subject}/{video}",
        also=("{subject}/{video}", "sub{subject}_{video}", "{subject}_{video}"),
        homes=("CASME2-RAW", "CASME2_RAW_selected", "RAW_selected"),
        cropped=("Cropped",),
    )
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("megc2019", ("disgust", "repression"), excluded=[NOT_MEGC2019]),
        three_classes("three", ("disgust", "repression", "sadness", "fear")),
        Scheme("five", tuple(FIVE), FIVE),
        Scheme("five_mean2022", tuple(FIVE), FIVE, excluded=frozenset([NOT_MEAN])),
        OBJECTIVE,
    )
    marks = {  # noqa: RUF012  (a constant map)
        ("04", "EP12_01f"): (NOT_MEGC2019, NOT_MEAN),  # its apex is `/`
        ("05", "EP09_05f"): (NOT_MEGC2019,),  # its apex is its onset
        ("24", "EP02_07"): (NOT_MEGC2019,),
        **dict.fromkeys(MOVED, (NOT_MEGC2019,)),  # sadness in 2014, which the challenge scores not, surprise in 2019
    }
    published = Published(
        source="CASME2-coding-20140508.xlsx (the paper counts 247 clips, the sheet released later 255)",
        subjects=26,
        expressions={"micro": 255},
        emotions=dict(zip(LABELS, (99, 63, 32, 27, 25, 7, 2))),
    )
    published_2019 = replace(
        published, source="CASME2-coding-20190701.xlsx", emotions=dict(zip(LABELS, (99, 63, 32, 27, 28, 4, 2)))
    )

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """All annotations; the sheet of 2019 is compared with the counts of 2019."""
        found = super().read(sheets, log)
        moved = [a for a in found if (a.subject, a.video) in MOVED and a.emotion == "surprise"]
        if moved:
            self.published = self.published_2019
            names = ", ".join(f"{a.subject}/{a.video}" for a in moved)
            reason = "the sheet of 2019 moves them from sadness to surprise; scheme megc2019 leaves them out with either sheet"
            log.marked(None, "Estimated Emotion", names, reason)
        return found

    def mark(self, annotation: Annotation) -> Annotation:
        """Flags of clips that published subsets leave out."""
        marked = super().mark(annotation)
        if (marked.onset, marked.apex, marked.offset) == INDEX_ERROR:
            marked = marked.with_flags(NOT_MEAN, KNOWN)
        return marked


Plugin = Casme2
