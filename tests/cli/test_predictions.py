"""`mebench predictions export`: which run it writes, and how frames are counted."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from mebench.cli import app, predictions
from mebench.core.types import number_at
from mebench.errors import ConfigError, RunError
from mebench.exchange import write
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks
from tests.helpers.run_folders import make_run


def test_export_takes_the_beginning_of_an_id(tmp_path):
    run = make_run(tmp_path / "runs", "perfect")
    runs = str(tmp_path / "runs")
    out = tmp_path / "out.csv"
    make_run(tmp_path / "runs", "half", done=False)
    predictions.predictions_export_command("perf", str(out), runs=runs)
    written = pd.read_csv(out)
    assert len(written) == len(run.read_table("predictions.parquet")) > 0
    for word in ("perfect", str(run.path)):
        predictions.predictions_export_command(word, str(out), runs=runs)
        pd.testing.assert_frame_equal(pd.read_csv(out), written)
    with pytest.raises(RunError, match="run 'half' is not finished: continue it with mebench resume"):
        predictions.predictions_export_command("ha", str(out), runs=runs)


def test_export_of_all_seeds_writes_a_file_of_each(tmp_path, capsys):
    made = [make_run(tmp_path / "runs", method="mine", seed=seed, shift=seed, tasks=("spot",)) for seed in (0, 1)]
    runs, truth = str(tmp_path / "runs"), tmp_path / "truth.csv"
    predictions.predictions_export_command(
        "mine", str(tmp_path / "all.csv"), runs=runs, truth=str(truth), json="-", frames="positions"
    )
    files = [tmp_path / "all-seed0.csv", tmp_path / "all-seed1.csv"]
    written = json.loads(capsys.readouterr().out)["runs"]
    assert [(Path(one["file"]), one["run"]) for one in written] == [*zip(files, (run.id for run in made))]
    texts, truth_of_all = [file.read_text() for file in files], truth.read_text()
    for run, text in zip(made, texts):
        predictions.predictions_export_command(
            run.id, str(tmp_path / "one.csv"), runs=runs, truth=str(truth), frames="positions"
        )
        assert ((tmp_path / "one.csv").read_text(), truth.read_text()) == (text, truth_of_all)
    assert texts[0] != texts[1]


@pytest.fixture
def numbered(tmp_path):
    """A run on videos of which one is cut out of a recording and one lacks files."""
    run = make_run(tmp_path / "runs", "cut")
    videos = run.read_table("videos.parquet")
    videos["first"] = [5550, 1, *[1] * (len(videos) - 2)]
    gappy = [n for n in range(1, 400) if n % 10]
    run.write_table("videos.parquet", videos.assign(numbers=[[], gappy, *[[]] * (len(videos) - 2)]))
    return run


def exported(run, path, form="csv", fps=None, **words):
    predictions.predictions_export_command(run.id, str(path), form=form, runs=str(run.path.parent), **words)
    read = read_intervals(path, "predictions", Remarks(), fps=fps).intervals
    return sorted(zip(read["video"].str[-2:], read["onset"], read["offset"]))


@pytest.mark.parametrize("form", [form for form in write.FORMATS if not write.counts_time(form)])
def test_export_counts_file_numbers_unless_positions_are_asked(numbered, form, tmp_path, capsys):
    truth = numbered.read_table("predictions.parquet").merge(numbered.read_table("videos.parquet"), on="video")
    positions, numbers = (
        sorted(
            (row.video[-2:], *(number_at(n, *(how(row))) for n in (row.onset, row.offset)))
            for row in truth.itertuples()
        )
        for how in (lambda row: (0, ()), lambda row: (row.first, row.numbers))
    )
    assert exported(numbered, tmp_path / "n", form) == numbers != positions
    assert "the dataset's own file numbers (drawn/00/v0 begins with 5550)" in capsys.readouterr().err
    assert exported(numbered, tmp_path / "p", form, frames="positions") == positions
    assert "every video is counted from 0" in capsys.readouterr().err


@pytest.fixture
def added_format(monkeypatch):
    """A format that somebody adds, by one entry."""

    def write_names(export):
        export.path.write_text("\n".join(export.numbered["video"]))

    monkeypatch.setitem(write.FORMATS, "names", write.Format("the videos", write_names))
    return "names"


@pytest.fixture
def help_was_shown():
    """Help of all verbs below, shown in this process before."""
    for verb in ("predictions export", "predict", "score"):
        CliRunner().invoke(app, [*verb.split(), "--help"])


@pytest.mark.parametrize("verb", ["predictions export", "predict", "score"])
@pytest.mark.usefixtures("help_was_shown")
def test_export_and_predict_help_lists_an_added_format(added_format, verb):
    before_it = [name for name in write.FORMATS if name != added_format]
    shown = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": "200"}).output
    assert f"{before_it[-1]}|{added_format}" in shown


def test_export_writes_an_added_format(numbered, added_format, tmp_path):
    predictions.predictions_export_command(
        numbered.id, str(tmp_path / "out"), form=added_format, runs=str(numbered.path.parent)
    )
    assert (tmp_path / "out").read_text().splitlines() == numbered.read_table("predictions.parquet")["video"].tolist()


def test_predict_refuses_a_format_that_needs_the_truth(numbered):
    with pytest.raises(ConfigError, match=r"unknown format 'megc2020'.*The truth is unknown here"):
        predictions.predict_command(numbered.id, form="megc2020", runs=str(numbered.path.parent))


@pytest.mark.parametrize("form", ["activitynet", "thumos"])
def test_export_counts_seconds_from_the_first_frame(numbered, form, tmp_path, capsys):
    (rate,) = set(numbered.read_table("videos.parquet")["fps"])
    spotted = numbered.read_table("predictions.parquet")
    positions = sorted(zip(spotted["video"].str[-2:], spotted["onset"], spotted["offset"]))
    assert exported(numbered, tmp_path / "n", form, fps=rate) == positions
    assert "times are counted from the first frame of each video" in capsys.readouterr().err


def test_export_writes_the_truth_in_the_same_numbers(numbered, tmp_path):
    spotted = exported(numbered, tmp_path / "p", truth=str(tmp_path / "t"))
    read = read_intervals(tmp_path / "t", "truth", Remarks()).intervals
    micro = read[read["kind"] == "micro"]
    assert spotted == sorted(zip(micro["video"], micro["onset"], micro["offset"]))


def test_export_without_file_numbers_still_writes_positions(numbered, tmp_path):
    numbered.write_table("videos.parquet", numbered.read_table("videos.parquet").drop(columns=["first", "numbers"]))
    with pytest.raises(RunError, match=r"'cut' lacks the dataset's file numbers.*--frames positions, or run it again"):
        exported(numbered, tmp_path / "p")
    assert exported(numbered, tmp_path / "p", frames="positions")[0] == ("v0", 50, 62)
    with pytest.raises(ConfigError, match=r"unknown --frames 'position'. Did you mean 'positions'"):
        exported(numbered, tmp_path / "p", frames="position")


def test_export_lists_a_video_in_which_nothing_was_found(tmp_path):
    run = make_run(tmp_path / "runs", kinds=("micro", "macro"))
    found = run.read_table("predictions.parquet")
    run.write_table("predictions.parquet", found[~found["video"].str.endswith("v1") | (found["kind"] == "micro")])
    predictions.predictions_export_command(run.id, str(tmp_path / "p"), truth=None, runs=str(tmp_path / "runs"))
    written = pd.read_csv(tmp_path / "p", dtype=str, keep_default_na=False)
    silent = written[written["onset"] == ""]
    assert set(zip(silent["video"], silent["kind"])) == {("v1", "macro")}
    assert len(silent) == silent["subject"].nunique()
