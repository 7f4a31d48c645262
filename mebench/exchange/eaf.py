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
from xml.etree.ElementTree import SubElement

from mebench.annotations import Sheet, kind_of, made
from mebench.errors import DataError, refused_by_system, unknown
from mebench.exchange.text_table import Remarks
from mebench.files import read_plain
from mebench.terminal import plural

MAX_BYTES = 64 << 20
MAX_ELEMENTS = 2_000_000
MAX_DEPTH = 16
MAX_SECONDS = 10_000_000
"""Latest time of a mark, about four months."""
EMOTION = "emotion"
"""The tier with the emotions of the marks on the tiers of kinds."""
FPS = "mebench:fps"
"""Property of the header that holds the frame rate of the video; ELAN leaves it as it is."""
MILLISECONDS = 1000.0
"""Frames per second if no rate is known: each millisecond counts as a frame."""
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
    header = SubElement(tree, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None:
        kind = {".avi": "avi", ".mp4": "mp4"}.get(media.suffix.lower(), "*")
        SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=media.absolute().as_uri(), MIME_TYPE=f"video/{kind}")
    if fps is not None:
        SubElement(header, "PROPERTY", NAME=FPS).text = f"{fps:.10g}"
    SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(sum(len(tier.marks) for tier in rows))
    order = SubElement(tree, "TIME_ORDER")
    for time, slot in slots.items():
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
    numbers = count(1)
    for tier in rows:
        people = {"ANNOTATOR": _printable(tier.coder), "PARTICIPANT": _printable(tier.participant)}
        row = SubElement(tree, "TIER", LINGUISTIC_TYPE_REF="interval", TIER_ID=_printable(tier.name))
        row.attrib |= {name: text for name, text in people.items() if text}
        for mark in tier.marks:
            about = {
                "ANNOTATION_ID": f"a{next(numbers)}",
                "TIME_SLOT_REF1": slots[mark.begin],
                "TIME_SLOT_REF2": slots[mark.end],
            }
            element = SubElement(SubElement(row, "ANNOTATION"), "ALIGNABLE_ANNOTATION", about)
            SubElement(element, "ANNOTATION_VALUE").text = _printable(mark.value)
    SubElement(
        tree, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="interval", TIME_ALIGNABLE="true"
    )
    ElementTree.indent(tree)
    with refused_by_system(f"{path} cannot be written"):
        ElementTree.ElementTree(tree).write(path, encoding="UTF-8", xml_declaration=True)


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
    slots = {
        slot.get("TIME_SLOT_ID", ""): _time(path, slot.attrib["TIME_VALUE"])
        for slot in tree.iter("TIME_SLOT")
        if "TIME_VALUE" in slot.attrib
    }
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
    if not re.fullmatch(rf"(?:{sign})?[0-9]{{1,12}}", text) or abs(int(text)) > 1000 * MAX_SECONDS:
        raise DataError(f"{path} holds the time {text[:40]!r}, which must be a whole number of milliseconds")
    return int(text)


def eaf_of(path: Path) -> tuple[Path, str | None] | None:
    """The `.eaf` file, or the folder of such files, that a word names, and the coder: `clip.eaf:anna`. None for other
    words.

    >>> eaf_of(Path("clip.eaf:anna")), eaf_of(Path("mine.csv"))
    ((PosixPath('clip.eaf'), 'anna'), None)
    """
    word = None if path.exists() else _CODER.fullmatch(str(path))
    file, coder = (Path(word[1]), word[2]) if word else (path, None)
    there = file.suffix.lower() == ".eaf" or (file.is_dir() and any(_inside(file)))
    return (file, coder) if there else None


def _inside(folder: Path) -> list[Path]:
    """The `.eaf` files of a folder, by name, without hidden ones."""
    return sorted(file for file in folder.glob("[!.]*") if file.suffix.lower() == ".eaf")


def documents(path: Path) -> list[Document]:
    """The contents of one `.eaf` file, or of each in a folder, by name.

    Raises:
        DataError: as in `read_eaf`.
    """
    return [read_eaf(file) for file in (_inside(path) if path.is_dir() else [path])]


def common_rate(files: Sequence[object], fps: float | None) -> float | None:
    """Frames per second that turn the times of `.eaf` files into frames, so that all files count alike.

    Args:
        files: the files that are read together; anything but a path counts frames.
        fps: the user's value, which comes first.

    Returns:
        The user's value; else the rate in the files; else milliseconds, if all files count time. None if the files have
        different rates (each then uses its own), or if none is an `.eaf` file.

    Raises:
        DataError: one file counts time without a frame rate, and another one counts frames.
    """
    timed = [found[0] for file in files if isinstance(file, Path) and (found := eaf_of(file)) is not None]
    if fps is not None or not timed:
        return fps
    declared = {(document.fps, document.place) for path in timed for document in documents(path)}
    rates = {rate for rate, _ in declared if rate is not None}
    silent = sorted(place for rate, place in declared if rate is None)
    if len(rates) == 1:
        return rates.pop()
    if silent and (rates or len(timed) < len(files)):
        raise DataError(
            f"{silent[0]} counts time and states no frame rate, but frames are compared: give the rate with --fps N"
        )
    return MILLISECONDS if silent else None


def sheet_of_marks(path: Path, coder: str | None, fps: float | None, role: str, remarks: Remarks) -> Sheet:
    """The intervals of an `.eaf` file, or of all such files in a folder, as a sheet.

    An interval's emotion is the mark on the tier of emotions that covers most of it. A file without marks becomes a row
    without an interval.

    Args:
        path: the file or folder.
        coder: the coder whose marks are read; None for the only one.
        fps: frames per second; None for the rate in each file.
        role: what the file holds; in `predictions`, numbers on the tiers of kinds are confidences.
        remarks: gets the marks and tiers that are left out.

    Raises:
        DataError: a file cannot be read, has no tier of a kind or no frame rate, or has several coders and none is
            named.
    """
    rows: list[tuple[str, str, str, str, str, str, str]] = []
    seen: dict[str, str] = {}
    for document in documents(path):
        rate = fps or document.fps
        if rate is None:
            raise DataError(f"{document.place} states no frame rate: give it with --fps N")
        tiers = [tier for tier in document.tiers if tier.what is not None and coder in (None, tier.coder)]
        if all(tier.what in (None, EMOTION) for tier in document.tiers):
            names = ", ".join(tier.name for tier in document.tiers) or "none"
            raise DataError(
                f"{document.place} has no tier of intervals (its tiers: {names}): they are read from tiers called micro and macro, "
                "emotions from one called emotion"
            )
        for reason, n in document.left_out.items():
            remarks.warn(f"{role}: {plural(n, 'mark')} of {document.video} {reason}, left out")
        if others := [tier.name for tier in document.tiers if tier.what is None and tier.marks]:
            remarks.repair(f"{role}: {plural(len(others), 'tier')} of {document.video} not read: {', '.join(others)}")
        coders = [name for name in document.coders if name]
        if coder is not None and coder not in document.coders:
            raise DataError(unknown(f"coder of {document.place}", coder, coders))
        if coder is None and len(document.coders) > 1:
            words = " or ".join(f"{document.place}:{name}" for name in coders)
            raise DataError(f"{document.place} has marks of {len(document.coders)} coders: name one, as in {words}")
        if (other := seen.setdefault(document.video, document.place)) != document.place:
            raise DataError(f"{other} and {document.place} are both about the video {document.video}: name one of them")
        for tier in tiers:
            if tier.what == EMOTION:
                continue
            video = "_".join(filter(None, [document.video, tier.participant]))
            named = [
                mark
                for other in tiers
                if other.what == EMOTION and other.participant == tier.participant
                for mark in other.marks
            ]
            kind = str(tier.what)
            for mark in tier.marks:
                onset = round(mark.begin * rate / 1000)
                offset = max(round(mark.end * rate / 1000) - 1, onset)
                sure = mark.value if role == "predictions" and _NUMBER.fullmatch(mark.value) else ""
                most = max(named, key=lambda n: min(n.end, mark.end) - max(n.begin, mark.begin), default=mark)
                emotion = most.value if most is not mark and most.begin < mark.end and mark.begin < most.end else ""
                rows.append((video, kind, str(onset), str(offset), emotion, sure, f"{rate:.10g}"))
            if not tier.marks:
                rows.append((video, kind, "", "", "", "", f"{rate:.10g}"))
    columns = ("video", "kind", "onset", "offset", "emotion", "confidence", "fps")
    kept = [n for n, name in enumerate(columns) if name not in ("emotion", "confidence") or any(row[n] for row in rows)]
    return made(str(path), [columns[n] for n in kept], ([row[n] for n in kept] for row in rows))
