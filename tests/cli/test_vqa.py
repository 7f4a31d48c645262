"""`mebench vqa`: from questions to scores, as a participant does it."""

import hashlib
import json
import subprocess
import sys
import threading

import pytest

from mebench import vqa
from tests.helpers import stand_in_transformers
from tests.helpers.model_server import make_reply

TINY = ("dataset=synthetic", "dataset.preset=tiny")


@pytest.fixture
def asked(mebench, tmp_path):
    path = tmp_path / "q.jsonl"
    mebench("vqa", "make", *TINY, "-o", str(path))
    return path


def test_vqa_make_answer_and_score_of_a_run(mebench, tmp_path, untracked):
    runs, asked, answers = str(tmp_path / "runs"), str(tmp_path / "l.jsonl"), str(tmp_path / "a.jsonl")
    mebench("run", "method=random", "method.draws=2", *TINY, f"runs={runs}", "workers=1")
    code, out, err = mebench("vqa", "make", *TINY, "--task", "lvqa", "-o", asked)
    assert (code, out) == (0, f"{asked}: 39 questions about 7 videos\n")
    assert "event numbers give a lower bound" in err
    code, out, err = mebench("vqa", "answer", "random", "--questions", asked, "-o", answers, "--runs", runs)
    assert code == 0, err
    assert "of the kind 'units' not answered" in err
    assert json.loads((tmp_path / "a.about.json").read_text())["seconds"] > 0
    code, out, _ = mebench("vqa", "score", "--questions", asked, "--answers", answers, "--json", "-")
    summary = json.loads(out)
    assert code == 0, err
    truth = {row["video_id"]: row["answer"] for row in vqa.questions.read_questions(tmp_path / "l.jsonl")}
    given = {row["video_id"]: row["answer"] for row in vqa.questions.read_questions(tmp_path / "a.jsonl")}
    off = [abs(int(truth[name]) - int(given[name])) for name in truth if name.endswith("_2")]
    assert summary["scores"]["micro_mae"]["value"] == pytest.approx(sum(off) / len(off))


def test_vqa_answer_shows_frames_to_a_model_server(mebench, tmp_path, asked, serve):
    faults = iter([(500, {})])
    url, seen = serve(lambda body: next(faults, make_reply("negative")))
    words = (
        "--questions",
        str(asked),
        "-o",
        str(tmp_path / "a.jsonl"),
        "--endpoint",
        url,
        "--model",
        "m",
        "--frames",
        "3",
        "--retries",
        "0",
    )

    code, out, err = mebench("vqa", "answer", *TINY, *words)
    assert code == 5
    assert "the server failed at 1 question: the same command asks them again" in err
    assert out.endswith(": 64 asked, 0 kept from before, 0 refused, 1 failed, 441 tokens\n")

    code, out, _ = mebench("vqa", "answer", *TINY, *words)
    assert (code, out.endswith(": 1 asked, 63 kept from before, 0 refused, 0 failed, 7 tokens\n")) == (0, True)
    assert [len(body["messages"][0]["content"]) for _, _, body in seen[:2]] == [4, 4]
    code, out, _ = mebench("vqa", "score", "--questions", str(asked), "--answers", str(tmp_path / "a.jsonl"))
    assert code == 0, err
    assert "fine and coarse agree in 0 of 10" in out


def test_vqa_answer_says_how_answers_came_about(mebench, tmp_path, asked, serve):
    url, seen = serve(lambda body: make_reply('{"answer": "negative"}'))
    out = tmp_path / "a.jsonl"
    words = ("--questions", asked, "-o", out, "--endpoint", url, "--model", "m", "--see", "none")
    more = ("--prompt", "classes", "--constrain", "schema", "--seed", "3", "--parallel", "4", "--weights", asked)
    code, _, err = mebench("vqa", "answer", *words, *more)
    assert code == 0, err
    about = json.loads((tmp_path / "a.about.json").read_text())
    assert (about["model"], about["see"], about["constraint"], about["seed"]) == ("m", [], "schema", 3)
    assert about["address"] == url
    assert about["prompt"]["name"] == "classes"
    assert about["tokens"] == 7 * about["asked"] == 7 * 64
    assert about["weights"] == hashlib.sha256(asked.read_bytes()).hexdigest()
    assert all(len(body["messages"][0]["content"]) == 1 for _, _, body in seen)
    code, _, err = mebench("vqa", "answer", *words, "--prompt", "plain")
    assert code == 2
    assert "was begun with another prompt" in err


def test_vqa_answer_continues_after_a_real_kill(mebench, tmp_path, asked, serve):
    """The program dies while the server holds its third question; then each other one is asked once."""
    holds, let_go = threading.Event(), threading.Event()

    def reply(body):
        if len(seen) == 3:
            holds.set()
            let_go.wait(20)
        return make_reply("negative")

    url, seen = serve(reply)
    asked.write_text("".join(asked.read_text(encoding="utf-8").splitlines(keepends=True)[:8]), encoding="utf-8")
    out = tmp_path / "a.jsonl"
    model = ("--endpoint", url, "--model", "m", "--see", "none")
    words = ("vqa", "answer", "--questions", str(asked), "-o", str(out), *model)
    program = subprocess.Popen(
        [sys.executable, "-m", "mebench", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert holds.wait(60)
    program.kill()
    program.communicate()
    let_go.set()
    assert out.read_text(encoding="utf-8").count("\n") == 2
    code, said, err = mebench(*words)
    assert (code, said) == (0, f"{out}: 6 asked, 2 kept from before, 0 refused, 0 failed, 42 tokens\n"), err
    kept = [row["id"] for row in vqa.questions.read_questions(out)]
    assert kept == [row["id"] for row in vqa.questions.read_questions(asked)]
    assert len(seen) == 3 + 6
    about = json.loads((tmp_path / "a.about.json").read_text())
    assert (about["asked"], about["tokens"]) == (8, 7 * 8)


def test_vqa_answer_of_model_in_folder_reads_its_card(mebench, tmp_path, asked, monkeypatch):
    stand_in_transformers.install(monkeypatch, tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("---\ndatasets: [me/samm-faces]\n---\n# M\n")
    questions = asked.read_text(encoding="utf-8").splitlines(keepends=True)
    asked.write_text("".join(questions[:6]), encoding="utf-8")
    out = tmp_path / "a.jsonl"
    words = ("vqa", "answer", *TINY, "--questions", asked, "-o", out, "--weights", tmp_path / "model")

    code, said, err = mebench(*words, "--frames", "2", "--parallel", "4", "--device", "cpu")
    assert code == 0, err
    assert "note: training data by the model's card: samm, me/samm-faces" in err
    assert f"{out}: 6 asked, 0 kept from before, 0 refused, 0 failed, " in said

    about = json.loads((tmp_path / "a.about.json").read_text())
    assert (about["model"], about["program"], about["card"]["saw"]) == ("model", "transformers 5.0, float32", ["samm"])
    assert len(about["weights"]) == 64
    sent = ("leaderboard", "submit", out, "--truth", asked, "--name", "m", "--method", "M", "--dataset", "samm")
    sent = (*sent, "--selection", "nothing", "--out", tmp_path / "sent")
    code, _, err = mebench(*sent, "--trained-on", "none")
    assert (code, "the model's card names samm as training data" in err) == (2, True)
    code, out, _ = mebench(*sent, "--json", "-")
    assert code == 0
    assert not {"sums", "readings"} & json.loads(out).keys()  # thousands of lines for machines

    record = json.loads((tmp_path / "sent" / "m" / "answers.json").read_text())
    assert record["trained_on"] == "samm, me/samm-faces"
    code, _, err = mebench(*words, "--frames", "3")
    assert (code, "was begun with another pictures" in err) == (2, True)


def test_vqa_report_shows_every_answer(mebench, tmp_path, asked, serve):
    url, _ = serve(lambda body: make_reply("I'm sorry, I cannot help."))
    answers, page = tmp_path / "a.jsonl", tmp_path / "a.html"
    questions = asked.read_text(encoding="utf-8").splitlines(keepends=True)
    asked.write_text("".join(questions[:8]), encoding="utf-8")
    model = ("--endpoint", url, "--model", "m", "--see", "frames", "--frames", "3")
    assert mebench("vqa", "answer", *TINY, "--questions", asked, "-o", answers, *model)[0] == 0
    words = ("vqa", "report", "--questions", asked, "--answers", answers, "-o", page)
    code, out, _ = mebench(*words)
    assert (code, out) == (0, f"{page}: 8 answers, 8 refused or empty (100.0%), 0 not understood, 0 missing\n")
    assert page.read_text(encoding="utf-8").count("<details id=") == 8
    assert "data:image" not in page.read_text(encoding="utf-8")
    code, out, _ = mebench(*words, *TINY, "--json", "-")
    report = json.loads(out)
    assert (code, report["states"]["refused"], report["known"]) == (0, 8, 8)
    assert all(len(answer["frames"]) == 3 for answer in report["answers"])
    assert report["pictures"][0] == "frames: at most 3 of each clip; frames of one video of a face, in their order."


def test_vqa_report_refuses_frames_of_floor(mebench, tmp_path, asked):
    out = tmp_path / "f.jsonl"
    mebench("vqa", "answer", "--questions", asked, "-o", out, "--floor", "majority")
    code, _, err = mebench("vqa", "report", *TINY, "--questions", asked, "--answers", out)
    assert (code, "only for answers of a model" in err) == (2, True)


def test_vqa_answer_of_floors(mebench, tmp_path, asked):
    out = tmp_path / "f.jsonl"
    assert mebench("vqa", "answer", "--questions", asked, "-o", out, "--floor", "truth")[0] == 0
    assert vqa.questions.read_questions(out) == vqa.questions.read_questions(asked)
    assert json.loads((tmp_path / "f.about.json").read_text()) == {"floor": "truth"}
    code, _, err = mebench("vqa", "answer", "--questions", asked, "-o", out, "--floor", "best")
    assert (code, "unknown floor 'best'" in err) == (2, True)


def test_vqa_verbs_refuse_in_one_sentence(mebench, tmp_path, asked):
    for words, sentence in [
        (("make", *TINY, "-o", "x.jsonl", "--task", "long"), "unknown task 'long'"),
        (("make", *TINY, "-o", "x.jsonl", "--version", "3"), "unknown version '3'"),
        (("answer", "--questions", str(asked), "-o", "x.jsonl"), "needs runs with predictions"),
        (("answer", *TINY, "--questions", str(asked), "-o", "x.jsonl", "--endpoint", "http://h"), "needs --model NAME"),
        (("answer", "none", "--questions", str(asked), "-o", "x.jsonl", "--runs", str(tmp_path)), "unknown run 'none'"),
        (("score", "--questions", str(asked), "--answers", str(tmp_path / "no.jsonl")), "No such file"),
    ]:
        code, out, err = mebench("vqa", *words)
        assert (out, sentence in err, code != 0, err.count("\n")) == ("", True, True, 1), err
