"""Which spotter to try first: the first row of each board of spotting."""

from collections.abc import Sequence
from typing import NamedTuple

from mebench.boards.board_pages import BoardPage
from mebench.boards.rows import standing_in_words
from mebench.score_type import Score

TITLE = "Which spotter first?"
ABOUT = (
    "The first row of each board of spotting. A row leads on its own board alone: recordings of people and drawn faces, and "
    "measured rows and rescored public answers, do not compare."
)


class FirstSpotter(NamedTuple):
    """The first row of a board of spotting.

    Attributes:
        page: the board.
        name: method, with year and presets.
        score: its main score.
        standing: its standing among the other rows, in words.
    """

    page: BoardPage
    name: str
    score: Score
    standing: str


def first_spotters(pages: Sequence[BoardPage]) -> list[FirstSpotter]:
    """The first row of each board of spotting, in their order."""
    found = []
    for page in pages:
        content = page.content
        if page.board.task != "spotting":
            continue
        if content.places:
            row = content.places[0].row
            is_alone = len(content.places) == 1
            standing = "the only method" if is_alone else standing_in_words(content.places)
            name = page.names.with_year(row.method, row.settings)
            found.append(FirstSpotter(page, name, row.scores[content.score], standing))
        elif content.systems:
            system = content.systems[0].row
            others = len(content.systems) - 1
            standing = f"first of {others + 1} public answers, not tested" if others else "the only public answers"
            found.append(
                FirstSpotter(page, page.names.of_system(system.method), system.scores[content.score], standing)
            )
    return found
