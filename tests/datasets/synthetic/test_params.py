"""What the dataset accepts, and that its presets are what the card says."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st
from mebench.datasets.synthetic import dataset, params as module

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
        ("expressions", "samm-lv"),
        ("micros", 0.0),
        ("coder_error", -0.1),
        ("camera", 1.0),
    ],
)
def test_Params_refuse_impossible_values_by_key(name, value):
    with pytest.raises(ConfigError, match=rf"dataset\.{name}\b"):
        dataset.Synthetic.Params(**{name: value})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"expressions": "samm-lv"},
            "unknown dataset.expressions 'samm-lv'. Did you mean 'samm_lv'? Known: apart, samm_lv.",
        ),
        ({"micros": 0.0}, "for videos without micro-expressions take dataset.micro_max=0"),
        ({"micros": 4.0, "short_videos": True}, "dataset.micros=4.0 contradicts dataset.short_videos=true"),
        ({"expressions": "samm_lv", "intensity": (0.0, 0.8)}, "must begin above 0"),
        (
            {"expressions": "samm_lv", "intensity": (0.05, 0.8), "frames": 90},
            "a macro-expression of 3.3 s: take at least dataset.frames=123",
        ),
    ],
)
def test_Params_refuse_contradictions(settings, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        dataset.Synthetic.Params(**settings)


@given(fps=st.sampled_from([20.0, 25.0, 30.0, 60.0, 100.0, 200.0]))
def test_Params_accept_proposed_number_of_frames(fps):
    with pytest.raises(ConfigError) as caught:
        dataset.Synthetic.Params(fps=fps, frames=5)
    proposed = int(str(caught.value).rsplit("=", 1)[1])
    assert dataset.Synthetic.Params(fps=fps, frames=proposed).frames == proposed


@pytest.mark.parametrize("name", CONFIG["presets"])
def test_Params_of_presets_are_valid(name):
    assert isinstance(dataset.Synthetic.Params(**CONFIG["presets"][name]), dataset.Synthetic.Params)


def test_Params_default_to_default_preset():
    assert CONFIG["preset"] == "default"
    assert dataset.Synthetic.Params(**CONFIG["params"], **CONFIG["presets"]["default"]) == dataset.Synthetic.Params()


def test_Params_of_presets_get_harder():
    ladder = [dataset.Synthetic.Params(**CONFIG["presets"][name]) for name in ("easy", "default", "medium", "hard")]
    assert [p.intensity for p in ladder] == sorted((p.intensity for p in ladder), reverse=True)
    assert [p.noise for p in ladder] == sorted(p.noise for p in ladder)
