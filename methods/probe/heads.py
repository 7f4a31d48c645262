"""The two heads of a probe, whose strengths are chosen over training people: logistic and ridge regression."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from mebench.training.svm import LinearSvm

Floats = NDArray[np.float64]

STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
"""Values of C that people choose from."""
PENALTIES = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
"""Values of l2 that people choose from."""
N_FOLDS = 5
"""Parts of the training people, each held out once."""


class LogisticProbe(LinearSvm):
    """Multinomial logistic regression on standardised vectors; scores are those of `LinearSvm`."""

    def machine(self, c: float, dual: bool) -> Any:
        """scikit-learn's classifier."""
        return LogisticRegression(C=c, class_weight=self.class_weight, max_iter=2000)

    def fit_by_people(self, x: Floats, y: NDArray[np.int64], people: Sequence[Hashable]) -> float | None:
        """Choose C by the macro F1 over held-out people if it is not given, then fit all samples.

        Args:
            x: (n, numbers).
            y: (n,) class numbers.
            people: person of each sample.

        Returns:
            C; None where there was nothing to fit.
        """
        given = self.c
        if given is None:
            self.c = self._chosen_by_people(x, y, people)
        try:
            return self.fit(x, y)
        finally:
            self.c = given

    def _chosen_by_people(self, x: Floats, y: NDArray[np.int64], people: Sequence[Hashable]) -> float:
        """The C with the best macro F1 over all held-out people together; of equal ones the smallest."""
        folds = list(folds_of_people(people))
        if not folds:
            return 1.0
        return max(STRENGTHS, key=lambda c: self._held_out_f1(x, y, folds, c))

    def _held_out_f1(self, x: Floats, y: NDArray[np.int64], folds: Sequence[NDArray[np.intp]], c: float) -> float:
        """Macro F1 of answers for people that the fit did not see."""
        answers = np.empty_like(y)
        for held_out in folds:
            others = np.setdiff1d(np.arange(len(y)), held_out)
            machine = LogisticProbe(self.n_classes, c, self.class_weight, self.standardise)
            machine.fit(x[others], y[others])
            answers[held_out] = machine.decision_function(x[held_out]).argmax(axis=1)
        return float(f1_score(y, answers, average="macro", labels=np.unique(y), zero_division=0.0))


def folds_of_people(people: Sequence[Hashable]) -> Iterator[NDArray[np.intp]]:
    """The samples of each part of the people; none for a single person."""
    numbers = {person: number for number, person in enumerate(sorted(set(people), key=str))}
    if len(numbers) < 2:
        return
    groups = np.array([numbers[person] for person in people])
    for _, held_out in GroupKFold(min(N_FOLDS, len(numbers))).split(groups, groups=groups):
        yield held_out


@dataclass(frozen=True)
class Sums:
    """Sums over samples from which ridge regression and its error follow, so that no sample is kept.

    Attributes:
        n: number of samples.
        x: (numbers,).
        y: (targets,).
        xx: (numbers, numbers) of products.
        xy: (numbers, targets) of products.
        yy: (targets,) of squares.
    """

    n: int
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats
    yy: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats) -> Self:
        """The sums over samples (n, numbers) with targets (n, targets)."""
        return cls(len(x), x.sum(0), y.sum(0), x.T @ x, x.T @ y, (y * y).sum(0))

    def __add__(self, other: "Sums") -> "Sums":
        return self._combined(other, np.add)

    def __sub__(self, other: "Sums") -> "Sums":
        return self._combined(other, np.subtract)

    def _combined(self, other: "Sums", of: Callable[[Any, Any], Any]) -> "Sums":
        arrays = {name: of(getattr(self, name), getattr(other, name)) for name in ("x", "y", "xx", "xy", "yy")}
        return Sums(int(of(self.n, other.n)), **arrays)

    def ridge(self, l2: float) -> tuple[Floats, Floats]:
        """Weights (numbers, targets) and biases (targets,) of the least squared error plus `l2` times the squared weights.

        Numbers are brought to variance 1 for the penalty; a constant one has weight 0.
        """
        mean, bias = self.x / self.n, self.y / self.n
        covariance = self.xx / self.n - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        changes = deviation > 1e-6 * np.sqrt(np.maximum(np.diag(self.xx) / self.n, 1e-300))
        scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=changes)
        right = (self.xy / self.n - np.outer(mean, bias)) * scale[:, None]
        weights = np.linalg.solve(covariance * np.outer(scale, scale) + l2 * np.eye(len(mean)), right) * scale[:, None]
        return weights, bias - mean @ weights

    def error(self, weights: Floats, bias: Floats) -> float:
        """Squared error of a fit on these samples, summed over targets."""
        squares = self.yy + bias * bias * self.n - 2 * bias * self.y
        crossed = np.einsum("nt,nt->t", weights, self.xx @ weights)
        mixed = 2 * bias * (self.x @ weights) - 2 * np.einsum("nt,nt->t", weights, self.xy)
        return float((squares + crossed + mixed).sum())


def choose_penalty(parts: Sequence[Sums]) -> float:
    """The penalty with the least error on parts of the people that the fit did not see; of equal ones the largest."""
    if len(parts) < 2:
        return 1.0
    whole = sum_up(parts)

    def held_out_error(l2: float) -> float:
        return sum(part.error(*(whole - part).ridge(l2)) for part in parts)

    return min(reversed(PENALTIES), key=held_out_error)


def sum_up(parts: Sequence[Sums]) -> Sums:
    """The sums over all parts."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole
