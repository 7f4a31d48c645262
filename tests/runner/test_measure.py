"""How the cost of a whole training is told from a part of it, with a clock of our own."""

from types import SimpleNamespace

import numpy as np
import pytest

import mebench.training
from mebench.config import resolve
from mebench.core import Stage
from mebench.runner import measure
from mebench.runner.plan import make_plan


class Clock:
    """Goes on only when told to."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(measure.time, "perf_counter", lambda: self.now)


class Learner:
    """Two stages; what Lightning calls around an epoch does nothing."""

    def __init__(self):
        self.trainer = SimpleNamespace(should_stop=False)

    def stages(self):
        return Stage("one", 10, 4), Stage("two", 10, 4)

    def on_train_epoch_start(self):
        pass

    def on_train_epoch_end(self):
        pass


@pytest.mark.parametrize(
    ("epochs", "shown", "expected"),
    [
        ([0.09, 0.01, 0.03, 0.02], 4, 0.02),  # the median of the last three
        ([0.09], 1, 0.09),
        ([9.0, 1.0], 1, 9.0),  # then there is no time left
    ],
)
def test_an_epoch_costs_the_median_of_those_after_the_first(monkeypatch, epochs, shown, expected):
    clock, trained = Clock(monkeypatch), []

    def fit(method, train, valid, accelerator, precision):
        (stage,) = method.stages()
        method.trainer.should_stop = False
        for seconds in epochs:
            if not method.trainer.should_stop:
                method.on_train_epoch_start()
                clock.now += seconds
                method.on_train_epoch_end()
                trained.append(stage.name)

    monkeypatch.setattr(mebench.training, "fit", fit)
    method, config = Learner(), SimpleNamespace(accelerator="cpu", precision="32")
    assert measure._train(method, [], [], config) == pytest.approx({"one": expected, "two": expected})
    assert trained == ["one"] * shown + ["two"] * shown
    assert len(method.stages()) == 2 and "on_train_epoch_end" not in vars(method)


def test_a_fold_is_measured_on_a_few_videos_and_scaled_to_all_its_expressions(moody, monkeypatch):
    """Of 14 videos that train, two expressions each, four are shown; prediction is the quicker of two videos."""
    clock, shown, videos = Clock(monkeypatch), [], iter((0.5, 0.25))
    plan = make_plan(resolve(moody("dataset.subjects=8")))

    def train(method, few, valid, config):
        shown.append([v.key for v in few])
        clock.now += 100.0  # which is no part of what follows
        monkeypatch.setattr(method, "fit_closed_form", lambda *_: setattr(clock, "now", clock.now + 3.0))
        return {"one": 2.0}

    monkeypatch.setattr(measure, "TRAINING_BYTES", 1)
    monkeypatch.setattr(measure, "_train", train)
    monkeypatch.setattr(measure, "_predict", lambda plan, method, video: next(videos))
    cost = measure.fold(plan, plan.folds[0], {group: {"map": np.zeros(9)} for group in set(plan.groups.values())})
    assert cost == measure.FoldCost({"one": 2.0 * 14 / 4}, 3.0 * 14 / 4, 0.25)
    assert shown == [["toy/2/v1", "toy/4/v1", "toy/6/v2", "toy/8/v2"]]


def test_the_videos_shown_are_spread_evenly_over_those_with_expressions():
    videos = [SimpleNamespace(name=name, expressions=[None] * (name not in "bd")) for name in "abcdefghi"]
    assert [v.name for v in measure._evenly(videos, 3)] == ["a", "f", "i"]
    assert [v.name for v in measure._evenly(videos, 50)] == list("acefghi")
    assert [v.name for v in measure._evenly(videos[1:2], 3)] == ["b"]
