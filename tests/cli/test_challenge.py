"""`mebench challenge`: a pass as a participant, and one as an organiser."""

import json

import pytest

from tests.helpers.reader import reader
from tests.helpers.run_folders import make_run

__all__ = ["reader"]


@pytest.fixture
def entry(mebench, tmp_path):
    """A run's file, the truth, and the run's own score."""
    run = make_run(tmp_path, "mine", kinds=("micro", "macro"), shift=8)
    truth = tmp_path / "truth.csv"
    where = ("--runs", str(tmp_path))
    code, out, _ = mebench("challenge", "submit", "megc2023", "mine", "-o", tmp_path / "entry", *where)
    assert (code, out) == (0, f"{tmp_path}/entry/drawn_pred.csv\n")
    mebench("predictions", "export", "mine", "-o", tmp_path / "all.csv", "--truth", truth, *where)
    return tmp_path / "entry" / "drawn_pred.csv", truth, run.read_json("summary.json")["spotting"]


def test_challenge_score_of_a_submitted_run_equals_the_run(mebench, entry):
    file, truth, own = entry
    assert mebench("challenge", "check", "megc2023", file)[:2] == (0, f"{file}: no faults\n")
    code, out, _ = mebench("challenge", "score", "megc2023", file, "--truth", truth, "--json", "-")
    (one,) = json.loads(out)["entries"]
    assert (code, one["team"], one["tries"]) == (0, "drawn_pred", 1)
    for key, part in {"f1": "overall", "f1_micro": "micro", "f1_macro": "macro"}.items():
        assert one[key]["value"] == own[part]["scores"]["f1"]["value"]


@pytest.mark.parametrize(("name", "part"), [("megc2020", "pooled"), ("megc2019/spotting", "micro")])
def test_challenge_submit_to_earlier_challenges_scores_alike(mebench, tmp_path, name, part):
    run = make_run(tmp_path, "near", kinds=("micro", "macro"), shift=2)
    truth = tmp_path / "truth.csv"
    mebench("predictions", "export", "near", "-o", tmp_path / "all.csv", "--truth", truth, "--runs", tmp_path)
    mebench("challenge", "submit", name, "near", "-o", tmp_path / "old", "--runs", tmp_path)
    (file,) = (tmp_path / "old").iterdir()
    assert mebench("challenge", "check", name, file)[:2] == (0, f"{file}: no faults\n")
    code, out, err = mebench("challenge", "score", name, file, "--truth", truth, "--json", "-")
    assert code == 0, err
    (one,) = json.loads(out)["entries"]
    words = ("--predictions", file, "--truth", truth, "--bootstrap", "0", "--json", "-")
    summary = json.loads(mebench("score", *words, "--convention", "megc2020" if part == "pooled" else "strict")[1])
    assert one["f1"]["value"] == summary["spotting"]["micro"]["scores"]["f1"]["value"] > 0
    assert ("f1_micro" in one) == (part == "micro")
    own = run.read_json("summary.json")["spotting"]
    assert part == "pooled" or one["f1"]["value"] == own["micro"]["scores"]["f1"]["value"]


def test_challenge_score_ranks_teams_and_counts_tries(mebench, entry, tmp_path):
    file, truth, _ = entry
    teams = tmp_path / "teams"
    (teams / "ann").mkdir(parents=True)
    for n in range(3):
        (teams / "ann" / f"{n}.csv").write_bytes(file.read_bytes())
    (teams / "ben.csv").write_text("vid,pred_onset,pred_offset,type\n")
    (teams / "eve.csv").write_text("vid\n")
    report = tmp_path / "report.json"
    code, out, err = mebench("challenge", "score", "megc2023", teams, "--truth", truth, "--json", report)
    found = json.loads(report.read_text())

    assert (code, "ann" in out) == (5, True)
    assert [(one["team"], one["tries"]) for one in found["entries"]] == [("ann", 3), ("ben", 1)]
    assert found["entries"][0]["group"] == "a"
    assert "eve" in found["failed"]
    assert "not scored: eve: 1 fault: line 1: the columns must be vid,pred_onset,pred_offset,type, not vid" in err


def test_challenge_bundle_is_made_from_a_truth(mebench, entry, tmp_path):
    code, out, _ = mebench(
        "challenge", "bundle", "megc2023", "--truth", entry[1], "-o", tmp_path / "bundle", "--json", "-"
    )
    assert (code, "scoring_program/score.py" in json.loads(out)["files"]) == (0, True)


def test_challenge_list_and_show_name_challenges(mebench):
    code, out, _ = mebench("challenge", "list", "--json", "-")
    assert code == 0
    assert {one["name"] for one in json.loads(out)} >= {"megc2018/recognition", "megc2026/lvqa", "4dmr2025/recognition"}
    code, out, _ = mebench("challenge", "info", "megc2026")
    assert (code, "How to" in out, "me_lvqa_samm_test_pred.jsonl" in out) == (0, False, True)


def test_challenge_verbs_refuse_in_one_sentence(mebench, entry, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("vid,pred_onset,pred_offset,type\nv,2,1,me\nv,3,4,x\n")
    code, out, err = mebench("challenge", "check", "megc2023", bad)
    assert (code != 0, out, err.splitlines()[:2]) == (
        True,
        "",
        ["line 2: the offset 1 lies before the onset 2", "line 3: the type must be me or mae, not 'x'"],
    )
    assert f"{bad} has 2 faults" in err
    for words, message in [
        (("submit", "megc2026/vqa", "random", "-o", tmp_path / "x", "--runs", tmp_path), "unknown run 'random'"),
        (("bundle", "megc2023", "--truth", tmp_path / "no.csv", "-o", tmp_path / "b"), "--truth must name a file"),
        (("score", "megc2023", tmp_path / "no.csv", "--truth", entry[1]), "No such file"),
        (("score", "megc2023", bad, "--truth", tmp_path / "no.csv"), "--truth must name a file"),
        (("info", "megc2032"), "unknown challenge 'megc2032'"),
    ]:
        code, out, err = mebench("challenge", *words)
        assert (bool(code), out, message in err, err.count("\n")) == (True, "", True, 1), err
