"""A score over training people, from runs whose scores are known."""

import json

import numpy as np
import pytest

from mebench.errors import ConfigError
from mebench.reports.learning_curve import draw_curve, read_curve
from mebench.runs import RunFolder


@pytest.fixture
def run_of(tmp_path, monkeypatch):
    """Writes a run folder with what a curve reads: settings, folds and scores."""
    monkeypatch.setattr(
        "mebench.reports.learning_curve.current_summary", lambda folder: folder.read_json("summary.json")
    )

    def write(people, seed, uf1, **settings):
        folder = tmp_path / f"run-{people}-{seed}-{len(settings)}"
        folder.mkdir()
        config = {"method": {"name": "logistic"}, "seed": seed, "protocol.train_people": people, **settings}
        folds = [{"train": [f"s{n}" for n in range(people - 1)], "valid": ["v"]}] * 3
        score = {"value": uf1, "low": uf1 - 0.1, "high": uf1 + 0.1}
        for name, content in (
            ("config.json", {"config": config}),
            ("folds.json", {"folds": folds}),
            ("summary.json", {"recognition": {"scores": {"uf1": score}}}),
        ):
            (folder / name).write_text(json.dumps(content))
        return RunFolder(folder)

    return write


def test_read_curve_means_seeds_and_fits_a_line(run_of):
    scores = {(5, 0): 0.3, (10, 0): 0.4, (20, 0): 0.5, (5, 1): 0.4, (10, 1): 0.44, (20, 1): 0.48}
    curve = read_curve([run_of(people, seed, uf1) for (people, seed), uf1 in scores.items()])
    assert [point.people for point in curve.points] == [5, 10, 20]
    assert curve.points[0].value == pytest.approx(0.35)
    assert curve.points[0].low == pytest.approx(0.2)
    assert curve.points[0].high == pytest.approx(0.5)
    assert (curve.lowest_gain, curve.gain, curve.highest_gain) == pytest.approx((0.04, 0.07, 0.1))
    assert (
        "changes recognition.uf1 by +0.0700 (0.0400 to 0.1000 over 2 seeds); with 40 people, twice as many as 20, it would be about 0.5600"
        in curve.conclusion
    )


def test_read_curve_fits_means_where_no_seed_has_two_numbers(run_of):
    curve = read_curve([run_of(4, 0, 0.2), run_of(8, 1, 0.3)])
    assert curve.gain == pytest.approx(np.polyfit([2, 3], [0.2, 0.3], 1)[0])


def test_draw_curve_has_a_tick_for_each_number(run_of):
    figure = draw_curve(read_curve([run_of(4, 0, 0.2), run_of(8, 0, 0.3)]))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["4", "8"]


def test_read_curve_refuses_runs_that_make_none(run_of):
    first = run_of(4, 0, 0.2)
    with pytest.raises(ConfigError, match="needs two numbers at least"):
        read_curve([first, run_of(4, 1, 0.3)])
    with pytest.raises(ConfigError, match="differs from run-4-0-0 in dataset"):
        read_curve([first, run_of(8, 0, 0.3, dataset="casme2")])
    with pytest.raises(ConfigError, match=r"has no score recognition\.uar"):
        read_curve([first, run_of(8, 0, 0.3)], "recognition.uar")
