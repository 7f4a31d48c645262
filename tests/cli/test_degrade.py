"""`mebench degrade`: a sweep over strengths, its table, page and JSON, and what it refuses; `mebench check --relations`."""

import json
import shutil
from itertools import product

import pytest
from mebench.datasets.megc2019_flow import dataset

from mebench.config import resolve
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from tests.helpers.nightly import NIGHTLY

WORDS = (
    *("method=linear_spotter", "method.flow=dis", "dataset=synthetic", "dataset.subjects=2", "dataset.videos=1"),
    *("dataset.frames=60", "dataset.size=96", "bootstrap=10", "workers=1", "tracking=off"),
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    place = tmp_path_factory.mktemp("degrade")
    return execute_run(resolve([*WORDS, f"runs={place / 'runs'}", f"cache={place / 'cache'}"]), Progress()).folder


def test_degrade_gives_a_table_a_page_and_json(mebench, clean, tmp_path):
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    kinds = ["jpeg", "blur"] if NIGHTLY else ["jpeg"]
    what = ("--what", ",".join([*kinds, "still", "padding"]), "--strengths", "0,3", "--workers", 1, "--out", page)
    code, out, err = mebench("degrade", clean.path, *what, "--json", report)
    assert code == 0, err
    rows = json.loads(report.read_text())["rows"]
    scored = list(product(kinds, (0, 3)))
    assert [(row["kind"], row["strength"]) for row in rows] == [*scored, ("still", 3), ("padding", 3)]
    summary = clean.read_json("summary.json")["spotting"]["micro"]["scores"]["f1"]
    *measured, still, padded = rows
    for row in measured:
        found = row["scores"]["spotting.micro.f1"]
        assert (row["run"] == clean.id) == (row["strength"] == 0)
        change = found["score"]["value"] - summary["value"]
        assert found["difference"]["value"] == pytest.approx(change)
        if row["strength"] == 0:
            assert found["score"] == summary
            assert found["drop"] == 0
        elif summary["value"]:
            assert found["drop"] == pytest.approx(-change / summary["value"])
    assert still["violations"]["of"] == 2
    assert padded["violations"]["of"] > 0
    text = page.read_text()
    assert text.count("<svg") >= 1
    assert "jpeg" in text
    assert "the first frame stands" in text
    assert "mebench degrade" in text
    assert '="http' not in text.replace('="http://www.w3.org', "")  # it needs no other file

    code, out, err = mebench("degrade", clean.path, *what)  # and again from what is there
    assert code == 0
    assert f"0 folds in 0 of them to compute; {2 + len(kinds)} finished ones are kept" in err
    assert "violations" in out
    assert "spotting, micro: F1" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--what", "oclusion"), "unknown degradation 'oclusion'. Did you mean 'occlusion'?"),
        (("--strengths", "0,9"), "the strength must be a whole number from 0 to 5, not '9'"),
        (("--what", "resolution", "--model", "no.onnx"), "there is no file no.onnx"),
        (("--what", "blur", "--model", "no.onnx"), "only resolution takes a model, not blur"),
    ],
)
def test_degrade_refuses_wrong_words_in_one_sentence(mebench, clean, words, message):
    code, _, err = mebench("degrade", clean.path, *words)
    assert code == 2
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_degrade_tests_a_kind_once_and_leaves_no_torn_page(mebench, clean, tmp_path):
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    code, _, _ = mebench(
        "degrade", clean.path, "--what", "jpeg, jpeg", "--strengths", "0,0", "-o", page, "--json", report
    )
    assert code == 0
    assert len(json.loads(report.read_text())["rows"]) == 1
    page.unlink()
    (tmp_path / "no.onnx").write_text("no network")
    what = ("--what", "resolution", "--strengths", 3, "--model", tmp_path / "no.onnx", "--workers", 1)
    code, _, err = mebench("degrade", clean.path, *what, "-o", page)
    assert code == 3
    assert "no.onnx enlarges no picture" in err
    assert not page.exists()
    assert "the features of 2 of 2 videos failed" in err
    assert "the others" not in err


def test_degrade_refuses_a_run_without_models(mebench, clean, tmp_path):
    bare = shutil.copytree(clean.path, tmp_path / "bare", ignore=shutil.ignore_patterns("folds", "degraded"))
    code, _, err = mebench("degrade", bare, "--out", tmp_path / "page.html")
    assert code == 4
    assert "error: run bare keeps no models" in err
    assert err.count("\n") == 1
    assert not (bare / "degraded").exists()


def test_degrade_of_maps_refuses_kinds_without_sense(mebench, tmp_path):
    (tmp_path / "maps").mkdir()
    dataset.Megc2019Flow.write_fake_tree(tmp_path / "maps")
    words = [
        "method=flow_svm",
        "dataset=megc2019_flow",
        f"dataset.root={tmp_path / 'maps'}",
        "bootstrap=10",
        "workers=1",
    ]
    found = execute_run(
        resolve([*words, f"runs={tmp_path / 'runs'}", f"cache={tmp_path}", "tracking=off"]), Progress()
    ).folder
    page, report = tmp_path / "page.html", tmp_path / "report.json"

    code, _, err = mebench("degrade", found.path, "--what", "h264", "--strengths", 3, "--out", page)
    assert code == 3
    assert "degrade=h264 changes frames, and" in err
    assert "one of occlusion, glasses" in err

    code, _, err = mebench("degrade", found.path, "--what", "still", "--out", page)
    assert code == 2
    assert "spots nothing, so a still video says nothing about it" in err
    code, _, err = mebench(
        "degrade", found.path, "--what", "h264,blur", "--strengths", 3, "--out", page, "--json", report
    )
    assert code == 0, err

    refused, blurred = json.loads(report.read_text())["rows"]
    assert "degrade=h264 changes frames" in refused["error"]
    assert blurred["error"] is None
    assert blurred["scores"]["recognition.uf1"]["score"]["value"] is not None


# A still video says nothing about a method that only names emotions.
@pytest.mark.parametrize(("method", "also"), [("linear_spotter", ["still"]), ("majority", [])])
def test_check_relations_counts_answers_that_change(mebench, method, also):
    code, out, _ = mebench("check", method, "--relations", "--json", "-")
    found = json.loads(out)
    assert code == 0
    assert list(found["relations"]) == ["mirror", "shift", "brightness", *also, "padding", "double_rate"]
    assert all(0 <= one["n"] <= one["of"] for one in found["relations"].values())
