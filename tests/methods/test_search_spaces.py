"""The search maps of all methods: every value can be taken, and each parameter acts where its map says."""

import dataclasses
import random
from functools import cache

import pytest
import torch

from mebench.config import registry, resolve
from mebench.core import Task, Timing
from mebench.errors import ConfigError
from mebench.runner import host, make_plan
from mebench.testing import TINY, scratch_folder
from mebench.tuning.space import read_space, with_values
from tests.helpers.nightly import NIGHTLY, by_day

METHODS = sorted(registry.list_plugins("method"))
SEARCHED = [id_ for id_ in METHODS if registry.find_plugin("method", id_).read_section("search")]
TIMING = Timing(200.0, 20, {"micro": 34, "macro": 102})


def presets(id_):
    """None, which takes the default, and those of the method."""
    return (None, *registry.find_plugin("method", id_).read_section("presets"))


PRESETS = [(id_, preset) for id_ in SEARCHED for preset in presets(id_)]


@cache
def settled(id_, preset=None):
    return resolve([f"method={id_}", "dataset=synthetic", *([f"method.preset={preset}"] if preset else [])])


@cache
def dimensions(id_, preset=None):
    return read_space(settled(id_, preset)).dimensions


@cache
def space(id_):
    """The default's; what it refuses, such as the smoothing of a variant without any, as a preset takes it."""
    found = {}
    for preset in presets(id_):
        for dimension in dimensions(id_, preset):
            found.setdefault(dimension.key.removeprefix("method."), dimension)
    return found


def takes(id_, preset, **changes):
    try:
        dataclasses.replace(settled(id_, preset).method_params, **changes)
    except ConfigError:
        return False
    return True


def values(dimension):
    return dimension.choices or (dimension.low, dimension.high)


def test_methods_except_chance_have_search_spaces():
    assert set(METHODS) - set(SEARCHED) == {"majority", "random"}


def test_search_spaces_hold_allowed_values():
    """By the default or by one of the presets."""
    for id_ in SEARCHED:
        declared = registry.find_plugin("method", id_).read_section("search")
        for name, one in declared.items():
            for value in one.get("choices") or (one["low"], one["high"]):
                assert any(takes(id_, preset, **{name: value}) for preset in presets(id_)), (id_, name, value)
        assert set(space(id_)) == set(declared), id_


REFUSED = {"mean": 1 / 3}
"""Share of trials, at most: its `preprocessing=softnet` needs landmarks, without which half of its `regions` do."""


@pytest.mark.parametrize(("id_", "preset"), PRESETS)
def test_search_spaces_join_dependent_values(id_, preset):
    """Three refused trials in a row end a study. So `optical_strain` is tuned within a variant, whose space holds what it takes."""
    rng = random.Random(0)
    trials = [
        {d.key.removeprefix("method."): rng.choice(values(d)) for d in dimensions(id_, preset)} for _ in range(100)
    ]
    refused = [trial for trial in trials if not takes(id_, preset, **trial)]
    assert len(refused) <= 100 * REFUSED.get(id_, 0), refused[0]


def test_search_spaces_hold_values_of_presets():
    """So a study begins with them. `c: null`, chosen by cross-validation, lies in no range."""
    for id_, preset in PRESETS:
        own = settled(id_, preset).method_params
        defaults = {name: list(v) if isinstance(v := getattr(own, name), tuple) else v for name in space(id_)}
        outside = [n for n, v in defaults.items() if v is not None and not space(id_)[n].contains(v)]
        assert outside == [], (id_, preset)


@pytest.mark.parametrize("id_", SEARCHED)
def test_search_spaces_mark_parameters_of_features(id_):
    plugin = registry.load_plugin("method", id_)
    task = Task(plugin.tasks, plugin.kinds, ("negative", "positive", "surprise"))
    with torch.device("meta"):  # no memory for the weights of large networks
        method = plugin(settled(id_).method_params, task)

    def chains(params):
        method.params = params
        return {name: chain.fingerprint() for name, chain in method.chains(TIMING).items()}

    changing = set()
    for params in (settled(id_, preset).method_params for preset in presets(id_)):
        before = chains(params)
        for name, dimension in space(id_).items():
            for value in values(dimension):
                try:
                    other = dataclasses.replace(params, **{name: value})
                except ConfigError:  # it does nothing in this preset
                    continue
                if chains(other) != before:
                    changing.add(name)
    acting_on_features = {name for name, dimension in space(id_).items() if dimension.acts == "features"}
    assert changing == acting_on_features


@pytest.mark.parametrize(
    "id_", [id_ for id_ in SEARCHED if "threshold" in registry.find_plugin("method", id_).read_section("search")]
)
def test_learnt_thresholds_hold_people_out(id_):
    plugin = registry.load_plugin("method", id_)
    preset = "peaks" if id_ == "optical_strain" else None  # the variant that has one
    learnt = dataclasses.replace(settled(id_, preset).method_params, threshold="absolute")
    if id_ == "boosting_vrme":  # its extended intervals end at the mean score of the video
        learnt = dataclasses.replace(learnt, intervals="fixed")
    assert plugin.holds_out(learnt)
    assert plugin.looks_at_test_video(frozenset({"spot"}), learnt) == "none"
    assert plugin.looks_at_test_video(frozenset({"spot"}), settled(id_, preset).method_params) == "video"


SPOTTERS = [
    (id_, None)
    for id_ in SEARCHED
    if "spot" in registry.find_plugin("method", id_).tasks
    and any(one["acts"] == "postprocess" for one in registry.find_plugin("method", id_).read_section("search").values())
] + [("optical_strain", "peaks")]
LONGER = {"auw_gcn", "mdmd"}
"""Those that in videos of 60 frames spot nothing, or with all values alike."""
LEARNT = {
    "concat_cnn": {"epochs": 60, "batch_size": 8, "negatives": 8, "lr": 0.01, "patience": 60},
    "sfamnet": {
        "epochs": 4,
        "batch_size": 16,
        "lr": 0.01,
        "level": 0.3,
        "most": 1,
        "busy": 1,
        "shortest": 0.1,
        "longest": 2,
    },
    "of_fd": {"brows": 0.5, "mouth": 0.5, "nose": 0.5, "base": 0.5, "wave": 0.0, "shortest": 0.2, "micro_longest": 0.8},
}
"""Those that spot nothing after one epoch, or in so short videos."""


@pytest.mark.parametrize(
    ("id_", "preset"), by_day(SPOTTERS, ("mean", None), ("mtsn", None), ("optical_strain", "peaks"))
)
def test_search_spaces_postprocess_what_acts_on_stored_scores(id_, preset):
    own = registry.params_class(registry.find_plugin("method", id_))
    names = [field.name for field in dataclasses.fields(own)]
    short = [f"method.{name}={'dis' if name == 'flow' else 1}" for name in names if name.startswith(("epochs", "flow"))]
    config = resolve(
        [
            f"method={id_}",
            *([f"method.preset={preset}"] if preset else []),
            *(*TINY, "dataset.short_videos=false", f"dataset.frames={120 if id_ in LONGER else 60}"),
            *short,
            *(f"method.{name}={value}" for name, value in LEARNT.get(id_, {}).items()),
            f"cache={scratch_folder()}",
            "protocol=loso",
            "seed=0",
        ]
    )
    acting = read_space(settled(id_, preset), acts=["postprocess"]).dimensions
    tuned = {d.key: values(d)[0] if values(d)[0] != d.default else values(d)[1] for d in acting}
    changed = with_values(config, tuned)
    plan, other = make_plan(config), make_plan(changed)
    stored = host.execute_fold(plan, plan.data.folds[0])

    found = host.execute_fold(other, other.data.folds[0], stored).predictions
    assert found != stored.predictions
    if NIGHTLY:  # by day the contract has it of every method, on shorter videos: `what_acts_on_scores_trains_nothing`
        assert found == host.execute_fold(other, other.data.folds[0]).predictions
