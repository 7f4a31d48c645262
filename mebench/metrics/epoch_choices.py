"""Selection among a program's intervals after several epochs: the choice of each rule, and its gain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.metrics.compared_tables import compare_tables
from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.matching import find_truths
from mebench.metrics.tables import Tables, in_scope, of_kinds, people_of_videos

Rule = Literal["last", "others", "pooled", "person"]
RULES: dict[Rule, str] = {
    "last": "last epoch, threshold best for all other people",
    "others": "epoch and threshold best for all other people",
    "pooled": "epoch and threshold best for all tested people together",
    "person": "best epoch and threshold of each tested person",
}
"""The rules that choose an epoch and the confidence from which an interval counts; the first two know nothing of the tested person."""
LEAKING: tuple[Rule, ...] = ("pooled", "person")


@dataclass(frozen=True)
class EpochGrid:
    """F1's counts at every epoch and threshold, of each person.

    Attributes:
        epochs: names of the epochs, in order.
        thresholds: least confidences of an interval that counts.
        people: `dataset/subject` of each person, in the order of units; of a person with several ids the first.
        found: (epochs, thresholds, people) truths found.
        spotted: (epochs, thresholds, people) intervals that count.
        truths: (people,) truths.
    """

    epochs: tuple[str, ...]
    thresholds: tuple[float, ...]
    people: tuple[str, ...]
    found: NDArray[np.float64]
    spotted: NDArray[np.float64]
    truths: NDArray[np.float64]

    def compute_f1(self, people: NDArray[np.bool_]) -> NDArray[np.float64]:
        """F1 of some people together at every epoch and threshold; 0 where there is nothing to find."""
        found, spotted = (counts[..., people].sum(axis=-1) for counts in (self.found, self.spotted))
        return np.asarray(2 * found / np.maximum(spotted + self.truths[people].sum(), 1), np.float64)

    def find_best(self, people: NDArray[np.bool_], last: bool = False) -> tuple[str, float]:
        """The first epoch and threshold of the best F1 of some people.

        With `last`, only the last epoch counts.
        """
        f1 = self.compute_f1(people)
        if last:
            f1[:-1] = -1
        epoch, threshold = np.unravel_index(int(f1.argmax()), f1.shape)
        return self.epochs[epoch], self.thresholds[threshold]

    def pick_epochs(self, rule: Rule) -> dict[str, tuple[str, float]]:
        """The epoch and the threshold of each person under a rule."""
        is_tested = np.eye(len(self.people), dtype=np.bool_)
        chosen_on = ~is_tested
        if rule == "pooled":
            chosen_on = np.ones_like(is_tested)
        elif rule == "person":
            chosen_on = is_tested
        return {person: self.find_best(mask, last=rule == "last") for person, mask in zip(self.people, chosen_on)}


def count_grid(
    answers: Mapping[str, Tables], kinds: Sequence[str], thresholds: Sequence[float], convention: str
) -> EpochGrid:
    """Count at every epoch and threshold.

    Args:
        answers: tables after each epoch, with all their intervals and the same truth.
        kinds: kinds that are scored, pooled.
        thresholds: least confidences, rising.
        convention: name of the rules.
    """
    rule = find_convention(convention)
    counts = [_count_at_thresholds(tables, kinds, thresholds, rule) for tables in answers.values()]
    *_, last = counts
    return EpochGrid(
        epochs=tuple(answers),
        thresholds=tuple(thresholds),
        people=last.people,
        found=np.array([at_epoch.found for at_epoch in counts], np.float64),
        spotted=np.array([at_epoch.spotted for at_epoch in counts], np.float64),
        truths=last.truths,
    )


class EpochCounts(NamedTuple):
    """F1's counts after one epoch.

    Attributes:
        people: first id of each person, in the order of units.
        found: (thresholds, people) truths found.
        spotted: (thresholds, people) intervals that count.
        truths: (people,) truths.
    """

    people: tuple[str, ...]
    found: NDArray[np.float64]
    spotted: NDArray[np.float64]
    truths: NDArray[np.float64]


def _count_at_thresholds(
    tables: Tables, kinds: Sequence[str], thresholds: Sequence[float], rule: Convention
) -> EpochCounts:
    """Count the intervals of at least each confidence."""
    ordered = tables.put_in_order()
    truths, predictions = (of_kinds(table, kinds) for table in (ordered.truths, ordered.spotted))
    people = people_of_videos(ordered.videos)
    # Each threshold is a draw: draws have the truths to themselves.
    is_kept = predictions["confidence"].to_numpy(np.float64) >= np.asarray(thresholds)[:, None]
    draw, row = np.nonzero(is_kept)
    predictions = predictions.iloc[row].assign(draw=draw)
    if rule.kinds != "own":
        truths, predictions = (table.assign(kind="any") for table in (truths, predictions))
    truths, predictions = in_scope(truths, predictions, rule)
    found = find_truths(truths, predictions, rule)
    cell = (predictions["draw"] * len(people) + predictions["unit"]).to_numpy(np.int64)
    shape = len(thresholds), len(people)
    n_cells = len(thresholds) * len(people)
    return EpochCounts(
        people=tuple(people["subject"]),
        found=np.bincount(cell[found.prediction], minlength=n_cells).reshape(shape).astype(np.float64),
        spotted=np.bincount(cell, found.weight, minlength=n_cells).reshape(shape).astype(np.float64),
        truths=np.bincount(truths["unit"], minlength=len(people)).astype(np.float64),
    )


def gains_of_rules(
    chosen: Mapping[Rule, Tables], kinds: Sequence[str], candidates: int, convention: str, draws: int
) -> list[dict[str, Any]]:
    """The gain of selecting on tested people: F1 of each leaking rule minus each honest one, with the paired interval.

    Args:
        chosen: tables that each rule keeps.
        kinds: kinds that are scored.
        candidates: number of candidate pairs of epoch and threshold.
        convention: name of the rules of the scorer.
        draws: number of bootstrap draws.

    Returns:
        A row for each pair of rules: `leaking`, `honest`, `part`, `looks`, and `f1` with `first` (leaking), `second` and `difference`.
    """
    part = "overall" if len(kinds) > 1 else kinds[0]
    path = f"spotting.{part}.f1"
    leaking_rules = [rule for rule in chosen if rule in LEAKING]
    honest_rules = [rule for rule in chosen if rule not in LEAKING]
    rows = []
    for leaking in leaking_rules:
        for honest in honest_rules:
            f1 = compare_tables(
                chosen[leaking],
                chosen[honest],
                kinds=kinds,
                classes=[],
                convention=convention,
                metrics=[path],
                draws=draws,
                permutations=max(draws, 1),
            ).scores[path]
            rows.append(
                {
                    "leaking": leaking,
                    "honest": honest,
                    "part": part,
                    "looks": candidates,
                    "f1": {
                        "first": f1.first.plain(),
                        "second": f1.second.plain(),
                        "difference": f1.difference.plain(),
                    },
                }
            )
    return rows
