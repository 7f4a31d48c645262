"""CAS(ME)2: long videos with macro- and micro-expressions; only three sheets together identify the folder of a row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mebench.annotations import (
    Annotation,
    Cleaning,
    Columns,
    Header,
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
    three_classes,
)
from mebench.core import Published, Scheme

LABELS = ("negative", "positive", "surprise", "others")
CODE_DIGITS = 4

_FIELDS = ("subject", "video", "onset", "apex", "offset", "units", "emotion", "kind", "report")
CODES = (
    Header(required=("subject", "video", "onset", "offset", "kind")),
    Columns((*_FIELDS, "", "folder"), at_least=11),  # `CAS(ME)^2code_final(Updated).csv`
    Columns(
        _FIELDS,
        sheet="CASFEcode_final",
        at_least=8,
    ),
)
FOLDER_OF_PERSON = Columns(("", "folder", "person"), sheet="naming rule1", numeric=("person",))
CODE_OF_NAME = Columns(("code", "name"), sheet="naming rule2", numeric=("code",))


FOLDER = re.compile(r"(?P<subject>s\d+)[/\\](?P<video>\d+_\d{4})")
"""Meaning of the last column of the updated codes for a video: `s15/15_0401girlcrashing`."""


@dataclass(frozen=True)
class Naming:
    """The two naming rules: participant -> folder (`1` -> `s15`), video name -> code (`anger1` -> `0401`)."""

    folders: dict[str, str]
    codes: dict[str, str]

    def subject(self, person: str) -> str:
        """The folder of a participant; a participant outside the rule gets a name without a folder."""
        if not person:
            return ""
        number = str(int(person)) if re.fullmatch(r"\d{1,9}", person) else person
        return self.folders.get(number, f"participant {number}" if self.folders else f"s{number}")


class CasMe2(SheetDataset):
    """A video is called by its folder's number and code, `15_0101`; the folder's name goes on with the video's name."""

    id = "cas_me2"
    revision = "2"
    kinds = ("micro", "macro")
    fps = 30.0
    files = (
        "CAS(ME)^2code_final*.xls*",
        "*CAS(ME)*code*.xls*",
        "*code_final*.xls*",
        "*CAS*ME*2*.xls*",
        "*code_final*.csv",
    )
    forms = CODES
    cleaning = Cleaning(spellings={"other": "others", "suprise": "surprise"})
    layout = Layout(
        example="rawpic/s15/15_0101disgustingteeth/img001.jpg",
        folder="{subject}/{video}*",
        homes=("rawpic",),
        video_name=r"\d+_\d{4}",
    )
    schemes = by_name(
        Scheme.native(LABELS),
        three_classes("mean2022", ("negative",), ("positive",)),
    )
    published = Published(
        source="CAS(ME)^2code_final.xlsx; Qu et al. 2018",
        subjects=22,
        expressions={"micro": 57, "macro": 300},
        emotions=dict(zip(LABELS, (21, 8, 9, 19))),
    )

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """The coded expressions, their videos called as their folders are."""
        named = "folder" in need_table(sheets, *CODES, file=self.annotation_file).columns
        self._naming = Naming({}, {}) if named else _naming(sheets, log)
        return super().read(sheets, log)

    def annotation(self, row: Row, table: Table, log: Log) -> Annotation | None:
        """The expression of a row, its video called as its folder is."""
        naming = self._naming
        person, expression = (name_in(row, table, what, log) for what in ("subject", "video"))
        subject = naming.subject(person)
        if person and naming.folders and subject not in naming.folders.values():
            reason = "not in naming rule 1: the folder is unknown; the folder of this number belongs to another person"
            log.marked(row.number, table.columns["subject"], person, reason, altered=True)
        name = expression.split("_")[0]
        code = naming.codes.get(name.casefold(), name)
        if name and code == name and naming.codes:
            log.marked(row.number, table.columns["video"], expression, "not in naming rule 2: its folder is unknown")
        video = f"{re.sub(r'[^0-9]', '', subject)}_{code}" if name else ""
        if place := FOLDER.search(row.get("folder")):
            subject, video = place["subject"], place["video"]
        return read_row(row, table, self.cleaning, log, subject=subject, video=video)


def _naming(sheets: Sequence[Sheet], log: Log) -> Naming:
    """The naming rules; without them people and videos keep the names of the codes."""
    people = _sheet_called(sheets, FOLDER_OF_PERSON)
    names = _sheet_called(sheets, CODE_OF_NAME)
    folders, codes = {}, {}
    for row in people.rows if people else ():
        if row.get("folder") and re.fullmatch(r"\d{1,9}", row.get("person")):
            folders[str(int(row.get("person")))] = row.get("folder")
    for row in names.rows if names else ():
        code, name = row.get("code"), row.get("name")
        if code.isdecimal() and name:
            full = code.zfill(CODE_DIGITS)
            if full != code:
                log.repaired(row.number, "naming rule 2, column 1", code, full, "leading zeros put back")
            codes[name.casefold()] = full
    if not (folders and codes):
        log.marked(
            None, "subject, video", "", "the sheets of the naming rules are missing: folders cannot be found by them"
        )
    return Naming(folders, codes)


def _sheet_called(sheets: Sequence[Sheet], form: Columns) -> Table | None:
    """The sheet of that name, else of that form."""
    plain = form.sheet.replace(" ", "").casefold()
    named = [s for s in sheets if s.name.replace(" ", "").replace("_", "").casefold() == plain]
    return find_table(named, form) if named else None


Plugin = CasMe2
