"""People, their videos and their folds.

No person is on two sides of a fold, and some of the training people validate.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import compress
from operator import not_

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression, SubjectKey, Video, stable_seed
from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.grouping import group_by

DECIMALS = 9
"""Decimals of distances, so that the last digit of a processor decides nothing."""
DRAWS = 5
"""Number of draws of parts, of which the best is taken."""


@dataclass(frozen=True)
class _Traits:
    """The traits of all people, as arrays with a row for each.

    Attributes:
        persons: all people, sorted.
        number_of: their rows.
        datasets: (n people,) number of the datasets that show them, in the order of the names.
        counts: (n people, n labels) number of expressions of each kind and label, in the order of the labels.
    """

    persons: Sequence[SubjectKey]
    number_of: Mapping[SubjectKey, int]
    datasets: NDArray[np.int64]
    counts: NDArray[np.int64]

    @cached_property
    def n_expressions(self) -> NDArray[np.int64]:
        """(n people,) number of expressions of each."""
        n_expressions: NDArray[np.int64] = self.counts.sum(axis=1)
        return n_expressions

    def rank_rarest_label(self, known: NDArray[np.intp]) -> NDArray[np.int64]:
        """(n people,) the rank of the rarest label that each shows: 0 for the rarest of all; -1 for people without labels.

        Args:
            known: numbers of the people among whom labels are counted.
        """
        n_labels = self.counts.shape[1]
        rarest_first = np.argsort(self.counts[known].sum(axis=0), kind="stable")
        rank = np.empty(n_labels, dtype=np.int64)
        rank[rarest_first] = np.arange(n_labels)
        shown = np.where(self.counts > 0, rank, n_labels).min(axis=1, initial=n_labels)
        return np.where(shown == n_labels, -1, shown)


@dataclass(frozen=True)
class People:
    """The people of a dataset, and rules for drawing some of them.

    Attributes:
        videos: videos in any order, which has no effect on the result.
        seed: seed of drawing validation people.
        validation: share of the training people that validate, rounded, at least one and never all; none if only one
            person trains.
        person: identity of a subject beyond its dataset; subjects with equal identities are one person.
        short: whether the videos of a dataset are short ones of one expression each; False by default.
        split: the part of the authors' own split that a subject belongs to; empty if there is none.
        class_of: class of an expression, None if it is not scored; parts are balanced in it.
    """

    videos: Sequence[Video]
    seed: int = 0
    validation: float = 0.2
    person: Callable[[SubjectKey], SubjectKey] = lambda subject: subject
    short: Mapping[str, bool] = field(default_factory=dict)
    split: Callable[[SubjectKey], str] = lambda subject: ""
    class_of: Callable[[Expression], str | None] = lambda expression: expression.emotion or expression.objective

    @cached_property
    def subjects(self) -> tuple[SubjectKey, ...]:
        """All subjects, sorted."""
        return tuple(sorted({video.subject_key for video in self.videos}))

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, sorted."""
        return tuple(sorted({subject.dataset for subject in self.subjects}))

    @cached_property
    def persons(self) -> dict[SubjectKey, tuple[SubjectKey, ...]]:
        """The subjects of each person, sorted by the first of them."""
        return {person: tuple(subjects) for person, subjects in group_by(self.subjects, key=self.person).items()}

    @cached_property
    def _person_of(self) -> Callable[[SubjectKey], SubjectKey]:
        """`person`, asked once for each subject: a thousand folds ask a thousand times for each."""
        return cache(self.person)

    @cached_property
    def _persons_in_order(self) -> tuple[SubjectKey, ...]:
        """The person of each of `subjects`."""
        return tuple(map(self.person, self.subjects))

    def name(self, person: SubjectKey) -> str:
        """Name of the fold of this person alone: its only subject, otherwise the person."""
        first, *others = self.persons[person]
        return str(person if others else first)

    def find_subjects(self, datasets: Collection[str]) -> tuple[SubjectKey, ...]:
        """The subjects of some datasets."""
        return tuple(subject for subject in self.subjects if subject.dataset in datasets)

    def fold(
        self,
        key: str,
        test: Collection[SubjectKey],
        train: Collection[SubjectKey] | None = None,
        *,
        valid: Collection[SubjectKey] | None = None,
        strangers: bool = True,
        videos: Sequence[str] = (),
    ) -> Fold:
        """A fold.

        Args:
            key: name of the fold, which with the seed decides the validation people.
            test: tested subjects.
            train: training and validation subjects; by default all others.
            valid: validation subjects among them; by default drawn.
            strangers: whether tested people train under no other id, either; otherwise only the tested subjects do not
                train.
            videos: keys of the tested videos, if other videos of the same subjects train.

        Raises:
            ConfigError: no training subject is left.
        """
        candidates = self.subjects if train is None else sorted(train)
        # Other videos of tested people train if only some of theirs are tested.
        eligible = list(candidates) if videos else self._untested(candidates, test, strangers)
        if not eligible:
            raise ConfigError(
                f"fold {key!r}: no person is left for training, because all others are tested, too, perhaps under "
                "another id: test fewer, or add subjects or datasets of other people"
            )
        if valid is None:
            valid = self._draw_validation(key, eligible, test, tested_train=bool(videos))
        is_validating = [*map(set(valid).__contains__, eligible)]
        return Fold(
            key,
            tuple(compress(eligible, map(not_, is_validating))),
            tuple(compress(eligible, is_validating)),
            tuple(sorted(test)),
            tuple(sorted(videos)),
        )

    def _untested(
        self, candidates: Sequence[SubjectKey], test: Collection[SubjectKey], strangers: bool
    ) -> list[SubjectKey]:
        """The candidates that are not tested; with `strangers` under no other id, either."""
        if not strangers:
            tested_subjects = set(test)
            return [subject for subject in candidates if subject not in tested_subjects]
        tested_persons = set(map(self._person_of, test))
        persons = self._persons_in_order if candidates is self.subjects else map(self._person_of, candidates)
        return [*compress(candidates, map(not_, map(tested_persons.__contains__, persons)))]

    def _draw_validation(
        self, key: str, eligible: Sequence[SubjectKey], test: Collection[SubjectKey], tested_train: bool
    ) -> list[SubjectKey]:
        """The subjects of the drawn validation people. One person stays for training, unless tested people train."""
        traits = self._traits
        known = self._find_numbers(eligible)
        most = len(known) - 1
        if tested_train:
            known = np.setdiff1d(known, self._find_numbers(test), assume_unique=True)
            most = len(known)
        count = min(max(1, round(self.validation * len(known))), most)
        if count <= 0:
            return []
        drawn = self._draw_numbers(known, count, "inner validation", key)
        return [subject for number in drawn for subject in self.persons[traits.persons[number]]]

    def _find_numbers(self, subjects: Collection[SubjectKey]) -> NDArray[np.intp]:
        """The numbers of the people behind some subjects (see `_Traits`), sorted."""
        is_there = np.zeros(len(self._traits.persons), dtype=bool)
        is_there[np.fromiter(map(self._number_of_subject.__getitem__, subjects), np.intp, len(subjects))] = True
        return np.flatnonzero(is_there)

    @cached_property
    def _number_of_subject(self) -> dict[SubjectKey, int]:
        """The number of the person behind each subject."""
        of_person = self._traits.number_of
        return {subject: of_person[person] for subject, person in zip(self.subjects, self._persons_in_order)}

    def divide_people(self, persons: Collection[SubjectKey], k: int, *purpose: object) -> list[list[SubjectKey]]:
        """Divide people into k balanced parts whose sizes differ by at most one.

        They are balanced in `_counts`, see `_draw_parts`.

        Args:
            persons: people in any order, at least k.
            k: number of parts.
            purpose: purpose of the draw; each purpose has a draw of its own.
        """
        size, n_larger = divmod(len(persons), k)
        sizes = [size + 1] * n_larger + [size] * (k - n_larger)
        parts = self._draw_parts(persons, sizes, [1 / k] * k, *purpose)
        return sorted(parts, key=lambda part: (-len(part), part))

    def draw_people(self, persons: Collection[SubjectKey], n: int, *purpose: object) -> list[SubjectKey]:
        """Draw n people with a balanced share of `_counts` (see `_draw_parts`).

        Args:
            persons: people in any order.
            n: number of drawn people, from 1 to one less than all.
            purpose: purpose of the draw, as for `parts`.
        """
        n_fewer = min(n, len(persons) - n)  # of those who are drawn and those who are not
        # One of many parts is taken: a few people drawn alone would always be the most ordinary ones.
        n_parts, rest = divmod(len(persons), n_fewer)
        sizes = [n_fewer] * n_parts
        if rest:
            sizes.append(rest)
        drawn, *_ = self._draw_parts(persons, sizes, [size / len(persons) for size in sizes], *purpose)
        return drawn if n_fewer == n else sorted(set(persons) - set(drawn))

    def draw_persons(self, persons: Collection[SubjectKey], n: int, *purpose: object) -> list[SubjectKey]:
        """Draw n people like the others: at equal steps in an order, from a random start.

        The order is random, then sorted by dataset, by the rarest label (with its kind) that each person shows, and by
        the number of expressions. This is quicker but less balanced than `part`, for validation people of a thousand
        folds.
        """
        traits = self._traits
        known = np.array(sorted(traits.number_of[person] for person in persons), dtype=np.intp)
        return [traits.persons[number] for number in self._draw_numbers(known, n, *purpose)]

    def _draw_numbers(self, known: NDArray[np.intp], n: int, *purpose: object) -> list[int]:
        """The numbers of n people, sorted, see `draw_persons`.

        Args:
            known: numbers of all people among whom is drawn, sorted.
            n: number of drawn people.
            purpose: purpose of the draw.
        """
        traits = self._traits
        rng = np.random.default_rng(stable_seed(self.seed, *purpose))
        order = known[rng.permutation(len(known))]
        order = order[
            np.lexsort((traits.n_expressions[order], traits.rank_rarest_label(known)[order], traits.datasets[order]))
        ]
        start = rng.random()
        places = [int((number + start) * len(order) / n) for number in range(n)]
        return sorted(order[places].tolist())

    @cached_property
    def _traits(self) -> _Traits:
        """The traits by which people are drawn."""
        persons = sorted(self.persons)
        datasets = [tuple(subject.dataset for subject in self.persons[person]) for person in persons]
        number_of_datasets = {names: number for number, names in enumerate(sorted(set(datasets)))}
        labels = sorted({label for person in persons for label in self._counts_by_label[person]})
        counts = [[self._counts_by_label[person][label] for label in labels] for person in persons]
        return _Traits(
            persons,
            {person: number for number, person in enumerate(persons)},
            np.array([number_of_datasets[names] for names in datasets], dtype=np.int64),
            np.array(counts, dtype=np.int64).reshape(len(persons), len(labels)),
        )

    def _draw_parts(
        self, persons: Collection[SubjectKey], sizes: Sequence[int], shares: Sequence[float], *purpose: object
    ) -> list[list[SubjectKey]]:
        """Divide people into balanced parts of these sizes, the best of a few draws.

        A draw is random, then two people are exchanged until no exchange improves the balance. The distance is a
        chi-square: for each count of `_counts`, the squared difference between a part's count and its share of the
        total, divided by that share. Draws of different seeds have hardly more in common than random ones.
        """
        known = sorted(persons)
        rng = np.random.default_rng(stable_seed(self.seed, *purpose))
        counts = self._counts(known)
        scaled = counts / np.sqrt(counts.sum(0))
        draws = []
        for _ in range(DRAWS):
            random_part = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
            draws.append(_balance_parts(scaled, random_part, np.array(shares), rng))
        best_part, _ = min(draws, key=lambda draw: draw[1])
        return [[known[i] for i in np.flatnonzero(best_part == number)] for number in range(len(sizes))]

    def _counts(self, persons: Sequence[SubjectKey]) -> NDArray[np.float64]:
        """The counts that parts balance, one row for each person.

        They are the videos, those of each dataset, and the expressions of each kind and class.
        """
        rows = {person: Counter[tuple[str, ...]]() for person in persons}
        for video in self.videos:
            row = rows.get(self.person(video.subject_key))
            if row is None:
                continue
            row.update([("videos",), ("videos", video.dataset)])
            row.update(("expressions", e.kind) for e in video.expressions)
            row.update(("class", e.kind, self.class_of(e) or "") for e in video.expressions)
        columns = sorted(set().union(*rows.values()))
        return np.array([[rows[person][column] for column in columns] for person in persons], dtype=float)

    @cached_property
    def _counts_by_label(self) -> dict[SubjectKey, Counter[tuple[str, str]]]:
        """The number of expressions of each kind and label for each person."""
        counts = {person: Counter[tuple[str, str]]() for person in self.persons}
        for video in self.videos:
            counts[self.person(video.subject_key)].update(
                (e.kind, e.emotion or e.objective or "") for e in video.expressions
            )
        return counts


def _balance_parts(
    counts: NDArray[np.float64], part: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], float]:
    """The parts after all exchanges that improve their balance, and their remaining distance.

    Args:
        counts: (n people, n counts), each scaled by the square root of its sum.
        part: (n people,) initial part of each person.
        shares: (n parts,), with sum 1.
        rng: draws the order in which people try exchanges.
    """
    counts_of_parts = np.array([counts[part == number].sum(0) for number in range(len(shares))])
    excess = counts_of_parts / shares[:, None] - counts.sum(0)
    has_changed = True
    while has_changed:
        has_changed = False
        for person in rng.permutation(len(counts)).tolist():
            own = part[person]
            change = counts - counts[person]  # of the own part's counts, by an exchange with each person
            distance_added = 2 * (change * (excess[own] - excess[part])).sum(1)
            distance_added += (change**2).sum(1) * (1 / shares[own] + 1 / shares[part])
            distance_added = np.where(part == own, 0.0, distance_added).round(DECIMALS)
            best = int(distance_added.argmin())
            if distance_added[best] < 0:
                other = part[best]
                excess[own] += change[best] / shares[own]
                excess[other] -= change[best] / shares[other]
                part[person] = other
                part[best] = own
                has_changed = True
    return part, round(float((excess**2 * shares[:, None]).sum()), DECIMALS)
