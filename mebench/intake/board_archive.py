"""All files behind a board as one archive with hashes, and its description in Croissant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
import yaml

from mebench.boards.board_pages import PAGES, TABLES
from mebench.boards.named_boards import NamedBoard, read_named_boards
from mebench.boards.rows import BoardTable
from mebench.boards.written_tables import find_written_tables, read_written_table
from mebench.config.spellings import usual_name
from mebench.errors import DataError, check_known
from mebench.exchange.croissant import REAL, TEXT, WHOLE, DescribedColumn, DescribedFile, DescribedTable, Description
from mebench.files import file_hash, whole_file, write_text
from mebench.intake.hub_results import task_id

HASHES = "SHA256SUMS"
EVAL = "eval.yaml"
"""The file by which a dataset repository of the Hugging Face Hub becomes a benchmark."""
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that equal boards make equal archives."""
_VIDEO = DescribedColumn("video", TEXT, "dataset, subject and video, joined by slashes")
_ENDS = (
    DescribedColumn("onset", WHOLE, "first frame, counted from 0"),
    DescribedColumn("offset", WHOLE, "last frame, inclusive"),
)
_KIND = DescribedColumn("kind", TEXT, "micro or macro")
_RUN = DescribedColumn("run", TEXT, "id of the run, as the tables of the board name it")
RECORD_TABLES: Mapping[str, tuple[str, tuple[DescribedColumn, ...]]] = {
    "videos": (
        "each row is a recording of a run",
        (
            _RUN,
            _VIDEO,
            DescribedColumn("subject", TEXT, "dataset and person, joined by a slash"),
            DescribedColumn("dataset", TEXT, "id of the dataset"),
            DescribedColumn("n_frames", WHOLE, "number of frames"),
            DescribedColumn("fps", REAL, "frames per second"),
        ),
    ),
    "truth": (
        "each row is an annotated expression of a run",
        (_RUN, _VIDEO, _KIND, *_ENDS, DescribedColumn("emotion", TEXT, "scored class")),
    ),
    "predictions": (
        "each row is an interval that a run spotted",
        (_RUN, _VIDEO, _KIND, *_ENDS, DescribedColumn("confidence", REAL, "higher is surer")),
    ),
    "clips": (
        "each row is the emotion that a run named of a given clip",
        (_RUN, _VIDEO, *_ENDS, DescribedColumn("predicted", TEXT, "the named class")),
    ),
}
"""The tables of all records together: what a row is, and the columns."""


def write_board_archive(leaderboard: Path, id_: str, out: Path) -> tuple[Path, Path, int]:
    """Write `<out>/<id>.zip` and `<out>/<id>.json`, its description; both paths, and the number of records.

    The archive holds the page of a board, its tables in every form, the records of its rows, the answers and truths of all records as
    four tables, `eval.yaml` for a benchmark of the Hugging Face Hub, and `SHA256SUMS` over all files. Equal boards make equal archives.

    Args:
        leaderboard: folder of the leaderboard.
        id_: id of the board.
        out: folder to write into.

    Raises:
        ConfigError: there is no such board.
        DataError: its tables were not built, or a record of a row is not there.
    """
    boards = {board.id: board for board in read_named_boards(leaderboard)}
    id_ = usual_name(id_, boards) or id_
    check_known("board", id_, boards, where=str(leaderboard))
    board = boards[id_]
    tables = [read_written_table(file) for file in find_written_tables(leaderboard / TABLES).values()]
    shown = [table for table in tables if board.shows_table(table)]
    if not shown:
        raise DataError(f"no table of board {id_} lies in {leaderboard / TABLES}: mebench leaderboard build writes it")
    records = _record_folders(leaderboard / "records", shown)
    contents = _contents(leaderboard, board, shown, records)
    contents |= _tables_of_records(records)
    contents[EVAL] = _eval_yaml(board, shown).encode()
    contents[HASHES] = "".join(f"{_hash(content)}  {name}\n" for name, content in sorted(contents.items())).encode()
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{id_}.zip"
    with whole_file(archive) as writing, ZipFile(writing, "w", ZIP_DEFLATED) as packed:
        for name, content in sorted(contents.items()):
            packed.writestr(ZipInfo(name, FIRST_DAY), content, ZIP_DEFLATED)
    description = out / f"{id_}.json"
    write_text(description, json.dumps(_describe(board, archive, contents), ensure_ascii=False, indent=1) + "\n")
    return archive, description, len(records)


def _record_folders(folder: Path, tables: Iterable[BoardTable]) -> list[Path]:
    """The folder of the newest version of each record behind the measured rows.

    Raises:
        DataError: one is not there.
    """
    rows = [row for table in tables for part in table.parts for row in part.rows if row.measured]
    found = []
    for run in sorted({run for row in rows for run in row.runs}):
        versions = sorted(folder.glob(f"{run}~v*"), key=lambda path: int(path.name.rpartition("~v")[2]))
        newest = versions[-1] if versions else folder / run
        if not newest.is_dir():
            raise DataError(f"the record {run} of a row is not in {folder}: mebench leaderboard export writes it")
        found.append(newest)
    return found


def _contents(
    leaderboard: Path, board: NamedBoard, tables: Iterable[BoardTable], records: Iterable[Path]
) -> dict[str, bytes]:
    """The files of a board by their names in the archive."""
    page = leaderboard / PAGES / f"{board.id}.md"
    contents = {"README.md": page.read_bytes()}
    for table in tables:
        for file in sorted((leaderboard / TABLES).glob(f"{table.name}.*")):
            contents[f"{TABLES}/{file.name}"] = file.read_bytes()
    for record in records:
        for file in sorted(record.iterdir()):
            contents[f"records/{record.name}/{file.name}"] = file.read_bytes()
    return contents


def _tables_of_records(records: Sequence[Path]) -> dict[str, bytes]:
    """The tables of all records together as CSV, by their names in the archive; without those that no record has."""
    together = {}
    for name, (_, columns) in RECORD_TABLES.items():
        wanted = [column.name for column in columns]
        files = [record / f"{name}.parquet" for record in records]
        tables = [pd.read_parquet(file).assign(run=file.parent.name) for file in files if file.is_file()]
        if tables:
            text = pd.concat([table[wanted] for table in tables]).to_csv(index=False, lineterminator="\n")
            together[f"{name}.csv"] = text.encode()
    return together


def _eval_yaml(board: NamedBoard, tables: Iterable[BoardTable]) -> str:
    """The tasks of a board, as a benchmark of the Hub names them."""
    tasks = [{"id": task_id(table, board.score or table.parts[0].metrics[0])} for table in tables]
    content = {
        "name": board.title,
        "description": f"{board.question} {board.about}".strip(),
        "evaluation_framework": "mebench",
        "tasks": tasks,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _describe(board: NamedBoard, archive: Path, contents: Mapping[str, bytes]) -> dict[str, Any]:
    """The archive with the tables of its records, in Croissant."""
    names = [name for name in RECORD_TABLES if f"{name}.csv" in contents]
    tables = [DescribedTable(name, row_is, f"{name}.csv", columns) for name, (row_is, columns) in RECORD_TABLES.items()]
    packed = [_describe_packed(f"{name}.csv", contents, archive.name) for name in names]
    described = Description(
        name=f"mebench-{board.id}",
        text=f"{board.title}: {board.about} Answers, truths and scores of all rows.",
        url="",
        licence="that of mebench for scores and answers; the truth of a dataset under an agreement stays under it",
        version=_hash(contents[HASHES])[:12],
        files=[DescribedFile(archive.name, file_hash(archive), archive.stat().st_size), *packed],
        tables=[table for table in tables if table.name in names],
    )
    return described.to_json_ld()


def _describe_packed(name: str, contents: Mapping[str, bytes], archive: str) -> DescribedFile:
    """A file in the archive."""
    return DescribedFile(name, _hash(contents[name]), len(contents[name]), archive)


def _hash(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
