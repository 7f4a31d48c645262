"""Several runs from one line: every combination of the values that its words list."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from mebench.config.layers import ALIASES
from mebench.errors import ConfigError

SHARED = (
    "workers",
    "executor",
    "executor.address",
    "executor_address",
    "accelerator",
    "devices",
    "plugins",
    "cache",
    "runs",
    "tracking",
    "tracking.folds",
    "tracking.models",
    "tracking_folds",
    "tracking_models",
)
"""Keys of a whole sweep: one value each."""
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
MOST = 100_000


@dataclass(frozen=True)
class Combination:
    """One run of a sweep.

    Attributes:
        words: all its words.
        varied: of the keys that several values were given for, the value of this run.
    """

    words: tuple[str, ...]
    varied: dict[str, str]


def expand(words: Sequence[str]) -> list[Combination]:
    """The runs that the words name: every combination of the values that commas and ranges list.

    Commas inside brackets and quotes belong to their value, quotes around a whole value that has commas do not, and `seeds` is another
    name of `seed`.

    Raises:
        ConfigError: a value is empty or named twice, a range counts down, a key of several values is given twice, or has them though
            it belongs to the sweep.

    >>> [c.words for c in expand(["method=a,b", "kinds=[micro,macro]", "seeds=0..1"])][:2]
    [('method=a', 'kinds=[micro,macro]', 'seed=0'), ('method=a', 'kinds=[micro,macro]', 'seed=1')]
    """
    keys, lists = [], []
    for word in words:
        key, equals, _ = word.partition("=")
        values = values_of(word)
        if len(values) > 1 and key in SHARED:
            raise ConfigError(f"{key} is one for the whole sweep: give it one value, not {', '.join(values)}")
        keys.append(("seed" if key == "seeds" else key) + equals)
        lists.append(values)
    n_runs = math.prod(map(len, lists))
    if n_runs > MOST:
        raise ConfigError(f"these words name {n_runs} runs, and a sweep takes {MOST} at most: name fewer values")
    several = [place for place, values in enumerate(lists) if len(values) > 1]
    names = [ALIASES.get(name := key.rstrip("="), name) for key in keys]
    for place in several:  # of two words with one key the later would hold, and runs be equal
        if names.count(names[place]) > 1:
            raise ConfigError(f"{names[place]} is given twice with several values: name all its values in one word")
    return [
        Combination(
            tuple(key + value for key, value in zip(keys, chosen)),
            {keys[place].rstrip("="): chosen[place] for place in several},
        )
        for chosen in product(*lists)
    ]


def values_of(word: str) -> list[str]:
    """The values that a word gives its key.

    Raises:
        ConfigError: one is empty or named twice, or a range counts down.

    >>> values_of("seeds=0..2,7"), values_of("dataset=[casme2,samm],smic_hs"), values_of("dataset.root=../data")
    (['0', '1', '2', '7'], ['[casme2,samm]', 'smic_hs'], ['../data'])
    """
    values = [value for piece in _pieces(word.partition("=")[2]) for value in _counted(piece, word)]
    if len(values) > 1 and "" in values:
        raise ConfigError(f"{word!r} names an empty value: write values between its commas")
    twice = [value for number, value in enumerate(values) if value in values[:number]] if len(values) <= 1000 else []
    if twice:
        raise ConfigError(f"{word!r} names {twice[0]!r} twice: name each value once")
    return values


def lists_values(word: str) -> bool:
    """Whether a word would be several in a sweep, well-formed or not.

    >>> lists_values("seed=0,1"), lists_values("kinds=[micro,macro]")
    (True, False)
    """
    return len(_pieces(word.partition("=")[2])) > 1


def is_sweep(word: str) -> bool:
    """Whether a word asks for a sweep whatever its key: a range, or the key `seeds`.

    >>> is_sweep("seed=0..2"), is_sweep("seeds=1"), is_sweep("dataset.root=../data")
    (True, True, False)
    """
    key, _, text = word.partition("=")
    return key == "seeds" or bool(_RANGE.fullmatch(text))


def one_value(text: str) -> str:
    """Text that a sweep takes for one value: quoted where it has commas that would part it.

    >>> one_value("/data/a,b"), one_value("[casme2,samm]")
    ("'/data/a,b'", '[casme2,samm]')
    """
    if _pieces(text) == [text]:
        return text
    mark = '"' if "'" in text else "'"
    return mark + text + mark


def _pieces(text: str) -> list[str]:
    """The text between commas that stand in no brackets or quotes."""
    pieces, closing, quote = [""], list[str](), ""
    for letter in text:
        if letter == "," and not closing and not quote:
            pieces.append("")
            continue
        pieces[-1] += letter
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _PAIRS:
            closing.append(_PAIRS[letter])
        elif closing and letter == closing[-1]:
            closing.pop()
    # What is never closed is no bracket: a folder may be called anything.
    return text.split(",") if closing or quote else [_bare(piece) for piece in pieces]


def _bare(piece: str) -> str:
    """A piece without the quotes around it that keep its commas together."""
    text = piece.strip()
    mark, inside = text[:1], text[1:-1]
    return inside if "," in inside and mark in "'\"" and mark == text[-1] and mark not in inside else piece


def _counted(piece: str, word: str) -> list[str]:
    """The numbers of a range, both ends included; any other piece alone."""
    found = _RANGE.fullmatch(piece.strip())
    if found is None:
        return [piece.strip()] if "," in word else [piece]
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise ConfigError(f"{word!r}: the range {piece} counts down, write {last}..{first}")
    if last - first >= MOST:
        raise ConfigError(f"{word!r}: the range {piece} is longer than a sweep takes, which is {MOST}")
    return [str(number) for number in range(first, last + 1)]
