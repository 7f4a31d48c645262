"""What the dataset accepts, and that its presets are what the card says."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mebench.datasets.synthetic import dataset
from mebench.datasets.synthetic import params as module

from mebench.errors import ConfigError

CONFIG = yaml.safe_load(Path(module.__file__).with_name("config.yaml").read_text())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("subjects", 0),
        ("videos", 100),
        ("fps", 0.0),
        ("size", 8),
        ("face", 0.9),
        ("micro_max", -1),
        ("amplitude", -0.1),
        ("speech", 1.5),
        ("noise", float("nan")),
        ("intensity", (0.2, 0.1)),
        ("intensity", (-0.1, 0.1)),
        ("intensity", (0.1, 0.2, 0.3)),
        ("frames", 20),
    ],
)
def test_refuses_what_cannot_be_drawn_and_names_the_key(name, value):
    with pytest.raises(ConfigError, match=rf"dataset\.{name}\b"):
        dataset.Synthetic.Params(**{name: value})


@given(fps=st.sampled_from([20.0, 25.0, 30.0, 60.0, 100.0, 200.0]))
def test_the_number_of_frames_that_the_error_proposes_is_accepted(fps):
    with pytest.raises(ConfigError) as caught:
        dataset.Synthetic.Params(fps=fps, frames=5)
    proposed = int(str(caught.value).rsplit("=", 1)[1])
    assert dataset.Synthetic.Params(fps=fps, frames=proposed).frames == proposed


@pytest.mark.parametrize("name", CONFIG["presets"])
def test_presets_are_valid(name):
    assert isinstance(dataset.Synthetic.Params(**CONFIG["presets"][name]), dataset.Synthetic.Params)


def test_the_defaults_are_the_default_preset():
    assert CONFIG["preset"] == "default"
    assert dataset.Synthetic.Params(**CONFIG["params"], **CONFIG["presets"]["default"]) == dataset.Synthetic.Params()


def test_presets_get_harder():
    ladder = [dataset.Synthetic.Params(**CONFIG["presets"][name]) for name in ("easy", "default", "medium", "hard")]
    assert [p.intensity for p in ladder] == sorted((p.intensity for p in ladder), reverse=True)
    assert [p.noise for p in ladder] == sorted(p.noise for p in ladder)
