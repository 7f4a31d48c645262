"""The plugins that CONTRIBUTING writes out do what it says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mebench import protocols
from mebench.config import registry, resolve
from mebench.core import Video
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from mebench.testing import TINY
from mebench.testing.contracts import check_method
from tests.helpers.run_folders import make_run

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    """The files of the method that learns, as they are printed."""
    files = re.findall(r"^`(methods/nearest_mean/\S+)`\n\n```\w+\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert [Path(name).name for name, _ in files] == ["config.yaml", "params.py", "method.py"]
    for name, text in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_contributing_method_runs_and_keeps_contract(folder, monkeypatch):
    monkeypatch.chdir(folder)
    outcome = execute_run(resolve(["method=nearest_mean", *TINY, "workers=1"], plugins=[folder]), Progress())
    assert outcome.summary["recognition"]["n"] > 0
    registry.add_paths([folder])
    with pytest.raises(AssertionError) as refused:
        check_method("nearest_mean")
    (line,) = str(refused.value).splitlines()
    assert line.startswith("nearest_mean-card_names_the_paper: methods/nearest_mean has no card: write README.md. ")


def test_contributing_verb_prints_and_writes_json(tmp_path):
    (text,) = re.findall(r"```python\n(\"\"\"`mebench hello`.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(text, names)
    run_folder = make_run(tmp_path / "runs", "greeted")
    shown = CliRunner().invoke(names["app"], ["greeted", "--runs", str(tmp_path / "runs")])
    assert (shown.exit_code, shown.stdout) == (0, f"hello {run_folder.id}\n")
    written = CliRunner().invoke(names["app"], ["greeted", "--runs", str(tmp_path / "runs"), "--json", "-"])
    assert json.loads(written.stdout) == {"hello": run_folder.id}


def test_contributing_names_existing_files():
    root = Path(__file__).parent.parent
    named = re.findall(r"(?<![\w/<])((?:[a-z_]+/)+[a-z_]+\.(?:py|md))\b", TEXT.replace("methods/nearest_mean/", ""))
    assert len(named) > 20
    lacking = [name for name in named if not (root / name).is_file()]
    assert [name for name in lacking if not (root / "mebench" / name).is_file()] == []


def test_contributing_takes_twenty_minutes():
    assert len(TEXT.split()) < 200 * 20  # words that one reads in a minute


def test_contributing_protocol_makes_two_folds():
    (text,) = re.findall(r"```python\n(from mebench\.protocols import .*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(text, names)
    protocol = names["PROTOCOL"]
    assert isinstance(protocol, protocols.Protocol)
    clips = [Video("casme2", f"{s:02d}", "EP01", 200.0, 90) for s in range(6)]
    folds = protocol.make(protocols.People(clips), protocol.params())
    assert [len(fold.test) for fold in folds] == [3, 3]


def test_contributing_protocol_test_passes(tmp_path, monkeypatch):
    written = {
        name: re.search(rf"```python\n({start}.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[1]
        for name, start in (
            ("protocols/halves.py", r"from mebench\.protocols import"),
            ("test_halves.py", "from pathlib"),
        )
    }
    (tmp_path / "protocols").mkdir()
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    for names in (protocols.PROTOCOLS, protocols.ADDED):
        monkeypatch.setitem(names, "halves", None)  # so that it is forgotten after the test
        del names["halves"]
    file: dict[str, object] = {"__file__": str(tmp_path / "test_halves.py")}
    exec(written["test_halves.py"], file)
    test = file["test_halves"]
    assert callable(test)
    test()
