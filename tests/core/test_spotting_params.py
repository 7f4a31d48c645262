"""The options that spotters share."""

from dataclasses import dataclass

import pytest

from mebench.errors import ConfigError
from mebench.spotting import SpottingParams


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"p": 1.2}, r"method\.p must be in \[0, 1\], not 1.2"),
        ({"smoothing": "gausian_1"}, r"gausian_1.*gaussian_1"),
        ({"rule": "pape"}, "paper"),
        ({"interval": "curve"}, "score_curve"),
        ({"threshold": "fixed"}, "relative"),
        ({"anchor": "centre"}, "middle"),
        ({"half_width": 0.0}, r"method\.half_width must be a number above 0, not 0.0"),
        ({"curve_height": 1.0}, r"method\.curve_height must be in \(0, 1\), not 1.0"),
        ({"nms": -0.1}, r"method\.nms must be in \[0, 1\].*not -0.1"),
        ({"baseline": 0.0}, r"method\.baseline must be positive, not 0.0"),
        ({"scales": ()}, r"method\.scales must name one multiple"),
        ({"scales": (1.0, 1.0)}, r"method\.scales must be numbers above 0, each once"),
        ({"scales": (0.0,)}, r"method\.scales must be numbers above 0"),
    ],
)
def test_SpottingParams_refuse_impossible_values(values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        SpottingParams(**values)


def test_SpottingParams_without_windows_has_no_anchor():
    with pytest.raises(ConfigError, match=r"method\.anchor=middle does nothing here"):
        SpottingParams(anchor="middle").without_windows()
    SpottingParams().without_windows()


def test_SpottingParams_of_partial_params_takes_paper_options():
    @dataclass(frozen=True)
    class Few:
        p: float = 0.3
        interval: str = "my own meaning"

    assert SpottingParams.from_params(Few()) == SpottingParams(p=0.3)
    own = SpottingParams(p=0.1, nms=0.2)
    assert SpottingParams.from_params(own) is own
