"""ELAN's annotation files, `.eaf`: what one or several coders marked, or a program spotted, on tiers over time.

Times are milliseconds; an annotation ends where the first frame begins that no longer belongs to it. No two annotations of one tier
may overlap, so intervals that do take turns on tiers of their own. Files are read by expat, which comes with Python: whatever
declares a document type, and with it entities, is refused, and so is what is too large or too deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.parsers import expat

from mebench.errors import DataError
from mebench.exchange.values import kind_of

MAX_BYTES = 64 << 20
MAX_ELEMENTS = 2_000_000
MAX_DEPTH = 16
MAX_SECONDS = 10_000_000
"""Latest time of a mark, some four months."""
EMOTION = "emotion"
"""The tier that names what the tiers of kinds mark."""
FPS = "mebench:fps"
"""Property of the header that holds the frame rate of the video; ELAN leaves it as it is."""


@dataclass(frozen=True)
class Mark:
    """An annotation: from `begin` up to `end`, which is exclusive, both in ms, and what is written on it."""

    begin: int
    end: int
    value: str = ""


@dataclass(frozen=True)
class Tier:
    """A row of marks.

    Attributes:
        name: unique in its file.
        marks: by time; no two overlap.
        coder: who made them; of a dependent tier that is silent, who made those that it refers to; empty where nobody says.
        participant: who is seen, likewise.
    """

    name: str
    marks: tuple[Mark, ...] = ()
    coder: str = ""
    participant: str = ""

    @property
    def what(self) -> str | None:
        """`micro`, `macro` or `emotion` by its name, whatever follows an `@` or a number; None for another tier.

        >>> [Tier(name).what for name in ("micro", "MaE@anna", "micro 2", "Emotion", "gaze")]
        ['micro', 'macro', 'micro', 'emotion', None]
        """
        name = self.name.partition("@")[0].strip(" 0123456789_-").casefold()
        return EMOTION if name.startswith("emotion") else kind_of(name)


@dataclass(frozen=True)
class Document:
    """What an `.eaf` file holds.

    Attributes:
        place: the file, for sentences.
        video: what its first medium is called, without the ending; else the file itself.
        fps: frames per second where the file says them.
        tiers: in the order of the file.
    """

    place: str
    video: str
    fps: float | None
    tiers: tuple[Tier, ...]

    @property
    def coders(self) -> tuple[str, ...]:
        """Who marked expressions, in order; one without a name is the empty one."""
        return tuple(dict.fromkeys(tier.coder for tier in self.tiers if tier.what is not None))


def lanes(marks: Iterable[Mark]) -> list[list[Mark]]:
    """Marks on as few rows as it takes so that on none of them two overlap, each by time.

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
    """Write an `.eaf` file (version 3.0 of the format). Of a tier whose marks overlap, further ones are called `NAME 2` and so on.

    Args:
        path: the file; one that is there is replaced.
        media: the video, by which ELAN finds what to play, or None.
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
    number = 0
    for tier in rows:
        said = {"ANNOTATOR": _printable(tier.coder), "PARTICIPANT": _printable(tier.participant)}
        own = {name: text for name, text in said.items() if text}
        row = _add(tree, "TIER", LINGUISTIC_TYPE_REF="interval", TIER_ID=_printable(tier.name), **own)
        for mark in tier.marks:
            number += 1
            ends = {"TIME_SLOT_REF1": slots[mark.begin], "TIME_SLOT_REF2": slots[mark.end]}
            one = _add(_add(row, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ANNOTATION_ID=f"a{number}", **ends)
            _add(one, "ANNOTATION_VALUE").text = _printable(mark.value)
    _add(tree, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="interval", TIME_ALIGNABLE="true")
    ElementTree.indent(tree)
    try:
        ElementTree.ElementTree(tree).write(path, encoding="UTF-8", xml_declaration=True)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _add(parent: ElementTree.Element, name: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, name, attributes)


def _printable(text: str) -> str:
    """Without the signs that XML cannot hold."""
    return "".join(sign for sign in text if sign.isprintable())


def read_eaf(path: Path) -> Document:
    """Read an `.eaf` file.

    A mark that refers to another one (a dependent tier) has its times. One without times is left out. Times are those of the first
    medium, whose beginning ELAN may have put elsewhere (`TIME_ORIGIN`); a mark that begins before it is left out.

    Raises:
        DataError: it cannot be read, is no such file, declares entities, or is too large.
    """
    try:
        if not path.is_file():
            raise DataError(f"there is no file {path}: name an .eaf file of ELAN")
        if (n := path.stat().st_size) > MAX_BYTES:
            raise DataError(f"{path} has {n >> 20} MiB, and an .eaf file has at most {MAX_BYTES >> 20}")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    return _Reader(path).read(raw)


@dataclass
class _Open:
    """A tier while it is read: marks by their id, as slots or as the id of the mark that they refer to."""

    name: str
    parent: str
    coder: str
    participant: str
    marks: dict[str, tuple[str, str, str]] = field(default_factory=dict)


def _said(tier: _Open, field: Literal["coder", "participant"], by_name: Mapping[str, _Open]) -> str:
    """What a tier says, or the nearest above it on which it depends."""
    for _ in range(MAX_DEPTH):
        if (said := getattr(tier, field)) or tier.parent not in by_name:
            return str(said)
        tier = by_name[tier.parent]
    return ""


class _Reader:
    """What expat calls for each element; keeps only what is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parents: list[str] = []
        self._elements = 0
        self._text: list[str] = []
        self._slots: dict[str, int] = {}
        self._media: str | None = None
        self._origin = 0
        self._author = ""
        self._fps: float | None = None
        self._tiers: list[_Open] = []
        self._mark: tuple[str, str, str] | None = None  # id, and two slots; or id, the mark referred to, nothing
        self._property = ""

    def read(self, raw: bytes) -> Document:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        try:
            parser.Parse(raw, True)
        except expat.ExpatError as error:
            raise self._error(f"is no XML ({error}): save it again in ELAN") from None
        except (ValueError, LookupError) as error:  # an encoding that expat does not know
            raise self._error(f"cannot be read ({error}): save it again in ELAN") from None
        # No `urlparse`: ELAN writes a name as it is, with its # and ?.
        video = Path(unquote(re.split(r"[/\\]", self._media or "")[-1])).stem or self._path.stem
        every = {key: where for tier in self._tiers for key, where in tier.marks.items()}
        by_name = {tier.name: tier for tier in self._tiers}
        tiers = (
            Tier(
                t.name,
                self._timed(t, every),
                _said(t, "coder", by_name) or self._author,
                _said(t, "participant", by_name),
            )
            for t in self._tiers
        )
        return Document(str(self._path), video, self._fps, tuple(tiers))

    def _error(self, what: str) -> DataError:
        return DataError(f"{self._path} {what}")

    def _refuse(self, *_: Any) -> int:
        raise self._error("declares a document type or entities, which ELAN never writes: it is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise self._error(f"has more than {MAX_ELEMENTS:,} elements, and no more are read")
        if len(self._parents) >= MAX_DEPTH:
            raise self._error(f"is nested more than {MAX_DEPTH} deep, as no .eaf file is")
        if not self._parents and name != "ANNOTATION_DOCUMENT":
            raise self._error(f"is no .eaf file of ELAN: it begins with <{name[:40]}>, not <ANNOTATION_DOCUMENT>")
        self._parents.append(name)
        self._text.clear()
        get = attributes.get
        if name == "ANNOTATION_DOCUMENT":
            self._author = get("AUTHOR", "") if get("AUTHOR") not in ("mebench", "unspecified") else ""
        elif name == "HEADER" and get("TIME_UNITS", "milliseconds") != "milliseconds":
            raise self._error(f"counts time in {get('TIME_UNITS')}, not in milliseconds: save it so in ELAN")
        elif name == "MEDIA_DESCRIPTOR":
            if self._media is None:
                self._media, self._origin = get("MEDIA_URL", ""), self._time(get("TIME_ORIGIN", "0"), "-")
        elif name == "PROPERTY":
            self._property = get("NAME", "")
        elif name == "TIME_SLOT" and "TIME_VALUE" in attributes:
            self._slots[get("TIME_SLOT_ID", "")] = self._time(attributes["TIME_VALUE"])
        elif name == "TIER":
            who = get("ANNOTATOR", ""), get("PARTICIPANT", "")
            self._tiers.append(_Open(get("TIER_ID", ""), get("PARENT_REF", ""), *who))
        elif name == "ALIGNABLE_ANNOTATION":
            self._mark = get("ANNOTATION_ID", ""), get("TIME_SLOT_REF1", ""), get("TIME_SLOT_REF2", "")
        elif name == "REF_ANNOTATION":
            self._mark = get("ANNOTATION_ID", ""), get("ANNOTATION_REF", ""), ""

    def _end(self, name: str) -> None:
        self._parents.pop()
        text = "".join(self._text).strip()
        self._text.clear()
        if name == "PROPERTY" and self._property == FPS:
            self._fps = self._rate(text)
        elif name == "ANNOTATION_VALUE" and self._mark is not None and self._tiers:
            key, *where = self._mark
            self._tiers[-1].marks[key] = (where[0], where[1], text)

    def _time(self, text: str, sign: str = "") -> int:
        digits = text.removeprefix(sign)
        if not digits.isascii() or not digits.isdigit() or len(digits) > 12 or int(digits) > 1000 * MAX_SECONDS:
            raise self._error(f"holds the time {text[:40]!r}, which must be a whole number of milliseconds")
        return int(text)

    def _rate(self, text: str) -> float:
        try:
            rate = float(text)
        except ValueError:
            rate = 0.0
        if not 0 < rate < 100_000:
            raise self._error(f"says {text[:40]!r} frames per second, which must be a number above 0")
        return rate

    def _timed(self, tier: _Open, every: Mapping[str, tuple[str, str, str]]) -> tuple[Mark, ...]:
        """The marks of a tier that have times, by time."""
        found = []
        for first, second, value in tier.marks.values():
            for _ in range(MAX_DEPTH):  # a mark may refer to one that refers to another
                if second or first not in every:
                    break
                first, second, _value = every[first]
            begin, end = self._slots.get(first), self._slots.get(second)
            if begin is not None and end is not None and begin < end and begin + self._origin >= 0:
                found.append(Mark(begin + self._origin, end + self._origin, value))
        return tuple(sorted(found, key=lambda mark: (mark.begin, mark.end)))
