"""The emotions of SAMM Long Videos, from the sheet of SAMM: one label for each file name and kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mebench.annotations import Annotation, Cleaning, Header, Log, need_table, read_row, read_sheets
from mebench.annotations.layout import fold
from mebench.core import Kind

FILES = ("SAMM_*Micro_FACS_Codes*.xls*", "SAMM*Micro*.xls*")
FORM = Header(required=("video", "onset", "offset", "emotion"), sheet="MICRO_ONLY")
CLEANING = Cleaning(subject_digits=3, spellings={"others": "other", "suprise": "surprise"})


@dataclass
class SammLabels:
    """Rows of SAMM's sheet by file name and kind, and which of them were asked for.

    Attributes:
        where: file and sheet, for reports.
        rows: by folded file name and kind.
    """

    where: str
    rows: dict[tuple[str, Kind], Annotation]
    _used: set[tuple[str, Kind]] = field(default_factory=set)

    def find(self, name: str, kind: Kind) -> Annotation | None:
        """The row of a file name, `006_1_2`, or None."""
        key = (fold(name), kind)
        self._used.add(key)
        return self.rows.get(key)

    def unused(self) -> Iterator[Annotation]:
        """Rows that `find` never gave."""
        return (row for key, row in self.rows.items() if key not in self._used)


def read_labels(path: Path, log: Log) -> SammLabels:
    """Read SAMM's sheet; only repairs of emotions are logged, since its frame numbers are not used.

    Raises:
        DataError: it has no column of emotions, or cannot be read.
    """
    table = need_table(read_sheets(path), FORM, file=path)
    own = Log(table.sheet.where)
    rows: dict[tuple[str, Kind], Annotation] = {}
    for row in table.rows:
        found = read_row(row, table, CLEANING, own)
        if found is not None and found.video and found.emotion is not None:
            rows.setdefault((fold(found.video), found.kind), found)
    log.repairs += [repair for repair in own.repairs if repair.column == table.columns["emotion"]]
    return SammLabels(table.sheet.where, rows)
