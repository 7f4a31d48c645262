"""What a user hands over to be scored: arrays, lists, one table or two, as the two tables that scoring reads."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard

from mebench.errors import ConfigError, DataError, refuse_if, unknown
from mebench.lazy_imports import lazy_imports, load_lazily

with lazy_imports():
    from mebench.annotations import names as column_names, sheets
    from mebench.exchange import answers as file_answers, choices as file_choices, clips as file_clips, text_table

if TYPE_CHECKING:
    import pandas as pd

    from mebench.annotations.sheets import Sheet
    from mebench.exchange.text_table import File
else:
    pd = load_lazily("pandas")

What = Literal["intervals", "frame scores", "clips"]
Table: TypeAlias = "str | Path | pd.DataFrame"
"""A file, or a table with the columns of one."""
Array: TypeAlias = "Sequence[Any] | Mapping[str, Any] | Any"
"""A list, a dict, or an array of NumPy, pandas or PyTorch."""
TABLES_BY_POSITION = (
    "two tables by position are the predictions, then the truth, as in mebench 0.2; mebench 0.5 no longer takes them so, since arrays "
    "have the truth first: name them, mebench.score(truth=…, predictions=…)"
)


@dataclass(frozen=True)
class GivenAnswers:
    """Answers and their truth.

    Attributes:
        truth: file or sheet of the truth.
        predictions: file or sheet of the answers.
        what: kind of the answers.
        classes: classes of arrays, in the order of their numbers; None where the tables or the user name them.
        hint: sentence on what the user may add; empty for none.
    """

    truth: File
    predictions: File
    what: What
    classes: Sequence[str] | None = None
    hint: str = ""


def is_table(given: object) -> TypeGuard[Table]:
    """Whether something is a file or a data frame of several columns."""
    if isinstance(given, pd.DataFrame):
        return given.shape[1] != 1
    return isinstance(given, str | Path)


def choose_sides(
    y_true: Array, y_pred: Array, truth: Table | Array | None, predictions: Table | Array | None
) -> tuple[Table | Array | None, Table | Array | None]:
    """The truth and the answers, each under one of its two names; None where neither is given.

    Raises:
        ConfigError: a side is given under both names.
    """
    refuse_if(
        (y_true is not None and truth is not None, "y_true and truth are both the truth: give one of them"),
        (
            y_pred is not None and predictions is not None,
            "y_pred and predictions are both the answers: give one of them",
        ),
    )
    return y_true if truth is None else truth, y_pred if predictions is None else predictions


def find_answers(
    given: Sequence[Table | Array],
    truth: Table | Array | None,
    predictions: Table | Array | None,
    subjects: Array | str | None = None,
    classes: Sequence[Any] | str | None = None,
    encoding: str | None = None,
    choices: file_choices.Choices | None = None,
) -> GivenAnswers:
    """The truth and the answers that a user gives, by position or by name.

    Args:
        given: arguments by position: truth and answers as arrays or lists; the predictions and the truth as tables; or one table
            with both.
        truth: the truth, if it is given by name.
        predictions: the answers, if they are given by name.
        subjects: person of each clip or video; of one table the column that holds it.
        classes: names of the classes, in the order of their numbers.
        encoding: encoding of files.
        choices: decisions of the user about columns and rows.

    Raises:
        ConfigError: it is none of these, or two tables seem to be in the other order.
        DataError: arrays do not fit together, or one table lacks the truth or the answers.
    """
    named = [side for side in (predictions, truth) if side is not None]
    n_sides = len(given) + len(named)
    refuse_if(
        (n_sides == 0, "mebench.score needs answers: mebench.score(y_true, y_pred), or one table with both"),
        (
            n_sides > 2,
            f"mebench.score takes the truth and the predictions, not {n_sides} arguments: name all others, such as subjects=",
        ),
    )
    if n_sides == 1:
        table = [*given, *named][0]
        if not is_table(table):
            raise ConfigError("mebench.score needs the truth and the predictions: mebench.score(y_true, y_pred)")
        return answers_of_one_table(table, subjects, encoding, choices, classes=classes)
    are_arrays = not any(is_table(side) for side in (*given, *named))
    if not given:
        true, predicted = truth, predictions
    elif truth is not None:
        true, predicted = truth, given[0]
    elif predictions is not None:
        true, predicted = given[0], predictions
    elif are_arrays or (_holds_shares(given[1]) and not is_table(given[0])):
        true, predicted = given
    else:
        predicted, true = given
    if _holds_shares(predicted) and not is_table(true):
        classes = [*predicted.columns] if classes is None else classes
        predicted = predicted.to_numpy()
        are_arrays = True
    if are_arrays:
        return answers_of_arrays(true, predicted, subjects, classes)
    answers = file_of(predicted, "the predictions", encoding)
    file_of_truth = file_of(true, "the truth", encoding)
    refuse_if((subjects is not None, "subjects= is about arrays: two tables name people in a column subject"))
    if not named:
        _refuse_other_order(answers, file_of_truth)
    return GivenAnswers(file_of_truth, answers, file_answers.kind_of_answers(answers, file_of_truth, choices))


def _holds_shares(given: object) -> TypeGuard[pd.DataFrame]:
    """Whether something is a data frame of numbers alone, such as probabilities."""
    return (
        isinstance(given, pd.DataFrame) and given.shape[1] > 1 and all(map(pd.api.types.is_numeric_dtype, given.dtypes))
    )


def _refuse_other_order(predictions: File, truth: File) -> None:
    """Refuse two tables by position if the second one holds the predictions.

    Where nothing tells, a warning asks for names.

    Raises:
        ConfigError: it does.
    """
    if _names_answers(predictions):
        return
    if _names_answers(truth):
        raise ConfigError(f"the second table holds predictions or a confidence, the first none: {TABLES_BY_POSITION}")
    warnings.warn(TABLES_BY_POSITION, FutureWarning, stacklevel=4)


def _names_answers(file: File) -> bool:
    """Whether a column of a table can only be one of predictions: a confidence, or a name such as `y_pred`."""
    try:
        table = _header_of(file, "predictions")
    except DataError:
        return False
    has_owner = any(text_table.is_owned(header, name, "predictions") for name, header in table.taken.items())
    return has_owner or "confidence" in table.cells


def _header_of(file: File, role: str) -> text_table.TextTable:
    """The columns of a table as those of one side, without its rows."""
    remarks = text_table.Remarks()
    sheet = text_table.read_sheet(file, remarks, role).cut_below_header()
    wanted = ("subject", "video", "onset", "offset", "emotion", "confidence", "frame", "score")
    return text_table.parse_columns(sheet, file, role, wanted, remarks, may_stand_alone="emotion")


def file_of(given: object, name: str, encoding: str | None = None) -> File:
    """A file, or a data frame as one.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(given, str | Path):
        return text_table.open_encoded(Path(given).expanduser(), encoding)
    if not isinstance(given, pd.DataFrame):
        raise ConfigError(f"{name} must be a file or a data frame, not of the type {type(given).__name__}")
    columns = [_cells_of_column(given.iloc[:, position]) for position in range(given.shape[1])]
    return sheets.sheet_from_rows(name, [*map(str, given.columns)], zip(*columns))


def _cells_of_column(column: pd.Series) -> list[object]:
    """The cells of a column; None for a missing one."""
    return [None if is_missing else cell for cell, is_missing in zip(column.tolist(), column.isna())]


ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".json", ".eaf", ".npz", ".npy", ".pkl")
"""Endings by which a word is a file, not the id of a run."""


def refuse_missing_file(word: object) -> None:
    """Refuse a word that ends as files do, and is none.

    Raises:
        DataError: it is one.
    """
    if (
        isinstance(word, str | Path)
        and Path(word).suffix.casefold() in ENDINGS
        and not Path(word).expanduser().exists()
    ):
        raise DataError(f"there is no file {word}: name one that is there, or a run by its id")


# One table ----------------------------------------------------------------------------------------------------------


def answers_of_one_table(
    given: Table,
    subjects: object = None,
    encoding: str | None = None,
    choices: file_choices.Choices | None = None,
    name: str = "the table",
    classes: Sequence[Any] | str | None = None,
) -> GivenAnswers:
    """The truth and the answers of one table with columns such as `y_true` and `y_pred`.

    A table of clips needs no column of videos: each row is a clip.

    Args:
        given: file or data frame.
        subjects: column that holds the person of each row, if it is not called `subject`.
        encoding: encoding of the file.
        choices: decisions of the user about columns and rows.
        name: name of a data frame in sentences.
        classes: names of the classes, in the order of the numbers that may stand for them.

    Raises:
        ConfigError: there is no such column.
        DataError: a side is missing.
    """
    file = file_of(given, name, encoding)
    sheet = text_table.read_sheet(file, text_table.Remarks(), "predictions")
    if not sheet.header:
        raise DataError(
            f"{file}: no line names the columns: write names such as subject, y_true, y_pred above the rows"
        )
    sheet = _with_split_cells(sheet)
    if subjects is not None:
        sheet = _with_subject(sheet, subjects)
    headers = _headers_of(sheet)
    columns_of_truth = _columns_of_side(headers, "truth", choices)
    columns_of_answers = _columns_of_side(headers, "predictions", choices)
    what = _kind_of_sides(columns_of_truth, columns_of_answers)
    if what is None and _holds_class_shares(sheet, columns_of_truth):
        what, columns_of_answers = "clips", {}
    if what is None:
        raise DataError(
            f"{file} does not hold both sides: its columns are {', '.join(filter(None, headers))}. In one table the true classes stand "
            "under y_true and the answers under y_pred (or label and pred, gt_onset and pred_onset), or --column emotion=NAME and "
            "--column truth.emotion=NAME say where; the truth may also be a file of its own: --truth FILE, in Python truth="
        )
    is_named = {name: _position_of(headers, name) is not None for name in ("subject", "video", "fold")}
    names = None if classes is None else _listed_classes(classes)
    if what == "clips" and names is not None:
        sides = [columns["emotion"] for columns in (columns_of_truth, columns_of_answers) if "emotion" in columns]
        sheet = _with_named_classes(sheet, sides, names)
    if what == "clips" and not is_named["video"]:
        sheet = _with_numbered_rows(sheet)
    hint = ""
    if is_named["fold"] and not is_named["subject"]:
        hint = "if each fold is one person (leave one subject out), say so: --subjects fold, in Python subjects='fold'"
    taken = {*columns_of_truth.values(), *columns_of_answers.values()}
    shared = {position for position in range(len(headers)) if _is_of_both_sides(headers[position])} - taken
    numbered = set(range(len(headers), len(_headers_of(sheet))))
    of_truth = {*columns_of_truth.values(), *shared, *numbered}
    of_answers = set(range(len(_headers_of(sheet)))) - {*columns_of_truth.values()}
    return GivenAnswers(_with_columns(sheet, of_truth), _with_columns(sheet, of_answers), what, names, hint)


def _columns_of_side(
    headers: Sequence[str], role: Literal["truth", "predictions"], choices: file_choices.Choices | None
) -> dict[str, int]:
    """The positions of one side's classes and intervals, as user or names say."""
    chosen = {}
    for name in SIDED:
        column = None if choices is None else choices.column_of(name, role)
        position = None if column is None else file_choices.find_header(headers, column)
        if position is not None:
            chosen[name] = position
    return text_table.recognise_columns(headers, SIDED, role, "emotion", chosen)


SIDED = ("onset", "offset", "emotion")
"""Contents that the truth and the answers both have."""
SHARED = ("dataset", "subject", "video", "kind", "fps", "n_frames")
"""Contents that both sides share."""


def _kind_of_sides(truth: Mapping[str, int], answers: Mapping[str, int]) -> What | None:
    """What both sides of a table hold in columns of their own; None if they share one."""
    own = {name for name in truth.keys() & answers.keys() if truth[name] != answers[name]}
    if {"onset", "offset"} <= own:
        return "intervals"
    return "clips" if "emotion" in own else None


def _is_of_both_sides(header: str) -> bool:
    """Whether a column holds what truth and answers share, such as the video."""
    plain = column_names.plain_name(header)
    return any(plain in column_names.ALIASES[name] for name in SHARED)


def _position_of(headers: Sequence[str], name: str) -> int | None:
    """The position of the first column with a name; None without one."""
    aliases = column_names.ALIASES.get(name, (name,))
    plain = [column_names.plain_name(header) for header in headers]
    return next((plain.index(alias) for alias in aliases if alias in plain), None)


def _with_split_cells(sheet: Sheet) -> Sheet:
    """The sheet with the cells of its lines, from the header on."""
    if not sheet.text:
        return replace(sheet, rows=tuple(row for row in sheet.rows if row[0] >= sheet.header))
    grid = sheet.read_grid()
    rows = [(line, tuple(cells)) for line, *cells in zip(grid.lines.tolist(), *grid.columns) if line >= sheet.header]
    return replace(sheet, rows=tuple(rows), text="")


def _headers_of(sheet: Sheet) -> list[str]:
    """The names of the columns of a sheet that begins with them."""
    _, cells = sheet.rows[0]
    return [cell.strip() for cell in cells]


def _with_subject(sheet: Sheet, column: object) -> Sheet:
    """The sheet with a column of the user's choice called `subject`.

    Raises:
        ConfigError: there is no such column.
    """
    if not isinstance(column, str):
        raise ConfigError(
            f"subjects= of one table names its column of people, such as 'fold', not {type(column).__name__}"
        )
    headers = _headers_of(sheet)
    position = file_choices.find_header(headers, column)
    if position is None:
        raise ConfigError(f"subjects: {unknown(f'column of {sheet}', column, [name for name in headers if name])}")
    names = [
        "subject" if at == position else f"{name} (not read)" if _position_of([name], "subject") == 0 else name
        for at, name in enumerate(headers)
    ]
    line, _ = sheet.rows[0]
    return replace(sheet, rows=((line, tuple(names)), *sheet.rows[1:]))


def _holds_class_shares(sheet: Sheet, columns_of_truth: Mapping[str, int]) -> bool:
    """Whether a sheet has a column with the probability of each true class."""
    if "emotion" not in columns_of_truth:
        return False
    header = _headers_of(sheet)[columns_of_truth["emotion"]]
    if not text_table.is_owned(header, "emotion", "truth"):  # a column emotion beside probabilities holds the answers
        return False
    labels = sorted({cells[columns_of_truth["emotion"]].strip() for _, cells in sheet.rows[1:]} - {""})
    return len(labels) > 1 and len(file_clips.headers_of_classes(_headers_of(sheet), labels)) == len(labels)


def _with_named_classes(sheet: Sheet, columns: Sequence[int], names: Sequence[str]) -> Sheet:
    """The sheet with the names of classes in place of their numbers.

    Args:
        sheet: sheet with a header.
        columns: columns of classes, that of the truth first.
        names: names in the order of their numbers.
    """
    header, *rows = sheet.rows
    true = [_word_of_cell(cells[columns[0]]) for _, cells in rows]
    name_of = _names_of_numbers(names, true)
    if not name_of:
        return sheet
    renamed = [header]
    for line, cells in rows:
        words = list(cells)
        for column in columns:
            words[column] = name_of.get(_word_of_cell(cells[column]), cells[column])
        renamed.append((line, tuple(words)))
    return replace(sheet, rows=tuple(renamed))


def _word_of_cell(cell: str) -> str:
    """The class in a cell; tables with a missing number write 1.0 for 1."""
    return re.sub(r"^(\d+)\.0+$", r"\1", cell.strip())


def _with_numbered_rows(sheet: Sheet) -> Sheet:
    """The sheet with the number of each row as its video."""
    (line, headers), *rows = sheet.rows
    numbered = [(at, (*cells, str(number))) for number, (at, cells) in enumerate(rows, 1)]
    return replace(sheet, rows=((line, (*headers, "video")), *numbered))


def _with_columns(sheet: Sheet, positions: set[int]) -> Sheet:
    """The sheet with some of its columns."""
    rows = [(line, tuple(cell for at, cell in enumerate(cells) if at in positions)) for line, cells in sheet.rows]
    return replace(sheet, rows=tuple(rows))


def holds_both_sides(given: Table) -> bool:
    """Whether a table has columns of the truth beside those of the answers."""
    try:
        answers_of_one_table(given)
    except (ConfigError, DataError):
        return False
    return True


def same_truth(first: File, second: File) -> bool:
    """Whether the truths of two tables are one: the same rows, in any order if they name videos."""
    first_rows, second_rows = (
        [cells for _, cells in text_table.read_sheet(file, text_table.Remarks(), "truth").rows[1:]]
        for file in (first, second)
    )
    return sorted(first_rows) == sorted(second_rows)


# Arrays and lists ---------------------------------------------------------------------------------------------------


def answers_of_arrays(
    y_true: Array, y_pred: Array, subjects: Array = None, classes: Any = None, name: str = "y_pred"
) -> GivenAnswers:
    """The truth and the answers of arrays: classes of clips, or intervals of videos.

    Args:
        y_true: true class of each clip, (n_clips,); or the true intervals, (onset, offset), of one video, of each video in a list,
            or by the names of the videos in a dict.
        y_pred: named class of each clip, (n_clips,), or the probability of each class, (n_clips, n_classes); or spotted
            intervals in the form of the truth, (onset, offset) or (onset, offset, confidence).
        subjects: person of each clip or video, a list or a dict by video; each is a person of its own by default.
        classes: classes in the order of their numbers.
        name: name of the answers in sentences.

    Raises:
        ConfigError: the lengths differ, or the arrays have another form.
    """
    truth = _without_single_columns(_plain(y_true))
    answers = _plain(y_pred)
    people = _without_single_columns(_plain(subjects))
    refuse_if(
        (
            truth in ([], {}) and answers in ([], {}),
            "y_true and y_pred are empty: give the class of each clip, or a list of intervals for each video",
        ),
        (
            _is_one_hot(truth),
            "y_true holds a row of numbers for each clip, not its class: y_true.argmax(axis=1) gives the classes",
        ),
    )
    if isinstance(truth, Mapping) and not isinstance(answers, Mapping):
        raise ConfigError("y_true is a dict by video, so y_pred must be one, too")
    if _holds_labels(truth):
        return _clips_of_arrays(truth, _without_single_columns(answers), people, classes, name)
    return _intervals_of_lists(truth, answers, people, name)


def _plain(given: Any) -> Any:
    """Lists and dicts in place of arrays, tensors and tuples, at every depth."""
    if isinstance(given, pd.DataFrame):  # of one column, see `is_table`
        return given.iloc[:, 0].tolist()
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, Mapping):
        return {str(name): _plain(part) for name, part in given.items()}
    if hasattr(given, "onset") and hasattr(given, "offset"):  # an Expression or a Prediction
        names = ("onset", "apex", "offset", "kind", "emotion", "confidence")
        return {name: getattr(given, name) for name in names if getattr(given, name, None) is not None}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [_plain(part) for part in given]
    return given


def _without_single_columns(given: Any) -> Any:
    """Classes of shape (n, 1) as (n,), anything else as it is. A single number is no interval."""
    if not isinstance(given, list) or not given:
        return given
    are_single = all(isinstance(part, list) and len(part) == 1 for part in given)
    if not are_single or any(isinstance(cell, list | Mapping) or _is_fraction(cell) for (cell,) in given):
        return given
    return [cell for (cell,) in given]


def _is_fraction(cell: Any) -> bool:
    """Whether a cell is a number that names no class, such as a probability."""
    return isinstance(cell, float) and not cell.is_integer()


def _is_one_hot(truth: Any) -> bool:
    """Whether each row of a list marks its class by a 1 among zeros. Rows of (0, 1) alone may be intervals."""
    if not isinstance(truth, list) or not all(isinstance(row, list) and _is_interval(row) for row in truth):
        return False
    widths = {len(row) for row in truth}
    are_marks = all(sorted(row) == [0] * (len(row) - 1) + [1] for row in truth)
    return len(widths) == 1 and min(widths) > 1 and are_marks and any(row != [0, 1] for row in truth)


def _holds_labels(truth: Any) -> bool:
    """Whether the parts of a list are classes, not intervals."""
    return isinstance(truth, list) and bool(truth) and not any(isinstance(part, list | Mapping) for part in truth)


def _clips_of_arrays(truth: list[Any], answers: Any, people: Any, classes: Any, name: str) -> GivenAnswers:
    """True and named classes as two tables with a row for each clip."""
    if not isinstance(answers, list):
        raise ConfigError(f"y_pred must hold a class for each of {len(truth)} clips, not {type(answers).__name__}")
    refuse_if(
        (
            len(answers) != len(truth),
            f"y_true has {len(truth)} clips and y_pred {len(answers)}: give one answer for each",
        ),
        (
            people is not None and len(people) != len(truth),
            f"y_true has {len(truth)} clips and subjects {len(people or ())} people: give the person of each clip",
        ),
    )
    columns: dict[str, list[Any]] = {"video": list(range(1, len(truth) + 1))}
    if people is not None:
        columns["subject"] = people
    shares: dict[str, list[Any]] = {}
    true = [_word(label) for label in truth]
    names = None if classes is None else _listed_classes(classes)
    if any(isinstance(answer, list) for answer in answers):
        names = names or _classes_of_columns(true, answers)
        named, shares = _likeliest_classes(answers, names)
    else:
        named = [_word(answer) for answer in answers]
    names = names or sorted({*true, *named} - {""}, key=_number_or_word)
    name_of = _names_of_numbers(names, true)
    return GivenAnswers(
        _sheet_of_columns("y_true", {**columns, "emotion": [name_of.get(label, label) for label in true]}),
        _sheet_of_columns(name, {**columns, "emotion": [name_of.get(label, label) for label in named], **shares}),
        "clips",
        names,
    )


def _listed_classes(classes: Any) -> list[str]:
    """The names of a list, a word with commas, or a dict."""
    listed = classes.split(",") if isinstance(classes, str) else _plain(classes)
    if isinstance(listed, Mapping):
        name_of = {number: name for name, number in listed.items()} if 0 in listed.values() else listed
        listed = [name_of[number] for number in sorted(name_of, key=int)]
    return [_word(name).strip() for name in listed]


def _classes_of_columns(true: Sequence[str], answers: list[Any]) -> list[str]:
    """The classes of the columns of shares: their numbers where the truth holds numbers, else the sorted classes of the truth."""
    labels = sorted({*true} - {""}, key=_number_or_word)
    if all(label.isdigit() for label in labels):
        return [str(number) for number in range(max(len(row) for row in answers if isinstance(row, list)))]
    return labels


def _names_of_numbers(names: Sequence[str], true: Sequence[str]) -> dict[str, str]:
    """The name of the class behind each number; empty where the truth names its classes itself."""
    numbers = [str(number) for number in range(len(names))]
    labels = {*true} - {""}
    are_numbers = labels <= {*numbers} and not labels & {*names}
    return dict(zip(numbers, names)) if are_numbers else {}


def _number_or_word(label: str) -> tuple[int, str]:
    """A key that sorts numbers by their value and before words."""
    return (int(label), "") if label.isdigit() else (sys.maxsize, label)


def _word(label: Any) -> str:
    """A class as a word; the number 1.0 is 1, a missing one is empty."""
    if label is None or label != label:
        return ""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _likeliest_classes(answers: list[Any], classes: Sequence[str]) -> tuple[list[str], dict[str, list[Any]]]:
    """The likeliest class of each row, and the columns `p_<class>` of all shares.

    Raises:
        ConfigError: a row has not one number for each class.
    """
    for number, row in enumerate(answers, 1):
        n_shares = len(row) if isinstance(row, list) else 1
        if n_shares != len(classes):
            raise ConfigError(
                f"y_pred, row {number}: {n_shares} numbers for {len(classes)} classes ({', '.join(classes)}): name all classes in the "
                "order of the columns with classes="
            )
    likeliest = [classes[max(range(len(classes)), key=row.__getitem__)] for row in answers]
    are_shares = all(min(row) >= 0 and abs(sum(row) - 1) < CLOSE for row in answers)
    if not are_shares:  # logits: their order names the class, and is no probability
        return likeliest, {}
    return likeliest, {f"p_{name}": [row[at] for row in answers] for at, name in enumerate(classes)}


CLOSE = 0.01
"""Difference from 1 up to which numbers are probabilities of classes."""


def _intervals_of_lists(truth: Any, answers: Any, people: Any, name: str) -> GivenAnswers:
    """The intervals of videos as two tables with a row for each interval."""
    true = _by_video(truth, "y_true")
    spotted = _by_video(answers, "y_pred")
    if isinstance(truth, list) and len(true) != len(spotted):
        raise ConfigError(
            f"y_true has {len(true)} videos and y_pred {len(spotted)}: give a list of intervals for each video, an empty one where "
            "nothing is"
        )
    person_of = _people_by_video(people, [*true])
    _refuse_unknown_form(true, "y_true", most=2)
    _refuse_unknown_form(spotted, "y_pred", most=3)
    return GivenAnswers(
        _sheet_of_videos("y_true", true, person_of), _sheet_of_videos(name, spotted, person_of), "intervals"
    )


def _by_video(given: Any, name: str) -> dict[str, list[Any]]:
    """The intervals of each video; videos without names are numbered from 1.

    Raises:
        ConfigError: it is no list of intervals.
    """
    if isinstance(given, Mapping):
        by_video = dict(given)
    elif not isinstance(given, list):
        raise ConfigError(f"{name} must be a list of classes or intervals, not {type(given).__name__}")
    elif given and all(isinstance(part, list) and not _is_interval(part) for part in given):
        by_video = {str(number): part for number, part in enumerate(given, 1)}
    else:
        by_video = {"1": given}
    for video, part in by_video.items():
        if not isinstance(part, list):
            raise ConfigError(f"{name}, video {video}: a list of intervals is expected, not {type(part).__name__}")
    return by_video


def _is_interval(part: list[Any]) -> bool:
    """Whether a list holds the numbers of one interval."""
    return bool(part) and not any(isinstance(cell, list | Mapping) for cell in part)


def _people_by_video(people: Any, videos: Sequence[str]) -> dict[str, Any]:
    """The person of each video; empty if none is named.

    Raises:
        ConfigError: a video has no person.
    """
    if people is None:
        return {}
    if isinstance(people, list):
        refuse_if(
            (
                len(people) != len(videos),
                f"subjects has {len(people)} people for {len(videos)} videos: give one for each",
            )
        )
        return dict(zip(videos, people))
    lacking = next((video for video in videos if video not in people), None)
    refuse_if((lacking is not None, f"subjects names nobody for the video {lacking!r}"))
    return dict(people)


def _refuse_unknown_form(by_video: Mapping[str, list[Any]], name: str, most: int) -> None:
    """Refuse intervals whose numbers could mean something else than onset, offset and confidence.

    Raises:
        ConfigError: there is one.
    """
    for video, intervals in by_video.items():
        for interval in intervals:
            if isinstance(interval, Mapping):
                continue
            is_list = isinstance(interval, list)
            has_ends = is_list and 2 <= len(interval) <= most and interval[0] <= interval[1]
            may_be_apex = has_ends and len(interval) == 3 and float(interval[2]) >= float(interval[1]) > 1
            if not has_ends or may_be_apex:
                form = "(onset, offset)" if most == 2 else "(onset, offset) or (onset, offset, confidence)"
                raise ConfigError(
                    f"{name}, video {video}: {interval!r} is not {form}, both ends included: for more name each part, "
                    "{'onset': 10, 'apex': 15, 'offset': 24, 'emotion': 'surprise'}"
                )


def _sheet_of_videos(name: str, by_video: Mapping[str, list[Any]], person_of: Mapping[str, Any]) -> Sheet:
    """A row for each interval; a row without an interval for a video without any."""
    rows: list[dict[str, Any]] = []
    for video, intervals in by_video.items():
        about = {"video": video} | ({"subject": person_of[video]} if video in person_of else {})
        for interval in intervals or [{"onset": None, "offset": None}]:
            cells = (
                interval if isinstance(interval, Mapping) else dict(zip(("onset", "offset", "confidence"), interval))
            )
            rows.append({**about, **cells})
    headers = list(dict.fromkeys(header for row in rows for header in row)) or ["video", "onset", "offset"]
    return sheets.sheet_from_rows(name, headers, [[row.get(header) for header in headers] for row in rows])


def _sheet_of_columns(name: str, columns: Mapping[str, list[Any]]) -> Sheet:
    """A sheet of columns of one length."""
    return sheets.sheet_from_rows(name, [*columns], zip(*columns.values()))
