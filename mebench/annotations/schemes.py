"""Action units as coders write them, and the emotion schemes that several datasets share."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from mebench.core import ABSENT, Scheme, Video
from mebench.errors import ConfigError

OBJECTIVE_CLASSES = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One action unit (Ekman, Friesen and Hager 2002, Facial Action Coding System).

    Attributes:
        number: of the unit.
        text: as annotated, without blanks at its ends, for example `4(B/C)`.
        side: `L` or `R` where one half of the face moves, `T` or `B` for its top or bottom; None for both.
        intensity: letters A to E; several where the coders left it open.
        uncertain: the coders marked doubt by a question mark, or by another unit that it may be instead.
        alternatives: the units that it may be instead: (7,) for `4 or 7`.
    """

    number: int
    text: str
    side: str | None = None
    intensity: tuple[str, ...] = ()
    uncertain: bool = False
    alternatives: tuple[int, ...] = ()


_SEPARATOR = re.compile(r"[+,;&，、＋]|\band\b", re.IGNORECASE)
_OR = re.compile(r"\s*(?:\bor\b|/)\s*", re.IGNORECASE)
_SIDES = {"LEFT": "L", "RIGHT": "R", "TOP": "T", "BOTTOM": "B"}
_UNIT = re.compile(
    r"(?:AU|AD)?\s*(?P<before>LEFT|RIGHT|TOP|BOTTOM|[LRTB])?\s*(?:AU|AD)?\s*(?P<number>\d{1,3})\s*"
    r"(?P<letter>[A-E])?\s*(?:\((?P<inside>[A-E](?:\s*/\s*[A-E])*)\)|(?P<more>(?:/[A-E])+))?\s*(?P<after>[LR])?",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """The units of a cell, one text each with all its marks, upper case but for the word `or`.

    >>> tokens("4 + l10+15a"), tokens("4(B/C)+7B?"), tokens("4 or 7+12")
    (('4', 'L10', '15A'), ('4(B/C)', '7B?'), ('4 or 7', '12'))
    """
    parts = (" ".join(part.split()) for part in _SEPARATOR.split(text))
    return tuple(re.sub(r"\bOR\b", "or", part.upper()) for part in parts if part)


@lru_cache(maxsize=4096)
def parse_unit(token: str) -> ActionUnit | None:
    """One unit, or None for a text that is none.

    >>> parse_unit("L10"), parse_unit("4(B/C)").intensity, parse_unit("talking")
    (ActionUnit(number=10, text='L10', side='L', intensity=(), uncertain=False, alternatives=()), ('B', 'C'), None)
    """
    text = token.strip()
    readings = [found for part in _readings(text) if (found := _UNIT.fullmatch(part))]
    if not readings or len(readings) != len(_readings(text)):
        return None
    first, *others = readings
    side = first["before"] or first["after"]
    letters = "".join(filter(None, (first["letter"], first["inside"], first["more"])))
    return ActionUnit(
        number=int(first["number"]),
        text=text,
        side=None if side is None else _SIDES.get(side.upper(), side.upper()),
        intensity=tuple(c for c in letters.upper() if c.isalpha()),
        uncertain="?" in text or bool(others),
        alternatives=tuple(int(other["number"]) for other in others),
    )


def parse_units(texts: str | Iterable[str]) -> tuple[ActionUnit, ...]:
    """The units of a cell, or of `Expression.action_units`; what is no unit is left out.

    >>> [(u.number, u.side, u.intensity, u.uncertain) for u in parse_units("4(B/C)+L7B+12?")]
    [(4, None, ('B', 'C'), False), (7, 'L', ('B',), False), (12, None, (), True)]
    """
    listed = tokens(texts) if isinstance(texts, str) else texts
    return tuple(filter(None, map(parse_unit, listed)))


def _readings(text: str) -> list[str]:
    """`4 or 7` has two; the stroke of an intensity, `4(B/C)` or `4B/C`, separates none."""
    plain = re.sub(r"\s+\(", "(", text.replace("?", "").strip())
    if re.search(r"\bor\b", plain, re.IGNORECASE) or re.search(r"\d[A-E]?\s*/\s*[LR]?\d", plain, re.IGNORECASE):
        return _OR.split(plain)
    return [plain]


_OBJECTIVE: Mapping[str, str] = {
    "I": "6 12 6+12 6+7+12 7+12",
    "II": "1+2 5 25 1+2+25 25+26 5+24",
    "III": "23 4 4+7 4+5 4+5+7 17+24 4+6+7 4+38",
    "IV": "10 9 4+9 4+40 4+5+40 4+7+9 4+9+17 4+7+10 4+5+7+9 7+10",
    "V": "1 15 1+4 6+15 15+17",
    "VI": "1+2+4 20",
}
_CLASS_OF = {
    frozenset(int(unit) for unit in combination.split("+")): name
    for name, combinations in _OBJECTIVE.items()
    for combination in combinations.split()
}


def objective_class(units: Collection[int]) -> str:
    """Class `I` to `VII` of a set of action units; `VII` is every other set, the empty one too.

    Sides and intensities make no difference. From the table of Davison, Merghani and Yap 2018, "Objective classes for
    micro-facial expression recognition", J. Imaging 4(10):119, arXiv 1708.07549.

    >>> objective_class([12, 6]), objective_class([4]), objective_class([26])
    ('I', 'III', 'VII')
    """
    return _CLASS_OF.get(frozenset(units), "VII")


def roman(text: str) -> str | None:
    """An objective class as sheets write it, `3`, `III` or `iii`; None for anything else.

    >>> roman("3"), roman(" vii "), roman("8")
    ('III', 'VII', None)
    """
    plain = text.strip().upper()
    return plain if plain in OBJECTIVE_CLASSES else dict(zip("1234567", OBJECTIVE_CLASSES)).get(plain)


THREE = ("negative", "positive", "surprise")

OBJECTIVE = Scheme("objective", OBJECTIVE_CLASSES, {name.lower(): name for name in OBJECTIVE_CLASSES}, by="objective")
"""The seven classes of Davison, Merghani and Yap 2018 (arXiv 1708.07549), which follow from the action units alone."""


def three_classes(
    name: str, negative: Iterable[str], positive: Iterable[str] = ("happiness",), surprise: Iterable[str] = ("surprise",),
    excluded: Iterable[str] = (),
) -> Scheme:  # fmt: skip
    """Negative, positive and surprise, as in MEGC 2019 (See et al. 2019, doi 10.1109/FG.2019.8756611).

    Args:
        name: of the scheme.
        negative: native labels, lower case.
        positive: the same.
        surprise: the same.
        excluded: flags of expressions that are left out.
    """
    mapping = {label: class_ for class_, labels in zip(THREE, (negative, positive, surprise)) for label in labels}
    return Scheme(name, THREE, mapping, excluded=frozenset(excluded))


def unit_number(name: str) -> int | None:
    """The number of the action unit that a scheme is named after, or None.

    >>> unit_number("AU12"), unit_number("au4"), unit_number("objective")
    (12, 4, None)
    """
    found = re.fullmatch(r"AU0*(\d+)", name, re.IGNORECASE)
    return int(found[1]) if found else None


def one_unit(number: int, videos: Iterable[Video]) -> Scheme:
    """The scheme `AU<number>`: does a micro-expression show this action unit, or is it absent?

    Sides and intensities make no difference, and a doubtful unit counts as shown. An expression for which no unit is
    annotated is left out.

    Args:
        number: of the unit.
        videos: of one dataset or several, each of which must annotate action units.

    Raises:
        ConfigError: a dataset annotates no unit, or nobody shows this one.
    """
    name = f"AU{number}"
    annotated, shown, mapping = dict[str, bool](), Counter[int](), dict[str, str]()
    for video in videos:
        annotated.setdefault(video.dataset, False)
        for e in video.expressions:
            units = {unit.number for unit in parse_units(e.action_units)}
            if e.kind == "micro" and units:
                annotated[video.dataset] = True
                shown.update(units)
                mapping["+".join(e.action_units).lower()] = name if number in units else ABSENT
    if without := [dataset for dataset, has_units in annotated.items() if not has_units]:
        raise ConfigError(
            f"scheme={name} needs action units, and {without[0]} annotates none for its micro-expressions: take datasets that "
            "do (mebench data summary dataset=… counts them)"
        )
    if number not in shown:
        offers = ", ".join(f"AU{unit} ({shown[unit]})" for unit in sorted(shown))
        raise ConfigError(f"no micro-expression shows {name}: choose scheme= one of {offers}")
    return Scheme(name, (ABSENT, name), mapping, by="units")


def by_name(*schemes: Scheme) -> dict[str, Scheme]:
    """The schemes of a dataset by name; the first is the default."""
    return {scheme.name: scheme for scheme in schemes}
