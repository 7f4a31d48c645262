"""Scores of named emotions: samples with a true and a predicted class, counted for each subject or draw."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import compress
from typing import Any, Literal

import numpy as np
import pandas as pd

from mebench.core.types import ABSENT
from mebench.metrics.bootstrap import Basis, Evaluate, Resampling, average_scores
from mebench.metrics.catalogue import METRICS, OF_SAMPLES, find_metric, metric_columns
from mebench.metrics.classification import ClassCounts, confusion_matrices, one_vs_rest, summarize_calibration
from mebench.metrics.conventions import Convention
from mebench.metrics.joint_scores import acc_mesr, strs
from mebench.metrics.matching import Found
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.reasons import ThinSupport, store_supports
from mebench.metrics.spotting_scores import SpottingCounts
from mebench.metrics.tables import Tables, number_groups, of_kinds

LEAST_SAMPLES, LEAST_SUBJECTS = 5, 3
"""A mean over classes of which one has fewer samples, or fewer subjects, has no interval: it would hold too rarely."""


@dataclass(frozen=True)
class Sample:
    """Confusion matrices of units (subjects, or draws).

    Attributes:
        matrices: (n_units, C, C + 1) matrices as in `classification.confusion_matrix`.
        support: (n_units, C) number of truths of each class in each unit, found or not.
        classes: (C,) names of the classes.
        named: (n_units, C) number of truths and answers of each class, where a mean is over the classes that occur
            under a weighting; None where it is over all.
    """

    matrices: Indices
    support: Indices
    classes: Sequence[str]
    named: Indices | None = None

    def basis_of(self, units: Sequence[int], name: str) -> Basis:
        """The data behind a score: for a mean over classes those of its rarest class, otherwise all subjects with samples."""
        units = list(units)
        in_mean = np.ones(len(self.classes), dtype=np.bool_)
        if self.named is not None:  # a mean takes the classes that are named in some of the units
            in_mean = np.asarray((self.named[units] > 0).any(axis=0))
        matrices = self.matrices[units][:, in_mean]
        samples = matrices.sum(axis=-1)
        n_subjects = int((samples.sum(axis=-1) > 0).sum())
        metric = find_metric(name)
        if metric.over_samples:
            return Basis(n_subjects)
        n_samples = samples.sum(axis=0)
        n_showing = (samples > 0).sum(axis=0)
        rare = [
            ThinSupport.of_class(label, int(n), int(subjects))
            for label, n, subjects in zip(compress(self.classes, in_mean), n_samples, n_showing)
            if n < LEAST_SAMPLES or subjects < LEAST_SUBJECTS
        ]
        # One of C classes that fails costs a C-th of the mean: its people count C-fold.
        fewest = min(n_subjects, len(n_showing) * int(n_showing.min(initial=n_subjects)))
        right = np.diagonal(self.matrices, axis1=1, axis2=2)[units].sum(axis=0)[in_mean]
        hidden_error = _hidden_error(right, n_samples, n_showing) if metric.mean_recall else 0.0
        return Basis(fewest, store_supports(rare), hidden_error)

    def compute_scores(self, convention: Convention, names: Sequence[str], weights: Floats) -> dict[str, Floats]:
        """Scores of the pooled matrix, by name, under (n_weightings, n_units) weights.

        NaN where the truth is empty, and for means over classes where it lacks one that occurs in the truth of all units.
        """
        n_classes = self.support.shape[1]
        weighted = weights @ self._counts
        true, predicted, samples, support = np.split(weighted, n_classes * np.arange(1, 4), axis=1)
        pooled = ClassCounts(true, predicted, samples)
        is_absent = support == 0
        scores = class_scores(convention, names, pooled)
        if self.named is not None:
            scores = self._over_named_classes(convention, scores, pooled, weights @ self.named > 0)
        no_truth = is_absent.all(axis=1)
        lacks_a_class = is_absent.any(axis=1)
        known: dict[str, Floats] = {}
        for name, values in scores.items():
            is_undefined = no_truth if name in OF_SAMPLES else lacks_a_class
            known[name] = np.where(is_undefined, np.nan, values)
        return known

    @cached_property
    def _counts(self) -> Indices:
        """The counts of each class, and the support of those that occur, side by side.

        One product weights them all. Shape: (n_units, 3 C + number of classes that occur).
        """
        true = np.diagonal(self.matrices, axis1=1, axis2=2)
        predicted = self.matrices.sum(axis=1)[:, :-1]
        samples = self.matrices.sum(axis=2)
        occurs = self.support.sum(axis=0) > 0
        return np.concatenate([true, predicted, samples, self.support[:, occurs]], axis=1)

    @staticmethod
    def _over_named_classes(
        convention: Convention, scores: Mapping[str, Floats], pooled: ClassCounts, named: Bools
    ) -> dict[str, Floats]:
        """The scores as means over the classes that are named under each weighting.

        Args:
            convention: rules.
            scores: scores over all classes, by name, (n_weightings,) each.
            pooled: (n_weightings, C) counts; those of classes that are not named are 0.
            named: (n_weightings, C) whether a truth or an answer names the class.
        """
        scores = {name: values.copy() for name, values in scores.items()}
        names_some = np.flatnonzero(named.any(axis=1) & ~named.all(axis=1))
        subsets, number = np.unique(named[names_some], axis=0, return_inverse=True)
        for i, classes in enumerate(subsets):
            rows = names_some[number.ravel() == i]
            kept = ClassCounts(*(counts[np.ix_(rows, classes)] for counts in pooled))
            for name, values in class_scores(convention, list(scores), kept).items():
                scores[name][rows] = values
        return scores


def _hidden_error(right: Indices, n_samples: Indices, n_showing: Indices) -> float:
    """Standard error of a mean recall that leaving subjects out does not show.

    It says nothing of a class of which all, or none, are right. With k people the recall of such a class is
    beta(k + 1, 1) of a flat prior, of variance (k + 1) / ((k + 2)^2 (k + 3)).

    Args:
        right: (C,) samples of each class that are right.
        n_samples: (C,) samples of each class.
        n_showing: (C,) subjects with a sample of each class.
    """
    is_flat = (right == 0) | (right == n_samples)
    k = n_showing[is_flat].astype(np.float64)
    variance = (k + 1) / ((k + 2) ** 2 * (k + 3))
    return float(np.sqrt(variance.sum()) / max(len(right), 1))


def of_clips(clips: pd.DataFrame, n_units: int, classes: Sequence[str], convention: Convention) -> Sample:
    """Annotated clips with a predicted class, and the classes that a mean is over."""
    true = clips["truth"].tolist()
    predicted = clips["predicted"].tolist()
    unit = clips["unit"].to_numpy(np.int64)
    matrices = confusion_matrices(true, predicted, unit, n_units, classes)
    support = matrices.sum(axis=-1)
    named = support + matrices.sum(axis=1)[:, :-1] if convention.classes == "in_truth_or_predicted" else None
    return Sample(matrices, support, classes, named)


def of_true_positives(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    found: Found,
    n_units: int,
    classes: Sequence[str],
    by_draw: bool,
    pairing: Literal["own", "shifted"] = "own",
) -> Sample:
    """The true positives, whose truth names the class (MEAN, section 4.2)."""
    prediction = found.prediction
    truth = found.truth
    answer = found.prediction
    if pairing == "shifted":
        prediction, truth, answer = _shifted(truths, predictions, found.matched, classes)
    unit = predictions["draw" if by_draw else "unit"].to_numpy(np.int64)[prediction]
    true = truths["emotion"].to_numpy(object)[truth].tolist()
    predicted = predictions["emotion"].to_numpy(object)[answer].tolist()
    matrices = confusion_matrices(true, predicted, unit, n_units, classes)
    return Sample(matrices, _support(truths, n_units, classes, by_draw), classes)


def _shifted(
    truths: pd.DataFrame, predictions: pd.DataFrame, matched: Indices, classes: Sequence[str]
) -> tuple[Indices, Indices, Indices]:
    """Rows that meet in MEAN's released code: true positives, truths and answers.

    It gathers the answers of all spotted intervals of a run and draw, in order, and beside them their truths, or "none" for a false
    positive. Where the truth is of an emotion that is not scored it fails after the answer was noted, so that from there
    on every truth is compared with the answer of an earlier interval. Without such truths each meets its own.
    """
    emotions = np.append(truths["emotion"].to_numpy(dtype=object), "")  # the last one stands for a false positive
    noted = (matched < 0) | np.isin(emotions[matched], list(classes))
    (lists,) = number_groups(["run", "draw"], predictions)
    of_lists = [np.flatnonzero(lists == number) for number in np.unique(lists)]
    # Pair the n-th recorded truth with the n-th answer.
    pairs = [np.stack([rows[noted[rows]], rows[: noted[rows].sum()]]) for rows in of_lists]
    spotted, answers = np.concatenate([np.empty((2, 0), np.int64), *pairs], axis=1)
    is_true_positive = matched[spotted] >= 0
    return spotted[is_true_positive], matched[spotted[is_true_positive]], answers[is_true_positive]


def of_first_intervals(
    truths: pd.DataFrame, predictions: pd.DataFrame, n_units: int, classes: Sequence[str], by_draw: bool
) -> Sample:
    """The most confident interval of each video, hit or not; a video without intervals counts as a wrong answer."""
    first = predictions.drop_duplicates(["video", "draw"])[["video", "draw", "emotion"]]
    samples = truths[["video", "unit", "emotion"]].merge(
        pd.DataFrame({"draw": range(n_units if by_draw else 1)}), how="cross"
    )
    both = samples.merge(first, on=["video", "draw"], how="left", suffixes=("", "_predicted"))
    unit = both["draw" if by_draw else "unit"].to_numpy(np.int64)
    matrices = confusion_matrices(both["emotion"].tolist(), both["emotion_predicted"].tolist(), unit, n_units, classes)
    return Sample(matrices, matrices.sum(axis=-1), classes)


def _support(truths: pd.DataFrame, n_units: int, classes: Sequence[str], by_draw: bool) -> Indices:
    """(n_units, C) number of truths of each class; where units are draws, each of them has all truths."""
    emotions = truths["emotion"].tolist()
    unit = truths["unit"].to_numpy(np.int64)
    support = confusion_matrices(emotions, emotions, unit, int(unit.max(initial=-1)) + 1, classes).sum(axis=-1)
    if by_draw:
        return np.tile(support.sum(axis=0), (n_units, 1))
    return np.pad(support, ((0, n_units - len(support)), (0, 0)))


SUMMARY_ORDER = ("unit_f1", "accuracy", "wf1", "precision", "recall", "f1", "uf1", "uar", "wr")
"""The order of the class scores in a summary; further ones follow."""


def known_class_scores() -> list[str]:
    """The metrics that go by named clips, in the order of a summary."""
    known = [key for key, metric in METRICS.items() if metric.of_classes]
    return [*SUMMARY_ORDER, *(key for key in known if key not in SUMMARY_ORDER)]


def displayed_scores(section: str, of_unit: bool = False) -> list[str]:
    """The class scores of a section in tables, in the order of a summary."""
    return [name for name in known_class_scores() if name in metric_columns(section, of_unit)]


def further_scores(names: Sequence[str], convention: Convention) -> list[str]:
    """Further class scores that a convention defines for any classes."""
    others = [name for name in known_class_scores() if name not in names and not METRICS[name].of_unit]
    return [name for name in others if convention.defines_of_classes(name)]


def class_scores(convention: Convention, names: Sequence[str], counts: ClassCounts) -> dict[str, Floats]:
    """Scores of the counts of classes under a convention, by name; NaN where it does not define one."""
    scores = {name: _score_of_classes(name, counts) for name in names if convention.defines_of_classes(name)}
    if convention.degenerate != "kept":
        scores |= one_vs_rest(counts, convention.degenerate, convention.uar)
    elif convention.uar == "precision":
        scores["uar"] = _score_of_classes("precision", counts)
    nothing = np.full(counts.true.shape[:-1], np.nan)
    defined = {name: scores[name] for name in names if convention.defines_of_classes(name)}
    return {name: defined.get(name, nothing) for name in names}


def _score_of_classes(name: str, counts: ClassCounts) -> Floats:
    """The score of a metric that goes by named clips."""
    compute = METRICS[name].of_classes
    assert compute is not None  # `known_class_scores` names no other
    return compute(counts)


def scored_classes(
    convention: Convention, classes: Sequence[Any], truth: Iterable[object], predicted: Iterable[object]
) -> list[Any]:
    """The classes that a convention takes the mean over, in their own order."""
    if convention.classes == "all":
        return list(classes)
    seen = {*truth} if convention.classes == "in_truth" else {*truth, *predicted}
    return [name for name in classes if name in seen]


def score_analysis(tables: Tables, counts: SpottingCounts, classes: Sequence[str], units: Resampling) -> dict[str, Any]:
    """STRS, and the emotions of true positives and of all intervals.

    STRS is equation 24 of MEAN; true positives are its Tables 5 and 8, all intervals of short videos its Tables 2 and
    10.

    Args:
        tables: tables in order.
        counts: counts of micro-expressions.
        classes: classes that are scored.
        units: subjects, or draws.
    """
    rule = counts.convention
    truths, predictions = counts.tables
    sample = of_true_positives(truths, predictions, counts.found, units.n_units, classes, units.mean, rule.pairing)
    if rule.classes == "in_truth_or_predicted":
        true, predicted = (
            _support(of_kinds(table, ["micro"]), units.n_units, classes, units.mean)
            for table in (tables.truths, tables.spotted)
        )
        sample = replace(sample, named=true + predicted)

    displayed = displayed_scores("analysis")
    # Rare classes move the product less than spotting does, so its intervals hold in spite of them.
    section: dict[str, Any] = {**units.scores("analysis.strs", partial(_joint_scores, counts, sample), counts.basis_of)}
    section["true_positives"] = _part("analysis.true_positives", sample, rule, displayed, units)
    if _holds_short_videos(tables.truths) and not counts.undecided.any():
        first = of_first_intervals(truths, predictions, units.n_units, classes, units.mean)
        first = replace(first, named=sample.named)
        section["all_intervals"] = _part("analysis.all_intervals", first, rule, displayed, units)
    return section


def _joint_scores(counts: SpottingCounts, sample: Sample, weights: Floats) -> dict[str, Floats]:
    """The products of a score of spotting and one of the true positives.

    Weights are (n_weightings, n_units).
    """
    rule = counts.convention
    right = sample.compute_scores(rule, ("accuracy", "f1"), weights)
    spotted = counts.under(weights)
    rate = spotted.score("tpr" if rule.matching == "peak" else "recall")
    scores = {"strs": strs(spotted.score("f1"), right["f1"]), "acc_mesr": acc_mesr(rate, right["accuracy"])}
    undefined = np.full(len(weights), np.nan)
    defined = {name: values for name, values in scores.items() if rule.defines_of_classes(name)}
    return {name: defined.get(name, undefined) for name in scores}


def _holds_short_videos(truths: pd.DataFrame) -> bool:
    """Whether each video holds one micro-expression and nothing else, or nothing."""
    holds_micro_alone = set(truths["kind"].tolist()) <= {"micro"}
    return holds_micro_alone and len(set(truths["video"].tolist())) == len(truths)


def score_recognition(
    clips: pd.DataFrame, classes: Sequence[str], convention: Convention, subjects: Resampling
) -> dict[str, Any]:
    """Scores of annotated clips, and of each member of a composite under `members`.

    They include `unit_f1` where the two classes are absence and presence of an action unit.

    Args:
        clips: clips in order, all of a class that is scored.
        classes: classes of the scheme.
        convention: rules.
        subjects: all subjects.
    """

    def part(path: str, chosen: pd.DataFrame, units: Resampling) -> dict[str, Any]:
        named = scored_classes(convention, classes, chosen["truth"], chosen["predicted"])
        is_unit = len(named) == 2 and named[0] == ABSENT and convention.class_scores is None
        sample = of_clips(chosen, units.n_units, named, convention)
        section = _part(path, sample, convention, displayed_scores("recognition", is_unit), units)
        if "probability" in chosen and convention.class_scores is None:
            right = (chosen["truth"] == chosen["predicted"]).to_numpy()
            if reliable := summarize_calibration(chosen["probability"].to_numpy(np.float64), right):
                section["details"]["calibration"] = reliable
        return section

    return with_members(part, clips, subjects)


def with_members(
    part: Callable[[str, pd.DataFrame, Resampling], dict[str, Any]], clips: pd.DataFrame, subjects: Resampling
) -> dict[str, Any]:
    """The scores `part` of all clips, and under `members` of each member of a composite."""
    section = part("recognition", clips, subjects)
    members = sorted(clips["dataset"].unique())
    if len(members) > 1:
        section["members"] = {
            name: part(f"recognition.members.{name}", clips[clips["dataset"] == name], subjects.restrict_to(name))
            for name in members
        }
    return section


def _part(path: str, sample: Sample, convention: Convention, names: Sequence[str], units: Resampling) -> dict[str, Any]:
    """Number, scores and further scores of samples; the latter are details."""
    n = int(sample.matrices.sum())
    scores = units.scores(path, partial(sample.compute_scores, convention, names), sample.basis_of)
    other_names = further_scores(names, convention)
    others = units.scores(f"{path}.details", partial(sample.compute_scores, convention, other_names), sample.basis_of)
    return {"n": n / units.n_units if units.mean else n, "scores": scores, "details": {"scores": others}}


def score_recognition_of_parts(
    clips: pd.DataFrame, classes: Sequence[str], convention: Convention, subjects: Resampling
) -> dict[str, Any]:
    """Score each part of the clips by itself, and take the mean.

    A part is scored over the classes that occur in it.

    Intervals come from resampling all subjects at once, so that a subject of whom several parts have clips weighs the same in all.

    Args:
        clips: clips as in `score_recognition`, with the column `part`.
        classes: classes of the scheme.
        convention: rules.
        subjects: all subjects.

    Returns:
        A section as of `score_recognition`: the means, and the number of all clips; in `folds` the sections of the parts.
    """
    samples = []
    parts = {}
    for name, part in clips.groupby("part"):
        named = scored_classes(convention, classes, part["truth"], part["predicted"])
        samples.append(of_clips(part, subjects.n_units, named, convention))
        chosen = tuple(sorted(set(part["unit"].tolist())))
        # A resampling of its own: the replicates that a part leaves out are not counted with those of the means.
        units = Resampling(subjects.weights, strata=subjects.strata, subjects=chosen)
        parts[str(name)] = score_recognition(part, classes, convention, units)

    def mean(names: Sequence[str]) -> Evaluate:
        return average_scores([partial(sample.compute_scores, convention, names) for sample in samples])

    def basis_of(units: Sequence[int], name: str) -> Basis:
        of_parts = [sample.basis_of(units, name) for sample in samples]
        doubts = [f"{part}: {basis.doubt}" for part, basis in zip(parts, of_parts) if basis.doubt]
        # Standard error of a mean of independent terms.
        hidden_error = float(np.linalg.norm([basis.hidden_error for basis in of_parts])) / len(of_parts)
        return Basis(min(basis.subjects for basis in of_parts), "; ".join(doubts), hidden_error)

    names = displayed_scores("recognition")
    return {
        "n": sum(part["n"] for part in parts.values()),
        "scores": subjects.scores("recognition", mean(names), basis_of),
        "details": {
            "scores": subjects.scores("recognition.details", mean(further_scores(names, convention)), basis_of)
        },
        "folds": parts,
    }
