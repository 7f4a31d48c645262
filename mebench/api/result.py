"""Common parts of all results: scores and tables as data frames, a timeline, and a view for notebooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mebench.errors import DataError, unknown
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.number_format import format_number
from mebench.output.table import Column, Table

with lazy_imports():
    from mebench.metrics import (
        class_results,
        conventions,
        mistakes as spotting_mistakes,
        score_table,
        tables as metric_tables,
    )
    from mebench.reports import plots, recognition, report as run_report, scores as score_report, timeline

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mebench.metrics.tables import Tables
    from mebench.reports.timeline import JudgedRun
else:
    pd = load_lazily("pandas")


class Result(ABC):
    """Predictions, their truth and their scores.

    Attributes:
        summary: all scores as plain data, as `--json` writes them.
    """

    summary: dict[str, Any]

    @property
    @abstractmethod
    def title(self) -> str:
        """Title of the result, in words."""

    @property
    @abstractmethod
    def tables(self) -> Tables:
        """The tables that scoring reads: videos, truths, predictions, clips."""

    @property
    @abstractmethod
    def frame_scores(self) -> pd.DataFrame:
        """A row for each frame and kind: `video`, `frame` (from 0), `kind`, `score` (NaN where undefined)."""

    @property
    @abstractmethod
    def warnings(self) -> list[str]:
        """Sentences that a reader of the scores must know."""

    @property
    def scores(self) -> pd.DataFrame:
        """Every score by its name (`spotting.micro.f1`): `value`, the ends `low` and `high` of its 95 % interval, and
        the `reason` if there is no interval. NaN means undefined.

        Further columns say what it is a score of (`task`, `part`, `member`, `fold`, `group`, `metric`), and what is counted
        beside it (`n`, or `tp`, `fp` and `fn`).
        """
        return score_table.ScoreTable.read(self.summary).to_frame()

    @property
    def videos(self) -> pd.DataFrame:
        """A row for each video: `video` (its key), `subject`, `dataset`, `n_frames`, `fps`."""
        return self.tables.videos

    @property
    def truth(self) -> pd.DataFrame:
        """A row for each annotated expression: `video`, `kind`, `onset`, `apex`, `offset` (both ends belong to it), `emotion`."""
        return self.tables.truths

    @property
    def predictions(self) -> pd.DataFrame:
        """A row for each spotted interval: `video`, `kind`, `onset`, `apex`, `offset` (both ends belong to it), `confidence`,
        `emotion` … Empty where nothing was spotted.
        """
        found = self.tables.predictions
        return pd.DataFrame(columns=metric_tables.TABLE_COLUMNS["predictions"]) if found is None else found

    @property
    def per_class(self) -> pd.DataFrame:
        """A row for each class of annotated clips.

        `clips`, `subjects`, how many are `named` so and `right`, and `f1`, `precision`, `recall` with the ends of their 95 % intervals
        (`f1_low`, `f1_high` …). Empty where no clip was named.
        """
        return class_results.class_frame(self._class_rows())

    @property
    def per_subject(self) -> pd.DataFrame:
        """A row for each subject.

        `expressions`, `found`, `false_positives` and `f1` of spotting; `clips`, `right` and `accuracy` of recognition. A subject without
        clips has no accuracy.
        """
        table = run_report.table_of_subjects(self._side())
        names = [column.name.replace(" ", "_").lower() for column in table.columns]
        return pd.DataFrame([list(row) for row in table.rows], columns=names).set_index("subject")

    @property
    def confusion(self) -> pd.DataFrame:
        """Numbers of clips by true class (rows) and named class (columns).

        They hold the classes that occur; other answers are `no class`. Of annotated clips, else of correctly spotted intervals; empty
        where nothing was named, or clips have several classes.
        """
        convention = conventions.find_convention(self.summary.get("convention", "strict"))
        return plots.confusion_of_answers(self.tables, self._classes, convention)

    @property
    def mistakes(self) -> pd.DataFrame:
        """A row for each mistake in spotting or recognition.

        `mistake` is `false_positive` or `miss` of spotting, or `wrong_class` of an annotated clip, the surest answers first.
        Spotted intervals have `cause`, `kind`, `iou`, `draw`, and in `emotion` the class of the truth in question. Clips have
        their true class in `emotion`, the answer in `predicted`, its `probability`, `probability_of_truth`, and `score_<class>`
        of each class.
        """
        side = self._side()
        spotted = spotting_mistakes.sort_mistakes(self.tables, list(side.kinds), side.convention).drop(columns="row")
        return recognition.join_mistakes(spotted, self._answers())

    @property
    @abstractmethod
    def _classes(self) -> list[str]:
        """The classes that are scored."""

    @abstractmethod
    def _answers(self) -> pd.DataFrame | None:
        """Annotated clips with their truth and answer; None where no clip was to be named."""

    def _class_rows(self) -> list[dict[str, Any]]:
        """The scores of each class."""
        with_intervals = self.summary.get("bootstrap", {}).get("draws", 0) > 0
        return class_results.score_each_class(self.tables, self._classes, with_intervals)

    def plot_timeline(self, video: str | None = None) -> Figure:
        """Plot one video over time: its frame scores, if any, above its annotated and its spotted intervals.

        Args:
            video: its key, or a part that occurs in one key only; by default the video with the most expressions.

        Returns:
            A figure of matplotlib, which a notebook shows, and whose `savefig` writes a file.

        Raises:
            DataError: there is no such video, or none at all.
        """
        every = self.tables.videos["video"].astype(str).tolist()
        n_truths = self.tables.truths["video"].value_counts()
        if not every:
            raise DataError("there is no video to draw: the table of videos is empty")
        if video is None:
            video = min(every, key=lambda name: (-n_truths.get(name, 0), name))
        drawn = timeline.timeline_of_video(one_of(video, every), [self._side()])
        return plots.notebook_figure(plots.draw_timeline(drawn))

    def plot_confusion(self) -> Figure:
        """Plot the true classes of clips against the named ones: counts, and the share of each true class as a shade.

        Returns:
            A figure of matplotlib, which a notebook shows, and whose `savefig` writes a file.

        Raises:
            DataError: no clip was named, or clips have several classes.
        """
        counts = self.confusion
        if counts.empty:
            raise DataError(
                "there are no confusions to draw: no clip or true interval was named, or clips have several classes"
            )
        return plots.notebook_figure(plots.draw_confusion_counts(counts))

    @abstractmethod
    def _side(self) -> JudgedRun:
        """The curves and intervals that a timeline draws."""

    def _repr_html_(self) -> str:
        return notebook_html(self.title, score_report.main_table(self.summary), self._notes())

    def __str__(self) -> str:
        return "\n".join([self.title, score_report.main_table(self.summary).to_plain_text(), *self._notes()])

    def __repr__(self) -> str:
        scores = (f"{name} {format_number(one.value)}" for name, one in score_report.main_scores(self.summary).items())
        return f"<{type(self).__name__} {getattr(self, 'id', self.title)}: {', '.join(scores)}>"

    def _notes(self) -> Sequence[str]:
        """Lines below the scores."""
        return [*self.summary.get("remarks", ()), *self.warnings]


def notebook_html(
    title: str, content: Table | tuple[Sequence[str], Sequence[Sequence[str]]], notes: Iterable[str] = ()
) -> str:
    """A table, or heads and rows, as HTML for notebooks; title, cells and notes are escaped.

    >>> "".join(notebook_html("<b>", (["a"], [["<i>"]])).splitlines())
    '<strong>&lt;b&gt;</strong><table><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>&lt;i&gt;</td></tr></tbody></table>'
    """
    table = content if isinstance(content, Table) else Table([Column(head, head) for head in content[0]], content[1])
    below = Markup("").join(map(Markup("<div>{}</div>").format, notes))
    return str(Markup("<strong>{}</strong>{}{}").format(title, table.to_html(), below))


def one_of(word: str, every: Sequence[str]) -> str:
    """The video with a name, or the only one whose name contains it.

    Raises:
        DataError: there is none, or several.
    """
    matching = [video for video in every if video == word] or [video for video in every if word in video]
    if len(matching) > 1:
        raise DataError(
            f"{len(matching)} videos have {word!r} in their keys ({', '.join(matching[:3])} …): give more of the key"
        )
    if not matching:
        raise DataError(unknown("video", word, every, "The column video has them all"))
    return matching[0]
