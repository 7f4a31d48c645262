"""Tables of answers to questions for a board: their columns, sentences and files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from mebench.boards.guest_tables import GuestTable, RowOrigin
from mebench.output.number_format import NONE, format_seconds
from mebench.output.table import Column, Room, Table
from mebench.output.terminal import format_count
from mebench.score_type import Score
from mebench.vqa.floors import LEVELS
from mebench.vqa.model_cards import card_in_words
from mebench.vqa.question_rows import (
    FOLDER,
    SCORER,
    QuestionRow,
    QuestionTable,
    leader_in_words,
    settings_of_answers,
)

LABELS = {
    "coarse_uf1": "UF1, coarse",
    "coarse_uar": "UAR, coarse",
    "fine_uf1": "UF1, fine",
    "fine_uar": "UAR, fine",
    "units_f1": "F1 of units",
    "units_jaccard": "Jaccard of units",
    "shown_accuracy": "yes or no",
    "side_accuracy": "left or right",
    "events_mae": "error of all events",
    "micro_mae": "error of micro",
    "macro_mae": "error of macro",
    "type_uf1": "UF1, type",
    "type_uar": "UAR, type",
}
"""Scores in their order, with their heads."""
OF_WORDS = {"bleu": "BLEU", "rouge1": "ROUGE-1"}
LETTER = {"megc2025_a": "a", "megc2025_b": "b"}
"""The public scorers by the letter that tells them apart; `strict` counts words as the second one does."""
GUIDE = (
    "Rows in italics are no models: floors, which see no picture and learn from the other people, and the truth itself, the highest "
    "score that a scorer gives. Classes are read from free text (`megc2025_b`); BLEU and ROUGE-1 stand under both public scorers, a and "
    "b. Yes or no: each clip is asked about a unit that is shown and one that is not, so its base rate is one half. Errors of counts "
    "are means of absolute differences, 0 is best."
)


def guest_table(table: QuestionTable) -> GuestTable:
    """A table of answers as a board shows it."""
    return GuestTable(
        name=table.name,
        dataset=table.dataset,
        part=table.about,
        title=table.title,
        leader=leader_in_words(table),
        n_methods=sum(not row.floor for row in table.rows),
        summary=sentence_about_set(table),
        remark=_sentence_about_leaks(table),
        guide=GUIDE,
        origins=[_origin_of(row) for row in table.rows],
        on_board=table_on_board(table),
        whole=table_of_rows(table),
        csv=_as_csv(table),
        json=json.dumps(table.plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    )


def _sentence_about_leaks(table: QuestionTable) -> str:
    """What the questions reveal without a picture; empty if nothing."""
    return f"What the questions reveal without a picture: {'; '.join(table.leaks)}." if table.leaks else ""


def _origin_of(row: QuestionRow) -> RowOrigin:
    """How a row came about, with its record."""
    return RowOrigin(row.method, origin_in_words(row), f"{FOLDER}/{row.record.name}")


def _columns_of_scores(table: QuestionTable) -> list[Column]:
    """A column for each score that some row has, the main one first."""
    columns = [_score_column(table.score, LABELS.get(table.score, table.score), table.score, SCORER, room="")]
    for name, label in LABELS.items():
        if name != table.score:
            columns.append(_score_column(name, label, name, SCORER, room="wide"))
    for name, label in OF_WORDS.items():
        for scorer, letter in LETTER.items():
            columns.append(_score_column(f"{name}_{letter}", f"{label} {letter}", name, scorer, room="more"))
    return columns


def _score_column(name: str, head: str, score: str, scorer: str, room: Room) -> Column:
    """The column of a score under a scorer."""
    of = partial(_score_of, score, scorer)
    return Column(name, head, of=of, digits=3, right=True, score=True, optional=True, room=room)


def _score_of(name: str, scorer: str, row: QuestionRow) -> Score | None:
    """A score of a row; None if it has none."""
    score = row.score(name, scorer)
    return None if score.value is None else replace(score, reason="")


def _name_of(row: QuestionRow) -> tuple[str, ...]:
    """The name of a row, with its mark and its settings."""
    mark = f" ({row.mark})" if row.mark else ""
    return tuple(filter(None, [f"{row.method}{mark}", settings_of_answers(row.content)]))


def _share_of(name: str, row: QuestionRow) -> str | None:
    """A number of answers as a share of all questions; None without any."""
    answers = row.content["answers"]
    return f"{answers[name] / answers['asked']:.0%}" if answers[name] else None


def _cost_of(name: str, row: QuestionRow) -> float | None:
    """A cost of the answers."""
    value = row.content["facts"].get(name)
    return float(value) if isinstance(value, int | float) and value else None


def _agreement_of(kind: str, other: QuestionRow, row: QuestionRow) -> str | None:
    """On how many clips a row names the class as another row does."""
    found = row.agreement.get(kind, {}).get(other.method)
    return None if found is None else f"{found[0]} of {found[1]}"


def columns_of_rows(table: QuestionTable) -> list[Column]:
    """All columns of a table of answers."""
    columns = [
        Column("rank", "#", right=True, text=lambda rank: str(rank or ""), of=lambda row: row.rank or ""),
        Column("method", of=_name_of, main=True),
        Column("group", "not distinguishable", optional=True, room="wide"),
        *_columns_of_scores(table),
    ]
    if table.is_hidden:
        others = [row for row in table.rows if row.content["readings"]]
        for kind in ("coarse", "fine"):
            for other in others:
                head = f"{kind} as {other.method}"
                is_first = kind == "coarse" and other is others[0]
                room: Room = "" if is_first else "wide"
                columns.append(
                    Column(head, of=partial(_agreement_of, kind, other), right=True, optional=True, room=room)
                )
    columns += [
        Column("empty", "no answer", of=partial(_share_of, "empty"), right=True, optional=True, room="wide"),
        Column("unread", "not understood", of=partial(_share_of, "unread"), right=True, optional=True, room="wide"),
        Column("trained on", of=lambda row: "" if row.floor else row.content["trained_on"], optional=True, room="wide"),
        Column(
            "tokens",
            of=partial(_cost_of, "tokens"),
            text=lambda value: NONE if value is None else f"{value:,.0f}",
            right=True,
            optional=True,
            room="more",
        ),
        Column("seconds", of=partial(_cost_of, "seconds"), text=format_seconds, right=True, optional=True, room="more"),
    ]
    return columns


def table_of_rows(table: QuestionTable) -> Table:
    """The rows with all columns as a table for people."""
    return Table.from_items(columns_of_rows(table), table.rows, muted=_positions_of_floors(table))


BOARD_SCORES = {
    "clips": ("fine_uf1", "units_f1", "shown_accuracy"),
    "videos": ("micro_mae", "macro_mae", "type_uf1"),
}
"""The scores that the page of a board shows beside the main one: seven columns fit a screen."""
MOST_AGREEMENTS = 5
"""Most columns of agreement on the page of a board."""


def table_on_board(table: QuestionTable) -> Table:
    """The rows with the few columns that a page of a board shows."""
    shown = {"rank", "method", "group", table.score, *BOARD_SCORES[table.about]}
    every = columns_of_rows(table)
    columns = [column for column in every if column.name in shown]
    if table.is_hidden:
        agreements = [column for column in every if column.name.startswith("coarse as ")]
        columns = [column for column in columns if column.name == "method"] + agreements[:MOST_AGREEMENTS]
    return Table.from_items(columns, table.rows, muted=_positions_of_floors(table))


def _positions_of_floors(table: QuestionTable) -> set[int]:
    """The positions of the floors among the rows, which a table for people mutes."""
    return {position for position, row in enumerate(table.rows) if row.floor}


def sentence_about_set(table: QuestionTable) -> str:
    """The size of a set of questions, its hash, and who leads."""
    facts = table.facts
    people = f" of {format_count(facts['people'], 'person', 'people')}" if facts["people"] else ""
    noun = "clip" if table.about == "clips" else "video"
    size = f"{format_count(facts['questions'], 'question')} about {format_count(facts['clips'], noun)}{people}"
    return f"{size} (SHA-256 {table.sha256[:12]}). By {LABELS[table.score]}: {leader_in_words(table)}."


def origin_in_words(row: QuestionRow) -> str:
    """How answers came about: the rule of a floor, what was chosen on whom, and their source."""
    content = row.content
    if row.floor:
        return LEVELS[row.floor]
    trained_on = f"trained on: {content['trained_on']}"
    card = card_in_words(content["facts"].get("card"))
    return "; ".join(filter(None, [trained_on, card, f"chosen: {content['selection']}", content["source"]]))


def _as_csv(table: QuestionTable) -> str:
    """A line for each row and scorer."""
    names = list(dict.fromkeys([*LABELS, *OF_WORDS]))
    columns = [
        Column(name)
        for name in ("rank", "method", "scorer", "group", "floor", "mark", "settings", "trained_on", "record")
    ]
    columns += [Column(name, score=True) for name in names]
    columns += [Column(name) for name in ("asked", "empty", "unread", "tokens", "seconds", "sha256")]
    cells = [_csv_cells(row, scorer, names) for row in table.rows for scorer in row.content["summaries"] or ("",)]
    return Table.from_items(columns, cells).to_csv_text()


def _csv_cells(row: QuestionRow, scorer: str, names: Sequence[str]) -> Mapping[str, Any]:
    """The values of a row under one scorer, by the names of columns."""
    content = row.content
    return {
        "rank": row.rank,
        "method": row.method,
        "scorer": scorer,
        "group": row.group,
        "floor": row.floor,
        "mark": row.mark,
        "settings": settings_of_answers(content),
        "trained_on": content["trained_on"],
        "record": row.record.name,
        **{name: _score_of(name, scorer, row) for name in names},
        **content["answers"],
        **{name: _cost_of(name, row) for name in ("tokens", "seconds")},
        "sha256": content["set"]["sha256"],
    }
