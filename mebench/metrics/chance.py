"""The level of chance: the scores of intervals placed at random, and of one class for every clip."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.core.types import group_of_rate
from mebench.errors import DataError
from mebench.metrics.bootstrap import derived_seed, score_with_percentiles
from mebench.metrics.classification import confusion_matrices
from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.emotions import Sample, scored_classes
from mebench.metrics.joint_scores import strs
from mebench.metrics.label_sets import are_sets
from mebench.metrics.matching import hitting_pairs, largest_matching, overlap_pairs
from mebench.metrics.ratios import Floats, Indices
from mebench.metrics.spotting_scores import precision_recall_f1
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables, of_kinds


def spotting_chance(
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    k_prime: Mapping[str, int],
    kind: str,
    seed: int,
    draws: int = 200,
    convention: str = "strict",
    one_per_video: bool = False,
) -> dict[str, dict[str, Any]]:
    """Score intervals placed at random over all videos, independently and uniformly in time.

    An interval is [c - k', c + k' - 1] around a frame c, 2k' frames as the spotters' (MEAN, section 3.4), and lies
    inside its video; a video shorter than that has its middle as c. Two numbers of intervals are tried: the number of
    truths, and the number with the best expected F1, which is the most that blind placement can reach. That number
    maximises 2 sum_g (1 - (1 - q_g)^n) / (n + M) over n, with q_g the exact probability that one interval hits the
    truth g and M the number of truths; truths that compete for one interval are neglected in this choice only, not in
    the scores.

    Args:
        videos: as in `Tables`; `n_frames` and `fps` must be known.
        truths: as in `Tables`.
        k_prime: half the width 2k' of the intervals in frames, for each dataset, or for each `dataset@fps` of a dataset
            with several frame rates.
        kind: `micro` or `macro`.
        seed: seed of the run.
        draws: number of random placements.
        convention: name of the convention.
        one_per_video: short videos of one expression each: one interval is placed in each, and there is no best rate.

    Returns:
        `as_many` and `best_rate`, each with `precision`, `recall`, `f1`: the mean over draws as `value` and the 2.5 and
        97.5 percentiles of single draws as `low` and `high`, the band of random; all None if there are no truths of
        that kind. `best_rate` also holds `rate_per_minute`.

    Raises:
        DataError: a video's length or rate is unknown, or a dataset has no k'.
    """
    rule = find_convention(convention)
    line, true = _videos_and_truths(videos, truths, kind)
    half = _k_prime_of_videos(line, k_prime)
    m = len(true)
    if not m:
        nothing = {name: score_with_percentiles(np.nan, np.empty(0)) for name in ("precision", "recall", "f1")}
        return {"as_many": {**nothing}, "best_rate": {**nothing, "rate_per_minute": None}}
    place = _Placement(line, true, half, rule)
    generator = np.random.default_rng(derived_seed(seed, "chance", kind))
    if one_per_video:
        return {"as_many": place.score_intervals(np.tile(np.arange(len(line)), draws), len(line), generator)}
    best = place.best_number()
    as_many = place.score_intervals(place.draw_videos(m * draws, generator), m, generator)
    best_rate = place.score_intervals(place.draw_videos(best * draws, generator), best, generator)
    best_rate["rate_per_minute"] = best / float(place.minutes.sum())
    return {"as_many": as_many, "best_rate": best_rate}


def analysis_chance(
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    k_prime: Mapping[str, int],
    classes: Sequence[str],
    seed: int,
    draws: int = 200,
    convention: str = "strict",
    one_per_video: bool = False,
) -> dict[str, Any]:
    """Score micro-expressions placed and named at random.

    Intervals are those of `spotting_chance`, as many as give the best expected F1 of spotting (with `one_per_video` one in each). Each gets
    a class at random, as often as it occurs in the truth.

    Args:
        videos: as in `Tables`; `n_frames` and `fps` must be known.
        truths: as in `Tables`.
        k_prime: as in `spotting_chance`.
        classes: classes of the scheme.
        seed: seed of the run.
        draws: number of random placements.
        convention: name of the convention.
        one_per_video: short videos of one expression each.

    Returns:
        `strs`, and of the true positives `f1`, `uf1`, `uar` and `accuracy`: the mean over draws as `value`, the 2.5 and 97.5 percentiles of
        single draws as `low` and `high`; empty without a true micro-expression of a class.

    Raises:
        DataError: a video's length or rate is unknown, or a dataset has no k'.
    """
    rule = find_convention(convention)
    line, true = _videos_and_truths(videos, truths, "micro")
    labels = true["emotion"].to_numpy(object)
    scored = scored_classes(rule, classes, set(labels.tolist()), classes)
    known = [label for label in labels.tolist() if label in scored]
    if not known:
        return {}
    place = _Placement(line, true, _k_prime_of_videos(line, k_prime), rule)
    generator = np.random.default_rng(derived_seed(seed, "chance", "analysis"))
    number = place.best_number()
    chosen = place.draw_videos(number * draws, generator)
    if one_per_video:
        number = len(line)
        chosen = np.tile(np.arange(len(line)), draws)
    draw, truth = place.match_intervals(chosen, number, generator)
    named = generator.choice(np.array(known, dtype=object), len(draw))
    matrices = confusion_matrices(labels[truth].tolist(), named.tolist(), draw, draws, scored)
    support = np.array([known.count(name) for name in scored])
    sample = Sample(matrices, np.tile(support, (draws, 1)), scored)
    of_draws = sample.compute_scores(rule, ("f1", "uf1", "uar", "accuracy"), np.eye(draws))
    spotting_f1 = 2 * np.bincount(draw, minlength=draws) / (number + len(true))
    of_draws = {"strs": strs(spotting_f1, of_draws["f1"]), **of_draws}
    return {name: score_with_percentiles(float(values.mean()), values) for name, values in of_draws.items()}


def _videos_and_truths(videos: pd.DataFrame, truths: pd.DataFrame, kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Videos and true intervals of a kind, in order.

    Raises:
        DataError: a video's length or rate is unknown.
    """
    ordered = Tables(videos, truths).put_in_order()
    line = ordered.videos
    unknown = line[line["n_frames"].isna() | line["fps"].isna()]
    if len(unknown):
        raise DataError(
            f"the level of chance needs n_frames and fps of every video, "
            f"and {unknown['video'].iloc[0]!r} lacks one: give it in the annotations"
        )
    return line, of_kinds(ordered.truths, [kind])


def _k_prime_of_videos(videos: pd.DataFrame, k_prime: Mapping[str, int]) -> list[int]:
    """K' of each video. It stands under the name of its dataset, or under `dataset@fps` where that has several rates.

    Raises:
        DataError: a dataset has none.
    """
    groups = []
    for dataset, fps in zip(videos["dataset"], videos["fps"]):
        of_rate = group_of_rate(dataset, fps)
        groups.append(of_rate if of_rate in k_prime else dataset)
    lacking = sorted(set(groups) - set(k_prime))
    if lacking:
        raise DataError(
            f"the level of chance needs k' of every dataset, and {lacking[0]!r} has none: give it in k_prime"
        )
    return [k_prime[group] for group in groups]


def recognition_chance(
    tables: Tables, classes: Sequence[str], convention: str | Convention = "strict"
) -> dict[str, Any]:
    """Answer the commonest class of the truth for every clip.

    Where clips have several classes, answer all classes: no other constant answer has a better UF1.

    Args:
        tables: with clips.
        classes: the scored classes.
        convention: the rules.

    Returns:
        `class`, the first in `classes` among equally common ones, and the scores of a summary's `recognition`, without
        intervals.
    """
    assert tables.clips is not None
    truth = tables.clips["truth"].dropna().tolist()
    commonest = "+".join(classes) if are_sets(tables.clips["truth"]) else max(classes, key=truth.count)
    answered = replace(tables, predictions=None, clips=tables.clips.assign(predicted=commonest))
    summary = summarize(answered, kinds=[], classes=classes, seed=0, convention=convention, draws=0)
    return {"class": commonest, **summary["recognition"]["scores"]}


VideoNumbers = NDArray[np.integer[Any]]
"""Numbers of videos, in as few bytes as they need."""
AT_ONCE = 1 << 20
"""Random intervals that are placed at once: a thousand people have tens of millions in all draws."""


class _Placement:
    """The possible positions of random intervals, and the truths that they hit."""

    def __init__(self, videos: pd.DataFrame, truths: pd.DataFrame, half: Sequence[int], convention: Convention) -> None:
        self.convention = convention
        frames = videos["n_frames"].to_numpy(np.int64)
        self.minutes: Floats = frames / videos["fps"].to_numpy(np.float64) / 60
        self.half: Indices = np.array(half, dtype=np.int64)
        # A centre has k' frames on both sides; in a video too short for that there is one position, its middle.
        fits = frames >= 2 * self.half
        self.first: Indices = np.where(fits, self.half, frames // 2)
        self.places: Indices = np.where(fits, frames - 2 * self.half + 1, 1)
        self.video: Indices = np.asarray(
            pd.Index(videos["video"]).get_indexer(pd.Index(truths["video"])), dtype=np.int64
        )
        self.true = truths["onset"].to_numpy(np.int64), truths["offset"].to_numpy(np.int64)

    def hit_probability(self) -> Floats:
        """For each truth, the probability that one random interval hits it.

        Every position near it in its video is tried.
        """
        first = self.first[self.video]
        places = self.places[self.video]
        half = self.half[self.video]
        onset, offset = self.true
        begin = np.maximum(first, onset - half)  # a centre farther away shares no frame with the truth
        n = np.maximum(np.minimum(first + places, offset + half + 2) - begin, 0)
        centre = np.concatenate([np.arange(start, start + few) for start, few in zip(begin, n)])
        truth = np.repeat(np.arange(len(self.video)), n)
        spotted = self._ends(centre, half[truth])
        pairs = overlap_pairs(np.arange(len(centre)), truth, spotted, self.true, self.convention)
        hits = pairs.hits(self.convention.threshold, self.convention.reaching)
        # Videos are drawn by their length, then a position inside, each as likely as the others.
        share = np.bincount(hits.truth, minlength=len(self.video)) / places
        return np.asarray(share * (self.minutes / self.minutes.sum())[self.video], dtype=np.float64)

    def best_number(self) -> int:
        """The number of random intervals with the best expected F1."""
        m = len(self.video)
        candidates = np.unique(np.geomspace(1, 1000 * m, 600).astype(np.int64))
        expected = (1 - (1 - self.hit_probability()[None, :]) ** candidates[:, None]).sum(axis=1)
        return int(candidates[np.argmax(2 * expected / (candidates + m))])

    def draw_videos(self, n: int, generator: np.random.Generator) -> VideoNumbers:
        """The videos of `n` random intervals, a longer one more often."""
        edge = np.cumsum(self.minutes)
        chosen = np.empty(n, dtype=np.min_scalar_type(len(edge)))
        for block in _blocks(n):
            at = generator.random(len(chosen[block])) * edge[-1]
            chosen[block] = np.searchsorted(edge[:-1], at, side="right")
        return chosen

    def score_intervals(self, chosen: VideoNumbers, number: int, generator: np.random.Generator) -> dict[str, Any]:
        """Precision, recall and F1 of random intervals in the `chosen` videos, `number` in each draw."""
        draw, _ = self.match_intervals(chosen, number, generator)
        found = np.bincount(draw, minlength=len(chosen) // number)
        true = len(self.video)
        rows = np.array([precision_recall_f1(tp, number - tp, true - tp) for tp in found.tolist()]).reshape(-1, 3)
        scores: dict[str, Any] = {}
        for name, column in zip(("precision", "recall", "f1"), rows.T):
            mean = float(column.mean()) if len(column) else np.nan
            scores[name] = score_with_percentiles(mean, column)
        return scores

    def match_intervals(
        self, chosen: VideoNumbers, number: int, generator: np.random.Generator
    ) -> tuple[Indices, Indices]:
        """Draw and truth of each true positive of random intervals. These are in the `chosen` videos, `number` in each draw."""
        hits = [self._hits_of_block(chosen[block], block.start, generator) for block in _blocks(len(chosen))]
        interval, truth = (np.concatenate(rows) for rows in zip(*hits))
        # F1 depends on the number of pairs alone, so any matching of maximum size will do.
        true = len(self.video)
        prediction, truth_of_draw = largest_matching(interval, interval // number * true + truth)
        return prediction // number, truth_of_draw % true

    def _hits_of_block(
        self, chosen: VideoNumbers, before: int, generator: np.random.Generator
    ) -> tuple[Indices, Indices]:
        """The interval and the truth of each hit of some random intervals.

        Args:
            chosen: (n,) videos of the intervals.
            before: number of the first of these intervals.
            generator: places them.
        """
        centre = self.first[chosen] + (generator.random(len(chosen)) * self.places[chosen]).astype(np.int64)
        spotted = self._ends(centre, self.half[chosen])
        hits = hitting_pairs(chosen.astype(np.int64), self.video, spotted, self.true, self.convention)
        return before + hits.prediction, hits.truth

    @staticmethod
    def _ends(centre: Indices, half: Indices) -> tuple[Indices, Indices]:
        """Onsets and offsets of the intervals around some frames."""
        return centre - half, centre + half - 1


def _blocks(n: int) -> list[slice]:
    """Slices of at most `AT_ONCE` that make up n intervals; one, empty, where there are none."""
    return [slice(start, min(start + AT_ONCE, n)) for start in range(0, max(n, 1), AT_ONCE)]
