"""Selection among a program's intervals after several epochs: the choice of each rule, and its gain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.metrics.comparison import compare
from mebench.metrics.conventions import named
from mebench.metrics.matching import find
from mebench.metrics.tables import Tables, in_scope, of_kinds

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
class Grid:
    """F1's counts at every epoch and threshold, of each person.

    Attributes:
        epochs: by name, in order.
        thresholds: least confidence of an interval that counts.
        people: `dataset/subject`, in the order of units; of a person with several ids the first.
        found: (epochs, thresholds, people) truths found.
        spotted: likewise, intervals that count.
        truths: (people,).
    """

    epochs: tuple[str, ...]
    thresholds: tuple[float, ...]
    people: tuple[str, ...]
    found: NDArray[np.float64]
    spotted: NDArray[np.float64]
    truths: NDArray[np.float64]

    def f1(self, people: NDArray[np.bool_]) -> NDArray[np.float64]:
        """F1 of some people together at every epoch and threshold; 0 where there is nothing to find."""
        found, spotted = (counts[..., people].sum(axis=-1) for counts in (self.found, self.spotted))
        return np.asarray(2 * found / np.maximum(spotted + self.truths[people].sum(), 1), np.float64)

    def best(self, people: NDArray[np.bool_], last: bool = False) -> tuple[str, float]:
        """The first epoch and threshold of the best F1 of some people together, or the first such threshold of the last epoch."""
        f1 = self.f1(people)
        f1[: len(f1) - 1 if last else 0] = -1
        epoch, threshold = np.unravel_index(int(f1.argmax()), f1.shape)
        return self.epochs[epoch], self.thresholds[threshold]

    def picked(self, rule: Rule) -> dict[str, tuple[str, float]]:
        """The epoch and the threshold of each person under a rule."""
        tested = np.eye(len(self.people), dtype=np.bool_)
        people = {"pooled": np.ones(len(self.people), dtype=np.bool_) | tested, "person": tested}.get(rule, ~tested)
        return {person: self.best(mask, last=rule == "last") for person, mask in zip(self.people, people)}


def grid(answers: Mapping[str, Tables], kinds: Sequence[str], thresholds: Sequence[float], convention: str) -> Grid:
    """Count at every epoch and threshold.

    Args:
        answers: those after each epoch, with all their intervals, beside the same truth.
        kinds: that are scored, pooled.
        thresholds: rising.
        convention: the rules.
    """
    found, spotted, rule = [], [], named(convention)
    for tables in answers.values():
        ordered = tables.ordered()
        truths, predictions = (of_kinds(table, kinds) for table in (ordered.truths, ordered.spotted))
        people = ordered.videos.drop_duplicates("unit").sort_values("unit")
        # Each threshold is a draw: draws have the truths to themselves.
        kept = predictions["confidence"].to_numpy(np.float64) >= np.asarray(thresholds)[:, None]
        draw, row = np.nonzero(kept)
        predictions = predictions.iloc[row].assign(draw=draw)
        if rule.kinds != "own":
            truths, predictions = (table.assign(kind="any") for table in (truths, predictions))
        truths, predictions = in_scope(truths, predictions, rule)
        pairs, shape = find(truths, predictions, rule), (len(thresholds), len(people))
        cell = (predictions["draw"] * len(people) + predictions["unit"]).to_numpy(np.int64)
        sizes = {"minlength": len(thresholds) * len(people)}
        found.append(np.bincount(cell[pairs.prediction], **sizes).reshape(shape))
        spotted.append(np.bincount(cell, pairs.weight, **sizes).reshape(shape))
    return Grid(
        tuple(answers),
        tuple(thresholds),
        tuple(people["subject"]),
        np.array(found, np.float64),
        np.array(spotted, np.float64),
        np.bincount(truths["unit"], minlength=len(people)).astype(np.float64),
    )


def worth(
    chosen: Mapping[Rule, Tables], kinds: Sequence[str], candidates: int, convention: str, draws: int
) -> list[dict[str, Any]]:
    """The gain of selecting on tested people: F1 of each leaking rule minus each honest one, with the paired interval.

    Args:
        chosen: the answers that each rule keeps.
        kinds: the scored kinds.
        candidates: number of candidate pairs of epoch and threshold.
        convention: the rules of the scorer.
        draws: of the bootstrap.

    Returns:
        A row for each pair of rules: `leaking`, `honest`, `part`, `looks`, and `f1` with `first` (leaking), `second` and `difference`.
    """
    rows, part = [], "overall" if len(kinds) > 1 else kinds[0]
    path = f"spotting.{part}.f1"
    for leaking in (rule for rule in chosen if rule in LEAKING):
        for honest in (rule for rule in chosen if rule not in LEAKING):
            f1 = compare(
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
                    "f1": {"first": f1.first, "second": f1.second, "difference": f1.difference},
                }
            )
    return rows
