"""SAMM: short clips, one micro-expression each."""

from mebench.annotations import OBJECTIVE, Cleaning, Header, Layout, SheetDataset, by_name, three_classes
from mebench.core import Published, Scheme, SubjectKey

LABELS = ("anger", "other", "happiness", "surprise", "contempt", "disgust", "fear", "sadness")


class Samm(SheetDataset):
    """The files of a clip keep the numbers of the long recording that it was cut from."""

    id = "samm"
    revision = "2"
    kinds = ("micro",)
    short_videos = True
    fps = 200.0
    files = ("SAMM_*Micro_FACS_Codes*.xls*", "SAMM*Micro*.xls*", "SAMM*.xls*")
    signature = {"Filename": r"\d+_\d+_\d+", "Onset Frame": ".*", "Estimated Emotion": ".*"}  # noqa: RUF012  (a constant map)
    forms = (Header(required=("subject", "video", "onset", "apex", "offset", "emotion"), sheet="MICRO_ONLY"),)
    cleaning = Cleaning(subject_digits=3, spellings={"others": "other", "suprise": "surprise"})
    layout = Layout(
        example="SAMM/006/006_1_2/006_05562.jpg", folder="{subject}/{video}", also=("{video}",), homes=("SAMM",)
    )
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("megc2019", ("anger", "contempt", "disgust", "sadness", "fear")),
        three_classes("three", ("anger", "contempt", "disgust", "sadness", "fear")),
        OBJECTIVE,
    )
    published = Published(
        source="SAMM_Micro_FACS_Codes_v2.xlsx; 29 people show a micro-expression",
        subjects=29,
        expressions={"micro": 159},
        emotions=dict(zip(LABELS, (57, 26, 26, 15, 12, 9, 8, 6))),
    )

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: SAMM and SAMM Long Videos show the same people under the same numbers."""
        return SubjectKey("samm", key.subject)


Plugin = Samm
