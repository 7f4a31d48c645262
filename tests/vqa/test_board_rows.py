"""Boards of answers to questions: who has a rank, what is distinguishable, and how pages show it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mebench.boards.board_pages import MADE, board_page, board_pages
from mebench.boards.method_names import MethodNames
from mebench.boards.named_boards import read_named_boards
from mebench.cli import leaderboard
from mebench.errors import ConfigError
from mebench.vqa.answer_facts import write_facts
from mebench.vqa.floors import answer_by_floor
from mebench.vqa.person_sums import counts_of_score, score_from_counts
from mebench.vqa.question_rows import build_question_tables, collect_answer_records, leader_in_words
from mebench.vqa.question_tables import guest_table
from mebench.vqa.questions import write_questions
from tests.vqa.test_marking import answered, questions

BOARD = "- {id: asked, title: Asked, question: What is seen?, task: questions, part: clips}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A leaderboard with the truth, a floor, a model of each kind, sent and accepted by the commands."""
    place = tmp_path_factory.mktemp("board")
    rows = questions(people=6)
    write_questions(place / "q.jsonl", rows)
    good = [row | {"answer": "unsure"} if row["subject"] == "000" else row for row in rows]
    sent = [
        ("truth", rows, {"floor": "truth"}, "none"),
        ("majority", answer_by_floor("majority", rows), {"floor": "majority"}, "none"),
        ("good", good, {"model": "vl", "see": ["crops"], "tokens": 900}, "casme2"),
        ("poor", answered(rows, coarse="negative", fine="anger"), {}, "none"),
        ("saw", good, {}, "faces, samm"),
        ("secret", good, {}, "unknown"),
        ("with_card", good, {"card": {"sha256": "0", "saw": ["samm"]}}, "unknown"),
    ]
    for name, answers, facts, trained_on in sent:
        file = place / f"{name}.jsonl"
        write_questions(file, answers)
        write_facts(file, facts)
        leaderboard.leaderboard_submit_command(
            str(file), str(place / "q.jsonl"), name, f"{name} answers", "samm", "none", trained_on=trained_on,
            out=str(place / "sent"),
        )  # fmt: skip
    leaderboard.leaderboard_merge_command([str(place / "sent")], str(place / "board" / "records"))
    (place / "board" / "boards.yaml").write_text(BOARD)
    return place / "board"


def test_build_question_tables_ranks_fair_rows_alone(home):
    (table,) = build_question_tables(collect_answer_records(home / "questions", pytest.fail))
    assert {row.record.name: (row.rank, row.mark) for row in table.rows} == {
        "truth": (None, ""),
        "good": (1, ""),
        "saw": (None, "trained on tested data"),
        "secret": (None, "trained on unknown data"),
        "with_card": (None, "trained on tested data"),
        "poor": (2, ""),
        "majority": (None, ""),
    }
    group = {row.record.name: set(row.group) for row in table.rows}
    assert group["truth"] == set()
    assert group["good"] & group["saw"]
    assert not group["good"] & group["poor"]
    assert group["poor"] & group["majority"]


def test_board_pages_show_answers(home):
    asked = build_question_tables(collect_answer_records(home / "questions", pytest.fail))
    tables = [guest_table(table) for table in asked]
    (page,) = board_pages(read_named_boards(home), [], [], (), MethodNames.from_published([]), pytest.fail, tables)
    text = board_page(page, home)
    assert "On samm good answers leads with" in text
    assert re.search(r"leads with 0\.909, better than the best floor at 0\.\d+ \(majority answers\)\.", text)
    assert "model vl; sees crops" in text
    assert "trained on: samm, unknown; its card names samm as training data and lists no data" in text
    plain = json.loads(tables[0].make_texts(MADE)["json"])
    assert [row["record"] for row in plain["rows"]][:2] == ["truth", "good"]
    assert "sums" not in plain["rows"][0]


def test_build_command_writes_board_of_answers(home, capsys):
    leaderboard.leaderboard_build_command("none", str(home))
    assert "Asked: On samm good answers leads with" in capsys.readouterr().out
    assert (home / "boards" / "asked.md").is_file()
    assert (home / "tables" / "questions-samm-clips.csv").read_text().count("\n") == 1 + 7 * 3
    page = (home / "site" / "boards" / "asked.html").read_text()
    assert "Questions about clips of samm" in page
    assert (home / "site" / "tables" / "questions-samm-clips.csv").is_file()


def test_read_named_boards_wants_part_of_questions(home, tmp_path):
    (tmp_path / "boards.yaml").write_text(BOARD.replace("clips", "pictures"))
    with pytest.raises(ConfigError, match="unknown part 'pictures'"):
        read_named_boards(tmp_path)


def test_collect_answer_records_leaves_damaged_out(home, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "answers.json").write_text("{")
    said = []
    assert collect_answer_records(tmp_path, said.append) == []
    assert "broken is left out" in said[0]


def test_leader_in_words_says_what_a_tie_leaves_open():
    """The committed answers about long videos, against other draws of people and SciPy's quantiles."""
    folder = Path(__file__).parents[2] / "leaderboards" / "questions"
    tables = build_question_tables(collect_answer_records(folder, pytest.fail))
    (table,) = (one for one in tables if one.score == "events_mae")
    said = leader_in_words(table)
    stated = float(
        re.search(r": with these 10 people a true difference shows reliably from about (\d\.\d\d) on", said)[1]
    )

    tested = [row for row in table.rows if row.group]
    floors = [row for row in tested if row.floor]
    sign = -1 if table.score.endswith("mae") else 1
    best = max(floors, key=lambda row: sign * row.value(table.score))
    rng = np.random.default_rng(7)
    draws = [np.bincount(rng.integers(10, size=10), minlength=10) for _ in range(2000)]
    of_rows = [counts_of_score(row.content["sums"], table.score) for row in (table.ranked[0], best)]
    differences = [
        score_from_counts(table.score, draw[None] @ of_rows[0])
        - score_from_counts(table.score, draw[None] @ of_rows[1])
        for draw in draws
    ]
    level = 0.05 / (len(tested) * (len(tested) - 1) / 2)
    quantiles = stats.t.ppf(1 - level / 2, 9) + stats.t.ppf(0.8, 9)
    assert stated == pytest.approx(quantiles * np.std(differences), rel=0.1)
    assert said.endswith("so a tie is not equality")
