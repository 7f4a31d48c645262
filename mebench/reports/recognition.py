"""What a recognizer got wrong: tables of its classes, of confusions, and of each wrong clip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from mebench.lazy_imports import load_lazily
from mebench.metrics.class_results import CLASS_SCORES, class_frame, score_each_class
from mebench.metrics.score_column import score_column
from mebench.output.number_format import format_table_number
from mebench.output.table import Column, Table
from mebench.reports.plots import count_confusions
from mebench.runs.answers import ANSWER_COLUMNS, read_answers_of_run, select_wrong
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import read_tables
from mebench.score_type import typed_scores

if TYPE_CHECKING:
    import pandas as pd

    from mebench.metrics.tables import Tables
else:
    pd = load_lazily("pandas")

Group = Literal["dataset", "subject", "truth"]
"""A column of answers by whose values clips are counted."""
GROUPS: Mapping[str, Group] = {"kind": "truth", "emotion": "truth", "subject": "subject"}
"""The column for each word of `mebench mistakes --by`. Clips have no kinds, so their class replaces it."""
HEADS = {"truth": "true class", "subject": "subject", "dataset": "dataset"}


@dataclass(frozen=True)
class RecognitionResults:
    """What a run answered for its annotated clips.

    Attributes:
        answers: rows of `read_answers_of_run`.
        classes: rows of `score_each_class`.
        confusion: numbers of clips by true and named class; empty where clips have several classes.
    """

    answers: pd.DataFrame
    classes: Sequence[Mapping[str, Any]]
    confusion: pd.DataFrame

    @classmethod
    def of_run(cls, folder: RunFolder, intervals: bool = True) -> Self | None:
        """The results of a run or record; None if it names no annotated clips.

        Args:
            folder: folder of the run.
            intervals: whether scores get intervals.

        Raises:
            RunError: a table of the run is missing or damaged.
        """
        about = folder.read_json("folds.json")
        if "recognize" not in about["tasks"]:
            return None
        answers = read_answers_of_run(folder)
        rows = score_each_class(read_tables(folder), about["classes"], intervals)
        return cls(answers, rows, count_confusions(answers, about["classes"])) if rows else None

    @classmethod
    def of_tables(cls, tables: Tables, classes: Sequence[str], intervals: bool = True) -> Self | None:
        """The results of a file that names the classes of given clips; None if it names none.

        Args:
            tables: its answers with their truth.
            classes: scored classes.
            intervals: whether scores get intervals.
        """
        answers = answers_of_tables(tables)
        rows = score_each_class(tables, classes, intervals)
        return None if answers is None or not rows else cls(answers, rows, count_confusions(answers, classes))

    @property
    def wrong(self) -> pd.DataFrame:
        """The wrong answers, the surest first."""
        return select_wrong(self.answers)

    def make_tables(self, by: Group = "subject") -> list[Table]:
        """The tables for a terminal: scores of each class, confusions, and wrong clips of each class or subject."""
        found = [class_table(self.classes)]
        if len(self.confusion):
            found.append(confusion_table(self.confusion))
        counts = count_wrong(self.answers, by)
        return [*found, wrong_table(counts, f"recognition, wrong clips by {HEADS[by]}")]

    def plain(self, by: Group = "subject") -> dict[str, Any]:
        """The same as data for JSON, with each wrong clip."""
        wrong = self.wrong.astype(object)
        return {
            "classes": list(self.classes),
            "confusion": self.confusion.to_dict("index"),
            "counts": count_wrong(self.answers, by).to_dict("index"),
            "wrong": wrong.where(wrong.notna(), None).to_dict("records"),
        }

    def to_csv_texts(self) -> dict[str, str]:
        """The content of CSV files by name: classes, confusion, subjects and wrong clips."""
        by_subject = count_wrong(self.answers, "subject").sort_index()
        return {
            "classes.csv": csv_of_frame(class_frame(self.classes)),
            "confusion.csv": csv_of_frame(self.confusion.rename_axis("true")),
            "subjects.csv": csv_of_frame(by_subject),
            "wrong_clips.csv": csv_of_frame(self.wrong, index=False),
        }


def answers_of_tables(tables: Tables) -> pd.DataFrame | None:
    """The answers of a file in the form of `read_answers_of_run`; None where it names no clips."""
    if tables.clips is None:
        return None
    clips = tables.clips.merge(tables.videos[["video", "subject", "dataset"]], on="video", how="left")
    of_truth = [clip.get(f"score_{clip['truth']}", math.nan) for clip in clips.to_dict("records")]
    found = clips.assign(probability_of_truth=of_truth)
    first = [name for name in ANSWER_COLUMNS if name in found]
    scores = [name for name in found if str(name).startswith("score_")]
    return found[[*first, *scores]]


def csv_of_frame(table: pd.DataFrame, index: bool = True) -> str:
    """A data frame as CSV: numbers to six digits, and no text that a spreadsheet runs."""
    plain = table.reset_index() if index else table
    columns = [Column(str(name)) for name in plain.columns]
    cells = plain.astype(object).where(plain.notna(), None)
    return Table(columns, cells.to_numpy().tolist()).to_csv_text()


def class_table(rows: Sequence[Mapping[str, Any]], title: str = "recognition, each class by itself") -> Table:
    """A row for each class: its clips, how many are named so and right, F1 with its interval, precision and recall.

    Args:
        rows: rows of `score_each_class`.
        title: line over the table.
    """
    counts = [Column(name, name, text=str, right=True) for name in ("clips", "subjects", "named", "right")]
    main, *others = CLASS_SCORES
    scores = [score_column(main, digits=3, main=True)]
    scores += [score_column(name, digits=3, interval=False) for name in others]
    typed = [{**row, **typed_scores({name: row[name] for name in CLASS_SCORES})} for row in rows]
    return Table.from_items([Column("class", main=True), *counts, *scores], typed, title)


def confusion_table(counts: pd.DataFrame, title: str = "true class against predicted class") -> Table:
    """The clips of each true class by predicted class, with their sum.

    Args:
        counts: counts of true (rows) against predicted classes.
        title: line over the table.
    """
    predicted = [str(name) for name in counts.columns]
    columns = [Column("true"), *(Column(name, name, right=True) for name in (*predicted, "clips"))]
    rows = [(str(true), *numbers, sum(numbers)) for true, numbers in zip(counts.index, counts.to_numpy().tolist())]
    return Table(columns, rows, title)


def count_wrong(answers: pd.DataFrame, by: Group) -> pd.DataFrame:
    """Numbers of clips and of wrong ones by class or subject, most wrong first.

    Args:
        answers: rows of `read_answers_of_run`.
        by: column of the groups.

    Returns:
        `clips`, `wrong`, `accuracy` and `most_often`, the wrong answer that is given most often (empty without one), by group.
    """
    wrong = select_wrong(answers)
    clips = answers[by].value_counts()
    n_wrong = wrong[by].value_counts().reindex(clips.index, fill_value=0)
    named = wrong.assign(predicted=wrong["predicted"].fillna("no class")).groupby(by)["predicted"]
    most_often = named.agg(lambda given: given.value_counts().index[0]) if len(wrong) else pd.Series(dtype=object)
    table = pd.DataFrame(
        {
            "clips": clips,
            "wrong": n_wrong,
            "accuracy": 1 - n_wrong / clips,
            "most_often": most_often.reindex(clips.index, fill_value=""),
        }
    )
    return table.rename_axis(by).sort_index().sort_values("wrong", ascending=False, kind="stable")


def wrong_table(counts: pd.DataFrame, title: str) -> Table:
    """The counts of `count_wrong` with their sum."""
    head = str(counts.index.name)
    columns = [
        Column(head, HEADS.get(head), main=True),
        Column("clips", right=True, text=str),
        Column("wrong", right=True, text=str),
        Column("accuracy", right=True, text=format_table_number),
        Column("most_often", "most often named"),
    ]
    rows: list[Any] = [[str(name), *cells] for name, cells in zip(counts.index, counts.to_numpy().tolist())]
    if len(counts) > 1:
        n_clips, n_wrong = int(counts["clips"].sum()), int(counts["wrong"].sum())
        rows += ["", ["all", n_clips, n_wrong, 1 - n_wrong / n_clips, ""]]
    return Table(columns, rows, title)


def wrong_clips_table(wrong: pd.DataFrame, title: str = "each wrong clip, the surest answers first") -> Table:
    """A row for each wrong clip: video, true class, answer and the probabilities of both.

    Args:
        wrong: rows of `select_wrong`.
        title: line over the table.
    """
    columns = [
        Column("video", main=True),
        *_frame_columns(wrong),
        Column("truth", "true class", choose=True),
        Column("predicted", "named", of=lambda row: _text_of(row["predicted"]) or "no class", choose=True),
        _probability_column("probability", "its probability"),
        _probability_column("probability_of_truth", "that of the true class"),
    ]
    return Table.from_items(columns, wrong.to_dict("records"), title)


def _probability_column(name: str, label: str) -> Column:
    """A column of probabilities, left out where no clip has one."""
    return Column(
        name, label, of=lambda row: _number_of(row[name]), text=format_table_number, right=True, optional=True
    )


def join_mistakes(spotted: pd.DataFrame, answers: pd.DataFrame | None) -> pd.DataFrame:
    """The mistakes of spotting, and below them the clips that are named wrongly (`wrong_class`).

    Args:
        spotted: rows of `sort_mistakes`.
        answers: rows of `read_answers_of_run`, or of `Tables.clips`.
    """
    if answers is None:
        return spotted
    wrong = select_wrong(answers).rename(columns={"truth": "emotion"})
    wrong = wrong.assign(mistake="wrong_class", kind="micro")
    if not len(spotted):
        first = ["mistake", "kind", "dataset", "subject", "video"]
        return wrong[[*first, *(name for name in wrong if name not in first)]]
    return pd.concat([spotted, wrong], ignore_index=True)


def _frame_columns(wrong: pd.DataFrame) -> list[Column]:
    """Onset and offset, where clips of one video differ in them."""
    has_several = "onset" in wrong and wrong[["video"]].duplicated().any()
    ends = [name for name in ("onset", "offset") if name in wrong]
    return [Column(name, right=True, text=str) for name in ends] if has_several else []


def _number_of(value: Any) -> float | None:
    """A number; None for a missing one."""
    return None if pd.isna(value) else float(value)


def _text_of(value: Any) -> str:
    """A text; empty for a missing one."""
    return "" if pd.isna(value) else str(value)
