"""The descriptions of settings are whole, and their examples work."""

import re
import shlex
from dataclasses import fields

import pytest

from mebench import config
from mebench.config.setting_descriptions import setting_descriptions
from mebench.config.settings import EXAMPLE
from mebench.errors import ConfigError

EXAMPLES = {field.name: field.metadata[EXAMPLE] for field in fields(config.RunSettings)}


def test_setting_descriptions_cover_all_settings_with_sentences():
    n_words = {key: len(setting.meaning.split()) for key, setting in setting_descriptions().items()}
    assert len(n_words) == len(EXAMPLES)
    assert [key for key, n in n_words.items() if n < 3] == []


NEEDS = {
    "executor": "executor.address=tcp://host:8786",
    "executor_address": "executor=dask",
    "devices": "accelerator=gpu",
}
"""Settings that are refused without another one."""


def test_setting_examples_are_understood(tmp_path, monkeypatch):
    (tmp_path / "mebench.yaml").write_text("{}")
    monkeypatch.setenv("MEBENCH_CONFIG", str(tmp_path / "mebench.yaml"))
    words = ["method=majority", "dataset=casme2"]
    default = config.resolve(words)
    for name in EXAMPLES.keys() - {"plugins"}:
        settled = config.resolve([*words, *shlex.split(EXAMPLES[name]), *filter(None, [NEEDS.get(name)])])
        assert getattr(settled, name) != getattr(default, name), name
    assert settled.origins[name] == "command line"


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seed=-1", "seed must be in [0, 2**32), not -1"),
        ("workers=0", "workers must be 1 or more, or null for all cores, not 0"),
        ("fold_timeout=0", "fold_timeout must be a number of seconds above 0, or null, not 0.0"),
        ("validation=1", "validation must be a share in [0, 1), not 1.0"),
        ("kinds=[micro,micro]", "kinds must name micro, macro or both, each once, not ['micro', 'micro']"),
    ],
)
def test_settings_out_of_range_are_refused_with_their_range(word, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        config.resolve(["method=majority", "dataset=casme2", word])
