"""How far the work on each film is: its stage, its frames, and the share of the work that is done."""

from collections.abc import Sequence
from pathlib import Path

from mebench.core import Video
from mebench.features.store import Stage
from mebench.output.progress import Show
from mebench.runner.progress_board import new_board, row_of_board

STAGES = (
    "loading the model",
    "cutting out the face",
    "computing features",
    "scoring frames",
    "looking for cuts and hidden faces",
    "naming emotions",
)
"""The stages of the work on a film, in order. A film that has not been begun has the first."""
SHARE_OF_FEATURES = 0.85
"""The share of faces and features in the work on a film, about; the rest is scoring and looking."""
MOST_NAMED = 2
"""The most films whose stage is told by name."""


class FilmReport:
    """Reports from a worker how far one film is.

    Args:
        board: file of the board; None if nobody reads it.
        place: number of the film on the board.
        n_frames: number of its frames.
    """

    def __init__(self, board: str | None, place: int, n_frames: int) -> None:
        self._row = row_of_board(board, place)
        self._n_frames = n_frames

    def report_features(self, frames: int, share: float, stage: Stage) -> None:
        """Report faces and features, as `VideoSource.compute` tells them."""
        name = "cutting out the face" if stage == "crops" else "computing features"
        self._row[:] = frames, SHARE_OF_FEATURES * share, STAGES.index(name)

    def begin(self, stage: str) -> None:
        """Report that a stage after the features begins."""
        self._row[:] = self._n_frames, SHARE_OF_FEATURES, STAGES.index(stage)


class FilmsProgress:
    """Shows how far all films are.

    Args:
        file: new file, which workers map.
        films: the films, in the order in which they are begun.
        show: function that shows the progress.
    """

    def __init__(self, file: Path, films: Sequence[Video], show: Show) -> None:
        self._board = new_board(file, len(films))
        self._films = films
        self._show = show
        self._finished: set[int] = set()

    def finish(self, place: int) -> None:
        """Count a film as finished."""
        self._finished.add(place)
        self._board[place] = self._films[place].n_frames or 0, 1, 0
        self.update()

    def update(self) -> None:
        """Show the present state."""
        frames = int(self._board[:, 0].sum())
        weights = [film.n_frames or 1 for film in self._films]
        share = float(weights @ self._board[:, 1]) / sum(weights)
        self._show(len(self._finished), frames, share, self._present_work())

    def _present_work(self) -> str:
        """The stages of films that are being worked on, such as "long: computing features"."""
        begun = [place for place, row in enumerate(self._board) if row[2] > 0 and place not in self._finished]
        stages = [(self._films[place].id, STAGES[int(self._board[place, 2])]) for place in begun]
        if len(stages) > MOST_NAMED:
            return f"{len(stages)} films at once"
        return "; ".join(f"{film}: {stage}" for film, stage in stages)
