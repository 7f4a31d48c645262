"""A score over training people, from runs of drawn answers."""

import numpy as np
import pytest

from mebench.boards.row_scores import mean_summary
from mebench.errors import ConfigError
from mebench.reports.learning_curve import draw_curve, gain_of_doubling, read_curve
from mebench.runs.scoring import read_tables
from mebench.score_type import Score
from tests.helpers.run_folders import SUBJECTS, make_run


@pytest.fixture
def run_of(tmp_path):
    """Makes a run of some training people, with a wrong answer at every so-manieth clip."""

    def make(people, seed, wrong_every=3, **settings):
        tested = [f"drawn/{number:02d}" for number in range(SUBJECTS)]
        trained = [f"drawn/other{number}" for number in range(people - 1)]
        folds = [{"fold": person, "train": trained, "valid": ["drawn/v"], "test": [person]} for person in tested]
        varied = {"protocol": {"name": "loso", "train_people": people}, **settings}
        name = f"run-{people}-{seed}-{len(settings)}"
        return make_run(tmp_path, name, seed=seed, wrong_every=wrong_every, settings=varied, folds=folds)

    return make


def uf1_of(folder):
    return folder.read_json("summary.json")["recognition"]["scores"]["uf1"]


def test_read_curve_means_seeds_and_fits_a_line(run_of):
    answers = {(5, 0): 2, (10, 0): 3, (20, 0): 4, (5, 1): 3, (10, 1): 4, (20, 1): 5}
    runs = {key: run_of(*key, wrong_every) for key, wrong_every in answers.items()}
    curve = read_curve([*runs.values()])
    values = {key: uf1_of(folder)["value"] for key, folder in runs.items()}
    assert [point.people for point in curve.points] == [5, 10, 20]
    assert curve.points[0].value == pytest.approx((values[5, 0] + values[5, 1]) / 2)
    slopes = [np.polyfit(np.log2([5, 10, 20]), [values[n, seed] for n in (5, 10, 20)], 1)[0] for seed in (0, 1)]
    assert (curve.lowest_gain, curve.gain, curve.highest_gain) == pytest.approx(
        (min(slopes), np.mean(slopes), max(slopes))
    )
    assert "over 2 seeds); with 40 people, twice as many as 20, it would be about" in curve.conclusion


def test_read_curve_has_the_interval_that_boards_have(run_of):
    runs = [run_of(5, 0, 2), run_of(5, 1, 3), run_of(10, 0, 4)]
    several, single = read_curve(runs).points
    about = runs[0].read_json("folds.json")
    config = runs[0].read_json("config.json")["config"]
    of_mean = mean_summary([read_tables(folder) for folder in runs[:2]], about, config, "strict")
    expected = of_mean["recognition"]["scores"]["uf1"]
    assert (several.low, several.high) == (expected["low"], expected["high"])
    assert several.score == Score(pytest.approx(expected["value"]), several.low, several.high)
    assert single.score == Score.from_plain(uf1_of(runs[2]))


def test_read_curve_follows_one_dataset_of_several(run_of, tmp_path):
    members = {"members": ("drawn", "other"), "subjects": 6}
    folds = {n: [{"fold": "a", "train": ["x"] * n, "valid": [], "test": ["drawn/00"]}] for n in (2, 4)}
    runs = [
        make_run(tmp_path, f"r{n}-{seed}", seed=seed, shift=3 * seed, folds=folds[n], **members)
        for n, seed in ((2, 0), (2, 1), (4, 0))
    ]
    curve = read_curve(runs, "members.other.spotting.micro.f1")
    values = [
        run.read_json("summary.json")["members"]["other"]["spotting"]["micro"]["scores"]["f1"]["value"] for run in runs
    ]
    assert [point.value for point in curve.points] == pytest.approx([np.mean(values[:2]), values[2]])


def test_read_curve_fits_means_where_no_seed_has_two_numbers(run_of):
    runs = run_of(4, 0, 2), run_of(8, 1, 3)
    means = [uf1_of(folder)["value"] for folder in runs]
    assert read_curve(runs).gain == pytest.approx(np.polyfit([2, 3], means, 1)[0])


def test_gain_of_doubling_is_the_step_between_two_numbers():
    assert gain_of_doubling({4: 0.25, 8: 0.375}) == pytest.approx(0.125)


def test_draw_curve_has_a_tick_for_each_number(run_of):
    figure = draw_curve(read_curve([run_of(4, 0), run_of(8, 0)]))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["4", "8"]


def test_read_curve_refuses_runs_that_make_none(run_of):
    first = run_of(4, 0)
    with pytest.raises(ConfigError, match="needs two numbers at least"):
        read_curve([first, run_of(4, 1)])
    with pytest.raises(ConfigError, match="differs from run-4-0-0 in validation"):
        read_curve([first, run_of(8, 0, validation=0.3)])
    with pytest.raises(ConfigError, match=r"has no score recognition\.f2"):
        read_curve([first, run_of(8, 0)], "recognition.f2")
