"""The answers of a recognizer class by class: precision, recall and F1 of each, with intervals over people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.lazy_imports import load_lazily
from mebench.metrics.bootstrap import Basis, PlainScore, Resampling
from mebench.metrics.emotions import LEAST_SAMPLES, LEAST_SUBJECTS
from mebench.metrics.label_sets import class_bits, within_classes
from mebench.metrics.ratios import Bools, Floats, Indices, per_unit, safe_ratio
from mebench.metrics.reasons import ThinSupport, store_supports
from mebench.metrics.tables import Tables, strata_of_units

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

CLASS_SCORES = ("f1", "precision", "recall")
"""The scores of one class, the main one first."""


def score_each_class(tables: Tables, classes: Sequence[str], intervals: bool = True) -> list[dict[str, Any]]:
    """Scores of each class that occurs in the truth of annotated clips.

    Clips of all folds are pooled. In a label that joins several classes (`joy+fear`) each counts. The mean of the F1 is UF1, and that of
    the recall UAR, under every convention that pools all clips over these classes.

    Args:
        tables: tables with clips.
        classes: classes of the scheme.
        intervals: whether scores get intervals. They come from leaving each person out; nothing is drawn.

    Returns:
        For each class its name (`class`), the number of its clips (`clips`), of its `subjects`, of clips that are `named` so and of
        those that are `right`, and `f1`, `precision` and `recall`, each with its interval or the reason for none.
    """
    ordered = tables.put_in_order()
    if ordered.clips is None:
        return []
    clips = ordered.clips[within_classes(ordered.clips["truth"], classes)]
    subjects = Resampling.of_subjects(strata_of_units(ordered.videos), draws=int(intervals), seed=0)
    true, named = (class_bits(clips[column].tolist(), classes) for column in ("truth", "predicted"))
    unit = clips["unit"].to_numpy(np.int64)
    rows = []
    for number, name in enumerate(classes):
        if true[:, number].any():
            counts = _ClassCounts.of_clips(name, true[:, number], named[:, number], unit, subjects.n_units)
            rows.append({"class": name, **counts.count_totals(), **counts.compute_scores(subjects)})
    return rows


class _ClassCounts:
    """The clips of one class for each person: true ones, those named so, and those that are both."""

    def __init__(self, name: str, true: Floats, named: Floats, right: Floats) -> None:
        self.name = name
        self.true = true
        self.named = named
        self.right = right

    @classmethod
    def of_clips(cls, name: str, true: Bools, named: Bools, unit: Indices, n_units: int) -> _ClassCounts:
        """The counts of a class: whether each clip is `true`, (n,), and `named` so."""
        counted = (per_unit(unit, n_units, part.astype(np.float64)) for part in (true, named, true & named))
        return cls(name, *counted)

    def count_totals(self) -> dict[str, int]:
        """Numbers of clips, of their subjects, of clips named so, and of right ones."""
        return {
            "clips": int(self.true.sum()),
            "subjects": int((self.true > 0).sum()),
            "named": int(self.named.sum()),
            "right": int(self.right.sum()),
        }

    def compute_scores(self, subjects: Resampling) -> dict[str, PlainScore]:
        """F1, precision and recall with their intervals."""
        return subjects.scores(f"class.{self.name}", self._evaluate, self._basis_of)

    def _evaluate(self, weights: Floats) -> dict[str, Floats]:
        """The scores under (m, n_units) weights, (m,) each; NaN where no clip is of the class."""
        true, named, right = (weights @ part for part in (self.true, self.named, self.right))
        found = {
            "f1": safe_ratio(2 * right, true + named),
            "precision": safe_ratio(right, named),
            "recall": safe_ratio(right, true),
        }
        return {name: np.where(true == 0, np.nan, found[name]) for name in CLASS_SCORES}

    def _basis_of(self, units: Sequence[int], name: str) -> Basis:
        """The people who show the class; too few of them, or too few clips, allow no interval."""
        true = self.true[list(units)]
        n_clips = int(true.sum())
        n_showing = int((true > 0).sum())
        thin = []
        if n_clips < LEAST_SAMPLES or n_showing < LEAST_SUBJECTS:
            thin.append(ThinSupport.of_class(self.name, n_clips, n_showing))
        return Basis(n_showing, store_supports(thin))


def class_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of `score_each_class` as a data frame, with the ends of intervals (`f1_low`)."""
    flat = []
    for row in rows:
        cells = {name: value for name, value in row.items() if name not in CLASS_SCORES}
        for name in CLASS_SCORES:
            cells |= {name: row[name]["value"], f"{name}_low": row[name]["low"], f"{name}_high": row[name]["high"]}
        flat.append(cells)
    scores = [f"{name}{end}" for name, end in product(CLASS_SCORES, ("", "_low", "_high"))]
    table = pd.DataFrame(flat, columns=["class", "clips", "subjects", "named", "right", *scores])
    return table.astype(dict.fromkeys(scores, "float64")).set_index("class")
