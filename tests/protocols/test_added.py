"""Protocols that a folder given with --plugins brings."""

import re

import pytest
from typer.testing import CliRunner

from mebench import protocols
from mebench.cli import app
from mebench.config import registry, resolve
from mebench.errors import ConfigError, PluginError, RunError
from mebench.runner import inputs, make_plan
from tests.helpers.plugin_folders import PLUGINS, copy_plugins

TWO_HALVES = (PLUGINS / "halves" / "protocol.py").read_text()
WORDS = ("method=random", "dataset=synthetic", "dataset.preset=easy", "protocol=halves")


@pytest.fixture
def folder(tmp_path):
    """A folder with `protocols/`; what it brings is forgotten after the test."""
    copy_plugins(tmp_path, "halves")
    known = protocols.PROTOCOLS, protocols.ADDED, protocols.BROKEN
    before = [dict(names) for names in known]
    yield tmp_path
    for names, old in zip(known, before):
        names.clear()
        names.update(old)


def test_added_protocol_file_serves_runs(folder):
    plan = make_plan(resolve([*WORDS, "protocol.first=2"], plugins=[folder]))
    assert (plan.data.folds[0].key, len(plan.data.folds[0].test)) == ("a", 2)
    with pytest.raises(ConfigError, match=r"protocol\.first must be 1 or more, not 0"):
        resolve([*WORDS, "protocol.first=0"], plugins=[folder])


def test_added_protocol_with_other_rules_is_another_run(folder):
    plan = make_plan(resolve(WORDS, plugins=[folder]))
    before = inputs.inputs_of(plan.config, plan.data.dataset, "")
    (folder / "protocols" / "halves.py").write_text(TWO_HALVES + "# said")
    assert inputs.inputs_of(plan.config, plan.data.dataset, "") == before
    (folder / "protocols" / "halves.py").write_text(TWO_HALVES + "edited = 1")
    now = inputs.inputs_of(plan.config, plan.data.dataset, "")
    assert [name for name in now if now[name] != before[name]] == ["code of protocol halves"]


def test_added_protocol_is_read_again_after_an_edit(folder):
    """In a program that goes on, such as a notebook: its folds are those of the file, by which they are kept."""
    file = folder / "protocols" / "halves.py"
    words = [*WORDS, "dataset.subjects=4"]
    assert [len(fold.test) for fold in make_plan(resolve(words, plugins=[folder])).data.folds] == [1, 3]
    file.write_text(TWO_HALVES.replace("first: int = 1", "first: int = 3"))  # as long as before, within the same second
    assert [len(fold.test) for fold in make_plan(resolve(words, plugins=[folder])).data.folds] == [3, 1]
    file.write_text("PROTOCOL = 1 / 0")
    with pytest.raises(PluginError, match=r"protocol 'halves' is broken: .*ZeroDivisionError"):
        resolve(words, plugins=[folder])
    file.write_text(TWO_HALVES)
    assert [len(fold.test) for fold in make_plan(resolve(words, plugins=[folder])).data.folds] == [1, 3]


def test_added_protocol_that_is_broken_leaves_the_others(folder):
    (folder / "protocols" / "crooked.py").write_text("PROTOCOL = 1 / 0")
    (folder / "protocols" / "misnamed.py").write_text(TWO_HALVES)
    (folder / "protocols" / "loso.py").write_text(TWO_HALVES.replace("halves", "loso"))
    registry.add_paths([folder])
    assert protocols.find_protocol("halves").summary == "two halves"
    for name, reason in {
        "crooked": "ZeroDivisionError",
        "misnamed": "called 'misnamed'",
        "loso": "mebench itself and",
    }.items():
        with pytest.raises(PluginError, match=f"protocol '{name}' is broken: .*{reason}"):
            protocols.find_protocol(name)


def test_added_protocol_folder_given_twice_changes_nothing(folder):
    registry.add_paths([folder])
    found = protocols.find_protocol("halves")
    registry.add_paths([folder, folder])
    assert protocols.find_protocol("halves") is found
    assert protocols.BROKEN == {}


def test_list_protocols_shows_added_and_broken_ones(folder):
    (folder / "protocols" / "crooked.py").write_text("PROTOCOL = 1 / 0")
    printed = CliRunner().invoke(app, ["list", "protocols", "--plugins", str(folder)], catch_exceptions=False).stdout
    lines = dict(line.split("\t") for line in printed.splitlines())
    assert lines["halves"] == "two halves"
    assert "loso" in lines
    assert lines["crooked"].startswith("broken: ")
    assert lines["crooked"].endswith("ZeroDivisionError: division by zero")
    card = CliRunner().invoke(app, ["info", "halves", "--plugins", str(folder)], catch_exceptions=False).stdout
    assert "two halves" in card
    assert "protocol.first" in card


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("[]", RunError, "'halves' made no fold: let its function"),
        (
            "[people.fold('a', persons[:1]), people.fold('a', persons[1:])]",
            RunError,
            "'halves' made two folds called 'a'",
        ),
        (
            "[people.fold('a', persons[:2]), people.fold('b', persons[1:3])]",
            RunError,
            "folds 'a' and 'b' of protocol 'halves' both test synthetic/s002, which would count twice",
        ),
        ("None", PluginError, r"'halves' must return a list of Fold, .*, not None \(.*protocols/halves.py, line \d+\)"),
        ("[1]", PluginError, r"'halves' must return a list of Fold, .*, not \[1\] \(.*protocols/halves.py, line \d+\)"),
        ("persons[1 / 0]", PluginError, "'halves' made no folds of 5 people: ZeroDivisionError: division by zero"),
    ],
)
def test_added_protocol_folds_that_cannot_be_scored_are_refused(folder, body, error, message):
    text = re.sub(r"    return \[people.*", f"    return {body}", TWO_HALVES)
    (folder / "protocols" / "halves.py").write_text(text)
    with pytest.raises(error, match=message):
        make_plan(resolve([*WORDS, "dataset.subjects=5"], plugins=[folder]))


def test_added_protocol_of_fold_means_may_test_a_person_twice(folder):
    body = "[people.fold('a', persons[:2]), people.fold('b', persons[1:3])]"
    text = re.sub(r"    return \[people.*", f"    return {body}", TWO_HALVES)
    (folder / "protocols" / "halves.py").write_text(
        text.replace("    Params,\n)", "    Params,\n    scored_each=lambda params: True,\n)")
    )
    assert len(make_plan(resolve([*WORDS, "dataset.subjects=5"], plugins=[folder])).data.folds) == 2
