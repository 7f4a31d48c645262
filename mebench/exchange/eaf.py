"""ELAN's annotation files, `.eaf`: marks of coders, or intervals that a program spotted, on tiers over time.

Times are milliseconds; an annotation ends when the first frame after it begins. Annotations of one tier must not
overlap, so overlapping intervals go to different tiers. Python's expat reads the files. A file that declares a document
type or entities, or that is too large or nested too deeply, is refused.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from mebench.annotations.names import kind_of
from mebench.errors import DataError, refused_by_system
from mebench.files import read_plain

MAX_BYTES = 64 << 20
MAX_ELEMENTS = 2_000_000
MAX_DEPTH = 16
MAX_SECONDS = 10_000_000
"""Latest time of a mark, about four months."""
EMOTION = "emotion"
"""The tier with the emotions of the marks on the tiers of kinds."""
FPS = "mebench:fps"
"""Property of the header that holds the frame rate of the video; ELAN leaves it as it is."""


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
        participant: the person in the video, likewise.
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
        name = self.name.partition("@")[0].strip(" 0123456789_-").casefold()
        return EMOTION if name.startswith("emotion") else kind_of(name)


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


def lanes(marks: Iterable[Mark]) -> list[list[Mark]]:
    """The marks on as few rows as possible, sorted by time, without overlap within a row.

    >>> [[(m.begin, m.end) for m in lane] for lane in lanes([Mark(0, 5), Mark(4, 9), Mark(5, 7)])]
    [[(0, 5), (5, 7)], [(4, 9)]]
    """
    rows: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: (m.begin, m.end)):
        free = next((row for row in rows if row[-1].end <= mark.begin), None)
        if free is None:
            rows.append(free := [])
        free.append(mark)
    return rows


def write_eaf(path: Path, media: Path | None, fps: float | None, tiers: Sequence[Tier]) -> None:
    """Write an `.eaf` file (version 3.0 of the format). If marks of a tier overlap, further tiers called `NAME 2` and
    so on take them.

    Args:
        path: the file; an existing one is replaced.
        media: the video that ELAN plays, or None.
        fps: its frame rate, kept as a property.
        tiers: each with a name of its own.

    Raises:
        DataError: the file cannot be written.
    """
    rows = [
        Tier(tier.name if n == 0 else f"{tier.name} {n + 1}", tuple(row), tier.coder, tier.participant)
        for tier in tiers
        for n, row in enumerate(lanes(tier.marks) or [[]])
    ]
    times = sorted({time for tier in rows for mark in tier.marks for time in (mark.begin, mark.end)})
    slots = {time: f"ts{n}" for n, time in enumerate(times, 1)}
    tree = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "mebench",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    header = _add(tree, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None:
        kind = "avi" if media.suffix.lower() == ".avi" else "mp4" if media.suffix.lower() == ".mp4" else "*"
        _add(header, "MEDIA_DESCRIPTOR", MEDIA_URL=media.resolve().as_uri(), MIME_TYPE=f"video/{kind}")
    if fps is not None:
        _add(header, "PROPERTY", NAME=FPS).text = f"{fps:.10g}"
    _add(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(sum(len(tier.marks) for tier in rows))
    order = _add(tree, "TIME_ORDER")
    for time, slot in slots.items():
        _add(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
    numbers = count(1)
    for tier in rows:
        attribute_of = {"ANNOTATOR": _printable(tier.coder), "PARTICIPANT": _printable(tier.participant)}
        own = {name: text for name, text in attribute_of.items() if text}
        row = _add(tree, "TIER", LINGUISTIC_TYPE_REF="interval", TIER_ID=_printable(tier.name), **own)
        for mark in tier.marks:
            ends = {"TIME_SLOT_REF1": slots[mark.begin], "TIME_SLOT_REF2": slots[mark.end]}
            one = _add(_add(row, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ANNOTATION_ID=f"a{next(numbers)}", **ends)
            _add(one, "ANNOTATION_VALUE").text = _printable(mark.value)
    _add(tree, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="interval", TIME_ALIGNABLE="true")
    ElementTree.indent(tree)
    with refused_by_system(f"{path} cannot be written"):
        ElementTree.ElementTree(tree).write(path, encoding="UTF-8", xml_declaration=True)


def _add(parent: ElementTree.Element, name: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, name, attributes)


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
    if not path.is_file():
        raise DataError(f"there is no file {path}: name an .eaf file of ELAN")
    with refused_by_system(f"{path} cannot be read"):
        raw = read_plain(path, MAX_BYTES)
    parser = ElementTree.XMLParser(target=_Bounded(path))
    try:
        parser.feed(raw)
        tree: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise DataError(f"{path} is not XML ({error}): save it again in ELAN") from None
    except (ValueError, LookupError) as error:  # an encoding that expat does not know
        raise DataError(f"{path} cannot be read ({error}): save it again in ELAN") from None
    for header in tree.iter("HEADER"):
        if (units := header.get("TIME_UNITS", "milliseconds")) != "milliseconds":
            raise DataError(f"{path} counts time in {units}: save it with milliseconds in ELAN")
    fps = None
    for text in [(p.text or "").strip() for p in tree.iter("PROPERTY") if p.get("NAME") == FPS]:
        try:
            fps = float(text)
        except ValueError:
            fps = 0.0
        if not 0 < fps < 100_000:
            raise DataError(f"{path} states {text[:40]!r} frames per second, which must be a number above 0")
    medium = next(tree.iter("MEDIA_DESCRIPTOR"), ElementTree.Element("none"))
    origin = _time(path, medium.get("TIME_ORIGIN", "0"), "-")
    timed = [slot for slot in tree.iter("TIME_SLOT") if "TIME_VALUE" in slot.attrib]
    slots = {slot.get("TIME_SLOT_ID", ""): _time(path, slot.attrib["TIME_VALUE"]) for slot in timed}
    # No `urlparse`: ELAN writes a name as it is, with its # and ?.
    video = Path(unquote(re.split(r"[/\\]", medium.get("MEDIA_URL", ""))[-1])).stem or path.stem
    author = tree.get("AUTHOR", "") if tree.get("AUTHOR") not in ("mebench", "unspecified") else ""
    by_name = {tier.get("TIER_ID", ""): tier for tier in tree.iter("TIER")}
    marks = {
        mark.attrib["ANNOTATION_ID"]: mark for mark in tree.iter() if mark.tag in _MARKS and mark.get("ANNOTATION_ID")
    }

    def attribute_of(tier: ElementTree.Element, what: str) -> str:
        """An attribute of a tier, or of its nearest ancestor that has it."""
        for _ in range(MAX_DEPTH):
            if tier.get(what) or tier.get("PARENT_REF") not in by_name:
                break
            tier = by_name[tier.attrib["PARENT_REF"]]
        return tier.get(what, "")

    def spread(tier: ElementTree.Element) -> None:
        """Give times to the slots of a tier that have none: they share the time between their neighbours evenly."""
        follows = {mark.get("TIME_SLOT_REF1", ""): mark.get("TIME_SLOT_REF2", "") for mark in tier.iter(_MARKS[0])}
        for begin in [slot for slot in follows if slot in slots]:
            chain = [begin]
            while (following := follows.pop(chain[-1], None)) is not None:  # each is followed once, even in a cycle
                chain.append(following)
                if following in slots:
                    break
            if len(chain) > 2 and chain[-1] in slots:
                step = (slots[chain[-1]] - slots[begin]) / (len(chain) - 1)
                slots.update({slot: slots[begin] + round(step * n) for n, slot in enumerate(chain[1:-1], 1)})

    left_out = Counter[str]()

    def marks_of(tier: ElementTree.Element) -> Iterator[Mark]:
        """The marks of a tier that have times."""
        spread(tier)
        counts = Tier(tier.get("TIER_ID", "")).what not in (None, EMOTION)
        for mark in (mark for mark in tier.iter() if mark.tag in _MARKS and mark.find(_VALUE) is not None):
            value, place = (mark.findtext(_VALUE) or "").strip(), mark
            for _ in range(MAX_DEPTH):  # references may form a chain
                place = marks.get(place.get("ANNOTATION_REF", ""), place)
            begin, end = (slots.get(place.get(f"TIME_SLOT_REF{n}", "")) for n in (1, 2))
            if begin is None or end is None:
                left_out["without times"] += counts
            elif end <= begin:
                left_out["not ending after their start"] += counts
            elif begin + origin < 0:
                left_out["beginning before the medium"] += counts
            else:
                yield Mark(begin + origin, end + origin, value)

    tiers = tuple(
        Tier(
            tier.get("TIER_ID", ""),
            tuple(sorted(marks_of(tier), key=lambda mark: (mark.begin, mark.end))),
            attribute_of(tier, "ANNOTATOR") or author,
            attribute_of(tier, "PARTICIPANT"),
        )
        for tier in tree.iter("TIER")
    )
    return Document(str(path), video, fps, tiers, +left_out)


_MARKS, _VALUE = ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"), "ANNOTATION_VALUE"


class _Bounded(ElementTree.TreeBuilder):
    """Refuses, while reading, content that ELAN does not write or that is too large."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._depth, self._elements = path, 0, 0

    def doctype(self, *_: Any) -> None:
        raise DataError(f"{self._path} declares a document type or entities, which ELAN never writes, so it is refused")

    def start(self, tag: str, attrs: Any) -> ElementTree.Element:  # type: ignore[override]
        if self._elements >= MAX_ELEMENTS:
            raise DataError(f"{self._path} has more than {MAX_ELEMENTS:,} elements, the most that mebench reads")
        if self._depth >= MAX_DEPTH:
            raise DataError(f"{self._path} is nested more than {MAX_DEPTH} deep, as no .eaf file is")
        if not self._elements and tag != "ANNOTATION_DOCUMENT":
            raise DataError(
                f"{self._path} is not an .eaf file of ELAN: it begins with <{tag[:40]}>, not <ANNOTATION_DOCUMENT>"
            )
        self._depth, self._elements = self._depth + 1, self._elements + 1
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


def _time(path: Path, text: str, sign: str = "") -> int:
    digits = text.removeprefix(sign)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12 or int(digits) > 1000 * MAX_SECONDS:
        raise DataError(f"{path} holds the time {text[:40]!r}, which must be a whole number of milliseconds")
    return int(text)
