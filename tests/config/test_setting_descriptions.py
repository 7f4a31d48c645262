"""The descriptions of settings are whole, and their examples work."""

import shlex
from dataclasses import fields

from mebench import config
from mebench.config.setting_descriptions import EXAMPLES, setting_descriptions


def test_setting_descriptions_cover_all_settings_with_sentences():
    names = {field.name for field in fields(config.RunSettings)}
    assert names == EXAMPLES.keys()
    n_words = {key: len(setting.meaning.split()) for key, setting in setting_descriptions().items()}
    assert len(n_words) == len(names)
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
