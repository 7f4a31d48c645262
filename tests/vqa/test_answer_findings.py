"""What a page of answers says first: the main score beside the best floor, and answers that say nothing."""

import pytest

from mebench.vqa.answer_findings import describe_answers, scores_with_floors
from mebench.vqa.judged_answers import report_answers

QUESTION = "What is the coarse expression class?"


def scored(value, low, high, name="coarse_uf1", **floors):
    score = {"value": value, "low": low, "high": high}
    return {"scores": {name: score}, "floors": {floor: {name: level} for floor, level in floors.items()}}


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (
            scored(0.6, 0.5, 0.7, majority=0.2, prior=0.4),
            "UF1, coarse: 0.600 [0.500, 0.700] on 9 people, better than the floor prior, which sees no picture and has 0.400.",
        ),
        (
            scored(0.6, 0.5, 0.7, prior=0.5),
            "not shown to be better than the floor prior, which sees no picture and has 0.500.",
        ),
        (scored(0.6, 0.5, 0.7, prior=0.8), "worse than the floor prior, which sees no picture and has 0.800."),
        (
            scored(0.6, None, None, prior=0.8),
            "beside the floor prior, which sees no picture and has 0.800; without an interval",
        ),
        (
            scored(2.0, 1.5, 2.5, "events_mae", majority=4.0, prior=3.0),
            "better than the floor prior, which sees no picture and has 3.000.",
        ),
        (
            scored(4.0, 3.5, 4.5, "events_mae", prior=3.0),
            "worse than the floor prior, which sees no picture and has 3.000.",
        ),
    ],
)
def test_describe_answers_claims_what_the_interval_shows(summary, words):
    sentence, read = describe_answers(scores_with_floors(summary), 9, {"read": 4}, 4)
    assert words in sentence
    assert read == "All of 4 answers could be read."


def test_report_answers_begins_with_what_became_of_them():
    asked = [
        {"id": f"samm_a_{n}", "question": QUESTION, "answer": answer}
        for n, answer in enumerate(["negative", "positive", "negative"])
    ]
    given = [{**row, "answer": text} for row, text in zip(asked, ["negative", "A face.", "I cannot tell."])]
    report = report_answers(asked, given, {})
    first, lost = report["findings"]
    right = report["scored"]["scores"]["coarse_uf1"]["value"]
    assert first.startswith(f"UF1, coarse: {right:.3f} on 1 person")
    assert lost == "2 of 3 answers (67 %) do not answer: 1 refused, 1 not understood."
    hidden = [{**row, "answer": ""} for row in asked]
    assert report_answers(hidden, given, {})["findings"] == [
        "2 of 3 answers (67 %) do not answer: 1 refused, 1 not understood."
    ]
