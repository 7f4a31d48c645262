"""What a plugin for an earlier version defines or calls by its former name still works, and is told the new one."""

import numpy as np
import pytest

from mebench.annotations.nested import NestedDataset
from mebench.core import SpottingParams
from mebench.features import MapStep


def test_MapStep_takes_back_for_map_back():
    with pytest.warns(FutureWarning, match=r"Mirror\.back is called map_back now; mebench 0\.5 no longer"):

        class Mirror(MapStep):
            def apply(self, x, landmarks):
                return x[:, ::-1]

            def back(self, heat, landmarks, height, width):
                return heat[:, ::-1]

    heat = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(Mirror().map_back(heat, None, 2, 3), heat[:, ::-1])


def test_NestedDataset_takes_ours_for_belongs_here():
    with pytest.warns(FutureWarning, match=r"Half\.ours is called belongs_here now"):

        class Half(NestedDataset):
            @staticmethod
            def ours(names):
                return "half" in names

    assert Half.belongs_here(("half", "s1"))
    assert not Half.belongs_here(("other", "s1"))


def test_SpottingParams_of_is_from_params():
    params = SpottingParams(p=0.4)
    with pytest.warns(FutureWarning, match=r"SpottingParams\.of is called from_params now"):
        assert SpottingParams.of(params) is params
