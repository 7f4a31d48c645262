"""The contact sheet of `mebench data preview`."""

from dataclasses import replace

import cv2
import matplotlib
import numpy as np
import pytest

from mebench.annotations.drawn import draw_face
from mebench.core import Dataset, Expression, Video
from mebench.inspection.tiles import Chosen, Face, strip_of
from mebench.reports import dataset_report

E = Expression(2, 6, apex=4, emotion="disgust", action_units=("4", "L10"))


class Faces(Dataset):
    """Four frames with a face; what is annotated goes on longer."""

    def frames(self, video):
        return [draw_face()] * 4 if video.id == "face" else [np.full((90, 120, 3), 128, np.uint8)] * 9


def strip(id_, expression=E):
    return strip_of(Faces(None), Chosen(Video("d", "s", id_, 100.0, 4, (expression,)), expression))


def test_curvestrip_crop_holds_eyes_and_mouth():
    face = strip("face").face
    x0, y0, x1, y1 = face.box
    assert len(face.regions) == 3
    for corners in face.regions:
        assert (corners >= (x0 - 1, y0 - 1)).all()
        assert (corners <= (x1, y1)).all()
    (left, right, mouth) = (corners.mean(axis=0) for corners in face.regions)
    # Where `draw_face` draws them: eyes at 61 and 99, 79; mouth at 80, 116.
    assert np.allclose([left, right, mouth], [(61, 75), (99, 75), (80, 117)], atol=6)


def test_curvestrip_has_no_picture_of_missing_frame():
    tiles = strip("face").tiles
    assert list(tiles) == ["first frame 0", "onset 2", "apex 4", "offset 6"]
    assert [image is None for image in tiles.values()] == [False, False, True, True]


def test_curvestrip_names_missing_face():
    found = strip("wall")
    assert (found.face, found.problem) == (None, "no face found")


def test_curvestrip_shows_middle_without_apex():
    assert list(strip("wall", Expression(2, 7)).tiles)[2] == "middle 4"


def test_caption_names_expression():
    assert (
        dataset_report.expression_caption(strip("wall")) == "d/s/wall: micro, disgust, AU 4+L10, frames 2 to 6, 50 ms"
    )


def test_contact_sheet_escapes_formulas():
    dollars = strip("wall", Expression(2, 7, emotion=r"$\frac{$"))
    assert dataset_report.contact_sheet([replace(dollars, problem="$x^$ is no path")], "$x_$ of a$").startswith(
        b"\x89PNG"
    )


def test_contact_sheet_grows_with_rows():
    one, two = (
        cv2.imdecode(
            np.frombuffer(dataset_report.contact_sheet([strip("face")] * n, "title"), np.uint8), cv2.IMREAD_COLOR
        )
        for n in (1, 2)
    )
    assert two.shape[0] > one.shape[0] + 200
    assert two.shape[1] == one.shape[1]
    skin = draw_face()[70:90, 70:90].reshape(-1, 3).mean(axis=0)
    blue, _, red = one.reshape(-1, 3)[np.ptp(one.reshape(-1, 3), axis=1) > 15].mean(axis=0)
    assert skin[0] < skin[2]
    assert blue < red


def test_contact_sheet_begins_with_whole_frame(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        dataset_report, "draw_tile", lambda axes, image, strip, near: drawn.append((axes.get_title().split()[0], near))
    )
    dataset_report.contact_sheet([strip("wall")], "title")
    assert drawn == [("first", False), ("onset", True), ("apex", True), ("offset", True)]


@pytest.mark.parametrize(
    ("box", "across", "down"),
    [
        ((40, 30, 60, 50), (40 - 7, 60 + 7), (30 - 7, 50 + 7)),  # a third, and a little, of 20 pixels around it
        ((4, 2, 64, 42), (0, 64 + 21), (0, 42 + 14)),
        ((80, 60, 118, 88), (80 - 13.3, 120), (60 - 9.8, 90)),
    ],
)
def test_contact_sheet_close_ups_stay_within_frame(box, across, down):
    """Edges in pixels of a frame 120 wide and 90 high; pixel centres are whole numbers."""
    axes = matplotlib.figure.Figure().add_axes((0, 0, 1, 1))
    image = np.zeros((90, 120, 3), np.uint8)
    dataset_report.draw_tile(axes, image, replace(strip("wall"), face=Face(box, None, ())), near=True)
    assert np.add(axes.get_xlim(), 0.5) == pytest.approx(across)
    assert np.add(axes.get_ylim(), 0.5) == pytest.approx(down[::-1])
