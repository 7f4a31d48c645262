"""Places however they are spelt: runs, cache, root, database, plugins and named files lie where the words say, and only there."""

import io
import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from mebench import cli
from mebench.config import registry, resolve
from mebench.config.resolving import resolve_dataset
from mebench.config.tracking_address import locate_database
from mebench.errors import ConfigError
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from mebench.tracking import send_all
from tests.helpers.empty_trees import write_empty_tree
from tests.helpers.plugin_folders import copy_plugins
from tests.helpers.run_folders import make_run
from tests.helpers.same_process import stand_in

SPELLINGS = {
    "upward": ("../up/{}", "up/{}"),
    "upward behind a link": ("link/../{}", "far/{}"),
    "a link": ("link/{}", "far/deep/{}"),
    "home": ("~/{}", "home/{}"),
    "a variable": ("$HOME/{}", "here/$HOME/{}"),
    "blanks": (" a  b {}", "here/ a  b {}"),
    "quotes": ('it\'s "so" {}', 'here/it\'s "so" {}'),
    "a new line": ("two\nlines {}", "here/two\nlines {}"),
    "signs": ("a=[b],{{c}}#%25 {}", "here/a=[b],{{c}}#%25 {}"),
}
"""A word for a place, and where it lies below the test's folder."""


@pytest.fixture(params=SPELLINGS)
def place(request, own_folder, tmp_path, monkeypatch):
    """Gives a word for a name, and the place that it means."""
    for folder in ("here", "far/deep", "home", "up"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "far" / "deep")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    word, where = SPELLINGS[request.param]
    return lambda name: (word.format(name), tmp_path / where.format(name))


def call(monkeypatch, *words):
    """Runs the command and returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["mebench", *map(str, words)])
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0


def test_run_writes_where_its_places_lie(moody, place, monkeypatch, tmp_path):
    stand_in(monkeypatch.setattr)
    (runs, runs_at), (cache, cache_at), (plugins, plugins_at) = map(place, ("runs", "cache", "mine"))
    words = [word for word in moody() if not word.startswith(("runs=", "cache=", "plugins="))]
    plugins_at.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "mine").rename(plugins_at)
    before = {*tmp_path.rglob("*")}
    settings = resolve([*words, f"runs={runs}", f"cache={cache}"], plugins=[plugins])
    folder = execute_run(settings, Progress(Console(file=io.StringIO()))).folder
    assert folder.path.resolve().parent == runs_at.resolve()
    assert folder.list_changed_files() == []
    new = {path for path in tmp_path.rglob("*") if path not in before}
    ours = (runs_at, cache_at, plugins_at, Path(os.environ["XDG_CACHE_HOME"]))
    strays = [path for path in new if path.is_file() and not any(path.is_relative_to(own) for own in ours)]
    assert strays == []


def test_dataset_root_lies_where_it_is_spelt(place):
    word, where = place("data")
    where.parent.mkdir(parents=True, exist_ok=True)
    write_empty_tree("casme2", where)
    params = resolve_dataset(["dataset=casme2", f"dataset.root={word}"]).dataset_params
    dataset = registry.load_plugin("dataset", "casme2")(params["casme2"])
    video = dataset.videos()[0]
    assert len(dataset.frames(video)) > 0


def test_named_files_are_written_where_they_are_spelt(place, monkeypatch, capsys):
    rows = pd.DataFrame({"subject": ["1", "2"], "video": ["a", "b"], "onset": [5, 5], "offset": [9, 9]})
    for name in ("truth", "found"):
        rows.to_csv(f"{name}.csv", index=False)
    (json_file, json_at), (csv_file, csv_at) = place("it.json"), place("it.csv")
    for folder in (json_at.parent, csv_at.parent):
        folder.mkdir(parents=True, exist_ok=True)
    code = call(
        monkeypatch,
        *("score", "--truth", "truth.csv", "--predictions", "found.csv", "--bootstrap", "0"),
        *("--json", json_file, "--write-predictions", csv_file),
    )
    assert (code, capsys.readouterr().err.count("Traceback")) == (0, 0)
    assert json.loads(json_at.read_text())["spotting"]["micro"]["tp"] == 2
    assert len(pd.read_csv(csv_at)) == 2


def test_plugins_are_found_where_they_are_spelt(place, monkeypatch, capsys):
    word, where = place("mine")
    copy_plugins(where, "moody")
    assert call(monkeypatch, "info", "moody", "--plugins", word) == 0
    first_line, *_ = str(where.resolve() / "methods" / "moody").splitlines()
    assert first_line in capsys.readouterr().out


def test_out_is_written_where_it_is_spelt(place, monkeypatch):
    run = make_run(Path("runs"))
    word, where = place("it.csv")
    where.parent.mkdir(parents=True, exist_ok=True)
    assert call(monkeypatch, "predictions", "export", run.id, "-o", word) == 0
    assert len(pd.read_csv(where)) > 0


def test_locate_database_resolves_every_spelling(place):
    word, where = place("runs.db")
    address, file = locate_database(f"sqlite:///{word}")
    assert file == where.resolve()
    assert address == f"sqlite:///{where.resolve()}"


@pytest.mark.parametrize("place", ["upward behind a link"], indirect=True)
def test_tracking_writes_the_database_where_it_is_spelt(place, blank):
    word, where = place("runs.db")
    where.write_bytes(blank)
    sent = send_all([make_run(Path("runs"))], f"sqlite:///{word}", Progress(Console(file=io.StringIO())), folds=False)
    assert sent.failed == ()
    assert where.read_bytes() != blank
    assert not Path("mlflow.db").exists()


@pytest.mark.parametrize("key", ["runs", "cache", "dataset.root"])
def test_settings_of_refuses_bytes_that_are_no_text(key):
    with pytest.raises(ConfigError, match="bytes that are no text in UTF-8: rename the file or folder"):
        resolve(["method=random", "dataset=synthetic", f"{key}=caf\udce9"])


@pytest.mark.parametrize(
    ("name", "problem"), [("50%", "holds % or ?"), ("a\"b'c", "holds both kinds of quotation marks")]
)
def test_execute_run_says_before_the_folds_what_mlflow_refuses(moody, tmp_path, monkeypatch, name, problem):
    stand_in(monkeypatch.setattr)
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    shown = io.StringIO()
    execute_run(resolve(moody()), Progress(Console(file=shown, width=1000)))
    first_line, *_ = shown.getvalue().splitlines()
    assert "this run will not be sent to MLflow: " in first_line
    assert problem in first_line
    shown = io.StringIO()
    execute_run(resolve(moody("tracking=off", "seed=1")), Progress(Console(file=shown, width=1000)))
    assert problem not in shown.getvalue()
