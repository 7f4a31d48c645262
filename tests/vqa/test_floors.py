"""Floors as files of answers: each learns from other people, and names alone give what names reveal."""

from collections import Counter

import pytest

from mebench.errors import ConfigError, DataError
from mebench.vqa.floors import LEVELS, answer_by_floor
from mebench.vqa.questions import subject_of
from mebench.vqa.wording import meaning_of


def rows_of(people=4):
    """Two clips a person, whose names tell the class: `po` is happiness, `ne` anger."""
    rows = []
    for person in range(people):
        for code, coarse, fine in (("po", "positive", "happiness"), ("ne", "negative", "anger")):
            clip = {"dataset": "d", "subject": f"s{person}", "image_id": f"s{person}_{code}_1"}
            asked = [
                ("What is the coarse expression class?", coarse),
                ("What is the fine-grained expression class?", fine),
            ]
            rows += [
                {"id": f"{clip['image_id']}_{n}", **clip, "question": question, "answer": answer}
                for n, (question, answer) in enumerate(asked)
            ]
    return rows


def test_answer_by_floor_learns_from_other_people():
    rows = rows_of()
    rows[0]["answer"] = rows[2]["answer"] = "surprise"  # the first person alone
    majority = answer_by_floor("majority", rows)
    for row, answered in zip(rows, majority):
        kind = meaning_of(row["question"]).kind
        others = [
            r["answer"] for r in rows if subject_of(r) != subject_of(row) and meaning_of(r["question"]).kind == kind
        ]
        counts = Counter(others)
        assert counts[answered["answer"]] == max(counts.values())


def test_answer_by_floor_names_reads_the_names():
    rows = rows_of()
    assert answer_by_floor("names", rows) == rows
    assert answer_by_floor("truth", rows) == rows


def test_answer_by_floor_learns_from_other_questions():
    hidden = [{**row, "answer": ""} for row in rows_of(2)]
    learnt = [{**row, "subject": f"other{row['subject']}", "image_id": f"o{row['image_id']}"} for row in rows_of()]
    answered = answer_by_floor("names", hidden, learnt)
    assert [row["answer"] for row in answered] == [row["answer"] for row in rows_of(2)]
    with pytest.raises(DataError, match="no question has a true answer to learn from"):
        answer_by_floor("prior", hidden)
    with pytest.raises(ConfigError, match="unknown floor 'best'"):
        answer_by_floor("best", hidden)
    assert set(LEVELS) == {"majority", "prior", "sentence", "names", "truth"}
