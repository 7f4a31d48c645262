"""A damaged run is made again from its folds: nothing that is whole is computed twice, and no bit differs."""

import io
import shutil

import pytest
from rich.console import Console

from mebench.config import resolve
from mebench.errors import RunError
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from mebench.runs import RunFolder
from tests.helpers.same_process import stand_in

TABLES = ("predictions.parquet", "clips.parquet", "frame_scores.parquet", "truth.parquet", "videos.parquet")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    stand_in(monkeypatch.setattr)


@pytest.fixture(scope="module")
def kept_runs(tmp_path_factory):
    """The place of the folder of runs with the finished one, which the first test makes."""
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def finished(moody, kept_runs, tmp_path):
    """A finished run of the test's own."""
    runs = tmp_path / "runs"
    if kept_runs.is_dir():
        shutil.copytree(kept_runs, runs)
    else:
        execute(moody())
        shutil.copytree(runs, kept_runs)
    (run,) = RunFolder.list_runs(runs)
    return run


def execute(words, run_id=None):
    """The folder of a run, and what it said."""
    shown = io.StringIO()
    outcome = execute_run(resolve(words), Progress(Console(file=shown, width=500)), run_id)
    return outcome.folder, shown.getvalue()


def contents(folder):
    return {name: (folder.path / name).read_bytes() for name in TABLES}


def times_of_folds(folder):
    return {file: file.stat().st_mtime_ns for file in folder.path.glob("folds/*/fold.json")}


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", ["lost", "zeros", "flipped"])
@pytest.mark.parametrize(
    "name",
    [
        "predictions.parquet",
        "summary.json",
        "truth.parquet",
        "folds.json",
        "features.json",
        "costs.csv",
        "versions.json",
    ],
)
def test_resume_makes_derived_files_again_from_whole_folds(finished, moody, name, damage):
    before, trained = contents(finished), times_of_folds(finished)
    file = finished.path / name
    if damage == "lost":
        file.unlink()
    elif damage == "zeros":
        file.write_bytes(bytes(file.stat().st_size))
    else:
        flip_a_bit(file)
    assert RunFolder(finished.path).list_changed_files() == [name]

    repaired, said = execute(moody(), finished.id)

    assert contents(repaired) == before
    assert times_of_folds(repaired) == trained
    assert repaired.list_changed_files() == []
    assert "the same as before, bit for bit" in said


def test_resume_makes_a_damaged_seal_again(finished, moody):
    before = contents(finished)
    seal = finished.path / "DONE"
    seal.write_bytes(seal.read_bytes()[:100])
    assert RunFolder(finished.path).list_damaged_files() == ["DONE"]
    repaired, _ = execute(moody(), finished.id)
    assert contents(repaired) == before
    assert repaired.list_changed_files() == []


@pytest.mark.parametrize("damage", ["lost", "flipped"])
def test_list_damaged_files_names_a_fold_that_was_touched(finished, damage):
    file = finished.fold_folder("toy/2") / "predictions.parquet"
    if damage == "lost":
        file.unlink()
    else:
        flip_a_bit(file)
    folder = str(file.parent.relative_to(finished.path))
    assert RunFolder(finished.path).list_damaged_files(only_newer=True) == [folder]


def test_run_repairs_a_damaged_run_of_the_same_key(finished, moody):
    """The same command, too, and without the configuration of the run."""
    before, trained = contents(finished), times_of_folds(finished)
    (finished.path / "config.json").unlink()
    (finished.path / "predictions.parquet").unlink()
    repaired, said = execute(moody())
    assert (repaired.path, contents(repaired), times_of_folds(repaired)) == (finished.path, before, trained)
    assert f"run {finished.id} was finished and is damaged: it is made again from its folds" in said


@pytest.mark.parametrize("file", ["fold.json", "predictions.parquet"])
def test_resume_trains_only_folds_that_are_not_whole(finished, moody, file):
    before, trained = contents(finished), times_of_folds(finished)
    broken = finished.fold_folder("toy/2")
    flip_a_bit(broken / file)
    repaired, _ = execute(moody(), finished.id)
    assert contents(repaired) == before
    changed = {file for file, time in times_of_folds(repaired).items() if trained[file] != time}
    assert changed == {broken / "fold.json"}


def test_resume_says_where_a_repaired_run_differs(finished, moody):
    """As after training on another processor: here the seal holds the hash of another table."""
    seal = finished.seal
    finished._seal({**seal, "predictions.parquet": "0" * 64})
    _, said = execute(moody(), finished.id)
    assert f"run {finished.id} is repaired, but predictions.parquet differ from before" in said


def test_resume_continues_a_repair_that_was_stopped(finished, moody):
    before = contents(finished)
    (finished.path / "truth.parquet").unlink()
    finished.reopen()
    shutil.rmtree(finished.fold_folder("toy/1"))
    repaired, said = execute(moody(), finished.id)
    assert contents(repaired) == before
    assert "the same as before, bit for bit" in said
    assert not repaired.is_reopened


def test_open_finished_names_damage_and_the_next_step(finished, tmp_path):
    (finished.path / "predictions.parquet").unlink()
    (finished.path / "clips.parquet").unlink()
    with pytest.raises(RunError) as refused:
        RunFolder.open_finished(tmp_path / "runs", finished.id)
    assert str(refused.value) == (
        f"run {finished.id!r} is damaged (predictions.parquet, clips.parquet): 3 of 3 folds are whole; repair it with: "
        f"mebench resume {finished.path}"
    )


@pytest.mark.parametrize("place", ["../out", "link/../out", "link"])
def test_run_takes_places_however_they_are_spelt(moody, tmp_path, monkeypatch, place):
    """A fold's view of the files holds real paths only."""
    (tmp_path / "here" / "deep").mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "here" / "deep")
    monkeypatch.chdir(tmp_path / "here")
    words = [word for word in moody("sandbox=auto") if not word.startswith("runs=")]
    folder, _ = execute([*words, f"runs={place}"])
    assert folder.done
    assert folder.list_changed_files() == []
