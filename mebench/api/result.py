"""What all results have in common: scores and tables as data frames, a timeline, and a look for notebooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from mebench.errors import DataError, unknown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mebench.metrics.tables import Tables
    from mebench.results.render.timeline import Judged


class Result(ABC):
    """Predictions beside a truth, and their scores.

    Attributes:
        summary: all scores as plain data, as `--json` writes them.
    """

    summary: dict[str, Any]

    @property
    @abstractmethod
    def title(self) -> str:
        """What was scored, in words."""

    @property
    @abstractmethod
    def tables(self) -> Tables:
        """What scoring read: videos, truths, predictions, clips."""

    @property
    @abstractmethod
    def frame_scores(self) -> pd.DataFrame:
        """A row for each frame and kind: `video`, `frame` (from 0), `kind`, `score` (NaN where undefined)."""

    @property
    def scores(self) -> pd.DataFrame:
        """Every score by its name (`spotting.micro.f1`): `value`, the ends `low` and `high` of its 95 % interval, and where
        there is none the `reason`. NaN stands for what is undefined.
        """
        import pandas as pd

        from mebench.metrics.summary import scores_of

        table = pd.DataFrame.from_dict(scores_of(self.summary), "index", columns=["value", "low", "high", "reason"])
        numbers = dict.fromkeys(("value", "low", "high"), "float64")
        return table.astype(numbers).rename_axis("score")

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
        import pandas as pd

        found = self.tables.predictions
        columns = ["video", "kind", "onset", "apex", "offset", "confidence", "emotion", "draw"]
        return pd.DataFrame(columns=columns) if found is None else found

    def plot_timeline(self, video: str | None = None) -> Figure:
        """One video over time: its frame scores where there are any, and below them what is true and what was spotted.

        Args:
            video: its key, or a part that is in one key only; the one with the most expressions if left out.

        Returns:
            A figure of matplotlib, which a notebook shows, and whose `savefig` writes a file.

        Raises:
            DataError: there is no such video, or none at all.
        """
        from mebench.results.render.plots import score_curve, shown_in_notebooks
        from mebench.results.render.timeline import timeline

        return shown_in_notebooks(score_curve(timeline(_named(video, self.tables), [self._side()])))

    @abstractmethod
    def _side(self) -> Judged:
        """What a timeline shows."""

    def _repr_html_(self) -> str:
        from mebench.results.render.summary import HEADS, main_rows

        return html(self.title, HEADS, main_rows(self.summary), self._notes())

    def _notes(self) -> Sequence[str]:
        """Lines below the scores."""
        return list(self.summary.get("remarks", ()))


def html(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """A table for notebooks; nothing in title, cells or notes is taken as markup.

    >>> html("<b>", ("a",), [("<i>",)])
    '<strong>&lt;b&gt;</strong><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;i&gt;</td></tr></tbody></table>'
    """
    from markupsafe import Markup

    def line(cells: Sequence[str], tag: str) -> Markup:
        cell = Markup(f"<{tag}>{{}}</{tag}>")
        return Markup("<tr>{}</tr>").format(Markup("").join(map(cell.format, cells)))

    body = Markup("").join(line(row, "td") for row in rows)
    below = Markup("").join(map(Markup("<div>{}</div>").format, notes))
    whole = "<strong>{}</strong><table><thead>{}</thead><tbody>{}</tbody></table>{}"
    return str(Markup(whole).format(title, line(heads, "th"), body, below))


def words_of(words: Sequence[str], settings: Mapping[str, Any], several: bool = False) -> list[str]:
    """`key=value` words, as the command line takes them.

    Args:
        words: such words.
        settings: values by key; a map below `method`, `dataset` or `protocol` holds their own.
        several: whether a list, range, array or column is several values, as in a sweep, not one value that is a list. Text is one value.

    >>> words_of(["seed=1"], {"method": {"name": "mean", "p": 0.6}, "kinds": ["micro", "macro"], "scheme": None})
    ['seed=1', 'method=mean', 'method.p=0.6', 'kinds=["micro", "macro"]', 'scheme=null']
    >>> words_of([], {"dataset": [["casme2", "samm"], "smic_hs"], "seed": range(2)}, several=True)
    ['dataset=["casme2", "samm"],smic_hs', 'seed=0,1']
    """
    from mebench.config import flatten
    from mebench.config.combinations import one_value

    def text(value: Any) -> str:
        value = value.tolist() if hasattr(value, "tolist") else value
        if not several:
            return _text(value)
        values = value if isinstance(value, list | tuple | range) else [value]
        return ",".join(map(one_value, map(_text, values)))

    return [*words, *(f"{key}={text(value)}" for key, value in flatten(settings).items())]


def _text(value: Any) -> str:
    """A value as the command line takes it; numbers and arrays of NumPy, columns of pandas and paths too."""
    import json

    if isinstance(value, str | PurePath):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=lambda v: v.tolist() if hasattr(v, "tolist") else str(v))


def one_of(word: str, every: Sequence[str]) -> str:
    """The video that a word means: one of that name, else the only one that has it in its name.

    Raises:
        DataError: there is none, or several.
    """
    found = [video for video in every if video == word] or [video for video in every if word in video]
    if len(found) > 1:
        raise DataError(
            f"{len(found)} videos have {word!r} in their keys ({', '.join(found[:3])} …): give more of one of them"
        )
    if not found:
        raise DataError(unknown("video", word, every, "The column video has them all"))
    return found[0]


def _named(word: str | None, tables: Tables) -> str:
    """The key of the video that a word means."""
    every = tables.videos["video"].astype(str).tolist()
    if not every:
        raise DataError("there is no video to draw: the table of videos is empty")
    if word is not None:
        return one_of(word, every)
    shown = tables.truths["video"].value_counts()
    return min(every, key=lambda video: (-shown.get(video, 0), video))
