"""How far the work on films is: what workers report, and what is shown of it."""

from dataclasses import replace

import numpy as np
import pytest

from mebench.config.resolving import resolve_dataset
from mebench.core import Video
from mebench.inference.film_progress import STAGES, FilmReport, FilmsProgress
from mebench.inference.models import find_model_file, read_model
from mebench.inference.predict import Ensemble, plan_prediction
from tests.helpers.own_videos import moving, write


def film(name, n_frames):
    return Video("folder", name, name, 25.0, n_frames, ())


@pytest.fixture
def shown():
    return []


@pytest.fixture
def board(tmp_path):
    return tmp_path / "board"


def test_progress_weighs_films_by_their_frames(board, shown):
    films = FilmsProgress(board, [film("long", 300), film("short", 100)], lambda *now: shown.append(now))
    FilmReport(str(board), 0, 300).report_features(150, 0.5, "feature")
    films.update()
    films.finish(1)
    assert [now[:2] for now in shown] == [(0, 150), (1, 250)]
    assert shown[1][2] - shown[0][2] == pytest.approx(100 / 400)
    assert shown[0][3] == "long: computing features"


def test_progress_names_stages_of_two_films_and_counts_more(board, shown):
    names = ("a", "b", "c")
    films = FilmsProgress(board, [film(name, 100) for name in names], lambda *now: shown.append(now))
    reports = [FilmReport(str(board), place, 100) for place in range(3)]
    films.update()
    reports[0].report_features(10, 0.1, "crops")
    reports[1].begin("scoring frames")
    films.update()
    reports[2].begin("scoring frames")
    films.update()
    assert [doing for *_, doing in shown] == ["", "a: cutting out the face; b: scoring frames", "3 films at once"]


class Recorder(FilmReport):
    """Keeps each reported row."""

    def __init__(self, board, n_frames):
        super().__init__(str(board), 0, n_frames)
        self.rows = []

    def report_features(self, frames, share, stage):
        super().report_features(frames, share, stage)
        self.rows.append(self._row.tolist())

    def begin(self, stage):
        super().begin(stage)
        self.rows.append(self._row.tolist())


def test_answer_reports_frames_and_stages_of_a_drawn_film(tmp_path, board):
    drawn = write(tmp_path / "film.mp4", moving(3, 240, (60, 20), ((14, 18, 23),)), frames=40)
    chosen = resolve_dataset({"dataset": "folder", "dataset.videos": [str(drawn)]})
    job, _ = plan_prediction([read_model(find_model_file("block_motion"))], chosen, look=True)
    job = replace(job, cache=str(tmp_path / "cache"))
    (video,) = job.test
    FilmsProgress(board, [video], lambda *now: None)
    recorder = Recorder(board, 40)
    Ensemble(job).answer(video, recorder)
    frames, shares, stages = np.transpose(recorder.rows)
    in_order = [STAGES[int(stage)] for stage in dict.fromkeys(stages)]
    assert in_order == [
        "cutting out the face",
        "computing features",
        "scoring frames",
        "looking for cuts and hidden faces",
    ]
    assert (np.diff(frames) >= 0).all()
    assert (np.diff(shares) >= 0).all()
    assert len(set(frames)) > 20, "frame by frame"
    assert frames[-1] == 40
