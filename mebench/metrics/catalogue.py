"""The catalogue of metrics: each is defined once, for printing, ranking, tuning and checking. It imports quickly.

A new metric is an entry of `METRICS`, a place in `COLUMNS` where tables shall show it, the code that computes it, and a worked example in
`docs/reference/metrics.md`; CONTRIBUTING, *A column of the leaderboards*, says where each stands.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

Direction = Literal["higher", "lower", "zero"]
Scale = Literal["share", "positive", "any"]
Support = Literal["truths", "spotted", "everybody"]

RANGES: dict[Scale, str] = {"share": "0 to 1", "positive": "0 or more", "any": "any sign"}
DIRECTIONS: dict[Direction, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "zero": "nearer to 0 is better",
}
COLUMNS: dict[str, tuple[str, ...]] = {
    "spotting": (
        "f1",
        "precision",
        "recall",
        "ap50",
        "ap",
        "asr",
        "apex_mae_ms",
        "fp_per_minute",
        "recall_at_half",
        "recall_at_one",
        "recall_at_two",
        "fp_per_macro",
        "fp_elsewhere",
        "f1@cas_me2",
        "f1@samm_lv",
    ),
    "analysis": ("strs", "f1", "precision", "recall", "accuracy", "uf1", "uar"),
    "recognition": ("uf1", "uar", "accuracy", "wf1", "unit_f1"),
}
"""The metrics in the tables of each section of a summary, the main one first: rows are sorted by it."""
SECTIONS = tuple(COLUMNS)

_LIONG = "Liong, See and Chan 2023 (MEAN), doi:10.1016/j.image.2022.116875"
_LI = "Li et al. 2017, Towards Reading Hidden Emotions, arXiv:1511.00423"
_MEGC2018 = "Yap et al. 2018 (MEGC 2018), doi:10.1109/FG.2018.00106"
_MEGC2019 = "See et al. 2019 (MEGC 2019), doi:10.1109/FG.2019.8756611"
_MEGC2020 = "He et al. 2020 (MEGC 2020), arXiv:1912.11985"
_GUO = "Guo et al. 2017, arXiv:1706.04599"


@dataclass(frozen=True)
class Metric:
    """A score of a summary, or a curve.

    Attributes:
        name: name in a summary, with the part of the details before it, if any (`frames.auc`).
        label: name in tables.
        meaning: meaning in one line.
        formula: formula in words; empty where the meaning says it.
        source: paper that defines it; empty where mebench does.
        sections: sections of a summary that may hold it; empty for a function of `mebench.metrics` that no summary holds.
        direction: whether higher or lower is better; None for a curve.
        scale: range of its values, which decides the scale of its intervals.
        unit: unit of its values; empty for a share.
        factor: for a score of a whole analysis, the score of emotions by which that of spotting is multiplied.
        of_unit: True if it is defined only where one class says that an action unit is absent.
        timed: True if it needs the length of all videos.
        ranked: True if it needs the order of confidences within one kind.
        support: subjects that a score of spotting depends on: those with `truths`, those with `spotted` intervals, or `everybody`.
        printed_as: name of the score under which a convention that exchanges names prints it (`Convention.exchanged`).
        over_samples: whether a score of emotions weighs every sample alike; otherwise it is a mean over classes.
        mean_recall: whether a score of emotions is the mean of the classes' recall.
    """

    name: str
    label: str
    meaning: str
    formula: str = ""
    source: str = ""
    sections: tuple[str, ...] = ("spotting",)
    direction: Direction | None = "higher"
    scale: Scale = "share"
    unit: str = ""
    factor: str = ""
    of_unit: bool = False
    timed: bool = False
    ranked: bool = False
    support: Support = "truths"
    printed_as: str = ""
    over_samples: bool = False
    mean_recall: bool = False

    @property
    def digits(self) -> int:
        """Digits after the point, when printed with its unit."""
        return 4 if self.scale == "share" else 1

    def describe(self) -> str:
        """Unit, range, direction and meaning in a line; of a curve the meaning."""
        if self.direction is None:
            return self.meaning
        facts = filter(None, (self.unit, RANGES[self.scale], DIRECTIONS[self.direction]))
        return f"{', '.join(facts)}: {self.meaning}"

    def sort_key(self, value: float | None) -> float:
        """Sort key: larger where the value, in the metric's unit, is better; least where it is undefined.

        >>> METRICS["f1"].sort_key(0.5), METRICS["fpr"].sort_key(0.5), METRICS["onset_bias_ms"].sort_key(-20.0)
        (0.5, -0.5, -20.0)
        """
        if value is None:
            return float("-inf")
        return {"lower": -value, "zero": -abs(value)}.get(self.direction or "", value)


_CLASSES = ("analysis", "recognition")

METRICS: dict[str, Metric] = {
    metric.name.rpartition(".")[2]: metric
    for metric in (
        Metric(
            "precision",
            "precision",
            "share of the spotted intervals that are right, tp / (tp + fp)",
            "of emotions the mean over classes: of the samples named so, the share that are so; a class never named counts 0",
            f"{_LIONG}, equations 15, 16 and 20",
            SECTIONS,
            support="spotted",
            printed_as="recall",
        ),
        Metric(
            "recall",
            "recall",
            "share of the true intervals that were spotted, tp / (tp + fn)",
            "of emotions the mean over classes: of the samples that are so, the share named so",
            f"{_LIONG}, equations 15, 16 and 19",
            SECTIONS,
            printed_as="precision",
            mean_recall=True,
        ),
        Metric(
            "f1",
            "F1",
            "harmonic mean of precision and recall (in analysis, F1_a, of their class means)",
            "2 x precision x recall / (precision + recall), of spotted intervals 2 tp / (2 tp + fp + fn); 0/0 counts 0",
            f"{_LIONG}, equations 15, 16 and 21",
            SECTIONS,
        ),
        Metric(
            "f1_at_iou",
            "F1 at IoU",
            "spotting f1 at each IoU from 0.05 to 0.95",
            "f1 with this intersection over union as the bound of a hit, in steps of 0.05",
        ),
        Metric(
            "ap50",
            "AP@.5",
            "average precision of the intervals ranked by confidence, at IoU 0.5",
            "area under the interpolated precision-recall curve, one point for each distinct confidence",
            f"{_LIONG}, equation 17",
            ranked=True,
        ),
        Metric(
            "ap",
            "AP@[.5:.95]",
            "average precision, averaged over the IoU thresholds 0.5, 0.55 to 0.95",
            "mean of ten areas under the interpolated precision-recall curve",
            f"{_LIONG}, section 4.2",
            ranked=True,
        ),
        Metric(
            "asr",
            "ASR",
            "apex spotting rate, true intervals with a confidently spotted apex inside",
            "intervals whose apex lies strictly inside a truth of its own, among each video's intervals of "
            "highest confidence, as many as it has truths / truths",
            f"{_LIONG}, equation 13, where each video shows one expression",
            ranked=True,
        ),
        Metric(
            "apex_mae_ms",
            "apex error, ms",
            "mean distance of spotted from true apexes",
            "mean over true positives with a marked apex of |spotted apex - true apex| / frames per second x 1000",
            direction="lower",
            scale="positive",
            unit="milliseconds",
        ),
        Metric(
            "apex_mae_frames",
            "apex error, frames",
            "the same in frames of the video",
            "mean over true positives with a marked apex of |spotted apex - true apex|",
            direction="lower",
            scale="positive",
            unit="frames",
        ),
        Metric(
            "onset_bias_ms",
            "onset bias, ms",
            "how late spotted intervals begin on average",
            "mean over true positives of (spotted onset - true onset) / frames per second x 1000",
            direction="zero",
            scale="any",
            unit="milliseconds",
        ),
        Metric(
            "offset_bias_ms",
            "offset bias, ms",
            "how late spotted intervals end on average",
            "mean over true positives of (spotted offset - true offset) / frames per second x 1000",
            direction="zero",
            scale="any",
            unit="milliseconds",
        ),
        Metric(
            "fp_per_minute",
            "false positives / min",
            "spotted intervals that are wrong",
            "fp / length of all videos, with or without expressions",
            direction="lower",
            scale="positive",
            unit="per minute of video",
            timed=True,
            support="everybody",
        ),
        *(
            Metric(
                f"recall_at_{word}",
                f"recall at {rate} FP/min",
                f"recall with at most {rate} false positives a minute",
                "largest recall of any threshold with so few false positives; a point of the curve of recall against them",
                timed=True,
            )
            for word, rate in (("half", ".5"), ("one", "1"), ("two", "2"))
        ),
        Metric(
            "fp_per_macro",
            "false positives / macro",
            "false positives on macro-expressions",
            "those that share a frame with a macro- and with no micro-expression / macro-expressions",
            direction="lower",
            scale="positive",
            unit="per macro-expression",
            timed=True,
            support="everybody",
        ),
        Metric(
            "fp_elsewhere",
            "false positives / min elsewhere",
            "false positives on no expression",
            "those that share no frame with an expression / minutes outside of all expressions",
            direction="lower",
            scale="positive",
            unit="per minute without expression",
            timed=True,
            support="everybody",
        ),
        *(
            Metric(
                f"f1@{dataset}",
                f"F1 at the density of {title}",
                f"F1 with as many expressions a minute as {title} has",
                "2Rd / (Rd + ad + bD + cf + d), see the function density_scores",
                timed=True,
            )
            for dataset, title in (("cas_me2", "CAS(ME)²"), ("samm_lv", "SAMM Long Videos"))
        ),
        Metric(
            "precision_large",
            "precision, large",
            "precision that counts duplicate hits as right (megc2020)",
            "pairs of a spotted interval and a truth that it hits / spotted intervals",
            _MEGC2020,
            support="spotted",
        ),
        Metric(
            "f1_large",
            "F1, large",
            "f1 that counts duplicate hits as right (megc2020)",
            "harmonic mean of precision_large and recall",
            _MEGC2020,
        ),
        Metric(
            "curve",
            "curve over confidence",
            "recall, 0 to 1, against fp_per_minute, over all confidences",
            "of the intervals from each confidence on (li2017: tpr against fpr)",
            direction=None,
        ),
        Metric(
            "frames.auc",
            "AUC of frames",
            "a frame of an expression scores higher than another frame; 0.5 by chance",
            "area under the receiver operating characteristic: pairs of such frames in the right order / all pairs, ties "
            "counted half (li2017: area under its curve)",
        ),
        Metric(
            "tpr",
            "true positive rate, frames",
            "share of the frames of expressions that a peak found (Li et al. 2017)",
            "frames of the truths that a spotted apex comes close enough to / frames of all truths",
            _LI,
        ),
        Metric(
            "fpr",
            "false positive rate, frames",
            "share of the other frames in intervals that found nothing (Li et al. 2017)",
            "frames of the spotted intervals that found no truth / frames outside all truths, cut at 1",
            _LI,
            direction="lower",
            support="everybody",
        ),
        Metric(
            "acc_mesr",
            "Acc_MESR",
            "recall (Li et al. 2017: tpr) x accuracy of the true positives",
            source=_LI,
            sections=("analysis",),
            factor="accuracy",
        ),
        Metric(
            "strs",
            "STRS",
            "spot-then-recognize score, spotting f1 x analysis f1 of the true positives",
            source=f"{_LIONG}, equation 24",
            sections=("analysis",),
            factor="f1",
        ),
        Metric(
            "accuracy",
            "accuracy",
            "share of the clips with the right class",
            "right answers / clips; an answer that is none of the classes is wrong",
            f"{_LIONG}, equation 18",
            _CLASSES,
            over_samples=True,
        ),
        Metric(
            "uf1",
            "UF1",
            "unweighted F1, the mean of the classes' F1",
            "mean over classes of 2 tp / (2 tp + fp + fn); a class of 0/0 counts 0",
            f"{_MEGC2019}; {_LIONG}, equation 22",
            _CLASSES,
        ),
        Metric(
            "uar",
            "UAR",
            "unweighted average recall, the mean of the classes' recall",
            "mean over classes of tp / (tp + fn)",
            f"{_MEGC2019}; {_LIONG}, equation 23",
            _CLASSES,
            mean_recall=True,
        ),
        Metric(
            "wf1",
            "weighted F1",
            "the classes' F1, weighted by their number of clips",
            "sum over classes of clips x 2 tp / (2 tp + fp + fn) / all clips",
            _MEGC2018,
            _CLASSES,
            over_samples=True,
        ),
        Metric(
            "wr",
            "weighted recall",
            "the classes' recall, weighted by their number of clips; equals accuracy",
            "sum over classes of clips x tp / (tp + fn) / all clips",
            _MEGC2018,
            _CLASSES,
            over_samples=True,
        ),
        Metric(
            "unit_f1",
            "F1 of the unit",
            "F1 of an action unit",
            "2 tp / (2 tp + fp + fn), with presence of the unit as positive",
            sections=("recognition",),
            of_unit=True,
        ),
        Metric(
            "jaccard",
            "Jaccard index",
            "mean over clips of the shared part of the true and the given set of classes",
            "|true and given| / |true or given|, where a clip may have several classes",
            sections=(),
        ),
        Metric(
            "mean_unit_f1",
            "mean F1 of units",
            "mean of the F1 of the action units that occur in the truth",
            sections=(),
        ),
        Metric(
            "calibration.ece",
            "calibration error",
            "expected calibration error, of confidences or class probabilities",
            "mean over ten bins of |mean confidence - share that is right|, weighted by their size",
            _GUO,
            ("spotting", "recognition"),
            direction="lower",
        ),
        Metric(
            "calibration.bins",
            "reliability curve",
            "reliability curve: mean confidence against the share that is right, in ten bins",
            source=_GUO,
            sections=("spotting", "recognition"),
            direction=None,
        ),
    )
}
"""All metrics by the last word of their name, which no two share."""

JOINT = frozenset(name for name, metric in METRICS.items() if metric.factor)
"""The scores of a whole analysis: products of a score of spotting and one of emotions."""

OF_SAMPLES = tuple(name for name, metric in METRICS.items() if metric.over_samples)
"""Scores of emotions that weigh every sample alike; the others are means over classes."""


def metric_columns(section: str, of_unit: bool = False) -> tuple[str, ...]:
    """Columns of the tables of a section, the main metric first; scores of an action unit only where they are defined.

    >>> metric_columns("recognition")
    ('uf1', 'uar', 'accuracy', 'wf1')
    """
    return tuple(name for name in COLUMNS[section] if of_unit or not METRICS[name].of_unit)


def find_metric(path: str) -> Metric:
    """The metric that a score's name, or its path in a summary, ends with.

    Its label holds the threshold.

    Other values, such as counts, keep their name and are formatted as shares.

    >>> [find_metric(path).label for path in ("recognition.uf1", "spotting.micro.f1_at_iou.0.55", "tp")]
    ['UF1', 'F1 at IoU 0.55', 'tp']
    """
    # The dot in a threshold such as 0.55 is not a separator.
    name, _, threshold = re.split(r"\.(?!\d)", path)[-1].partition(".")
    metric = METRICS.get(name, Metric(path, path, ""))
    return replace(metric, label=f"{metric.label} {threshold}") if threshold and name in METRICS else metric
