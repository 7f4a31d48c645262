"""The archive of a board: complete, with true hashes, equal for equal boards, and described."""

import hashlib
import io
import json
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
import yaml

from mebench.errors import ConfigError, DataError
from mebench.intake.board_archive import write_board_archive
from tests.helpers.croissant import check_description, load_with_mlcroissant

BOARDS = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The archive of a committed board, and its description."""
    archive, description, n_records = write_board_archive(BOARDS, "drawn-naming", tmp_path_factory.mktemp("archive"))
    return archive, description, n_records


def test_write_board_archive_hashes_every_file(packed):
    with ZipFile(packed[0]) as archive:
        sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert sums.keys() == {*archive.namelist()} - {"SHA256SUMS"}
        assert all(hashlib.sha256(archive.read(name)).hexdigest() == stored for name, stored in sums.items())


def test_write_board_archive_holds_records_of_all_rows(packed):
    table = json.loads((BOARDS / "tables/recognition-synthetic-loso.json").read_text())
    runs = {run for row in table["parts"][0]["rows"] if row["provenance"] == "measured" for run in row["runs"]}
    with ZipFile(packed[0]) as archive:
        records = {name.split("/")[1] for name in archive.namelist() if name.startswith("records/")}
        clips = pd.read_csv(io.BytesIO(archive.read("clips.csv")))
    assert len(records) == packed[2]
    assert {name.partition("~v")[0] for name in records} == runs
    every = [
        pd.read_parquet(file) for name in records if (file := BOARDS / "records" / name / "clips.parquet").is_file()
    ]
    assert len(clips) == sum(map(len, every))


def test_write_board_archive_names_tasks_of_hub(packed):
    with ZipFile(packed[0]) as archive:
        benchmark = yaml.safe_load(archive.read("eval.yaml"))
    assert benchmark["tasks"] == [{"id": "recognition-synthetic-loso-uf1"}]
    assert benchmark.keys() == {"name", "description", "evaluation_framework", "tasks"}


def test_write_board_archive_is_equal_for_equal_boards(packed, tmp_path):
    again, _, _ = write_board_archive(BOARDS, "drawn-naming", tmp_path)
    assert again.read_bytes() == packed[0].read_bytes()


def test_write_board_archive_describes_itself(packed):
    content = check_description(packed[1])
    (own,) = (entry for entry in content["distribution"] if entry["@id"] == "drawn-naming.zip")
    assert own["sha256"] == hashlib.sha256(packed[0].read_bytes()).hexdigest()


def test_write_board_archive_can_be_loaded(packed):
    assert load_with_mlcroissant(packed[1], "videos")["videos/fps"] > 0


def test_write_board_archive_refuses_what_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'field'"):
        write_board_archive(BOARDS, "feld", tmp_path)
    (tmp_path / "boards.yaml").write_text((BOARDS / "boards.yaml").read_text())
    with pytest.raises(DataError, match="mebench leaderboard build writes it"):
        write_board_archive(tmp_path, "field", tmp_path)
