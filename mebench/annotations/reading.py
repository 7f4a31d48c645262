"""Turn a row of a table into an annotation: names, numbers, kind, emotion, action units."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mebench.annotations.annotation import Annotation, Log, frame_number, read_interval
from mebench.annotations.layout import check_name, fold
from mebench.annotations.names import BLANK, CODES, header_words, is_note_or_sum, kind_of
from mebench.annotations.schemes import REMARKS, objective_class, parse_roman, parse_unit, tokens
from mebench.annotations.sheets import DATE
from mebench.annotations.table import Columns, Header, Row, Table, table_of_file
from mebench.core import Kind
from mebench.grouping import group_by
from mebench.output.terminal import format_count

MANY = 3
"""Rows without a name, above which the column is at fault, and not each of them."""


@dataclass(frozen=True)
class Cleaning:
    """Rules for reading the cells of one dataset's sheets.

    Attributes:
        subject_digits: digits of a subject's id; leading zeros that a spreadsheet program took away are put back.
        subject_prefix: text that some releases write before the digits, `sub` for `sub01`; it is taken away.
        spellings: variants of native labels, lower case -> the one that counts.
        kinds: text in the column of the kind -> kind; the first entry that occurs in the cell wins.
        kind: the kind where there is no such column.
        units_to_objective: work the objective class out from the action units where the sheet has no column for it.
    """

    subject_digits: int = 0
    subject_prefix: str = ""
    spellings: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=lambda: {"micro": "micro", "macro": "macro"})
    kind: Kind = "micro"
    units_to_objective: bool = True


def read_row(
    row: Row,
    table: Table,
    cleaning: Cleaning,
    log: Log,
    *,
    subject: str | None = None,
    video: str | None = None,
) -> Annotation | None:
    """The annotation of a row; None, with a log entry, for a row without one (a remark below the table).

    Args:
        row: row of `table`.
        table: for the names of its columns.
        cleaning: rules of the dataset.
        log: log of every change.
        subject: the person's id if no column `subject` holds it.
        video: the video's id if no column `video` holds it.

    Raises:
        DataError: a name would lead out of the dataset's folder.
    """
    if is_remark(row):
        log.marked(row.number, "all columns", row.text[:80], "a remark, not an annotation: skipped")
        return None
    annotation = _interval(row, table, log)
    units = _units(row, table, log)
    subject_name = subject_id(row, table, cleaning, log) if subject is None else subject
    video_name = name_in(row, table, "video", log) if video is None else video
    if not subject_name or not video_name:
        problem = "no video is named" if subject_name else "no subject is named"
        annotation = replace(annotation, onset=None, apex=None, offset=None, problem=problem)
    return replace(
        annotation,
        subject=subject_name,
        video=video_name,
        kind=_kind(row, table, cleaning, log),
        emotion=_emotion(row, table, cleaning, log),
        units=units,
        objective=_objective(row, table, units, cleaning, log),
        first=frame_number(row.get("first"), row.number, table.columns.get("first", ""), log),
        fps=_fps(row, table, log),
    )


def is_remark(row: Row) -> bool:
    """Whether a row is a legend or a sum below the table.

    It names no video or no person, and has no frame number.
    """
    frames = [row.get(what) for what in ("onset", "apex", "offset")]
    has_number = any(re.search(r"\d", cell) for cell in frames)
    says_something = any(row.get(what) for what in ("emotion", "units", "kind", "onset"))
    if not has_number and not says_something:
        return True
    subject = row.get("subject") if "subject" in row.cells else "-"
    return is_note_or_sum([row.get("video"), subject], frames, row.text)


def one_spelling(found: Sequence[Annotation], log: Log) -> list[Annotation]:
    """The rows with one spelling of each person, that of the person's first row.

    Otherwise `s1`, `S1` and `s01` could be trained on and tested at once.
    """
    written: dict[str, str] = {}
    unified = [replace(a, subject=written.setdefault(fold(a.subject), a.subject)) for a in found]
    for a, new in zip(found, unified):
        if new.subject != a.subject:
            log.repaired(a.row, "subject", a.subject, new.subject, "the same person, in the spelling of an earlier row")
    return unified


def count_rows(path: Path, forms: Sequence[Header | Columns]) -> str:
    """The number of annotation rows in a file, in words, also by kind.

    It is 0 if the file cannot be read.
    """
    table = table_of_file(path, *forms)
    if table is None:
        return format_count(0, "row")
    rows = [row for row in table.rows if not is_remark(row)]
    kinds = Counter(row.get("kind") for row in rows if row.get("kind"))
    by_kind = f" ({', '.join(f'{kind} {n}' for kind, n in kinds.most_common())})" if kinds else ""
    return f"{format_count(len(rows), 'row')}{by_kind}"


def subject_id(row: Row, table: Table, cleaning: Cleaning, log: Log) -> str:
    """The person's id, with the leading zeros that the dataset writes.

    Raises:
        DataError: the name would lead out of the dataset's folder.
    """
    name = name_in(row, table, "subject", log)
    digits = re.fullmatch(rf"(?:{re.escape(cleaning.subject_prefix)})?\s*(\d+)(?:\.0)?", name, re.IGNORECASE)
    full = digits.group(1).zfill(cleaning.subject_digits) if digits else name
    if full != name:
        log.repaired(
            row.number, table.columns["subject"], name, full, "the id as the folders write it, with leading zeros"
        )
    return full


def name_in(row: Row, table: Table, what: str, log: Log) -> str:
    """A name from a cell, without surplus blanks; empty, with a log entry, if the cell has none.

    Raises:
        DataError: the name would lead out of the dataset's folder.
    """
    raw = row.cells.get(what, "")
    name = " ".join(raw.split())
    column = table.columns.get(what, what)
    if not name:
        if what not in log.nameless:
            log.marked(row.number, column, raw, "nothing is named: the row is counted, but cannot be scored")
        return ""
    if name != raw:
        log.repaired(row.number, column, raw, name, "blanks around a name mean nothing")
    check_name(name, f"{table.sheet.where}, row {row.number}, {column}")
    return name


def _interval(row: Row, table: Table, log: Log) -> Annotation:
    """The interval that the frame numbers of a row mean, still without person and video."""
    ends = ("onset", "apex", "offset")
    names = {what: table.columns.get(what, what) for what in ends}
    onset, apex, offset = (frame_number(row.cells.get(what, ""), row.number, names[what], log) for what in ends)
    return read_interval(onset, apex, offset, row.number, names, log)


def _kind(row: Row, table: Table, cleaning: Cleaning, log: Log) -> Kind:
    """The kind that the cell names, or the dataset's where there is none."""
    text = row.get("kind")
    kind = _kind_in(text, table.columns.get("kind", ""), cleaning)
    if kind is not None:
        return kind
    if "kind" in row.cells:
        log.repaired(row.number, table.columns["kind"], text, cleaning.kind, f"not one of {', '.join(cleaning.kinds)}")
    return cleaning.kind


def _kind_in(text: str, column: str, cleaning: Cleaning) -> Kind | None:
    """The kind that a text names by a word or, in some columns, by number."""
    named = [kind for word, kind in cleaning.kinds.items() if word in text.casefold()]
    if named:
        return named[0]
    kind = kind_of(text)
    if kind is None and header_words(column)[-1:] == ["idx"]:
        return CODES.get(text)
    return kind


def _emotion(row: Row, table: Table, cleaning: Cleaning, log: Log) -> str | None:
    """The native label, in the spelling that counts."""
    text = row.get("emotion")
    if text.casefold() in BLANK:
        if "emotion" in row.cells:
            log.marked(row.number, table.columns["emotion"], text, "no emotion is given")
        return None
    label = " ".join(text.casefold().split())
    emotion = cleaning.spellings.get(label, label)
    if emotion != label:
        log.repaired(row.number, table.columns["emotion"], text, emotion, "another spelling of the same label")
    return emotion


def _objective(row: Row, table: Table, units: Sequence[str], cleaning: Cleaning, log: Log) -> str | None:
    """The objective class that the cell gives or, without such a column, the action units."""
    text = row.get("objective")
    if text:
        objective = parse_roman(text)
        if objective is None:
            log.repaired(row.number, table.columns["objective"], text, "none", "not one of the classes I to VII")
        return objective
    if not cleaning.units_to_objective or "units" not in row.cells or "objective" in row.cells:
        return None
    numbers = []
    for token in units:
        unit = parse_unit(token)
        if unit is None:
            return None
        numbers.append(unit.number)
    return objective_class(numbers)


def _units(row: Row, table: Table, log: Log) -> tuple[str, ...]:
    """The action units of the cell, without remarks."""
    text = row.get("units")
    if text.casefold() in BLANK:
        return ()
    if DATE.fullmatch(text):
        reason = "a date, which a spreadsheet program made of action units such as 4+12: take the cell from the sheet as released"
        log.marked(row.number, table.columns["units"], text, reason, altered=True)
        return ()
    texts = tokens(text)
    for token in texts:
        if token in REMARKS:
            log.repaired(row.number, table.columns["units"], token, "none", "a remark, and no action unit")
        elif parse_unit(token) is None:
            reason = "not an action unit: kept unchanged; schemes of units that the row does not show leave it out"
            log.marked(row.number, table.columns["units"], token, reason)
    return tuple(token for token in texts if token not in REMARKS)


_FASTEST = 100_000
"""Frames per second that no camera for faces reaches."""
_AMBIGUOUS = re.compile(r"\d{1,3},\d{3}")
"""A number whose comma is either a decimal comma or one of thousands."""


def _fps(row: Row, table: Table, log: Log) -> float | None:
    """The frame rate of the cell; None, with a remark, where the cell is not one."""
    text = row.get("fps")
    if text.casefold() in BLANK:
        return None
    numbers = re.findall(r"\d+(?:[.,]\d+)?", text)
    column = table.columns["fps"]
    if any(map(_AMBIGUOUS.fullmatch, numbers)):
        reason = "a comma of thousands or of decimals: the video gets the rate of the dataset; write 1000 or 29.970"
        log.marked(row.number, column, text, reason, altered=True)
        return None
    rate = float(numbers[0].replace(",", ".")) if len(numbers) == 1 and "-" not in text else None
    if rate is None or not 0 < rate < _FASTEST:
        log.marked(row.number, column, text, "not a frame rate: the video gets the rate of the dataset", altered=True)
        return None
    has_more_than_the_number = numbers[0] != text
    if has_more_than_the_number:
        log.repaired(row.number, column, text, f"{rate:g}", "the one number in the cell")
    elif "," in text:
        log.repaired(row.number, column, text, f"{rate:g}", "a decimal comma")
    return rate


def begin(table: Table, log: Log) -> None:
    """Log under the table's name from here on, beginning with remarks on the whole table.

    They are formulas read as plain values, unread columns, largely empty columns of names, and labels in several
    cases, `Anger` and `anger`.
    """
    log.where = table.sheet.where
    log.repairs += table.sheet.remarks
    if table.unread:
        log.marked(None, "columns", ", ".join(table.unread), "not read")
    _mark_nameless_columns(table, log)
    _mark_labels_in_several_cases(table, log)


def _mark_nameless_columns(table: Table, log: Log) -> None:
    """Log the columns of names that many rows leave empty, once for all of them."""
    rows = [row for row in table.rows if not is_remark(row)]
    for what in ("subject", "video"):
        if what not in table.columns:
            continue
        lacking = sum(not row.get(what) for row in rows)
        if lacking > MANY:
            reason = (
                f"{lacking} of {len(rows)} rows name none, so they cannot be scored: a sheet with merged cells "
                "keeps only the first one when saved as text, so save it as .xlsx, or fill the column down"
            )
            log.marked(None, table.columns[what], "", reason, altered=True)
            log.nameless.add(what)


def _mark_labels_in_several_cases(table: Table, log: Log) -> None:
    """Log the emotions whose labels differ by case alone."""
    labels = dict.fromkeys(row.get("emotion") for row in table.rows)
    labels.pop("", None)
    for label, variants in group_by(labels, key=str.casefold).items():
        if len(variants) > 1:
            log.repaired(None, table.columns["emotion"], ", ".join(sorted(variants)), label, "case makes no difference")
