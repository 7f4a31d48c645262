"""Which figures of a study are written, and what they show, read back from matplotlib's objects before they are files."""

from contextlib import nullcontext

import optuna
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from mebench.tuning import outcome, records
from mebench.tuning.space import Dimension, Space
from mebench.tuning.study import SharedStudy, StudyStorage
from tests.tuning.test_study import terms

SPACE = Space(
    (
        Dimension("method.lr", "training", 0.01, low=1e-5, high=0.1, log=True),
        Dimension("method.merge", "postprocess", "none", choices=("none", "near", None, (1, 2))),
        Dimension("method.p", "postprocess", 0.5, low=0.0, high=1.0),
    )
)
F1 = records.Objective("spotting.micro.f1", "maximize")
COST = records.Objective("cost", "minimize")
RECALL = records.Objective("spotting.micro.recall", "maximize")


@pytest.fixture
def figures(copied_databases, tmp_path, monkeypatch):
    """The figures of a study with some objectives by name, after eight trials."""

    def draw(*objectives, **options):
        kept = {}

        def keep(figure, path, **how):
            kept[path.stem] = figure

        def evaluate(values, step):
            for fold in range(3):
                step(values["method.p"] * (fold + 1) / 3)
            return [values["method.p"], values["method.lr"], 1 - values["method.lr"]][: len(objectives)]

        place = StudyStorage.at_url(str(tmp_path / f"{len(objectives)}.db"))
        shared = SharedStudy(place, terms(objectives, SPACE, sampler="random", **options))
        shared.run(8, evaluate, lambda *_: None)
        monkeypatch.setattr(Figure, "savefig", keep)
        monkeypatch.setattr(outcome, "whole_file", nullcontext)  # nothing is written
        files = outcome.write_study_figures(shared.stored, study := shared.read_study(), tmp_path)
        assert [file.stem for file in files] == list(kept)
        return kept, study

    return draw


def test_figures_history_shows_trials_best_and_default(figures):
    drawn, study = figures(F1, pruner="none")
    assert list(drawn) == ["history", "slices", "importance", "folds"][: len(drawn)]
    (axes,) = drawn["history"].axes
    values = [trial.values[0] for trial in study.trials]
    assert axes.collections[0].get_offsets().tolist() == [[n, value] for n, value in enumerate(values)]
    best, default = axes.lines
    assert best.get_ydata().tolist() == [max(values[: n + 1]) for n in range(len(values))]
    assert set(default.get_ydata()) == {study.default.values[0]}
    assert default.get_label() == "default"
    assert axes.get_ylabel() == "spotting.micro.f1"


def test_figures_importance_has_a_bar_for_each_parameter(figures):
    drawn, study = figures(F1, pruner="none")
    (axes,) = drawn["importance"].axes
    shown = {label.get_text(): bar.get_width() for label, bar in zip(axes.get_yticklabels(), axes.patches)}
    assert shown == pytest.approx(dict(study.importance))
    assert len(shown) == 3


def test_figures_slices_show_each_parameter_on_its_scale(figures):
    drawn, study = figures(F1, pruner="none")
    lr, merge, p = drawn["slices"].axes[:3]
    assert (lr.get_xscale(), p.get_xscale()) == ("log", "linear")
    assert [axes.get_xlabel() for axes in (lr, merge, p)] == ["method.lr", "method.merge", "method.p"]
    found = {tuple(point) for point in p.collections[0].get_offsets().tolist()}
    assert found == {(trial.params["method.p"], trial.values[0]) for trial in study.trials}


def test_figures_folds_show_what_pruned_trials_reached(figures):
    drawn, study = figures(F1, pruner="median")
    (axes,) = drawn["folds"].axes
    assert len(axes.lines) == len(study.trials)
    assert any(trial.state == "pruned" for trial in study.trials)


@pytest.mark.parametrize("objectives", [(F1, COST), (F1, COST, RECALL)])
def test_figures_pareto_front_is_of_first_two_objectives(figures, objectives):
    drawn, study = figures(*objectives)
    assert "folds" not in drawn
    (axes,) = drawn["pareto"].axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("spotting.micro.f1", "cost")
    points = {label.get_label(): label.get_offsets().tolist() for label in axes.collections}
    assert {tuple(point) for point in points["Best Trial"]} == {trial.values[:2] for trial in study.pareto_front()}


def test_write_figures_leaves_no_figure_and_no_style(figures):
    before = pyplot.get_fignums(), dict(pyplot.rcParams)
    figures(F1)
    assert (pyplot.get_fignums(), dict(pyplot.rcParams)) == before


def test_write_figures_without_complete_trials_draws_nothing(tmp_path):
    stored = optuna.create_study()
    empty = SharedStudy(StudyStorage.at_url(str(tmp_path / "x.db")), terms((F1,), SPACE)).read_study()
    assert outcome.write_study_figures(stored, empty, tmp_path) == []


def test_front_begins_with_the_best_of_the_first_objective(figures):
    _, study = figures(F1, COST)
    values = [trial.values[0] for trial in study.pareto_front()]
    assert values == sorted(values, reverse=True)
