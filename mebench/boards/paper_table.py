"""Chosen rows as a table for a paper: LaTeX with its bibliography, Markdown, CSV."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import pandas as pd
from markupsafe import Markup

from mebench.boards.board_pages import NAMES
from mebench.boards.citations import Citation, cite_methods, cite_source, distinct_papers
from mebench.boards.comparison_plots import ComparedRow, draw_significance
from mebench.boards.group_letters import name_groups
from mebench.boards.method_names import method_title
from mebench.boards.printed_rows import is_named, mark_caveats, name_lines, select_lines, values_in_print
from mebench.boards.row_plots import PlottedRow, draw_scores
from mebench.boards.rows import (
    BoardRow,
    BoardTable,
    Part,
    PublishedLine,
    displayed_metrics,
    settings_of_row,
)
from mebench.boards.setting_notes import note_settings, number_notes, raise_numbers_in_latex, raised_number
from mebench.config import registry
from mebench.config.spellings import usual_name
from mebench.errors import ConfigError, RunError, check_known, refused_by_system, unknown
from mebench.files import write_text
from mebench.lazy_imports import lazy_imports
from mebench.metrics.catalogue import find_metric
from mebench.metrics.score_column import score_column
from mebench.output.number_format import NONE, format_mean_count
from mebench.output.table import Column, Latex, LatexStyle, Markdown, MarkdownStyle, Table, latex_text, markdown_text
from mebench.records.changed_settings import UNPUBLISHED
from mebench.records.published import CAVEATS
from mebench.reports.plots import notebook_figure
from mebench.reports.score_plots import save_figure
from mebench.score_type import UNDEFINED, Score

with lazy_imports():
    from mebench.protocols import known as known_protocols

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Intervals = Literal["below", "pm", "none"]
"""Place of an interval: below its score, as ± half its width, or nowhere."""


@dataclass(frozen=True)
class Style:
    """A form of LaTeX tables.

    Attributes:
        width: room for the table, in points.
        size: command for the size of letters.
        most: most scores of a row that fit.
    """

    width: int
    size: str
    most: int


STYLES = {"article": Style(345, r"\small", 5), "ieee": Style(252, r"\footnotesize", 3)}
"""The width of `article` at 10 points, and one column of IEEE's two."""
SCORE_WIDTH = {"below": 50, "pm": 62, "none": 40}
"""Points of a column of scores, with the space beside it."""
FORMS = {".tex": "latex", ".md": "markdown", ".csv": "csv"}
"""The forms of a written table, by the ending of its file."""
USUAL = 3
"""Number of scores of a table that names none."""
PRINTED_ROWS = "printed by papers, not measured here"
"""The heading over published values."""


@dataclass(frozen=True)
class PaperRow:
    """A row of a table for a paper: one of a run or a level of chance, or values in print.

    A kind of its own, because a paper shows both below one another, under names, letters and keys that hold among the chosen rows alone.

    Attributes:
        name: title of the method, and the settings that distinguish it.
        method: id of the method, with that of its recognizer.
        scores: score of each metric, with its interval.
        groups: letters; rows that share one are not distinguishable.
        compared: True if it may be the best: a level of chance, and a row that is chosen on tested people, may not.
        seeds: seeds of its runs.
        runs: ids of its runs.
        keys: keys of its papers.
        printed: values as a paper prints them, with the marks of their caveats; empty for a measured row.
        source: paper with its table; empty for a measured row.
        settings: settings that are not the method's defaults, with these; empty for the defaults, and without a run.
        beats: share of draws of people in which it is better than each measured row, in their order; None where they were not drawn
            together. Empty without a test.
    """

    name: str
    method: str
    scores: Mapping[str, Score]
    groups: tuple[str, ...]
    compared: bool
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    keys: tuple[str, ...] = ()
    printed: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    settings: str = ""
    beats: tuple[float | None, ...] = ()

    def spread_of(self, metric: str) -> tuple[float, float] | None:
        """The lowest and the highest seed of a score; None for one seed, and where all seeds agree."""
        score = self.scores[metric]
        if len(self.seeds) < 2 or score.lowest is None or score.highest is None or score.lowest == score.highest:
            return None
        return score.lowest, score.highest


@dataclass(frozen=True)
class PaperTable:
    """Chosen rows and scores of one table, for a paper.

    Attributes:
        title: facts that all rows share: task, dataset, protocol, number of clips or expressions.
        metrics: its scores.
        rows: rows, the best first.
        citations: papers of the methods.
        style: `article` or `ieee`.
        intervals: position of the intervals.
        caption: caption in LaTeX's own words; by default made of the title and of what the marks mean.
        label: label of the table in LaTeX.
        marks: meanings of the marks of printed values.
        tested: score by which the rows are sorted and tested, the main one of the leaderboard's table; the first one where it is empty.
    """

    title: str
    metrics: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    citations: tuple[Citation, ...] = ()
    style: str = "article"
    intervals: Intervals = "below"
    caption: str = ""
    label: str = ""
    marks: tuple[str, ...] = ()
    tested: str = ""

    @classmethod
    def of_part(
        cls,
        table: BoardTable,
        part: Part,
        rows: Sequence[BoardRow],
        metrics: Sequence[str] = (),
        lines: Sequence[PublishedLine] = (),
    ) -> Self:
        """The table of some rows of a part of a leaderboard.

        Args:
            table: table of the leaderboard.
            part: part of it.
            rows: chosen rows of the part, in their order.
            metrics: scores; by default the first ones of the part.
            lines: published lines whose values may be shown, too, see `with_printed`.

        Raises:
            ConfigError: a metric is unknown, or no row or line has it.
        """
        chosen = tuple(metrics) or tuple(metrics_with_values(part, rows, lines)[:USUAL])
        _check_metrics(chosen, part, rows, lines)
        citations = distinct_papers(cite_methods(row.method for row in rows))
        groups = simplify_groups([row.groups for row in rows])
        made = [
            replace(_row_for_paper(row, rows, own, chosen, citations), settings=note, beats=_beats_of(row, rows, part))
            for row, own, note in zip(rows, groups, note_settings(rows))
        ]
        label, tested = f"tab:{table.name}", part.metrics[0]
        return cls(_title_of(table, part, rows), chosen, tuple(made), tuple(citations), label=label, tested=tested)

    def with_form(self, style: str, intervals: str, caption: str = "", label: str = "") -> Self:
        """The table in another form.

        Raises:
            ConfigError: the form is unknown, or so many scores do not fit.
        """
        check_known("style", style, STYLES)
        check_known("intervals", intervals, SCORE_WIDTH)
        most = STYLES[style].most
        if len(self.metrics) > most:
            advice = (
                "choose --style article, or fewer" if len(self.metrics) <= STYLES["article"].most else "choose fewer"
            )
            raise ConfigError(
                f"{len(self.metrics)} scores do not fit the style {style}, which has room for {most}: {advice} with --metric"
            )
        place = cast(Intervals, intervals)
        return replace(self, style=style, intervals=place, caption=caption, label=label or self.label)

    def with_title(self, title: str, name: str) -> Self:
        """The table under the title of a named board, with a label by its id."""
        _, _, amount = self.title.rpartition(", ")
        return replace(self, title=f"{title}, {amount}" if amount[:1].isdigit() else title, label=f"tab:{name}")

    def with_printed(
        self, lines: Sequence[PublishedLine], sources: Mapping[str, Citation], names: Sequence[str] = ()
    ) -> Self:
        """The table with values that papers print, below the measured rows.

        Args:
            lines: published lines of the part.
            sources: citations of their sources by key.
            names: methods whose lines are wanted; all by default.

        Raises:
            ConfigError: no such line prints a score of the table.
        """
        chosen = select_lines(lines, self.metrics, names)
        if not chosen:
            of_methods = f" of {', '.join(names)}" if names else ""
            labels = " or ".join(find_metric(name).label for name in self.metrics)
            raise ConfigError(
                f"no paper prints {labels}{of_methods} on this dataset and protocol: leave out --published, or choose another --metric"
            )
        marks = mark_caveats(chosen, self.metrics)
        rows = list(self.rows)
        citations = list(self.citations)
        for line, name in zip(chosen, name_lines(chosen)):
            citation = cite_source(line.source, sources, citations)
            if citation not in citations:
                citations.append(citation)
            rows.append(_row_in_print(line, name, self.metrics, marks, citation))
        meanings = tuple(f"{mark} {CAVEATS[caveat]}" for caveat, mark in marks.items())
        return replace(self, rows=tuple(rows), citations=tuple(citations), marks=meanings)

    def with_level_of_chance(self, name: str, scores: Mapping[str, Score]) -> Self:
        """The table with a level of chance behind its rows.

        Args:
            name: name of the level.
            scores: its scores by metric.
        """
        shown = {metric: scores.get(metric, UNDEFINED) for metric in self.metrics}
        level = PaperRow(name, name, shown, (), compared=False, seeds=(), runs=())
        return replace(self, rows=(*self.measured, level, *self.in_print))

    @property
    def measured(self) -> list[PaperRow]:
        """The rows of runs and levels of chance."""
        return [row for row in self.rows if not row.source]

    @property
    def in_print(self) -> list[PaperRow]:
        """The rows of values that papers print."""
        return [row for row in self.rows if row.source]

    @property
    def are_all_alike(self) -> bool:
        """Whether some letter is that of all tested rows."""
        tested = [set(row.groups) for row in self.rows if row.groups]
        return len(tested) > 1 and bool(set.intersection(*tested))

    @property
    def notes(self) -> list[str]:
        """What the marks mean, in sentences."""
        main = find_metric(self.metrics[0]).label
        of_test = find_metric(self.tested or self.metrics[0]).label
        tested = [row for row in self.rows if row.groups]
        sentences = []
        if any(row.scores[self.metrics[0]].low is not None for row in self.rows):
            sentences.append("95 % intervals over people")
        seeds = {len(row.seeds) for row in self.rows if row.compared}
        if seeds == {1}:
            sentences.append("one training each")
        elif seeds:
            lowest, highest = min(seeds), max(seeds)
            sentences.append(f"means over {lowest if lowest == highest else f'{lowest} to {highest}'} seeds")
        if any(row.spread_of(self.metrics[0]) for row in self.rows):
            sentences.append(f"round brackets: lowest and highest seed in {main}")
        if self.are_all_alike:
            sentences.append(f"no two of {len(tested)} rows are distinguishable in {of_test}")
        elif len(tested) > 1:
            sentences.append(
                f"rows that share a letter are not distinguishable in {of_test} (permutation test over people, 5 %)"
            )
        if any(not row.compared for row in self.measured):
            sentences.append("rows in italics are not ranked")
        if self.in_print:
            sentences.append(
                f"rows {PRINTED_ROWS}: values of the cited sources, whose clips, folds and choices may differ"
            )
        return [*sentences, *self.marks, *self.notes_on_settings]

    @property
    def notes_on_settings(self) -> list[str]:
        """The settings that are not defaults, each with its number."""
        return [f"{raised_number(number)} settings: {note}" for note, number in self._numbers.items()]

    @property
    def _numbers(self) -> dict[str, int]:
        """The number of each note on settings."""
        return number_notes([row.settings for row in self.rows])

    def name_of(self, row: PaperRow) -> str:
        """The name of a row with the number of the note on its settings."""
        number = self._numbers.get(row.settings)
        return row.name if number is None else f"{row.name}{raised_number(number)}"

    @property
    def sources(self) -> list[str]:
        """The sources of printed values with their tables, each once."""
        return list(dict.fromkeys(row.source for row in self.in_print))

    def find_best(self, metric: str) -> set[float]:
        """The best value of a score among the rows that are ranked; empty without two of them."""
        values = [row.scores[metric].value for row in self.rows if row.compared]
        known = [value for value in values if value is not None]
        return {max(known, key=find_metric(metric).sort_key)} if len(known) > 1 else set()

    def to_table(self) -> Table:
        """The table for a terminal, Markdown, CSV and pages."""
        columns = [
            Column("method", main=True, of=self.name_of),
            Column("group", "not distinguishable", of=self.letters_of, optional=True),
            *map(self._score_column, self.metrics),
            Column("spread", f"seeds' {find_metric(self.metrics[0]).label}", of=self._spread_in_words, optional=True),
            Column("seeds", of=lambda row: str(len(row.seeds) or ""), right=True),
            Column("cite", of=lambda row: ", ".join(row.keys), optional=True),
        ]
        measured = len(self.measured)
        table = Table.from_items(columns, self.rows, self.title, self._unranked_positions())
        if not self.in_print:
            return table
        return replace(table, rows=[*table.rows[:measured], PRINTED_ROWS, *table.rows[measured:]])

    def _score_column(self, metric: str) -> Column:
        """The column of a score; a terminal has room for the interval of the first one."""
        is_first = metric == self.metrics[0]
        return score_column(
            metric, digits=3, interval=is_first, of=lambda row: row.printed.get(metric) or row.scores[metric]
        )

    def _spread_in_words(self, row: PaperRow) -> str:
        """The lowest and the highest seed of the main score; empty for one seed."""
        spread = row.spread_of(self.metrics[0])
        if spread is None:
            return ""
        lowest, highest = (written_value(value, self.metrics[0]) for value in spread)
        return f"({lowest}–{highest})"

    def to_markdown(self) -> str:
        """Markdown with the best values in bold, and the notes below."""
        rows: list[Sequence[str] | str] = [self._markdown_cells(row) for row in self.measured]
        if self.in_print:
            rows.append(PRINTED_ROWS)
        rows += [self._cells_in_print(row) for row in self.in_print]
        columns = [Column("method", main=True), *(Column(name, find_metric(name).label) for name in self.metrics)]
        table = Table(columns, rows, muted=self._unranked_positions()).to_markdown(MarkdownStyle(heading="*"))
        below = [f"{_as_text(self.notes)}."]
        if self.sources:
            below += ["", f"Sources: {markdown_text('; '.join(self.sources))}."]
        return "\n".join([f"**{self.title}**", "", table, "", *below]) + "\n"

    def _markdown_cells(self, row: PaperRow) -> list[str]:
        """The name of a measured row, and its scores in Markdown."""
        return [self.name_of(row), *(self._markdown_score(row, metric) for metric in self.metrics)]

    def _markdown_score(self, row: PaperRow, metric: str) -> Markdown:
        """A score with its letters; its interval, and the spread of seeds, below."""
        score = row.scores[metric]
        value = written_value(score.value, metric)
        if row.compared and score.value in self.find_best(metric):
            value = f"**{value}**"
        if metric == self.metrics[0] and self.letters_of(row):
            value += f"<sup>{self.letters_of(row)}</sup>"
        spread = self._spread_in_words(row) if metric == self.metrics[0] else ""
        return Markdown("<br>".join(filter(None, [value, written_interval(score, metric), spread])))

    def _cells_in_print(self, row: PaperRow) -> list[str]:
        """The name of a printed row with its source, and its values."""
        return [
            f"{self.name_of(row)}, {row.keys[0]}",
            *(_without_zero(row.printed[metric], metric) for metric in self.metrics),
        ]

    def _unranked_positions(self) -> set[int]:
        """The positions of the measured rows that are not ranked, such as levels of chance."""
        return {position for position, row in enumerate(self.measured) if not row.compared}

    def to_csv_text(self) -> str:
        """CSV with the ends of all intervals; of printed values the source and the caveats."""
        columns = [
            Column("method", of=lambda row: row.name),
            Column("group", of=self.letters_of, optional=True),
            *(score_column(name, of=partial(_score_of, name)) for name in self.metrics),
            Column("seeds", of=lambda row: str(len(row.seeds) or "")),
            Column("settings", of=lambda row: row.settings, optional=True),
            Column("cite", of=lambda row: ", ".join(row.keys), optional=True),
            Column("source", of=lambda row: row.source, optional=True),
            Column("in_print", of=lambda row: " ".join(row.printed.values()), optional=True),
        ]
        return Table.from_items(columns, self.rows).to_csv_text()

    def to_bibtex(self) -> str:
        """The papers as BibTeX."""
        if not self.citations:
            return ""
        return "\n\n".join(citation.to_bibtex() for citation in self.citations) + "\n"

    def to_latex(self) -> str:
        r"""A `\begin{table}` that fits the style; it needs the packages array, booktabs, and fontenc with T1."""
        style = STYLES[self.style]
        room = style.width - SCORE_WIDTH[self.intervals] * len(self.metrics)
        form = LatexStyle(
            caption=self.caption or self._latex_caption(),
            label=self.label,
            commands=rf"{style.size}\setlength{{\tabcolsep}}{{3pt}}",
            columns=rf"@{{}}>{{\raggedright\arraybackslash}}p{{{room}pt}}{'l' * len(self.metrics)}@{{}}",
        )
        columns = [Column("Method"), *(Column(name, find_metric(name).label) for name in self.metrics)]
        rows = [*map(self._latex_cells, self.measured), *self._latex_rows_in_print()]
        needs = "% Made by mebench table. Needs array, booktabs, and fontenc with T1."
        return f"{needs}\n{Table(columns, rows).to_latex(form)}\n"

    def _latex_caption(self) -> str:
        """The title, and what the marks mean."""
        best = "Best in bold" if any(self.find_best(name) for name in self.metrics) else ""
        sentences = [self.title, _as_text(self.notes), best]
        text = " ".join(f"{latex_text(sentence)}." for sentence in sentences if sentence).replace(r" \%", r"\,\%")
        return raise_numbers_in_latex(text)

    def _latex_rows_in_print(self) -> list[Sequence[Latex] | Latex]:
        """The rows of printed values below a rule, each after a comment with its source."""
        if not self.in_print:
            return []
        heading = rf"\multicolumn{{{1 + len(self.metrics)}}}{{@{{}}l}}{{\textit{{{PRINTED_ROWS.capitalize()}}}}} \\"
        rows: list[Sequence[Latex] | Latex] = [Latex(r"\midrule")] if self.measured else []
        rows.append(Latex(heading))
        for row in self.in_print:
            rows += [Latex(f"% {row.source}"), self._latex_cells(row)]
        return rows

    def _latex_cells(self, row: PaperRow) -> list[Latex]:
        """A row: its name with its papers, and its scores."""
        is_plain = row.compared or row.source
        name = raise_numbers_in_latex(latex_text(self.name_of(row)))
        name = name if is_plain else rf"\textit{{{name}}}"
        cite = rf"~\cite{{{','.join(row.keys)}}}" if row.keys else ""
        return [Latex(f"{name}{cite}"), *(Latex(self._latex_score(row, metric)) for metric in self.metrics)]

    def _latex_score(self, row: PaperRow, metric: str) -> str:
        """A score with its letters, and its interval as the form says."""
        score = row.scores[metric]
        if row.source:
            return latex_text(_without_zero(row.printed[metric], metric))
        value = latex_text(written_value(score.value, metric))
        if row.compared and score.value in self.find_best(metric):
            value = rf"\textbf{{{value}}}"
        if metric == self.metrics[0] and self.letters_of(row):
            value += rf"\textsuperscript{{{self.letters_of(row)}}}"
        if self.intervals == "pm" and score.ends is not None:
            low, high = score.ends
            half = written_value((high - low) / 2, metric)
            value = rf"{value}\,{{\scriptsize$\pm$\,{half}}}"
        interval = latex_text(written_interval(score, metric)) if self.intervals == "below" else ""
        spread = self._spread_in_words(row).replace("–", "--") if metric == self.metrics[0] else ""
        below = [rf"{{\scriptsize {line}}}" for line in (interval, spread) if line]
        if not below:
            return value
        lines = r"\\[-1pt]".join([value, *below])
        return rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{lines}\end{{tabular}}"

    @property
    def data(self) -> pd.DataFrame:
        """A row for each method.

        `method`, `group`, `seeds`, each score with the ends of its interval, `cite`, the `source` of printed values, and
        the `settings` that are not the method's defaults.
        """
        rows = []
        for row in self.rows:
            cells: dict[str, Any] = {"method": row.name, "group": "".join(row.groups), "seeds": len(row.seeds)}
            for metric, score in row.scores.items():
                cells |= {metric: score.value, f"{metric}_low": score.low, f"{metric}_high": score.high}
            rows.append({**cells, "cite": ", ".join(row.keys), "source": row.source, "settings": row.settings})
        return pd.DataFrame(rows)

    def to_text(self, form: str) -> str:
        """The table as text.

        Args:
            form: `latex`, `markdown` or `csv`.

        Raises:
            ConfigError: there is no such form.
        """
        forms = {"latex": self.to_latex, "markdown": self.to_markdown, "csv": self.to_csv_text}
        check_known("format", form, forms)
        return forms[form]()

    def write(self, target: str | Path) -> list[Path]:
        """Write the table: `.tex` with a `.bib` beside it, `.md` or `.csv`.

        Returns:
            The written files.

        Raises:
            ConfigError: the ending is that of no form.
            DataError: a file cannot be written.
        """
        file = Path(target).expanduser()
        if file.suffix.lower() not in FORMS:
            raise ConfigError(f"the file must end in {', '.join(FORMS)}, not {file.name!r}")
        texts = {file: self.to_text(FORMS[file.suffix.lower()])}
        if file.suffix.lower() == ".tex" and self.citations:
            texts[file.with_suffix(".bib")] = self.to_bibtex()
        with refused_by_system(f"{file} cannot be written", "name another file"):
            for path, content in texts.items():
                write_text(path, content)
        return list(texts)

    def plot(self, target: str | Path | None = None, kind: str = "scores") -> Figure:
        """Plot the rows, and write the figure if a file is named.

        Args:
            target: file of the figure, which ends in `.png`, `.svg` or `.pdf`.
            kind: `scores` with their intervals; or `significance`, which rows differ in the first score.

        Raises:
            ConfigError: the ending is that of no figure, or fewer than two rows were tested.
            DataError: the file cannot be written.
        """
        figures = {"scores": self._draw_scores, "significance": self._draw_significance}
        check_known("kind", kind, figures)
        figure = figures[kind]()
        if target is not None:
            save_figure(figure, target)
        return notebook_figure(figure)

    def _draw_scores(self) -> Figure:
        """The scores with their intervals."""
        rows: list[PlottedRow] = []
        for row in self.rows:
            name = f"{row.name}, {PRINTED_ROWS}" if row.source else row.name
            rows.append(PlottedRow(name, row.scores, self.letters_of(row), row.compared, row.settings))
        return draw_scores(rows, {name: find_metric(name).label for name in self.metrics}, self.title)

    def _draw_significance(self) -> Figure:
        """Which of the tested rows differ in the first score."""
        positions = [position for position, row in enumerate(self.rows) if row.groups and row.beats]
        if len(positions) < 2:
            raise ConfigError(
                "a plot of significance needs two rows that were tested against each other: name more runs, or rows with a rank"
            )
        rows = [
            ComparedRow(
                self.name_of(self.rows[position]),
                self.rows[position].groups,
                tuple(self.rows[position].beats[other] for other in positions),
            )
            for position in positions
        ]
        label = find_metric(self.tested or self.metrics[0]).label
        return draw_significance(rows, label, self.title, self.notes_on_settings)

    def letters_of(self, row: PaperRow) -> str:
        """The letters of a row; none where all rows share one."""
        return "" if self.are_all_alike else "".join(row.groups)

    def __str__(self) -> str:
        return "\n".join([self.title, self.to_table().to_plain_text(), *self.notes])

    def __repr__(self) -> str:
        return f"<PaperTable of {len(self.rows)} rows: {', '.join(self.metrics)}; {self.title}>"

    def _repr_html_(self) -> str:
        table = self.to_table().to_html()
        notes = _as_text([*self.notes, *self.sources])
        return str(Markup("<strong>{}</strong>{}<div>{}</div>").format(self.title, table, notes))

    def plain(self) -> dict[str, Any]:
        """The table as data for JSON."""
        rows = []
        for row in self.rows:
            scores = {metric: score.plain_over_seeds() for metric, score in row.scores.items()}
            rows.append({**vars(row), "scores": scores, "printed": dict(row.printed)})
        return {
            "title": self.title,
            "metrics": list(self.metrics),
            "notes": self.notes,
            "rows": rows,
            "bib": self.to_bibtex(),
        }


def written_value(value: float | None, metric: str) -> str:
    """A score as papers print it: shares with three digits and without the zero before the point.

    >>> written_value(0.7261, "uf1"), written_value(1.0, "uf1"), written_value(12.34, "fp_per_minute"), written_value(None, "uf1")
    ('.726', '1.000', '12.3', '–')
    """
    if value is None:
        return NONE
    if find_metric(metric).scale != "share":
        return f"{value:.1f}"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:.3f}"


def _without_zero(text: str, metric: str) -> str:
    """A printed share without the zero before its point."""
    return text.removeprefix("0") if text.startswith("0.") and find_metric(metric).scale == "share" else text


def written_interval(score: Score, metric: str) -> str:
    """The interval of a score as papers print it; empty without one."""
    if score.ends is None:
        return ""
    low, high = score.ends
    return f"[{written_value(low, metric)}, {written_value(high, metric)}]"


def select_rows(
    part: Part, names: Sequence[str] = (), left_out: Sequence[str] = (), lines: Sequence[PublishedLine] = ()
) -> list[BoardRow]:
    """The rows of a part for a paper: those that are named, or all that are ranked and levels of chance.

    Args:
        part: part of a table.
        names: ids or titles of methods, of which all ranked rows are taken; a row without a rank is `htnet, audit=leak_last`.
        left_out: texts in the settings of rows that are taken only by name.
        lines: published lines, whose methods may be named, too.

    Raises:
        ConfigError: no row, and no such line, is of such a method.
    """
    if names:
        return _named_rows(part, names, lines)
    ranked = [row for row in part.rows if not (row.member or row.unranked or row.chosen_on_tested)]
    return [row for row in ranked if not any(text in row.settings for text in left_out)]


def _named_rows(part: Part, names: Sequence[str], lines: Sequence[PublishedLine]) -> list[BoardRow]:
    """The rows of a part with one of the names; a name of a published line has none."""
    words = {id(row): _words_of(row, part.rows) for row in part.rows if not row.member}
    chosen = set()
    for name in names:
        usual = usual_name(name, [row.method for row in part.rows]) or name
        found = {id_ for id_, known in words.items() if {name.casefold(), usual} & known}
        if not found and not any(is_named(line, name) for line in lines):
            advice = "Rows are named by the method's id or title, one that is not ranked also by its settings"
            raise ConfigError(unknown("row", name, list(dict.fromkeys(row.method for row in part.rows)), advice))
        chosen |= found
    return [row for row in part.rows if id(row) in chosen]


def _words_of(row: BoardRow, rows: Sequence[BoardRow]) -> set[str]:
    """The names of a row, in small letters; the method alone does not name a row without a rank."""
    settings = settings_of_row(row, rows)
    methods = (row.method, title_of_row(row.method))
    names = {f"{method}, {settings}" for method in methods} if settings else set(methods)
    if not (row.unranked or row.chosen_on_tested):
        names |= set(methods)
    return {name.casefold() for name in names}


def find_part(table: BoardTable, name: str = "") -> Part:
    """The part of a table with a name; the first one by default.

    Raises:
        ConfigError: there is no such part.
    """
    if not name:
        return table.parts[0]
    parts = {part.name: part for part in table.parts}
    check_known("part", name, parts)
    return parts[name]


def select_table(tables: Sequence[BoardTable], runs: Collection[str], task: str = "") -> BoardTable:
    """The table that holds all of some runs.

    Args:
        tables: tables of these runs.
        runs: ids of the runs.
        task: task of the table; by default the first one that all runs do.

    Raises:
        RunError: the runs have no common table, because they differ in data, rules or task.
    """
    of_task = [table for table in tables if not task or table.task == task]
    for table in of_task:
        rows = [row for part in table.parts for row in part.rows]
        if {run for row in rows for run in row.runs} >= set(runs):
            return table
    titles = "; ".join(dict.fromkeys(table.title for table in of_task))
    raise RunError(
        f"the runs cannot share a table{f' of {task}' if task else ''}, because their data, rules or tasks differ "
        f"({titles or 'none of them does it'}): name runs of one dataset, protocol and task"
    )


def simplify_groups(groups: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The letters of chosen rows, named again from `a`, without those that tell nothing.

    A letter whose rows all share another letter is left out.

    >>> simplify_groups([["a", "b"], ["a", "c"], ["c"], []])
    [('a',), ('a', 'b'), ('b',), ()]
    """
    positions_of: dict[str, set[int]] = {}
    for position, own in enumerate(groups):
        for letter in own:
            positions_of.setdefault(letter, set()).add(position)
    sets = {frozenset(positions) for positions in positions_of.values()}
    widest = [positions for positions in sets if not any(positions < other for other in sets)]
    simplified: list[tuple[str, ...]] = [() for _ in groups]
    for letter, positions in zip(name_groups(len(widest)), sorted(widest, key=sorted)):
        for position in positions:
            simplified[position] += (letter,)
    return simplified


def title_of_row(method: str) -> str:
    """The title of a method, a pair, or a level of chance."""
    return "File names alone, no pixel" if method == NAMES else method_title(method)


def _row_for_paper(
    row: BoardRow,
    rows: Sequence[BoardRow],
    groups: tuple[str, ...],
    metrics: Sequence[str],
    citations: Sequence[Citation],
) -> PaperRow:
    """A row of a leaderboard as a row for a paper."""
    marks = [mark for mark in row.marks if mark != UNPUBLISHED]  # which the note on its settings says with their values
    name = ", ".join(filter(None, [title_of_row(row.method), settings_of_row(row, rows), *marks]))
    own = cite_methods([row.method])
    return PaperRow(
        name,
        row.method,
        {metric: row.scores.get(metric, UNDEFINED) for metric in metrics},
        groups,
        row.measured and not (row.unranked or row.chosen_on_tested),
        tuple(row.seeds),
        tuple(row.runs),
        tuple(citation.key for citation in citations if any(map(citation.is_same_paper, own))),
    )


def _beats_of(row: BoardRow, rows: Sequence[BoardRow], part: Part) -> tuple[float | None, ...]:
    """How often a row is better than each of some rows; empty without a rank.

    Shares of draws of people, as `BoardRow.beats`; None for a row that was not drawn together with it.
    """
    if not row.ranks:
        return ()
    share_of = {id(rival): share for rival, share in zip(part.find_rivals(row), row.beats)}
    return tuple(share_of.get(id(other)) for other in rows)


def _row_in_print(
    line: PublishedLine, name: str, metrics: Sequence[str], marks: Mapping[str, str], citation: Citation
) -> PaperRow:
    """A published line as a row for a paper."""
    scores = {metric: Score(_number_in(line.values.get(metric))) for metric in metrics}
    return PaperRow(
        name=name,
        method=line.method,
        scores=scores,
        groups=(),
        compared=False,
        seeds=(),
        runs=(),
        keys=(citation.key,),
        printed=values_in_print(line, metrics, marks),
        source=f"{line.source}, {line.table}",
    )


def _number_in(text: str | None) -> float | None:
    """The number of a printed value; None without one."""
    return None if text is None else float(text)


def _score_of(metric: str, row: PaperRow) -> Score:
    """A score of a row."""
    return row.scores[metric]


def metrics_with_values(part: Part, rows: Sequence[BoardRow], lines: Sequence[PublishedLine]) -> list[str]:
    """The metrics of a part that some row or line has; the main one in any case."""
    measured = displayed_metrics(part.metrics, rows)
    in_print = {metric for line in lines for metric in line.values}
    return [metric for metric in part.metrics if metric in measured or metric in in_print]


def _check_metrics(
    metrics: Sequence[str], part: Part, rows: Sequence[BoardRow], lines: Sequence[PublishedLine]
) -> None:
    """Refuse a metric that is unknown, or that no row and no line has."""
    for name in metrics:
        check_known("metric", name, part.metrics)
    with_values = metrics_with_values(part, rows, lines)
    lacking = [name for name in metrics if name not in with_values]
    if lacking:
        having = ", ".join(with_values)
        raise ConfigError(f"no chosen row has a value of {lacking[0]}: choose among {having}")


def _title_of(table: BoardTable, part: Part, rows: Sequence[BoardRow]) -> str:
    """Task, dataset, protocol, variant and number of scored items, in words.

    In spotting, the kind of expressions stands behind the task. Rows of different numbers of items show none.
    """
    datasets = registry.list_plugins("dataset")
    titles = {name: dataset.title for name, dataset in datasets.items() if dataset.title}
    names = [titles.get(name, name) for name in table.dataset.split("+")]
    what = {"recognition": "clips", "spotting": "expressions", "analysis": "true positives"}[table.task]
    numbers = {row.n for row in rows}
    amount = f"{format_mean_count(numbers.pop())} {what}" if len(numbers) == 1 else ""
    task = table.task.capitalize()
    if table.task == "spotting":
        task = f"{task} ({part.name})"
    protocol = table.protocol
    if protocol in known_protocols.PROTOCOLS:
        protocol, _, _ = known_protocols.PROTOCOLS[protocol].summary.partition(":")
    return ", ".join(filter(None, [f"{task} on {' + '.join(names)}", protocol, table.variant, amount]))


def _as_text(sentences: Sequence[str]) -> str:
    """Sentences joined by semicolons, the first letter a capital."""
    text = "; ".join(sentences)
    return text[:1].upper() + text[1:]
