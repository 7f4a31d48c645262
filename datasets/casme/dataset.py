"""CASME: short clips, one micro-expression each."""

from mebench.annotations import OBJECTIVE, Cleaning, Header, Layout, by_name, three_classes
from mebench.annotations.nested import NestedDataset
from mebench.core import Published, Scheme

LABELS = ("disgust", "repression", "tense", "surprise", "sadness", "happiness", "contempt", "fear")


class Casme(NestedDataset):
    """The sheet has columns `Onset` and `Total` too, which are durations in ms and no frame numbers."""

    id = "casme"
    revision = "1"
    kinds = ("micro",)
    short_videos = True
    fps = 60.0
    files = ("CASME-coded-*.xls*", "CASME*cod*.xls*", "casme.xls*")
    signature = {"Filename": r"EP.*", "OnsetF": ".*", "ApexF1": ".*"}  # noqa: RUF012  (a constant map)
    forms = (
        Header(
            required=("subject", "video", "onset", "apex", "offset", "emotion"),
            names={
                "onset": ("OnsetF", "Onset Frame"),
                "apex": ("ApexF1", "ApexF", "Apex Frame", "Apex1"),
                "offset": ("OffsetF", "Offset Frame"),
            },
        ),
    )
    cleaning = Cleaning(
        subject_digits=2,
        subject_prefix="sub",
        spellings={"amusement": "happiness", "happy": "happiness", "sad": "sadness"},
    )
    layout = Layout(
        example="CASME_raw_selected/sub01/EP01_12/EP01_12-73.jpg",
        folder="sub{subject}/{video}",
        also=("{subject}/{video}", "sub{subject}_{video}", "{subject}_{video}"),
        homes=("CASME_raw_selected", "CASME_RAW", "Section A", "Section B"),
        cropped=("Cropped",),
        video_name=r"EP\d.*",
    )
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("three", ("disgust", "repression", "sadness", "contempt", "fear")),
        OBJECTIVE,
    )
    published = Published(
        source="CASME-coded-20190721.xls (the paper counts 195 clips of 19 people, the sheet released later 193)",
        subjects=19,
        expressions={"micro": 193},
    )


Plugin = Casme
