"""`mebench check METHOD --null`: what it prints, and how it ends; the contract is in `tests/testing/test_folders.py`."""

import json

from tests.helpers.plugin_folders import PLUGINS


def test_check_null_names_a_method_that_knows_labels(mebench, own_folder):
    code, out, err = mebench("check", "cheat", "method.way=host", "--null", "--shuffles", 1, "--plugins", PLUGINS)
    assert code == 1
    assert out.splitlines()[1].split("\t")[:3] == ["recognition", "part1", "20"]
    assert "error: method 'cheat' knows labels that are independent of its input" in err


def test_check_null_of_an_honest_method_says_what_it_omits(mebench, tmp_path):
    report = tmp_path / "report.json"
    code, _, err = mebench("check", "majority", "--null", "--relations")
    assert code == 2
    assert "--null and --relations are two checks: give one of them" in err
    code, out, _ = mebench("check", "majority", "--null", "--shuffles", 2, "--json", report)
    assert code == 0
    assert "in 2 shuffles of the labels, each run twice" in out
    assert "a path written into the plugin" in out
    (first, _) = json.loads(report.read_text())["null"]
    about = json.loads(report.read_text())
    assert (about["method"], about["shuffles"]) == ("majority", 2)
    assert (first["right"], first["most"], first["outside"]) == (8, 8, False)


def test_check_shuffles_needs_null(mebench):
    code, _, err = mebench("check", "majority", "--shuffles", 2)
    assert code == 2
    assert "mebench check majority --null --shuffles 2" in err


def test_check_of_an_unreadable_root_fails(mebench):
    code, out, _ = mebench("check", "casme2", "dataset.root=/nowhere")
    assert code == 3
    assert "skipped videos_are_sorted_and_unique: dataset.root=/nowhere is not a folder" in out


def test_check_of_a_protocol_suggests_a_run(mebench):
    code, _, err = mebench("check", "kfold")
    assert code == 2
    assert err.startswith("error: 'kfold' is a protocol, and only methods and datasets are checked")
    assert err.endswith("mebench run method=random dataset=synthetic dataset.preset=tiny protocol=kfold\n")


def test_run_of_an_unknown_protocol_says_where_it_looks(mebench):
    code, _, err = mebench("run", "method=random", "dataset=synthetic", "protocol=halves")
    assert code == 2
    assert "One of your own is protocols/<name>.py of a folder that --plugins names" in err


def test_check_null_takes_no_dataset(mebench):
    code, _, err = mebench("check", "majority", "dataset=synthetic", "--null")
    assert code == 2
    assert "leave dataset=synthetic out" in err
