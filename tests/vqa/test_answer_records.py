"""Records of answers: written by a sender, scored again by a receiver, and what a board keeps of them."""

import json

import pytest

from mebench.errors import ConfigError, DataError
from mebench.vqa import answer_records
from mebench.vqa.answer_facts import address_without_keys, continue_facts, read_facts, write_facts
from mebench.vqa.answer_records import ANSWERS, QUESTIONS, RECORD, SentFacts, accept_answer_record, read_answer_record
from mebench.vqa.questions import write_questions
from tests.vqa.test_marking import answered, questions

FACTS = SentFacts("ours", "Ours", "samm", "nothing was chosen", "none")


@pytest.fixture
def sent(tmp_path):
    write_questions(tmp_path / "q.jsonl", questions(clips=2))
    write_questions(tmp_path / "a.jsonl", answered(questions(clips=2), coarse="negative"))
    write_facts(tmp_path / "a.jsonl", {"model": "m", "tokens": 5})
    return answer_records.write_answer_record(tmp_path / "a.jsonl", tmp_path / "q.jsonl", FACTS, tmp_path / "sent")


def test_write_answer_record_holds_facts_and_every_scorer(sent):
    content = read_answer_record(sent).content
    assert set(content["summaries"]) == {"megc2025_a", "megc2025_b", "strict"}
    assert content["facts"] == {"model": "m", "tokens": 5}
    assert content["set"] | {"sha256": ""} == {
        "name": "samm", "about": "clips", "sha256": "", "questions": len(questions(clips=2)), "known": len(questions(clips=2)),
        "clips": 8, "people": 4,
    }  # fmt: skip
    assert content["answers"] == {"asked": len(questions(clips=2)), "empty": 0, "unread": 0}


@pytest.mark.parametrize(
    ("keep", "files"),
    [("scores", {RECORD}), ("answers", {RECORD, ANSWERS}), ("questions", {RECORD, ANSWERS, QUESTIONS})],
)
def test_accept_answer_record_keeps_what_it_is_told(sent, tmp_path, keep, files):
    home = tmp_path / "board" / "questions"
    assert accept_answer_record(sent, home, check_only=True) == "checked"
    assert not home.exists()
    assert accept_answer_record(sent, home, keep=keep) == "taken"
    assert {file.name for file in (home / "ours").iterdir()} == files
    assert accept_answer_record(sent, home) == "there"


def test_accept_answer_record_refuses_what_differs(sent, tmp_path):
    home, file = tmp_path / "questions", sent / RECORD
    content = json.loads(file.read_text())
    changed = json.loads(file.read_text())
    changed["summaries"]["strict"]["scores"]["coarse_uf1"]["value"] = 0.99
    file.write_text(json.dumps(changed))
    with pytest.raises(DataError, match=r"summaries in answers\.json differs from what its answers give here"):
        accept_answer_record(sent, home)
    file.write_text(json.dumps(content | {"selection": " "}))
    with pytest.raises(DataError, match="lacks a statement on selection"):
        accept_answer_record(sent, home)
    file.write_text(json.dumps(content | {"method": 3}))
    with pytest.raises(DataError, match=r"is damaged .*method must be text"):
        accept_answer_record(sent, home)
    file.write_text(json.dumps(content))
    (sent / QUESTIONS).unlink()
    with pytest.raises(DataError, match=r"lacks questions\.jsonl, so it cannot be scored again"):
        accept_answer_record(sent, home)


def test_write_answer_record_of_hidden_truth_names_classes(tmp_path):
    asked = questions(clips=2)
    write_questions(tmp_path / "q.jsonl", asked, answers=False)
    write_questions(tmp_path / "a.jsonl", answered(asked, fine="I cannot tell"))
    folder = answer_records.write_answer_record(tmp_path / "a.jsonl", tmp_path / "q.jsonl", FACTS, tmp_path / "sent")
    content = read_answer_record(folder).content
    assert content["summaries"] == content["sums"] == {}
    truth = {row["id"]: row["answer"] for row in asked if "coarse" in row["question"] and "fine" not in row["question"]}
    assert content["readings"]["coarse"] == truth
    assert set(content["readings"]["fine"].values()) == {None}
    assert content["answers"]["unread"] == 8


def test_continue_facts_adds_costs_but_mixes_nothing(tmp_path):
    file = tmp_path / "a.jsonl"
    facts = continue_facts(file, {"model": "m"})
    write_facts(file, {**facts, "tokens": 7})
    file.write_text("{}\n")
    assert continue_facts(file, {"model": "m"})["tokens"] == 7
    with pytest.raises(ConfigError, match="was begun with another model"):
        continue_facts(file, {"model": "other"})
    assert read_facts(tmp_path / "b.jsonl") == {}
    assert "secret" not in address_without_keys("http://me:secret@h:1/v1?key=secret")


@pytest.mark.parametrize("text", ["x", "[]", '{"see": 3}', '{"see": "frames"}', '{"see": [], "pictures": "x"}'])
def test_read_facts_refuses_damaged_ones_in_a_sentence(tmp_path, text):
    (tmp_path / "a.about.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.about\.json is damaged: remove it"):
        read_facts(tmp_path / "a.jsonl")
