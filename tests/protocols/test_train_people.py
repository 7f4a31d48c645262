"""Fewer training people: nested, drawn by seed, and never another tested person."""

import pickle

import pytest

from mebench.config import resolve
from mebench.core import Video
from mebench.errors import ConfigError
from mebench.protocols import PROTOCOLS, People
from mebench.runner import make_plan

CLIPS = [Video("casme2", f"{s:02d}", "EP01", 200.0, 90) for s in range(9)]


def folds_of(n, seed=0, protocol="loso", **params):
    found = PROTOCOLS[protocol]
    return found.draw_folds(People(CLIPS, seed), found.settings(train_people=n, **params))


def training(fold):
    return {*fold.train, *fold.valid}


@pytest.mark.parametrize(("protocol", "params"), [("loso", {}), ("kfold", {"folds": 3})])
def test_train_people_are_nested_and_tested_people_stay(protocol, params):
    few, more, everybody = (folds_of(n, protocol=protocol, **params) for n in (2, 4, "all"))
    for two, four, whole in zip(few, more, everybody, strict=True):
        assert two.test == four.test == whole.test
        assert len(training(two)) == 2
        assert len(training(four)) == 4
        assert training(two) < training(four) < training(whole)
        assert two.valid
        assert two.train


@pytest.mark.parametrize(
    "words", [("protocol=loso",), ("protocol=kfold", "protocol.folds=3", "protocol.train_people=4")]
)
def test_train_people_reach_other_processes(words):
    """A trained model takes its configuration to the processes that predict."""
    config = resolve(["method=random", "dataset=synthetic", *words])
    assert pickle.loads(pickle.dumps(config.protocol_params)) == config.protocol_params


def test_train_people_are_drawn_by_seed():
    assert folds_of(3) == folds_of(3)
    assert [training(fold) for fold in folds_of(3)] != [training(fold) for fold in folds_of(3, seed=1)]


def test_train_people_count_a_person_of_two_datasets_once():
    clips = [Video(dataset, f"{s:02d}", "EP01", 200.0, 90) for dataset in ("casme", "casme2") for s in range(5)]
    people = People(clips, person=lambda subject: type(subject)("one", subject.subject))
    loso = PROTOCOLS["loso"]
    fold = loso.draw_folds(people, loso.settings(train_people=2))[0]
    assert len(training(fold)) == 4
    assert len({people.person(subject) for subject in training(fold)}) == 2


@pytest.mark.parametrize(
    ("n", "message"), [(9, "has to train, 8: give at most that number, or all"), (0, "at least 1, or all, not 0")]
)
def test_train_people_refuse_impossible_numbers(n, message):
    with pytest.raises(ConfigError, match=message):
        folds_of(n)


def test_train_people_are_a_setting_of_every_protocol():
    words = ["method=logistic", "dataset=synthetic", "dataset.preset=tiny", "protocol=kfold", "protocol.folds=2"]
    plan = make_plan(resolve([*words, "protocol.train_people=1"], [], []))
    assert all(len(training(fold)) == 1 for fold in plan.data.folds)
    assert plan.config.values["protocol.train_people"] == 1
    assert "protocol.train_people" not in resolve(words, [], []).values
    assert resolve([*words, "protocol.train_people=all"], [], []).values == resolve(words, [], []).values
    with pytest.raises(ConfigError, match="train_people must be an int or all"):
        resolve([*words, "protocol.train_people=some"], [], [])
