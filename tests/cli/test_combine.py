"""`mebench combine` prints and writes what the function gives."""

import json

import pytest
from typer.testing import CliRunner

from mebench.cli import app
from tests.helpers.run_folders import make_run

pytestmark = pytest.mark.usefixtures("untracked", "own_folder")


@pytest.fixture
def combine(tmp_path):
    place = tmp_path / "runs"
    for name in ("first", "second"):
        make_run(place, name, method=name)

    def invoke(*words):
        return CliRunner().invoke(app, ["combine", *words, "--runs", str(place)])

    return invoke


def test_combine_prints_scores_of_the_combination(combine):
    done = combine("first", "second", "--weights", "2,1", "--agreement", ".6", "--name", "both")
    assert done.exit_code == 0, done.output
    assert "both" in done.output
    assert "F1" in done.output


def test_combine_writes_json(combine):
    done = combine(
        "first", "second", "--weights", "chosen", "--classes", "vote", "--intervals", "merged", "--json", "-"
    )
    written = json.loads(done.stdout)
    assert written["run_id"].startswith("combination-drawn-loso-seed0-")
    assert written["recognition"]["n"] == 16


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("first",), "a combination needs two runs at least"),
        (("first", "second", "--weights", "1,x"), "--weights '1,x' is neither equal nor chosen"),
        (("first", "second", "--weights", "1,2,3"), "--weights has 3 numbers for 2 runs"),
        (("first", "second", "--overlap", "2"), "--overlap must lie above 0"),
    ],
)
def test_combine_refuses_what_cannot_be_combined(combine, words, message):
    done = combine(*words)
    assert done.exit_code == 1
    assert message in str(done.exception)


@pytest.fixture
def combine_seeds(tmp_path):
    place = tmp_path / "runs"
    for method, wrong_every in (("first", 2), ("second", 3)):
        for seed in (0, 1):
            make_run(place, method=method, seed=seed, wrong_every=wrong_every + seed, tasks=("recognize",))

    def invoke(*words):
        return CliRunner().invoke(app, ["combine", *words, "--runs", str(place)])

    return invoke


def test_combine_pairs_seed_with_seed(combine_seeds):
    done = combine_seeds("first", "second", "--json", "-")
    written = json.loads(done.stdout)
    assert [run["run_id"].rpartition("-")[0] for run in written] == [
        "combination-drawn-loso-seed0",
        "combination-drawn-loso-seed1",
    ]


def test_combine_states_all_seeds_as_one_result(combine_seeds):
    shown = combine_seeds("first", "second").output
    assert "combination (members=[first, second]" in shown
    assert "seeds 0, 1: UF1 " in shown
    assert "95 % interval of the mean [" in shown


def test_combine_refuses_results_of_other_seeds(combine_seeds):
    done = combine_seeds("first", "second-drawn-loso-seed1")
    assert "the runs have other seeds (first: 0, 1; second-drawn-loso-seed1: 1)" in str(done.exception)
