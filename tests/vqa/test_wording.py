"""How questions and free answers are read."""

import pytest

from mebench.vqa import wording


@pytest.mark.parametrize(
    ("question", "meaning"),
    [
        ("What is the coarse expression class?", wording.Meaning("coarse")),
        ("what is  the fine-grained expression class?", wording.Meaning("fine")),
        ("What is the action unit?", wording.Meaning("units")),
        ("What distinct action units appear in this video?", wording.Meaning("units")),
        ("Is the action unit nostril dilater shown on the face?", wording.Meaning("shown", 38)),
        ("Is the action unit dimpler located on the left or right face?", wording.Meaning("side", 14)),
        ("Is the action unit tail wagger shown on the face?", wording.Meaning("shown", None)),
        ("How many macro-expression events appear in this video?", wording.Meaning("macro")),
        ("What is the expression type of the 33-th expression event in this video?", wording.Meaning("type", None, 33)),
        ("Please analyse the micro-expression shown in this video in detail.", wording.Meaning("sentence")),
        (
            "What are the action units present, and based on them, what is the fine-grained expression?",
            wording.Meaning("sentence"),
        ),
        ("Who is this?", wording.Meaning("")),
    ],
)
def test_meaning_of_reads_wording(question, meaning):
    assert wording.meaning_of(question) == meaning


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("brow lowerer, lid tightener", {4, 7}),
        ("Brow Lowerer and AU7", {4, 7}),
        ("AU 12 (lip corner puller)", {12}),
        ("nostril dilator", {38}),
        ("inner brow raiser", {1}),
        ("nothing", set()),
    ],
)
def test_read_questions_units_by_name_and_code(text, units):
    assert wording.read_units(text) == units


def test_answer_sentence_is_read_as_written():
    for unit in wording.UNITS:
        assert wording.read_units(wording.join_unit_names([unit])) == {unit}
    for fine, coarse in wording.FINE.items():
        text = wording.answer_sentence([4, 12], fine, coarse)
        assert wording.read_units(text) == {4, 12}
        assert wording.read_class(text, tuple(wording.FINE), "fine-grained") == fine
        assert wording.read_class(text, wording.COARSE, "coarse") == coarse


@pytest.mark.parametrize(
    ("text", "by_source", "first_named"),
    [
        ("surprise, not negative", "negative", "surprise"),
        ("Negative rather than positive", "positive", "negative"),
        ("Not positive: the coarse expression class is negative.", "negative", "negative"),
        ("nothing", None, None),
    ],
)
def test_readers_of_megc2025_b_take_coarse_in_order_of_source(text, by_source, first_named):
    assert wording.READERS_OF_MEGC2025_B["coarse"](text) == by_source
    assert wording.READERS["coarse"](text) == first_named
