"""ELAN's annotation files, `.eaf`: marks of coders, or intervals that a program spotted, on tiers over time.

Times are milliseconds; an annotation ends when the first frame after it begins. Annotations of one tier must not
overlap, so overlapping intervals go to different tiers. Python's expat reads the files. A file that declares a document
type or entities, or that is too large or nested too deeply, is refused.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from mebench.account import ColumnUse
from mebench.annotations import Sheet
from mebench.annotations.sheets import sheet_from_rows
from mebench.errors import DataError, refused_by_system, unknown
from mebench.exchange.bounded_xml import read_bounded_xml
from mebench.exchange.text_table import Remarks
from mebench.exchange.tier_names import EMOTION, what_tier_holds
from mebench.files import read_plain, whole_file
from mebench.limits import EAF_BYTES, EAF_LEVELS, EAF_SECONDS, FPS_LIMIT
from mebench.output.terminal import format_count

FPS = "mebench:fps"
"""Property of the header that holds the frame rate of the video; ELAN leaves it as it is."""
MS_PER_SECOND = 1000
RATE_OF_MILLISECONDS = float(MS_PER_SECOND)
"""Frames per second if no rate is known: each millisecond counts as a frame."""
ROOT = "ANNOTATION_DOCUMENT"
ALIGNABLE = "ALIGNABLE_ANNOTATION"
"""Element of a mark with times of its own."""
MARKS = (ALIGNABLE, "REF_ANNOTATION")
VALUE = "ANNOTATION_VALUE"
AUTHOR = "mebench"
_NUMBER = re.compile(r"\s*[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE](-\d+|\+?\d{1,2}))?\s*")
_CODER = re.compile(r"(.+):([^:/]+)")


@dataclass(frozen=True)
class Mark:
    """An annotation with its text: from `begin` up to `end`, which is exclusive, both in ms."""

    begin: int
    end: int
    value: str = ""


@dataclass(frozen=True)
class Tier:
    """A tier: a row of marks.

    Attributes:
        name: unique in its file.
        marks: by time; no two overlap.
        coder: the coder; a dependent tier without one takes that of the tier above; empty if unknown.
        participant: the person in the video; inherited and unknown in the same way.
    """

    name: str
    marks: tuple[Mark, ...] = ()
    coder: str = ""
    participant: str = ""

    @property
    def what(self) -> str | None:
        """`micro`, `macro` or `emotion` from its name, ignoring `@...` and numbers at the end; None for another tier.

        >>> [Tier(name).what for name in ("micro", "MaE@anna", "micro 2", "Emotion", "gaze")]
        ['micro', 'macro', 'micro', 'emotion', None]
        """
        return what_tier_holds(self.name)


@dataclass(frozen=True)
class Document:
    """The contents of an `.eaf` file.

    Attributes:
        place: the file, for messages.
        video: the name of its first medium without the ending; else the name of the file.
        fps: frames per second, if the file states them.
        tiers: in the order of the file.
        left_out: number of unusable marks on tiers of kinds, by reason.
    """

    place: str
    video: str
    fps: float | None
    tiers: tuple[Tier, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def coders(self) -> tuple[str, ...]:
        """The coders of the expressions, in order; the empty string stands for a coder without a name."""
        return tuple(dict.fromkeys(tier.coder for tier in self.tiers if tier.what is not None))


def arrange_in_lanes(marks: Iterable[Mark]) -> list[list[Mark]]:
    """The marks by time, on as few rows without overlap as possible.

    >>> [[(m.begin, m.end) for m in lane] for lane in arrange_in_lanes([Mark(0, 5), Mark(4, 9), Mark(5, 7)])]
    [[(0, 5), (5, 7)], [(4, 9)]]
    """
    rows: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: (m.begin, m.end)):
        free = next((row for row in rows if row[-1].end <= mark.begin), None)
        if free is None:
            rows.append([mark])
        else:
            free.append(mark)
    return rows


def write_eaf(path: Path, media: Path | None, fps: float | None, tiers: Sequence[Tier]) -> None:
    """Write an `.eaf` file (version 3.0 of the format).

    If marks of a tier overlap, further tiers called `NAME 2` and so on take them.

    Args:
        path: the file; an existing one is replaced.
        media: the video that ELAN plays, or None.
        fps: its frame rate, kept as a property.
        tiers: each with a name of its own.

    Raises:
        DataError: the file cannot be written.
    """
    rows = [row for tier in tiers for row in _without_overlap(tier)]
    marks = [mark for tier in rows for mark in tier.marks]
    times = {mark.begin for mark in marks} | {mark.end for mark in marks}
    slots = {time: f"ts{n}" for n, time in enumerate(sorted(times), 1)}
    tree = ElementTree.Element(
        ROOT,
        {
            "AUTHOR": AUTHOR,
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    _add_header(tree, media, fps, n_marks=sum(len(tier.marks) for tier in rows))
    order = SubElement(tree, "TIME_ORDER")
    for time, slot in slots.items():
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
    numbers = count(1)
    for tier in rows:
        _add_tier(tree, tier, slots, numbers)
    SubElement(
        tree, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="interval", TIME_ALIGNABLE="true"
    )
    ElementTree.indent(tree)
    with refused_by_system(f"{path} cannot be written"), whole_file(path) as writing:
        ElementTree.ElementTree(tree).write(writing, encoding="UTF-8", xml_declaration=True)


def _without_overlap(tier: Tier) -> list[Tier]:
    """The tier, and further ones with a number for marks that overlap its own."""
    rows = arrange_in_lanes(tier.marks) or [[]]
    names = [tier.name, *(f"{tier.name} {n}" for n in range(2, len(rows) + 1))]
    return [Tier(name, tuple(row), tier.coder, tier.participant) for name, row in zip(names, rows)]


def _add_header(tree: ElementTree.Element, media: Path | None, fps: float | None, n_marks: int) -> None:
    """Add the video, its frame rate, and the number of the last annotation."""
    header = SubElement(tree, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None:
        kind = {".avi": "avi", ".mp4": "mp4"}.get(media.suffix.lower(), "*")
        SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=media.absolute().as_uri(), MIME_TYPE=f"video/{kind}")
    if fps is not None:
        SubElement(header, "PROPERTY", NAME=FPS).text = f"{fps:.10g}"
    SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(n_marks)


def _add_tier(tree: ElementTree.Element, tier: Tier, slots: Mapping[int, str], numbers: Iterator[int]) -> None:
    """Add a tier with its marks.

    Args:
        tree: the document.
        tier: without overlapping marks.
        slots: id of the time slot of each time.
        numbers: numbers of the next annotations.
    """
    row = SubElement(tree, "TIER", LINGUISTIC_TYPE_REF="interval", TIER_ID=_printable(tier.name))
    people = {"ANNOTATOR": _printable(tier.coder), "PARTICIPANT": _printable(tier.participant)}
    row.attrib |= {name: text for name, text in people.items() if text}
    for mark in tier.marks:
        attributes = {
            "ANNOTATION_ID": f"a{next(numbers)}",
            "TIME_SLOT_REF1": slots[mark.begin],
            "TIME_SLOT_REF2": slots[mark.end],
        }
        element = SubElement(SubElement(row, "ANNOTATION"), ALIGNABLE, attributes)
        SubElement(element, VALUE).text = _printable(mark.value)


def _printable(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return "".join(sign for sign in text if sign.isprintable())


def read_eaf(path: Path) -> Document:
    """Read an `.eaf` file.

    A mark that refers to another one (a dependent tier) takes its times. Consecutive marks without times share the time
    between their neighbours evenly, as ELAN shows them. Times refer to the first medium, whose beginning ELAN may have
    moved (`TIME_ORIGIN`). A mark that has no times, ends before its start, or lies before the medium is left out and
    counted.

    Raises:
        DataError: the file cannot be read, is not an `.eaf` file, declares entities, or is too large.
    """
    tree = _parse_xml(path)
    _refuse_other_units(path, tree)
    fps = _stated_rate(path, tree)
    medium = next(tree.iter("MEDIA_DESCRIPTOR"), ElementTree.Element("none"))
    reader = _TierReader(path, tree, origin=_time(path, medium.get("TIME_ORIGIN", "0"), "-"))
    tiers = tuple(reader.read(element) for element in tree.iter("TIER"))
    # No `urlparse`: ELAN writes a name unchanged, with its # and ?.
    file_name = unquote(re.split(r"[/\\]", medium.get("MEDIA_URL", ""))[-1])
    left_out = {reason: n for reason, n in reader.left_out.items() if n > 0}
    return Document(str(path), Path(file_name).stem or path.stem, fps, tiers, left_out)


def _parse_xml(path: Path) -> ElementTree.Element:
    """The root element of a file."""
    if not path.is_file():
        raise DataError(f"there is no file {path}: name an .eaf file of ELAN")
    with refused_by_system(f"{path} cannot be read"):
        raw = read_plain(path, EAF_BYTES)
    return read_bounded_xml(raw, path, ROOT, "ELAN")


def _refuse_other_units(path: Path, tree: ElementTree.Element) -> None:
    """Refuse a document that counts time in something else than milliseconds."""
    for header in tree.iter("HEADER"):
        units = header.get("TIME_UNITS", "milliseconds")
        if units != "milliseconds":
            raise DataError(f"{path} counts time in {units}: save it with milliseconds in ELAN")


def _stated_rate(path: Path, tree: ElementTree.Element) -> float | None:
    """The frame rate that mebench wrote into the header, if it did."""
    fps = None
    for element in tree.iter("PROPERTY"):
        if element.get("NAME") != FPS:
            continue
        text = (element.text or "").strip()
        try:
            fps = float(text)
        except ValueError:
            fps = 0.0  # refused below, like any other impossible rate
        if not 0 < fps < FPS_LIMIT:
            raise DataError(f"{path} states {text[:40]!r} frames per second, which must be a number above 0")
    return fps


class _TierReader:
    """Reads the tiers of a document.

    It holds the times of the slots, and the marks to which others refer.

    Args:
        path: the file, for messages.
        tree: the document.
        origin: beginning of the medium, in ms.

    Attributes:
        left_out: number of unusable marks on tiers of kinds, by reason.
    """

    def __init__(self, path: Path, tree: ElementTree.Element, origin: int) -> None:
        self._origin = origin
        self._times = {
            slot.get("TIME_SLOT_ID", ""): _time(path, slot.attrib["TIME_VALUE"])
            for slot in tree.iter("TIME_SLOT")
            if "TIME_VALUE" in slot.attrib
        }
        self._tiers = {tier.get("TIER_ID", ""): tier for tier in tree.iter("TIER")}
        marks = [element for element in tree.iter() if element.tag in MARKS]
        self._marks = {mark.attrib["ANNOTATION_ID"]: mark for mark in marks if mark.get("ANNOTATION_ID")}
        author = tree.get("AUTHOR", "")
        self._author = "" if author in (AUTHOR, "unspecified") else author
        self.left_out = Counter[str]()

    def read(self, element: ElementTree.Element) -> Tier:
        """The tier, its marks by time."""
        tier = Tier(element.get("TIER_ID", ""))
        is_of_kind = tier.what not in (None, EMOTION)
        self._spread_times(element)
        marks = []
        for mark in element.iter():
            if mark.tag not in MARKS or mark.find(VALUE) is None:
                continue
            begin, end = self._times_of(mark)
            reason = self._unusable(begin, end)
            if begin is not None and end is not None and not reason:
                value = (mark.findtext(VALUE) or "").strip()
                marks.append(Mark(begin + self._origin, end + self._origin, value))
            else:  # also 0 for a mark on another tier: the reasons keep their order in the file
                self.left_out[reason] += 1 if is_of_kind else 0
        return replace(
            tier,
            marks=tuple(sorted(marks, key=lambda mark: (mark.begin, mark.end))),
            coder=self._inherited(element, "ANNOTATOR") or self._author,
            participant=self._inherited(element, "PARTICIPANT"),
        )

    def _unusable(self, begin: int | None, end: int | None) -> str:
        """Why a mark with these times is left out; empty if it is read."""
        if begin is None or end is None:
            return "without times"
        if end <= begin:
            return "not ending after their start"
        if begin + self._origin < 0:
            return "beginning before the medium"
        return ""

    def _times_of(self, mark: ElementTree.Element) -> tuple[int | None, int | None]:
        """Begin and end of a mark, or of the one that it refers to; None where its slot has no time."""
        for _ in range(EAF_LEVELS):  # references may form a chain
            mark = self._marks.get(mark.get("ANNOTATION_REF", ""), mark)
        begin = mark.get("TIME_SLOT_REF1", "")
        end = mark.get("TIME_SLOT_REF2", "")
        return self._times.get(begin), self._times.get(end)

    def _spread_times(self, tier: ElementTree.Element) -> None:
        """Give times to the slots of a tier that have none: they share the time between their neighbours evenly."""
        next_slot = {mark.get("TIME_SLOT_REF1", ""): mark.get("TIME_SLOT_REF2", "") for mark in tier.iter(ALIGNABLE)}
        for begin in [slot for slot in next_slot if slot in self._times]:
            chain = self._chain_to_known_time(begin, next_slot)
            end = chain[-1]
            if len(chain) == 2 or end not in self._times:
                continue
            step = (self._times[end] - self._times[begin]) / (len(chain) - 1)
            for n, slot in enumerate(chain[1:-1], 1):
                self._times[slot] = self._times[begin] + round(step * n)

    def _chain_to_known_time(self, begin: str, next_slot: dict[str, str]) -> list[str]:
        """The slots from one to the next with a time. They are taken out of `next_slot`."""
        chain = [begin]
        while chain[-1] in next_slot:
            chain.append(next_slot.pop(chain[-1]))  # each is followed once, even in a cycle
            if chain[-1] in self._times:
                break
        return chain

    def _inherited(self, tier: ElementTree.Element, attribute: str) -> str:
        """An attribute of a tier, or of its nearest ancestor that has it."""
        for _ in range(EAF_LEVELS):
            if tier.get(attribute) or tier.get("PARENT_REF") not in self._tiers:
                break
            tier = self._tiers[tier.attrib["PARENT_REF"]]
        return tier.get(attribute, "")


def _time(path: Path, text: str, sign: str = "") -> int:
    """A time in ms; `sign` is a pattern of the sign that it may have."""
    if not re.fullmatch(rf"(?:{sign})?[0-9]{{1,12}}", text) or abs(int(text)) > MS_PER_SECOND * EAF_SECONDS:
        raise DataError(f"{path} holds the time {text[:40]!r}, which must be a whole number of milliseconds")
    return int(text)


def find_eaf(path: Path) -> tuple[Path, str | None] | None:
    """The `.eaf` file or folder that a word names, and the coder; None for other words.

    The coder stands behind a colon: `clip.eaf:anna`.

    >>> find_eaf(Path("clip.eaf:anna")), find_eaf(Path("mine.csv"))
    ((PosixPath('clip.eaf'), 'anna'), None)
    """
    file = path
    coder = None
    with_coder = None if path.exists() else _CODER.fullmatch(str(path))
    if with_coder:
        file = Path(with_coder[1])
        coder = with_coder[2]
    if file.suffix.lower() == ".eaf" or (file.is_dir() and _files_inside(file)):
        return file, coder
    return None


def _files_inside(folder: Path) -> list[Path]:
    """The `.eaf` files of a folder, by name, without hidden ones."""
    return sorted(file for file in folder.glob("[!.]*") if file.suffix.lower() == ".eaf")


def read_documents(path: Path) -> list[Document]:
    """The contents of one `.eaf` file, or of each in a folder, by name.

    Raises:
        DataError: as in `read_eaf`.
    """
    files = _files_inside(path) if path.is_dir() else [path]
    return [read_eaf(file) for file in files]


def common_rate(files: Sequence[object], fps: float | None) -> float | None:
    """Frames per second by which the times of `.eaf` files become frames.

    With it all files count alike.

    Args:
        files: the files that are read together; anything but a path counts frames.
        fps: the user's value, which comes first.

    Returns:
        The user's value; else the rate in the files; else milliseconds, if all files count time. None if the files have
        different rates (each then uses its own), or if none is an `.eaf` file.

    Raises:
        DataError: one file counts time without a frame rate, and another one counts frames.
    """
    found = [find_eaf(file) for file in files if isinstance(file, Path)]
    timed = [file for file, _ in filter(None, found)]
    if fps is not None or not timed:
        return fps
    stated = {(document.fps, document.place) for path in timed for document in read_documents(path)}
    rates = {rate for rate, _ in stated if rate is not None}
    without_rate = sorted(place for rate, place in stated if rate is None)
    if len(rates) == 1:
        return rates.pop()
    if not without_rate:
        return None
    if rates or len(timed) < len(files):
        raise DataError(
            f"{without_rate[0]} counts time and states no frame rate, but frames are compared: give the rate with --fps N"
        )
    return RATE_OF_MILLISECONDS


class _MarkRow(NamedTuple):
    """A row of the sheet of marks; the names are those of its columns."""

    video: str
    kind: str
    onset: str = ""
    offset: str = ""
    emotion: str = ""
    confidence: str = ""
    fps: str = ""


def sheet_of_marks(path: Path, coder: str | None, fps: float | None, role: str, remarks: Remarks) -> Sheet:
    """The intervals of an `.eaf` file or folder as a sheet.

    An interval's emotion is the mark on the tier of emotions that covers most of it. A file without marks becomes a row
    without an interval.

    Args:
        path: the file or folder.
        coder: the coder whose marks are read; None for the only one.
        fps: frames per second; None for the rate in each file.
        role: content of the file; in `predictions`, numbers on the tiers of kinds are confidences.
        remarks: list that gets the marks and tiers that are left out.

    Raises:
        DataError: a file cannot be read, has no tier of a kind or no frame rate, or has several coders and none is
            named.
    """
    return sheet_of_documents(read_documents(path), str(path), coder, fps, role, remarks)


def sheet_of_documents(
    found: Iterable[Document], name: str, coder: str | None, fps: float | None, role: str, remarks: Remarks
) -> Sheet:
    """The intervals of some documents as a sheet of a name; other arguments and errors as in `sheet_of_marks`."""
    rows: list[_MarkRow] = []
    place_of_video: dict[str, str] = {}
    for document in found:
        rate = fps or document.fps
        if rate is None:
            raise DataError(f"{document.place} states no frame rate: give it with --fps N")
        _refuse_without_kinds(document)
        _note_left_out(document, role, remarks)
        _refuse_unclear_coder(document, coder)
        other = place_of_video.setdefault(document.video, document.place)
        if other != document.place:
            raise DataError(f"{other} and {document.place} are both about the video {document.video}: name one of them")
        rows += _rows_of_document(document, coder, rate, with_confidences=role == "predictions")
    always_kept = [column for column in _MarkRow._fields if column not in ("emotion", "confidence")]
    kept = [c for c in _MarkRow._fields if c in always_kept or any(getattr(row, c) for row in rows)]
    return sheet_from_rows(name, kept, ([getattr(row, column) for column in kept] for row in rows))


def _refuse_without_kinds(document: Document) -> None:
    """Refuse a document without a tier of micro- or macro-expressions."""
    if all(tier.what in (None, EMOTION) for tier in document.tiers):
        names = ", ".join(tier.name for tier in document.tiers) or "none"
        raise DataError(
            f"{document.place} has no tier of intervals (its tiers: {names}): they are read from tiers called micro and macro, "
            "emotions from one called emotion"
        )


def _note_left_out(document: Document, role: str, remarks: Remarks) -> None:
    """Report the marks that cannot be used, and the tiers that are not read."""
    account = remarks.account_of(role)
    account.hold("tier", len(document.tiers))
    for reason, n in document.left_out.items():
        remarks.warn(f"{role}: {format_count(n, 'mark')} of {document.video} {reason}, left out")
        account.hold("row", n)
        account.leave_out("row", n, f"a mark {reason}", document.video)
    known = {one.column for one in account.columns}  # files of one folder have the same tiers
    for tier in document.tiers:
        if tier.name not in known:
            why = "holds no mark" if not tier.marks else "its name is neither micro, macro nor emotion"
            account.columns.append(ColumnUse(tier.name, tier.what or "", "name of the tier" if tier.what else why))
    others = [tier.name for tier in document.tiers if tier.what is None and tier.marks]
    if others:
        remarks.repair(f"{role}: {format_count(len(others), 'tier')} of {document.video} not read: {', '.join(others)}")
        account.leave_out("tier", len(others), "its name is neither micro, macro nor emotion", ", ".join(others))


def _refuse_unclear_coder(document: Document, coder: str | None) -> None:
    """Refuse an unknown coder, and a document with several coders if none is named."""
    named = [name for name in document.coders if name]
    if coder is not None and coder not in document.coders:
        raise DataError(unknown(f"coder of {document.place}", coder, named))
    if coder is None and len(document.coders) > 1:
        words = " or ".join(f"{document.place}:{name}" for name in named)
        raise DataError(f"{document.place} has marks of {len(document.coders)} coders: name one, as in {words}")


def _rows_of_document(document: Document, coder: str | None, rate: float, with_confidences: bool) -> list[_MarkRow]:
    """A row for each mark of the coder on a tier of a kind; one without an interval for an empty tier.

    Args:
        document: with the tiers.
        coder: the coder whose marks are read; None for all.
        rate: frames per second.
        with_confidences: whether numbers on the tiers of kinds are confidences.
    """
    tiers = [tier for tier in document.tiers if tier.what is not None and coder in (None, tier.coder)]
    rows: list[_MarkRow] = []
    for tier in tiers:
        if tier.what is None or tier.what == EMOTION:
            continue
        video = "_".join(filter(None, [document.video, tier.participant]))
        empty_row = _MarkRow(video, tier.what, fps=f"{rate:.10g}")
        emotions = _emotions_of_person(tiers, tier.participant)
        for mark in tier.marks:
            onset, offset = _frames_of_mark(mark, rate)
            is_confidence = with_confidences and _NUMBER.fullmatch(mark.value)
            row = empty_row._replace(onset=str(onset), offset=str(offset), emotion=_emotion_over(mark, emotions))
            rows.append(row._replace(confidence=mark.value) if is_confidence else row)
        if not tier.marks:
            rows.append(empty_row)
    return rows


def _emotions_of_person(tiers: Iterable[Tier], participant: str) -> list[Mark]:
    """The marks on a person's tiers of emotions."""
    emotion_tiers = [tier for tier in tiers if tier.what == EMOTION and tier.participant == participant]
    return [mark for tier in emotion_tiers for mark in tier.marks]


def _frames_of_mark(mark: Mark, rate: float) -> tuple[int, int]:
    """First and last frame of a mark, at least one frame."""
    onset = round(mark.begin * rate / MS_PER_SECOND)
    last = round(mark.end * rate / MS_PER_SECOND) - 1
    return onset, max(last, onset)


def _emotion_over(mark: Mark, emotions: Iterable[Mark]) -> str:
    """The emotion that covers most of a mark; empty if no emotion overlaps it."""
    overlapping = [emotion for emotion in emotions if emotion.begin < mark.end and mark.begin < emotion.end]
    if not overlapping:
        return ""
    return max(overlapping, key=lambda emotion: min(emotion.end, mark.end) - max(emotion.begin, mark.begin)).value
