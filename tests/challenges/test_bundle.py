"""The judge of a challenge, which never shows the truth, and bundles for organisers."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

import mebench
from mebench import challenges
from mebench.errors import ConfigError, DataError
from mebench.sandbox import confinement
from mebench.sandbox.grant import Isolation
from tests.helpers.empty_trees import write_empty_tree
from tests.helpers.nightly import by_day
from tests.helpers.reader import reader

__all__ = ["reader"]

task, faults, judge = challenges.register.find_task, challenges.entry.find_faults, challenges.bundle.judge
HEAD = "vid,pred_onset,pred_offset,type\n"
SPOTTED = f"{HEAD}001_2,10,20,me\n001_3,30,90,mae\n"


SECRET = "777"
TRUTH = f"subject,video,kind,onset,offset\n1,001_2,micro,10,22\n1,001_3,macro,35,90\n2,002_1,micro,{SECRET},{SECRET}9\n"


@pytest.fixture
def bundle(tmp_path):
    truth = tmp_path / "t.csv"
    truth.write_text(TRUTH)
    challenges.bundle.write_bundle(task("megc2023"), truth, tmp_path / "bundle")
    (tmp_path / "in" / "res").mkdir(parents=True)
    (tmp_path / "in" / "ref").mkdir()
    (tmp_path / "in" / "ref" / "truth.csv").write_text(TRUTH)
    return tmp_path


def judged(folder, capsys):
    code = 0
    try:
        judge("megc2023", folder / "in", folder / "out", mebench.score)
    except SystemExit as end:
        code = end.code
    page = (folder / "out" / "detailed_results.html").read_text()
    printed = capsys.readouterr()
    assert SECRET not in page + printed.out + printed.err
    return code, printed.err


def test_judge_refuses_to_read_unconfined(bundle, capsys, monkeypatch):
    """As on Windows, or under Linux without Landlock: the reader could open the truth."""
    (bundle / "in" / "res" / "samm_pred.csv").write_text(SPOTTED)
    monkeypatch.setattr(confinement, "missing_parts", lambda: ("privileges", "files"))
    code, err = judged(bundle, capsys)
    assert code == 1
    assert "cannot keep the reader of a submission from files: run the program on Linux" in err
    assert not (bundle / "out" / "scores.json").exists()

    judge("megc2023", bundle / "in", bundle / "out", mebench.score, unconfined=True)
    assert (bundle / "out" / "scores.json").exists()


@pytest.mark.parametrize("kind", ["Seatbelt", "Landlock", ""])
def test_confined_rows_tells_its_reader_what_isolates_it(bundle, monkeypatch, kind):
    """On macOS a trial has shown whether Seatbelt holds; the reader does not make another one."""
    path = bundle / "in" / "res" / "samm_pred.csv"
    path.write_text(SPOTTED)
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, b'{"faults": [], "rows": []}')

    monkeypatch.setattr(confinement, "find_isolation", lambda: Isolation(kind, ()))
    monkeypatch.setattr(challenges.bundle.subprocess, "run", run)
    assert challenges.bundle.confined_rows(task("megc2023"), path) == []
    assert commands[0][-2:] == [str(path.resolve()), kind]


@pytest.mark.processes
def test_judge_gives_scores_of_mebench(bundle, capsys):
    (bundle / "in" / "res" / "samm_pred.csv").write_text(SPOTTED)
    assert judged(bundle, capsys) == (0, "")
    scores = json.loads((bundle / "out" / "scores.json").read_text())
    assert scores["f1"] == pytest.approx(2 * 2 / (2 * 2 + 0 + 1))
    assert (scores["f1_micro"], scores["f1_macro"]) == (pytest.approx(2 / 3), 1)
    assert 0 <= scores["f1_low"] < scores["f1"] < scores["f1_high"] <= 1


@pytest.mark.parametrize(
    ("head", "line", "times", "message"),
    [
        ("", "", 1, "1 fault: line 1: the columns must be"),
        (HEAD, "001_2,1,x,me\n", 9, "17 faults: line 2: onset and offset"),
        (SPOTTED, "<script>alert(1)</script>,1,2,me\n", 1, ""),
        (HEAD, "../../in/ref/truth.csv,1,2,me\n", 1, ""),
        ("", "0", 20_000_001, "the file has 20,000,001 bytes; at most 20,000,000 are read"),
        (HEAD, "v,1,1,me\n", 200_001, "has 200,002 lines"),
    ],
)
def test_judge_refuses_bad_file_without_showing_truth(bundle, capsys, head, line, times, message):
    (bundle / "in" / "res" / "a.csv").write_text(head + line * times)
    code, err = judged(bundle, capsys)
    assert message in err
    assert bool(code) == bool(err)
    assert "<script>" not in (bundle / "out" / "detailed_results.html").read_text()


def test_judge_refuses_link_to_truth(bundle, capsys):
    (bundle / "in" / "res" / "a.csv").symlink_to(bundle / "in" / "ref" / "truth.csv")
    assert judged(bundle, capsys) == (1, "not scored: the submission must hold one file, not 0\n")


@pytest.mark.processes
def test_reader_reaches_neither_truth_nor_network(bundle):
    code = (
        "import socket, sys; from mebench.challenges import bundle, entry\n"
        f"def rows(*_):\n    try: open({str(bundle / 'in' / 'ref' / 'truth.csv')!r}); return ['truth']\n"
        "    except OSError: pass\n    try: socket.socket(); return ['network']\n    except OSError: return []\n"
        "entry.read_entry = rows\n"
    )
    path = bundle / "in" / "res" / "a.csv"
    path.write_text(SPOTTED)
    main = f"{code}import runpy; sys.argv = ['', 'megc2023', {str(path)!r}]\n"
    main += "runpy.run_module('mebench.challenges.bundle', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", main], capture_output=True, text=True, check=False)

    assert json.loads(done.stdout) == {"faults": [], "rows": []}, done.stderr


@pytest.mark.processes
def test_write_bundle_makes_bundle_for_codabench(bundle):
    import yaml

    files = {str(p.relative_to(bundle / "bundle")) for p in (bundle / "bundle").rglob("*") if p.is_file()}
    assert files == {
        "competition.yaml",
        "Dockerfile",
        "logo.png",
        "terms.md",
        "scoring_program/score.py",
        "scoring_program/metadata.yaml",
        "reference_data/truth.csv",
    }
    about = yaml.safe_load((bundle / "bundle" / "competition.yaml").read_text())
    assert {about["image"], about["terms"]} < files  # Codabench refuses a bundle without them
    assert [column["key"] for column in about["leaderboards"][0]["columns"]] == ["f1", "f1_low", "f1_high"]
    (bundle / "in" / "res" / "a.csv").write_text(SPOTTED)
    program = bundle / "bundle" / "scoring_program" / "score.py"
    subprocess.run([sys.executable, program, bundle / "in", bundle / "out"], check=True)
    assert "f1" in json.loads((bundle / "out" / "scores.json").read_text())
    with pytest.raises(ConfigError, match="exists: name a folder that does not"):
        challenges.bundle.write_bundle(task("megc2023"), bundle / "t.csv", bundle / "bundle")


def test_write_bundle_refuses_truth_without_answers(tmp_path):
    truth, out = tmp_path / "t.csv", tmp_path / "bundle"
    truth.write_text("subject,video\n1,001_2\n")
    with pytest.raises(DataError, match="lacks the column"):
        challenges.bundle.write_bundle(task("megc2023"), truth, out)
    truth.write_text('{"id": "q1", "question": "What is the action unit?", "answer": ""}\n')
    with pytest.raises(DataError, match="has no answers: --truth takes the questions with their true answers"):
        challenges.bundle.write_bundle(task("megc2026/lvqa"), truth, out)
    assert not out.exists()


def test_score_submission_keeps_quoted_cells_whole(tmp_path):
    truth, given = tmp_path / "t.csv", tmp_path / "p.csv"
    truth.write_text('subject,video,emotion\n1,"a""b,c",fear\n2,002,anger\n')
    given.write_text('subject,video,emotion\n1,"a""b,c",fear\n2,002,fear\n')
    found = challenges.bundle.score_submission(task("dfme2024"), given, truth, mebench.score)[0]
    assert found["accuracy"]["value"] == 0.5


@pytest.mark.parametrize("name", ["megc2024/str", "megc2025/str"])
def test_score_submission_by_strs_needs_emotions(tmp_path, name):
    truth, given = tmp_path / "t.csv", tmp_path / "p.csv"
    truth.write_text("subject,video,onset,offset,emotion\n1,a,10,20,fear\n2,b,30,40,anger\n3,c,50,60,anger\n")
    given.write_text("subject,video,onset,offset,emotion\n1,a,10,20,fear\n2,b,31,40,anger\n3,c,80,90,anger\n")
    found = challenges.bundle.score_submission(task(name), given, truth, mebench.score)[0]
    assert (found["f1"]["value"], found["strs"]["value"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    given.write_text("subject,video,onset,offset,emotion\n1,a,10,20,\n")
    with pytest.raises(DataError, match="STRS needs emotions, in the file and in the truth"):
        challenges.bundle.score_submission(task(name), given, truth, mebench.score)


def test_score_submission_log_without_spotting_has_no_f1(tmp_path):
    truth, given = tmp_path / "t.csv", tmp_path / "p.txt"
    truth.write_text("subject,video,onset,offset\n1,1_a,10,20\n2,2_b,30,40\n")
    given.write_text("1_a   10   20   -   -   FN\n2_b   30   40   -   -   FN\n")
    found = challenges.bundle.score_submission(task("megc2020"), given, truth, mebench.score)[0]
    assert {key: score["value"] for key, score in found.items()} == {"f1": None}  # its precision is undefined


def test_score_submission_of_two_emotions_equals_scikit_learn(tmp_path):
    """UF1 of scikit-learn, over all clips; sets that the truth lacks are answers too."""
    truth, given = tmp_path / "t.csv", tmp_path / "p.csv"
    labels = [
        "positive+surprise",
        "negative",
        "negative+repression",
        "others",
        "surprise",
        "positive",
        "repression",
        "negative",
    ]
    answers = [
        "surprise+positive",
        "negative+others",
        "negative",
        "others",
        "surprise",
        "negative",
        "repression",
        "negative",
    ]
    for path, named in ((truth, labels), (given, answers)):
        path.write_text("subject,video,emotion\n" + "".join(f"{n},{n:03}_1,{one}\n" for n, one in enumerate(named)))
    found = challenges.bundle.score_submission(task("4dmr2025"), given, truth, mebench.score)[0]
    sets = MultiLabelBinarizer().fit([one.split("+") for one in labels])

    true, answered = (sets.transform([one.split("+") for one in named]) for named in (labels, answers))
    assert found["uf1"]["value"] == pytest.approx(f1_score(true, answered, average="macro"))
    summary = mebench.score(predictions=given, truth=truth, what="clips").summary
    assert summary["recognition"]["n"] == 8
    assert "confusion" not in summary

    chance = summary["chance"]["recognition"]
    assert chance["uf1"]["value"] == pytest.approx(f1_score(true, np.ones_like(true), average="macro"))
    assert chance["class"] == "negative+others+positive+repression+surprise"


SHEETS = [("test_A", "fear"), ("test_B", "anger")]


@pytest.mark.parametrize(("name", "right"), by_day(SHEETS, SHEETS[0]))
def test_score_submission_takes_public_labels_of_dfme(tmp_path, name, right):
    write_empty_tree("dfme", tmp_path / "dfme")
    sheet = next((tmp_path / "dfme").rglob(f"{name}_full_with_AU.xlsx"))
    clip = {"test_A": "sub0301_01", "test_B": "sub0402_01"}[name]
    given = tmp_path / "p.csv"
    for answer, accuracy in ((right, 1), ("sadness", 0)):
        given.write_text(f"subject,video,emotion\n{clip.split('_')[0]},{clip},{answer}\n")
        assert not faults(task("dfme2024"), given)
        found = challenges.bundle.score_submission(task("dfme2024"), given, sheet, mebench.score)[0]
        assert found["accuracy"]["value"] == accuracy


def test_score_submission_scores_answers_and_clips(tmp_path):
    rows = [
        {"id": f"q{n}", "dataset": "d", "subject": str(n), "question": "What is the coarse expression class?"}
        for n in range(4)
    ]
    truth, given = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    truth.write_text(
        "".join(json.dumps(row | {"answer": "negative" if n % 2 else "surprise"}) + "\n" for n, row in enumerate(rows))
    )
    given.write_text("".join(json.dumps(row | {"answer": "negative"}) + "\n" for row in rows))
    found = challenges.bundle.score_submission(task("megc2026/vqa"), given, truth, mebench.score)[0]
    assert found["coarse_uf1"]["value"] == pytest.approx(1 / 3)
    clips = [f"{n},{n:03}_1,{'fear' if n % 2 else 'anger'}" for n in range(4)]
    truth, given = tmp_path / "t.csv", tmp_path / "p.csv"
    truth.write_text("subject,video,emotion\n" + "\n".join(clips))
    given.write_text("subject,video,emotion\n" + "\n".join(clips[:3]) + "\n3,003_1,anger\n")
    found = challenges.bundle.score_submission(task("dfme2024"), given, truth, mebench.score)[0]
    assert found["accuracy"]["value"] == 0.75
    given.write_text("subject,video,emotion\n9,009_9,anger\n")
    with pytest.raises(DataError, match="well formed, but its subjects or videos do not fit"):
        challenges.bundle.score_submission(task("dfme2024"), given, truth, mebench.score)
