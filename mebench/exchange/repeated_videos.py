"""Columns under each of whose values the videos recur: several runs, coders or settings in one file."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.annotations.names import BLANK, KNOWN, header_words, plain_name
from mebench.annotations.sheets import Cells
from mebench.errors import DataError, list_first
from mebench.exchange.choices import Choices
from mebench.exchange.values import IntervalFile
from mebench.metrics.ratios import largest_before
from mebench.metrics.tables import number_groups

# fmt: off
CODERS = frozenset(("coder", "rater", "annotator", "observer", "labeller", "labeler", "coded", "annotated", "kodierer"))
"""Words of a column that names who annotated."""
RUNS = frozenset((
    "seed", "run", "repeat", "repetition", "rep", "fold", "split", "epoch", "step", "iteration", "iter", "checkpoint",
    "ckpt", "threshold", "thr", "thresh", "method", "model", "net", "network", "backbone", "algorithm", "approach", "system",
    "team", "submission", "experiment", "exp", "trial", "config", "configuration", "setting", "version", "state", "key", "sheet",
))
# fmt: on
"""Words of a column that names a run, or what distinguishes several."""
MOST_VALUES = 200
"""More different values name no runs."""
NEARLY_ALL = 0.8
"""Share of the videos that a value has which is one of several runs."""
SOME = 0.2
"""Share of the videos that recur, where the name of the column says that its values are runs or coders."""
OVERLAPPING = 0.25
"""Share of the intervals that overlap one of another value: a single program or coder marks a moment once."""
FEWEST_VIDEOS = 2
"""Videos in which a column of any name must recur: in a single one everything does."""
MOST_SHOWN = 4
"""Values of a column that a sentence shows."""


def refuse_repeated_videos(given: IntervalFile, choices: Choices, once: Sequence[str] = ()) -> None:
    """Refuse a file of several runs or coders: under each value of a column that is not read, the videos recur.

    Args:
        given: intervals, classes of clips, or scores of frames.
        choices: decisions of the user; `--where seed=*` pools all values.
        once: columns that tell the rows of one video apart, where a video has one row for each of their values: `frame`; none
            where a video has any number of intervals.

    Raises:
        DataError: there is such a column; the sentence names its values and the option that chooses one.
    """
    others = given.others
    if others is None or not others.columns:
        return
    rows = given.intervals if once else given.videos
    pooled = {choice.name for choice in choices.where if choice.value == "*" and choice.is_about(given.role)}
    keys = [*given.ids, *(name for name in once if name in rows)]
    (videos,) = number_groups(keys, rows)
    ends = [] if once else _ends_of_rows(given)
    names = []
    for header, column in others.columns.items():
        values = others.at_lines(_values_of_rows(column), rows["line"].to_numpy(np.int64))
        if header not in pooled and _distinguishes_runs(header, values, videos, ends):
            names.append(header)
    if not names:
        return
    options = {name: _filled(others.columns[name].distinct) for name in names}
    first, values_of_first = next(iter(options.items()))
    more = f", and so do those of {', '.join(map(repr, names[1:]))}" if names[1:] else ""
    several = "several coders" if _names_coders(first) else "several runs"
    each = "" if given.role == "truth" else f", or score each with --each {_quoted(first)}"
    raise DataError(
        f"{given.place}: the videos recur under each of the {len(values_of_first)} values of {first!r} "
        f"({list_first(values_of_first, MOST_SHOWN)}){more}: the file holds {several}. Choose one with --where "
        f"{_quoted(f'{first}={values_of_first[0]}')}{each}"
    )


def _ends_of_rows(given: IntervalFile) -> list[NDArray[np.float64]]:
    """Onset, offset, and whether it is a macro-expression, of each row of a file. NaN where it has no interval, (n_rows,) each."""
    first_of_line = given.intervals.drop_duplicates("line").set_index("line")
    numbers = first_of_line[["onset", "offset"]].assign(is_macro=first_of_line["kind"] == "macro")
    return [given.videos["line"].map(numbers[name]).to_numpy(np.float64) for name in numbers]


def _quoted(word: str) -> str:
    """A word as a shell takes it."""
    return word if re.fullmatch(r"[\w=.:+-]+", word) else f'"{word}"'


def _filled(cells: Iterable[str]) -> list[str]:
    """The different cells that hold something, in their order."""
    return list(dict.fromkeys(cell.strip() for cell in cells if cell.strip().casefold() not in BLANK))


def _names_coders(header: str) -> bool:
    """Whether a column is called after coders."""
    return not CODERS.isdisjoint(header_words(header))


def _names_runs(header: str) -> bool:
    """Whether a column is called after runs, or after coders."""
    words = [word.removesuffix("s") for word in header_words(header)]
    return not (RUNS | CODERS).isdisjoint(words)


def _distinguishes_runs(
    header: str, values: NDArray[np.intp], videos: NDArray[np.intp], ends: Sequence[NDArray[np.float64]]
) -> bool:
    """Whether the values of a column are several answers to the same videos.

    Args:
        header: name of the column.
        values: number of its value in each row, -1 where it is blank.
        videos: number of the video of each row.
        ends: onset, offset and kind of each row; none where a video has one row.
    """
    known = values >= 0
    n_values = int(values.max(initial=-1)) + 1
    if not 2 <= n_values <= MOST_VALUES:
        return False
    n_videos = len(np.unique(videos[known]))
    pairs = np.unique(np.stack([videos[known], values[known]]), axis=1)
    values_of_video = np.bincount(pairs[0])
    share_recurring = float((values_of_video >= 2).sum()) / n_videos
    if not share_recurring:
        return False
    videos_of_value = np.bincount(pairs[1], minlength=n_values)
    full_values = videos_of_value >= NEARLY_ALL * n_videos
    are_full = int(full_values.sum()) >= 2 and 2 * int(full_values.sum()) >= n_values
    if not ends:
        # A clip has one class, a frame one score: what distinguishes a second one is another run.
        return are_full or (_names_runs(header) and share_recurring >= SOME)
    onset, offset, is_macro = (column[known] for column in ends)
    places = (videos[known], values[known], onset, offset)
    of_kinds = (2 * videos[known] + (is_macro == 1), *places[1:])
    if _names_runs(header):
        return share_recurring >= SOME and not _counts_in_order(*places)
    if plain_name(header) in KNOWN or n_videos < FEWEST_VIDEOS:
        return False
    stand_in_several = 2 * int((videos_of_value >= FEWEST_VIDEOS).sum()) >= n_values
    are_several = are_full or (stand_in_several and share_recurring >= SOME)
    return are_several and not _counts_in_order(*places) and _overlap_across_values(*of_kinds)


def _values_of_rows(column: Cells) -> NDArray[np.intp]:
    """A number for the value of each row, -1 where it is blank, (n_rows,)."""
    number_of: dict[str, int] = {}
    numbers = []
    for cell in column.distinct:
        plain = cell.strip()
        is_blank = plain.casefold() in BLANK
        numbers.append(-1 if is_blank else number_of.setdefault(plain, len(number_of)))
    return np.array([*numbers, -1], np.intp)[column.which]


def _counts_in_order(
    videos: NDArray[np.intp], values: NDArray[np.intp], onset: NDArray[np.float64], offset: NDArray[np.float64]
) -> bool:
    """Whether the values number the intervals of each video one after the other. None of these may overlap."""
    order = np.lexsort((onset, videos))
    videos, values, onset, offset = videos[order], values[order], onset[order], offset[order]
    follows = videos[1:] == videos[:-1]
    if not follows.any():
        return False
    rises = values[1:] > values[:-1]
    begins_later = onset[1:] > offset[:-1]
    return bool((rises & begins_later)[follows].all())


def share_of_overlaps(intervals: pd.DataFrame) -> float:
    """The share of intervals that overlap an earlier one of their video and kind."""
    (groups,) = number_groups(["video", "kind"], intervals)
    return _share_of_overlaps(groups, *(intervals[name].to_numpy(np.float64) for name in ("onset", "offset")))


def _overlap_across_values(
    videos: NDArray[np.intp], values: NDArray[np.intp], onset: NDArray[np.float64], offset: NDArray[np.float64]
) -> bool:
    """Whether many intervals overlap one of another value in their video and kind. Few may overlap one of their own."""
    across = _share_of_overlaps(videos, onset, offset)
    _, runs = np.unique(np.stack([videos, values]), axis=1, return_inverse=True)
    within = _share_of_overlaps(np.asarray(runs).reshape(-1), onset, offset)
    return across >= OVERLAPPING and within <= across / 2


def _share_of_overlaps(groups: NDArray[np.intp], onset: NDArray[np.float64], offset: NDArray[np.float64]) -> float:
    """The share of the intervals that overlap an earlier one of their group."""
    known = ~(np.isnan(onset) | np.isnan(offset))
    if not known.any():
        return 0.0
    groups, onset, offset = groups[known], onset[known], offset[known]
    order = np.lexsort((offset, onset, groups))
    overlaps = onset[order] <= largest_before(groups[order], offset[order].astype(np.int64))
    return float(overlaps.mean())
