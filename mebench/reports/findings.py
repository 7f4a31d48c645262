"""What a run found, in sentences: main scores beside chance, and most mistakes.

A sentence says "more than chance" only where the whole 95 % interval over people lies above the level of chance, which
is a test at 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mebench.core import KINDS
from mebench.metrics.catalogue import METRICS
from mebench.metrics.mistakes import miss_shares
from mebench.metrics.score_table import ScoredPart, ScoreTable
from mebench.output.number_format import format_mean_count, format_score, format_table_number
from mebench.output.terminal import format_count
from mebench.reports.scores import RANDOM_CLASSES, clip_levels, say_reason
from mebench.score_type import UNDEFINED, Score

RANDOM_INTERVALS = "random intervals"
"""The level of chance of spotting, in words."""
MAIN_SCORES = {"spotting": ("f1",), "analysis": ("strs",), "recognition": ("unit_f1", "uf1")}
"""The score that a sentence gives, the first that a part has."""


@dataclass(frozen=True)
class Floor:
    """What a part of a summary reaches without a method.

    Attributes:
        words: source of the scores, such as `random intervals` or `always negative`.
        scores: its score of each metric.
    """

    words: str
    scores: Mapping[str, Score]


def find_floor(summary: Mapping[str, Any], part: ScoredPart) -> Floor | None:
    """The highest level of chance of a part by its main score."""
    floors = [floor for floor in _floors_of(summary, part) if any(floor.scores.values())]
    main = main_metric(part)
    return max(floors, key=lambda floor: floor.scores.get(main, UNDEFINED).value or 0.0, default=None)


def _floors_of(summary: Mapping[str, Any], part: ScoredPart) -> Iterator[Floor]:
    """Every known level of chance of a part."""
    if part.member:
        return
    if part.task == "recognition":
        for words, level in clip_levels(summary):
            yield Floor(words.removeprefix("of "), level)
        return
    words = RANDOM_CLASSES if part.task == "analysis" else RANDOM_INTERVALS
    levels = ScoreTable.read(summary).levels_of_chance(part.task, part.part if part.task == "spotting" else "")
    for level in levels.values():
        yield Floor(words, level)


def main_metric(part: ScoredPart) -> str:
    """The metric that stands for a part."""
    names = MAIN_SCORES[part.task]
    return next((name for name in names if name in part.scores), names[-1])


def describe_findings(summary: Mapping[str, Any], n_people: int, n_draws: int = 1) -> list[str]:
    """Sentences on the score of each task, and on most mistakes.

    Args:
        summary: summary of the run, with its levels of chance.
        n_people: number of tested people.
        n_draws: number of draws of a method that predicts at random, otherwise 1.
    """
    sentences = []
    for part in ScoreTable.read(summary).parts():
        is_beside_another = part.member or part.name == "all intervals"
        if is_beside_another:
            continue
        is_random = n_draws > 1 and part.task == "spotting"
        sentences.append(_draws_in_words(part, n_draws) if is_random else _score_in_words(summary, part, n_people))
        if part.task == "spotting" and not is_random:
            sentences += _mistakes_in_words(summary.get("mistakes", {}).get(part.part, {}), part.part)
    return sentences


DOING = {
    "spotting": "finds {more} {part}-expressions than {floor}",
    "analysis": "finds and names {more} micro-expressions than {floor}",
    "recognition": "names emotions {better} than {floor}",
}
"""Words for the doing of a method in each task, compared with a floor."""


def _score_in_words(summary: Mapping[str, Any], part: ScoredPart, n_people: int) -> str:
    """The main score of a part with its interval, compared with its floor.

    Returns:
        Such as `It finds more micro-expressions than random intervals: F1 0.602 [0.460, 0.730] against 0.131, on 10 people`.
    """
    metric = main_metric(part)
    score = part.scores.get(metric, UNDEFINED)
    label = METRICS[metric].label
    of = f"{part.task}, {part.name}" if part.name else part.task
    if score.value is None:
        return f"{label} of {of} is undefined."
    written = f"{label} {format_score(score, 3)}"
    people = f"on {format_count(n_people, 'person', 'people')}"
    floor = find_floor(summary, part)
    level = floor.scores.get(metric, UNDEFINED).value if floor else None
    if floor is None or level is None:
        return f"{of.capitalize()}: {written} {people}; its level of chance is not known here."
    against = f"{written} against {format_table_number(level)}, {people}"
    if score.ends is None:
        why = f": {say_reason(score.reason)}" if score.reason else ""
        return f"{of.capitalize()}: {against} for {floor.words}; without an interval nothing tells them apart{why}."
    words = DOING[part.task].format(more="{more}", better="{better}", part=part.part, floor=floor.words)
    low, high = score.ends
    if low > level:
        return f"It {words.format(more='more', better='better')}: {against}."
    if high < level:
        return f"It {words.format(more='fewer', better='worse')}: {against}."
    within = f"{written} against {format_table_number(level)}, which lies within the interval, {people}"
    return f"It is not certain that it {words.format(more='more', better='better')}: {within}."


def _draws_in_words(part: ScoredPart, n_draws: int) -> str:
    """The main score of a method that predicts at random."""
    score = part.scores.get(main_metric(part), UNDEFINED)
    written = format_score(score, 3)
    return (
        f"It predicts {part.name}-expressions at random: F1 {written}, the mean and the middle 95 % of {n_draws} draws. "
        "This is a level of chance, and no method's score."
    )


MISSES_IN_WORDS = {
    "missed": "have no spotted interval near them",
    "localisation": "have one that overlaps too little",
    "kind_confusion": "were taken for the other kind",
}
"""Words for most misses by their cause."""
UNDER_IN_WORDS = {
    "nothing": "lie where nothing is annotated",
    "near_miss": "overlap a true one too little",
    "duplicate": "repeat one that was found already",
}
"""Words for most false positives by the event under them, unless it is an annotated movement."""


def _mistakes_in_words(mistakes: Mapping[str, Mapping[str, float]], kind: str) -> Iterator[str]:
    """What most misses and most false positives have in common."""
    missed = _majority(mistakes.get("miss", {}))
    if missed:
        cause, counted = missed
        often = _third_missed_most(mistakes)
        yield f"Most missed {kind}-expressions ({counted}) {MISSES_IN_WORDS[cause]}{often}."
    under = mistakes.get("under", {})
    wrong = _majority(under)
    if wrong:
        event, counted = wrong
        words = UNDER_IN_WORDS.get(event, f"lie on {_movement(event)}")
        yield f"Most false positives ({counted}) {words}."
    elif sum(under.values()):
        yield f"The {format_mean_count(sum(under.values()))} false positives have different causes."


def _movement(event: str) -> str:
    """An annotated movement in the plural.

    >>> _movement("macro"), _movement("blink"), _movement("head")
    ('macro-expressions', 'annotated movements (blink)', 'annotated movements (head)')
    """
    return f"{event}-expressions" if event in KINDS else f"annotated movements ({event})"


def _majority(numbers: Mapping[str, float]) -> tuple[str, str] | None:
    """The cause of more than half of some mistakes, and `22 of 25`; None if there is none."""
    total = sum(numbers.values())
    if not total:
        return None
    cause = max(numbers, key=lambda name: numbers[name])
    if 2 * numbers[cause] <= total:
        return None
    return cause, f"{format_mean_count(numbers[cause])} of {format_mean_count(total)}"


def _third_missed_most(mistakes: Mapping[str, Mapping[str, float]]) -> str:
    """The third of the truths that is missed most, in words.

    It is empty unless that third is missed at least twice as often as each other one.
    """
    for shares in miss_shares(mistakes).values():
        first, *others = sorted(shares, key=lambda third: -shares[third])
        if others and shares[first] > 0 and shares[first] >= 2 * shares[others[0]]:
            of_others = " and ".join(f"{100 * shares[third]:.0f} % of the {third}" for third in others)
            return f"; the {first} are missed most: {100 * shares[first]:.0f} % of them, {of_others}"
    return ""
