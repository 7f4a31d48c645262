"""What answers to questions score beside floors that see no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mebench.output.number_format import format_score, format_table_number
from mebench.output.terminal import format_count
from mebench.score_type import Score
from mebench.vqa.marking import ERRORS_OF_COUNTS
from mebench.vqa.question_rows import MAIN_SCORES
from mebench.vqa.question_tables import LABELS, OF_WORDS


@dataclass(frozen=True)
class AnswerScore:
    """A score of answers, and the best floor.

    Attributes:
        name: name of the score.
        label: the score in words.
        score: its value with the interval over people.
        floor: name of the floor that is best by this score; empty without one.
        level: value of that floor, or None.
    """

    name: str
    label: str
    score: Score
    floor: str
    level: float | None

    @property
    def standing(self) -> str:
        """How the score stands to the floor: `better`, `worse`, `not shown to be better`, or empty where nothing tells."""
        if self.level is None or self.score.ends is None:
            return ""
        low, high = self.score.ends
        is_above, is_below = low > self.level, high < self.level
        if self.name in ERRORS_OF_COUNTS:
            is_above, is_below = is_below, is_above
        if is_above:
            return "better"
        return "worse" if is_below else "not shown to be better"


def scores_with_floors(scored: Mapping[str, Any]) -> list[AnswerScore]:
    """All scores of a summary, the main ones first.

    Args:
        scored: the result of `marking.score_answers`.
    """
    labels = {**LABELS, **OF_WORDS}
    names = sorted(scored["scores"], key=lambda name: [*labels, name].index(name))
    rows = []
    for name in names:
        levels = {floor: scores[name] for floor, scores in scored["floors"].items() if name in scores}
        best = min if name in ERRORS_OF_COUNTS else max
        floor = best(levels, key=lambda floor: levels[floor], default="")
        score = Score.from_plain(scored["scores"][name])
        rows.append(AnswerScore(name, labels.get(name, name.replace("_", " ")), score, floor, levels.get(floor)))
    return rows


def describe_answers(
    rows: Sequence[AnswerScore], n_people: int, states: Mapping[str, int], n_questions: int
) -> list[str]:
    """Sentences on the main score beside the best floor, and on answers that say nothing.

    Args:
        rows: scores with their floors; none if no truth is known.
        n_people: number of people.
        states: number of answers in each state.
        n_questions: number of questions.
    """
    main = next((row for name in MAIN_SCORES.values() for row in rows if row.name == name), None)
    sentences = [] if main is None else [_describe_score(main, n_people)]
    lost = {state: states[state] for state in ("refused", "empty", "missing", "not understood") if states.get(state)}
    answers = format_count(n_questions, "answer")
    if not lost:
        return [*sentences, f"All of {answers} could be read."]
    n_lost = sum(lost.values())
    causes = ", ".join(f"{number} {state}" for state, number in lost.items())
    return [*sentences, f"{n_lost} of {answers} ({100 * n_lost / n_questions:.0f} %) do not answer: {causes}."]


def _describe_score(row: AnswerScore, n_people: int) -> str:
    """A score on so many people beside the best floor."""
    written = f"{row.label}: {format_score(row.score, 3)} on {format_count(n_people, 'person', 'people')}"
    if row.level is None:
        return f"{written}."
    floor = f"the floor {row.floor}, which sees no picture and has {format_table_number(row.level)}"
    if not row.standing:
        return f"{written}, beside {floor}; without an interval nothing tells them apart."
    return f"{written}, {row.standing} than {floor}."
