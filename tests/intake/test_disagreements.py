"""What a board knows of truths: from the records that it took in, and from the user's own copy of a dataset."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mebench.datasets.synthetic import events

from mebench.cli import leaderboard
from mebench.config import resolve
from mebench.intake import accept, disagreements, export as boards_export, similar_answers
from mebench.intake.accept import find_records, merge_records
from mebench.intake.collect import collect_finished_runs, collect_records
from mebench.intake.record_registry import Registry
from mebench.intake.similar_answers import ALIKE, FEW, OVERLAP, find_similar
from mebench.records.record import read_committed_record
from mebench.runner import make_plan
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from tests.helpers.nightly import by_day
from tests.helpers.outside import flow_maps
from tests.helpers.run_folders import make_run

BOARD = Path(__file__).parents[2] / "leaderboards"
SYNTHETIC = "lbp_chi2-synthetic-loso-seed0-4b7fda15"


@pytest.mark.parametrize(
    "words",
    [
        *by_day(
            [["method=random", "dataset=synthetic"], ["method=majority", "dataset=synthetic"]],
            ["method=random", "dataset=synthetic"],
        ),
        ["method=random", "dataset=synthetic", "dataset.preset=board", "protocol=kfold", "protocol.folds=10"],
        ["method=majority", "dataset=megc2019_flow"],
    ],
)
def test_truth_of_plan_equals_truth_of_committed_records(words):
    maps = [f"dataset.root={flow_maps()}"] if "dataset=megc2019_flow" in words else []
    data, truth = disagreements.truth_of_plan(make_plan(resolve([*words, *maps])))
    assert Registry.read(BOARD).truths[data] == truth
    events.write_script.cache_clear()  # of a board, 50 MB


def test_with_doubts_finds_none_in_committed_records():
    """What leaves one out is in `test_committed`: each passes its check and lacks nothing."""
    registry = Registry.read(BOARD)
    records = [read_committed_record(RunFolder(file.parent)) for file in BOARD.glob("records/*/record.json")]
    assert {record.id for record in records} == registry.records.keys()
    assert {record.doubt for record in disagreements.with_doubts(records, registry)} == {""}


@pytest.fixture
def board(tmp_path):
    shutil.copytree(BOARD / "records" / SYNTHETIC, tmp_path / "sent" / SYNTHETIC)
    return tmp_path / "board"


def doubt_shown(board):
    (record,) = disagreements.with_doubts(collect_records(board / "records"), Registry.read(board))
    return record.doubt


def test_merge_registers_truth_until_known_does(board, capsys):
    (outcome,) = merge_records(find_records(board.parent / "sent"), board / "records")
    ((data, truth),) = Registry.read(board).truths.items()
    assert (outcome.doubt, doubt_shown(board)) == ("", "")
    assert data == "synthetic under loso; spot"
    with Registry.open_for_changes(board) as registry:  # as if that first record had been made up
        registry.truths[data] = ["0" * 16, "1" * 16, "2"]
    assert doubt_shown(board) == "its annotations differ from those known of synthetic"
    leaderboard.leaderboard_known_command(["method=random", "dataset=synthetic"], out=str(board / "records"), json="-")
    assert json.loads(capsys.readouterr().out) == {"data": data, "truth": truth, "former": ["0" * 16, "1" * 16, "2"]}
    assert doubt_shown(board) == ""


def test_with_doubts_marks_record_of_unknown_truth(board):
    shutil.copytree(board.parent / "sent" / SYNTHETIC, board / "records" / SYNTHETIC)
    assert doubt_shown(board) == "the annotations of synthetic under loso; spot are unknown here"
    merge_records(find_records(board / "records"), board / "records")
    assert doubt_shown(board) == ""


def test_with_doubts_marks_two_new_records_of_one_run(tmp_path):
    """As `leaderboard merge` does where both arrive together."""
    for name in ("one", "two"):
        run = make_run(tmp_path / "runs", name)
        boards_export.export_record(run, tmp_path / "sent", scored_again=False)
    outcomes = merge_records(find_records(tmp_path / "sent"), tmp_path / "board" / "records")
    assert [outcome.doubt for outcome in outcomes] == [
        "two has these settings and this seed",
        "one has these settings and this seed",
    ]
    shown = disagreements.with_doubts(collect_records(tmp_path / "board" / "records"), Registry())
    for record, outcome in zip(shown, outcomes, strict=True):
        assert record.id == outcome.id
        assert record.doubt.endswith(f"; {outcome.doubt}")


@pytest.mark.parametrize(
    ("earlier", "copied"),
    [("blink + svm", "emotions"), ("flow + forest", "intervals"), ("flow + svm", "emotions and intervals")],
)
def test_doubt_of_pair_lets_a_method_answer_as_before(tmp_path, earlier, copied):
    """All answers are equal: intervals of the same spotter and emotions of the same recognizer may be."""
    for name, method in (("former", earlier), ("later", "blink + forest")):
        make_run(tmp_path, name, method=method, subjects=12, wrong_every=3)
    former, later = collect_finished_runs(tmp_path)
    doubt = disagreements.doubt_of(later, [former], (), similar_answers.read_answers)
    assert doubt == f"its {copied} are those of former"


def test_registry_keeps_entries_of_two_merges(tmp_path, monkeypatch):
    for name in ("one", "two"):
        boards_export.export_record(make_run(tmp_path / "runs", name, method=name), tmp_path / name, scored_again=False)
    slow = accept.collect_records
    monkeypatch.setattr(accept, "collect_records", lambda *of: [time.sleep(0.3), slow(*of)][1])
    with ThreadPoolExecutor(2) as pool:
        merged = pool.map(
            lambda name: merge_records(find_records(tmp_path / name), tmp_path / "board" / "records"), ("one", "two")
        )
        outcomes = [outcome for found in merged for outcome in found]
        assert [outcome.status for outcome in outcomes] == ["taken", "taken"]
    assert Registry.read(tmp_path / "board").records.keys() == {"one", "two"}


def answers_in(folder):
    """Intervals, and for each clip its truth and its predicted class, of a record."""
    tables = read_tables(RunFolder(folder))
    columns = ["video", "kind", "onset", "offset"]
    return {*map(tuple, tables.predictions[columns].to_numpy())}, tables.clips[["truth", "predicted"]].to_numpy()


def are_alike(one, other):
    """By the definition, of the answers of two records in their order."""
    (spotted, clips), (others, other_clips) = one, other
    truth = clips[:, 0]
    wrong = (clips[:, 1] != truth) | (other_clips[:, 1] != truth)
    names_alike = wrong.sum() >= FEW and (clips[wrong, 1] == other_clips[wrong, 1]).mean() >= ALIKE
    spots_alike = min(len(spotted), len(others)) >= FEW and len(spotted & others) >= OVERLAP * len(spotted | others)
    return names_alike or spots_alike


def test_find_similar_finds_all_pairs_that_are_alike(tmp_path):
    """Compared with every pair: the same runs with some intervals moved and some classes changed."""
    for number, (shift, wrong_every) in enumerate([(0, 3), (0, 2), (1, 3), (2, 2), (9, 50)]):
        make_run(tmp_path, f"run{number}", seed=number, subjects=12, shift=shift, wrong_every=wrong_every)
    records = collect_finished_runs(tmp_path)
    answers = {record.id: answers_in(record.folder) for record in records}
    expected = {
        record.id: {
            other.id
            for other in records
            if other is not record
            and (are_alike(answers[record.id], answers[other.id]) or are_alike(answers[other.id], answers[record.id]))
        }
        for record in records
    }
    assert find_similar(records) == expected
    n_pairs = sum(map(len, expected.values())) // 2
    assert 0 < n_pairs < len(records) * (len(records) - 1) // 2


def test_find_similar_reads_a_record_once(tmp_path, monkeypatch):
    for number in range(2):
        make_run(tmp_path, f"run{number}", seed=number)
    records = collect_finished_runs(tmp_path)
    first = find_similar(records)
    monkeypatch.setattr(similar_answers, "read_answers", None)
    assert find_similar(records) == first
