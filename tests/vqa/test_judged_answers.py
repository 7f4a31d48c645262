"""Single answers and why they are scored so: their sums are the scores of the whole file."""

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.vqa.judged_answers import pictures_in_words, report_answers
from mebench.vqa.marking import SCORERS, score_answers
from mebench.vqa.pictures import PictureSettings
from tests.vqa.test_marking import answered, questions

TEXTS = {
    "coarse": "surprise, not negative",
    "fine": "I'm sorry, but I can't identify emotions.",
    "units": "AU4 and AU 12",
    "shown": "A face.",
    "sentence": "",
}


def row(question, answer, n=1):
    return {"id": f"samm_a_{n}", "question": question, "answer": answer}


def judged(question, truth, text, scorer="strict"):
    report = report_answers([row(question, truth)], [row(question, text)], {})
    return report["answers"][0]["scorers"][scorer]


@pytest.mark.parametrize("scorer", SCORERS)
def test_report_answers_adds_up_to_scores(scorer):
    asked = questions()
    given = answered(asked, **(TEXTS | {"shown": "yes"}))
    answers = report_answers(asked, given, {})["answers"]
    scores = score_answers(asked, given, scorer, floors=False)["scores"]
    own = [(one, one["scorers"][scorer]) for one in answers]
    right = [judged["verdict"] == "right" for one, judged in own if one["kind"] == "shown"]
    assert np.mean(right) == scores["shown_accuracy"]["value"]
    rouge = [judged["rouge1"] for one, judged in own if scorer != "megc2025_a" or one["answer"]]
    assert np.mean(rouge) == pytest.approx(scores["rouge1"]["value"])


def test_report_answers_counts_what_became_of_answers():
    asked = questions(2)
    given = answered(asked, **TEXTS)[:-1]
    report = report_answers(asked, given, {})
    states = {one["kind"]: one["state"] for one in report["answers"][:6]}
    assert states == {
        "coarse": "read",
        "fine": "refused",
        "units": "read",
        "shown": "not understood",
        "sentence": "empty",
    } | ({"side": "read"} if "side" in states else {})
    n_of_kind = {kind: sum(one["kind"] == kind for one in report["answers"]) for kind in TEXTS}
    assert report["states"]["not understood"] == n_of_kind["shown"]
    assert report["states"]["missing"] == 1
    lost = n_of_kind["fine"] + n_of_kind["sentence"] - 1
    assert report["refusal_share"] == lost / len(given)


def test_report_answers_gives_reason_of_each_scorer():
    coarse = "What is the coarse expression class?"
    told = [judged(coarse, "surprise", "surprise, not negative", scorer) for scorer in SCORERS]
    assert [one["verdict"] for one in told] == ["wrong", "wrong", "right"]
    assert [one["reason"] for one in told] == [
        "compared as written, and not the same text as the truth",
        "read as negative, but the truth is surprise",
        "read as surprise, like the truth",
    ]


@pytest.mark.parametrize(
    ("question", "truth", "text", "verdict", "reason"),
    [
        (
            "What are the action units?", "brow lowerer, dimpler", "AU4, AU12", "partly right",
            "1 of 2 true units named; missing: dimpler; wrong: lip corner puller",
        ),
        ("What are the action units?", "dimpler", "A dimpler.", "right", "exactly the true units"),
        ("How many expression events appear in this video?", "3", "There are 5.", "wrong", "2 too many"),
        (
            "How many expression events appear in this video?", "3", "Several.", "wrong",
            "no number, which counts as 0: 3 too few",
        ),
        (
            "Is the action unit dimpler shown on the face?", "yes", "Maybe.", "wrong",
            "lacks what the question asks for, so it counts as wrong",
        ),
        ("How old is she?", "30", "40", "", "scored by its words alone, in BLEU and ROUGE-1"),
    ],
)  # fmt: skip
def test_report_answers_says_why(question, truth, text, verdict, reason):
    found = judged(question, truth, text)
    assert (found["verdict"], found["reason"]) == (verdict, reason)


def test_report_answers_without_truth_reads_alone():
    found = judged("What is the coarse expression class?", "", "Rather positive.")
    assert found == {"read": "positive", "verdict": "", "reason": "", "bleu": None, "rouge1": None}


def test_report_answers_refuses_foreign_answers():
    with pytest.raises(DataError, match="to questions that are not asked"):
        report_answers([row("How?", "so")], [row("How?", "so", n=2)], {})


def test_pictures_in_words_of_each_way():
    shown = pictures_in_words(PictureSettings(("crops", "flow"), 3, 224, "known", 2).list_facts())
    assert [line.split(";")[0] for line in shown[:2]] == [
        "crops: at most 3 of each clip",
        "flow: at most 2 of each clip",
    ]
    assert "again for each of 2 windows" in shown[2]
    assert "at most 224 pixels" in shown[3]
    assert "the annotated apex is one of the moments" in shown[4]
    assert "the floor majority" in pictures_in_words({"floor": "majority"})[0]
    assert "not known" in pictures_in_words({})[0]
