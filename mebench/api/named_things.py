"""Boards, challenges, papers and published results by their usual names, for `mebench info`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.api.listing import leaderboards_folder
from mebench.errors import ConfigError
from mebench.lazy_imports import lazy_imports
from mebench.output.terminal import format_count
from mebench.parts import is_installed

with lazy_imports():
    from mebench.api import boards as board_files
    from mebench.challenges import register
    from mebench.config import spellings
    from mebench.records import published as published_values
    from mebench.reproduction import papers, rescore

PAPERS = "papers"
"""The folder of papers in that of the leaderboard."""


def find_things(name: str) -> dict[str, dict[str, Any]]:
    """The board, challenge, paper and published result of a name, by their kind."""
    found: dict[str, dict[str, Any]] = {}
    boards = {board.id: board for board in _boards()}
    board_id = spellings.usual_name(name, boards)
    if board_id is not None:
        board = boards[board_id]
        found["board"] = {
            "id": board.id,
            "title": f"board {board.id}: {board.title}",
            "question": board.question,
            "task": board.task,
            "dataset": board.dataset,
            "protocol": ", ".join(board.protocol),
            "about": board.about,
            "show": f"mebench table {board.id}",
            "picture": f"mebench plot {board.id}",
        }
    challenge_id = spellings.usual_name(name, _challenges())
    if challenge_id is not None:
        challenge = _challenges()[challenge_id]
        found["challenge"] = {
            "id": challenge.name,
            "title": f"challenge {challenge.name}: {challenge.title}",
            "tasks": "; ".join(f"{task.name}: {task.title}" for task in challenge.tasks.values()),
            "source": "; ".join(challenge.source),
            "show": f"mebench challenge info {challenge.name}",
        }
    paper_id = spellings.usual_name(name, _papers())
    if paper_id is not None:
        paper = papers.read_paper(leaderboards_folder(None) / PAPERS, paper_id)
        found["paper"] = {
            "id": paper.id,
            "title": f"paper {paper.id}: {paper.title}",
            "tables": ", ".join(paper.tables),
            "datasets": ", ".join(paper.datasets),
            "show": f"mebench reproduce {paper.id}",
        }
    published_id = name.casefold()
    published = _published(published_id)
    if published:
        first, tables = published[0], {(row.source, row.table) for row in published}
        found["published"] = {
            "id": published_id,
            "title": f"published result {published_id}: {first.method} {first.year or ''}",
            "values": f"{format_count(len(published), 'value')} in {format_count(len(tables), 'table')}",
            "source": "; ".join(sorted({row.source for row in published})),
            "compare": f"mebench compare RUN published:{published_id}",
        }
    return found


def all_names() -> list[str]:
    """The names of all boards, challenges and papers."""
    return [*(board.id for board in _boards()), *_challenges(), *_papers()]


def _boards() -> list[Any]:
    """The named boards; none where boards are not installed."""
    return list(board_files.named_boards_of(leaderboards_folder(None))) if is_installed("boards") else []


def _papers() -> list[str]:
    """The papers whose tables can be run again; none where reproduction is not installed."""
    folder = leaderboards_folder(None) / PAPERS
    return rescore.list_sources(folder) if is_installed("reproduction") and folder.is_dir() else []


def _published(name: str) -> list[Any]:
    """The published values that a name such as `htnet2024` names; empty if it names none."""
    try:
        folder = published_values.find_published_folder(None)
        return published_values.find_published(
            name, published_values.read_published(folder / published_values.PUBLISHED)
        )
    except ConfigError:
        return []


def _challenges() -> Mapping[str, Any]:
    """The challenges by name; none where they are not installed."""
    return register.load_challenges() if is_installed("challenges") else {}
