"""`mebench resume`: going on with a run, with other workers or another tracking server than it began with."""

import json

import pytest

from mebench.cli.run import resume
from mebench.config import resolve
from mebench.errors import ConfigError, RunError
from mebench.runner.plan import make_plan
from mebench.runner.session import open_session
from tests.runner.conftest import moody  # noqa: F401  (a fixture)


@pytest.fixture
def begun(moody):  # noqa: F811
    """An unfinished run of seed 3, begun with two workers and 20 draws."""
    session = open_session(make_plan(resolve(moody("seed=3", "workers=2"))))
    session.close()
    return session.folder


def test_how_it_is_computed_and_scored_may_change(begun, tmp_path, capsys):
    resume(begun.id[:-3], ["workers=1", "bootstrap=0", "executor=local"], str(begun.path.parent), json="-")
    summary = json.loads(capsys.readouterr().out)
    stored = begun.read_json("config.json")
    assert begun.done and summary["run_id"] == begun.id and summary["bootstrap"]["draws"] == 0
    assert (stored["config"]["workers"], stored["config"]["seed"]) == (1, 3)
    assert stored["origins"]["workers"] == "command line"


def test_a_run_that_was_moved_is_found_by_its_folder(begun, tmp_path, capsys):
    moved = tmp_path / "elsewhere" / begun.id
    moved.parent.mkdir()
    begun.path.rename(moved)
    resume(str(moved), [], "runs", json="-")
    assert (moved / "DONE").is_file()


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seed=4", "unknown setting of a run that goes on 'seed'.*begin that with mebench run"),
        ("method.trouble=[]", "unknown setting of a run that goes on 'method.trouble'"),
        ("worker=4", r"Did you mean 'workers'\?"),
        ("workers=0", "workers must be 1 or more"),
        ("workers", "'workers' is not a key=value word"),
    ],
)
def test_what_a_run_is_stays(begun, word, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resume(begun.id, [word], str(begun.path.parent))
    assert not begun.done


def test_a_run_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match="unknown run 'nothing'"):
        resume("nothing", [], str(tmp_path))
