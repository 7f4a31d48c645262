"""Files in place of runs on the command line: their options, and refusals of what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from mebench.errors import ConfigError, refuse_if
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.api import given_answers
    from mebench.exchange import eaf

Truth = Annotated[
    str | None,
    typer.Option(
        "--truth", metavar="FILE", help="The truth of files, as for mebench score; then name files instead of runs."
    ),
]
LooseIds = Annotated[bool, typer.Option("--loose-ids", help="The format of files, as for mebench score.")]
Fps = Annotated[float | None, typer.Option("--fps", help="Frame rate of the times in .eaf files.")]

Subjects = Annotated[
    str | None,
    typer.Option("--subjects", metavar="COLUMN", help="The people of one table, such as fold; its column subject."),
]

OF_FILES = "is about files: name the file of their truth with --truth"


def refuse_options(options: Mapping[str, object], reason: str) -> None:
    """Refuse the first option that is given."""
    refuse_if(*((value, f"{option} {reason}") for option, value in options.items()))


def refuse_subjects(subjects: str | None, is_single: bool) -> None:
    """Refuse a column of people, unless it is one of a table with both sides."""
    refuse_if(
        (
            subjects is not None and not is_single,
            "--subjects is about one table with both sides: a truth names people in a column subject, a run knows them",
        )
    )


def refuse_files(*words: str) -> None:
    """Refuse a file where a run is expected. Words with an ending name no run."""
    for word in words:
        if not is_answer_file(word):
            given_answers.refuse_missing_file(word)
        elif Path(word).suffix:
            others = "".join(f", and {other} is not a file" for other in words if not is_answer_file(other))
            raise ConfigError(f"{word} is a file, not a run{others}: name the file of its truth with --truth")


def is_answer_file(word: str) -> bool:
    """Whether a word names a file of intervals or of a coder's marks."""
    path = Path(word).expanduser()
    return path.is_file() or eaf.find_eaf(path) is not None


def is_single_table(word: str) -> bool:
    """Whether a word names a table that holds the truth beside the answers."""
    return Path(word).expanduser().is_file() and given_answers.holds_both_sides(word)
