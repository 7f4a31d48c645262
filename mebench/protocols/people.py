"""People and their videos, and folds made of them: no person on two sides, some of the training people for validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mebench import heavy
from mebench.core import Expression, Fold, SubjectKey, Video, stable_seed
from mebench.errors import ConfigError
from mebench.grouping import grouped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 5
"""Of so many draws of parts the best is taken."""


@dataclass(frozen=True)
class People:
    """The people of a dataset and how some of them are drawn.

    Attributes:
        videos: in any order; nothing depends on it.
        seed: draws who validates.
        validation: their share of the people who train, rounded, at least one and never all; none where one person trains.
        person: who a subject is beyond its dataset: subjects of equal answers are one person.
        short: whether the videos of a dataset are short ones of one expression each; False where nothing is said.
        split: the part of the authors' own split that a subject belongs to; empty where there is none.
        class_of: what an expression is scored as, None where it is not; parts hold equally many of each.
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
        """Everybody, sorted."""
        return tuple(sorted({video.subject_key for video in self.videos}))

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, sorted."""
        return tuple(sorted({subject.dataset for subject in self.subjects}))

    @cached_property
    def persons(self) -> dict[SubjectKey, tuple[SubjectKey, ...]]:
        """The subjects that each person is, sorted by the first of them."""
        return {person: tuple(subjects) for person, subjects in grouped(self.subjects, key=self.person).items()}

    def name(self, person: SubjectKey) -> str:
        """Name of the fold that tests this person alone: the subject's, or the person's if there are several subjects."""
        first, *others = self.persons[person]
        return str(person if others else first)

    def of(self, datasets: Collection[str]) -> tuple[SubjectKey, ...]:
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
            key: its name; decides with the seed who validates.
            test: who is tested.
            train: who trains and validates; by default everybody else.
            valid: who of them validates; by default drawn.
            strangers: whoever is tested under any id trains under none; otherwise only the tested subjects do not train.
            videos: keys of the tested videos, where other videos of the same subjects train.

        Raises:
            ConfigError: nobody is left to train on.
        """
        tested = {self.person(subject) for subject in test}
        barred = set() if videos else set(test)
        eligible = [
            subject
            for subject in (self.subjects if train is None else sorted(train))
            if subject not in barred and (videos or not strangers or self.person(subject) not in tested)
        ]
        if not eligible:
            raise ConfigError(
                f"fold {key!r}: no person is left for training, because all others are tested, too, perhaps under "
                "another id: test fewer, or add subjects or datasets of other people"
            )
        chosen = set(valid or ())
        if valid is None:  # somebody must stay to train, unless somebody does anyway
            persons = {self.person(subject) for subject in eligible} - (tested if videos else set())
            count = min(max(1, round(self.validation * len(persons))), len(persons) - (not videos))
            drawn = self.some(persons, count, "inner validation", key) if count > 0 else []
            chosen = {subject for person in drawn for subject in self.persons[person]}
        return Fold(
            key,
            tuple(s for s in eligible if s not in chosen),
            tuple(s for s in eligible if s in chosen),
            tuple(sorted(test)),
            tuple(sorted(videos)),
        )

    def parts(self, persons: Collection[SubjectKey], k: int, *purpose: object) -> list[list[SubjectKey]]:
        """Some people in k parts whose sizes differ by one at most and that hold alike what `_counts` counts (see `_dealt`).

        Args:
            persons: in any order, at least k.
            k: number of parts.
            purpose: what the draw is for; another one draws others.
        """
        n = len(persons)
        dealt = self._dealt(persons, [n // k + (part < n % k) for part in range(k)], [1 / k] * k, *purpose)
        return sorted(dealt, key=lambda part: (-len(part), part))

    def part(self, persons: Collection[SubjectKey], n: int, *purpose: object) -> list[SubjectKey]:
        """So many of some people, who hold their share of what `_counts` counts (see `_dealt`).

        Args:
            persons: in any order.
            n: from 1 to one less than there are.
            purpose: as of `parts`.
        """
        few = min(n, len(persons) - n)
        times, rest = divmod(
            len(persons), few
        )  # one of many parts, or a few people would always be the most ordinary ones
        sizes = [few] * times + [rest] * bool(rest)
        drawn = self._dealt(persons, sizes, [size / len(persons) for size in sizes], *purpose)[0]
        return drawn if few == n else sorted(set(persons) - set(drawn))

    def some(self, persons: Collection[SubjectKey], n: int, *purpose: object) -> list[SubjectKey]:
        """So many of some people, who resemble the others: each n-th in order, from a random one on.

        They stand at random, then sorted by what they have in common: their datasets, then the rarest label that they show (of all
        labels that these people show, with its kind), then the number of their expressions. Quicker than `part` and less alike:
        where each of a thousand folds draws who validates.
        """
        known = sorted(persons)
        rng = heavy.numpy.random.default_rng(stable_seed(self.seed, *purpose))
        shows = [self._shows[person] for person in known]
        whole = sum(shows, Counter[tuple[str, str]]())
        rarest = [min(((whole[label], label) for label in counts), default=(0, ("", ""))) for counts in shows]
        traits = [
            ([s.dataset for s in self.persons[person]], of_one, counts.total())
            for person, of_one, counts in zip(known, rarest, shows)
        ]
        order = sorted(rng.permutation(len(known)).tolist(), key=lambda i: traits[i])
        first = rng.random()
        return sorted(known[order[int((place + first) * len(order) / n)]] for place in range(n))

    def _dealt(
        self, persons: Collection[SubjectKey], sizes: Sequence[int], shares: Sequence[float], *purpose: object
    ) -> list[list[SubjectKey]]:
        """Some people in parts of these sizes: at random, then two change places wherever that brings the parts nearer to their
        shares, until no exchange does; of a few such draws the nearest.

        How far off they are is a chi-square: of each count of `_counts`, the squared difference between what a part has and its
        share of all, by that share. From a random start to the first place that no exchange improves: draws of other seeds have
        hardly more in common than random ones.
        """
        np, known = heavy.numpy, sorted(persons)
        rng = np.random.default_rng(stable_seed(self.seed, *purpose))
        counts = self._counts(known)
        scaled = counts / np.sqrt(counts.sum(0))
        draws = [
            _exchanged(scaled, rng.permutation(np.repeat(np.arange(len(sizes)), sizes)), np.array(shares), rng)
            for _ in range(DRAWS)
        ]
        part = min(draws, key=lambda draw: draw[1])[0]
        return [[known[i] for i in np.flatnonzero(part == p)] for p in range(len(sizes))]

    def _counts(self, persons: Sequence[SubjectKey]) -> NDArray[np.float64]:
        """The counts that parts balance, one row for each person: videos, those of each dataset, and expressions of each kind and class."""
        rows = {person: Counter[tuple[str, ...]]() for person in persons}
        for video in self.videos:
            if (row := rows.get(self.person(video.subject_key))) is not None:
                row.update([("videos",), ("videos", video.dataset)])
                row.update(("expressions", e.kind) for e in video.expressions)
                row.update(("class", e.kind, self.class_of(e) or "") for e in video.expressions)
        columns = sorted(set().union(*rows.values()))
        return heavy.numpy.array([[rows[person][column] for column in columns] for person in persons], dtype=float)

    @cached_property
    def _shows(self) -> dict[SubjectKey, Counter[tuple[str, str]]]:
        """The number of expressions of each kind and label for each person."""
        found = {person: Counter[tuple[str, str]]() for person in self.persons}
        for video in self.videos:
            found[self.person(video.subject_key)].update(
                (e.kind, e.emotion or e.objective or "") for e in video.expressions
            )
        return found


def _exchanged(
    counts: NDArray[np.float64], part: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], float]:
    """The parts after all exchanges that bring them nearer to their shares, and how far off they are then.

    Args:
        counts: (n people, n counts), each scaled by the square root of its sum.
        part: (n people,) the part that each is in.
        shares: (n parts,), with sum 1.
        rng: draws who is next to look for somebody to change places with.
    """
    np = heavy.numpy
    held = np.array([counts[part == p].sum(0) for p in range(len(shares))])
    over = held / shares[:, None] - counts.sum(0)
    changed = True
    while changed:
        changed = False
        for one in rng.permutation(len(counts)).tolist():
            own, step = part[one], counts - counts[one]
            worse = 2 * (step * (over[own] - over[part])).sum(1)
            worse += (step**2).sum(1) * (1 / shares[own] + 1 / shares[part])
            worse = np.where(part == own, 0.0, worse).round(9)  # the last digit of a processor decides nothing
            other = int(worse.argmin())
            if worse[other] < 0:
                its = part[other]
                over[own] += step[other] / shares[own]
                over[its] -= step[other] / shares[its]
                part[one], part[other], changed = its, own, True
    return part, round(float((over**2 * shares[:, None]).sum()), 9)
