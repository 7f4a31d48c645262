"""Clips that may have several classes at once, joined by `+`: counts of each class and of whole sets, ready to be weighted."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mebench.metrics.bootstrap import Resampling, SectionScores
from mebench.metrics.classification import harmonic_mean, jaccard_index
from mebench.metrics.emotions import Sample, with_members
from mebench.metrics.ratios import Bools, Floats, per_unit, safe_ratio

MAIN_SCORES = ("uf1", "uar", "accuracy", "wf1", "jaccard")
"""Scores of a summary; the others are details."""


def are_sets(labels: Iterable[object]) -> bool:
    """Whether a label joins several classes; missing ones join none."""
    return any("+" in str(label) for label in set(labels))


def within_classes(labels: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Whether all classes of a label are among some, (n,)."""
    known = set(classes)
    # There are few different labels, and many clips: those of all runs of a table.
    number, different = pd.factorize(labels, use_na_sentinel=False)
    is_known = [isinstance(label, str) and known.issuperset(label.split("+")) for label in different]
    return pd.Series(np.array(is_known, dtype=np.bool_)[number], labels.index, name=labels.name)


def class_bits(labels: Sequence[object], classes: Sequence[str]) -> Bools:
    """Which classes each label holds, (n, C); other classes count as none.

    >>> class_bits(["joy+fear", "joy", None], ["fear", "joy"]).tolist()
    [[True, True], [False, True], [False, False]]
    """
    sets: list[set[str]] = []
    for label in labels:
        names = set(label.split("+")) if isinstance(label, str) else set()
        sets.append(names)
    return np.array([[name in label_set for name in classes] for label_set in sets], dtype=np.bool_).reshape(
        len(sets), len(classes)
    )


def _counted(clips: pd.DataFrame, n_units: int, classes: Sequence[str]) -> SectionScores:
    """The scores of clips with `truth`, `predicted` and `unit`, and their support."""
    true = class_bits(clips["truth"].tolist(), classes)
    predicted = class_bits(clips["predicted"].tolist(), classes)
    unit = clips["unit"].to_numpy(np.int64)
    both = true & predicted
    whole = np.stack([np.ones(len(clips)), (true == predicted).all(axis=1), jaccard_index(true, predicted)], axis=1)

    def counted(part: Floats) -> Floats:
        return np.stack([per_unit(unit, n_units, column) for column in part.T], axis=1)

    # (n_units, C): clips with a class in truth and answer, in the answer, in the truth. (n_units, 3): clips, clips whose whole set is
    # right, and the sum of their Jaccard indices.
    right_of, given_of, true_of = (counted(part.astype(np.float64)) for part in (both, predicted, true))
    whole_of = counted(whole)

    def scores(weights: Floats) -> dict[str, Floats]:
        """Scores under (m, n_units) weights, (m,) each, and F1 of each class by its name.

        NaN without clips, for means over classes if one has no true clip, and for the F1 of such a class.
        """
        n_right, n_predicted, n_true = (weights @ part for part in (right_of, given_of, true_of))
        n, exact, jaccard = (weights @ whole_of).T
        f1 = safe_ratio(2 * n_right, n_predicted + n_true)
        recall = safe_ratio(n_right, n_true)
        precision = safe_ratio(n_right, n_predicted)
        means = {
            "uf1": f1.mean(axis=1),
            "uar": recall.mean(axis=1),
            "recall": recall.mean(axis=1),
            "precision": precision.mean(axis=1),
            "f1": harmonic_mean(precision.mean(axis=1), recall.mean(axis=1)),
        }
        lacking = (n_true == 0).any(axis=1)
        results = {
            **{name: np.where(lacking, np.nan, values) for name, values in means.items()},
            "wf1": safe_ratio((f1 * n_true).sum(axis=1), n_true.sum(axis=1)),
            "wr": safe_ratio(n_right.sum(axis=1), n_true.sum(axis=1)),
            "accuracy": safe_ratio(exact, n),
            "jaccard": safe_ratio(jaccard, n),
            **dict(zip(classes, np.where(n_true == 0, np.nan, f1).T)),
        }
        return {name: np.where(n == 0, np.nan, values) for name, values in results.items()}

    # As of `Sample`: the true clips of each class, right or missed.
    matrices = np.zeros((n_units, len(classes), len(classes) + 1), dtype=np.int64)
    matrices[:, range(len(classes)), range(len(classes))] = right_of
    matrices[:, :, -1] = true_of - right_of
    sample = Sample(matrices, true_of.astype(np.int64), classes)
    of_samples = {"jaccard", "accuracy", *classes}
    return SectionScores(scores, lambda units, name: sample.basis_of(units, "accuracy" if name in of_samples else name))


def score_label_sets(clips: pd.DataFrame, classes: Sequence[str], subjects: Resampling) -> dict[str, Any]:
    """Scores of annotated clips with sets of classes.

    `members` holds those of each member of a composite.

    `accuracy` is the share of clips whose whole set is right. `of_classes` holds the F1 of each class.

    Args:
        clips: in order, all of classes that are scored.
        classes: classes of the scheme; those that occur in the truth count.
        subjects: all of them.
    """

    def part(path: str, chosen: pd.DataFrame, units: Resampling) -> dict[str, Any]:
        occurring = {name for label in chosen["truth"] for name in label.split("+")}
        occurring_classes = [name for name in classes if name in occurring]
        every = units.scores(path, *_counted(chosen, units.n_units, occurring_classes))
        return {
            "n": len(chosen),
            "scores": {name: every.pop(name) for name in MAIN_SCORES},
            "details": {"of_classes": {name: every.pop(name) for name in occurring_classes}, "scores": every},
        }

    return with_members(part, clips, subjects)
