"""The page of answers: every answer can be found, and nothing of others runs in it."""

from mebench.reports.answers_page import page_of_answers
from mebench.vqa.answer_findings import scores_with_floors
from mebench.vqa.judged_answers import STATES, report_answers

QUESTION = "What is the coarse expression class?"


def page(*texts):
    asked = [{"id": f"samm_a_{n}", "question": QUESTION, "answer": "negative"} for n in range(len(texts))]
    given = [{**row, "answer": text} for row, text in zip(asked, texts)]
    report = report_answers(asked, given, {"floor": "prior"})
    return page_of_answers(report, "mine", STATES, scores_with_floors(report["scored"]))


def test_page_of_answers_shows_answers_and_reasons():
    text = page("negative", "It is positive.", "I cannot tell.")
    assert text.count('<details id="samm_a_') == 3
    assert "read as positive, but the truth is negative" in text
    assert "“I cannot tell.” (a refusal)" in text
    assert "1 of 3 answers (33 %) do not answer: 1 refused." in text
    places = [
        text.index(part)
        for part in ('class="answer"', 'class="contents"', 'id="scores"', 'id="every"', "No picture was seen")
    ]
    assert places == sorted(places)


def test_page_of_answers_escapes_texts_and_loads_nothing():
    text = page("<script>alert(1)</script>", "<img src=x>")
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "default-src 'none'" in text
