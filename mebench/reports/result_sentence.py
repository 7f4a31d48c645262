"""The sentence that states a result whole: method, settings, seeds, score, interval, spread, level of chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from mebench.output.number_format import format_number
from mebench.records.changed_settings import changed_settings
from mebench.score_type import UNDEFINED, Score

INTERVALS = {
    "run": "the 95 % interval of the run",
    "mean": "the 95 % interval of the mean over people",
    "draws": "of a method that predicts by chance, the means of the ends that hold 95 % of each seed's draws",
    "none": "no interval",
}
"""The meaning of the brackets behind a score, by the kind of its interval."""
IN_SENTENCE = {"run": "95 % interval", "mean": "95 % interval of the mean", "draws": "95 % of its draws"}
"""The same before the brackets in a sentence."""


@dataclass(frozen=True)
class StatedScore:
    """A score under its name, beside what chance reaches.

    Attributes:
        label: name of the score, and of the kind of expressions.
        score: value with its interval; over seeds with the lowest and the highest.
        chance: level of chance; undefined where none is known.
        digits: digits after the point.
    """

    label: str
    score: Score
    chance: Score = UNDEFINED
    digits: int = 4


def result_sentence(
    method: str,
    settings: str,
    seeds: Sequence[int],
    stated: StatedScore,
    interval: str,
    *,
    place: str = "",
    unpublished: str = "",
) -> str:
    """A result in a sentence. Settings that the paper or its program has otherwise stand with theirs.

    Args:
        method: id of the method, with that of its recognizer after ` + `.
        settings: non-default settings, as records state them.
        seeds: seeds of its runs.
        stated: score with its level of chance.
        interval: kind of the interval, of `INTERVALS`.
        place: dataset and protocol in words, if the sentence names them.
        unpublished: settings that are not as published, as records state them.

    >>> score = Score(0.3348, 0.3048, 0.3658, lowest=0.2946, highest=0.378)
    >>> print(result_sentence("mean", "", [0, 1, 2], StatedScore("UF1", score, Score(0.2222), 3), "mean"))
    mean, seeds 0 to 2: UF1 0.335, 95 % interval of the mean [0.305, 0.366], single seeds 0.295 to 0.378, chance 0.222
    """
    changed = changed_settings(method, settings, unpublished)
    name = " ".join(filter(None, [method, f"({changed})" if changed else "", place]))
    score, digits = stated.score, stated.digits
    words = [f"{stated.label} {format_number(score.value, digits)}"]
    if score.ends is not None:
        low, high = (format_number(end, digits) for end in score.ends)
        words.append(f"{IN_SENTENCE[interval]} [{low}, {high}]")
    elif score.value is not None:
        words.append("no interval")
    if len(seeds) > 1 and score.lowest is not None:
        lowest, highest = format_number(score.lowest, digits), format_number(score.highest, digits)
        words.append(f"single seeds {lowest} to {highest}")
    level = "unknown" if stated.chance.value is None else format_number(stated.chance.value, digits)
    words.append(f"chance {level}")
    return f"{name}, {seeds_in_words(seeds)}: {', '.join(words)}"


def seeds_in_words(seeds: Sequence[int]) -> str:
    """The seeds of a result; neighbours as a span.

    >>> seeds_in_words([0]), seeds_in_words([0, 1, 2]), seeds_in_words([0, 1, 7])
    ('seed 0', 'seeds 0 to 2', 'seeds 0, 1, 7')
    """
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    are_neighbours = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"seeds {seeds[0]} to {seeds[-1]}" if are_neighbours else f"seeds {', '.join(map(str, seeds))}"
