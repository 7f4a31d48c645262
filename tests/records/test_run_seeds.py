import json

import pytest

from mebench.cli import leaderboard
from mebench.errors import RunError
from mebench.records.run_seeds import open_result
from tests.helpers.run_folders import make_run


@pytest.fixture
def runs(tmp_path):
    for seed in (2, 0, 1):
        make_run(tmp_path / "runs", method="spotter", seed=seed, tasks=("recognize",))
    make_run(tmp_path / "runs", method="spotless", tasks=("recognize",))
    return tmp_path / "runs"


def test_open_result_gives_all_seeds_in_order(runs):
    found = open_result(runs, "spotter")
    assert [folder.read_json("config.json")["config"]["seed"] for folder in found] == [0, 1, 2]
    assert [folder.id for folder in open_result(runs, found[1].id)] == [found[1].id]


def test_open_result_refuses_runs_of_several_settings(runs):
    with pytest.raises(RunError, match="4 runs begin with 'spot', and they differ in more than the seed"):
        open_result(runs, "spot")


def test_export_writes_a_record_of_each_seed(runs, tmp_path, capsys):
    leaderboard.leaderboard_export_command("spotter", str(runs), out=str(tmp_path / "records"), json="-")
    reports = json.loads(capsys.readouterr().out)
    assert sorted(file.name for file in (tmp_path / "records").iterdir()) == [report["run"] for report in reports]
    assert len(reports) == 3
