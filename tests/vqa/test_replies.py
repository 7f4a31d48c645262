"""Answers of finished runs, and of a model behind an address."""

import base64
import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from mebench import vqa
from mebench.errors import ConfigError, DataError, RunError
from tests.helpers.model_server import make_reply, serving
from tests.helpers.run_folders import make_run


def asked(video, **questions):
    names = {"dataset": "drawn", "subject": video.split("/")[1], "filename": video.split("/")[2]}
    names["image_id"] = f"{names['subject']}_{names['filename']}"
    return [names | {"id": f"{video}_{n}", "question": text, "answer": ""} for n, text in enumerate(questions["texts"])]


LONG = (
    "How many expression events appear in this video?",
    "How many micro-expression events appear in this video?",
    "How many macro-expression events appear in this video?",
    "What is the expression type of the 2-th expression event in this video?",
    "What is the expression type of the 9-th expression event in this video?",
)
SHORT = (
    "What is the coarse expression class?",
    "Is the action unit lip corner puller shown on the face?",
    "Is the action unit dimpler shown on the face?",
    "Is the action unit lip corner puller located on the left or right face?",
)


def test_answer_questions_by_a_spotter_gives_counts_and_types(tmp_path):
    run = make_run(tmp_path, kinds=("micro", "macro"), tasks=("spot",))
    spotted = run.read_table("predictions.parquet")
    video = spotted["video"].iloc[0]
    own = spotted[spotted["video"] == video].sort_values(["onset", "offset"])
    rows, unanswered = vqa.replies.answer_questions([run], asked(video, texts=LONG))
    kinds = list(own["kind"])

    assert [row["answer"] for row in rows] == [
        str(len(kinds)),
        str(kinds.count("micro")),
        str(kinds.count("macro")),
        f"{kinds[1]}-expression",
        "",
    ]
    assert dict(unanswered) == {"type": 1}


def test_answer_questions_joins_a_recognizer_and_runs_of_units(tmp_path):
    classes = make_run(tmp_path / "classes", tasks=("recognize",))
    unit = make_run(tmp_path / "unit", tasks=("recognize",), classes=["absent", "AU12"])
    clips = unit.read_table("clips.parquet")
    shown = clips.drop_duplicates(["video", "onset", "offset"])["onset"] < 100
    unit.write_table("clips.parquet", clips.assign(predicted=np.where(clips["onset"] < 100, "AU12", "absent")))
    first = clips[clips["onset"] < 100].iloc[0]
    name = str(first["video"])
    onset = int(first["onset"])
    rows = [row | {"image_id": f"{row['image_id']}_{onset}"} for row in asked(name, texts=SHORT)]
    answered, unanswered = vqa.replies.answer_questions([classes, unit], rows)
    table = classes.read_table("clips.parquet")
    predicted = table[(table["video"] == name) & (table["onset"] == onset)]["predicted"].iloc[0]

    assert shown.any()
    assert [row["answer"] for row in answered] == [predicted, "yes", "", ""]
    assert dict(unanswered) == {"shown": 1, "side": 1}


def test_answer_questions_gives_units_of_spotted_intervals(tmp_path):
    """Not those of annotated clips, which a test video has not."""
    run = make_run(tmp_path, kinds=("micro", "macro"), tasks=("spot", "recognize"), classes=["AU4", "AU12"])
    clips, spotted = run.read_table("clips.parquet"), run.read_table("predictions.parquet")
    run.write_table("clips.parquet", clips.assign(predicted="AU4"))
    run.write_table("predictions.parquet", spotted.assign(emotion=["AU12", *["AU4+AU12"] * (len(spotted) - 1)]))
    _, subject, name = spotted["video"].iloc[0].split("/")
    texts = ("What distinct action units appear in this video?", *LONG[:1])
    rows = [
        {"video_id": f"q{n}", "dataset": "drawn", "video": f"{subject}_{name}", "question": text, "answer": ""}
        for n, text in enumerate(texts)
    ]
    own = spotted[spotted["video"] == spotted["video"].iloc[0]]
    units = "lip corner puller" if len(own) == 1 else "brow lowerer, lip corner puller"
    assert [row["answer"] for row in vqa.replies.answer_questions([run], rows)[0]] == [units, str(len(own))]
    short = asked(spotted["video"].iloc[0], texts=("What is the action unit?",))
    assert vqa.replies.answer_questions([run], short)[0][0]["answer"] == "brow lowerer"


def test_answer_questions_refuses_runs_that_answer_nothing(tmp_path):
    run = make_run(tmp_path, tasks=("spot",))
    with pytest.raises(RunError, match="no question is about a video of these runs"):
        vqa.replies.answer_questions([run], asked("drawn/nobody/v1", texts=LONG))


FRAMES = [np.full((600, 900, 3), (200, 0, 0), np.uint8), np.zeros((50, 40), np.uint8)]
ROWS = asked("drawn/s1/v1", texts=SHORT)


def test_query_model_shows_frames_and_keeps_answers(tmp_path, serve):
    url, seen = serve(lambda body: make_reply(" negative\n", 5))
    out = tmp_path / "a.jsonl"
    cost = vqa.endpoint.query_model(url, "small", ROWS, lambda row: FRAMES, out, key="secret")
    assert (cost.asked, cost.kept, cost.refused, cost.failed, cost.tokens) == (4, 0, 0, 0, 20)
    assert {row["answer"] for row in vqa.questions.read_questions(out)} == {"negative"}
    path, key, body = seen[0]
    assert (path, key, body["model"], body["temperature"]) == ("/v1/chat/completions", "Bearer secret", "small", 0)
    *images, text = body["messages"][0]["content"]
    assert text["text"].endswith(ROWS[0]["question"])
    data = base64.b64decode(images[0]["image_url"]["url"].partition(",")[2])
    sent = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert sent.shape == (299, 448, 3)
    assert sent[0, 0, 2] > 190 > 60 > sent[0, 0, 0]  # red is still red

    advanced: list[None] = []
    again = vqa.endpoint.query_model(url, "small", ROWS, lambda row: FRAMES, out, advance=lambda: advanced.append(None))
    assert len(advanced) == len(ROWS)  # kept answers count as done
    assert (again.asked, again.kept, len(seen)) == (0, 4, 4)


def test_query_model_cuts_endless_answers(tmp_path, serve):
    url, _ = serve(lambda body: make_reply("yes " * 5000))
    vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl")
    assert {len(row["answer"]) for row in vqa.questions.read_questions(tmp_path / "a.jsonl")} == {10_000}


def test_query_model_counts_a_refusal_and_leaves_it_empty(tmp_path, serve):
    url, _ = serve(
        lambda body: make_reply(None) if "coarse" in body["messages"][0]["content"][-1]["text"] else make_reply("yes")
    )
    cost = vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl")
    assert (cost.refused, cost.failed) == (1, 0)
    assert [row["answer"] for row in vqa.questions.read_questions(tmp_path / "a.jsonl")] == ["", "yes", "yes", "yes"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((500, {}), "HTTP 500"),
        ((401, {}), "HTTP 401"),
        ((200, b"<html>"), "its reply is not a chat completion"),
        ((200, {"choices": []}), "its reply is not a chat completion"),
        ((200, {"choices": [{"message": {"content": 3}}]}), "its answer is int, not text"),
        ((200, b"1" * 4_000_001), "longer than 4,000,000 bytes"),
    ],
)
def test_query_model_gives_up_a_server_of_nonsense(tmp_path, serve, reply, reason):
    count = iter([make_reply("negative")])
    url, _ = serve(lambda body: next(count, reply))
    with pytest.raises(RunError, match=f"failed 3 times in a row .*{reason}.*1 answers are kept"):
        vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl")
    assert [row["answer"] for row in vqa.questions.read_questions(tmp_path / "a.jsonl")] == ["negative"]


def test_query_model_gives_up_a_slow_or_absent_server(tmp_path, serve):
    wait = threading.Event()
    url, _ = serve(lambda body: (wait.wait(5), make_reply("late"))[1])
    with pytest.raises(RunError, match="no answer in time"):
        vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl", timeout=0.05)
    wait.set()
    with pytest.raises(RunError, match="Connection refused"):
        vqa.endpoint.query_model("http://127.0.0.1:9/v1", "m", ROWS, lambda row: FRAMES, tmp_path / "b.jsonl")
    with pytest.raises(ConfigError, match="must be an address such as"):
        vqa.endpoint.query_model("localhost:8000", "m", ROWS, lambda row: FRAMES, tmp_path / "b.jsonl")


PATIENT = vqa.asking.AskSettings(retries=2, pause=0.01)


def test_query_model_tries_again_after_passing_errors(tmp_path, serve):
    faults = iter([(503, {}), (200, b"<html>")])
    url, seen = serve(lambda body: next(faults, make_reply("yes")))
    cost = vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl", settings=PATIENT)
    assert (cost.asked, cost.failed, len(seen)) == (4, 0, 4 + 2)


def test_query_model_does_not_repeat_refused_keys(tmp_path, serve):
    url, seen = serve(lambda body: (401, {}))
    with pytest.raises(RunError, match="HTTP 401"):
        vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl", settings=PATIENT)
    assert len(seen) == 3


def test_query_model_continues_half_a_file(tmp_path, serve):
    """As a killed command leaves it: the last line is cut within a word."""
    url, seen = serve(lambda body: make_reply("yes"))
    out = tmp_path / "a.jsonl"
    vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, out)
    whole = out.read_bytes()
    out.write_bytes(whole[:-20])
    cost = vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, out)
    assert (cost.cut, cost.kept, cost.asked) == (1, 3, 1)
    assert out.read_bytes() == whole
    out.write_bytes(whole[:-1])  # only the end of the line is missing
    assert vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, out).kept == 4
    assert (out.read_bytes(), len(seen)) == (whole, 5)


def test_query_model_gives_up_a_trickling_server(tmp_path):
    """Each byte comes in time, the answer never."""

    class Trickle(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.02)

        def log_message(self, *_):
            pass

    server = serving(ThreadingHTTPServer(("127.0.0.1", 0), Trickle))
    url = f"http://127.0.0.1:{server.server_port}/v1"
    with pytest.raises(RunError, match="no answer in time"):
        vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl", timeout=0.1)
    server.shutdown()
    server.server_close()


def test_query_model_sends_several_questions_at_a_time(tmp_path, serve):
    url, seen = serve(lambda body: make_reply(body["messages"][0]["content"][-1]["text"][-20:]))
    settings = vqa.asking.AskSettings(parallel=3, temperature=0.5, seed=7, max_tokens=9)
    vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl", settings=settings)
    answers = vqa.questions.read_questions(tmp_path / "a.jsonl")
    assert [row["answer"] for row in answers] == [row["question"][-20:].strip() for row in ROWS]
    assert {(body["temperature"], body["seed"], body["max_tokens"]) for _, _, body in seen} == {(0.5, 7, 9)}


def test_query_model_shows_examples_of_other_people(tmp_path, serve):
    url, seen = serve(lambda body: make_reply("yes"))
    learnt = [
        {**row, "id": f"{person}{row['id']}", "subject": person, "answer": f"{person} knows", "image_id": "x"}
        for person in ("s1", "s2", "s3")
        for row in ROWS
    ]
    mine = [{**row, "subject": "s1"} for row in ROWS]
    settings = vqa.asking.AskSettings(learnt=learnt, examples=2)
    vqa.endpoint.query_model(url, "m", mine, lambda row: FRAMES, tmp_path / "a.jsonl", settings=settings)
    for _, _, body in seen:
        assert [message["role"] for message in body["messages"]] == ["user", "assistant"] * 2 + ["user"]
        assert [message["content"] for message in body["messages"][1::2]] == ["s2 knows", "s3 knows"]
    with pytest.raises(DataError, match="only 2 questions of the kind 'coarse' are about other people"):
        vqa.asking.choose_examples(mine[0], learnt, 3)


def test_query_model_keeps_key_from_other_addresses_and_answers(tmp_path, serve):
    """A server that repeats the key, and one that sends its askers elsewhere."""
    url, _ = serve(lambda body: make_reply("your key is hidden-key"))
    vqa.endpoint.query_model(url, "m", ROWS, lambda row: FRAMES, tmp_path / "a.jsonl", key="hidden-key")
    assert {row["answer"] for row in vqa.questions.read_questions(tmp_path / "a.jsonl")} == {"your key is [key]"}

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(302)
            self.send_header("Location", url)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = serving(ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere))
    with pytest.raises(RunError, match="HTTP 302"):
        vqa.endpoint.query_model(
            f"http://127.0.0.1:{server.server_port}/v1",
            "m",
            ROWS,
            lambda row: FRAMES,
            tmp_path / "b.jsonl",
            key="hidden-key",
        )
    server.shutdown()
    server.server_close()


def test_query_model_sends_no_name_and_stores_no_key(tmp_path, serve):
    url, seen = serve(lambda body: make_reply("yes"))
    rows = [{**row, "image_id": "secretclip", "filename": "secretfile", "subject": "secretperson"} for row in ROWS]
    vqa.endpoint.query_model(url, "m", rows, lambda row: FRAMES, tmp_path / "a.jsonl", key="hidden-key")
    assert "secret" not in json.dumps([body for _, _, body in seen])
    assert "hidden-key" not in (tmp_path / "a.jsonl").read_text()
    for address in ("http://me:hidden-key@host/v1", "https://host/v1?key=hidden-key"):
        with pytest.raises(ConfigError, match=r"\$MEBENCH_ENDPOINT_KEY") as refused:
            vqa.endpoint.query_model(address, "m", rows, lambda row: FRAMES, tmp_path / "b.jsonl")
        assert "hidden-key" not in str(refused.value)
