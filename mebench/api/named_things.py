"""Boards, challenges and papers by their names, for `mebench info`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.api.listing import leaderboards_folder
from mebench.lazy_imports import lazy_imports
from mebench.parts import is_installed

with lazy_imports():
    from mebench.api import boards as board_files
    from mebench.challenges import register


def find_things(name: str) -> dict[str, dict[str, Any]]:
    """The board and the challenge of a name, described by their kind; empty if there is neither."""
    found: dict[str, dict[str, Any]] = {}
    board = {board.id: board for board in _boards()}.get(name.casefold())
    if board is not None:
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
    challenge = _challenges().get(name.casefold())
    if challenge is not None:
        found["challenge"] = {
            "id": challenge.name,
            "title": f"challenge {challenge.name}: {challenge.title}",
            "tasks": "; ".join(f"{task.name}: {task.title}" for task in challenge.tasks.values()),
            "source": "; ".join(challenge.source),
            "show": f"mebench challenge info {challenge.name}",
        }
    return found


def all_names() -> list[str]:
    """The names of all boards and challenges."""
    return [*(board.id for board in _boards()), *_challenges()]


def _boards() -> list[Any]:
    """The named boards; none where boards are not installed."""
    return list(board_files.named_boards_of(leaderboards_folder(None))) if is_installed("boards") else []


def _challenges() -> Mapping[str, Any]:
    """The challenges by name; none where they are not installed."""
    return register.load_challenges() if is_installed("challenges") else {}
