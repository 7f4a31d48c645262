"""Reasons why a score has no interval: what is written into a summary is read back."""

import pytest

from mebench.metrics.reasons import ONE_SUBJECT_EACH, SAME_WITHOUT_ANY, ThinSupport, read_supports, store_supports
from mebench.reports.scores import say_reason

SUPPORTS = [ThinSupport.of_class("joy", 1, 1), ThinSupport.of_class("fear, strong", 12, 2)]


@pytest.mark.parametrize("supports", [SUPPORTS[:1], SUPPORTS, [ThinSupport("it", "no subject")]])
def test_read_supports_reads_what_store_supports_wrote(supports):
    assert [support for support, _ in read_supports(store_supports(supports))] == supports


def test_read_supports_keeps_the_part_that_is_scored_by_itself():
    stored = f"fold 1: {store_supports(SUPPORTS)}; fold 2: {store_supports(SUPPORTS[:1])}"
    owners = [support.owner for support, _ in read_supports(stored)]
    assert owners == ["fold 1: joy", "fear, strong", "fold 2: joy"]


@pytest.mark.parametrize(
    "reason", ["", SAME_WITHOUT_ANY, ONE_SUBJECT_EACH, "fear rests on 2 samples of 1 subject, sadly"]
)
def test_read_supports_of_another_reason_is_empty(reason):
    assert read_supports(reason) == []
    assert say_reason(reason) == reason


def test_say_reason_words_supports_as_reports_do():
    stored = f"fold 1: {store_supports(SUPPORTS)}; fold 2: {store_supports([ThinSupport('it', '3 people')])}"
    sentence = (
        "fold 1: joy has 1 sample of 1 subject, fear, strong has 12 samples of 2 subjects; fold 2: it has 3 people"
    )
    assert say_reason(stored) == sentence
