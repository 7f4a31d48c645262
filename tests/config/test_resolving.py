"""Other values in a typed configuration, the settings at fault in its errors, and the groups of settings."""

from dataclasses import fields

import pytest

from mebench.config import NOT_IN_KEY, RunConfig, RunSettings, from_plain, resolve
from mebench.config.resolving import with_parameters, with_settings
from mebench.config.settings import PLACES, STORED_ORDER, PlaceSettings, ScoringSettings, TrainingSettings, WhatSettings
from mebench.errors import ConfigError

GROUPS = (WhatSettings, TrainingSettings, ScoringSettings, PlaceSettings)


@pytest.fixture
def pair() -> RunConfig:
    """A leaking spotter with a recognizer."""
    return resolve(["method=mean", "recognizer=ststnet", "dataset=synthetic", "audit=leak", "method.p=0.4"])


def test_run_settings_are_the_four_groups():
    names = [f.name for group in GROUPS for f in fields(group)]
    assert sorted(names) == sorted(f.name for f in fields(RunSettings)) == sorted(STORED_ORDER)
    assert len(set(names)) == len(names)


def test_not_in_key_follows_from_the_groups():
    places, scoring = ({f.name for f in fields(group)} for group in (PlaceSettings, ScoringSettings))
    places_of_runs = {key for key in PLACES if "." not in key}
    left_out_of_runs = {key for key in NOT_IN_KEY if "." not in key}
    assert places == places_of_runs
    assert places | scoring == left_out_of_runs


def test_run_config_gives_each_group_alone(pair):
    assert pair.training == TrainingSettings(audit="leak")
    assert pair.what == WhatSettings()
    assert pair.scoring == ScoringSettings()
    assert (type(pair.places), pair.places.runs) == (PlaceSettings, pair.runs)


def test_with_settings_equals_the_typed_values(pair):
    values, origins = {"audit": "guard", "looks": True}, {"audit": "default"}
    changed = with_settings(pair, values, origins)
    typed = from_plain({**pair.values, **values}, {**pair.origins, **origins})
    assert changed == typed
    assert (changed.values, changed.origins) == (typed.values, typed.origins)


def test_with_settings_refuses_what_does_not_go_together(pair):
    with pytest.raises(ConfigError, match="takes the models of an honest run"):
        with_settings(pair, {"degrade": "noise:2"}, {})


def test_with_parameters_equals_the_typed_values(pair):
    changed = with_parameters(pair, {"method.p": 0.7, "recognizer.lr": "1e-3"}, "tuned")
    method, recognizer = {**pair.values["method"], "p": 0.7}, {**pair.values["recognizer"], "lr": "1e-3"}
    origins = pair.origins | dict.fromkeys(("method.p", "recognizer.lr"), "tuned")
    typed = from_plain({**pair.values, "method": method, "recognizer": recognizer}, origins)
    assert changed == typed
    assert (changed.values, changed.origins) == (typed.values, typed.origins)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"method.p": 3.0}, r"method\.p must be in \[0, 1\], not 3\.0 \(tuned\)"),
        ({"recognizer.lr": True, "method.epochs_spot": "x"}, r"method\.epochs_spot must be an int, not 'x' \(tuned\)"),
        ({"recognizer.epochs": 0}, r"recognizer\.epochs must be at least 1, not 0 \(tuned\)"),
    ],
)
def test_with_parameters_refuses_wrong_values(pair, values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        with_parameters(pair, values, "tuned")


@pytest.mark.parametrize(
    ("word", "setting"),
    [
        ("seed=x", "seed"),
        ("method.p=2", "method.p"),
        ("method.q=1", "method.q"),
        ("method.preset=none_of_them", "method.preset"),
        ("executor.address=tcp://a", "executor_address"),
        ("convention=none_of_them", "convention"),
        ("plugins=nowhere", "plugins"),
        ("trainer.callbacks=[NoneOfThem]", "trainer.callbacks"),
    ],
)
def test_resolve_says_which_setting_is_at_fault(word, setting):
    with pytest.raises(ConfigError) as error:
        resolve(["method=mean", "dataset=synthetic", word])
    assert setting in error.value.settings
