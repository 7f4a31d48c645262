"""Judge columns by their values: what an unread one could be, and whether a score depends on it.

Names propose a column and values confirm it. After the answers are matched with the truth, each column that is not read is
compared with the one that is: where it could be the answer as well, and a score would be another one, the user decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.names import ALIASES, ALONE, BLANK, KNOWN, OWNERS, header_words, plain_name
from mebench.annotations.sheets import Cells
from mebench.errors import DataError, list_first
from mebench.exchange.cell_kinds import numbers_of_cells
from mebench.exchange.repeated_videos import CODERS, RUNS
from mebench.exchange.row_layouts import NAMES_OF_PARTS
from mebench.exchange.text_table import OtherColumns, Remarks, TextTable, column_option
from mebench.exchange.values import IntervalFile, emotion_of
from mebench.lazy_imports import load_lazily
from mebench.metrics.conventions import find_convention
from mebench.metrics.matching import ends_of, sharing_pairs
from mebench.metrics.tables import number_groups

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

NEARLY_ALL = 0.9
"""Share of the cells of a column that are of a kind, so that the column is."""
MANY_EXACT = 0.5
"""Share of intervals that are true ones to the frame, above which they are no answers: no program finds so many exactly."""
FEW_TRUTHS = 0.1
"""Share of the truths that other columns find, above which they are intervals."""
FEWEST_CONFIDENCES = 5
"""Confidences of intervals that are judged by how they vary."""
HARDLY = 0.2
"""Range of a score, as a share of its largest value, below which it hardly varies."""
MOST_SHOWN = 5
"""Columns that a sentence names."""
WEAK_NAMES = frozenset(map(plain_name, ("confidence", "conf", "value", "valeur", "valor", "Wert")))
"""Names of a frame's score under which programs also write something else, such as how sure they are of the face."""


# The score of a frame ----------------------------------------------------------------------------------------------


def choose_score(table: TextTable) -> str | None:
    """The column that holds the score of each frame, if no name says so: the only one that varies as a score does.

    Raises:
        DataError: the column that is read by its name may be another thing, or several columns may be the score.
    """
    if "score" in table.decided:
        return None
    numbers = _varying_columns(table)
    if "score" not in table.cells:
        return _only_column(table, [*numbers])
    taken = table.header_of("score")
    values = numbers_of_cells(table.cells["score"])
    if values is None or not numbers:
        return None
    others = [name for name, column in numbers.items() if _range_of(column) > max(_range_of(values), HARDLY)]
    is_weak = plain_name(taken) in WEAK_NAMES
    says_yes_or_no = len(np.unique(values[~np.isnan(values)])) <= 2
    hardly_varies = _range_of(values) < HARDLY and bool(others)
    if not (is_weak or says_yes_or_no or hardly_varies):
        return None
    reason = "hardly varies"
    if is_weak:
        reason = "often says how sure a program is of the face"
    elif says_yes_or_no:
        reason = "holds two values alone"
    raise DataError(
        f"{table.place}: the column {taken!r}, read as the score of each frame by its name, {reason}, and "
        f"{_in_quotes([*numbers])} could be the score: name it with {column_option('score', next(iter(numbers)))}, or with "
        f"{column_option('score', taken)}"
    )


def _only_column(table: TextTable, names: Sequence[str]) -> str | None:
    """The only column that may be the score; None if there is none.

    Raises:
        DataError: there are several.
    """
    if len(names) < 2:
        return next(iter(names), None)
    raise DataError(
        f"{table.place}: no column is called score, and {_in_quotes(names)} could be it: name it with "
        f"{column_option('score', names[0])}"
    )


def _varying_columns(table: TextTable) -> dict[str, NDArray[np.float64]]:
    """The unread columns of numbers that vary within videos. Those that merely count the frames are left out."""
    if not len(table.lines) or "frame" not in table.cells:
        return {}
    frames = numbers_of_cells(table.cells["frame"])
    videos = table.cells["video"].which if "video" in table.cells else np.zeros(len(table.lines), np.intp)
    if frames is None:
        return {}
    order = np.lexsort((frames, videos))
    is_next = videos[order][1:] == videos[order][:-1]
    varying = {}
    for name, cells in table.others.items():
        values = numbers_of_cells(cells)
        if values is None or len(np.unique(values[~np.isnan(values)])) < 3:
            continue
        steps = np.diff(values[order])[is_next]
        known = steps[~np.isnan(steps)]
        counts_frames = len(known) > 0 and bool((known > 0).all())
        if len(known) and known.any() and not counts_frames:
            varying[name] = values
    return varying


def _range_of(values: NDArray[np.float64]) -> float:
    """Range of some numbers as a share of the largest, sign aside; 0 where all are 0 or unknown."""
    known = values[~np.isnan(values)]
    largest = float(np.abs(known).max(initial=0))
    return float(known.max() - known.min()) / largest if largest else 0.0


def judge_confidence(answers: IntervalFile, intervals: pd.DataFrame) -> None:
    """Refuse confidences of intervals that hardly vary beside numbers that do.

    Args:
        answers: the file of the intervals.
        intervals: its intervals, with `line`, `onset`, `offset`, `confidence`.

    Raises:
        DataError: so it is.
    """
    others = answers.others
    if others is None or "confidence" in others.decided or "confidence" not in others.taken:
        return
    values = intervals["confidence"].to_numpy(np.float64)
    if int((~np.isnan(values)).sum()) < FEWEST_CONFIDENCES or _range_of(values) >= HARDLY:
        return
    found = []
    for name in _unknown_columns(others, ("confidence", "score"), _OF_LENGTHS - {"au"}):
        own = _numbers_at(others, name, intervals)
        if own is not None and _range_of(own) > HARDLY and _are_fractions(own) and _says_more_than_ends(own, intervals):
            found.append(name)
    if found:
        taken = others.taken["confidence"]
        raise DataError(
            f"{answers.place}: the column {taken!r}, read as the confidence of each interval by its name, hardly varies, and "
            f"{_in_quotes(found)} could be it: name it with {column_option('confidence', found[0])}, or with "
            f"{column_option('confidence', taken)}"
        )


# Classes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NamedRows:
    """Answers beside the true ones.

    Attributes:
        lines: line in the file of each answer, (n_rows,).
        named: the class that it names.
        true: the true class; empty where it is unknown.
        people: person of each answer.
    """

    lines: NDArray[np.int64]
    named: NDArray[np.object_]
    true: NDArray[np.object_]
    people: NDArray[np.object_]

    @property
    def is_perfect(self) -> bool:
        """Whether every answer is the true one."""
        known = self.true != ""
        return bool(known.any()) and bool((self.named == self.true)[known].all())


def judge_classes(answers: IntervalFile, truth: IntervalFile, rows: NamedRows, classes: Sequence[str]) -> None:
    """Refuse answers whose classes may be in another column.

    Args:
        answers: the file of the answers.
        truth: the file of the truth.
        rows: its answers beside the true classes.
        classes: the scored classes.

    Raises:
        DataError: a column that is not read holds the classes, too, and the score depends on which one is the answer.
    """
    if answers.others is not None and "emotion" not in answers.others.decided:
        _judge_classes_of_answers(answers, answers.others, rows, classes)
        if rows.is_perfect:
            _judge_outputs(answers, answers.others, len(classes))
    if truth.others is None or "emotion" in truth.others.decided:
        return
    taken = truth.others.taken.get("emotion", "emotion")
    emotions = _labels_by_line(truth.intervals)
    for name in truth.others.columns:
        if not rows.is_perfect and not _is_named_after_emotion(name):
            continue
        words = truth.others.words_at(name, emotions["line"].to_numpy(np.int64), emotion_of)
        own = emotions["emotion"].to_numpy(object)
        differs = int(((words != own) & (words != "")).sum())
        if differs and _share_of_classes(words, classes) >= NEARLY_ALL:
            so_far = f"every answer equals the column {taken!r} of the truth, whose column"
            if not rows.is_perfect:
                so_far = f"beside the column {taken!r} of the truth its column"
            raise DataError(
                f"{truth.place}: {so_far} {name!r} holds the same classes and differs in {differs} of {len(own)} rows: which is the "
                f"truth? Name it with {column_option('truth.emotion', name)}, or with {column_option('truth.emotion', taken)}"
            )


def _labels_by_line(intervals: pd.DataFrame) -> pd.DataFrame:
    """Line and emotion of each labelled row."""
    return intervals[intervals["emotion"] != ""][["line", "emotion"]]


def _judge_classes_of_answers(
    answers: IntervalFile, others: OtherColumns, rows: NamedRows, classes: Sequence[str]
) -> None:
    """As `judge_classes`, of the columns of the answers."""
    taken = others.taken.get("emotion")
    if taken is None:
        return
    known = rows.true != ""
    for name in others.columns:
        words = others.words_at(name, rows.lines, emotion_of)
        differs = int(((words != rows.named) & (words != "")).sum())
        if not differs or not _may_be_classes(name, words, rows, classes):
            continue
        right = int(((words == rows.true) & known).sum())
        is_the_truth = bool(known.any()) and right == int(known.sum())
        is_marked = "emotion" in others.owned or _is_named_after_truth(name)
        if not rows.is_perfect and (is_the_truth or is_marked):
            continue
        holds = "holds the same classes"
        if _share_of_classes(words, classes) < NEARLY_ALL:
            holds = "may hold answers in other words"
        problem = f"the column {taken!r} equals the truth in every row, and {name!r} {holds}, other ones"
        if not rows.is_perfect:
            problem = f"the columns {taken!r} and {name!r} both hold classes of the truth, different ones"
        raise DataError(
            f"{answers.place}: {problem} in {differs} of {len(rows.lines)} rows: which is the answer? Name it "
            f"with {column_option('emotion', name)}, or with {column_option('emotion', taken)}"
        )


def _judge_outputs(answers: IntervalFile, others: OtherColumns, n_classes: int) -> None:
    """Refuse perfect answers beside columns that may hold a program's output.

    Output in another form than classes is numbers with fractions, one column for each class, or lists of them.

    Raises:
        DataError: there are such columns.
    """
    taken = others.taken.get("emotion")
    if taken is None:
        return
    outputs = [name for name in _unknown_columns(others) if _are_fractions(numbers_of_cells(others.columns[name]))]
    lists = [name for name in others.columns if _holds_lists(others.columns[name], n_classes)]
    found = lists or (outputs if len(outputs) >= max(n_classes, 2) else [])
    if found:
        raise DataError(
            f"{answers.place}: the column {taken!r} equals the truth in every row, and {_in_quotes(found)} may be what a program answers: "
            f"write its answer in each row and name that column with --column emotion=NAME. If {taken!r} is the answer, add "
            f"{column_option('emotion', taken)}"
        )


SHARE_BY_ONE = 0.5
"""Share of the answers that must be right one class number away, and twice the share that is right, for a warning."""


def warn_of_other_numbers(rows: NamedRows, remarks: Remarks) -> None:
    """Warn of class numbers that seem to begin at another number."""
    known = [(named, true) for named, true in zip(rows.named, rows.true) if true]
    both = [(named, true) for named, true in known if named.isdigit() and true.isdigit()]
    if 2 * len(both) < len(known) or not both:
        return
    numbers = np.array(both, dtype=np.int64)
    for step in (1, -1):
        by_one = float((numbers[:, 0] + step == numbers[:, 1]).mean())
        if by_one >= SHARE_BY_ONE and by_one >= 2 * float((numbers[:, 0] == numbers[:, 1]).mean()):
            side = "below" if step == 1 else "above"
            remarks.warn(
                f"predictions: {by_one:.0%} of the class numbers are one {side} the true one: if one file counts classes from 0 "
                "and the other from 1, number both in the same way. Nothing was changed here"
            )


_OF_LENGTHS = frozenset(
    (
        "duration",
        "dur",
        "length",
        "len",
        "dauer",
        "total",
        "count",
        "num",
        "number",
        "n",
        "id",
        "index",
        "idx",
        "au",
        "fps",
        "rate",
    )
)
"""Words of columns of numbers that are no ends of intervals."""


def _unknown_columns(others: OtherColumns, but: Sequence[str] = (), words: frozenset[str] = _OF_LENGTHS) -> list[str]:
    """The unread columns that are called after nothing that is known: no column of the field, no length and no number.

    Args:
        others: the columns that are not read.
        but: contents that a column may be called after nevertheless.
        words: words that no name of such a column has.
    """
    known = KNOWN.difference(*(ALIASES[name] for name in but))
    names = [name for name in others.columns if plain_name(name) not in known and name not in NAMES_OF_PARTS]
    return [name for name in names if words.isdisjoint(header_words(name))]


def _are_fractions(values: NDArray[np.float64] | None) -> bool:
    """Whether there are numbers of which some are not whole."""
    return values is not None and bool((values[~np.isnan(values)] % 1 != 0).any())


_NUMBER_IN_LIST = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def _holds_lists(cells: Cells, fewest: int) -> bool:
    """Whether the cells are lists of numbers, as `[0.1, 0.9]` and `[[3, 9]]` are."""
    filled = [cell.strip() for cell in cells.distinct if cell.strip().casefold() not in BLANK]
    are_lists = bool(filled) and all(cell[0] in "[({" and cell[-1] in "])}" for cell in filled)
    return are_lists and any(len(_NUMBER_IN_LIST.findall(cell)) >= fewest for cell in filled)


def _is_named_after_truth(header: str) -> bool:
    """Whether a header has a word of the truth. The word stands in front of a name of emotions, or alone."""
    plain = plain_name(header)
    with_owner = {owner + alias for owner in OWNERS["truth"] for alias in ALIASES["emotion"]}
    return plain in with_owner or plain in ALONE["truth"]


def _is_named_after_emotion(header: str) -> bool:
    """Whether a header has a word for an emotion, or for who named it: `emotion_coder2`, `Rater B`."""
    words = {*header_words(header)}
    is_answer = not words.isdisjoint(OWNERS["predictions"])
    return not is_answer and not words.isdisjoint({*ALIASES["emotion"], *CODERS})


def _share_of_classes(words: NDArray[np.object_], classes: Sequence[str]) -> float:
    """The share of the filled cells that are classes; 0 where none is filled."""
    filled = words[words != ""]
    if not len(filled):
        return 0.0
    known = {word for word in set(filled.tolist()) if _is_class(word, classes)}
    return float(np.isin(filled.astype(str), [*known]).mean()) if known else 0.0


def _is_class(word: str, classes: Sequence[str]) -> bool:
    """Whether a word is a class, or several joined by `+`. Another form of the word for a class (`happy`, `happiness`) is one, too.

    >>> _is_class("happy", ["happiness"]), _is_class("1", ["10"]), _is_class("micro", ["happiness"])
    (True, False, False)
    """
    if word in classes or all(part in classes for part in word.split("+")):
        return True
    stem = word[:_STEM]
    return len(stem) == _STEM and stem.isalpha() and any(name.startswith(stem) for name in classes)


_STEM = 3
"""Letters by which the words for an emotion are one in their forms."""


def _may_be_classes(name: str, words: NDArray[np.object_], rows: NamedRows, classes: Sequence[str]) -> bool:
    """Whether the cells of a column could be answers.

    Words for classes could be, whatever the column is called. Numbers could be anything: they must be those of classes, and say more
    than the person does. Beside answers that are all right, a column of few values that are no function of these could be
    answers in other words, or say which answers are right.
    """
    values = [value for value in set(words.tolist()) if value]
    are_numbers = all(value.replace(".", "", 1).isdigit() for value in values)
    hold_classes = _share_of_classes(words, classes) >= NEARLY_ALL
    if hold_classes and not are_numbers:
        return True
    says_more = len(values) > 1 and not _determines(rows.people, words) and not _determines(rows.named, words)
    if not says_more or _names_something_else(name):
        return False
    n_named = len({*rows.named.tolist()} - {""})
    is_like_answers = len(values) <= n_named + 1 and len(rows.lines) >= 2 * len(values)
    return hold_classes or (rows.is_perfect and is_like_answers)


def _names_something_else(header: str) -> bool:
    """Whether a header is a known name of something that is no class: a kind, action units, an objective class."""
    plain = plain_name(header)
    may_be_emotion = plain in ALIASES["emotion"] or plain in ALIASES["objective"]
    return plain in KNOWN and not may_be_emotion and not any(plain in ALONE[role] for role in ALONE)


def _determines(first: NDArray[np.object_], second: NDArray[np.object_]) -> bool:
    """Whether rows with an equal first value always have an equal second one. Some first value has to come twice."""
    pairs = {*zip(first.tolist(), second.tolist())}
    return len(pairs) == len(set(first.tolist())) < len(first)


# Intervals ---------------------------------------------------------------------------------------------------------


def judge_ends(answers: IntervalFile, intervals: pd.DataFrame, truths: pd.DataFrame) -> None:
    """Refuse intervals whose ends may stand in other columns.

    Intervals that are true ones to the frame are no answers, since no program finds many exactly: any other column may hold these.
    Other intervals are doubted if a second pair of columns finds truths, too, or is called after ends.

    Args:
        answers: the file of the intervals.
        intervals: its intervals, with `line`, `video`, `onset`, `offset`.
        truths: the true ones.

    Raises:
        DataError: so it is.
    """
    others = answers.others
    if others is None or intervals.empty or {"onset", "offset"} & others.decided:
        return
    exact = _are_exact(intervals, truths)
    n_exact = int(exact.sum())
    if exact.mean() >= MANY_EXACT:
        pair = next(_other_ends(others, intervals), None)
        if pair is not None:
            _refuse_ends(answers, others, f"equal true ones in {n_exact} of {len(exact)} rows", pair)
        if exact.mean() >= NEARLY_ALL:
            _judge_beside_true_ends(answers, others, intervals, n_exact)
        return
    if {"onset", "offset"} & others.owned:
        return
    for first, last in _other_ends(others, intervals):
        ends = {"onset": _numbers_at(others, first, intervals), "offset": _numbers_at(others, last, intervals)}
        candidates = intervals[["video"]].assign(**ends)
        is_the_truth = _are_exact(candidates, truths).mean() >= MANY_EXACT
        if not is_the_truth and (_called_after_ends(first, last) or _find_truths(candidates, truths)):
            _refuse_ends(answers, others, "differ from other columns", (first, last))


def _refuse_ends(answers: IntervalFile, others: OtherColumns, problem: str, pair: tuple[str, str]) -> None:
    """Refuse intervals beside which two other columns hold ends.

    Raises:
        DataError: always.
    """
    onset, offset = (others.taken.get(name, name) for name in ("onset", "offset"))
    first, last = pair
    raise DataError(
        f"{answers.place}: the intervals of {onset!r} and {offset!r} {problem}, "
        f"and {first!r} and {last!r} hold plausible ends that differ: which are the answers? Name them with "
        f"{column_option('onset', first)} {column_option('offset', last)}, or with "
        f"{column_option('onset', onset)} {column_option('offset', offset)}"
    )


def _judge_beside_true_ends(answers: IntervalFile, others: OtherColumns, intervals: pd.DataFrame, n_exact: int) -> None:
    """Refuse true intervals beside columns that may be a program's answers in another form: a middle, a mark of hits, lists.

    Raises:
        DataError: there are such columns.
    """
    found = [others.taken["apex"]] if "apex" in others.owned else []
    for name in _unknown_columns(others):
        cells = others.columns[name]
        own = _numbers_at(others, name, intervals)
        names_runs = not RUNS.isdisjoint(header_words(name))  # two epochs look like a mark of hits
        marks_hits = _says_which_are_right(cells) and not names_runs
        if own is None:
            may_be_answers = marks_hits or _holds_lists(cells, 2)
        else:
            may_be_answers = _says_more_than_ends(own, intervals) and (
                marks_hits or _are_fractions(own) or _are_middles(own, intervals)
            )
        if may_be_answers:
            found.append(name)
    if found:
        first, last = (others.taken.get(name, name) for name in ("onset", "offset"))
        raise DataError(
            f"{answers.place}: the intervals of {first!r} and {last!r} equal true ones in {n_exact} of {len(intervals)} rows, and "
            f"{_in_quotes(found)} may hold what a program answers: write its intervals in two columns and name these with "
            f"--column onset=NAME --column offset=NAME. If {first!r} and {last!r} are the answers, add {column_option('onset', first)} "
            f"{column_option('offset', last)}"
        )


_YES_OR_NO = tuple(
    map(
        frozenset, (("0", "1"), ("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("tp", "fp"), ("hit", "miss"))
    )
)
"""Pairs of words, in small letters, of a column that says whether each row is right."""


def _says_which_are_right(cells: Cells) -> bool:
    """Whether a column says yes or no, both."""
    filled = {cell.strip().casefold().removesuffix(".0") for cell in cells.distinct} - BLANK
    return filled in _YES_OR_NO


def _are_middles(values: NDArray[np.float64], intervals: pd.DataFrame) -> bool:
    """Whether numbers, mostly different ones, spread over the videos as the frames of intervals do."""
    known = values[~np.isnan(values)]
    onset, offset = (intervals[name].to_numpy(np.float64) for name in ("onset", "offset"))
    are_different = 2 * len(np.unique(known)) > len(known)
    return are_different and _is_within_reach(values, offset) and bool(4 * np.ptp(known) >= np.ptp(onset))


def _says_more_than_ends(values: NDArray[np.float64], intervals: pd.DataFrame) -> bool:
    """Whether numbers say more of intervals than their place. One value, a row's number, and ends or lengths in any unit do not."""
    known = ~np.isnan(values)
    given = values[known]
    counts_rows = bool((np.diff(given) == 1).all())
    if 2 * len(given) < len(values) or len(np.unique(given)) < 2 or counts_rows:
        return False
    onset, offset = (intervals[name].to_numpy(np.float64)[known] for name in ("onset", "offset"))
    return not any(_is_rescaled(given, frames) for frames in (onset, offset, offset - onset))


def _are_exact(intervals: pd.DataFrame, truths: pd.DataFrame) -> NDArray[np.bool_]:
    """Which intervals are true ones to the frame, (n_intervals,)."""
    place = ["video", "onset", "offset"]
    own = pd.MultiIndex.from_frame(intervals[place])
    exact: NDArray[np.bool_] = own.isin(pd.MultiIndex.from_frame(truths[place]))
    return exact


def _called_after_ends(first: str, last: str) -> bool:
    """Whether two headers have words for an onset and an offset."""
    return not (
        set(header_words(first)).isdisjoint(ALIASES["onset"]) or set(header_words(last)).isdisjoint(ALIASES["offset"])
    )


def _find_truths(candidates: pd.DataFrame, truths: pd.DataFrame) -> bool:
    """Whether some intervals find truths: a tenth of these, with an IoU of a half."""
    both = (
        truths[["video", "onset", "offset"]]
        .reset_index(names="truth")
        .merge(candidates.dropna(), on="video", suffixes=("", "_other"))
    )
    shared = np.minimum(both["offset"], both["offset_other"]) - np.maximum(both["onset"], both["onset_other"]) + 1
    whole = np.maximum(both["offset"], both["offset_other"]) - np.minimum(both["onset"], both["onset_other"]) + 1
    return bool(both["truth"][2 * shared >= whole].nunique() >= max(1, FEW_TRUTHS * len(truths)))


def _other_ends(others: OtherColumns, intervals: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Pairs of unread columns that could be other ends of these intervals."""
    onset = intervals["onset"].to_numpy(np.float64)
    offset = intervals["offset"].to_numpy(np.float64)
    numbers: dict[str, NDArray[np.float64]] = {}
    for name in others.columns:
        is_end = plain_name(name) in {*ALIASES["onset"], *ALIASES["offset"]}
        is_something_else = plain_name(name) in KNOWN or not _OF_LENGTHS.isdisjoint(header_words(name))
        if is_something_else and not is_end:
            continue
        own = _numbers_at(others, name, intervals)
        if own is not None and _is_within_reach(own, offset):
            numbers[name] = own
    for first, last in permutations(numbers, 2):
        if _are_ends(numbers[first], numbers[last], onset, offset):
            yield first, last


def _numbers_at(others: OtherColumns, name: str, intervals: pd.DataFrame) -> NDArray[np.float64] | None:
    """The numbers of an unread column on the lines of some intervals, (n_intervals,); None for a column of something else."""
    values = numbers_of_cells(others.columns[name])
    return None if values is None else others.at_lines(values, intervals["line"].to_numpy(np.int64))


def _is_within_reach(values: NDArray[np.float64], offset: NDArray[np.float64]) -> bool:
    """Whether numbers could be frames of the videos of some intervals: half of them given, not all one, none far away."""
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values) or len(np.unique(known)) < 2:
        return False
    return bool(known.min() >= 0 and known.max() <= 3 * max(offset.max(), 1))


def _are_ends(
    first: NDArray[np.float64], last: NDArray[np.float64], onset: NDArray[np.float64], offset: NDArray[np.float64]
) -> bool:
    """Whether two columns are plausible ends of intervals beside given ones. The given ones in another unit are none."""
    known = ~(np.isnan(first) | np.isnan(last))
    if 2 * int(known.sum()) < len(known):
        return False
    first, last, onset, offset = first[known], last[known], onset[known], offset[known]
    in_order = float((first < last).mean()) >= NEARLY_ALL
    length = float(np.median(last - first))
    own_length = float(np.median(offset - onset)) + 1
    alike_long = own_length / 8 <= length <= own_length * 8
    return in_order and alike_long and not _is_rescaled(first, onset)


def _is_rescaled(values: NDArray[np.float64], frames: NDArray[np.float64]) -> bool:
    """Whether numbers are the same moments in another unit or from another first frame."""
    spread = float(np.ptp(frames))
    if spread == 0:
        return bool(np.ptp(values) == 0)
    slope, begin = np.polyfit(frames, values, 1)
    misfit = np.abs(values - (slope * frames + begin)).max()
    return bool(misfit <= 0.51 * max(slope, 1e-9) + 1e-6)


# Sentences ---------------------------------------------------------------------------------------------------------


def _in_quotes(names: Sequence[str]) -> str:
    """Some names of columns, in quotation marks."""
    return list_first([repr(name) for name in names], MOST_SHOWN)


def true_classes(named: pd.DataFrame, truths: pd.DataFrame) -> NDArray[np.object_]:
    """The class of the true interval that each answer overlaps most. It is empty where there is none, (n_answers,).

    Args:
        named: `video`, `onset`, `offset` of the answers.
        truths: the same and `emotion` of the truth.
    """
    labelled = truths[truths["emotion"].notna() & (truths["emotion"] != "")]
    true = np.full(len(named), "", dtype=object)
    if labelled.empty or named.empty:
        return true
    of_named, of_labelled = number_groups(["video"], named, labelled)
    pairs = sharing_pairs(of_named, of_labelled, ends_of(named), ends_of(labelled), find_convention("strict"))
    # What is written last stays: of the truths of an answer the one that shares most, of several the last.
    in_order = np.lexsort((pairs.truth, pairs.intersection, pairs.prediction))
    true[pairs.prediction[in_order]] = labelled["emotion"].to_numpy(object)[pairs.truth[in_order]]
    return true
