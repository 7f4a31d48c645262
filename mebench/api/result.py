"""Common parts of all results: scores and tables as data frames, a timeline, and a view for notebooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mebench import metrics, reports
from mebench.errors import DataError, unknown
from mebench.lazy_imports import load_lazily
from mebench.number_format import number
from mebench.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
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
    def tables(self) -> metrics.tables.Tables:
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
        """
        table = pd.DataFrame.from_dict(
            metrics.summary.scores_by_path(self.summary), "index", columns=["value", "low", "high", "reason"]
        )
        return table.astype(dict.fromkeys(("value", "low", "high"), "float64")).rename_axis("score")

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
        return pd.DataFrame(columns=metrics.TABLE_COLUMNS["predictions"]) if found is None else found

    def plot_timeline(self, video: str | None = None) -> Figure:
        """Plot one video over time: its frame scores, if any, above its annotated and its spotted intervals.

        Args:
            video: its key, or a part that occurs in one key only; by default the video with the most expressions.

        Returns:
            A figure of matplotlib, which a notebook shows, and whose `savefig` writes a file.

        Raises:
            DataError: there is no such video, or none at all.
        """
        every, n_truths = self.tables.videos["video"].astype(str).tolist(), self.tables.truths["video"].value_counts()
        if not every:
            raise DataError("there is no video to draw: the table of videos is empty")
        if video is None:
            video = min(every, key=lambda name: (-n_truths.get(name, 0), name))
        drawn = reports.timeline.timeline_of_video(one_of(video, every), [self._side()])
        return reports.plots.notebook_figure(reports.plots.draw_timeline(drawn))

    @abstractmethod
    def _side(self) -> reports.timeline.JudgedRun:
        """The curves and intervals that a timeline draws."""

    def _repr_html_(self) -> str:
        return html(self.title, reports.scores.main_table(self.summary), self._notes())

    def __repr__(self) -> str:
        scores = (f"{name} {number(one['value'])}" for name, one in reports.scores.main_scores(self.summary).items())
        return f"<{type(self).__name__} {getattr(self, 'id', self.title)}: {', '.join(scores)}>"

    def _notes(self) -> Sequence[str]:
        """Lines below the scores."""
        return [*self.summary.get("remarks", ()), *self.warnings]


def html(title: str, content: Table | tuple[Sequence[str], Sequence[Sequence[str]]], notes: Iterable[str] = ()) -> str:
    """A table, or heads and rows, as HTML for notebooks; title, cells and notes are escaped.

    >>> "".join(html("<b>", (["a"], [["<i>"]])).splitlines())
    '<strong>&lt;b&gt;</strong><table><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>&lt;i&gt;</td></tr></tbody></table>'
    """
    table = content if isinstance(content, Table) else Table([Column(head, head) for head in content[0]], content[1])
    below = Markup("").join(map(Markup("<div>{}</div>").format, notes))
    return str(Markup("<strong>{}</strong>{}{}").format(title, table.html(), below))


def one_of(word: str, every: Sequence[str]) -> str:
    """The video with a name, or the only one whose name contains it.

    Raises:
        DataError: there is none, or several.
    """
    matching = [video for video in every if video == word] or [video for video in every if word in video]
    if len(matching) > 1:
        raise DataError(
            f"{len(matching)} videos have {word!r} in their keys ({', '.join(matching[:3])} …): give more of one of them"
        )
    if not matching:
        raise DataError(unknown("video", word, every, "The column video has them all"))
    return matching[0]
