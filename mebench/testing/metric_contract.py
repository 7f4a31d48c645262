"""The promises of a metric of one's own, checked on drawn people, videos and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mebench.config import registry
from mebench.errors import PluginError, unknown
from mebench.metrics import own_metrics
from mebench.metrics.bootstrap import Resampling
from mebench.metrics.catalogue import METRICS
from mebench.metrics.conventions import find_convention
from mebench.metrics.emotions import Sample
from mebench.metrics.metric import RANGES, Metric
from mebench.metrics.ratios import Floats
from mebench.metrics.reasons import MOVES_IN_STEPS
from mebench.metrics.spotting_scores import SpottingCounts, count_spotting
from mebench.metrics.tables import Tables
from mebench.testing.checks import Check, collect_checks, promise

N_PEOPLE = 9
CLASSES = ("negative", "positive", "surprise")


@dataclass(frozen=True)
class MetricSubject:
    """A metric under check.

    Attributes:
        name: its name.
        folder: its folder.
    """

    name: str
    folder: Path

    @property
    def metric(self) -> Metric:
        """The metric; asked for once it can be used."""
        return METRICS[self.name]

    def owns_file(self, path: Path) -> bool:
        """Whether a file is one of the plugin's."""
        return path.is_relative_to(self.folder)

    def score(self, weights: Floats, tables: Tables | None = None) -> Floats:
        """The score under weights of the drawn people, (n_weightings,)."""
        if self.metric.of_classes:
            return self.named.compute_scores(find_convention("strict"), (self.name,), weights)[self.name]
        return counts_of_people(tables or draw_tables()).under(weights).score(self.name)

    @cached_property
    def named(self) -> Sample:
        """Drawn clips of all classes, named rightly or not, of each person."""
        generator = np.random.default_rng(0)
        matrices = generator.integers(0, 4, (N_PEOPLE, len(CLASSES), len(CLASSES) + 1)) + 1
        return Sample(matrices, matrices.sum(axis=-1), CLASSES)


def metric_checks(name: str) -> list[Check]:
    """The checks of a metric of an installed package or an added folder.

    Raises:
        PluginError: there is none of that name.
    """
    registry.add_paths(())
    if name not in {*own_metrics.ADDED, *own_metrics.BROKEN}:
        raise PluginError(unknown("metric of one's own", name, own_metrics.ADDED, registry.YOURS))
    folder = own_metrics.ADDED.get(name)
    if folder is None:
        return collect_checks(name, MetricSubject(name, Path()), [can_be_used])
    return collect_checks(name, MetricSubject(name, folder), CHECKS)


def draw_tables() -> Tables:
    """Videos of some people with expressions, and intervals beside and off them."""
    generator = np.random.default_rng(0)
    videos = pd.DataFrame({"video": [f"drawn/{n}/a" for n in range(N_PEOPLE)]}).assign(
        subject=[f"drawn/{n}" for n in range(N_PEOPLE)], dataset="drawn", n_frames=3000, fps=100.0
    )
    truths, spotted = [], []
    for video in videos["video"]:
        for onset in range(100, 2900, 400):
            truths.append((video, "micro", onset, onset + 20, onset + 40, "negative"))
            first, last = onset + generator.integers(-25, 26), onset + 40 + generator.integers(-10, 11)
            spotted.append((video, "micro", first, (first + last) // 2, last, float(generator.random())))
    columns = ["video", "kind", "onset", "apex", "offset"]
    predictions = pd.DataFrame(spotted, columns=[*columns, "confidence"]).assign(draw=0, emotion=None)
    return Tables(videos, pd.DataFrame(truths, columns=[*columns, "emotion"]), predictions)


def counts_of_people(tables: Tables) -> SpottingCounts:
    """What was spotted, counted for each person."""
    ordered = tables.put_in_order()
    lengths = ordered.videos.groupby("unit")[["n_frames"]].sum()["n_frames"].to_numpy(np.float64)
    return count_spotting(
        ordered.truths, ordered.spotted, lengths / 100 / 60, find_convention("strict"), kinds=["micro"]
    )


def with_copy(tables: Tables, person: int) -> Tables:
    """The tables with a person twice, under two names; the copy comes last."""
    names = {f"drawn/{person}/a": f"drawn/{N_PEOPLE}/a", f"drawn/{person}": f"drawn/{N_PEOPLE}"}

    def copied(table: pd.DataFrame) -> pd.DataFrame:
        rows = table[table["video"] == f"drawn/{person}/a"]
        return pd.concat([table, rows.replace(names)], ignore_index=True)

    assert tables.predictions is not None
    return Tables(copied(tables.videos), copied(tables.truths), copied(tables.predictions))


@promise("Mend what the sentence names")
def can_be_used(subject: MetricSubject) -> None:
    """The metric joins the catalogue."""
    assert subject.name not in own_metrics.BROKEN, own_metrics.BROKEN[subject.name]


@promise("Write README.md: what the metric measures, its formula, its source, and for what it must not be used")
def has_card(subject: MetricSubject) -> None:
    """It has a card."""
    card = subject.folder / "README.md"
    assert card.is_file() and card.read_text(encoding="utf-8").strip(), f"{card} is missing or empty"


@promise("Compute with the arrays as they are: their last axis is the weightings")
def scores_each_weighting(subject: MetricSubject) -> None:
    """Its code gives one number for each weighting of people."""
    weights = np.random.default_rng(1).integers(0, 3, (5, N_PEOPLE)).astype(np.float64)
    scores = np.asarray(subject.score(weights))
    assert scores.shape == (5,), f"of 5 weightings its code gives an array of shape {scores.shape}, not (5,)"
    one_by_one = [float(subject.score(weights[n : n + 1])[0]) for n in range(5)]
    assert np.allclose(scores, one_by_one, equal_nan=True), "a weighting among others scores otherwise than alone"


@promise(
    "Count each person by its weight: sum, or take a quantile, over weights and never over rows",
    after="scores_each_weighting",
)
def weight_is_a_copy(subject: MetricSubject) -> None:
    """A person of weight 2 counts as two equal people. One of weight 0 counts as nobody."""
    if subject.metric.of_classes:
        return  # its code sees sums alone
    tables = draw_tables()
    for person in range(N_PEOPLE):
        weights = np.ones((1, N_PEOPLE))
        weights[0, person] = 2
        twice = float(subject.score(weights, tables)[0])
        copied = float(subject.score(np.ones((1, N_PEOPLE + 1)), with_copy(tables, person))[0])
        assert np.isclose(twice, copied, equal_nan=True), (
            f"with weight 2 a person gives {twice:g}, as two people {copied:g}"
        )


@promise("Give the scale of its values: share, positive or any", after="scores_each_weighting")
def stays_in_range(subject: MetricSubject) -> None:
    """Its values lie in the range that its scale promises."""
    values = subject.score(np.random.default_rng(2).integers(0, 3, (200, N_PEOPLE)).astype(np.float64))
    known = values[~np.isnan(values)]
    scale = subject.metric.scale
    assert len(known), "it is undefined for all drawn people"
    is_low = scale != "any" and (known < 0).any()
    is_high = scale == "share" and (known > 1).any()
    assert not is_low and not is_high, f"values from {known.min():g} to {known.max():g} are not {RANGES[scale]}"


@promise("Give kind='order' for a median, another quantile or an extreme", after="scores_each_weighting")
def kind_fits(subject: MetricSubject) -> None:
    """The kind of its interval is valid for what it computes."""
    strata = ["drawn"] * N_PEOPLE
    people = Resampling.of_subjects(strata, 200, 0)

    def evaluate(weights: Floats) -> Mapping[str, Floats]:
        return {subject.name: subject.score(weights)}

    (score,) = people.scores("", evaluate).values()
    assert score.get("reason") != MOVES_IN_STEPS, f"of kind {subject.metric.kind!r}, {MOVES_IN_STEPS}"


CHECKS = (can_be_used, has_card, scores_each_weighting, weight_is_a_copy, stays_in_range, kind_fits)
