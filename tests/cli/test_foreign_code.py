"""A settings file of somebody else runs no code before the user has agreed to it, and only a run does."""

import io
import sys

import pytest

from mebench.config import foreign_code
from mebench.files import find_module_file
from mebench.intake.export import export_record
from tests.helpers.run_folders import make_run

WORDS = (
    "method=ststnet",
    "dataset=synthetic",
    "dataset.preset=tiny",
    "method.epochs=1",
    "protocol=kfold",
    "protocol.folds=2",
)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A settings file that names a callback, whose module leaves a trace when it is imported."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "of_others"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (package / "evil.py").write_text("from lightning import Callback\n\n\nclass X(Callback):\n    pass\n")
    settings = tmp_path / "stranger.yaml"
    settings.write_text("trainer: {callbacks: [{class_path: of_others.evil.X}]}\n")
    yield settings
    for name in [name for name in sys.modules if name.startswith("of_others")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "words",
    [
        ("config", "show"),
        ("features", "explain"),
        ("leaderboard", "known", "--out", "records"),
    ],
)
def test_config_and_features_import_no_class_of_others(mebench, own_folder, stranger, tmp_path, words):
    code, _, error = mebench(*words, *WORDS, "-c", stranger)
    assert code == 0, error
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("words", [("run",), ("run", "--dry-run"), ("run", "-m"), ("tune",)])
def test_run_and_tune_ask_before_they_import(mebench, own_folder, stranger, tmp_path, words):
    code, _, error = mebench(*words, *WORDS, "-c", stranger)
    assert code == 2
    assert "runs code of of_others.evil.X: read this code, then give the command with --yes, once" in error
    assert not (tmp_path / "ran").exists()


def test_run_asks_once_for_the_same_classes(mebench, own_folder, stranger, tmp_path):
    code, _, error = mebench("run", "--dry-run", "--yes", *WORDS, "-c", stranger)
    assert code == 0, error
    assert (tmp_path / "ran").exists()
    assert mebench("run", "--dry-run", *WORDS, "-c", stranger)[0] == 0
    stranger.write_text("trainer: {callbacks: [of_others.evil.X, of_others.evil.Y]}\n")
    code, _, error = mebench("run", "--dry-run", *WORDS, "-c", stranger)
    assert "runs code of of_others.evil.X, of_others.evil.Y" in error


def test_run_takes_words_of_the_user_unasked(mebench, own_folder, stranger):
    code, _, error = mebench("run", "--dry-run", *WORDS, "trainer.callbacks=[of_others.evil.X]")
    assert code == 0, error


def test_renew_runs_no_code_that_a_record_names(mebench, stranger, tmp_path):
    run = make_run(tmp_path / "runs", "r")
    stored = run.read_json("config.json")
    stored["config"]["trainer.callbacks"] = [{"class_path": "of_others.evil.X", "init_args": {}}]
    run.write_json("config.json", stored)
    export_record(run, tmp_path / "records", scored_again=False)
    code, shown, _ = mebench("leaderboard", "renew", "r", "--out", tmp_path / "records", "--json", "-")
    assert code
    assert "its run used code of of_others.evil.X, which is not part of a record" in shown
    assert not (tmp_path / "ran").exists()


def test_find_classes_named_by_files_leaves_out_lightning(stranger, tmp_path):
    stranger.write_text(
        "trainer.logger: '[CSVLogger, ours.Logger]'\n"
        "trainer.callbacks: [lightning.pytorch.callbacks.Timer, {class_path: a.B}]\n"
    )
    assert foreign_code.find_classes_named_by_files([stranger]) == {str(stranger): ["a.B", "ours.Logger"]}


def test_find_module_file_imports_no_package(stranger, tmp_path):
    assert find_module_file("of_others.evil") == tmp_path / "of_others" / "evil.py"
    assert find_module_file("of_others.missing.X") is None
    assert not (tmp_path / "ran").exists()
