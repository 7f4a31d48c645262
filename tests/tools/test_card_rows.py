"""Rows of cards, written from records."""

import re
from pathlib import Path

import pytest

from tests.helpers.nightly import by_day
from tools.card_rows import pooled, renewed

CARDS = sorted((Path(__file__).parents[2] / "methods").glob("*/README.md"))
RECORD = re.compile(r"\d+-(\S+-)?[0-9a-f]{8}\b")
NUMBER = re.compile(r"\[?[.\d]|–")


def unmeasured(line):
    """A line of a card; a row of measured scores with its first record alone."""
    *cells, records = line.removesuffix(" |").split(" | ")
    if not RECORD.match(records):
        return line
    return " | ".join(["" if NUMBER.match(cell) else cell for cell in cells] + [records.split(", ")[0]]) + " |"


@pytest.fixture(scope="module")
def known():
    """The records that a row of the committed tables pools, by each of them."""
    return pooled()


def without_pairs(lines):
    """The lines of a card but those of training on one database and testing on another."""
    kept = []
    is_pairs = False
    for line in lines:
        is_pairs = "-pairs` | mean of six |" in line or (is_pairs and line.startswith("|"))
        if not is_pairs:
            kept.append(line)
    return kept


def assert_written_again(lines, known):
    """Rows of which the first record alone is left are written as they stand."""
    blank = [unmeasured(line) for line in lines]
    assert blank != lines or "no record of a whole run" in " ".join(lines)
    assert list(renewed(blank, known)) == lines


def test_card_rows_fill_row_with_one_record(known):
    for card in CARDS:
        assert_written_again(without_pairs(card.read_text(encoding="utf-8").splitlines()), known)


PAIRS = [card.parent.name for card in CARDS if "-pairs` | mean of six |" in card.read_text(encoding="utf-8")]


@pytest.mark.parametrize("method", by_day(PAIRS, "logistic"))
def test_card_rows_fill_rows_of_pairs(method, known):
    """No table has the scores of a pair of databases: all seeds are scored again, a second for each row."""
    (card,) = (card for card in CARDS if card.parent.name == method)
    assert_written_again(card.read_text(encoding="utf-8").splitlines(), known)


def test_card_rows_keep_row_without_table(known):
    row = "| `none-synthetic-loso` | default | `recognition.uf1` | .5 | – | .5 to .5 | 0-12345678 |"
    assert list(renewed([row], known)) == [row]
