"""Rows of answers to questions, by set of questions: scores, significance groups, ranks, and agreement where the truth is hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import numpy as np

from mebench.boards.group_letters import split_letters
from mebench.boards.named_boards import QUESTIONS
from mebench.boards.significance import Weights, find_differing_pairs, significance_groups
from mebench.errors import MebenchError
from mebench.grouping import group_by
from mebench.metrics.bootstrap import derived_seed
from mebench.metrics.compared_tables import LEVEL, detectable_difference
from mebench.metrics.paired import PERMUTATIONS
from mebench.metrics.ratios import Floats
from mebench.output.terminal import format_count
from mebench.result_cache import cached_result
from mebench.score_type import UNDEFINED, Score
from mebench.vqa.answer_records import (
    AnswerRecord,
    find_answer_records,
    names_of_data,
    read_answer_record,
)
from mebench.vqa.floors import TRUTH
from mebench.vqa.model_cards import UNKNOWN, names_in_card
from mebench.vqa.person_sums import HIGHER_IS_WORSE, counts_of_score, score_from_counts

FOLDER = "questions"
"""The folder of the records of answers in that of a leaderboard."""
SCORER = "megc2025_b"
"""The scorer of the columns that name none: classes read from free text, an empty answer counts as wrong."""
MAIN_SCORES = {"clips": "coarse_uf1", "videos": "events_mae"}
"""The score that sorts, unless a board names another one."""
OF_STANDINGS = (
    "vqa/question_rows.py",
    "boards/significance.py",
    "boards/group_letters.py",
    "vqa/person_sums.py",
    "metrics/classification.py",
)
"""The code of the stored significance groups."""
DRAWS = 1000
"""Draws of people that give the error of a difference."""
SAW_TESTED = "trained on tested data"
SAW_UNKNOWN = "trained on unknown data"
HIDDEN = "truth hidden"
"""The reasons why a row of a model has no rank."""


@dataclass(frozen=True)
class QuestionRow:
    """A row of answers to questions.

    A kind of its own, because its scores stand under several scorers, and answers whose truth is hidden have none, but agree or do not.

    Attributes:
        record: its record.
        mark: why it has no rank, or empty.
        rank: its rank by the main score, or None.
        group: letters; rows of a table that share a letter are not distinguishable. Empty without a test.
        agreement: number of clips on whose class it agrees with each other row, and of all its clips, by kind and that row's method.
    """

    record: AnswerRecord
    mark: str = ""
    rank: int | None = None
    group: str = ""
    agreement: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)

    @property
    def content(self) -> Mapping[str, Any]:
        """The content of its record."""
        return self.record.content

    @property
    def method(self) -> str:
        """Its name."""
        return str(self.content["method"])

    @property
    def floor(self) -> str:
        """The floor whose answers it gives, or empty."""
        return str(self.content["facts"].get("floor", ""))

    def score(self, name: str, scorer: str = SCORER) -> Score:
        """A score under a scorer; without a value if it has none."""
        summary: Mapping[str, Any] = self.content["summaries"].get(scorer, {"scores": {}})
        plain = summary["scores"].get(name)
        return UNDEFINED if plain is None else Score.from_plain(plain)

    def value(self, name: str) -> float | None:
        """The value of a score."""
        return self.score(name).value


@dataclass(frozen=True)
class QuestionTable:
    """All rows about one set of questions.

    Attributes:
        name: name of its files, without ending.
        dataset: name of the set of questions.
        about: `clips` or `videos`.
        sha256: hash of the questions.
        score: the score that sorts.
        rows: ranked rows, the best first, among which floors and rows without a rank stand.
    """

    name: str
    dataset: str
    about: str
    sha256: str
    score: str
    rows: tuple[QuestionRow, ...]

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts about the questions."""
        return cast(Mapping[str, Any], self.rows[0].content["set"])

    @property
    def title(self) -> str:
        """Its title."""
        return f"Questions about {self.about} of {self.dataset}"

    @property
    def leaks(self) -> Sequence[str]:
        """What the questions reveal without a picture, in sentences."""
        return next((row.content["leaks"] for row in self.rows if row.content.get("leaks")), [])

    @property
    def is_hidden(self) -> bool:
        """Whether no question has a public true answer."""
        return not self.facts["known"]

    @property
    def ranked(self) -> list[QuestionRow]:
        """The rows with a rank, the best first."""
        return [row for row in self.rows if row.rank is not None]

    def plain(self) -> dict[str, Any]:
        """The table as JSON values."""
        values = {name: getattr(self, name) for name in ("name", "dataset", "about", "sha256", "score")}
        return {**values, "set": dict(self.facts), "rows": [_plain_row(row) for row in self.rows]}


def _plain_row(row: QuestionRow) -> dict[str, Any]:
    """A row as JSON values, without the sums of people."""
    content = {name: value for name, value in row.content.items() if name not in ("sums", "readings", "set")}
    of_row = {"record": row.record.name, "rank": row.rank, "group": row.group, "mark": row.mark}
    agreement = {}
    for kind, of_kind in row.agreement.items():
        agreement[kind] = {method: list(numbers) for method, numbers in of_kind.items()}
    return {**of_row, **content, "agreement": agreement}


def collect_answer_records(folder: Path, notify: Callable[[str], object]) -> list[AnswerRecord]:
    """The records of answers in a folder, by name; `notify` gets a sentence for each that is left out."""
    records = []
    for record_folder in find_answer_records(folder):
        try:
            records.append(read_answer_record(record_folder))
        except MebenchError as error:
            notify(f"{record_folder.name} is left out: {error}")
    return records


def build_question_tables(
    records: Sequence[AnswerRecord], score_of: Mapping[str, str] | None = None
) -> list[QuestionTable]:
    """A table for each set of questions.

    Args:
        records: records of answers.
        score_of: the score that sorts, by `clips` and `videos`; by default `MAIN_SCORES`.
    """
    scores = {**MAIN_SCORES, **(score_of or {})}
    ordered = sorted(records, key=lambda record: (record.set_identity, record.name))
    by_set = group_by(ordered, key=attrgetter("set_identity"))
    n_versions = Counter((dataset, about) for dataset, about, _ in by_set)
    tables = []
    for (dataset, about, sha256), own in by_set.items():
        # The same set in another version is another table.
        ending = f"-{sha256[:8]}" if n_versions[dataset, about] > 1 else ""
        name = f"{QUESTIONS}-{dataset}-{about}{ending}"
        rows = _with_standings([QuestionRow(record, _mark_of(record)) for record in own], scores[about])
        tables.append(QuestionTable(name, dataset, about, sha256, scores[about], tuple(rows)))
    return tables


def _mark_of(record: AnswerRecord) -> str:
    """Why a row has no rank; empty for one that has, or is a floor."""
    content = record.content
    if content["facts"].get("floor"):
        return ""
    if not content["set"]["known"]:
        return HIDDEN
    saw = names_of_data(content["trained_on"])
    if content["set"]["name"] in [*saw, *names_in_card(content["facts"].get("card"), "saw")]:
        return SAW_TESTED
    return SAW_UNKNOWN if UNKNOWN in saw or not saw else ""


def _with_standings(rows: Sequence[QuestionRow], score: str) -> list[QuestionRow]:
    """The rows in order, with ranks, significance groups and agreement."""
    ordered = sorted(rows, key=lambda row: (-_worth(row, score), row.method, row.record.name))
    groups = _groups_of(ordered, score)
    ranked: list[QuestionRow] = []
    next_rank = 1
    for row, group in zip(ordered, groups):
        rank = None
        if not row.floor and not row.mark and row.value(score) is not None:
            rank = next_rank
            next_rank += 1
        ranked.append(replace(row, group=group, rank=rank, agreement=_agreement_of(row, ordered)))
    return ranked


def _worth(row: QuestionRow, score: str) -> float:
    """The score of a row as a number of which more is better; a row without it comes last."""
    value = row.value(score)
    if value is None:
        return float("-inf")
    return -value if score.endswith(HIGHER_IS_WORSE) else value


def _groups_of(rows: Sequence[QuestionRow], score: str) -> list[str]:
    """The letters of all rows; the truth itself and rows without sums have none."""
    tested = [row for row in rows if row.floor != TRUTH and counts_of_score(row.content["sums"], score) is not None]
    same_people = {tuple(row.content["sums"]["people"]) for row in tested}
    if len(tested) < 2 or len(same_people) != 1:
        return [""] * len(rows)
    sums = [[row.content["sums"]["people"], row.content["sums"][score.rpartition("_")[0]]] for row in tested]
    letters = cached_result(partial(_letters, tested, score), OF_STANDINGS, "questions", score, sums)
    letter_of = dict(zip((row.record.name for row in tested), letters))
    return [letter_of.get(row.record.name, "") for row in rows]


def _letters(tested: Sequence[QuestionRow], score: str) -> list[str]:
    """The significance groups of rows on the same people."""
    counts = np.concatenate([cast(Floats, counts_of_score(row.content["sums"], score)) for row in tested])
    n_people = len(tested[0].content["sums"]["people"])
    sign = -1 if score.endswith(HIGHER_IS_WORSE) else 1

    def evaluate(weights: Weights) -> Floats:
        return sign * score_from_counts(score, weights @ counts)

    units = np.arange(len(counts), dtype=np.int32).reshape(len(tested), n_people)
    pairs = find_differing_pairs(evaluate, units, PERMUTATIONS, derived_seed(0, "permutation"))
    return [""] * len(tested) if pairs is None else significance_groups(pairs, np.ones(len(tested), np.bool_))


def _agreement_of(row: QuestionRow, others: Sequence[QuestionRow]) -> dict[str, dict[str, tuple[int, int]]]:
    """Numbers of clips whose class a row names as each other row does."""
    agreement: dict[str, dict[str, tuple[int, int]]] = {}
    for kind, own in row.content["readings"].items():
        for other in others:
            theirs = other.content["readings"].get(kind, {})
            if other is not row and theirs:
                n_same = sum(own[id_] == theirs.get(id_) for id_ in own)
                agreement.setdefault(kind, {})[other.method] = (n_same, len(own))
    return agreement


def settings_of_answers(content: Mapping[str, Any]) -> str:
    """What was asked of whom and with which pictures, in words."""
    facts = content["facts"]
    prompt = facts.get("prompt") or {}
    words = [
        f"model {facts['model']}" if facts.get("model") else "",
        str(facts.get("program") or ""),
        f"prompt {prompt['name']} {prompt['version']} ({prompt['sha256'][:8]})" if prompt else "",
        f"sees {', '.join(facts['see']) or 'nothing'}" if "see" in facts else "",
        f"{format_count(facts['pictures'], 'place')} of a clip" if facts.get("pictures") else "",
        f"{facts['size']} px" if facts.get("size") else "",
        f"apex {facts['apex']}" if facts.get("apex") else "",
        f"answers {facts['constraint']}" if facts.get("constraint") else "",
        f"runs {', '.join(facts['runs'])}" if facts.get("runs") else "",
    ]
    return "; ".join(filter(None, map(str, words)))


def leader_in_words(table: QuestionTable) -> str:
    """Who leads a table by its main score, and where the best floor stands."""
    if table.is_hidden:
        of_models = [row for row in table.rows if not row.floor]
        return f"{format_count(len(of_models), 'public answer file')}; the truth is hidden"
    floors = [row for row in table.rows if row.floor and row.floor != TRUTH and row.value(table.score) is not None]
    if not table.ranked and not floors:
        return "no row yet"
    best_floor = max(floors, key=lambda row: _worth(row, table.score), default=None)
    if not table.ranked:
        return f"no model has a rank yet; the best floor has {_floor_in_words(cast(QuestionRow, best_floor), table)}"
    first = table.ranked[0]
    reached = f"{first.value(table.score):.3f}"
    if table.score.endswith(HIGHER_IS_WORSE):
        reached += " (lower is better)"
    if best_floor is None:
        return f"{first.method} leads with {reached}; there is no floor"
    standing = _standing_to_floor(first, best_floor, table)
    if _worth(first, table.score) <= _worth(best_floor, table.score):
        return f"no model beats the best floor; the best one, {first.method}, has {reached}{standing}"
    return f"{first.method} leads with {reached}{standing}"


def _floor_in_words(floor: QuestionRow, table: QuestionTable) -> str:
    """The score of a floor and its rule."""
    return f"{floor.value(table.score):.3f} ({floor.method})"


def _standing_to_floor(row: QuestionRow, floor: QuestionRow, table: QuestionTable) -> str:
    """Whether a row stands above the best floor, as the end of a sentence."""
    level = _floor_in_words(floor, table)
    if not row.group or not floor.group:
        return f"; the best floor has {level}"
    if set(split_letters(row.group)) & set(split_letters(floor.group)):
        return f", not distinguishable from the best floor at {level}{_power_in_words(row, floor, table)}"
    side = "better" if _worth(row, table.score) > _worth(floor, table.score) else "worse"
    return f", {side} than the best floor at {level}"


def _power_in_words(row: QuestionRow, floor: QuestionRow, table: QuestionTable) -> str:
    """Which true difference between two rows would have been found.

    It ends a sentence, and is empty where the difference is not known.

    The level of the test is divided by the number of pairs of the table, as its letters are adjusted for all of them.
    """
    counts = [counts_of_score(one.content["sums"], table.score) for one in (row, floor)]
    n_people = len(row.content["sums"]["people"])
    weights = np.random.default_rng(derived_seed(0, "power")).multinomial(n_people, [1 / n_people] * n_people, DRAWS)
    scores = [score_from_counts(table.score, weights @ cast(Floats, count)) for count in counts]
    n_tested = sum(bool(one.group) for one in table.rows)
    n_pairs = n_tested * (n_tested - 1) // 2
    error = float(np.nanstd(scores[0] - scores[1], ddof=1))
    found = detectable_difference(error, n_people - 1, LEVEL / n_pairs)
    if found is None:
        return ""
    return f": with these {n_people} people a true difference shows reliably from about {found:.2f} on, so a tie is not equality"
