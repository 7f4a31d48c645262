"""The drawn stand-ins: faces that a detector finds, sheets that other programs read."""

import gc
import inspect
from pathlib import Path

import cv2
import numpy as np
import pytest
import xlrd

from mebench.annotations import drawn
from mebench.annotations.drawn import draw_face, write_xlsx
from mebench.errors import DataError
from mebench.features import faces
from tests.helpers.old_excel import write_xls

write_frames = inspect.unwrap(drawn.write_frames)  # other tests copy what it once drew


@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.parametrize("person", [0, 7])
def test_draw_face_is_found_by_dlib_in_its_place(strength, person):
    picture = draw_face(strength, person)
    assert picture.shape == (drawn.SIZE, drawn.SIZE, 3)
    assert picture.dtype == np.uint8
    ((x0, y0, x1, y1),) = faces.detect_faces(picture[..., 1], 0)
    assert x0 < 60
    assert x1 > 100
    assert y0 < 80
    assert y1 > 120


def test_draw_face_moves_brows_and_mouth_alone():
    change = np.abs(draw_face(1.0)[..., 1].astype(int) - draw_face(0.0)[..., 1]).max(axis=1)  # same noise
    moved = np.flatnonzero(change > 8)
    assert set(moved) <= {*range(55, 78), *range(105, 130)}
    assert change[60:72].max() > 30
    assert change[108:125].max() > 30


def test_draw_face_is_deterministic_and_differs_by_person():
    np.testing.assert_array_equal(draw_face(0.5, 3, 9), draw_face(0.5, 3, 9))
    assert (draw_face(0.5, 3, 9) != draw_face(0.5, 4, 9)).any()


def test_write_xlsx_reports_a_full_disk_once(monkeypatch):
    """A file of a zip archive that fails to close fails once more when Python forgets it, and prints a traceback."""
    later = []
    monkeypatch.setattr("sys.unraisablehook", later.append)
    with pytest.raises(OSError, match="No space left"):
        write_xlsx(Path("/dev/full"), {"Sheet1": [("a", 1)]})
    gc.collect()
    assert later == []


def test_write_frames_numbers_files_as_the_sheet(tmp_path):
    write_frames(tmp_path / "clip", "006_{number:05d}.jpg", range(9998, 10001), [(9998, 9999, 10000)])
    assert sorted(p.name for p in (tmp_path / "clip").iterdir()) == ["006_09998.jpg", "006_09999.jpg", "006_10000.jpg"]


def test_write_frames_draws_one_person_differently_by_tree(tmp_path):
    """Else a composite of stand-ins would be refused, since one recording lies in two of its datasets."""
    for home in ("one/a/b", "two/a/b", "one/a/c"):
        write_frames(tmp_path / home, "{number}.png", [1], person=3)
    one, again, other = ((tmp_path / home / "1.png").read_bytes() for home in ("one/a/b", "two/a/b", "one/a/c"))
    assert one == again != other


def test_write_frames_draws_gray_recordings_without_tint(tmp_path):
    write_frames(tmp_path / "one" / "clip", "{number}.png", [1], person=3)
    write_frames(tmp_path / "gray" / "one" / "clip", "{number}.png", [1], person=3, gray=True)
    tinted, gray = (cv2.imread(str(tmp_path / home / "clip" / "1.png")) for home in ("one", "gray/one"))
    assert np.ptp(tinted, axis=2).max() > 0
    assert np.ptp(gray, axis=2).max() == 0
    np.testing.assert_array_equal(gray[..., 0], cv2.cvtColor(tinted, cv2.COLOR_BGR2GRAY))


@pytest.mark.parametrize("n", [1, 40, 3000])
def test_write_xls_is_read_by_xlrd(tmp_path, n):
    """xlrd is an independent reader of the format; 3000 rows need several sectors of the table of sectors."""
    rows = [("Subject", None, "Filename ü"), *[(i, None, f"EP{i:04d}") for i in range(n)]]
    write_xls(tmp_path / "codes.xls", {"one": rows, "second sheet": [(1.5,)]})
    book = xlrd.open_workbook(tmp_path / "codes.xls")
    assert book.sheet_names() == ["one", "second sheet"]
    assert book.sheet_by_index(0).row_values(0) == ["Subject", "", "Filename ü"]
    assert book.sheet_by_index(0).row_values(n) == [n - 1, "", f"EP{n - 1:04d}"]
    assert book.sheet_by_index(1).cell_value(0, 0) == 1.5


def test_empty_folder_overwrites_nothing(tmp_path):
    assert drawn.empty_folder(tmp_path / "new").is_dir()
    (tmp_path / "new" / "thesis.txt").touch()
    with pytest.raises(DataError, match="is not an empty folder"):
        drawn.empty_folder(tmp_path / "new")
