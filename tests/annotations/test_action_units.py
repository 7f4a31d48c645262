"""Action units as coders write them, and the objective classes."""

import re
from itertools import combinations

import pytest
from hypothesis import given, strategies as st

from mebench.annotations import names, objective_class, schemes, shown_units
from mebench.annotations.schemes import parse_unit, parse_units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("12", [(12, None, (), False)]),
        ("4+5+L10", [(4, None, (), False), (5, None, (), False), (10, "L", (), False)]),
        ("15A+17", [(15, None, ("A",), False), (17, None, (), False)]),
        ("4(B/C)+7B", [(4, None, ("B", "C"), False), (7, None, ("B",), False)]),
        ("R14+25?", [(14, "R", (), False), (25, None, (), True)]),
        ("l12b", [(12, "L", ("B",), False)]),
        ("AU4, AU7", [(4, None, (), False), (7, None, (), False)]),
        ("4 or 7+12", [(4, None, (), True), (12, None, (), False)]),
        ("4/7", [(4, None, (), True)]),
        ("4B/C", [(4, None, ("B", "C"), False)]),
        ("left 2", [(2, "L", (), False)]),
        ("2,7", [(2, None, (), False), (7, None, (), False)]),
        ("1，4,", [(1, None, (), False), (4, None, (), False)]),
        ("AUR2+12", [(2, "R", (), False), (12, None, (), False)]),
        ("r12", [(12, "R", (), False)]),
        ("T23+B18", [(23, "T", (), False), (18, "B", (), False)]),
        ("A12B+A7", [(12, "A", ("B",), False), (7, "A", (), False)]),
        ("A9E+ref(10)", [(9, "A", ("E",), False), (10, None, (), False)]),
        ("A/L12", [(12, "A/L", (), False)]),
        ("10A/B", [(10, None, ("A", "B"), False)]),
        ("13?", [(13, None, (), True)]),
        ("10or11", [(10, None, (), True)]),
        ("(R6 or R12)+R15", [(6, "R", (), True), (15, "R", (), False)]),
        ("R14A or 17A or 24A", [(14, "R", ("A",), True)]),
        ("ref(7B)+43C", [(7, None, ("B",), False), (43, None, ("C",), False)]),
        ("7B+ ref (L10)", [(7, None, ("B",), False), (10, "L", (), False)]),
        ("R14+17+soft focus", [(14, "R", (), False), (17, None, (), False)]),
        ("?", []),
        ("talking", []),
        ("", []),
    ],
)
def test_parse_units_keeps_marks(text, units):
    assert [(u.number, u.side, u.intensity, u.uncertain) for u in parse_units(text)] == units


def test_parse_unit_keeps_both_readings_of_an_or():
    assert parse_unit("4 or 7").alternatives == (7,)
    assert schemes.tokens("4 OR 7 + 12") == ("4 or 7", "12")
    assert schemes.tokens("14or23") == ("14 or 23",)
    assert parse_unit("(R14A or 17A or 24A)").numbers == (14, 17, 24)
    assert parse_unit("A/L12").numbers == (12,)
    assert parse_unit("ref(24)").reference
    assert not parse_unit("24").reference


@pytest.mark.parametrize("text", ["talking", "chin 17", "1-2", "4 or talking", "ref(chin)", "12F", "()", "R", "1234"])
def test_parse_unit_declines_other_text(text):
    assert parse_unit(text) is None


def test_parse_units_reads_every_form_of_the_docstring():
    """The table stands in the docstring; each of its forms holds the units whose digits it holds, and no others."""
    table = [row for row in schemes.__doc__.split("\n") if row.startswith("`")]
    forms = [form for row in table for form in re.findall(r"`([^`]+)`", row[:24])]
    assert len(forms) > 20
    for form in forms:
        digits = {int(number) for number in re.findall(r"\d+", form)}
        assert shown_units(schemes.tokens(form)) == digits, form
        unread = [token for token in schemes.tokens(form) if parse_unit(token) is None and token not in schemes.REMARKS]
        assert not unread or form.casefold() in names.BLANK, form


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "L", "R", "A", "T", "B"]),
            st.integers(1, 80),
            st.sampled_from(["", "A", "E"]),
            st.booleans(),
        ),
        min_size=1,
    )
)
def test_parse_units_reads_plain_notation_back(units):
    text = "+".join(f"{side}{number}{letter}{'?' * doubt}" for side, number, letter, doubt in units)
    expected = [(number, side or None, (letter,) if letter else (), doubt) for side, number, letter, doubt in units]
    assert [(u.number, u.side, u.intensity, u.uncertain) for u in parse_units(text)] == expected
    assert "+".join(schemes.tokens(text)) == text


def test_objective_class_equals_examples_of_the_paper():
    """Table 2 of Davison, Merghani and Yap 2018 (arXiv 1708.07549), one set for each class and two that are in none."""
    sets = [{6, 7, 12}, {25, 26}, {4, 38}, {4, 5, 7, 9}, {15, 17}, {20}, {14}, set()]
    assert [objective_class(s) for s in sets] == ["I", "II", "III", "IV", "V", "VI", "VII", "VII"]


def test_objective_class_counts_sets_as_in_the_table():
    """5, 6, 8, 10, 5 and 2 sets of at most four units are listed."""
    numbers = [1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26, 38, 40]
    found = [objective_class(s) for size in range(5) for s in combinations(numbers, size)]
    assert [found.count(c) for c in ("I", "II", "III", "IV", "V", "VI")] == [5, 6, 8, 10, 5, 2]


@pytest.mark.parametrize(
    ("text", "taken"), [("3", "III"), ("vii", "VII"), (" I ", "I"), ("0", None), ("8", None), ("", None)]
)
def test_parse_roman_takes_both_numerals(text, taken):
    assert schemes.parse_roman(text) == taken
