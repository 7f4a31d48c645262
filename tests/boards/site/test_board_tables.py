"""The pages of named boards on the site."""

import re
from itertools import islice

import pytest

from mebench.boards.board_pages import board_pages
from mebench.boards.method_names import MethodNames
from mebench.boards.named_boards import read_named_boards
from mebench.boards.published_tables import with_rescored
from mebench.boards.site.site_pages import Site
from mebench.records.published import read_published
from mebench.reproduction.board_rows import collect_rescored, rescored_tables
from tests.boards.site.conftest import LEADERBOARDS


@pytest.fixture(scope="session")
def text_of(pages, site):
    """Gives the text of a page."""
    return lambda name: " ".join(" ".join(pages[site / name].text).split())


def test_board_page_has_sentence_facts_and_rows(text_of):
    text = text_of("boards/found.html")
    in_order = ("Who finds them?", "leads with", "All rows share <these> facts.", "MEAN (2023)", "Optical strain")
    places = [text.index(words) for words in in_order]
    assert places == sorted(places)
    assert "How sure is the order?" in text
    assert "Ranks say how stable the order is; tied with is the test of differences" in text


def test_board_page_has_columns_of_its_entry(site):
    page = (site / "boards" / "found.html").read_text(encoding="utf-8")
    heads = re.findall(r"<th(?: [^>]*)?>([^<]*)(?=<)", page.partition("</thead>")[0])
    assert heads[:3] == ["#", "method (year)", "F1"]
    assert heads[3:7] == ["tied with #", "recall", "epoch chosen on the tested people", "seeds"]


def test_board_page_gives_levels_of_chance_no_rank(site):
    page = (site / "boards" / "found.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page.partition("</thead>")[2].partition("</table>")[0], re.DOTALL)
    ranks = [re.match(r'\s*<td class="num">(\d*)<', row)[1] for row in rows]
    numbered = [int(rank) for rank in ranks if rank]
    levels = [row for row, rank in zip(rows, ranks) if not rank]
    assert numbered == list(range(1, len(numbered) + 1))
    assert levels
    assert all("random (" in row or "from names alone, no pixel" in row for row in levels)


def test_board_page_of_selection_has_gains(text_of):
    text = text_of("boards/worth.html")
    assert "It adds 0.125 to 0.125." in text
    assert "by person" in text
    assert "+0.125 [0.095, 0.145]" in text
    assert "UF1 of clips" in text  # a gain in another score


ANSWERS = """
- id: answers
  title: CASME II, public answers
  question: Who says so?
  task: analysis
  dataset: casme2
  protocol: loso
  scheme: five_mean2022
  part: true positives
  score: strs
  columns: [printed, accuracy, false_alarms]
"""


def test_board_page_of_answers_has_printed_values(tmp_path):
    (tmp_path / "boards.yaml").write_text(ANSWERS)
    published = read_published(LEADERBOARDS / "published.csv")
    sources = [one for one in collect_rescored(LEADERBOARDS / "rescored", print) if one[0].id == "mean_casme2"]
    tables = with_rescored([], list(rescored_tables(sources, published)), [])
    boards = board_pages(read_named_boards(tmp_path), tables, [], [], MethodNames.from_published(published), print)
    page = dict(islice(Site(tables, [], published, (), boards).make_pages(), 2))["boards/answers.html"]
    assert "STRS, strict" in page
    assert "MEAN (2023)" in page
    assert "<em>Printed</em> is the value of their paper" in page
    (row,) = re.findall(r"<tr[^>]*>(.*?)</tr>", page.partition("</thead>")[2].partition("</table>")[0], re.DOTALL)
    (printed,) = {
        value.value
        for value in published
        if (value.method, value.dataset, value.metric, value.table) == ("MEAN", "casme2", "strs", "Table 5")
    }
    assert f"{printed:.4f}" in row


def test_index_and_tables_lead_to_boards(pages, site):
    first, *_ = [link for link in pages[site / "index.html"].links if link.startswith("boards/")]
    assert first == "boards/worth.html"
    words = " ".join(" ".join(pages[site / "index.html"].text).split())
    choice = words.partition("Which spotter first?")[2].partition("CASME II, by person")
    assert "A row leads on its own board alone" in choice[0]
    assert re.match(r" ?: [01]\.\d{3} F1 \[[^]]*\] ?, first of 3, tied with 1 other\b", choice[2])
    assert "../boards/found.html" in pages[site / "tables" / "spotting-casme2-loso.html"].links
    assert "../tables/spotting-casme2-loso.html#micro" in pages[site / "boards" / "found.html"].links
