"""Several runs at once: every combination of the values that keys list."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from mebench.config.sources import ALIASES, key_value
from mebench.errors import ConfigError, refuse_if
from mebench.output.json_output import text_of_value

Lists = Sequence[tuple[str, Sequence[Any]]]
"""The values of each key."""

SHARED = (
    "workers",
    "executor",
    "executor_address",
    "accelerator",
    "devices",
    "plugins",
    "cache",
    "keep",
    "keep_models",
    "runs",
    "tracking",
    "tracking_folds",
    "tracking_models",
    "tracking_figures",
)
"""Keys of a whole sweep: one value each."""
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
MOST = 100_000
"""Number of runs that a sweep takes."""
MOST_COMPARED = 1000
"""Number of values of a key among which repetitions are refused; longer lists are not searched."""


@dataclass(frozen=True)
class Combination:
    """One run of a sweep.

    Attributes:
        settings: all settings, by flat key.
        varied: this run's value, as text, of each key with several values.
    """

    settings: dict[str, Any]
    varied: dict[str, str]


def expand_lists(lists: Lists) -> list[Combination]:
    """The runs that keys and their values make: every combination. `seeds` is another name of `seed`.

    With several methods, `mean.p` is `method.p` for the runs of `mean` alone; runs of other methods are not multiplied
    by it.

    Raises:
        ConfigError: a key with several values is given twice, or belongs to the whole sweep and cannot vary.

    >>> [c.settings for c in expand_lists([("method", ["a", "b"]), ("kinds", [["micro", "macro"]]), ("seeds", [0, 1])])][1]
    {'method': 'a', 'kinds': ['micro', 'macro'], 'seed': 1}
    >>> [c.settings for c in expand_lists([("method", ["mean", "softnet"]), ("mean.p", ["0.5", "0.6"])])]
    [{'method': 'mean', 'method.p': '0.5'}, {'method': 'mean', 'method.p': '0.6'}, {'method': 'softnet'}]
    """
    other_names = {"seeds": "seed"}
    lists = [(other_names.get(key, key), values) for key, values in lists]
    _check_lists(lists)
    names = [ALIASES.get(key, key) for key, _ in lists]
    methods = set[str]()
    for name, (_, values) in zip(names, lists):
        if name == "method":
            methods |= {text_of_value(value) for value in values}
    combinations = dict[str, Combination]()
    for chosen in product(*(values for _, values in lists)):
        settings = dict(zip(names, chosen))
        method = text_of_value(settings.get("method", ""))
        settings = _settings_of_method(settings, method, methods)
        varied = {}
        for (key, values), value in zip(lists, chosen):
            belongs_to_another = key.partition(".")[0] in methods and not key.startswith(f"{method}.")
            if len(values) > 1 and not belongs_to_another:
                varied[key] = text_of_value(value)
        same = repr(sorted(settings.items(), key=str))
        combinations.setdefault(same, Combination(settings, varied))
    return [*combinations.values()]


def _check_lists(lists: Lists) -> None:
    """Refuse keys that cannot vary or vary twice, and too many runs.

    Raises:
        ConfigError: there is such a key, or there are too many runs.
    """
    names = [ALIASES.get(key, key) for key, _ in lists]
    n_runs = math.prod(len(values) for _, values in lists)
    for name, (key, values) in zip(names, lists):
        if len(values) <= 1:
            continue
        if name in SHARED:
            raise ConfigError(
                f"{key} is one for the whole sweep: give it one value, not {', '.join(map(text_of_value, values))}"
            )
        if n_runs <= MOST and names.count(name) > 1:  # the later would hold, and runs be equal
            raise ConfigError(f"{name} is given twice with several values: name all its values in one word")
    if n_runs > MOST:
        raise ConfigError(f"these words name {n_runs} runs, and a sweep takes {MOST} at most: name fewer values")


def _settings_of_method(settings: Mapping[str, Any], method: str, methods: Collection[str]) -> dict[str, Any]:
    """The settings of one run: `mean.p` is `method.p` for the method `mean`, and left out for others.

    Args:
        settings: values by flat key.
        method: method of the run.
        methods: all methods of the sweep.
    """
    own = dict[str, Any]()
    of_method = dict[str, Any]()
    for key, value in settings.items():
        head, _, name = key.partition(".")
        if head not in methods:
            own[key] = value
        elif key.startswith(f"{method}."):
            of_method[f"method.{name}"] = value
    return own | of_method


def lists_of_words(words: Sequence[str]) -> Lists:
    """The values that commas and ranges list, by the keys of words.

    Commas inside brackets and quotes belong to their value; quotes around a whole value with commas are removed.

    Raises:
        ConfigError: a word is no `key=value`, a value is empty or named twice, or a range counts down.
    """
    return [(key_value(word)[0], values_of_word(word)) for word in words]


def lists_of_settings(settings: Mapping[str, Any]) -> Lists:
    """The values by key of Python's settings, flat and plain: a list is several values. Text is one value, even with
    commas.

    >>> lists_of_settings({"dataset": [["casme2", "samm"], "smic_hs"], "dataset.root": "/data/a,b"})
    [('dataset', [['casme2', 'samm'], 'smic_hs']), ('dataset.root', ['/data/a,b'])]
    """
    lists: list[tuple[str, list[Any]]] = []
    for key, value in settings.items():
        values: list[Any] = [value]
        if isinstance(value, list) and value:
            values = _check_values(value, f"{key}={','.join(map(text_of_value, value))}")
        lists.append((key, values))
    return lists


def values_of_word(word: str) -> list[str]:
    """The values that a word gives its key.

    Raises:
        ConfigError: one is empty or named twice, or a range counts down.

    >>> values_of_word("seeds=0..2,7"), values_of_word("dataset=[casme2,samm],smic_hs"), values_of_word("dataset.root=../data")
    (['0', '1', '2', '7'], ['[casme2,samm]', 'smic_hs'], ['../data'])
    """
    values = []
    for piece in _pieces(word.partition("=")[2]):
        match = _RANGE.fullmatch(piece.strip())
        if match is None:
            values.append(piece.strip() if "," in word else piece)
            continue
        first, last = int(match[1]), int(match[2])  # both belong to a range
        refuse_if(
            (last < first, f"{word!r}: the range {piece} counts down, write {last}..{first}"),
            (last - first >= MOST, f"{word!r}: the range {piece} is longer than a sweep takes, which is {MOST}"),
        )
        values += map(str, range(first, last + 1))
    return _check_values(values, word)


def has_several_values(word: str) -> bool:
    """Whether a word lists several values, well-formed or not.

    >>> has_several_values("seed=0,1"), has_several_values("kinds=[micro,macro]")
    (True, False)
    """
    return len(_pieces(word.partition("=")[2])) > 1


def is_sweep(word: str) -> bool:
    """Whether a word always makes a sweep: a range, or the key `seeds`.

    >>> is_sweep("seed=0..2"), is_sweep("seeds=1"), is_sweep("dataset.root=../data")
    (True, True, False)
    """
    key, _, text = word.partition("=")
    return key == "seeds" or bool(_RANGE.fullmatch(text))


def _check_values(values: list[Any], word: str) -> list[Any]:
    """The values, unless one is empty or named twice. Beyond `MOST_COMPARED` a repetition stays unnoticed."""
    if len(values) > 1 and "" in values:
        raise ConfigError(f"{word!r} names an empty value: write values between its commas")
    if len(values) > MOST_COMPARED:
        return values
    seen = set[str]()
    for value in map(text_of_value, values):
        if value in seen:
            raise ConfigError(f"{word!r} names {value!r} twice: name each value once")
        seen.add(value)
    return values


def _pieces(text: str) -> list[str]:
    """The pieces between commas outside brackets and quotes."""
    pieces = [""]
    closing: list[str] = []  # of the open brackets, the innermost last
    quote = ""
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
    if closing or quote:  # an unclosed bracket does not count, because a folder may have any name
        return text.split(",")
    return [_without_quotes(piece) for piece in pieces]


def _without_quotes(piece: str) -> str:
    """A piece without the quotes that only keep its commas together; any other piece unchanged."""
    stripped = piece.strip()
    mark = stripped[:1]
    inside = stripped[1:-1]
    is_quoted = mark in "'\"" and mark == stripped[-1:] and mark not in inside
    return inside if is_quoted and "," in inside else piece
