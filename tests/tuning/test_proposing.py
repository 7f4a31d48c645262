"""Trials that only make intervals again know no expression."""

import pytest

from mebench.config import resolve
from mebench.runner import host, make_plan
from mebench.runner.workers import Workers
from mebench.tuning import proposing
from mebench.tuning.run_studies import change_parameters


@pytest.fixture
def proposer():
    proposer = proposing.Proposer(Workers())
    yield proposer
    proposer.close()


def intervals(result):
    return sorted((p.onset, p.offset) for p in result.predictions)


@pytest.mark.processes
def test_Proposer_process_knows_no_expression(toy, proposer):
    """`prying` looks for them in memory, where this process has those of the tested people."""
    plan = make_plan(resolve(toy("method=prying", "dataset.subjects=3")))
    fold = plan.data.folds[0]
    stored = host.execute_fold(plan, fold)
    annotated = sorted((e.onset, e.offset) for video in plan.data.split_videos(fold).test for e in video.expressions)
    assert set(annotated) <= set(intervals(stored))
    for height in (0.1, 0.2):  # the same process makes those of both trials
        trial = change_parameters(plan, {"method.height": height})
        assert set(intervals(proposer.propose(trial, fold, stored, True))) == {(0, 2)}


def test_Proposer_makes_the_intervals_of_a_trial(toy, proposer, monkeypatch):
    monkeypatch.setattr(proposing, "MOST_PROCESSES", 1)
    plan = make_plan(resolve(toy("dataset.subjects=3")))
    first, second = plan.data.folds[:2]
    trial = change_parameters(plan, {"method.p": 0.5})
    for fold in (first, second, first):  # whose process was ended in between
        stored = host.execute_fold(plan, fold)
        moved = proposer.propose(trial, fold, stored, True)
        assert moved.predictions == host.execute_fold(trial, fold, stored).predictions != stored.predictions
