"""One spotter over several gaps."""

import numpy as np
import pytest

from mebench.core import Chain, SubjectKey, Timing, VideoView, views
from mebench.features import FaceCrop, Flow

TIMING = Timing(200.0, 20, {"micro": 34})


def chains(scale):
    return {"maps": Chain("maps", (FaceCrop(), Flow("dis", k=views.gap_at(20, scale))))}


def test_chains_at_scales_gives_each_its_own_gap():
    found = views.chains_at_scales(chains, (1.0, 0.5, 1.5))
    assert {name: chain.at("pair")[0].k for name, chain in found.items()} == {
        "maps": 20,
        "maps@0.5": 10,
        "maps@1.5": 30,
    }
    assert all(chain.name == name for name, chain in found.items())
    assert found["maps"] == chains(1.0)["maps"]


def test_at_scale_reads_features_under_their_plain_names():
    view = VideoView("d/s/v", SubjectKey("d", "s"), 200.0, 90, TIMING, lambda chain: np.array([chain]), None)
    assert views.at_scale(view, 0.5).features("maps") == ["maps@0.5"]
    assert views.at_scale(view, 1.0) is view


@pytest.mark.filterwarnings("error")
def test_mean_over_scales_ignores_missing_scores():
    short, long = np.array([[1.0], [2.0], [np.nan]]), np.array([[3.0], [np.nan], [np.nan]])
    np.testing.assert_array_equal(views.mean_over_scales([short, long]), [[2.0], [2.0], [np.nan]])
    np.testing.assert_array_equal(views.mean_over_scales([short]), short)
