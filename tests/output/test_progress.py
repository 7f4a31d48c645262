"""The progress of a stage: rate and time left, as lines and as a bar, and no long silence."""

import io
import re
import time

import pytest
from rich.console import Console

from mebench.output import progress
from mebench.output.progress import Progress


class Clock:
    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


def test_frames_tells_rate_and_time_left(capsys, monkeypatch):
    clock = Clock(monkeypatch)
    with Progress(Console(file=io.StringIO())).frames("features", 4) as show:
        clock.now += 5
        show(0, 50, 0.1)  # too early for another line
        clock.now += 15
        show(1, 200, 0.25)
        clock.now += 1
        show(4, 800, 1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "features: 1/4 videos, 200 frames, 10.0 frames/s, 20 s, about 1 min left",
        "features: 4/4 videos, 800 frames, 38.1 frames/s, 21 s",
    ]


def test_frames_tells_the_present_work_and_all_frames(capsys, monkeypatch):
    clock = Clock(monkeypatch)
    with Progress(Console(file=io.StringIO())).frames("videos", 1, begins="loading the model", of_frames=600) as show:
        clock.now += 10
        show(0, 0, 0.0)
        clock.now += 10
        show(0, 0, 0.0, "long: cutting out the face")
        clock.now += 10
        show(0, 300, 0.5, "long: computing features")
        clock.now += 30
        show(1, 600, 1.0)
    assert capsys.readouterr().err.splitlines() == [
        "videos: 0/1 videos, 10 s, loading the model",
        "videos: 0/1 videos, 20 s, long: cutting out the face",
        "videos: 0/1 videos, 300 of 600 frames, 10.0 frames/s, 30 s, long: computing features, about 30 s left",
        "videos: 1/1 videos, 600 of 600 frames, 10.0 frames/s, 60 s",
    ]


def test_frames_tells_the_present_work_on_a_terminal():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=160, color_system=None)
    with Progress(console).frames("videos", 1, of_frames=600) as show:
        show(0, 300, 0.5, "long: computing features")
    assert re.search(r"0/1 videos 300/600 frames [\d,]+ frames/s.*long: computing features, about", out.getvalue())


def test_frames_estimates_early_in_long_work(capsys, monkeypatch):
    clock = Clock(monkeypatch)
    with Progress(Console(file=io.StringIO())).frames("features", 1) as show:
        clock.now += 180
        show(0, 50, 0.05)
    assert capsys.readouterr().err == "features: 0/1 videos, 50 frames, 0.3 frames/s, 180 s, about 57 min left\n"


def test_frames_shows_one_bar_on_terminal():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with Progress(console).frames("features", 4) as show:
        show(3, 30, 0.75)
    assert re.search(r"features.*3/4 videos [\d,]+ frames/s.*left", out.getvalue())


def test_stage_counts_earlier_work_as_done_not_as_speed(capsys, monkeypatch):
    clock = Clock(monkeypatch)
    with Progress(Console(file=io.StringIO())).stage("folds", 10, "folds", done=6) as advance:
        clock.now += 12
        advance()
        clock.now += 1
        advance()  # too early for another line
        clock.now += 11
        advance(60)
        clock.now += 1
        advance()
    assert capsys.readouterr().err.splitlines() == [
        "folds: 7/10 folds, 12 s, about 36 s left",
        "folds: 9/10 folds, 60 frames, 2.5 frames/s, 24 s, about 8 s left",
        "folds: 10/10 folds, 60 frames, 2.4 frames/s, 25 s",
    ]


def test_stage_expects_rounds_of_units_at_once(capsys, monkeypatch):
    """Three folds of a minute on two workers take two minutes: after the first, one is left."""
    clock = Clock(monkeypatch)
    with Progress(Console(file=io.StringIO())).stage("folds", 3, "folds", at_once=2) as advance:
        clock.now += 60
        advance()
        advance()
        clock.now += 60
        advance()
    assert capsys.readouterr().err.splitlines() == [
        "folds: 1/3 folds, 60 s, about 1 min left",
        "folds: 3/3 folds, 120 s",
    ]


def test_stage_says_what_is_done_at_zero(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    with Progress(Console(file=io.StringIO())).stage("folds", 3, "folds", begins="workers start"):
        printed = ""
        end = time.monotonic() + 20
        while "\n" not in printed and time.monotonic() < end:
            time.sleep(0.01)
            printed += capsys.readouterr().err
    assert re.match(r"folds: 0/3 folds, \d+ s, workers start\n", printed)


def test_stage_bar_begins_with_earlier_work():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with Progress(console).stage("folds", 4, "folds", done=2) as advance:
        advance()
    assert re.search(r"folds .*3/4 folds .*left", out.getvalue())


@pytest.mark.parametrize(("share", "estimated"), [(0.01, False), (0.19, False), (0.2, True), (0.5, True)])
def test_frames_estimates_after_a_fifth(capsys, monkeypatch, share, estimated):
    clock = Clock(monkeypatch)
    with Progress(Console(file=io.StringIO())).frames("features", 400) as show:
        clock.now += 60
        show(1, 50, share)
    line = capsys.readouterr().err
    assert line.startswith("features: 1/400 videos, 50 frames")
    assert ("left" in line) == estimated


@pytest.mark.parametrize("stage", ["folds", "waiting"])
def test_progress_reports_standstill(capsys, monkeypatch, stage):
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    shown = Progress(Console(file=io.StringIO()))
    with shown.waiting("scoring") if stage == "waiting" else shown.stage("folds", 3, "folds"):
        printed = ""
        end = time.monotonic() + 20
        while printed.count("\n") < 2 and time.monotonic() < end:
            time.sleep(0.01)
            printed += capsys.readouterr().err
    lines = printed.splitlines()

    assert (
        set(lines) == {"scoring: 1 s"} if stage == "waiting" else {line[:16] for line in lines} == {"folds: 0/3 folds"}
    )


def test_stage_doubles_no_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    with Progress(Console(file=io.StringIO())).stage("folds", 3, "folds"):
        time.sleep(0.1)  # nothing for `SILENT_SECONDS`, so no line yet
    assert capsys.readouterr().err == ""


def test_progress_is_never_silent_for_half_a_minute():
    assert progress.SILENT_SECONDS + progress.LOOK_SECONDS < 30
