"""The sheets of CAS(ME)3: the content of each file by part, and the rows that are known to be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from mebench.annotations import Cleaning, Columns, Header

SPELLINGS = {"happiness": "happy", "sadness": "sad", "other": "others", "suprise": "surprise", "surprised": "surprise"}


@dataclass(frozen=True)
class Sheets:
    """Files and columns of one part. Of several versions of a file the latest is read.

    Attributes:
        both: names of the file of both kinds, with a column for the kind.
        micro: names of the file of the micro-expressions.
        macro: names of the file of the macro-expressions.
        forms: how the columns of all of them are recognised, best first.
        cleaning: how their cells are read.
        video: name of the one video of each person, where no column names it.
        both_first: the file of both kinds has the intervals, the others the emotions; else it has the intervals of one
            kind only.
    """

    both: tuple[str, ...]
    micro: tuple[str, ...]
    macro: tuple[str, ...]
    forms: tuple[Header | Columns, ...]
    cleaning: Cleaning
    video: str = ""
    both_first: bool = True


_NAMES = {
    "video": ("Filename", "Seq", "Sequence", "Video"),
    "kind": ("Type", "Expression Type", "Exp_type", "Expression", "Kind"),
}
SHEETS: Mapping[str, Sheets] = {
    "A": Sheets(
        both=("cas(me)3_part_A_v*.xls*",),
        micro=("cas(me)3_part_A_ME_label*.xls*", "casme3_label*.xls*", "*part_A_ME*.xls*"),
        macro=("cas(me)3_part_A_MaE_label*emotion*.xls*", "cas(me)3_part_A_MaE*.xls*", "*part_A_MaE*.xls*"),
        forms=(
            Header(required=("subject", "video", "onset", "offset", "kind"), names=_NAMES, sheet="AU+Emotion"),
            Header(required=("subject", "video", "onset", "offset", "units"), names=_NAMES, sheet="label"),
            Columns(("subject", "video", "onset", "apex", "offset", "units", "kind"), at_least=7),
        ),
        cleaning=Cleaning(spellings=SPELLINGS),
    ),
    "C": Sheets(
        both=("CAS(ME)3_part_C.xls*", "*part_C_v*.xls*"),
        micro=("CAS(ME)3_part_C_ME*.xls*", "*part_C_ME*.xls*"),
        macro=("CAS(ME)3_part_C_MaE*.xls*", "*part_C_MaE*.xls*"),
        forms=(Header(required=("subject", "onset", "offset"), names=_NAMES),),
        cleaning=Cleaning(
            subject_digits=2,
            subject_prefix="sub",
            spellings=SPELLINGS,
            kinds={"micro": "micro", "macro": "macro", "1": "micro", "0": "macro"},
        ),
        video="a",
        both_first=False,
    ),
}
"""By part, as the authors publish them. In `CAS(ME)3_part_C.xls` kind 1 is micro and 0 macro."""
BLINKS = "eye blink"
"""The sheet of the blinks in the file of both kinds of part A."""
BLINK_FORM = Header(required=("subject", "video", "onset", "offset"), names=_NAMES, sheet=BLINKS)

OCCLUDED = frozenset(
    [
        *[("spNO.2", "e", 138), ("spNO.145", "g", 150), ("spNO.146", "a", 530), ("spNO.147", "d", 1146)],
        *[("spNO.147", "e", 1058), ("spNO.155", "d", 5), ("spNO.179", "b", 7), ("spNO.200", "b", 518)],
        *[("spNO.204", "a", 606), ("spNO.206", "a", 10), ("spNO.206", "c", 69), ("spNO.214", "b", 5)],
        *[("spNO.214", "k", 4), ("spNO.215", "f", 5), ("spNO.215", "f", 2183)],
    ]
)
"""Micro-expressions whose apex a hand covers, by subject, video and onset: `casme3_partA_error_list_ZhouJu.xlsx` of the
authors.
"""

DAMAGED = {("spno.3", "j"): range(498, 577), ("spno.4", "j"): range(568, 610)}
"""Images that cannot be opened, by subject and video: `error_info_damaged_image_partA.txt` of the authors."""


@dataclass(frozen=True)
class Slip:
    """A cell that cannot be right, and its correct value."""

    column: str
    taken: str
    reason: str


SLIPS: Mapping[tuple[str, ...], Slip] = {
    ("spNO.216", "d", "3647", "2668", "2694"): Slip(
        "onset", "2647", "a slip of the pen: the apex and the offset are 2668 and 2694"
    ),
}
"""By subject, video, onset, apex and offset as written in the sheet."""
