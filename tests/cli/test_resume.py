"""`mebench resume`: going on with a run, with other workers or another tracking server than it began with."""

import json
import shutil

import pytest

from mebench.cli import run
from mebench.config import resolve
from mebench.errors import ConfigError, RunError
from mebench.runner import inputs, make_plan
from mebench.runner.session import open_session
from tests.runner.conftest import moody  # noqa: F401  (a fixture)


@pytest.fixture
def begun(moody):  # noqa: F811
    """An unfinished run of seed 3, begun with two workers and 20 draws."""
    session = open_session(make_plan(resolve(moody("seed=3", "workers=2"))))
    session.lock.release()
    return session.folder


def test_resume_may_change_computing_and_scoring(begun, tmp_path, capsys):
    run.resume_command(begun.id[:-3], ["workers=1", "bootstrap=0", "executor=local"], str(begun.path.parent), json="-")
    summary = json.loads(capsys.readouterr().out)
    stored = begun.read_json("config.json")
    assert begun.done
    assert summary["run_id"] == begun.id
    assert summary["bootstrap"]["draws"] == 0
    assert (stored["config"]["workers"], stored["config"]["seed"]) == (1, 3)
    assert stored["origins"]["workers"] == "command line"


def test_resume_finds_a_moved_run_by_its_folder(begun, tmp_path, capsys):
    moved = tmp_path / "elsewhere" / begun.id
    moved.parent.mkdir()
    begun.path.rename(moved)
    run.resume_command(str(moved), [], "runs", json="-")
    assert (moved / "DONE").is_file()


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seed=4", "unknown setting of a resumed run 'seed'.*begin that with mebench run"),
        ("method.trouble=[]", "unknown setting of a resumed run 'method.trouble'"),
        ("worker=4", r"Did you mean 'workers'\?"),
        ("workers=0", "workers must be 1 or more"),
        ("workers", "'workers' is not a key=value word"),
    ],
)
def test_resume_refuses_to_change_what_a_run_is(begun, word, sentence):
    with pytest.raises(ConfigError, match=sentence):
        run.resume_command(begun.id, [word], str(begun.path.parent))
    assert not begun.done


def test_resume_names_a_missing_run(tmp_path):
    with pytest.raises(RunError, match="unknown run 'nothing'"):
        run.resume_command("nothing", [], str(tmp_path))


def test_resume_refuses_edits_that_change_numbers(begun, tmp_path, monkeypatch, capsys):
    """In a copy of the package, which this process takes for its own code; its workers have the package as it is."""
    copy = tmp_path / "copy" / "mebench"
    runs = str(begun.path.parent)
    shutil.copytree(inputs.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(inputs, "PACKAGE", copy)
    edited, reports, rule = copy / "core/chain.py", copy / "cli/doctor.py", copy / "core/peaks.py"
    edited.write_text(edited.read_text() + "# a comment\n")
    reports.write_text(reports.read_text() + "# a comment\n\nanother = 'word'\n")
    whole = rule.read_text()
    rule.write_text(whole + "\nPEAK = 3\n")
    inputs.hash_own_code.cache_clear()
    refused = r"cannot continue: code of mebench/core was \w{8} and is \w{8}, and its folds must not mix with others"
    with pytest.raises(RunError, match=refused):
        run.resume_command(begun.id, [], runs)
    rule.write_text(whole)
    inputs.hash_own_code.cache_clear()
    run.resume_command(begun.id, [], runs, json="-")
    inputs.hash_own_code.cache_clear()

    assert begun.done
    assert json.loads(capsys.readouterr().out)["run_id"] == begun.id


def test_resume_tells_what_differs_from_what(begun):
    stored = begun.read_json("config.json")
    for name, part in (("package numpy", "1.0"), ("annotations", "0" * 16), ("setting seed", 2), ("package gone", "1")):
        before = stored["parts"].get(name, "absent")
        begun.write_json("config.json", {**stored, "parts": {**stored["parts"], name: part}})
        with pytest.raises(RunError, match=f"cannot continue: {name} was {part} and is {before}, and its folds"):
            run.resume_command(begun.id, [], str(begun.path.parent))


def test_resume_refuses_runs_without_noted_parts(begun):
    stored = begun.read_json("config.json")
    parts = stored.pop("parts")
    for noted in ({}, {"parts": None}, {"parts": list(parts)}):  # the last is damaged
        begun.write_json("config.json", {**stored, **noted})
        with pytest.raises(
            RunError,
            match=r"began with a version of mebench that did not record all that its folds depend on.*Start a new run",
        ):
            run.resume_command(begun.id, [], str(begun.path.parent))
