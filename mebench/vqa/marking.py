"""Scores of answers to the challenge's questions, with intervals over people.

Scores of answers that are given without a picture stand beside them.

Two public scorers of the same task differ, so both are available by name:

`megc2025_a`: sentence BLEU (nltk, smoothing method 1, words split at blanks, mean over questions) and ROUGE-1 recall with stems;
classes are compared as they are written and averaged over those of truth and answers; empty answers are left out of the texts' scores
(github.com/Humphrey-0125/MEGC2025, `ablation/Metrics`, 629ec15).

`megc2025_b`: corpus BLEU without smoothing over words of letters and digits, and ROUGE-1 F1; classes are read from free text and
averaged over those of the truth; an empty answer counts (github.com/null-xy/MEGC2026, `evaluation.py`, 7211b2f).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError, check_known
from mebench.finding import Finding
from mebench.grouping import group_by
from mebench.metrics import classification
from mebench.metrics.bootstrap import LEAST, PlainScore, as_score, score_interval
from mebench.metrics.reasons import ThinSupport, store_supports
from mebench.output.terminal import format_count
from mebench.vqa.questions import QuestionCells, clip_of, find_leaks, id_of, subject_of
from mebench.vqa.wording import (
    CLASSES,
    COUNTS,
    FINE,
    READERS,
    READERS_OF_MEGC2025_B,
    Kind,
    Meaning,
    meaning_of,
    read_count,
    read_units,
)

Scorer = Literal["megc2025_a", "megc2025_b", "strict"]
ERRORS_OF_COUNTS = {f"{kind}_{error}" for kind, error in product(COUNTS, ("mae", "rmse"))}
"""Scores that are distances, 0 or more; the others are shares."""
FLOORS: Mapping[str, Callable[[QuestionCells], str]] = {
    "majority": lambda row: meaning_of(row["question"]).kind,
    "prior": lambda row: row["question"],
    "sentence": lambda row: "",
}
"""Answers without a picture, each the commonest true answer of the other people: to that kind of question, to that question, or
the commonest sentence to every question.
"""


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question with its true and its given answer.

    Attributes:
        row: row of the file of questions.
        meaning: meaning of the question.
        given: the given answer; may be empty.
        texts: counts of the scorer for the two texts; their sum over questions gives BLEU and ROUGE-1.
    """

    row: QuestionCells
    meaning: Meaning
    given: str
    texts: NDArray[np.float64]


def score_answers(
    truth: Sequence[QuestionCells], answers: Sequence[QuestionCells], scorer: Scorer = "megc2025_b", floors: bool = True
) -> dict[str, Any]:
    """The summary of a file of answers.

    Args:
        truth: questions with true answers.
        answers: the same questions, by id, with given answers.
        scorer: rules for texts and classes; both scorers treat all other answers equally.
        floors: whether the floors are scored, too.

    Returns:
        `scores` by name with 95 % intervals (jackknife over people), the same `by_dataset`, `floors` (the same scores of each of
        `FLOORS`), `consistency` (how often a clip's answers agree with one another), `leaks` of the questions, `warnings`, counts.

    Raises:
        ConfigError: an unknown scorer, or a package of the extra `vqa` is missing.
        DataError: the ids of the two files differ, or no question has a true answer.
    """
    check_known("scorer", scorer, SCORERS)
    known = [row for row in truth if row.get("answer", "").strip()]
    by_id = {id_of(row): row for row in answers}
    if not known:
        raise DataError(
            "the file of questions has no true answers, so nothing can be scored: name the file with answers"
        )
    check_answers(truth, by_id)
    if not any(id_of(row) in by_id for row in known):
        raise DataError(f"none of the {len(known)} questions is answered; ids look like {id_of(known[0])!r}")
    marks = load_scorer(scorer)
    measured = cache(marks.measure_texts)  # most answers are given many times
    texts = [by_id.get(id_of(row), {}).get("answer", "") for row in known]
    read = _read(measured, known, texts)
    n_empty = sum(not answer.strip() for answer in texts)
    return {
        "scorer": scorer,
        "questions": len(known),
        "answered": len(known) - n_empty,
        "clips": len({clip_of(row) for row in known}),
        "subjects": len({subject_of(row) for row in known}),
        "scores": _scores(marks, read),
        "by_dataset": _scores_by_dataset(marks, read),
        "floors": {
            name: _values(marks, _read(measured, known, blind_answers(name, known))) for name in FLOORS if floors
        },
        "consistency": _consistency(read),
        "leaks": find_leaks(known),
        "warnings": [str(finding) for finding in _warnings_on(read, n_empty)],
    }


def check_answers(asked: Sequence[QuestionCells], answers: Mapping[str, QuestionCells]) -> None:
    """Refuse answers that do not belong to the questions.

    Args:
        asked: questions.
        answers: rows of the answers by their ids.

    Raises:
        DataError: an answer is to no question, no question is answered, or a wording differs.
    """
    ids = {id_of(row) for row in asked}
    foreign = [name for name in answers if name not in ids]
    if foreign:
        raise DataError(
            f"{format_count(len(foreign), 'answer')} to questions that are not asked; the first has the id {foreign[0]!r}"
        )
    if not ids & set(answers):
        raise DataError(f"none of the {len(asked)} questions is answered; ids look like {id_of(asked[0])!r}")
    for row in asked:
        answer = answers.get(id_of(row))
        if answer and answer["question"].split() != row["question"].split():
            raise DataError(
                f"the question {id_of(row)!r} has another wording in the answers: they belong to another version"
            )


def _warnings_on(read: Sequence[AnsweredQuestion], n_empty: int) -> Iterator[Finding]:
    """Warnings about unanswered questions, unknown kinds, and answers that cannot be read."""
    if n_empty:
        yield _warning(f"{n_empty} of {format_count(len(read), 'question')} not answered, and so counted as wrong")
    unknown = [one for one in read if not one.meaning.kind]
    if unknown:
        example = unknown[0].row["question"]
        yield _warning(
            f"{format_count(len(unknown), 'question')} of no known kind, in BLEU and ROUGE alone: {example!r}"
        )
    answered = [one for one in read if one.given.strip() and one.meaning.kind in READERS]
    n_unread = sum(READERS[one.meaning.kind](one.given) is None for one in answered)
    if n_unread:
        yield _warning(
            f"{format_count(n_unread, 'answer')} without what the question asks for, and so counted as wrong"
        )


def _warning(sentence: str) -> Finding:
    """A warning about a file of answers."""
    return Finding("warning", "", sentence)


class _Words:
    """The words of `megc2025_b`: letters and digits, with an apostrophe inside."""

    def tokenize(self, text: str) -> list[str]:
        """Lower-case words of a text."""
        return re.findall(r"[a-z0-9]+(?:'[a-z0-9]+)?", text.lower())


class _Sentences:
    """`megc2025_a`: means over the sentences of nltk's BLEU and of ROUGE-1 recall."""

    as_written = True
    readers = READERS

    def __init__(self) -> None:
        library = import_module("nltk.translate.bleu_score")
        self._bleu = partial(library.sentence_bleu, smoothing_function=library.SmoothingFunction().method1)
        self._rouge = import_module("rouge_score.rouge_scorer").RougeScorer(["rouge1"], use_stemmer=True)

    def measure_texts(self, truth: str, given: str) -> list[float]:
        """BLEU, ROUGE-1 and the number of answers; all 0 if a text is empty."""
        true, answer = truth.strip().lower(), given.strip().lower()
        if not true or not answer:
            return [0, 0, 0]
        return [self._bleu([true.split()], answer.split()), self._rouge.score(true, answer)["rouge1"].recall, 1]

    def of_sum(self, total: NDArray[np.float64]) -> tuple[float, float]:
        """BLEU and ROUGE-1 of several answers."""
        bleu, rouge, n = total.tolist()
        return bleu / max(n, 1), rouge / max(n, 1)


class _Corpus:
    """`megc2025_b`: sacrebleu's BLEU of the corpus and the mean of ROUGE-1 F1."""

    as_written = False
    readers = READERS_OF_MEGC2025_B

    def __init__(self) -> None:
        self._bleu = import_module("sacrebleu.metrics").BLEU(tokenize="none", force=True, effective_order=True)
        self._rouge = import_module("rouge_score.rouge_scorer").RougeScorer(["rouge1"], tokenizer=_Words())

    def measure_texts(self, truth: str, given: str) -> list[float]:
        """Matched and all n-grams, words of both texts, ROUGE-1, and 1."""
        reference, hypothesis = (" ".join(_Words().tokenize(text)) for text in (truth, given))
        bleu = self._bleu.sentence_score(hypothesis, [reference])
        rouge = self._rouge.score(truth, given)["rouge1"].fmeasure
        return [*bleu.counts, *bleu.totals, bleu.sys_len, bleu.ref_len, rouge, 1]

    def of_sum(self, total: NDArray[np.float64]) -> tuple[float, float]:
        """BLEU and ROUGE-1 of several answers."""
        *counts, sys_len, ref_len = map(int, total[:10])
        bleu = self._bleu.compute_bleu(counts[:4], counts[4:], sys_len, ref_len)
        return min(float(bleu.score) / 100, 1.0), float(total[10] / total[11])


class _CorpusByFirstWord(_Corpus):
    """`strict`: the measures of `megc2025_b`; the class is the one that an answer names first."""

    readers = READERS


Marks = _Sentences | _Corpus
SCORERS: Mapping[Scorer, type[Marks]] = {"megc2025_a": _Sentences, "megc2025_b": _Corpus, "strict": _CorpusByFirstWord}


def load_scorer(scorer: Scorer) -> Marks:
    """The rules of a scorer.

    Raises:
        ConfigError: a package of the extra `vqa` is missing.
    """
    try:
        return SCORERS[scorer]()
    except ImportError as error:
        raise ConfigError(f'{error.name} is not installed: pip install "mebench[vqa]"') from None


def _read(
    measured: Callable[[str, str], list[float]], known: Sequence[QuestionCells], given: Sequence[str]
) -> list[AnsweredQuestion]:
    """Questions with the meaning and the counts of their answers."""
    read = []
    for row, answer in zip(known, given):
        texts = np.array(measured(row["answer"], answer), np.float64)
        read.append(AnsweredQuestion(row, meaning_of(row["question"]), answer, texts))
    return read


def _values(marks: Marks, read: Sequence[AnsweredQuestion]) -> dict[str, float]:
    """All scores of some questions by name; kinds without a question have none."""
    bleu, rouge = marks.of_sum(np.sum([one.texts for one in read], axis=0))
    scores = {"bleu": bleu, "rouge1": rouge}
    by_kind = group_by(read, lambda one: one.meaning.kind)
    for kind in marks.readers:
        answered = by_kind.get(kind, ())
        if answered:
            scores |= _scores_of_kind(marks, kind, answered)
    return scores


def _scores_of_kind(marks: Marks, kind: Kind, answered: Sequence[AnsweredQuestion]) -> dict[str, float]:
    """The scores of all questions of a kind."""
    reader = marks.readers[kind]
    if kind in ("coarse", "fine") and marks.as_written:
        return _scores_of_classes(kind, answered, None)
    if kind in ("coarse", "fine", "type"):
        return _scores_of_classes(kind, answered, reader)
    true = [reader(one.row["answer"]) for one in answered]
    given = [reader(one.given) for one in answered]
    if kind == "units":
        return _scores_of_units(true, given)
    if kind in COUNTS:
        return _errors_of_counts(kind, true, given)
    return {f"{kind}_accuracy": float(np.mean([one == other for one, other in zip(true, given)]))}


def _errors_of_counts(kind: Kind, true: Sequence[int | None], given: Sequence[int | None]) -> dict[str, float]:
    """Mean absolute and root mean squared error of counts; an answer without a number counts 0."""
    errors = np.array([(one or 0) - (other or 0) for one, other in zip(true, given)])
    return {
        f"{kind}_mae": float(np.abs(errors).mean()),
        f"{kind}_rmse": float(np.sqrt((errors**2).mean())),
    }


def _scores_of_classes(
    kind: Kind, answered: Sequence[AnsweredQuestion], reader: Callable[[str], Any] | None
) -> dict[str, float]:
    """UF1 and UAR over the classes of the truth; without a reader over those of truth and answers as they are written."""
    if reader is None:
        true = [one.row["answer"].strip().lower() for one in answered]
        given = [one.given.strip().lower() for one in answered]
        classes = {*true, *given}
    else:
        true = [reader(one.row["answer"]) for one in answered]
        given = [reader(one.given) for one in answered]
        classes = {name for name in true if name}
    matrix = classification.confusion_matrix(true, given, sorted(classes))
    return {f"{kind}_uf1": float(classification.uf1(matrix)), f"{kind}_uar": float(classification.uar(matrix))}


def _scores_of_units(true: Sequence[Set[str]], given: Sequence[Set[str]]) -> dict[str, float]:
    """F1 of all named action units together, and the mean Jaccard index; two empty sets agree."""
    n_common = sum(len(one & other) for one, other in zip(true, given))
    n_named = sum(len(units) for units in [*true, *given])
    jaccard = []
    for one, other in zip(true, given):
        union = one | other
        jaccard.append(len(one & other) / len(union) if union else 1.0)
    return {
        "units_f1": 2 * n_common / n_named if n_named else 0.0,
        "units_jaccard": float(np.mean(jaccard)),
    }


def _scores(marks: Marks, read: Sequence[AnsweredQuestion]) -> dict[str, PlainScore]:
    """All scores of some questions with intervals over people."""
    people = sorted({subject_of(one.row) for one in read})
    without = []
    for person in people:
        others = [one for one in read if subject_of(one.row) != person]
        without.append(_values(marks, others or read))
    strata = [person.split("/")[0] for person in people]
    few = len(people) < LEAST
    reason = store_supports([ThinSupport("it", f"{len(people)} people")]) if few else "it has no spread"
    scores: dict[str, PlainScore] = {}
    for name, value in _values(marks, read).items():
        replicates = np.array([one.get(name, np.nan) for one in without])
        scale: Literal["positive", "share"] = "positive" if name in ERRORS_OF_COUNTS else "share"
        ends = None if few else score_interval(value, replicates, strata, scale)
        scores[name] = as_score(value, ends, reason)
    return scores


def _scores_by_dataset(marks: Marks, read: Sequence[AnsweredQuestion]) -> dict[str, dict[str, PlainScore]]:
    """The scores of each dataset; empty if there is one."""
    by_dataset = group_by(read, lambda one: clip_of(one.row).split("/")[0])
    if len(by_dataset) < 2:
        return {}
    return {name: _scores(marks, by_dataset[name]) for name in sorted(by_dataset)}


def blind_answers(
    floor: str, asked: Sequence[QuestionCells], learnt: Sequence[QuestionCells] | None = None
) -> list[str]:
    """The answers of a floor, each from the true answers of the other people; from all if there are no others.

    Args:
        floor: one of `FLOORS`.
        asked: questions to answer.
        learnt: questions with the true answers to learn from; by default the asked ones.
    """
    group_of = FLOORS[floor]
    tallies = defaultdict[str, Counter[str]](Counter)
    own = defaultdict[tuple[str, str], Counter[str]](Counter)
    for row in asked if learnt is None else learnt:
        if floor == "sentence" and meaning_of(row["question"]).kind != "sentence":
            continue
        tallies[group_of(row)][row["answer"]] += 1
        own[group_of(row), subject_of(row)][row["answer"]] += 1
    answers = []
    for row in asked:
        tally = tallies[group_of(row)]
        others = tally - own[group_of(row), subject_of(row)] or tally
        answers.append(_most_frequent(others))
    return answers


def _most_frequent(tally: Counter[str]) -> str:
    """The most frequent text; ties: the first in the alphabet; empty if there is none."""
    return min(tally, key=lambda text: (-tally[text], text), default="")


def _consistency(read: Sequence[AnsweredQuestion]) -> dict[str, dict[str, int]]:
    """The number of clips with consistent answers: fine with coarse class, and the sentence and yes or no with the
    separate answers.
    """
    answered = [one for one in read if one.meaning.kind and one.given.strip()]
    tallies = {
        name: {"agree": 0, "of": 0} for name in ("fine_and_coarse", "sentence_and_classes", "shown_and_units", "counts")
    }
    for answers in group_by(answered, lambda one: clip_of(one.row)).values():
        for name, agree in _agreements(group_by(answers, lambda one: one.meaning.kind)):
            tallies[name]["of"] += 1
            tallies[name]["agree"] += agree
    return {name: counts for name, counts in tallies.items() if counts["of"]}


def _agreements(clip: Mapping[Kind, Sequence[AnsweredQuestion]]) -> Iterator[tuple[str, bool]]:
    """Whether the answers about one clip, by kind, agree with one another."""
    if clip.keys() >= {*CLASSES}:
        named = {kind: READERS[kind](clip[kind][0].given) for kind in CLASSES}
        yield "fine_and_coarse", named["coarse"] == FINE.get(str(named["fine"]))
        if "sentence" in clip:
            yield "sentence_and_classes", named == {kind: READERS[kind](clip["sentence"][0].given) for kind in CLASSES}
    if "units" in clip:
        listed = read_units(clip["units"][0].given)
        for one in clip.get("shown", ()):
            if one.meaning.unit is not None:
                yield "shown_and_units", (READERS["shown"](one.given) == "yes") == (one.meaning.unit in listed)
    if clip.keys() >= {*COUNTS}:
        total, *parts = (read_count(clip[kind][0].given) or 0 for kind in COUNTS)
        yield "counts", total == sum(parts)
