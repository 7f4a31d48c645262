"""The wording of the challenge's questions and answers, and the reading of free text.

The wording is that of the public question files of MEGC 2025 (Fan et al., arXiv:2506.15298) and of the test questions of MEGC 2026
(arXiv:2603.08927). Names of action units are those of these files; units that they do not name have their name in the Facial Action
Coding System (Ekman, Friesen and Hager 2002).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

COARSE = ("negative", "positive", "surprise")
COARSE_OF_MEGC2025_B = ("positive", "negative", "surprise")
"""The same classes in the order in which the second public scorer looks for them (`COARSE_LABELS` of its `evaluation.py`)."""
FINE = {
    "happiness": "positive",
    "surprise": "surprise",
    **dict.fromkeys(("anger", "contempt", "disgust", "fear", "repression", "sadness"), "negative"),
}
"""The coarse class of each fine one; clips with other labels have no questions."""

UNITS = {
    1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer", 5: "upper lid raiser", 6: "cheek raiser", 7: "lid tightener",
    9: "nose wrinkler", 10: "upper lip raiser", 11: "nasolabial deepener", 12: "lip corner puller", 13: "sharp lip puller",
    14: "dimpler", 15: "lip corner depressor", 16: "lower lip depressor", 17: "chin raiser", 18: "lip pucker", 20: "lip stretcher",
    21: "neck tightener", 22: "lip funneler", 23: "lip tightener", 24: "lip pressor", 25: "lips part", 26: "jaw drop",
    27: "mouth stretch", 28: "lip suck", 29: "jaw thrust", 30: "jaw sideways", 31: "jaw clencher", 32: "lip bite", 33: "cheek blow",
    34: "cheek puff", 35: "cheek suck", 36: "tongue bulge", 37: "lip wipe", 38: "nostril dilater", 39: "nostril compress",
    41: "lid droop", 42: "slit", 43: "eye closure", 44: "squint", 45: "blink", 46: "wink", 51: "turn left", 52: "turn right",
    53: "head up", 54: "head down", 55: "tilt left", 56: "tilt right", 57: "head forward", 58: "head back", 61: "eyes left",
    62: "eyes right", 63: "eyes up", 64: "eyes down",
}  # fmt: skip
OTHER_NAMES = {
    "nostril dilator": 38,
    "nostril compressor": 39,
    "lip puckerer": 18,
    "cheek puffer": 13,
    "eyes closed": 43,
}
_NUMBERS = {name: number for number, name in UNITS.items()} | OTHER_NAMES
_NAMED = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b|\bau[\s_-]?(\d{{1,2}})")

Kind = Literal["", "coarse", "fine", "units", "side", "shown", "sentence", "events", "micro", "macro", "type"]
CLASSES: tuple[Kind, ...] = ("coarse", "fine")
COUNTS: tuple[Kind, ...] = ("events", "micro", "macro")
ANALYSES = (
    "Please analyse the micro-expression shown in this video in detail.",
    "Provide a detailed analysis of the micro-expression observed in this clip.",
)
"""Version 2 asks these in turn instead of the question for units and classes in one sentence."""
_FORMS: dict[Kind, str] = {
    "coarse": r"What is the coarse expression class\?",
    "fine": r"What is the fine-grained expression class\?",
    "units": r"What (?:is the action unit|are the action units)\?|What distinct action units appear in this video\?",
    "side": r"Is the action unit (?P<unit>.+) located on the left or right face\?",
    "shown": r"Is the action unit (?P<unit>.+) shown on the face\?",
    "sentence": "|".join((r"What (?:is|are) the action units? present, and based on .+", *map(re.escape, ANALYSES))),
    "events": r"How many expression events appear in this video\?",
    "micro": r"How many micro-expression events appear in this video\?",
    "macro": r"How many macro-expression events appear in this video\?",
    "type": r"What is the expression type of the (?P<event>\d+)-th expression event in this video\?",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a question.

    Attributes:
        kind: kind of the question; empty for one that the challenges do not ask.
        unit: the action unit that `side` and `shown` name; None if the name is unknown.
        event: the number of the event that `type` names, from 1.
    """

    kind: Kind
    unit: int | None = None
    event: int = 0


@lru_cache(maxsize=8192)
def meaning_of(question: str) -> Meaning:
    """The meaning of a question.

    >>> meaning_of("Is the action unit dimpler shown on the face?"), meaning_of("How old is she?").kind
    (Meaning(kind='shown', unit=14, event=0), '')
    """
    text = " ".join(question.split())
    for kind, form in _FORMS.items():
        if match := re.fullmatch(form, text, re.IGNORECASE):
            parts = match.groupdict()
            return Meaning(kind, _NUMBERS.get(str(parts.get("unit")).lower()), int(parts.get("event") or 0))
    return Meaning("")


def join_unit_names(units: Iterable[int]) -> str:
    """Names of action units, with commas; a unit without a name is written `AU<number>`."""
    return ", ".join(UNITS.get(unit, f"AU{unit}") for unit in units)


def sentence_question(n: int) -> str:
    """The question of version 1 for `n` action units and both classes."""
    units, based = ("is the action unit", "it") if n == 1 else ("are the action units", "them")
    return f"What {units} present, and based on {based}, what is the fine-grained expression and the coarse expression class?"


def answer_sentence(units: Iterable[int], fine: str, coarse: str) -> str:
    """The answer to `sentence_question`.

    >>> answer_sentence([12], "happiness", "positive")[:58]
    'The action unit present is: lip corner puller. Therefore, '
    """
    listed = tuple(units)
    present = "unit present is" if len(listed) == 1 else "units present are"
    return (
        f"The action {present}: {join_unit_names(listed)}. Therefore, the fine-grained expression class is {fine}, "
        f"and the coarse expression class is {coarse}."
    )


@lru_cache(maxsize=8192)
def read_class(text: str, classes: tuple[str, ...], name: str) -> str | None:
    """The class in a text: the one after `<name> expression class is`, else the first that occurs as a word, else None.

    >>> read_class("Not fear: the fine-grained expression class is anger.", tuple(FINE), "fine-grained")
    'anger'
    """
    match = re.search(rf"{name} expression class is ({'|'.join(classes)})\b", text.lower())
    return match[1] if match else read_word(text, classes)


@lru_cache(maxsize=8192)
def read_coarse_as_megc2025_b(text: str) -> str | None:
    """The coarse class as the second public scorer reads it: of the classes in a text the first of its own list, wherever it stands.

    >>> read_coarse_as_megc2025_b("surprise, not negative"), read_word("surprise, not negative", COARSE)
    ('negative', 'surprise')
    """
    plain = " ".join(text.lower().split())
    named = re.search(r"coarse expression class is (\w+)", plain)
    if named and named[1] in COARSE_OF_MEGC2025_B:
        return named[1]
    return next((name for name in COARSE_OF_MEGC2025_B if re.search(rf"\b{name}\b", plain)), None)


@lru_cache(maxsize=8192)
def read_units(text: str) -> frozenset[int]:
    """The action units in a text, by their names or as `AU4`.

    >>> sorted(read_units("Brow lowerer, and AU 12 (lip corner puller)"))
    [4, 12]
    """
    return frozenset(int(match[1] or _NUMBERS[match[0]]) for match in _NAMED.finditer(text.lower()))


def read_count(text: str) -> int | None:
    """The first whole number in a text, or None."""
    match = re.search(r"\d{1,6}", text)
    return int(match[0]) if match else None


@lru_cache(maxsize=8192)
def read_word(text: str, words: tuple[str, ...]) -> str | None:
    """The first of some words in a text, or None."""
    match = re.search(rf"\b({'|'.join(words)})\b", text.lower())
    return match[1] if match else None


READERS: Mapping[Kind, Callable[[str], Any]] = {
    "coarse": partial(read_class, classes=COARSE, name="coarse"),
    "fine": partial(read_class, classes=tuple(FINE), name="fine-grained"),
    "type": partial(read_word, words=("micro", "macro")),
    "units": read_units,
    "shown": partial(read_word, words=("yes", "no")),
    "side": partial(read_word, words=("left", "right")),
    **dict.fromkeys(COUNTS, read_count),
}
"""How an answer is read, by the kind of its question; None where the text lacks it."""
READERS_OF_MEGC2025_B: Mapping[Kind, Callable[[str], Any]] = {**READERS, "coarse": read_coarse_as_megc2025_b}
"""The same as the second public scorer reads it."""
