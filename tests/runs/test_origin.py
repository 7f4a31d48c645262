"""A run from elsewhere runs its code only after a question; one's own does not ask."""

import io
import sys

import pytest

from mebench import api
from mebench.errors import ConfigError
from mebench.runs import RunFolder, origin
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A run that names a folder of plugins, and what it stores; the user's own secret."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    folder = make_run(tmp_path / "runs", "one")
    content = folder.read_json("config.json")
    content["config"]["plugins"] = [str(tmp_path / "plugins")]
    folder.write_json("config.json", content)
    return folder


def config_of(folder):
    return folder.read_json("config.json")["config"]


def test_is_own_holds_for_this_run_and_this_code(stored, tmp_path):
    assert not origin.is_own(stored, config_of(stored))
    origin.mark_as_own(stored, config_of(stored))
    assert origin.is_own(stored, config_of(stored))
    assert not origin.is_own(stored, {**config_of(stored), "plugins": ["/elsewhere"]})
    called_otherwise = RunFolder(stored.path.rename(tmp_path / "runs" / "two"))
    assert not origin.is_own(called_otherwise, config_of(called_otherwise))


def test_is_own_covers_the_content_of_plugins(stored, tmp_path):
    """A plugin that somebody changed later is other code, even under its name."""
    method = tmp_path / "plugins" / "methods" / "one" / "method.py"
    method.parent.mkdir(parents=True)
    method.write_text("honest = True")
    origin.mark_as_own(stored, config_of(stored))
    assert origin.question_about_code(stored) == ""
    (method.parent / "notes.txt").write_text("no code")
    assert origin.is_own(stored, config_of(stored))
    method.write_text("honest = False")
    assert not origin.is_own(stored, config_of(stored))
    assert "the code of run one has changed since you began it or agreed to it" in origin.question_about_code(stored)
    method.write_text("honest = True")
    (method.parent / "more.py").touch()
    assert not origin.is_own(stored, config_of(stored))


def test_is_own_takes_no_proof_of_names_alone(stored):
    """As version 0.3.0 wrote it, and as somebody could whom the secret was readable for."""
    origin.mark_as_own(stored, config_of(stored))
    of_names, _ = (stored.path / origin.ORIGIN_FILE).read_text().split()
    (stored.path / origin.ORIGIN_FILE).write_text(of_names)
    assert not origin.is_own(stored, config_of(stored))


def test_is_own_needs_the_secret_of_the_user(stored, tmp_path, monkeypatch):
    origin.mark_as_own(stored, config_of(stored))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert not origin.is_own(stored, config_of(stored))


def test_code_of_run_leaves_out_lightning():
    callbacks = [
        {"class_path": name, "init_args": {}} for name in ("lightning.pytorch.callbacks.Timer", "ours.Callback")
    ]
    assert origin.code_of_run({"trainer.callbacks": callbacks, "trainer.logger": True}) == ["ours.Callback"]
    assert origin.code_of_run({"plugins": [], "trainer.max_epochs": 3}) == []


def test_resume_asks_before_it_runs_code_of_others(mebench, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    code, _, error = mebench("resume", "one", "--runs", tmp_path / "runs")
    assert code == 2
    assert f"was not begun by you on this machine, and it runs code of {tmp_path / 'plugins'}" in error
    assert "--yes" in error
    _, _, error = mebench("resume", "one", "--yes", "--runs", tmp_path / "runs")
    assert "was not begun" not in error
    assert origin.is_own(stored, config_of(stored))


USES = {
    "predict": ("predict", "one", "dataset=synthetic"),
    "spot": ("spot", ".", "--run", "one"),
    "live": ("spot", "--live", "no.mp4", "--run", "one"),
    "degrade": ("degrade", "one"),
    "export": ("model", "export", "one", "-o", "one.safetensors", "--fold", "s0"),
    "faces": ("report", "one", "--faces"),
}
"""Commands that need the method of a run."""


@pytest.mark.parametrize("words", USES.values(), ids=USES)
def test_models_of_run_ask_before_they_import_plugins(mebench, own_folder, stored, tmp_path, monkeypatch, words):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    code, _, error = mebench(*words, "--runs", tmp_path / "runs")
    assert code == 2
    assert f"it runs code of {tmp_path / 'plugins'}: read this code, then give the command with --yes, once" in error
    _, _, error = mebench(*words, "--yes", "--runs", tmp_path / "runs")
    assert "was not begun" not in error
    assert origin.is_own(stored, config_of(stored))
    _, _, error = mebench(*words, "--runs", tmp_path / "runs")
    assert "was not begun" not in error


def test_spot_in_python_refuses_plugins_of_others(stored, tmp_path):
    (tmp_path / "film").mkdir()
    run = api.load_run(stored.path)
    with pytest.raises(ConfigError, match=r"was not begun by you on this machine.*trusted=True"):
        api.spot(tmp_path / "film", run)
    with pytest.raises(ConfigError, match="no plugins at"):
        api.spot(tmp_path / "film", run, trusted=True)


def test_question_about_code_counts_callbacks_in_training_only(stored):
    callbacks = [{"class_path": "ours.Callback", "init_args": {}}]
    content = stored.read_json("config.json")
    content["config"] |= {"plugins": [], "trainer.callbacks": callbacks}
    stored.write_json("config.json", content)
    assert "it runs code of ours.Callback" in origin.question_about_code(stored)
    assert not origin.question_about_code(stored, trains=False)


def test_code_of_run_names_objects_of_every_class():
    spec = {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {}, "object": "a1"}
    config = {"trainer.callbacks": [spec], "trainer.profiler": {**spec, "class_path": "mine.Profiler"}}
    assert origin.code_of_run(config) == [
        "lightning.pytorch.callbacks.EarlyStopping (object a1)",
        "mine.Profiler (object a1)",
    ]


def test_resume_in_python_refuses_code_of_others(stored, tmp_path):
    with pytest.raises(ConfigError, match=r"was not begun by you on this machine.*trusted=True"):
        api.resume("one", runs=str(tmp_path / "runs"))
