"""The log file of MEGC 2020 and 2021.

The organizers' baseline wrote this layout (He et al. 2020, "Spotting macro- and micro-expression intervals in long
video sequences"): a line with the number of the dataset (1 SAMM Long Videos, 2 CAS(ME)^2), then one line for each pair
or unmatched interval: `<subject>_<video>`, true onset and offset, predicted onset and offset (`-` for none; `__` or `*`
in some logs), and `TP`, `FP` or `FN`. It does not distinguish micro- and macro-expressions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from mebench.annotations.sheets import Sheet
from mebench.errors import DataError
from mebench.exchange.text_table import File, Remarks
from mebench.exchange.values import IntervalFile, Role
from mebench.grouping import group_by
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

DATASETS = {"1": "SAMM-LV", "2": "CAS(ME)^2"}
_NEXT = r"(?:\s*[,;\t]\s*|\s+)"
_CELL = rf"{_NEXT}([-_*–—/]+|-?\d{{1,15}}(?:\.\d+)?|nan|)"
_LINE = re.compile(rf"^(\S.*?){_CELL * 4}{_NEXT}(?:\d[\d.]*{_NEXT})?(TP|FP|FN)(?:{_NEXT}.*)?$")
_ENDS = (18, 26, 34, 42)
"""The positions at which the cells after the first two begin."""


@dataclass(frozen=True)
class Entry:
    """A line of the log: `video` is `<subject>_<video>`; a missing interval is None."""

    dataset: str
    video: str
    truth: tuple[int, int] | None
    prediction: tuple[int, int] | None


def is_log(sheet: Sheet) -> bool:
    r"""Whether the lines of a text or a workbook are a MEGC result log.

    >>> from mebench.annotations.sheets import sheet_from_text
    >>> [is_log(sheet_from_text(t, "", "it")) for t in ("1\n006_1   324   403   -   -   FN\n", "subject,video,onset,offset\n")]
    [True, False]
    """
    first = (line.strip() for _, line in sheet.read_lines() if line.strip())
    return any(_LINE.match(line) for line, _ in zip(first, range(3)))


def read_log(sheet: Sheet, path: File, role: Role, remarks: Remarks) -> IntervalFile:
    """The predictions or the truths of a log.

    A prediction that matches two truths is on two lines, and so is a truth that two predictions match; each counts
    once. The subject is the folder of the video, else the part before the first `_`.

    Raises:
        DataError: a line does not belong into a log.
    """
    rows: list[tuple[object, ...]] = []
    results = Counter[str]()
    dataset = ""
    for number, line in sheet.read_lines():
        text = line.strip()
        match = _LINE.match(text)
        if match:
            rows.append((number, dataset, *_cells_of_line(match, f"{path}, line {number}", role)))
            results[match.groups()[-1]] += 1
        elif re.fullmatch(r"\w+", text):
            dataset = DATASETS.get(text, text)
        elif text and (results or number > 1):  # the first line may be a title
            raise DataError(
                f"{path}, line {number}: {text[:80]!r} is not a line of a MEGC 2020 log: expected the video, "
                "the true onset and offset, the predicted onset and offset (- for none), and TP, FP or FN"
            )
    table = pd.DataFrame(rows, columns=["line", "dataset", "subject", "video", "onset", "offset"])
    if role == "predictions":
        table = table.drop(columns="subject")
    if not table["dataset"].any():
        table = table.drop(columns="dataset")
    columns = [name for name in table.columns if name != "line"]
    complete = table.dropna()
    account = remarks.account_of(role)
    account.hold("row", len(table))
    n_again = int(complete.duplicated(columns).sum())
    account.leave_out("row", n_again, "a line with the interval of an earlier one, which matched twice")
    intervals = (
        complete.drop_duplicates(columns)
        .reset_index(drop=True)
        .astype({"onset": np.int64, "offset": np.int64})
        .assign(kind="micro", apex=lambda rows: ((rows["onset"] + rows["offset"]) // 2).astype(float), emotion="")
    )
    videos = table.drop(columns=["onset", "offset"]).assign(fps=np.nan, n_frames=np.nan)
    if role == "predictions":
        intervals = intervals.assign(confidence=np.nan)
        videos = videos.assign(kind="micro")
    remarks.warn(
        f"{role}: a log of MEGC 2020 does not say which intervals are micro- and which macro-expressions: all are read as "
        f"micro and matched together. Its own lines are {', '.join(f'{results[result]} {result}' for result in _NEEDED)}"
    )
    return IntervalFile(str(path), role, intervals, videos, frozenset(columns), pooled=True)


def _cells_of_line(match: re.Match[str], where: str, role: Role) -> tuple[str, str, int | None, int | None]:
    """Subject, video, onset and offset of a line.

    Raises:
        DataError: its result contradicts its intervals.
    """
    path, *frames, result = match.groups()
    truth = _interval(frames[:2])
    prediction = _interval(frames[2:])
    if (truth is None) != (result == "FP") or (prediction is None) != (result == "FN"):
        raise DataError(f"{where}: a {result} has {_NEEDED[result]}, but the line is {match.string!r}")
    folder, _, video = path.strip("*").rpartition("/")
    subject = folder.rpartition("/")[2] or video.partition("_")[0]
    onset, offset = (prediction if role == "predictions" else truth) or (None, None)
    return subject, video, onset, offset


def _interval(cells: Sequence[str]) -> tuple[int, int] | None:
    """Onset and offset, or None if a cell is no number or both are -1."""
    numbers = [int(float(cell)) for cell in cells if cell[-1:].isdigit()]
    if len(numbers) < 2 or numbers == [-1, -1]:
        return None
    onset, offset = numbers
    return onset, offset


_NEEDED = {"TP": "both intervals", "FP": "a predicted interval only", "FN": "a true interval only"}


def log_lines(entries: Iterable[Entry]) -> Iterator[str]:
    r"""The lines of a log: datasets by number, videos in the order given, their intervals by time.

    >>> print(*log_lines([Entry("SAMM-LV", "006_1", (10, 20), None)]), sep="\n")
    1
    006_1   10        20      -       -       FN
    """
    by_dataset = group_by(entries, key=attrgetter("dataset"))
    for dataset in sorted(by_dataset, key=lambda name: (_number(name), name)):
        yield _number(dataset)
        for entries_of_video in group_by(by_dataset[dataset], key=attrgetter("video")).values():
            for entry in sorted(entries_of_video, key=_first_onset):
                yield _log_line(entry)


def _first_onset(entry: Entry) -> int:
    """The onset of a predicted interval, else of the true one."""
    onset, _ = entry.prediction or entry.truth or (0, 0)
    return onset


def _log_line(entry: Entry) -> str:
    """The line of an entry: video, true interval, predicted interval, and result in columns."""
    nothing = ("-", "-")
    onset, *rest = [str(frame) for frame in (*(entry.truth or nothing), *(entry.prediction or nothing))]
    result = "TP"
    if entry.prediction is None:
        result = "FN"
    elif not entry.truth:
        result = "FP"
    line = f"{entry.video}   {onset}"
    for cell, column in zip([*rest, result], _ENDS):
        line = f"{line} ".ljust(column) + cell
    return line


def _number(dataset: str) -> str:
    """The dataset's number in the challenge, or its name without blanks."""
    plain = dataset.casefold()
    if "samm" in plain:
        return "1"
    return "2" if plain.startswith("cas") else re.sub(r"\W+", "_", dataset)
