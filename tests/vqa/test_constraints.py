"""Constrained answers: a schema for each kind of question, and the likeliest class of a server's tokens."""

import json
from math import log

import pytest

from mebench.vqa.constraints import CHOICES, request_fields, text_of_reply

COARSE = "What is the coarse expression class?"
UNITS = "What are the action units?"
COUNT = "How many expression events appear in this video?"
WHOLE = "Please analyse the micro-expression shown in this video in detail."


def tokens(**likely):
    return {"logprobs": {"content": [{"top_logprobs": [{"token": t, "logprob": log(p)} for t, p in likely.items()]}]}}


def test_request_fields_name_the_classes():
    schema = request_fields("schema", COARSE)["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == list(CHOICES["coarse"])
    assert (
        request_fields("schema", COUNT)["response_format"]["json_schema"]["schema"]["properties"]["answer"]["type"]
        == "integer"
    )
    assert request_fields("schema", WHOLE) == request_fields("", COARSE) == request_fields("likelihood", UNITS) == {}
    assert request_fields("likelihood", COARSE)["max_tokens"] == 1


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [(COARSE, "negative", "negative"), (COUNT, 3, "3"), (UNITS, ["brow lowerer", "dimpler"], "brow lowerer, dimpler")],
)
def test_text_of_reply_reads_the_schema(question, answer, text):
    choice = {"message": {"content": json.dumps({"answer": answer})}}
    assert text_of_reply(choice, "schema", question) == text
    assert text_of_reply({"message": {"content": None}}, "schema", question) is None
    with pytest.raises(ValueError, match="does not keep to the schema"):
        text_of_reply({"message": {"content": "It is negative."}}, "schema", question)


def test_text_of_reply_takes_the_likeliest_class():
    choice = tokens(**{" pos": 0.3, "Pos": 0.2, "negative": 0.4, "the": 0.1})
    assert text_of_reply(choice, "likelihood", COARSE) == "positive"  # .5 over two spellings
    assert text_of_reply(tokens(the=0.9), "likelihood", COARSE) == ""
    with pytest.raises(KeyError, match="gives no likelihoods"):
        text_of_reply({"message": {"content": "negative"}}, "likelihood", COARSE)
