"""The truth beside files of any program: a table, or the sheet of a dataset as its adapter reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.annotations import SheetDataset
from mebench.config.registry import load, plugins
from mebench.errors import DataError, PluginError
from mebench.exchange.clips import read_clips
from mebench.exchange.intervals import checked, read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.table import Remarks
from mebench.exchange.values import IntervalFile

WORKBOOKS = (".xls", ".xlsx", ".xlsm")


def read_truth(path: Path, rules: Rules, remarks: Remarks, clips: bool = False) -> tuple[IntervalFile, Rules]:
    """The true intervals, or the true class of each clip.

    A workbook that is called as the sheet of a dataset is read by its adapter, with all that it knows and repairs: lines above
    the header, offsets of 0, names without leading zeros. So is a table of text that is none without its adapter.

    Args:
        path: of the file.
        rules: how the files go together.
        remarks: what was noticed is added there.
        clips: whether classes of given clips are asked for.

    Returns:
        The truth, frames by file numbers as the file has them; and the rules. An adapter writes names as the folders have them, so
        that others are the same that differ only in case, leading zeros or a prefix.

    Raises:
        DataError: the file cannot be understood; the sentence names the line.
    """
    workbook = path.suffix.lower() in WORKBOOKS
    sheet = _of_dataset(path, remarks) if workbook else None
    if sheet is None:
        own = Remarks()
        try:
            true = (read_clips if clips else read_intervals)(path, "truth", own)
        except DataError:
            if workbook or (sheet := _of_dataset(path, remarks)) is None:
                raise
        else:
            remarks.warnings += own.warnings
            remarks.repaired += own.repaired
            return true, rules
    return sheet, replace(rules, loose_ids=True)


def _of_dataset(path: Path, remarks: Remarks) -> IntervalFile | None:
    """The rows of a sheet of annotations, or None where no adapter reads it."""
    for dataset in _adapters(path):
        try:
            rows = list(dataset.annotations)
        except DataError:
            continue
        remarks.repair(
            f"truth: read as the sheet of {dataset.id}, with what its adapter repairs and finds beside it; mebench data summary "
            f"dataset={dataset.id} dataset.annotations=FILE lists that"
        )
        named = [a for a in rows if a.subject and a.video]
        table = pd.DataFrame(
            {
                "line": np.array([a.row for a in named], np.int64),
                "subject": [a.subject for a in named],
                "video": [a.video for a in named],
            }
        )
        videos = table.assign(fps=[a.fps or dataset.fps for a in named], n_frames=np.nan)
        there = [a for a in named if a.onset is not None]
        intervals = table[[a.onset is not None for a in named]].reset_index(drop=True)
        intervals = intervals.assign(
            kind=[a.kind for a in there],
            onset=np.array([a.onset for a in there], np.int64),
            offset=np.array([a.offset for a in there], np.int64),
            apex=np.array([np.nan if a.apex is None else a.apex for a in there], np.float64),
            emotion=[a.emotion or "" for a in there],
        )
        columns = frozenset({*table, *intervals, "fps"} - {"line"})
        return checked(IntervalFile(str(path), "truth", intervals, videos, columns), remarks)
    return None


def _adapters(path: Path) -> Iterator[SheetDataset]:
    """Datasets of which a sheet is called so, the most telling name first, with this file as their annotations."""
    found = list[tuple[int, type[SheetDataset], Mapping[str, Any]]]()
    for id_ in sorted(plugins("dataset")):
        try:
            plugin = load("dataset", id_)
        except PluginError:
            continue
        names = plugin.sheet_names() if issubclass(plugin, SheetDataset) else {}
        fits = [name for name in names if fnmatch(path.name.casefold(), name.casefold())]
        found += [(len(name.replace("*", "")), plugin, names[name]) for name in fits]
    for _, plugin, params in sorted(found, key=lambda fit: fit[0], reverse=True):
        yield plugin(plugin.Params(annotations=str(path), **params))
