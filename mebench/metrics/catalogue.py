"""The catalogue of metrics: each is defined once, for printing, ranking, tuning and checking. It imports quickly.

A metric is one object in the file of its family; CONTRIBUTING, *A metric*, says how to add one, and how to keep one of one's own
in a folder.
"""

import re
from dataclasses import replace

from mebench.errors import ConfigError
from mebench.metrics import (
    classification,
    counted_scores,
    frame_scores,
    joint_scores,
    ranked_scores,
    scores_in_time,
    timing_errors,
    untouched_copies,
)
from mebench.metrics.metric import Metric, by_key

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

METRICS: dict[str, Metric] = by_key(
    (
        *counted_scores.COUNTED,
        *ranked_scores.RANKED,
        *timing_errors.TIMING,
        *scores_in_time.IN_TIME,
        *counted_scores.OF_DUPLICATES,
        *ranked_scores.CURVES,
        *frame_scores.OF_FRAMES,
        *untouched_copies.BESIDE_UNTOUCHED,
        *joint_scores.OF_BOTH,
        *classification.OF_CLIPS,
        *classification.OF_CONFIDENCES,
    )
)
"""All metrics by the last word of their name, which no two share."""

REMEMBERED: dict[str, Metric] = {}
"""The words of somebody's metrics whose plugin is not here, as the summary of a run keeps them."""

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
    metric = METRICS.get(name) or REMEMBERED.get(name) or Metric(path, path, "")
    return replace(metric, label=f"{metric.label} {threshold}") if threshold and name in METRICS else metric


def refuse_curve(name: str) -> None:
    """Refuse a curve where a single number is asked for.

    Raises:
        ConfigError: the metric is a curve.
    """
    metric = METRICS.get(name)
    if metric is not None and metric.kind == "curve":
        raise ConfigError(
            f"{name} ({metric.label}) is a curve and has no single number: name a score, such as f1 or uf1"
        )
