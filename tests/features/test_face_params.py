"""The options of the face crop reach the first step of every chain, and change nothing unless they are set."""

from dataclasses import fields

import pytest
import torch

from mebench.config import registry
from mebench.core import Task, Timing
from mebench.errors import ConfigError
from mebench.features import FaceCrop, FaceParams
from tests.helpers.stand_ins import COMPUTED

SET = {"align": "pose", "track": "frame", "margin": 0.25, "half_size": True, "landmarks": "face.dat"}
METHODS = sorted(
    id_ for id_, info in registry.list_plugins("method").items() if issubclass(registry.params_class(info), FaceParams)
)


OTHERS = {"emr": {"size": 320}, "of_fd": {"size": 256}, "mdmo": {"margin": 0.1}}
"""Defaults of methods whose crops are not MEAN's."""


def crops(id_, **options):
    """The first steps of a method's chains."""
    params = registry.params_class(registry.find_plugin("method", id_))(**options)
    method = registry.load_plugin("method", id_)
    with torch.device("meta"):  # no memory for the weights of large networks
        made = method(params, Task(method.tasks, ("micro",), ("one", "other")))
    return {chain.steps[0] for chain in made.chains(Timing(30.0, 3, {"micro": 5})).values()}


def test_FaceParams_have_an_option_for_all_that_users_choose():
    assert set(SET) == {option.name for option in fields(FaceParams)}
    assert {"mean", "softnet", "optical_strain", "lbp_chi2", "lbp_top", "bi_woof"} <= set(METHODS)


@pytest.mark.parametrize("id_", METHODS)
def test_FaceParams_reach_the_crop_of_every_chain(id_):
    computed, others = COMPUTED.get(id_, {}), OTHERS.get(id_, {})
    assert crops(id_, **computed) == {FaceCrop(**others)}
    assert crops(id_, **computed, **SET) == {FaceCrop(**others | SET)}


@pytest.mark.parametrize("wrong", [{"margin": -0.1}, {"margin": 3.0}, {"align": "pos"}, {"track": "video"}])
@pytest.mark.parametrize("id_", METHODS)
def test_FaceParams_refuse_impossible_options(id_, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        registry.params_class(registry.find_plugin("method", id_))(**wrong)


@pytest.mark.parametrize("id_", ["mean", "softnet"])
def test_FaceParams_of_meview_align_by_pose(id_):
    assert registry.find_plugin("method", id_).section("datasets")["meview"] == {"align": "pose"}
