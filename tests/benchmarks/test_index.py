"""The index of the benchmarks says what their pages say."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
ROWS = re.findall(r"^\| .* \| (.*) \| \[(\w+\.md)\]\(\2\) \|$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)


def test_index_lists_each_page():
    pages = {page.name for page in FOLDER.glob("*.md")} - {"README.md"}
    assert {page for _, page in ROWS} == pages


@pytest.mark.parametrize(("answer", "page"), ROWS, ids=[page for _, page in ROWS])
def test_index_quotes_numbers_of_pages(answer, page):
    text = (FOLDER / page).read_text("utf-8")
    assert [number for number in re.findall(r"[\d.,]*\d", answer) if number not in text] == []
