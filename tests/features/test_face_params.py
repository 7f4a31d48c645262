"""The options of the face crop reach the first step of every chain, and change nothing unless they are set."""

from dataclasses import fields

import pytest
import torch

from mebench.config import registry
from mebench.core import Task, Timing
from mebench.core.options import FilmParams
from mebench.errors import ConfigError
from mebench.features import FaceCrop, FaceParams, Flow, MinMax
from tests.helpers.stand_ins import COMPUTED

SET = {"align": "pose", "track": "frame", "margin": 0.25, "half_size": True, "landmarks": "face.dat"}
METHODS = sorted(
    id_ for id_, info in registry.list_plugins("method").items() if issubclass(registry.params_class(info), FaceParams)
)


OTHERS = {
    "probe": {"size": 150, "margin": 0.1, "color": True},
    "emr": {"size": 320},
    "of_fd": {"size": 256},
    "mdmo": {"margin": 0.1},
}
"""Defaults of methods whose crops are not MEAN's."""


def chains(id_, **options):
    """A method's chains as they are computed."""
    params = registry.params_class(registry.find_plugin("method", id_))(**options)
    method = registry.load_plugin("method", id_)
    with torch.device("meta"):  # no memory for the weights of large networks
        made = method(params, Task(method.tasks, ("micro",), ("one", "other")))
    return list(made.adjusted_chains(Timing(30.0, 3, {"micro": 5})).values())


def crops(id_, **options):
    """The first steps of a method's chains."""
    return {chain.steps[0] for chain in chains(id_, **options)}


def test_FaceParams_have_an_option_for_all_that_users_choose():
    of_steps = {option.name for option in fields(FilmParams)}
    assert set(SET) | of_steps == {option.name for option in fields(FaceParams)}
    assert {"mean", "softnet", "optical_strain", "lbp_chi2", "lbp_top", "bi_woof"} <= set(METHODS)


def test_FaceParams_reach_the_crop_of_every_chain():
    for id_ in METHODS:
        computed, others = COMPUTED.get(id_, {}), OTHERS.get(id_, {})
        assert crops(id_, **computed) == {FaceCrop(**others)}, id_
        assert crops(id_, **computed, **SET) == {FaceCrop(**others | SET)}, id_


def takes(id_, name, value):
    """Whether a method takes a value of an option, or refuses it for another reason."""
    try:
        registry.params_class(registry.find_plugin("method", id_))(**{name: value})
    except ConfigError as refusal:
        return name not in str(refusal)
    return True


@pytest.mark.parametrize(("name", "value"), [("margin", -0.1), ("margin", 3.0), ("align", "pos"), ("track", "video")])
def test_FaceParams_refuse_impossible_options(name, value):
    """Of every method, none of which may forget the check that it inherits."""
    assert [id_ for id_ in METHODS if takes(id_, name, value)] == []


@pytest.mark.parametrize("id_", ["mean", "softnet"])
def test_FaceParams_of_meview_align_by_pose(id_):
    assert registry.find_plugin("method", id_).read_section("datasets")["meview"] == {"align": "pose"}


@pytest.mark.parametrize(
    ("id_", "name", "value", "step"),
    [("mean", "light", "gain", Flow), ("mean", "still", "middle", MinMax), ("linear_spotter", "light", "gain", Flow)],
)
def test_FilmParams_reach_steps_and_leave_others_alone(id_, name, value, step):
    usual, changed = chains(id_), chains(id_, **{name: value})
    assert all(chain.fingerprint() != other.fingerprint() for chain, other in zip(usual, changed))
    for chain, other in zip(usual, changed):
        unconcerned = [s for s in chain.steps if not isinstance(s, step)]
        concerned = [s for s in other.steps if isinstance(s, step)]
        assert [s for s in other.steps if s not in concerned] == unconcerned
        assert {getattr(s, name) for s in concerned} == {value}


def test_FilmParams_refuse_settings_without_effect():
    with pytest.raises(ConfigError, match=r"method\.still=middle does nothing with the features of this method"):
        chains("linear_spotter", still="middle")
