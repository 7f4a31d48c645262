"""Tables with columns of their own on a board, as Markdown and files. Their rows are no scores of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mebench.boards.file_links import link_files
from mebench.output.table import Table, markdown_text


@dataclass(frozen=True)
class RowOrigin:
    """How a row of a guest table came about.

    Attributes:
        name: name of the row.
        words: how it came about, in words.
        record: path of its record in the folder of the leaderboard.
    """

    name: str
    words: str
    record: str


@dataclass(frozen=True)
class GuestTable:
    """A table that a capability brings to a board. It has its own columns, ranks and sentences.

    Attributes:
        name: name of its files, without ending.
        dataset: name of its data, by which a named board chooses it.
        part: topic, such as `clips`, by which a named board chooses it.
        title: its title.
        leader: who leads, in words.
        n_methods: number of its rows that are methods.
        summary: its size, its identity and who leads, in a sentence.
        remark: facts that a reader must know of its data, in a sentence; or empty.
        guide: how to read its rows and columns, in Markdown.
        origins: how each row came about.
        on_board: its rows with the few columns that the page of a board shows.
        whole: its rows with all columns.
        csv: its content as CSV.
        json: its content as JSON.
    """

    name: str
    dataset: str
    part: str
    title: str
    leader: str
    n_methods: int
    summary: str
    remark: str
    guide: str
    origins: Sequence[RowOrigin]
    on_board: Table
    whole: Table
    csv: str
    json: str

    def section_lines(self, level: str = "##", whole: bool = False) -> list[str]:
        """The table with its heading, as lines of Markdown; `whole` with all columns."""
        shown = self.whole if whole else self.on_board
        lines = [f"{level} {markdown_text(self.title)}", "", markdown_text(self.summary), "", shown.to_markdown(), ""]
        if self.remark:
            lines += [markdown_text(self.remark), ""]
        return [*lines, *map(_line_of_origin, self.origins), ""]

    def make_texts(self, made: str) -> dict[str, str]:
        """The table as Markdown, CSV, JSON and LaTeX, by the ending of its file.

        Args:
            made: first line of a page that may be written anew.
        """
        heading, blank, *section = self.section_lines("#", whole=True)
        page = [made, "", heading, blank, f"As {link_files(self.name)}.", "", *section, self.guide]
        return {"md": "\n".join(page) + "\n", "csv": self.csv, "json": self.json, "tex": self.whole.to_latex()}


def _line_of_origin(origin: RowOrigin) -> str:
    """How a row came about, with a link to its record. The link leads there from a page of the leaderboard."""
    words = f"*{markdown_text(origin.name)}*: {markdown_text(origin.words)}"
    return f"- {words} ([record](../{origin.record}))"
