"""The descriptions of settings are whole, and their examples work."""

import shlex
from dataclasses import fields

import pytest

from mebench import config
from mebench.config.setting_descriptions import EXAMPLES, setting_descriptions


def test_setting_descriptions_cover_all_settings_with_sentences():
    names = {field.name for field in fields(config.RunSettings)}
    assert names == EXAMPLES.keys()
    assert len(setting_descriptions()) == len(names)
    assert [key for key, setting in setting_descriptions().items() if len(setting.meaning.split()) < 3] == []


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"plugins"}))
def test_setting_examples_are_understood(name, tmp_path, monkeypatch):
    (tmp_path / "mebench.yaml").write_text("{}")
    monkeypatch.setenv("MEBENCH_CONFIG", str(tmp_path / "mebench.yaml"))
    example = shlex.split(EXAMPLES[name])
    if name == "executor":
        example.append("executor.address=tcp://host:8786")
    elif name == "executor_address":
        example.append("executor=dask")
    elif name == "devices":
        example.append("accelerator=gpu")

    settled = config.resolve(["method=majority", "dataset=casme2", *example])

    default = config.resolve(["method=majority", "dataset=casme2"])
    assert getattr(settled, name) != getattr(default, name)
    assert settled.origins[name] == "command line"
