"""Boards with names: what the file may say, the tables and rows that it selects, and the sentence that the groups must bear."""

import re
from dataclasses import replace

import pytest

import mebench
from mebench.boards import build as boards_build
from mebench.boards.board_pages import board_page, board_pages, experiments_page, index_page, tied_words
from mebench.boards.method_names import MethodNames
from mebench.boards.named_boards import (
    NamedBoard,
    board_contents,
    nearest_table_in_words,
    read_named_boards,
    with_titles,
)
from mebench.boards.rows import BoardTable
from mebench.boards.takeaways import ClaimError, takeaway_of
from mebench.cli import leaderboard
from mebench.errors import ConfigError
from mebench.intake import collect as boards_collect
from tests.helpers.run_folders import make_run

BOARD = """
- id: drawn
  title: Drawn people, by person
  question: Who finds them?
  task: spotting
  dataset: drawn
  protocol: loso
  part: micro
  score: f1
  columns: [tied, recall, chosen, seeds]
  about: All rows share this.
"""


@pytest.fixture
def leaderboards(tmp_path):
    """A folder with the file of one board; gives a function that writes another text."""
    folder = tmp_path / "leaderboards"
    folder.mkdir()

    def write(text=BOARD, **changes):
        for key, value in changes.items():
            text += f"  {key}: {value}\n"
        (folder / "boards.yaml").write_text(text)
        return folder

    write()
    return write


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two rows that are not distinguishable, one that is, and one whose epoch was chosen on the tested people."""
    runs = tmp_path_factory.mktemp("runs")
    for method, shift in (("good", 0), ("like", 1), ("lost", 70)):
        make_run(runs, method=method, subjects=8, tasks=("spot",), shift=shift)
    make_run(runs, method="lost", subjects=8, tasks=("spot",), shift=1, settings={"audit": "leak"}, selection="test")
    make_run(runs, method="other", dataset="filmed", tasks=("spot",))
    return boards_build.build_tables(boards_collect.collect_finished_runs(runs))


def content_of(folder, tables):
    (content,) = board_contents(read_named_boards(folder), tables, set())
    return content


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"qestion": "x"}, r"unknown key 'qestion'. Did you mean 'question'"),
        ({"columns": "[recal]"}, r"board drawn: unknown column 'recal'. Did you mean 'recall'"),
        (
            {"columns": "[tied, seeds, recall, precision, ap]"},
            "5 columns beside rank, method and score do not fit a screen",
        ),
        ({"score": "f2"}, "unknown metric 'f2'"),
        ({"id": "Two words"}, "an id has small letters, digits"),
        ({"protocol": "[]"}, "dataset and protocol must say which tables it shows"),
        ({"task": "selection"}, "boards must name the boards whose gains it shows"),
        ({"title": ""}, "title is missing"),
        ({"boards": "[drwan]"}, "unknown board 'drwan'. Did you mean 'drawn'"),
    ],
)
def test_read_named_boards_refuses_wrong_entries(leaderboards, changes, refusal):
    kept = "\n".join(line for line in BOARD.splitlines() if line.strip(" -").partition(":")[0] not in changes)
    first, *others = [line for line in kept.splitlines() if line.strip()]
    lines = [f"  {key}: {value}" for key, value in changes.items()]
    text = "\n".join(["- " + first.strip(" -"), *others, *lines]) + "\n"
    with pytest.raises(ConfigError, match=refusal):
        read_named_boards(leaderboards(text))


def test_read_named_boards_refuses_two_of_one_id(leaderboards):
    with pytest.raises(ConfigError, match="names two boards drawn"):
        read_named_boards(leaderboards(BOARD + BOARD))


@pytest.mark.parametrize("text", ["drawn: 1\n", "- 3\n", "- [\n"])
def test_read_named_boards_refuses_other_forms(leaderboards, text):
    with pytest.raises(ConfigError, match=r"boards.yaml (must hold a list of boards|cannot be read)"):
        read_named_boards(leaderboards(text))


def test_read_named_boards_without_file_is_empty(tmp_path):
    assert read_named_boards(tmp_path) == []


def test_with_titles_names_tables_of_boards(leaderboards, tables):
    titles = [table.title for table in with_titles(tables, read_named_boards(leaderboards()))]
    assert titles == ["Drawn people, by person", "spotting: filmed, loso"]


def test_board_contents_select_ranked_rows(leaderboards, tables):
    content = content_of(leaderboards(), tables)
    assert [(place.rank, place.row.method) for place in content.places] == [(1, "good"), (2, "like"), (3, "lost")]
    assert [content.tied_ranks(place) for place in content.places] == [[2], [1], []]
    assert content.find_chosen_row(content.rows[2]).selection == "test"
    assert content.find_chosen_row(content.rows[0]) is None
    fewer = content_of(leaderboards(leave_out="[audit=]"), tables)
    assert fewer.find_chosen_row(fewer.rows[2]) is not None


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("{better good > lost}.", "good (1.000) is better than lost (0.000)."),
        ("{alike good, like}.", "good (1.000) and like (0.846) are not distinguishable."),
        ("{leaders 2}.", "good (1.000) and like (0.846) lead and are not distinguishable."),
        ("{first_name} has {first}, {name lost} {last} of {rows}.", "Good has 1.000, lost 0.000 of 3."),
        ("{lead}.", "Good leads with 1.000; it is not distinguishable from like alone."),
        ("the best has {first @ drawn}, {below like} below.", "The best has 1.000, 1 below."),
    ],
)
def test_takeaway_of_fills_in_what_tables_say(leaderboards, tables, sentence, said):
    content = content_of(leaderboards(takeaway=f'"{sentence}"'), tables)
    like = content.value(content.rows[1])
    expected = said.replace("0.846", f"{like:.3f}")
    assert takeaway_of(content, [content], {}).casefold() == expected.casefold()


@pytest.mark.parametrize(
    ("sentence", "refusal"),
    [
        ("{better good > like}", r"says that good is better than like, but their significance groups are a and a"),
        ("{better lost > good}", r"says that lost is better than good, but their significance groups are b and a"),
        ("{alike}", r"says that good and lost are not distinguishable, but their significance groups are a and b"),
        ("{leaders 3}", r"says that good and lost are not distinguishable"),
        ("good is better than lost", r"says 'better' in words of its own"),
        ("the best has .97", r"says '\.97' in words of its own"),
    ],
)
def test_takeaway_of_refuses_what_groups_do_not_bear(leaderboards, tables, sentence, refusal):
    content = content_of(leaderboards(takeaway=f'"{sentence}"'), tables)
    with pytest.raises(ClaimError, match=refusal):
        takeaway_of(content, [content], {})


@pytest.mark.parametrize(
    ("sentence", "refusal"),
    [
        ("{bettr good > lost}", "unknown blank 'bettr'. Did you mean 'better'"),
        ("{score god}", "unknown row 'god'. Did you mean 'good'"),
        ("{first @ drwn}", "unknown board 'drwn'. Did you mean 'drawn'"),
        ("{leaders 9}", "leaders takes a number from 2 to the 3 rows, not '9'"),
    ],
)
def test_takeaway_of_refuses_unknown_names(leaderboards, tables, sentence, refusal):
    content = content_of(leaderboards(takeaway=f'"{sentence}"'), tables)
    with pytest.raises(ConfigError, match=refusal):
        takeaway_of(content, [content], {})


def pages_of(folder, tables, notify=print):
    return board_pages(read_named_boards(folder), tables, [], set(), MethodNames(), notify)


def test_board_page_has_seven_columns(leaderboards, tables):
    folder = leaderboards(takeaway='"{lead}."')
    (page,) = pages_of(folder, with_titles(tables, read_named_boards(folder)))
    text = board_page(page, folder)
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")][: 2 + 3 + len(page.content.levels)]
    assert (
        head == "| # | method (year) | F1 [95 %] | tied with # | recall | epoch chosen on the tested people | seeds |"
    )
    cells = [row.split(" | ") for row in rows]
    of_methods = [line for line in cells if "*" not in line[1]]
    assert [line[0].strip("| ") for line in of_methods] == ["1", "2", "3"]
    assert any(row.startswith("|  | *random (") for row in rows)
    assert text.index("**Who finds them?** Good leads") < text.index("All rows share this.") < text.index(head)
    assert re.search(r"\| lost.*\| none \| 0\.000 \| [01]\.\d{3} \(\+[01]\.\d{3}\) \| 1 \|", text)
    assert "<details><summary>How sure is the order?</summary>" in text
    assert (
        "how stable the order is; *tied with* is the test of differences (*Ranks on a leaderboard* in the doc" in text
    )


def test_index_page_lists_boards_and_experiments(leaderboards, tables):
    folder = leaderboards()
    pages = pages_of(folder, tables)
    index = index_page(pages, tables, folder)
    assert (
        "| **[Drawn people, by person](boards/drawn.md)**<br>Who finds them? | good 1.000 F1 [0.631,&nbsp;1.000]<br>"
        "tied with 1 of the 2 others | 3 |" in index
    )
    assert "[experiments](experiments.md): 1 of them" in index
    assert "[spotting: filmed, loso](tables/spotting-filmed-loso.md)" in experiments_page(pages, tables)


def test_index_page_says_that_nobody_leads(leaderboards, tables):
    folder = leaderboards()
    (page,) = pages_of(folder, tables)
    alike = tuple(replace(place, row=replace(place.row, group="a")) for place in page.content.places)
    index = index_page([replace(page, content=replace(page.content, places=alike))], tables, folder)
    assert "| no leader: all 3 are tied, 0.000 to 1.000 F1<br>first: good [0.631,&nbsp;1.000] | 3 |" in index


def test_board_page_names_the_sender_of_a_row_once(leaderboards, tables):
    folder = leaderboards()
    (page,) = pages_of(folder, tables)
    first, *others = page.content.places
    sent = replace(first.row, facts={**first.row.facts, "sender": "ann"})
    content = replace(page.content, places=(replace(first, row=sent), *others))
    lines = board_page(replace(page, content=content), folder).splitlines()
    line = next(line for line in lines if line.startswith("| 1 |"))
    assert line.count("sent by ann") == 1


def test_takeaway_of_two_methods_names_the_other(leaderboards, tables):
    content = content_of(leaderboards(takeaway='"{lead}."'), tables)
    good, like, lost = content.places
    for other, words in ((like, "and is not distinguishable from like."), (lost, "and is better than lost.")):
        pair = replace(content, places=(good, other))
        assert takeaway_of(pair, [pair], {}).casefold() == f"good leads with 1.000, {words}"


def test_board_pages_say_who_leads_if_a_sentence_fails(leaderboards, tables):
    said = []
    (page,) = pages_of(leaderboards(takeaway='"{alike}."'), tables, said.append)
    assert page.takeaway.startswith("Good leads with 1.000")
    assert "change takeaway in boards.yaml" in said[0]


@pytest.mark.parametrize(
    ("ranks", "own", "n_rows", "words"),
    [
        ([2, 3, 5], 4, 6, "2 to 5"),
        ([1, 2], 3, 3, "all others"),
        ([], 1, 4, "none"),
        ([1, 4], 2, 5, "1, 4"),
        ([2, 4, 5], 1, 6, "2, 4 to 5"),
    ],
)
def test_tied_words_join_ranges(ranks, own, n_rows, words):
    assert tied_words(ranks, own, n_rows) == words


def test_build_shows_named_boards(tmp_path, leaderboards, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    leaderboards(takeaway='"{lead}."')
    make_run(tmp_path / "runs", tasks=("spot",))
    make_run(tmp_path / "runs", tasks=("spot",), dataset="filmed")
    leaderboard.leaderboard_build_command("runs")
    printed = capsys.readouterr().out
    assert "leaderboards/README.md: 1 board, 2 tables from 2 runs" in printed
    assert "Drawn people, by person: Spotter leads with 1.000 as the only method." in printed
    site = (tmp_path / "leaderboards" / "site" / "index.html").read_text()
    assert site.index("Drawn people, by person") < site.index("<h2>Experiments</h2>") < site.index("filmed")
    assert {*mebench.leaderboard(runs="runs")["board"].dropna()} == {"Drawn people, by person"}
    table = (tmp_path / "leaderboards" / "tables" / "spotting-drawn-loso.tex").read_text()
    assert r"\caption{Drawn people, by person, micro" in table


def test_board_without_a_table_names_the_nearest():
    table = BoardTable("t", "spotting", "synthetic", "loso", "preset easy; subjects=8", "", ())
    other = replace(table, variant="preset hard", protocol="kfold")
    asked = {"dataset": "synthetic", "protocol": ("loso",), "settings": "preset easy"}
    board = NamedBoard("ours", "Ours", "Which?", "spotting", **asked)
    assert 'write settings: "preset easy; subjects=8".' in nearest_table_in_words(board, [other, table])
    assert 'write protocol: kfold, settings: "preset hard".' in nearest_table_in_words(board, [other])
    assert nearest_table_in_words(board, [replace(table, dataset="casme2")]) == ""
