"""Every answer with its question, its readings, and the reasons for its scores."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache, cached_property
from typing import Any, Literal

import numpy as np

from mebench.vqa.answer_findings import describe_answers, scores_with_floors
from mebench.vqa.answer_records import not_understood
from mebench.vqa.floors import LEVELS
from mebench.vqa.marking import SCORERS, Marks, Scorer, check_answers, load_scorer, score_answers
from mebench.vqa.model_cards import card_in_words
from mebench.vqa.pictures import APEXES, SEES
from mebench.vqa.questions import QuestionCells, clip_of, id_of
from mebench.vqa.wording import CLASSES, COUNTS, READERS, Kind, join_unit_names, meaning_of, read_units

State = Literal["read", "not understood", "refused", "empty", "missing"]
STATES: Mapping[str, str] = {
    "read": "an answer to what the question asks, or a free text",
    "not understood": "a text without what the question asks for",
    "refused": "a text without it that says that it cannot or will not answer",
    "empty": "no text: a model refused, or a run cannot answer such a question",
    "missing": "no line in the file of answers",
}
"""The states of an answer before it is scored, and their meanings."""
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|(?:cannot|can't|can not|could not|couldn't|won't|will not|unable to|not able to|not possible to)\b)"
)


def report_answers(
    asked: Sequence[QuestionCells],
    given: Sequence[QuestionCells],
    facts: Mapping[str, Any],
    frames_of: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """All answers and what became of them, as plain data.

    Args:
        asked: questions, with true answers where they are known.
        given: answers by the same ids.
        facts: how the answers came about, see `answer_facts`.
        frames_of: the frames that were shown, by the id of the question; None if unknown.

    Returns:
        `questions`, `known` (with a true answer), `states` (a number for each of `STATES`), `refusal_share` (empty and refused ones among
        the lines of answers), `not_understood_share`, `pictures` and the model's `card` in words, `facts`, `findings` in sentences,
        `scored` (of `marking.score_answers`; None without a true answer), and `answers`: a mapping for each question.

    Raises:
        ConfigError: a package of the extra `vqa` is missing, and true answers are known.
        DataError: the answers belong to other questions.
    """
    by_id = {id_of(row): row for row in given}
    check_answers(asked, by_id)
    judges = {scorer: _Judge(scorer) for scorer in SCORERS}
    answers = [_judged(row, by_id.get(id_of(row)), judges, (frames_of or {}).get(id_of(row))) for row in asked]
    states = Counter(answer["state"] for answer in answers)
    n_lines = len(asked) - states["missing"]
    is_scored = any(row.get("answer", "").strip() and id_of(row) in by_id for row in asked)
    scored = score_answers(asked, given) if is_scored else None
    rows = scores_with_floors(scored) if scored else []
    return {
        "findings": describe_answers(rows, scored["subjects"] if scored else 0, states, len(asked)),
        "scored": scored,
        "questions": len(asked),
        "known": sum(bool(answer["truth"]) for answer in answers),
        "states": {state: states[state] for state in STATES},
        "refusal_share": (states["empty"] + states["refused"]) / n_lines,
        "not_understood_share": states["not understood"] / n_lines,
        "pictures": pictures_in_words(facts),
        "facts": dict(facts),
        "card": card_in_words(facts.get("card")),
        "answers": answers,
    }


def _judged(
    row: QuestionCells, answer: QuestionCells | None, judges: Mapping[Scorer, "_Judge"], frames: Sequence[int] | None
) -> dict[str, Any]:
    """A question with its answer, and what each scorer makes of it."""
    kind = meaning_of(row["question"]).kind
    truth = row.get("answer", "").strip()
    text = "" if answer is None else answer.get("answer", "")
    return {
        "id": id_of(row),
        "clip": clip_of(row),
        "kind": kind,
        "question": row["question"],
        "answer": text,
        "truth": truth,
        "state": "missing" if answer is None else state_of_answer(kind, text),
        "frames": None if frames is None else list(frames),
        "scorers": {scorer: judge.explain(kind, truth, text) for scorer, judge in judges.items()},
    }


def state_of_answer(kind: Kind, text: str) -> State:
    """What became of an answer: read, not understood, refused or empty.

    >>> state_of_answer("coarse", "I'm sorry, I cannot tell."), state_of_answer("coarse", "I cannot be sure: negative")
    ('refused', 'read')
    >>> state_of_answer("coarse", "A face."), state_of_answer("sentence", "I am unable to analyse faces.")
    ('not understood', 'refused')
    """
    if not text.strip():
        return "empty"
    if kind in READERS:
        lacks_answer = not_understood(kind, text)
    else:
        lacks_answer = not read_units(text) and all(READERS[one](text) is None for one in CLASSES)
    if lacks_answer and _REFUSAL.search(text.lower().replace("’", "'")):
        return "refused"
    return "not understood" if lacks_answer and kind in READERS else "read"


class _Judge:
    """The rules of a scorer for single answers.

    Args:
        scorer: its name.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._readers = SCORERS[scorer].readers
        self._overlap = cache(self._measure_overlap)  # most answers are given many times

    @cached_property
    def _marks(self) -> Marks:
        """The rules for texts, whose packages only a true answer needs."""
        return load_scorer(self._scorer)

    def _measure_overlap(self, truth: str, text: str) -> tuple[float, float]:
        """BLEU and ROUGE-1 of a single answer."""
        return self._marks.of_sum(np.array(self._marks.measure_texts(truth, text), np.float64))

    def explain(self, kind: Kind, truth: str, text: str) -> dict[str, Any]:
        """How an answer was read, the verdict, its reason, BLEU and ROUGE-1.

        Without a truth there is the reading alone.
        """
        reader = self._readers.get(kind)
        as_written = SCORERS[self._scorer].as_written and kind in CLASSES
        if as_written:
            read: Any = text.strip().lower()
        else:
            read = reader(text) if reader else None
        found = {
            "read": reading_in_words(read) if reader else "",
            "verdict": "",
            "reason": "",
            "bleu": None,
            "rouge1": None,
        }
        if not truth:
            return found
        bleu, rouge = self._overlap(truth, text)
        of_single_answers = SCORERS[self._scorer].as_written  # the others have one BLEU for all answers together
        if reader is None:
            verdict = ""
            reason = "scored by its words alone, in BLEU and ROUGE-1"
        elif as_written:
            verdict, reason = _compare_as_written(truth.lower(), read)
        else:
            verdict, reason = _compare_readings(kind, reader(truth), read)
        return {
            **found,
            "verdict": verdict,
            "reason": reason,
            "bleu": bleu if of_single_answers else None,
            "rouge1": rouge,
        }


def reading_in_words(read: Any) -> str:
    """What a reader took from an answer.

    >>> reading_in_words(None), reading_in_words(frozenset({4, 12})), reading_in_words(3)
    ('nothing', 'brow lowerer, lip corner puller', '3')
    """
    if isinstance(read, Set):
        return join_unit_names(sorted(read)) or "nothing"
    return "nothing" if read in (None, "") else str(read)


def _compare_as_written(truth: str, text: str) -> tuple[str, str]:
    """The verdict on a class that is compared letter by letter, and its reason."""
    if truth == text:
        return "right", "written exactly as the truth"
    return "wrong", "compared as written, and not the same text as the truth"


def _compare_readings(kind: Kind, true: Any, given: Any) -> tuple[str, str]:
    """The verdict on a read answer, and its reason."""
    if kind == "units":
        return _compare_units(true, given)
    if kind in COUNTS:
        return _compare_counts(true, given)
    if true == given:
        return "right", f"read as {reading_in_words(given)}, like the truth"
    if given is None:
        return "wrong", "lacks what the question asks for, so it counts as wrong"
    return "wrong", f"read as {reading_in_words(given)}, but the truth is {reading_in_words(true)}"


def _compare_units(true: Set[int], given: Set[int]) -> tuple[str, str]:
    """The verdict on a set of action units: right only if it is the same set."""
    if true == given:
        return "right", "exactly the true units"
    parts = [f"{len(true & given)} of {len(true)} true units named"]
    parts += _sentence_part_of_units("missing", true - given) + _sentence_part_of_units("wrong", given - true)
    return ("partly right" if true & given else "wrong"), "; ".join(parts)


def _sentence_part_of_units(what: str, units: Iterable[int]) -> list[str]:
    """A part of a sentence with some units; none without units."""
    names = join_unit_names(sorted(units))
    return [f"{what}: {names}"] if names else []


def _compare_counts(true: int | None, given: int | None) -> tuple[str, str]:
    """The verdict on a count: its error."""
    error = (given or 0) - (true or 0)
    no_number = "no number, which counts as 0: " if given is None else ""
    if not error:
        return "right", f"{no_number}the true number"
    return "wrong", f"{no_number}{abs(error)} too {'many' if error > 0 else 'few'}"


def pictures_in_words(facts: Mapping[str, Any]) -> list[str]:
    """What was shown for each answer, in sentences; never a picture.

    >>> pictures_in_words({"see": [], "model": "m"})
    ['No picture was sent.']
    """
    floor = str(facts.get("floor", ""))
    if floor:
        return [f"No picture was seen: the answers are the floor {floor}, {LEVELS.get(floor, 'an unknown rule')}."]
    if "runs" in facts:
        return ["No picture was sent: the answers are predictions of runs."]
    if "see" not in facts:
        return ["It is not known what was shown: no file of facts lies beside the answers."]
    kinds = [str(kind) for kind in facts["see"]]
    if not kinds:
        return ["No picture was sent."]
    n_moments, windows = int(facts.get("pictures", 0)), int(facts.get("windows", 1))
    sentences = [
        f"{kind}: at most {count} of each clip; {SEES.get(kind, 'an unknown kind of picture')}."
        for kind, count in zip(kinds, (_n_pictures(kind, n_moments) for kind in kinds))
    ]
    if windows > 1:
        sentences.append(f"A long video has as many for its overview, and again for each of {windows} windows.")
    sentences.append(f"The longer side of a picture has at most {facts.get('size', 'an unknown number of')} pixels.")
    apex = str(facts.get("apex", "even"))
    sentences.append(f"Frames: {n_moments} moments from the first to the last frame; {APEXES.get(apex, apex)}.")
    return sentences


def _n_pictures(kind: str, n_moments: int) -> int:
    """The number of pictures of a kind at some moments."""
    if kind == "strip":
        return 1
    return max(n_moments - 1, 1) if kind in ("flow", "difference") else n_moments
