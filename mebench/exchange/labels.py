"""The emotions of two files: which are scored, and which are not among them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pandas as pd

from mebench.console import plural
from mebench.errors import ConfigError
from mebench.exchange.remarks import Remarks, at_lines
from mebench.exchange.values import emotion_of
from mebench.metrics.tables import Tables


def classes_of(asked: str | None, tables: Tables, remarks: Remarks) -> list[str]:
    """The classes to score.

    Args:
        asked: as the command line names them, separated by commas; None takes every emotion in the truth.
        tables: `truths` and `predictions` with `line` and `emotion` (lower case, empty where there is none).
        remarks: labels outside the classes are told there. A truth of such a label counts for spotting only; a prediction
            of one is a wrong answer where its truth has a class.

    Raises:
        ConfigError: a class is named twice or not at all, or the truth has emotions and none of the classes.
    """
    assert tables.predictions is not None
    true = sorted(set(tables.truths["emotion"]) - {""})
    classes = true if asked is None else [emotion_of(name) for name in asked.split(",")]
    if "" in classes or len(set(classes)) < len(classes):
        raise ConfigError(f"--classes must name different emotions, separated by commas, not {asked!r}")
    if asked is not None and true and not set(true) & set(classes):
        raise ConfigError(f"--classes names none of the emotions in the truth, which are {', '.join(true)}")
    if not classes:
        return classes
    for name in classes:
        if name not in true:
            remarks.warn(f"--classes: no truth is labelled {name!r}{_meant(name, true)}; the class is not scored")
    _note_truths(tables.truths, classes, remarks)
    spotted = tables.predictions
    if (spotted["emotion"] != "").any():
        _note_predictions(spotted, classes, remarks)
    return classes


def _note_truths(truths: pd.DataFrame, classes: Sequence[str], remarks: Remarks) -> None:
    for label, rows in truths[~truths["emotion"].isin(list(classes))].groupby("emotion"):
        what = f"labelled {label!r}, which is not among the classes" if label else "without an emotion"
        remarks.warn(
            f"truth: {plural(len(rows), 'annotation')} {what} ({at_lines(rows['line'])}), scored in spotting, not in analysis"
        )


def _note_predictions(spotted: pd.DataFrame, classes: Sequence[str], remarks: Remarks) -> None:
    for label, rows in spotted[~spotted["emotion"].isin(list(classes))].groupby("emotion"):
        what = (
            f"of emotion {label!r}, which is not among the classes{_meant(str(label), classes)}"
            if label
            else "of no emotion"
        )
        remarks.warn(
            f"predictions: {plural(len(rows), 'interval')} {what} ({at_lines(rows['line'])}), wrong in analysis where they find "
            "an expression of a class"
        )


def _meant(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (is {near[0]!r} meant?)" if near else ""
