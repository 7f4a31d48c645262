"""Columns under each of whose values the videos recur: several runs, coders or settings in one file."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.names import BLANK, KNOWN, header_words, plain_name
from mebench.annotations.sheets import Cells
from mebench.errors import DataError, list_first
from mebench.exchange.choices import Choices
from mebench.exchange.text_table import TextTable
from mebench.exchange.values import IDS
from mebench.metrics.ratios import largest_before

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


def refuse_repeated_videos(
    table: TextTable,
    choices: Choices,
    onset: NDArray[np.float64] | None = None,
    offset: NDArray[np.float64] | None = None,
) -> None:
    """Refuse a table of several runs or coders: under each value of a column that is not read, the videos recur.

    Args:
        table: table with its columns of names.
        choices: decisions of the user; `--where seed=*` pools all values.
        onset: (n_rows,) first frame of each row, NaN where it has none; None where a row is a clip or a frame.
        offset: (n_rows,) last frame.

    Raises:
        DataError: there is such a column; the sentence names its values and the option that chooses one.
    """
    pooled = {choice.name for choice in choices.where if choice.value == "*" and choice.is_about(table.role)}
    keys = IDS if onset is not None else (*IDS, "kind", "frame", "onset")
    videos = _numbers_of_rows(table, keys)
    names = []
    for header, column in table.others.items():
        if header not in pooled and _distinguishes_runs(header, column, videos, onset, offset):
            names.append(header)
    if not names:
        return
    values = {name: _filled(table.others[name].distinct) for name in names}
    first, options = next(iter(values.items()))
    more = f", and so do those of {', '.join(map(repr, names[1:]))}" if names[1:] else ""
    several = "several coders" if _names_coders(first) else "several runs"
    each = "" if table.role == "truth" else f", or score each with --each {_quoted(first)}"
    raise DataError(
        f"{table.place}: the videos recur under each of the {len(options)} values of {first!r} "
        f"({list_first(options, MOST_SHOWN)}){more}: the file holds {several}. Choose one with --where "
        f"{_quoted(f'{first}={options[0]}')}{each}"
    )


def _quoted(word: str) -> str:
    """A word as a shell takes it."""
    return word if re.fullmatch(r"[\w=.:+-]+", word) else f'"{word}"'


def _filled(cells: Iterable[str]) -> list[str]:
    """The different cells that hold something, in their order."""
    return list(dict.fromkeys(cell.strip() for cell in cells if cell.strip().casefold() not in BLANK))


def _numbers_of_rows(table: TextTable, keys: Sequence[str]) -> NDArray[np.intp]:
    """A number for each row, equal in rows that are equal in these columns, (n_rows,)."""
    numbers = np.zeros(len(table.lines), np.intp)
    for name in keys:
        if name in table.cells:
            cells = table.cells[name]
            _, numbers = np.unique(numbers * (len(cells.distinct) + 1) + cells.which, return_inverse=True)
    return numbers


def _names_coders(header: str) -> bool:
    """Whether a column is called after coders."""
    return not CODERS.isdisjoint(header_words(header))


def _names_runs(header: str) -> bool:
    """Whether a column is called after runs, or after coders."""
    words = [word.removesuffix("s") for word in header_words(header)]
    return not (RUNS | CODERS).isdisjoint(words)


def _distinguishes_runs(
    header: str,
    column: Cells,
    videos: NDArray[np.intp],
    onset: NDArray[np.float64] | None,
    offset: NDArray[np.float64] | None,
) -> bool:
    """Whether the values of a column are several answers to the same videos."""
    values = _values_of_rows(column)
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
    if onset is None or offset is None:
        # A clip has one class, a frame one score: what distinguishes a second one is another run.
        return are_full or (_names_runs(header) and share_recurring >= SOME)
    places = (videos[known], values[known], onset[known], offset[known])
    if _names_runs(header):
        return share_recurring >= SOME and not _counts_in_order(*places)
    if plain_name(header) in KNOWN or n_videos < FEWEST_VIDEOS:
        return False
    return are_full and not _counts_in_order(*places) and _overlap_across_values(*places)


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
    """Whether the values number the intervals of each video one after the other, none of them overlapping."""
    order = np.lexsort((onset, videos))
    videos, values, onset, offset = videos[order], values[order], onset[order], offset[order]
    follows = videos[1:] == videos[:-1]
    if not follows.any():
        return False
    rises = values[1:] > values[:-1]
    begins_later = onset[1:] > offset[:-1]
    return bool((rises & begins_later)[follows].all())


def _overlap_across_values(
    videos: NDArray[np.intp], values: NDArray[np.intp], onset: NDArray[np.float64], offset: NDArray[np.float64]
) -> bool:
    """Whether many intervals overlap one of another value in their video, and few one of their own."""
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
