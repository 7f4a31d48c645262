"""Action units as the sheets write them, and the emotion schemes that several datasets share.

Every form of an action unit that occurs, where, and how it is read; `test_action_units.py` holds the grammar to this table.

======================  ==================================  ==========================================================
form                    sheets                              read as
======================  ==================================  ==========================================================
`4+7`, `2,7`, `1，4`     all; commas in CAS(ME)3, part C     two units; what follows the last separator may be missing
`AU4+AU7`, `AUR2`       4DME                                the same without the letters
`L12`, `R12`, `r12`     all                                 the left or the right half of the face
`T23`, `B18`            SAMM, SAMM-LV, CAS(ME)3             the upper or the lower lip
`A12`                   SAMM, SAMM-LV                       asymmetric: both halves, one of them more
`A/L12`                 SAMM, SAMM-LV                       asymmetric, or left: which one, the coders left open
`12B`, `A12B`           SAMM, SAMM-LV                       intensity A to E
`10A/B`, `4(B/C)`       SAMM, SAMM-LV                       one intensity or the other
`12?`                   CASME II, CAS(ME)3                  in doubt; SAMM: its end is unclear
`L12 or L14`, `10or11`  SAMM, SAMM-LV, CAS(ME)2             one unit or the other
`4/7`                   SAMM, SAMM-LV (their key of signs)  the same
`(R6 or R12)`           SAMM, SAMM-LV                       the same
`ref(24)`, `ref(7B)`    SAMM, SAMM-LV                       a unit that another refers to
`soft focus`            SAMM                                a remark and no unit
`?`, `/`, `-`           CASME II of 2014, CASME             nothing is annotated
======================  ==================================  ==========================================================

Other texts are not read. An expression with such a text shows the units written beside it, but no other unit is known
to be absent: the scheme `AU12` then leaves it out (`one_unit`), and its objective class is unknown.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mebench.core import Scheme, Video
from mebench.core.types import ABSENT, THREE
from mebench.errors import ConfigError

OBJECTIVE_CLASSES = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One action unit (Ekman, Friesen and Hager 2002, Facial Action Coding System).

    Attributes:
        number: number of the unit.
        text: text of the annotation, without blanks at its ends, for example `4(B/C)`.
        side: `L` or `R` where one half of the face moves, `A` where one half moves more than the other, `T` or `B` for its top
            or bottom; `A/L` where the coders left open which; None for both alike.
        intensity: letters A to E; several where the coders left it open.
        uncertain: whether the coders marked doubt by a question mark, or by another unit that it may be instead.
        alternatives: units that it may be instead: (7,) for `4 or 7`.
        reference: whether another unit refers to it, as in `12A+ref(24)`.
    """

    number: int
    text: str
    side: str | None = None
    intensity: tuple[str, ...] = ()
    uncertain: bool = False
    alternatives: tuple[int, ...] = ()
    reference: bool = False

    @property
    def numbers(self) -> tuple[int, ...]:
        """The unit and its alternatives."""
        return (self.number, *self.alternatives)


REMARKS = frozenset({"SOFT FOCUS"})
"""An entry among the units that is not a unit: an unfocused gaze."""

_SEPARATOR = re.compile(r"(?:[+,;&、]|\band\b)(?![^(]*\))", re.IGNORECASE)
_SIDES = {"LEFT": "L", "RIGHT": "R", "TOP": "T", "BOTTOM": "B"}
_SIDE = r"(?:LEFT|RIGHT|TOP|BOTTOM|[LRTBA])"
_LETTERS = r"[A-E](?:\s*/\s*[A-E])*"
_OR = re.compile(rf"(?:(?<=[\d?)])|(?<=\d[A-E]))(?:\s*/\s*|\s*or\s*)(?=(?:AU|AD)?\s*{_SIDE}?\s*\d)", re.IGNORECASE)
_UNIT = re.compile(
    rf"(?:AU|AD)?\s*(?P<before>{_SIDE}(?:\s*/\s*{_SIDE})*)?\s*(?:AU|AD)?\s*(?P<number>\d{{1,3}})\s*"
    rf"(?P<letters>{_LETTERS}|\(\s*{_LETTERS}\s*\))?\s*(?P<after>[LR])?",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"ref\s*\(\s*(?P<inside>[^()]*)\)", re.IGNORECASE)
_BRACKETS = re.compile(r"\(\s*(?P<inside>[^()]*?)\s*\)")


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """The units of a cell, one text each with all its marks.

    They are in upper case but for the words `or` and `ref`.

    >>> tokens("4 + l10+15a,"), tokens("4(B/C)+7B?"), tokens("(R6 OR R12)+ Ref(43)"), tokens("10or11")
    (('4', 'L10', '15A'), ('4(B/C)', '7B?'), ('(R6 or R12)', 'ref(43)'), ('10 or 11',))
    """
    units = []
    for part in _SEPARATOR.split(unicodedata.normalize("NFKC", text)):
        unit = " ".join(part.split()).upper()
        if unit:
            units.append(_OR.sub(_lower_or, unit).replace("REF", "ref"))
    return tuple(units)


def _lower_or(sign: re.Match[str]) -> str:
    """The word `or` in lower case between blanks; a slash stays."""
    return " or " if "OR" in sign[0] else sign[0]


@lru_cache(maxsize=4096)
def parse_unit(token: str) -> ActionUnit | None:
    """Parse one action unit; None if the text is not one.

    >>> parse_unit("L10")
    ActionUnit(number=10, text='L10', side='L', intensity=(), uncertain=False, alternatives=(), reference=False)
    >>> parse_unit("4(B/C)").intensity, parse_unit("(R6 or R12)").numbers, parse_unit("talking")
    (('B', 'C'), (6, 12), None)
    """
    text = token.strip()
    plain = re.sub(r"\s+\(", "(", text.replace("?", "").strip())
    reference = _REFERENCE.fullmatch(plain)
    brackets = reference or _BRACKETS.fullmatch(plain)
    matches = _match_alternatives(brackets["inside"] if brackets else plain)
    if matches is None:
        return None
    first, *others = matches
    letters = (first["letters"] or "").upper()
    return ActionUnit(
        number=int(first["number"]),
        text=text,
        side=_side_of(first),
        intensity=tuple(letter for letter in letters if letter.isalpha()),
        uncertain="?" in text or bool(others),
        alternatives=tuple(int(other["number"]) for other in others),
        reference=reference is not None,
    )


def _match_alternatives(text: str) -> list[re.Match[str]] | None:
    """A match for each unit of `R6 or R12`; None if a part is not a unit."""
    matches = []
    for part in _OR.split(text):
        match = _UNIT.fullmatch(part.strip())
        if match is None:
            return None
        matches.append(match)
    return matches


def _side_of(unit: re.Match[str]) -> str | None:
    """The side in letters, such as `L` or `R/L`; None if the unit names none."""
    written = (unit["before"] or unit["after"] or "").upper()
    sides = re.split(r"\s*/\s*", written)
    return "/".join(_SIDES.get(side, side) for side in sides) or None


def parse_units(texts: str | Iterable[str]) -> tuple[ActionUnit, ...]:
    """The units of a cell, or of `Expression.action_units`, without other texts.

    >>> [(u.number, u.side, u.intensity, u.uncertain) for u in parse_units("4(B/C)+A7B+12?")]
    [(4, None, ('B', 'C'), False), (7, 'A', ('B',), False), (12, None, (), True)]
    """
    written = tokens(texts) if isinstance(texts, str) else texts
    return tuple(filter(None, map(parse_unit, written)))


def shown_units(texts: Iterable[str]) -> frozenset[int]:
    """Numbers of the units that an expression shows, whatever side and intensity; a doubtful one counts as shown.

    >>> sorted(shown_units(["A12B", "ref(43)", "4 or 7", "talking"]))
    [4, 7, 12, 43]
    """
    return frozenset(number for unit in parse_units(texts) for number in unit.numbers)


_OBJECTIVE: Mapping[str, str] = {
    "I": "6 12 6+12 6+7+12 7+12",
    "II": "1+2 5 25 1+2+25 25+26 5+24",
    "III": "23 4 4+7 4+5 4+5+7 17+24 4+6+7 4+38",
    "IV": "10 9 4+9 4+40 4+5+40 4+7+9 4+9+17 4+7+10 4+5+7+9 7+10",
    "V": "1 15 1+4 6+15 15+17",
    "VI": "1+2+4 20",
}
"""The combinations of action units of each class."""


def _classes_by_units() -> dict[frozenset[int], str]:
    """The class of each combination of action units."""
    classes = {}
    for name, combinations in _OBJECTIVE.items():
        for combination in combinations.split():
            classes[frozenset(map(int, combination.split("+")))] = name
    return classes


_CLASS_OF = _classes_by_units()


def objective_class(units: Collection[int]) -> str:
    """Class `I` to `VII` of a set of action units; `VII` is every other set, the empty one too.

    Sides and intensities make no difference. From the table of Davison, Merghani and Yap 2018, "Objective classes for
    micro-facial expression recognition", J. Imaging 4(10):119, arXiv 1708.07549.

    >>> objective_class([12, 6]), objective_class([4]), objective_class([26])
    ('I', 'III', 'VII')
    """
    return _CLASS_OF.get(frozenset(units), "VII")


def parse_roman(text: str) -> str | None:
    """An objective class as sheets write it, `3`, `III` or `iii`; None for anything else.

    >>> parse_roman("3"), parse_roman(" vii "), parse_roman("8")
    ('III', 'VII', None)
    """
    plain = text.strip().upper()
    if plain in OBJECTIVE_CLASSES:
        return plain
    return dict(zip("1234567", OBJECTIVE_CLASSES)).get(plain)


OBJECTIVE = Scheme("objective", OBJECTIVE_CLASSES, {name.lower(): name for name in OBJECTIVE_CLASSES}, by="objective")
"""The seven classes of Davison, Merghani and Yap 2018 (arXiv 1708.07549), which follow from the action units alone."""


def three_classes(
    name: str, negative: Iterable[str], positive: Iterable[str] = ("happiness",), surprise: Iterable[str] = ("surprise",),
    excluded: Iterable[str] = (),
) -> Scheme:  # fmt: skip
    """Negative, positive and surprise, as in MEGC 2019 (See et al. 2019, doi 10.1109/FG.2019.8756611).

    Args:
        name: name of the scheme.
        negative: native labels, lower case.
        positive: the same.
        surprise: the same.
        excluded: flags of expressions that are left out.
    """
    mapping: dict[str, str] = {}
    for class_, labels in zip(THREE, (negative, positive, surprise)):
        mapping |= dict.fromkeys(labels, class_)
    return Scheme(name, THREE, mapping, excluded=frozenset(excluded))


@lru_cache(maxsize=1024)  # timelines ask for each interval
def unit_number(name: str) -> int | None:
    """The number of the action unit that a scheme is named after, or None.

    >>> unit_number("AU12"), unit_number("au4"), unit_number("objective")
    (12, 4, None)
    """
    match = re.fullmatch(r"AU0*(\d{1,3})", name, re.IGNORECASE)
    return int(match[1]) if match else None


class AnnotatedUnits(NamedTuple):
    """The action units of a micro-expression.

    Attributes:
        dataset: name of the dataset.
        label: its annotated units as a native label.
        units: numbers of the units that it shows.
        is_complete: whether all annotated texts are units.
    """

    dataset: str
    label: str
    units: frozenset[int]
    is_complete: bool


def _annotated_units(videos: Iterable[Video]) -> list[AnnotatedUnits]:
    """The action units of each micro-expression."""
    found = []
    for video in videos:
        for expression in video.expressions:
            if expression.kind == "micro":
                texts = expression.action_units
                is_complete = all(parse_unit(text) for text in texts)
                found.append(AnnotatedUnits(video.dataset, "+".join(texts).lower(), shown_units(texts), is_complete))
    return found


def one_unit(number: int, videos: Iterable[Video]) -> Scheme:
    """The scheme `AU<number>`: does a micro-expression show this action unit, or is it absent?

    Sides and intensities make no difference, and a doubtful unit counts as shown. It leaves out expressions without
    annotated units, and expressions with a text that is no unit where this unit is not shown, since its absence is
    unknown.

    Args:
        number: number of the unit.
        videos: videos of one dataset or several, each with annotated action units.

    Raises:
        ConfigError: a dataset annotates no unit, or no expression shows this one.
    """
    name = f"AU{number}"
    videos = [*videos]
    annotated = [row for row in _annotated_units(videos) if row.units]
    counts = Counter(unit for row in annotated for unit in row.units)
    mapping = {}
    for row in annotated:
        if number in row.units:
            mapping[row.label] = name
        elif row.is_complete:
            mapping[row.label] = ABSENT
    with_units = {row.dataset for row in annotated}
    without = [video.dataset for video in videos if video.dataset not in with_units]
    if without:
        raise ConfigError(
            f"scheme={name} needs action units, and {without[0]} annotates none for its micro-expressions: use "
            "datasets with action units (mebench data summary dataset=… counts them)"
        )
    if number not in counts:
        offers = ", ".join(f"AU{unit} ({counts[unit]})" for unit in sorted(counts))
        raise ConfigError(f"no micro-expression shows {name}: choose scheme= one of {offers}")
    return Scheme(name, (ABSENT, name), mapping, by="units")


LEAST_CLIPS = 10
"""Units in fewer expressions are not classes of `all_units`."""


def all_units(videos: Iterable[Video], only: Collection[int] = ()) -> Scheme:
    """The scheme `AUs`: which of the action units does a micro-expression show?

    Its classes are the units that at least `LEAST_CLIPS` expressions show, or those of `only`. It leaves out expressions that show none of
    them or have a text that is no unit. Sides and intensities make no difference, and a doubtful unit counts as shown.

    Args:
        videos: videos of one dataset or several.
        only: the units that a protocol asks for, however often they are shown.

    Raises:
        ConfigError: no unit is shown often enough.
    """
    annotated = _annotated_units(videos)
    counts = Counter(unit for row in annotated for unit in row.units)
    frequent = [unit for unit, n in counts.items() if n >= LEAST_CLIPS]
    classes = sorted(only or frequent)
    if len(classes) < 2:
        raise ConfigError(
            f"scheme=AUs needs at least two action units that {LEAST_CLIPS} micro-expressions show; here {len(classes)} are (mebench data "
            "summary dataset=… counts them)"
        )
    mapping = {}
    for row in annotated:
        shown = [f"AU{unit}" for unit in classes if unit in row.units]
        if shown and row.is_complete:
            mapping[row.label] = "+".join(shown)
    return Scheme("AUs", tuple(f"AU{unit}" for unit in classes), mapping, by="units", several=True)


def by_name(*schemes: Scheme) -> dict[str, Scheme]:
    """The schemes of a dataset by name; the first is the default."""
    return {scheme.name: scheme for scheme in schemes}
