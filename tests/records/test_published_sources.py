"""The published values against the texts that they were copied from, where these are at hand."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from mebench.records import published
from tests.helpers.outside import outside

ROOT = Path(__file__).parents[2]
MEAN, SURVEY = "liong2023mean", "xie2020overview"
TITLES = {MEAN: "# Spot-then-Recognize", SURVEY: "# An Overview of Facial Micro-Expression Analysis"}


@pytest.fixture(scope="module")
def rows():
    return published.read_published(ROOT / "leaderboards" / "published.csv")


def text_of(source):
    for file in sorted(outside("papers", "the texts of the papers").glob("*.txt")):
        text = file.read_text(encoding="utf-8")
        if TITLES[source] in text[:500]:
            return text
    raise LookupError(f"no text of the folder begins with {TITLES[source]!r}")


def lines_of(source, number):
    """The lines of a table: those with tabs that follow its title."""
    after = re.split(rf"^(?:\*\*)?Table {number}\b", text_of(source), maxsplit=1, flags=re.MULTILINE | re.IGNORECASE)[1]
    lines = after.splitlines()
    start = next(n for n, line in enumerate(lines) if "\t" in line)
    stop = next(n for n in range(start, len(lines)) if not lines[n].strip())
    return lines[start:stop]


def printed(rows, source, table):
    found = [row for row in rows if row.source.split()[0] == source and row.table == f"Table {table}"]
    return Counter(f"{row.value:.{row.digits}f}" for row in found)


@pytest.mark.parametrize("table", [2, 4, 5, 6, 7, 8, 9, 10])
def test_published_csv_agrees_with_text_of_mean(rows, table):
    text = "\n".join(lines_of(MEAN, table))
    # Table 5 counts, too; elsewhere a whole number is a citation.
    number = r"(?<=\t)\d+(?:\.\d+)?(?=[\t\n]|$)" if table == 5 else r"(?<!times )\b\d\.\d+"
    numbers = re.findall(number, text)
    assert Counter(numbers) == printed(rows, MEAN, table)


def test_published_csv_has_percentages_of_mean_as_shares(rows):
    percent = re.findall(r"\b\d\d\.\d\d\b", "\n".join(lines_of(MEAN, 3)))
    assert Counter(f"{float(text) / 100:.4f}" for text in percent) == printed(rows, MEAN, 3)


@pytest.mark.parametrize("table", [3, 4, 5, 6, 7, 8])
def test_published_csv_agrees_with_text_of_survey(rows, table):
    numbers = re.findall(r"\b[01]\.\d{3}\b", "\n".join(lines_of(SURVEY, table)))
    assert Counter(numbers) == printed(rows, SURVEY, table)


def test_published_csv_keeps_earlier_values(rows):
    file = outside("published_results.csv", "values collected by hand")
    here = set()
    for row in rows:
        path = ".".join(key for key in row.path if key not in ("scores", "members", row.member))
        here.add((row.member or row.dataset, path, row.value))
    with file.open(encoding="utf-8", newline="") as table:
        collected = [(row["dataset"], row["metric"], float(row["value"])) for row in csv.DictReader(table)]

    assert len(collected) > 200
    assert [row for row in collected if row not in here] == []
