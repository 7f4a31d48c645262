"""Several runs as one from Python: ids, objects and folders, and a result like any run's."""

from itertools import product

import pytest

import mebench
from mebench.errors import ConfigError, RunError
from mebench.output.progress import Silent
from tests.helpers.run_folders import make_run

pytestmark = pytest.mark.usefixtures("untracked", "own_folder")


@pytest.fixture
def runs(tmp_path):
    place = tmp_path / "runs"
    return place, [make_run(place, name, method=name, shift=shift) for name, shift in (("first", 0), ("second", 5))]


def combine(members, place, **how):
    return mebench.combine(members, runs=str(place), progress=Silent(), **how)


def test_combine_takes_ids_objects_and_folders(runs):
    place, (first, second) = runs
    made = combine(["first", mebench.load_run(second.path)], place, name="both")
    assert made.fresh
    assert made.id.startswith("both-drawn-loso")
    assert made.scores.loc["spotting.micro.f1", "value"] == made.summary["spotting"]["micro"]["scores"]["f1"]["value"]
    again = combine([first.path, second.path], place, name="both")
    assert (again.id, again.fresh) == (made.id, False)
    assert mebench.load_run(made.path).summary["recognition"] == made.summary["recognition"]
    assert made.config["method.members"] == ["first", "second"]


def test_combine_gives_tables_and_views_of_a_run(runs):
    place, _ = runs
    made = combine(["first", "second"], place, weights=[2, 1])
    assert len(made.clips) == len(made.truth[made.truth["kind"] == "micro"])
    assert made.predictions["confidence"].between(0, 1).all()
    assert made.frame_scores.empty
    assert "combination" in made._repr_html_()
    assert made.plot_timeline() is not None


def test_combine_refuses_unknown_runs_and_rules(runs):
    place, _ = runs
    with pytest.raises(RunError, match="unknown run 'third'"):
        combine(["first", "third"], place)
    with pytest.raises(ConfigError, match="unknown classes 'median'"):
        combine(["first", "second"], place, classes="median")


def test_combine_pairs_all_seeds_of_its_members(tmp_path):
    place = tmp_path / "runs"
    for name, seed in product(("first", "second"), (0, 1)):
        make_run(place, f"{name}-drawn-seed{seed}", method=name, seed=seed, wrong_every=2 + 3 * seed)
    made = combine(["first", "second"], place)
    alone = [combine([f"first-drawn-seed{seed}", f"second-drawn-seed{seed}"], place) for seed in (0, 1)]
    assert [run.id for run in made.runs] == [run.id for run in alone]
    (uf1,) = made.scores[made.scores["score"] == "UF1"].to_dict("records")
    of_seeds = [run.scores.loc["recognition.uf1", "value"] for run in alone]
    assert of_seeds[0] < of_seeds[1]
    assert (uf1["seeds"], uf1["value"]) == ([0, 1], pytest.approx(sum(of_seeds) / 2))
    with pytest.raises(ConfigError, match="the runs have other seeds"):
        combine(["first", "second-drawn-seed1"], place)


def test_combine_says_once_what_all_seeds_leave_out(tmp_path, capsys):
    place = tmp_path / "runs"
    for name, tasks in (("first", ("spot", "recognize")), ("second", ("spot",))):
        for seed in (0, 1):
            make_run(place, f"{name}-drawn-seed{seed}", method=name, seed=seed, tasks=tasks)
    mebench.combine(["first", "second"], runs=str(place))
    assert capsys.readouterr().err.count("not every run does recognition: it is left out") == 1
