"""What may be searched, and one sentence for everything that may not."""

import dataclasses

import pytest

from mebench.config import resolve
from mebench.config.registry import list_plugins
from mebench.core import Task
from mebench.errors import ConfigError
from mebench.tuning.space import read_space, select_for_task, with_values


@pytest.fixture
def config(toy):
    return resolve(toy())


def test_read_space_takes_the_map_of_the_plugin(config):
    space = read_space(config)
    assert [(d.key, d.acts, d.default) for d in space.dimensions] == [
        ("method.kind", "training", "good"),
        ("method.lr", "training", 0.5),
        ("method.p", "postprocess", 0.2),
        ("method.shift", "postprocess", 0),
    ]
    assert space.find_default() == {"method.kind": "good", "method.lr": 0.5, "method.p": 0.2, "method.shift": 0}
    assert space.reuses_scores
    assert not space.never_trains
    assert read_space(config, acts=["postprocess"]).never_trains


def test_read_space_takes_words_that_choose_and_replace(config):
    space = read_space(config, ["p", "lr={low: 1e-5, high: 1e-2, log: true}", "nap={choices: [0, 0.5]}"])
    lr, nap, p = space.dimensions
    assert (lr.low, lr.high, lr.log, lr.acts) == (1e-5, 1e-2, True, "training")
    assert nap.choices == (0.0, 0.5)
    assert (p.low, p.high, p.acts) == (0.0, 1.0, "postprocess")
    (own,) = read_space(config, ["p={low: 0.4, high: 0.6}"]).dimensions
    assert own.acts == "postprocess", "what the plugin says of it stays"
    assert space.find_default() is None, "lr=0.5 lies outside"


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("q", "unknown parameter of tunable 'q'"),
        ("recognizer.c", "no.* recognizer|none is named"),
        ("nap", "no search map of 'tunable' gives method.nap a range"),
        ("p={low: 0.9, high: 0.1}", "range from low 0.9 to high 0.1 is empty"),
        ("p={low: 0.5, high: 0.5}", "is a single value"),
        ("lr={low: 0.0, high: 1.0, log: true}", "a logarithmic scale has no 0: low must be above 0"),
        ("lr={low: -1, high: 1.0, log: true}", "a logarithmic scale has no -1"),
        ("p={low: 0.5, high: 1.5}", r"method.p must be in \[0, 1\], not 1.5"),
        ("p={low: 0.5}", "method.p.high has no value: add method.p.high="),
        ("p={low: a, high: 1}", "method.p.low must be a float, not 'a'"),
        ("shift={low: 0.5, high: 3}", "method.shift.low must be an int, not 0.5"),
        ("kind={low: 0, high: 1}", r"which has no range: give choices, for example choices: \[good, bad\]"),
        ("p={choices: [0.5, 1.5]}", r"choices: method.p must be in \[0, 1\], not 1.5"),
        ("kind={choices: [good, ugly]}", r"method.kind.choices must be a list of good\|bad, not \['good', 'ugly'\]"),
        ("kind={choices: []}", r"choices must be two or more, each once, not \[\]"),
        ("kind={choices: [good]}", r"must be two or more, each once, not \['good'\]"),
        ("kind={choices: [good, good]}", r"each once, not \['good', 'good'\]"),
        (
            "kind={choices: [good, bad], low: 1}",
            "unknown key 'method.kind.low'. Known: method.kind.acts, method.kind.choices.",
        ),
        ("p={low: 0, high: 1, lag: true}", "unknown key 'method.p.lag'. Did you mean 'method.p.log'"),
        ("p={low: 0, high: 1, acts: postproces}", "Did you mean 'postprocess'"),
        ("p={low: 0, high: 1, step: 2}", r"step 2 does not fit: it must lie in \(0, 1\]"),
        ("lr={low: 0.1, high: 1, log: true, step: 0.1}", "a logarithmic scale has none"),
        ("p=0.5", "must be a map with low and high, or with choices, not 0.5"),
        ("p={low", "is not a YAML map"),
    ],
)
def test_read_space_refuses_a_bad_range_in_one_sentence(config, word, sentence):
    with pytest.raises(ConfigError, match=sentence) as refused:
        read_space(config, [word])
    assert "\n" not in str(refused.value)


def test_read_space_refuses_a_parameter_named_twice(config):
    with pytest.raises(ConfigError, match=r"--param method.p is given 2 times: give it once"):
        read_space(config, ["p", "method.p={low: 0.1, high: 0.2}"])


def test_read_space_widens_to_values_of_the_configuration(toy):
    space = read_space(resolve(toy("method.shift=-20", "method.lr=20.0")))
    found = {d.key: d for d in space.dimensions}
    assert (found["method.shift"].low, found["method.shift"].high) == (-20, 8)
    assert found["method.lr"].high == 20.0
    assert space.find_default() == {"method.kind": "good", "method.lr": 20.0, "method.p": 0.2, "method.shift": -20}


def test_read_space_leaves_out_what_the_configuration_refuses(toy):
    config = resolve(toy("method.kind=bad"))
    space = read_space(config)
    assert [d.key for d in space.dimensions] == ["method.kind", "method.lr", "method.p"]
    assert space.left_out == ("method.shift above 5 needs method.kind=good, not 8",)
    with pytest.raises(ConfigError, match=r"search.shift: method.shift above 5 needs method.kind=good"):
        read_space(config, ["shift"])


def test_select_for_task_without_spotting_drops_postprocessing(config):
    names = Task(frozenset({"recognize"}))
    space = select_for_task(read_space(config), names, named=False)
    assert [d.key for d in space.dimensions] == ["method.kind", "method.lr"]
    assert space.left_out[0] == "method.p acts on frame scores, and this run spots nothing"
    with pytest.raises(ConfigError, match=r"method.p acts on frame scores, and this run spots nothing"):
        select_for_task(read_space(config, ["p", "lr"]), names, named=True)
    assert select_for_task(read_space(config), Task(frozenset({"spot"})), named=True) == read_space(config)


def test_read_space_says_if_nothing_can_be_searched(config, toy):
    with pytest.raises(ConfigError, match="acts on features: choose another --acts"):
        read_space(config, acts=["features"])
    with pytest.raises(ConfigError, match="'majority' names nothing to search"):
        read_space(resolve([*toy()[1:], "method=majority"]))


def test_with_values_makes_a_checked_configuration(config):
    tuned = with_values(config, {"method.p": 0.7, "method.shift": 3})
    assert (tuned.method_params.p, tuned.method_params.shift, tuned.method_params.lr) == (0.7, 3, 0.5)
    assert tuned.origins["method.p"] == "tuned"
    assert config.method_params.p == 0.2
    with pytest.raises(ConfigError, match="must not be 13"):
        with_values(config, {"method.shift": 13})


def test_search_of_every_method_is_sound():
    searched = {
        id_: info.read_section("search") for id_, info in list_plugins("method").items() if info.read_section("search")
    }
    for id_, section in searched.items():
        config = resolve([f"method={id_}", "dataset=synthetic"])
        space = read_space(config)
        lacking = set(section) - {d.key.removeprefix("method.") for d in space.dimensions}
        explained = {why.removeprefix("method.").partition("=")[0] for why in space.left_out}
        assert lacking <= explained, id_
        assert not lacking or id_ == "optical_strain", "the space of its default variant, the others have presets"
        for dimension in space.dimensions:
            name = dimension.key.removeprefix("method.")
            for choice in dimension.choices:
                dataclasses.replace(config.method_params, **{name: choice})
