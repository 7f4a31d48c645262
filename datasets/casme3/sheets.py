"""The sheets of CAS(ME)3: which file holds what of which part, and which rows are known to be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from mebench.annotations import Cleaning, Columns, Header

SPELLINGS = {"happiness": "happy", "sadness": "sad", "other": "others", "suprise": "surprise", "surprised": "surprise"}


@dataclass(frozen=True)
class Sheets:
    """Files and columns of one part.

    Attributes:
        micro: known names of the file of the micro-expressions, or of both kinds, best first.
        macro: known names of the file of the macro-expressions.
        forms: how the columns of both are recognised.
        cleaning: how their cells are read.
        video: name of the one video of each person, where no column names it.
    """

    micro: tuple[str, ...]
    macro: tuple[str, ...]
    forms: tuple[Header | Columns, ...]
    cleaning: Cleaning
    video: str = ""


_NAMES = {
    "video": ("Filename", "Seq", "Sequence", "Video"),
    "kind": ("Type", "Expression Type", "Expression", "Kind"),
}
SHEETS: Mapping[str, Sheets] = {
    "A": Sheets(
        micro=(
            "cas(me)3_part_A_ME_label_JpgIndex_v*_2*.xls*",
            "cas(me)3_part_A_ME_label_JpgIndex_v*_final*.xls*",
            "cas(me)3_part_A_ME_label*.xls*",
            "cas(me)3_part_A_v*.xls*",
            "casme3_label*.xls*",
            "*part_A*ME*.xls*",
        ),
        macro=("cas(me)3_part_A_MaE_label*emotion*.xls*", "cas(me)3_part_A_MaE*.xls*", "*part_A*MaE*.xls*"),
        forms=(
            Header(required=("subject", "video", "onset", "offset"), names=_NAMES, sheet="label"),
            Columns(("subject", "video", "onset", "apex", "offset", "units", "kind"), at_least=7),
        ),
        cleaning=Cleaning(spellings=SPELLINGS),
    ),
    "C": Sheets(
        micro=("CAS(ME)3_part_C_ME*.xls*", "*part_C*ME*.xls*"),
        macro=("CAS(ME)3_part_C_MaE*.xls*", "*part_C*MaE*.xls*"),
        forms=(Header(required=("subject", "onset", "offset"), names=_NAMES),),
        cleaning=Cleaning(subject_digits=2, subject_prefix="sub", spellings=SPELLINGS),
        video="a",
    ),
}
"""By part. `v1` of part A has both kinds in one file, later ones the micro-expressions alone."""


@dataclass(frozen=True)
class Slip:
    """A cell that cannot be right, and what it must have been."""

    column: str
    taken: str
    reason: str


SLIPS: Mapping[tuple[str, ...], Slip] = {
    ("spNO.216", "d", "3647", "2668", "2694"): Slip(
        "onset", "2647", "a slip of the pen: the apex and the offset are 2668 and 2694"
    ),
}
"""By subject, video, onset, apex and offset as they stand in the sheet."""
