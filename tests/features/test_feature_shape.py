"""Shapes of features without a clip: those that papers and cards state."""

import pytest

from mebench.core import Chain
from mebench.features.faces import FaceCrop
from mebench.features.feature_shape import shape_of_feature
from mebench.features.flow import Flow, FlowImage, FlowVolume, Strain
from mebench.features.orientation import Hoof
from mebench.features.top import LbpTop

CROP = FaceCrop(size=64)


@pytest.mark.parametrize(
    ("steps", "shape"),
    [
        ((CROP, Flow()), (64, 64, 2)),
        ((CROP, Flow(), Strain(), FlowImage(size=28)), (28, 28, 3)),
        ((CROP, LbpTop()), (5, 5, 3 * 59)),
        ((CROP, Flow(), Hoof()), (6, 6, 8)),
    ],
)
def test_shape_of_feature_is_that_of_the_last_step(steps, shape):
    assert shape_of_feature(Chain("it", steps, scope="clips")) == shape


class Motion(FlowVolume):
    def apply(self, crops):
        raise AssertionError("flow takes seconds")


@pytest.mark.parametrize("steps", [(), (Flow(),), (CROP, Flow(), FlowImage(size=28)), (CROP, Motion())])
def test_shape_of_feature_is_unknown_before_a_clip(steps):
    assert shape_of_feature(Chain("it", steps, scope="clips")) is None
