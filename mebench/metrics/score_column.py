"""The column of a table that shows a metric."""

from dataclasses import replace
from typing import Any

from mebench.metrics.catalogue import find_metric
from mebench.output.table import Column


def score_column(path: str, label: str | None = None, **changes: Any) -> Column:
    """The column of a metric, with its label, digits and meaning.

    Args:
        path: name of the metric, also within a summary.
        label: head for people; default: the metric's label.
        changes: attributes of the column that differ from the catalogue's.

    >>> score_column("f1", digits=3).label
    'F1'
    """
    metric = find_metric(path)
    meaning = metric.describe() if metric.meaning else ""
    column = Column(
        path,
        label or metric.label,
        digits=metric.digits,
        right=True,
        score=True,
        share=metric.scale == "share",
        meaning=meaning,
        falling=metric.direction == "higher",
    )
    return replace(column, **changes)
