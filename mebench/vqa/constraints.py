"""Constrained answers: a choice among classes by a schema or by likelihood, since free text measures obedience, too."""

import json
from collections.abc import Mapping
from math import exp
from typing import Any

from mebench.vqa.wording import COARSE, COUNTS, FINE, UNITS, Kind, meaning_of

CONSTRAINTS: Mapping[str, str] = {
    "": "free text",
    "schema": "a JSON schema (`response_format`), which vLLM, llama.cpp, Ollama and others turn into a grammar",
    "likelihood": "the likeliest of the classes by the first token (`logprobs`); other questions in free text",
}
"""How an answer can be constrained."""
CHOICES: Mapping[Kind, tuple[str, ...]] = {
    "coarse": COARSE,
    "fine": tuple(FINE),
    "shown": ("yes", "no"),
    "side": ("left", "right"),
    "type": ("micro-expression", "macro-expression"),
}
"""The possible answers by the kind of a question."""
MOST_LIKELY = 20
"""Number of tokens whose likelihood is asked for, the most that OpenAI's interface allows."""


def request_fields(constraint: str, question: str) -> dict[str, Any]:
    """The fields of a request that constrain its answer; empty for a question that is answered in free text."""
    kind = meaning_of(question).kind
    if constraint == "likelihood" and kind in CHOICES:
        return {"max_tokens": 1, "logprobs": True, "top_logprobs": MOST_LIKELY}
    value = _schema_of_value(kind) if constraint == "schema" else None
    if value is None:
        return {}
    schema = {"type": "object", "properties": {"answer": value}, "required": ["answer"], "additionalProperties": False}
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    }


def _schema_of_value(kind: Kind) -> dict[str, Any] | None:
    """The schema of the answer to a kind of question; None for free text."""
    if kind in CHOICES:
        return {"type": "string", "enum": list(CHOICES[kind])}
    if kind in COUNTS:
        return {"type": "integer", "minimum": 0, "maximum": 999}
    if kind == "units":
        return {"type": "array", "items": {"type": "string", "enum": list(UNITS.values())}, "maxItems": 12}
    return None


def text_of_reply(choice: Mapping[str, Any], constraint: str, question: str) -> Any:
    """The answer in a choice of a server's reply, as text; None if it is empty.

    Args:
        choice: the choice.
        constraint: one of `CONSTRAINTS`.
        question: the question.

    Raises:
        KeyError: the server gives no likelihoods.
        ValueError: the server did not keep to the schema.
    """
    fields = request_fields(constraint, question)
    if "logprobs" in fields:
        return _likeliest(choice, CHOICES[meaning_of(question).kind])
    content = choice["message"].get("content")
    if "response_format" not in fields or not content:
        return content
    try:
        answer = json.loads(content)["answer"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("its answer does not keep to the schema: the server may not know response_format") from None
    return ", ".join(map(str, answer)) if isinstance(answer, list) else str(answer)


def _likeliest(choice: Mapping[str, Any], choices: tuple[str, ...]) -> str:
    """The likeliest choice by the probabilities of first tokens; empty if none of them begins one choice alone."""
    likely = choice.get("logprobs") or {}
    if not likely.get("content"):
        raise KeyError("logprobs: the server gives no likelihoods")
    worth = dict.fromkeys(choices, 0.0)
    for token in likely["content"][0]["top_logprobs"]:
        start = str(token["token"]).strip().lower()
        begun = [name for name in choices if start and name.startswith(start)]
        if len(begun) == 1:
            worth[begun[0]] += exp(float(token["logprob"]))
    best = max(choices, key=lambda name: worth[name])
    return best if worth[best] else ""
