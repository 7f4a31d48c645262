"""Clips that may have several classes at once, joined by `+`: counts of each class and of whole sets, ready to be weighted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from mebench.metrics import Basis, Bools, Floats, Resampling, Sample, classification, per_unit, ratio, with_members

SHOWN = ("uf1", "uar", "accuracy", "wf1", "jaccard")
"""Scores of a summary; the others are details."""


def are_sets(labels: pd.Series) -> bool:
    """Whether a label joins several classes; missing ones join none."""
    return bool(labels.astype(str).str.contains("+", regex=False).any())


def within(labels: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Whether all classes of a label are among some, (n,)."""
    known = set(classes)
    return labels.map(lambda label: isinstance(label, str) and known.issuperset(label.split("+"))).astype(bool)


def bits(labels: Sequence[object], classes: Sequence[str]) -> Bools:
    """Which classes each label holds, (n, C); other classes count as none.

    >>> bits(["joy+fear", "joy", None], ["fear", "joy"]).tolist()
    [[True, True], [False, True], [False, False]]
    """
    sets = [set(label.split("+")) if isinstance(label, str) else set() for label in labels]
    return np.array([[name in one for name in classes] for one in sets], dtype=np.bool_).reshape(
        len(sets), len(classes)
    )


@dataclass(frozen=True)
class LabelSets:
    """Counts of units.

    Attributes:
        right: (n_units, C) clips that have a class and are given it.
        given: (n_units, C) clips that are given it.
        true: (n_units, C) clips that have it.
        whole: (n_units, 3) clips, clips of which the whole set is right, and the sum of their Jaccard indices.
        classes: (C,) their names.
    """

    right: Floats
    given: Floats
    true: Floats
    whole: Floats
    classes: Sequence[str]

    @classmethod
    def of(cls, clips: pd.DataFrame, n_units: int, classes: Sequence[str]) -> Self:
        """The counts of clips with `truth`, `predicted`, `unit`."""
        true, said = bits(clips["truth"].tolist(), classes), bits(clips["predicted"].tolist(), classes)
        unit, both, either = clips["unit"].to_numpy(np.int64), true & said, true | said
        jaccard = ratio(both.sum(axis=1).astype(np.float64), either.sum(axis=1).astype(np.float64), 1.0)
        whole = np.stack([np.ones(len(clips)), (true == said).all(axis=1), jaccard], axis=1)

        def counted(part: Floats) -> Floats:
            return np.stack([per_unit(unit, n_units, column) for column in part.T], axis=1)

        right, given, there = (counted(part.astype(np.float64)) for part in (both, said, true))
        return cls(right, given, there, counted(whole), classes)

    def scores(self, weights: Floats) -> dict[str, Floats]:
        """Scores under (m, n_units) weights, (m,) each, and F1 of each class by its name.

        NaN without clips, for means over classes if one has no true clip, and for the F1 of such a class.
        """
        right, given, true = (weights @ part for part in (self.right, self.given, self.true))
        n, exact, jaccard = (weights @ self.whole).T
        f1, recall, precision = ratio(2 * right, given + true), ratio(right, true), ratio(right, given)
        means = {
            "uf1": f1.mean(axis=1),
            "uar": recall.mean(axis=1),
            "recall": recall.mean(axis=1),
            "precision": precision.mean(axis=1),
            "f1": classification.harmonic_mean(precision.mean(axis=1), recall.mean(axis=1)),
        }
        lacking = (true == 0).any(axis=1)
        found = {
            **{name: np.where(lacking, np.nan, values) for name, values in means.items()},
            "wf1": ratio((f1 * true).sum(axis=1), true.sum(axis=1)),
            "wr": ratio(right.sum(axis=1), true.sum(axis=1)),
            "accuracy": ratio(exact, n),
            "jaccard": ratio(jaccard, n),
            **dict(zip(self.classes, np.where(true == 0, np.nan, f1).T)),
        }
        return {name: np.where(n == 0, np.nan, values) for name, values in found.items()}

    def basis_of(self, units: Sequence[int], name: str) -> Basis:
        """The data behind a score, see `Sample`: the true clips of each class, right or missed."""
        n_classes = len(self.classes)
        matrices = np.zeros((len(self.true), n_classes, n_classes + 1), dtype=np.int64)
        matrices[:, range(n_classes), range(n_classes)] = self.right
        matrices[:, :, -1] = self.true - self.right
        sample = Sample(matrices, self.true.astype(np.int64), self.classes)
        return sample.basis_of(units, "accuracy" if name in ("jaccard", "accuracy") or name in self.classes else name)


def recognition(clips: pd.DataFrame, classes: Sequence[str], subjects: Resampling) -> dict[str, Any]:
    """Scores of annotated clips with sets of classes, and of each member of a composite under `members`.

    `accuracy` is the share of clips whose whole set is right. `of_classes` holds the F1 of each class.

    Args:
        clips: in order, all of classes that are scored.
        classes: of the scheme; those that occur in the truth count.
        subjects: all of them.
    """

    def part(path: str, chosen: pd.DataFrame, units: Resampling) -> dict[str, Any]:
        occurring = {name for label in chosen["truth"] for name in label.split("+")}
        sets = LabelSets.of(chosen, units.n_units, [name for name in classes if name in occurring])
        every = units.scores(path, sets.scores, sets.basis_of)
        return {
            "n": len(chosen),
            "scores": {name: every.pop(name) for name in SHOWN},
            "details": {"of_classes": {name: every.pop(name) for name in sets.classes}, "scores": every},
        }

    return with_members(part, clips, subjects)
