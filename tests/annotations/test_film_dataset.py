"""A dataset of films: where they are found, how their frames are counted, and what is said where they are missing."""

import pytest

from mebench.annotations import FilmDataset, Header, Layout, SheetParams, by_name
from mebench.annotations.drawn import write_csv, write_film, write_frames
from mebench.core import Expression, Scheme
from mebench.errors import DataError
from mebench.frames import FolderFrames, VideoFrames


class Films(FilmDataset):
    """Films in folders of people."""

    id = "films"
    revision = "1"
    fps = 25.0
    files = ("annotations.csv",)
    forms = (Header(required=("subject", "video", "onset", "offset")),)
    layout = Layout(example="films/s01/v1.mp4", folder="{subject}/{video}")
    schemes = by_name(Scheme.native(("happiness",)))


@pytest.fixture
def root(tmp_path):
    """Two people with a film of one name, a folder of images counted from 0, and a film without a row."""
    home = tmp_path / "films"
    write_film(home / "s01" / "v1.mp4", 12, [(3, 5, 8)], 1)
    write_film(home / "s02" / "v1.avi", 10, [], 2)
    write_frames(home / "s02" / "v2", "{number}.jpg", range(9))
    write_film(home / "s02" / "v3.mp4", 7, [], 2)
    rows = [("Subject", "Video", "Onset", "Offset"), ("s01", "v1.mp4", 3, 8), ("s02", "V01", 2, 4), ("s02", "v2", 1, 9)]
    write_csv(tmp_path / "annotations.csv", rows)
    return tmp_path


def test_FilmDataset_finds_files_and_folders(root):
    dataset = Films(SheetParams(str(root)))
    found = {f"{video.subject}/{video.id}": video for video in dataset.videos()}
    assert {name: video.n_frames for name, video in found.items()} == {
        "s01/v1.mp4": 12,
        "s02/V01": 10,
        "s02/v2": 9,
        "s02/v3": 7,  # no row names it: a film without expressions
    }
    assert found["s01/v1.mp4"].expressions == (Expression(2, 7),)
    assert found["s02/v2"].expressions == (Expression(0, 8),)
    kinds = {name: type(dataset.frames(video)) for name, video in found.items()}
    assert kinds.pop("s02/v2") is FolderFrames
    assert set(kinds.values()) == {VideoFrames}


def test_FilmDataset_says_where_a_film_was_expected(root):
    (root / "films" / "s01" / "v1.mp4").unlink()
    dataset = Films(SheetParams(str(root)))
    missing = dataset.videos()[0]
    with pytest.raises(DataError) as refused:
        dataset.frames(missing)
    assert str(refused.value) == (
        f"films/s01/v1.mp4 has no frames: expected a file s01/v1.mp4, or a folder of that name with its images, below {root}"
    )


def test_FilmDataset_says_of_no_film_where_they_were_expected(tmp_path):
    write_csv(tmp_path / "annotations.csv", [("Subject", "Video", "Onset", "Offset"), ("s01", "v1.mp4", 3, 8)])
    remarks = "\n".join(map(str, Films(SheetParams(str(tmp_path))).repair_rows()))
    assert "not found: expected a file s01/v1.mp4" in remarks
    assert "How to ask" not in remarks
