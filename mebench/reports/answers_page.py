"""The page of answers to questions: each answer, how it was read, and why it was scored so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.grouping import group_by
from mebench.reports.page_templates import template_environment

SHOWN_FACTS = (
    "model",
    "address",
    "program",
    "weights",
    "temperature",
    "seed",
    "max_tokens",
    "constraint",
    "examples",
    "tokens",
    "seconds",
)
"""Facts about answers that the page lists, where they are known; the prompt has a line of its own."""


def page_of_answers(
    report: Mapping[str, Any], title: str, states: Mapping[str, str], scores: Sequence[Any] = ()
) -> str:
    """The page, a single file without a picture.

    Args:
        report: the result of `vqa.judged_answers.report_answers`.
        title: name of the answers.
        states: meaning of each state of an answer.
        scores: rows of `vqa.answer_findings.scores_with_floors`.
    """
    facts = report["facts"]
    prompt = facts.get("prompt")
    page = (
        template_environment()
        .get_template("answers.html")
        .render(
            title=title,
            report=report,
            states=states,
            scores=scores,
            clips=group_by(report["answers"], lambda answer: answer["clip"]),
            not_understood=[answer for answer in report["answers"] if answer["state"] in ("not understood", "refused")],
            facts={name: facts[name] for name in SHOWN_FACTS if facts.get(name) not in (None, "")}
            | ({"card": report["card"]} if report["card"] else {}),
            prompt=prompt if isinstance(prompt, dict) else {},
        )
    )
    return "\n".join(line for line in page.splitlines() if line.strip()) + "\n"
