"""The run folder: whole files or none, one owner, nothing lost on a full disk."""

import dataclasses
import errno
import json
import os
import random
import re
import shlex
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mebench.core import Prediction, Timing
from mebench.core.peaks import Curve
from mebench.errors import RunError
from mebench.runs import ClipPrediction, FoldResult, RunFolder, folder as module
from mebench.runs.fold_files import read_fold_table, safe_name
from mebench.runs.folder import FILES_OF_FINISHED
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]


def result(key="d/1", shift=0):
    predictions = [Prediction(f"{key}/v1", "micro", 5 + shift, 8 + shift, 10 + shift, 0.5, "fear", (0.75, 0.25))]
    clips = [ClipPrediction(f"{key}/v1", 4, 9, "fear", (0.75, 0.25))]
    scores = {f"{key}/v1": np.array([[0.5], [np.nan]])}
    timings = {"d": Timing(30.0, 3, {"micro": 5})}
    return FoldResult(key, predictions, clips, scores, timings, 7, {"fit_seconds": 1.0}, b"weights")


def raised(error):
    raise error


def claimed(tmp_path, key="0123456789abcdef"):
    run, lock = RunFolder.lock_run(tmp_path / "runs", "mean-toy", key)
    return run, lock


def temporary_files(path):
    return [p for p in Path(path).rglob("*") if p.name.startswith(".writing")]


def test_write_fold_and_merge_return_what_was_written(tmp_path):
    run, _ = claimed(tmp_path)
    run.write_fold(result(), ("micro",))
    assert run.finished_folds() == {"d/1"}
    run.merge_folds(["d/1"])

    row = run.read_table("predictions.parquet").iloc[0]
    assert (row.fold, row.video, row.kind, row.onset, row.apex, row.offset) == ("d/1", "d/1/v1", "micro", 5, 8, 10)
    assert (row.confidence, row.emotion, list(row.probabilities), row.draw) == (0.5, "fear", [0.75, 0.25], 0)
    clip = run.read_table("clips.parquet").iloc[0]
    assert (clip.onset, clip.offset, clip.predicted) == (4, 9, "fear")
    frames = run.read_table("frame_scores.parquet")
    assert frames["frame"].tolist() == [0, 1]
    np.testing.assert_array_equal(frames["score"], [0.5, np.nan])
    record = run.fold_record("d/1")
    assert (record["fold"], record["seed"], record["costs"]) == ("d/1", 7, {"fit_seconds": 1.0})
    assert record["timing"] == {"d": {"fps": 30.0, "k": 3, "k_prime": {"micro": 5}}}
    assert (run.path / "folds" / "d--1" / "model.safetensors").read_bytes() == b"weights"


def test_write_fold_keeps_curves_of_a_method(tmp_path):
    run, _ = claimed(tmp_path)
    curves = {
        "d/1/v2": {"micro": Curve(1, np.array([0.25, 0.5]), -np.inf)},
        "d/1/v1": {"micro": Curve(0, np.ones(1), 0.5)},
    }
    run.write_fold(dataclasses.replace(result("d/1"), curves=curves), ("micro",))
    run.write_fold(dataclasses.replace(result("d/2"), curves={"d/2/v1": {}}), ("micro",))
    run.merge_folds(["d/1", "d/2"])
    assert run.finished_folds() == {"d/1", "d/2"}
    assert run.read_table("curves.parquet").to_dict("split")["data"] == [
        ["d/1", "d/1/v1", 0, "micro", 1.0, 0.5],
        ["d/1", "d/1/v2", 1, "micro", 0.25, -np.inf],
        ["d/1", "d/1/v2", 2, "micro", 0.5, -np.inf],
    ]
    other, _ = claimed(tmp_path / "other")
    other.write_fold(result("d/2"), ("micro",))
    other.merge_folds(["d/2"])
    assert not (other.path / "curves.parquet").exists()


def test_merge_folds_lets_a_table_go_before_it_reads_another(tmp_path, monkeypatch):
    run, _ = claimed(tmp_path)
    n = 100_000
    scores = {"d/1/v1": np.zeros((n, 1))}
    curves = {"d/1/v1": {"micro": Curve(0, np.zeros(n), 0.5)}}
    run.write_fold(dataclasses.replace(result(), frame_scores=scores, curves=curves), ("micro",))
    held = []

    def read_and_note(file):
        held.append(pa.total_allocated_bytes())
        return read_fold_table(file)

    monkeypatch.setattr(module, "read_fold_table", read_and_note)
    run.merge_folds(["d/1"])
    before, *others = held
    assert len(others) == 3
    assert max(others) - before < n  # of at least 8 bytes a row


def test_merge_folds_ignores_the_order_of_finished_folds(tmp_path):
    tables = []
    for name, order in (("a", ("d/1", "d/2")), ("b", ("d/2", "d/1"))):
        run, _ = claimed(tmp_path / name)
        for key in order:
            run.write_fold(result(key), ("micro",))
        run.merge_folds(["d/1", "d/2"])
        tables.append([(run.path / f"{t}.parquet").read_bytes() for t in ("predictions", "clips", "frame_scores")])
    assert tables[0] == tables[1]


def test_merge_sorts_tables(tmp_path):
    """Folds that give their rows in any order, put together in any order: as Python sorts the same rows."""
    run, _ = claimed(tmp_path)
    rows = []
    dice = random.Random(0)
    for key in ("d/1", "d/2"):
        rows += [
            (draw, f"{key}/{video}", kind, onset, onset + length, confidence)
            for draw in (0, 1)
            for video in ("v1", "v2")
            for kind in ("micro", "macro")
            for onset in (5, 50)
            for length in (3, 9)
            for confidence in (0.25, 0.75)
        ]
    dice.shuffle(rows)
    for key in ("d/2", "d/1"):
        mine = [row for row in rows if row[1].startswith(key)]
        predictions = [Prediction(v, kind, on, on, off, c, draw=draw) for draw, v, kind, on, off, c in mine]
        clips = [ClipPrediction(v, on, off, "fear", (0.75, 0.25)) for _, v, _, on, off, _ in mine]
        scores = {f"{key}/{video}": np.array([[1.0, 2.0], [3.0, 4.0]]) for video in ("v2", "v1")}
        given = dataclasses.replace(result(key), predictions=predictions, clips=clips, frame_scores=scores)
        run.write_fold(given, ("micro", "macro"))
    run.merge_folds(["d/2", "d/1"])

    def read(name, *columns):
        table = run.read_table(name)
        return list(zip(*(table[column] for column in columns)))

    columns = ("draw", "video", "kind", "onset", "offset", "confidence")
    assert read("predictions.parquet", *columns) == sorted(rows)
    assert read("clips.parquet", "video", "onset", "offset") == sorted((v, on, off) for _, v, _, on, off, _ in rows)
    expected = [
        (f"{key}/{video}", kind, frame, score)
        for key in ("d/1", "d/2")
        for video in ("v1", "v2")
        for kind, column in (("macro", (2.0, 4.0)), ("micro", (1.0, 3.0)))
        for frame, score in enumerate(column)
    ]
    assert read("frame_scores.parquet", "video", "kind", "frame", "score") == expected


def test_merge_takes_folds_without_predictions(tmp_path):
    run, _ = claimed(tmp_path)
    run.write_fold(dataclasses.replace(result("d/1"), predictions=[], clips=[], frame_scores={}), ("micro",))
    run.write_fold(result("d/2"), ("micro",))
    run.merge_folds(["d/1", "d/2"])
    assert run.read_table("predictions.parquet")["video"].tolist() == ["d/2/v1"]
    run.merge_folds(["d/1"])
    assert len(run.read_table("predictions.parquet")) == 0


def test_write_fold_replaces_the_old_fold_and_its_failure(tmp_path):
    run, _ = claimed(tmp_path)
    run.write_failure("d/1", "no memory")
    assert (run.path / "failed" / "d--1").read_text() == "no memory\n"
    for shift in (0, 3):
        run.write_fold(result(shift=shift), ("micro",))
    assert not (run.path / "failed" / "d--1").exists()
    run.merge_folds(["d/1"])
    assert run.read_table("predictions.parquet")["onset"].tolist() == [8]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_RunFolder_on_a_full_disk_loses_only_the_open_file(tmp_path, monkeypatch, error):
    run, _ = claimed(tmp_path)
    run.write_json("config.json", {"key": "old"})
    run.write_fold(result("d/1"), ("micro",))

    def full(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("mebench.atomic.sync_to_disk", full)
    monkeypatch.setattr(module, "write_fold_files", full)
    for write in (
        lambda: run.write_json("config.json", {"key": "new"}),
        lambda: run.write_fold(result("d/2"), ("micro",)),
        lambda: run.write_fold(result("d/1", shift=9), ("micro",)),
        run.finish,
    ):
        with pytest.raises(RunError, match=rf"cannot write to .*{os.strerror(error)}.*mebench resume {run.path}"):
            write()

    assert run.read_json("config.json") == {"key": "old"}
    assert run.finished_folds() == {"d/1"}
    assert not run.done
    assert temporary_files(run.path) == []
    monkeypatch.undo()
    run.merge_folds(["d/1"])
    assert run.read_table("predictions.parquet")["onset"].tolist() == [5]


def test_write_json_is_readable_line_by_line(tmp_path):
    run = RunFolder(tmp_path)
    run.write_json("config.json", {"seed": 1, "method": {"p": 0.5}})
    assert (tmp_path / "config.json").read_text() == '{\n "seed": 1,\n "method": {\n  "p": 0.5\n }\n}\n'


def test_RunFolder_leaves_no_half_file_after_other_failures(tmp_path, monkeypatch):
    run, _ = claimed(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        run.write_json("summary.json", {"value": float("nan")})
    monkeypatch.setattr(module, "write_fold_files", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
    with pytest.raises(RuntimeError):
        run.write_fold(result(), ("micro",))
    assert run.finished_folds() == set()
    assert temporary_files(run.path) == []


def test_finished_folds_skip_half_written_ones(tmp_path):
    run, _ = claimed(tmp_path)
    half = run.path / "folds" / ".writing-xyz"
    half.mkdir(parents=True)
    (half / "fold.json").write_text(json.dumps({"fold": "d/9"}))
    assert run.finished_folds() == set()


@pytest.mark.parametrize("name", ["predictions.parquet", "frame_scores.parquet", "model.safetensors", "fold.json"])
def test_finished_folds_skip_files_a_power_cut_damaged(tmp_path, name):
    run, _ = claimed(tmp_path)
    run.write_fold(result("d/1"), ("micro",))
    run.write_fold(result("d/2"), ("micro",))
    file = run.path / "folds" / "d--2" / name
    whole = file.read_bytes()
    flipped = whole[:5] + bytes([whole[5] ^ 255]) + whole[6:]
    for content in (b"", whole[:-2], flipped, None):
        file.unlink() if content is None else file.write_bytes(content)
        assert run.finished_folds() == {"d/1"}
    run.write_fold(result("d/2"), ("micro",))
    assert run.finished_folds() == {"d/1", "d/2"}


def test_finished_folds_leave_out_those_of_other_runs(tmp_path):
    one, two = (claimed(tmp_path, key)[0] for key in ("a" * 16, "b" * 16))
    for run, key in ((one, "a" * 16), (two, "b" * 16)):
        run.write_json("config.json", {"key": key})
        run.write_fold(result("d/1"), ("micro",))
    assert two.finished_folds() == {"d/1"}
    shutil.rmtree(two.path / "folds" / "d--1")
    shutil.copytree(one.path / "folds" / "d--1", two.path / "folds" / "d--1")
    assert two.finished_folds() == set()
    assert one.finished_folds() == {"d/1"}


def test_finished_folds_of_trials_bear_the_name_of_their_place(tmp_path):
    one, two = (RunFolder(tmp_path / name) for name in ("one", "two"))
    one.write_fold(result("d/1"), ("micro",))
    one.path.rename(two.path)
    assert two.finished_folds() == set()


def test_finished_folds_take_those_of_older_versions(tmp_path):
    run, _ = claimed(tmp_path)
    run.write_json("config.json", {"key": "a"})
    run.write_fold(result("d/1"), ("micro",))
    record = run.path / "folds" / "d--1" / "fold.json"
    record.write_text(
        json.dumps({name: value for name, value in json.loads(record.read_text()).items() if name != "run"})
    )
    assert run.finished_folds() == {"d/1"}


def test_remove_leftovers_drops_what_a_killed_process_wrote(tmp_path):
    run, _ = claimed(tmp_path)
    run.write_fold(result("d/1"), ("micro",))
    (run.path / "folds" / ".writing-xyz").mkdir()
    (run.path / ".writing-config.json").write_text("{")
    run.remove_leftovers()
    assert temporary_files(run.path) == []
    assert run.finished_folds() == {"d/1"}


def test_add_feature_seconds_sums_over_tries(tmp_path):
    run, _ = claimed(tmp_path)
    run.add_feature_seconds({"d/1/v1": 1.5, "d/2/v1": 2.0}, {})
    run.add_feature_seconds({"d/2/v1": 0.5}, {"d": ["a card"]})
    assert run.read_json("features.json") == {
        "seconds": 4.0,
        "videos": {"d/1/v1": 1.5, "d/2/v1": 2.5},
        "chains": {"d": ["a card"]},
    }


def test_claim_takes_an_unfinished_run_of_the_same_key(tmp_path):
    run, lock = claimed(tmp_path)
    lock.release()
    again, _ = claimed(tmp_path)
    assert again.path == run.path


def test_claim_begins_a_new_run_beside_a_finished_one(tmp_path):
    run, lock = claimed(tmp_path)
    run.write_json("config.json", {"key": run.key})
    run.finish()
    lock.release()
    again, _ = claimed(tmp_path)
    assert run.done
    assert again.id == f"{run.id}.2"


def test_claim_never_reuses_the_number_of_a_removed_run(tmp_path):
    runs = [claimed(tmp_path) for _ in range(11)]
    for run, lock in (runs[0], runs[4], runs[10]):
        run.finish()
        lock.release()
    (first, _), (fifth, _), (last, _) = runs[0], runs[4], runs[10]
    for file in FILES_OF_FINISHED:
        for run in (fifth, last):
            (run.path / file).write_text('{"key": "0123456789abcdef"}')
    shutil.rmtree(first.path)
    finished = RunFolder.all_finished(tmp_path / "runs", "mean-toy", "0123456789abcdef")
    assert [run.id for run in finished] == [last.id, fifth.id]
    runs[6][1].release()
    again, held = claimed(tmp_path)
    assert held.is_locked, "the one that nobody works on goes on"
    assert again.id == runs[6][0].id, "the one that nobody works on goes on"
    assert last.id == f"{first.id}.11"
    assert claimed(tmp_path)[0].id == f"{first.id}.12"


def test_all_finished_leaves_out_runs_that_exchanged_names(tmp_path):
    one, two = (make_run(tmp_path, key=key * 16, method="m") for key in "ab")
    for place, name in ((one, "other"), (two, one.id), (RunFolder(tmp_path / "other"), two.id)):
        place.path.rename(tmp_path / name)
    assert RunFolder(tmp_path / one.id).key == "b" * 16
    assert RunFolder.all_finished(tmp_path, "m-drawn-loso-seed0", "a" * 16) == []


def test_claim_by_two_processes_gives_two_folders(tmp_path):
    first, held = claimed(tmp_path)
    second, _ = claimed(tmp_path)
    assert held.is_locked
    assert second.id == f"{first.id}.2"


def test_claim_of_another_key_is_another_run(tmp_path):
    assert claimed(tmp_path)[0].id != claimed(tmp_path, "fedcba9876543210")[0].id


def test_claim_to_resume_needs_a_free_run(tmp_path):
    run, lock = claimed(tmp_path)
    run.write_json("config.json", {"key": "0123456789abcdef"})
    with pytest.raises(RunError, match=f"another process is working on run '{run.id}'"):
        RunFolder.lock_run(tmp_path / "runs", "mean-toy", "0123456789abcdef", run.id)
    lock.release()
    again, _ = RunFolder.lock_run(tmp_path / "runs", "mean-toy", "0123456789abcdef", run.id)
    assert again.path == run.path


def test_RunFolder_word_is_found_by_a_shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("runs/toy-1", f"{tmp_path}/runs/toy-1"):
        assert RunFolder(Path(place)).quoted_name == "toy-1"
    for place in ("my runs/toy-1", f"{tmp_path}/my runs/toy-1"):
        assert shlex.split(RunFolder(Path(place)).quoted_name) == [place]


def test_open_names_the_nearest_of_unknown_runs(tmp_path):
    run, _ = claimed(tmp_path)
    run.write_json("config.json", {})
    with pytest.raises(RunError, match=f"Did you mean '{run.id}'"):
        RunFolder.open(tmp_path / "runs", run.id[1:])


def test_open_finds_a_run_by_id_its_beginning_or_folder(tmp_path):
    runs = tmp_path / "runs"
    one, longer, other = (RunFolder(runs / name) for name in ("mean-1", "mean-1.2", "random-1"))
    for folder in (one, longer, other):
        folder.path.mkdir(parents=True)
        folder.write_json("config.json", {})
    (runs / "no_run").mkdir()
    assert [folder.id for folder in RunFolder.list_runs(runs)] == ["mean-1", "mean-1.2", "random-1"]
    assert RunFolder.list_runs(tmp_path / "nowhere") == []
    for word, folder in (("mean-1", one), ("mean-1.", longer), ("r", other), (str(one.path), one)):
        assert RunFolder.open(runs, word).path == folder.path
    with pytest.raises(
        RunError, match=r"2 runs begin with 'mean': mean-1, mean-1\.2 \(the newest\)\. Give more of the id"
    ):
        RunFolder.open(runs, "mean")
    with pytest.raises(RunError, match="unknown run 'no_run'"):
        RunFolder.open(runs, "no_run")


def test_claim_names_a_place_that_cannot_hold_runs(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RunError, match=r"cannot be made: .*runs=DIR"):
        claimed(tmp_path)


@pytest.mark.parametrize("damage", [None, "{", "[1"])
def test_read_json_and_read_table_name_damaged_files(tmp_path, damage):
    run, _ = claimed(tmp_path)
    for name, read in (("summary.json", run.read_json), ("truth.parquet", run.read_table)):
        if damage is not None:
            (run.path / name).write_text(damage)
        with pytest.raises(RunError, match=f"{name} cannot be read"):
            read(name)


@pytest.mark.parametrize(
    ("folds", "done", "advice"),
    [
        (0, True, "none of its folds is whole, so remove {} and run again"),
        (0, False, "continue with: mebench resume {}"),
        (2, True, "2 of 2 folds are whole; repair it with: mebench resume {}"),
        (2, False, "continue with: mebench resume {}"),
    ],
)
def test_read_table_advises_removal_only_without_a_whole_fold(tmp_path, folds, done, advice):
    run, _ = claimed(tmp_path)
    for number in range(folds):
        run.write_fold(result(f"d/{number}"), ["micro"])
    if done:
        run.finish()
    with pytest.raises(RunError) as refused:
        run.read_table("folds/d--9/looks.parquet")
    assert str(refused.value).endswith(advice.format(run.path))


def test_read_json_says_whose_a_file_is_that_may_not_be_read(tmp_path, monkeypatch):
    """No right to read it is no damage: neither is it called changed, nor is anything to be removed."""
    run = make_run(tmp_path, sealed=True)
    refuse = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    whole = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, **words: raised(refuse) if path.name == "summary.json" else whole(path, **words)
    )
    with pytest.raises(RunError) as refused:
        run.read_json("summary.json")
    assert str(refused.value) == (
        f"{run.path / 'summary.json'} cannot be read (Permission denied): it belongs to {(run.path).owner()}, who can let you read it"
    )


def test_list_changed_files_refuses_a_disk_that_fails(tmp_path, monkeypatch):
    run = make_run(tmp_path, sealed=True)
    failing = OSError(errno.EIO, os.strerror(errno.EIO))
    monkeypatch.setattr("mebench.runs.folder.file_hash", lambda path: raised(failing))
    with pytest.raises(RunError, match=r"cannot be read \(Input/output error\): check the disk it lies on"):
        run.list_changed_files()


def test_list_runs_says_whose_a_folder_is_that_may_not_be_read(tmp_path, monkeypatch):
    make_run(tmp_path / "runs", "one", sealed=True)
    refuse = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    monkeypatch.setattr("mebench.runs.folder.os.scandir", lambda place: raised(refuse))
    with pytest.raises(RunError, match=r"runs cannot be read \(Permission denied\): it belongs to "):
        RunFolder.list_runs(tmp_path / "runs")


def test_list_damaged_files_says_whose_an_unreadable_fold_is(tmp_path, monkeypatch):
    run = make_run(tmp_path, sealed=True)
    refuse = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(run.path / "folds"))
    monkeypatch.setattr(RunFolder, "_exists", lambda run, name: raised(refuse))
    with pytest.raises(RunError, match=r"folds cannot be read \(Permission denied\): it belongs to "):
        run.list_damaged_files(only_newer=True)


def test_list_broken_runs_names_runs_that_no_list_shows(tmp_path):
    run = make_run(tmp_path / "runs", "one", sealed=True)
    make_run(tmp_path / "runs", "two")
    (run.path / "config.json").unlink()
    (tmp_path / "runs" / "notes").mkdir()
    (reason,) = RunFolder.list_broken_runs(tmp_path / "runs").values()
    assert reason.startswith("run 'one' is damaged (config.json): ")
    with pytest.raises(RunError, match=re.escape(reason)):
        RunFolder.open(tmp_path / "runs", "one")


def test_safe_name_is_unique_for_each_fold():
    assert safe_name("casme2/sub01") == "casme2--sub01"
    assert safe_name("a b/ü:1").startswith("a_b--ü_1-")
    keys = ["s 1", "s_1", "s:1", "a/b", "a--b"]
    assert len({safe_name(key) for key in keys}) == len(keys)


def test_safe_name_holds_where_systems_take_names_for_equal():
    """macOS and Windows do not distinguish capitals, macOS no forms of one letter; Windows has names of devices and cuts dots off."""
    composed, decomposed = "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "Zoe\N{COMBINING DIAERESIS}"
    keys = [
        "d/S1",
        "d/s1",
        "d/ann",
        "d/Ann",
        "d/ANN",
        f"d/{composed}",
        f"d/{decomposed}",
        f"d/{composed.lower()}",
        "nul",
        "part1.",
    ]
    names = [safe_name(key) for key in keys]
    taken_for = {unicodedata.normalize("NFD", name).lower().rstrip(".") for name in names}
    assert len(taken_for) == len(keys)
    assert not taken_for & {"nul", "con"}
    assert not [name for name in names if name.endswith(".")]


def test_fold_folder_stays_that_of_an_earlier_version(tmp_path):
    run = RunFolder(tmp_path / "run")
    former = run.path / "folds" / "d--S1"
    former.mkdir(parents=True)
    assert run.fold_folder("d/S1") == former
    assert run.fold_folder("d/s1").name == "d--s1"
    assert run.fold_folder("d/S2").name == safe_name("d/S2")
    former.rename(former.with_name("d--s1"))  # which macOS would open as d--S1
    assert run.fold_folder("d/S1").name == safe_name("d/S1")


def test_changed_finds_one_flipped_bit_in_any_file(tmp_path):
    run = make_run(tmp_path, sealed=True)
    assert run.seal
    assert run.list_changed_files() == []
    for name in sorted(run.seal):
        file = run.path / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        assert name in run.list_changed_files()
        if name.endswith((".json", ".parquet")):
            with pytest.raises(RunError, match=re.escape(name)):
                run.read_json(name) if name.endswith(".json") else run.read_table(name)
        file.write_bytes(whole)
    assert run.list_changed_files() == []


def flipped(file):
    whole = file.read_bytes()
    file.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])


def test_changed_finds_an_edit_under_the_former_date(tmp_path):
    """Size and date say nothing: clocks are set back, and files are copied with their dates."""
    run = make_run(tmp_path, sealed=True)
    file = run.path / "predictions.parquet"
    before = file.stat()
    flipped(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert RunFolder(run.path).list_changed_files() == ["predictions.parquet"]


def test_changed_is_indifferent_to_dates(tmp_path):
    run = make_run(tmp_path, sealed=True)
    for file in run.path.rglob("*"):
        os.utime(file, (4e9, 4e9))
    assert RunFolder(run.path).list_changed_files() == []


@pytest.mark.parametrize(
    "name", ["predictions.parquet", "truth.parquet", "videos.parquet", "summary.json", "config.json"]
)
def test_seal_is_checked_by_every_verb_that_reads_a_run(mebench, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for method in ("one", "two"):
        make_run(tmp_path / "runs", method, method=method, sealed=True)
    run = tmp_path / "runs" / "one"
    flipped(run / name)
    verbs = (
        ["compare", run, "two"],
        *([["mistakes", run]] if name.endswith(".parquet") else []),  # it reads tables alone
        ["report", run, "-o", "r.html"],
        ["leaderboard", "export", run],
    )
    for words in verbs:
        code, _, err = mebench(*words)
        assert code == 4, words
        assert str(run / name) in err, words
    code, _, err = mebench("leaderboard", "build", "--no-site")
    assert code == 0
    assert "left out: " in err
    assert str(Path("runs", "one", name)) in err


def test_seal_is_parsed_once_while_unchanged(tmp_path, monkeypatch):
    run = make_run(tmp_path, sealed=True)
    read = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda text: read.append(text) or loads(text))
    seal = run.seal
    assert run.seal == seal
    assert len(read) == 1
    (run.path / "DONE").write_text(json.dumps({"sha256": {**seal, "more": "0"}}))
    assert "more" in run.seal
    assert len(read) == 2


def test_seal_of_older_runs_is_empty(tmp_path):
    run = make_run(tmp_path)
    (run.path / "DONE").write_text("")
    summary = run.path / "summary.json"
    summary.write_text(summary.read_text().replace("strict", "strict "))
    assert run.seal == {}
    assert run.list_changed_files() == []
    assert run.read_json("summary.json")
