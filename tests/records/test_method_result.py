import json

import pytest

from mebench.cli import leaderboard
from mebench.errors import RunError
from mebench.records.method_result import open_result, open_results
from tests.helpers.run_folders import make_run


@pytest.fixture
def runs(tmp_path):
    for seed in (2, 0, 1):
        make_run(tmp_path / "runs", method="spotter", seed=seed, tasks=("recognize",))
    make_run(tmp_path / "runs", method="spotless", tasks=("recognize",))
    return tmp_path / "runs"


def test_open_result_gives_all_seeds_in_order(runs):
    found = open_result(runs, "spotter")
    assert found.seeds == [0, 1, 2]
    assert [folder.id for folder in open_result(runs, found.folders[1].id).folders] == [found.folders[1].id]


def test_open_results_keeps_settings_apart(runs):
    assert [result.seeds for result in open_results(runs, "spot")] == [[0], [0, 1, 2]]


def test_open_results_keeps_two_runs_of_a_seed_apart(runs):
    make_run(runs, "spotter-again", method="spotter", seed=1, tasks=("recognize",))
    assert [result.seeds for result in open_results(runs, "spotter")] == [[0], [1], [1], [2]]


def test_open_result_refuses_runs_of_several_settings(runs):
    with pytest.raises(RunError, match=r"4 runs begin with 'spot': .*the newest.* differ just in the seed"):
        open_result(runs, "spot")


def test_export_writes_a_record_of_each_seed(runs, tmp_path, capsys):
    leaderboard.leaderboard_export_command("spotter", str(runs), out=str(tmp_path / "records"), json="-")
    reports = json.loads(capsys.readouterr().out)
    assert sorted(file.name for file in (tmp_path / "records").iterdir()) == [report["run"] for report in reports]
    assert len(reports) == 3
