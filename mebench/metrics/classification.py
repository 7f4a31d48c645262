"""Metrics of named clips: scores of confusion matrices, or of their counts, and the calibration of confidences.

It imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.metric import ClassTotals, Metric
from mebench.metrics.sources import GUO, LIONG, MEGC2018, MEGC2019

with lazy_imports():
    from mebench.metrics import ratios

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from mebench.metrics.ratios import Bools, Floats
else:
    np = load_lazily("numpy")


def confusion_matrix(
    truth: Sequence[object], predicted: Sequence[object], classes: Sequence[object]
) -> NDArray[np.int64]:
    """Count pairs of true and predicted class.

    Args:
        truth: (n,) true classes; a sample whose truth is not in `classes` is left out.
        predicted: (n,) predicted classes; None is allowed.
        classes: the classes that are scored.

    Returns:
        (C, C + 1): rows are true classes, columns predicted ones; the last column counts predictions outside `classes`,
        which are misses of the true class but no class's false positives.

    >>> confusion_matrix(["joy", "joy", "fear", "awe"], ["joy", "fear", None, "joy"], ["fear", "joy"])
    array([[0, 0, 1],
           [1, 1, 0]])
    """
    return np.squeeze(confusion_matrices(truth, predicted, np.zeros(len(truth), dtype=np.int64), 1, classes), axis=0)


def confusion_matrices(
    truth: Sequence[object],
    predicted: Sequence[object],
    unit: NDArray[np.int64],
    n_units: int,
    classes: Sequence[object],
) -> NDArray[np.int64]:
    """One `confusion_matrix` for each unit (a subject, say), (n_units, C, C + 1); `unit` is each sample's, (n,)."""
    number = {label: index for index, label in enumerate(classes)}
    n_classes = len(classes)
    answered = [
        (number.get(true, -1), number.get(answer, n_classes), where)
        for true, answer, where in zip(truth, predicted, unit.tolist(), strict=True)
    ]
    row, column, owner = np.array(answered, dtype=np.int64).reshape(-1, 3).T
    cell = (owner * n_classes + row) * (n_classes + 1) + column
    counts = np.bincount(cell[row >= 0], minlength=n_units * n_classes * (n_classes + 1))
    return counts.reshape(n_units, n_classes, n_classes + 1)


class ClassCounts(NamedTuple):
    """All that the scores take from confusion matrices: numbers of samples of each class, (..., C) each.

    Attributes:
        true: true positives.
        predicted: samples that are predicted to be of the class.
        support: samples that are of the class.
    """

    true: Floats
    predicted: Floats
    support: Floats


def counts_of(matrix: ArrayLike | ClassTotals) -> ClassCounts:
    """The counts of each class in a (..., C, C + 1) confusion matrix; those that are given as counts stay."""
    if isinstance(matrix, ClassCounts):
        return matrix
    m = np.asarray(matrix, dtype=np.float64)
    predicted = np.einsum("...ij->...j", m)  # four times as fast as sum
    support = np.einsum("...ij->...i", m)
    return ClassCounts(np.diagonal(m, axis1=-2, axis2=-1), predicted[..., : m.shape[-2]], support)


def _mean(per_class: Floats) -> Floats:
    return np.asarray(per_class.mean(axis=-1), dtype=np.float64)


def accuracy(matrix: ArrayLike | ClassTotals) -> Floats:
    """Share of right predictions (MEAN, equation 18).

    >>> float(accuracy([[3, 1, 0], [0, 4, 0]])), float(accuracy([[0, 0, 0], [0, 0, 0]]))
    (0.875, 0.0)
    """
    true, _, support = counts_of(matrix)
    return ratios.safe_ratio(true.sum(axis=-1), support.sum(axis=-1))


def macro_precision(matrix: ArrayLike | ClassTotals) -> Floats:
    """Mean over classes of TP / (TP + FP) (MEAN, equation 20); a class never predicted counts 0.

    >>> float(macro_precision([[3, 1, 0], [0, 4, 0]])), float(macro_precision([[4, 0, 0], [4, 0, 0]]))
    (0.9, 0.25)
    """
    true, predicted, _ = counts_of(matrix)
    return _mean(ratios.safe_ratio(true, predicted))


def macro_recall(matrix: ArrayLike | ClassTotals) -> Floats:
    """Mean over classes of TP / (TP + FN) (MEAN, equation 19); a class without samples counts 0.

    >>> float(macro_recall([[3, 1, 0], [0, 4, 0]])), float(macro_recall([[4, 0, 0], [0, 0, 0]]))
    (0.875, 0.5)
    """
    true, _, support = counts_of(matrix)
    return _mean(ratios.safe_ratio(true, support))


uar = macro_recall
"""Unweighted average recall (MEAN, equation 23)."""


def f1_of_macros(matrix: ArrayLike | ClassTotals) -> Floats:
    """Harmonic mean of macro precision and macro recall (MEAN, equation 21). This is not the mean of the classes' F1.

    >>> round(float(f1_of_macros([[3, 1, 0], [0, 4, 0]])), 4), float(f1_of_macros([[0, 4, 0], [4, 0, 0]]))
    (0.8873, 0.0)
    """
    true, predicted, support = counts_of(matrix)
    return harmonic_mean(_mean(ratios.safe_ratio(true, predicted)), _mean(ratios.safe_ratio(true, support)))


def harmonic_mean(precision: ArrayLike, recall: ArrayLike) -> Floats:
    """2 P R / (P + R).

    >>> round(float(harmonic_mean(0.5983, 0.5872)), 4), float(harmonic_mean(0, 0))
    (0.5927, 0.0)
    """
    p = np.asarray(precision, dtype=np.float64)
    r = np.asarray(recall, dtype=np.float64)
    return ratios.safe_ratio(2 * p * r, p + r)


def class_f1(matrix: ArrayLike | ClassTotals) -> Floats:
    """2 TP / (2 TP + FP + FN) of every class, (..., C).

    >>> class_f1([[3, 1, 0], [0, 4, 0]]).round(3), class_f1([[0, 0, 0], [0, 4, 0]])
    (array([0.857, 0.889]), array([0., 1.]))
    """
    true, predicted, support = counts_of(matrix)
    return ratios.safe_ratio(2 * true, predicted + support)


def presence_f1(matrix: ArrayLike | ClassTotals) -> Floats:
    """F1 of the second of two classes, where the first means absence.

    This is the absence of an action unit, say. NaN for a single class.

    >>> float(presence_f1([[5, 1, 0], [2, 2, 0]])), float(presence_f1([[6, 0, 0], [0, 0, 0]]))
    (0.5714285714285714, 0.0)
    >>> float(presence_f1([[6, 0]]))
    nan
    """
    f1 = class_f1(matrix)
    return np.asarray(f1[..., 1] if f1.shape[-1] > 1 else np.full(f1.shape[:-1], np.nan), dtype=np.float64)


def uf1(matrix: ArrayLike | ClassTotals) -> Floats:
    """Unweighted mean of the classes' F1 (MEAN, equation 22).

    >>> round(float(uf1([[3, 1, 0], [0, 4, 0]])), 4), float(uf1([[4, 0, 0], [0, 0, 0]]))
    (0.873, 0.5)
    """
    return _mean(class_f1(matrix))


def weighted_f1(matrix: ArrayLike | ClassTotals) -> Floats:
    """Mean of the classes' F1, each weighted by its number of true samples.

    >>> round(float(weighted_f1([[3, 1, 0], [0, 4, 0]])), 4), float(weighted_f1([[0, 0, 0], [0, 0, 0]]))
    (0.873, 0.0)
    """
    _, _, support = counts_of(matrix)
    return ratios.safe_ratio((class_f1(matrix) * support).sum(axis=-1), support.sum(axis=-1))


weighted_recall = accuracy
"""Mean of the classes' recall, each weighted by its number of true samples."""


def jaccard_index(true: Bools, given: Bools) -> Floats:
    """Shared part of the true and the given set of classes of each clip, (n,); two empty sets agree.

    Args:
        true: (n, C) whether each clip is of each class.
        given: (n, C) whether it is named so.

    >>> jaccard_index(np.array([[True, True]]), np.array([[True, False]]))
    array([0.5])
    """
    n_both = (true & given).sum(axis=1).astype(np.float64)
    n_either = (true | given).sum(axis=1).astype(np.float64)
    return ratios.safe_ratio(n_both, n_either, 1.0)


def one_vs_rest(
    matrix: ArrayLike | ClassTotals, degenerate: Literal["zero", "dropped"], uar: Literal["recall", "precision"]
) -> dict[str, Floats]:
    """Macro scores from a 2 x 2 table for every class that is not degenerate.

    A class is degenerate if no sample has it in truth or prediction, or if all samples have it in both. STRS-Metric
    gives it precision, recall and F1 of zero. MEAN's code drops it from the means. For the other classes, a precision
    of 0/0 counts 0; a recall of 0/0 counts 0 in `recall` and `f1` but makes `uar` undefined.

    Args:
        matrix: (..., C, C + 1) as from `confusion_matrix`, or its counts.
        degenerate: `zero` or `dropped`.
        uar: the meaning of UAR: mean `recall` or mean `precision`.

    Returns:
        `accuracy`, `precision`, `recall`, `f1` (harmonic mean of these two, NaN at 0/0), `uf1`, `uar`, (...) each; NaN
        where every class was dropped.

    >>> one_class = [[3, 0, 0], [0, 0, 0]]  # three samples, all of the first class and all right
    >>> {name: float(value) for name, value in one_vs_rest(one_class, "zero", "precision").items()}
    {'accuracy': 1.0, 'precision': 0.0, 'recall': 0.0, 'f1': nan, 'uf1': 0.0, 'uar': 0.0}
    """
    true, predicted, support = counts_of(matrix)
    kept = ~((predicted + support == 0) | (true == support.sum(axis=-1, keepdims=True)))
    n_counted = np.full(kept.shape[:-1], kept.shape[-1], dtype=np.float64)
    if degenerate == "dropped":
        n_counted = kept.sum(axis=-1).astype(np.float64)

    def mean(values: Floats) -> Floats:
        return ratios.safe_ratio(np.where(kept, values, 0).sum(axis=-1), n_counted, np.nan)

    precision = mean(ratios.safe_ratio(true, predicted))
    recall = mean(ratios.safe_ratio(true, support))
    # MEAN's code replaces an undefined recall by 0 in the list for F1 alone, not in the one for UAR.
    recalls = ratios.safe_ratio(true, support, np.nan if degenerate == "dropped" else 0.0)
    return {
        "accuracy": accuracy(matrix),
        "precision": precision,
        "recall": recall,
        "f1": ratios.safe_ratio(2 * precision * recall, precision + recall, np.nan),
        "uf1": mean(ratios.safe_ratio(2 * true, predicted + support)),
        "uar": precision if uar == "precision" else mean(recalls),
    }


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> dict[str, Floats]:
    """The reliability curve: in bins of equal width, mean confidence against the share that is right.

    Args:
        confidence: (n,) in 0 to 1: of spotted intervals, or the probability of the predicted class.
        right: (n,) bool: true positive, or the right class.
        bins: number of bins; all but the last exclude their upper end, within a tolerance of 1e-7.

    Returns:
        `low`, `high`, `n`, `confidence`, `accuracy`, (bins,) each; the last two are NaN in an empty bin.

    Raises:
        ValueError: a confidence lies outside 0 to 1 or is NaN.

    >>> curve = reliability([0.1, 0.6, 0.8], [False, True, False], bins=2)
    >>> {name: values.round(2).tolist() for name, values in curve.items()}
    {'low': [0.0, 0.5], 'high': [0.5, 1.0], 'n': [1.0, 2.0], 'confidence': [0.1, 0.7], 'accuracy': [0.0, 0.5]}
    """
    confidences = np.asarray(confidence, dtype=np.float64)
    correct = np.asarray(right, dtype=np.float64)
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise ValueError(
            f"a confidence must lie in 0 to 1, not {confidences[~((confidences >= 0) & (confidences <= 1))][0]}"
        )
    edges = np.arange(bins + 1) / bins
    # A probability that lies at an edge but for its rounding, to 64 or to 32 bits, lies at the edge.
    where = np.clip(np.floor(confidences * bins + 1e-6).astype(np.int64), 0, bins - 1)
    n = ratios.per_unit(where, bins)
    return {
        "low": edges[:-1],
        "high": edges[1:],
        "n": n,
        "confidence": ratios.safe_ratio(ratios.per_unit(where, bins, confidences), n, np.nan),
        "accuracy": ratios.safe_ratio(ratios.per_unit(where, bins, correct), n, np.nan),
    }


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Mean distance of confidence and share right over the bins of `reliability`.

    Bins are weighted by their size (Guo et al. 2017).

    0 to 1, lower is better; NaN without samples.

    >>> round(expected_calibration_error([0.1, 0.6, 0.8], [False, True, False], bins=2), 4)
    0.1667
    """
    curve = reliability(confidence, right, bins)
    filled = curve["n"] > 0
    if not filled.any():
        return float("nan")
    distances = np.abs(curve["confidence"] - curve["accuracy"])[filled]
    return float((distances * curve["n"][filled]).sum() / curve["n"].sum())


def summarize_calibration(confidence: Floats, right: ArrayLike, bins: int = 10) -> dict[str, Any] | None:
    """Both as plain data for a summary (`ece`, `bins`); None without samples or if confidences are no probabilities.

    >>> summarize_calibration(np.array([1.0]), [True], bins=1)
    {'ece': 0.0, 'bins': [{'low': 0.0, 'high': 1.0, 'n': 1, 'confidence': 1.0, 'accuracy': 1.0}]}
    >>> summarize_calibration(np.array([12.5]), [True]) is None
    True
    """
    if not len(confidence) or not ((confidence >= 0) & (confidence <= 1)).all():
        return None
    curve = reliability(confidence, right, bins)
    filled_bins = []
    for number in np.flatnonzero(curve["n"]):
        values: dict[str, float] = {name: float(column[number]) for name, column in curve.items()}
        filled_bins.append({**values, "n": int(values["n"])})
    return {"ece": expected_calibration_error(confidence, right, bins), "bins": filled_bins}


OF_CLASSES = ("analysis", "recognition")

OF_CLIPS = (
    Metric(
        "accuracy",
        "accuracy",
        "share of the clips with the right class",
        "right answers / clips; an answer that is none of the classes is wrong",
        f"{LIONG}, equation 18",
        OF_CLASSES,
        of_classes=accuracy,
        over_samples=True,
        example=r"""
        Right answers over clips. With uneven classes, always naming the largest is often right.

        $$
        \frac{1}{n} \sum_c TP_c
        $$

        ```python
        beside(tp_c.sum() / n_c.sum(), "recognition/scores/accuracy", clips)
        ```
        """,
    ),
    Metric(
        "uf1",
        "UF1",
        "unweighted F1, the mean of the classes' F1",
        "mean over classes of 2 tp / (2 tp + fp + fn); a class of 0/0 counts 0",
        f"{MEGC2019}; {LIONG}, equation 22",
        OF_CLASSES,
        of_classes=uf1,
        example=r"""
        Unweighted F1: the mean of the classes' F1, in which each class has equal weight; a class of 0/0 counts 0.

        $$
        UF1 = \frac{1}{C} \sum_{c} \frac{2\,TP_c}{2\,TP_c + FP_c + FN_c}
        $$

        ```python
        beside(np.mean(2 * tp_c / (2 * tp_c + fp_c + fn_c)), "recognition/scores/uf1", clips)
        ```
        """,
    ),
    Metric(
        "uar",
        "UAR",
        "unweighted average recall, the mean of the classes' recall",
        "mean over classes of tp / (tp + fn)",
        f"{MEGC2019}; {LIONG}, equation 23",
        OF_CLASSES,
        of_classes=uar,
        mean_recall=True,
        example=r"""
        Unweighted average recall. One class for all clips gives $1/C$.

        $$
        UAR = \frac{1}{C} \sum_{c} \frac{TP_c}{n_c}
        $$

        ```python
        beside(np.mean(tp_c / n_c), "recognition/scores/uar", clips)
        ```
        """,
    ),
    Metric(
        "wf1",
        "weighted F1",
        "the classes' F1, weighted by their number of clips",
        "sum over classes of clips x 2 tp / (2 tp + fp + fn) / all clips",
        MEGC2018,
        OF_CLASSES,
        of_classes=weighted_f1,
        over_samples=True,
        example=r"""
        $$
        \frac{1}{n} \sum_{c} n_c \frac{2\,TP_c}{2\,TP_c + FP_c + FN_c}
        $$

        ```python
        beside((n_c * 2 * tp_c / (2 * tp_c + fp_c + fn_c)).sum() / n_c.sum(), "recognition/scores/wf1", clips)
        ```
        """,
    ),
    Metric(
        "wr",
        "weighted recall",
        "the classes' recall, weighted by their number of clips; equals accuracy",
        "sum over classes of clips x tp / (tp + fn) / all clips",
        MEGC2018,
        OF_CLASSES,
        of_classes=weighted_recall,
        over_samples=True,
        example=r"""
        $$
        \frac{1}{n} \sum_{c} n_c \frac{TP_c}{n_c} = \frac{1}{n} \sum_c TP_c
        $$

        which is the accuracy, under the name that MEGC 2018 gave it.

        ```python
        beside((n_c * tp_c / n_c).sum() / n_c.sum(), "recognition/details/scores/wr", clips)
        ```
        """,
    ),
    Metric(
        "unit_f1",
        "F1 of the unit",
        "F1 of an action unit",
        "2 tp / (2 tp + fp + fn), with presence of the unit as positive",
        sections=("recognition",),
        of_classes=presence_f1,
        of_unit=True,
        example=r"""
        If a scheme asks for one action unit (`scheme=AU12`), the positive class is its presence, and F1 is that of this class
        alone. Twelve clips, four of which show the unit:

        $$
        F_1 = \frac{2\,TP_\text{shown}}{2\,TP_\text{shown} + FP_\text{shown} + FN_\text{shown}}
        $$

        ```python
        unit = confusion_matrix(["absent"] * 8 + ["AU12"] * 4, ["absent"] * 7 + ["AU12"] * 4 + ["absent"], ["absent", "AU12"])
        assert math.isclose(classification.presence_f1(unit), 2 * 3 / (2 * 3 + 1 + 1))
        print(f"{classification.presence_f1(unit):.4f}")
        ```
        """,
    ),
    Metric(
        "jaccard",
        "Jaccard index",
        "mean over clips of the shared part of the true and the given set of classes",
        "|true and given| / |true or given|, where a clip may have several classes",
        sections=(),
        function=jaccard_index,
        example=r"""
        Some schemes ask for all classes of a clip at once: `scheme=AUs` for every action unit that at least ten micro-expressions
        show, and 4DME's `scheme=4dmr2025` for up to three emotions. An answer is a set, written `AU4+AU7`: the classes to which the
        method gives a probability of at least a half, and the likeliest in any case. UF1, UAR and weighted F1 count each class by
        itself, present or absent; accuracy is the share of clips whose whole set is right; the details hold the F1 of each class.
        Only some methods can (`logistic`, `ststnet`, `macnn`, `micro_attention`); a method of your own says so with
        `several = True`, and gets one bit for each class of a clip.

        $$
        J = \frac{1}{n} \sum_i \frac{|T_i \cap P_i|}{|T_i \cup P_i|}
        $$

        Two clips, of which one is right and one half right:

        ```python
        sets = [({"AU4", "AU7"}, {"AU4", "AU7"}), ({"AU12"}, {"AU12", "AU6"})]
        each = [len(true & given) / len(true | given) for true, given in sets]
        print(f"{np.mean(each):.4f}")
        assert math.isclose(np.mean(each), 0.75)
        ```
        """,
    ),
    Metric(
        "mean_unit_f1",
        "mean F1 of units",
        "mean of the F1 of the action units that occur in the truth",
        sections=(),
        example=r"""
        The mean over the $U$ units of a sweep, `mebench run -m … scheme=AU1,AU2,AU4`, that occur in the truth.

        $$
        \frac{1}{U} \sum_u F_{1,u}
        $$

        ```python
        units = {"AU1": [[8, 0, 0], [2, 2, 0]], "AU2": [[9, 1, 0], [1, 1, 0]], "AU4": [[5, 1, 0], [2, 4, 0]]}
        each = {name: float(classification.presence_f1(counts)) for name, counts in units.items()}
        print({name: round(value, 4) for name, value in each.items()}, f"mean {np.mean(list(each.values())):.4f}")
        ```
        """,
    ),
)
OF_CONFIDENCES = (
    Metric(
        "calibration.ece",
        "calibration error",
        "expected calibration error, of confidences or class probabilities",
        "mean over ten bins of |mean confidence - share that is right|, weighted by their size",
        GUO,
        ("spotting", "recognition"),
        direction="lower",
        function=expected_calibration_error,
        example=r"""
        The gap between confidence and accuracy. Answers are put into ten bins by their confidence; each bin compares the mean
        confidence with the share of right answers.

        $$
        ECE = \sum_{b=1}^{10} \frac{n_b}{n} \left| \overline{\text{confidence}}_b - \text{share right}_b \right|
        $$

        The five intervals of [the example of spotting](metrics.md#the-example), two of which hit, each in a bin of its own:

        ```python
        from mebench.metrics import expected_calibration_error, reliability

        confidence, right = [0.9, 0.8, 0.7, 0.6, 0.5], [True, False, False, True, False]
        error = expected_calibration_error(confidence, right)
        assert math.isclose(error, (0.1 + 0.8 + 0.7 + 0.4 + 0.5) / 5)
        print(f"{error:.4f}")
        ```
        """,
    ),
    Metric(
        "calibration.bins",
        "reliability curve",
        "reliability curve: mean confidence against the share that is right, in ten bins",
        source=GUO,
        sections=("spotting", "recognition"),
        direction=None,
        kind="curve",
        function=reliability,
        example=r"""
        The bins themselves, which a figure of the run draws. For the five intervals:

        $$
        b \mapsto \left( \overline{\text{confidence}}_b,\ \text{share right}_b,\ n_b \right)
        $$

        ```python
        pd.DataFrame(reliability(confidence, right)).query("n > 0")
        ```
        """,
    ),
)
