"""A paper whose tables can be run again: which words measure which of its published rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mebench.errors import ConfigError, DataError, unknown
from mebench.leaderboard.published_row import Published


@dataclass(frozen=True)
class PaperRow:
    """How one row of a table is measured.

    Attributes:
        method: as in `leaderboards/published.csv`.
        variant: its `method_variant`, or empty.
        words: of `mebench run`, without the dataset's; None where it cannot be run.
        absent: why it cannot, or empty.
    """

    method: str
    variant: str
    words: tuple[str, ...] | None
    absent: str


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        id: such as `mean2022`.
        title: its citation.
        source: its key in `leaderboards/published.csv`.
        convention: the rules that its own scores follow.
        datasets: words that choose its videos and classes, by dataset.
        differs: where this reproduction departs from the paper, in sentences without end.
        titles: of its tables, by number.
        tables: their rows, by number.
    """

    id: str
    title: str
    source: str
    convention: str
    datasets: Mapping[str, tuple[str, ...]]
    differs: tuple[str, ...]
    titles: Mapping[str, str]
    tables: Mapping[str, tuple[PaperRow, ...]]


@dataclass(frozen=True)
class Cell:
    """One published value and how to measure it.

    Attributes:
        published: the value.
        words: of `mebench run`; None where it cannot be run.
        absent: why it cannot, or empty.
    """

    published: Published
    words: tuple[str, ...] | None
    absent: str


def read_paper(folder: Path, name: str) -> Paper:
    """The paper of that name from `<folder>/<name>.yaml`.

    Raises:
        ConfigError: there is none.
        DataError: its file has another form.
    """
    file = folder / f"{name}.yaml"
    known = {place.stem for place in folder.glob("*.yaml")}
    if name not in known:
        raise ConfigError(unknown("paper", name, known, f"Papers are looked for in {folder}"))
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        tables = {str(number): table for number, table in content["tables"].items()}
        return Paper(
            id=name,
            title=str(content["title"]),
            source=str(content["source"]),
            convention=str(content.get("convention", "strict")),
            datasets={str(id_): tuple(str(words).split()) for id_, words in content["datasets"].items()},
            differs=tuple(map(str, content.get("differs", ()))),
            titles={number: str(table["title"]) for number, table in tables.items()},
            tables={number: tuple(map(_row, table["rows"])) for number, table in tables.items()},
        )
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): compare it with its neighbours"
        ) from error


def cells(paper: Paper, table: str, published: Iterable[Published]) -> list[Cell]:
    """The cells of a table, in the order of the paper.

    Raises:
        ConfigError: the paper has no such table here.
    """
    if table not in paper.tables:
        raise ConfigError(unknown("table", table, paper.tables, f"{paper.id} has no other that can be run"))
    rows = {(row.method, row.variant): row for row in paper.tables[table]}
    found = []
    for value in published:
        if value.source.partition(" ")[0] != paper.source or value.table != f"Table {table}":
            continue
        row = rows.get((value.method, value.method_variant))
        if row is None or row.words is None:
            found.append(Cell(value, None, row.absent if row else "nobody said how to measure it here"))
        elif value.dataset not in paper.datasets:
            found.append(Cell(value, None, f"nobody said how to take {value.dataset} here"))
        else:
            found.append(Cell(value, (*row.words, *paper.datasets[value.dataset]), ""))
    if not found:
        raise DataError(
            f"published.csv holds no value of {paper.source}, Table {table}: restore it from the repository"
        )
    return found


def _row(row: Mapping[str, Any]) -> PaperRow:
    words = tuple(str(row["run"]).split()) if "run" in row else None
    return PaperRow(str(row["method"]), str(row.get("variant", "")), words, str(row.get("absent", "")))
