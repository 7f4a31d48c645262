"""Action units as coders write them, and the objective classes."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.annotations import objective_class, parse_unit, parse_units
from mebench.annotations.schemes import roman, tokens


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
        ("talking", []),
        ("", []),
    ],
)
def test_units_keep_their_marks(text, units):
    assert [(u.number, u.side, u.intensity, u.uncertain) for u in parse_units(text)] == units


def test_an_or_keeps_both_readings():
    assert parse_unit("4 or 7").alternatives == (7,)
    assert tokens("4 OR 7 + 12") == ("4 or 7", "12")


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "L", "R"]), st.integers(1, 80), st.sampled_from(["", "A", "E"]), st.booleans()),
        min_size=1,
    )
)
def test_every_plain_notation_is_read_back(units):
    text = "+".join(f"{side}{number}{letter}{'?' * doubt}" for side, number, letter, doubt in units)
    expected = [(number, side or None, (letter,) if letter else (), doubt) for side, number, letter, doubt in units]
    assert [(u.number, u.side, u.intensity, u.uncertain) for u in parse_units(text)] == expected
    assert "+".join(tokens(text)) == text


def test_examples_of_the_objective_classes():
    """Table 2 of Davison, Merghani and Yap 2018 (arXiv 1708.07549), one set for each class and two that are in none."""
    sets = [{6, 7, 12}, {25, 26}, {4, 38}, {4, 5, 7, 9}, {15, 17}, {20}, {14}, set()]
    assert [objective_class(s) for s in sets] == ["I", "II", "III", "IV", "V", "VI", "VII", "VII"]


def test_as_many_sets_as_the_table_has_are_in_classes_i_to_vi():
    """5, 6, 8, 10, 5 and 2 sets of at most four units are listed."""
    numbers = [1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26, 38, 40]
    found = [objective_class(s) for size in range(5) for s in combinations(numbers, size)]
    assert [found.count(c) for c in ("I", "II", "III", "IV", "V", "VI")] == [5, 6, 8, 10, 5, 2]


@pytest.mark.parametrize(
    ("text", "taken"), [("3", "III"), ("vii", "VII"), (" I ", "I"), ("0", None), ("8", None), ("", None)]
)
def test_sheets_write_classes_in_both_numerals(text, taken):
    assert roman(text) == taken
