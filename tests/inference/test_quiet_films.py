"""Nothing is spotted where nothing happens: stills, lamps and cuts, by the included model."""

import numpy as np
import pytest

import mebench
from mebench.annotations.drawn import draw_face
from mebench.frames.videofile import write_video

FPS = 25
FRAMES = 100
LAMP_HZ = 1.3


def lit(picture, gain):
    return np.clip(np.rint(picture * gain), 0, 255).astype(np.uint8)


def film(path, frame):
    write_video(path, (frame(i) for i in range(FRAMES)), np.arange(FRAMES) / FPS, crf=23)
    return path


@pytest.fixture(scope="module")
def spotted(tmp_path_factory):
    """What is spotted in quiet films, by name; four seconds of each are too few for one alarm a minute."""
    folder = tmp_path_factory.mktemp("quiet")
    first, second = (np.kron(draw_face(person=person), np.ones((2, 2, 1), np.uint8)) for person in (1, 4))
    elsewhere = np.roll(second, (40, 70), (0, 1))
    films = {
        "still": lambda i: first,
        "flicker": lambda i: lit(first, 1 + 0.06 * np.sin(2 * np.pi * LAMP_HZ * i / FPS)),
        "lamp": lambda i: lit(first, 1.12 if i // 25 % 2 else 1.0),
        "cuts": lambda i: (first, elsewhere)[i // 33 % 2],
        "shaken": lambda i: np.roll(first, 24 * (i // 2 % 2) if 30 <= i < 70 else 0, axis=1),
    }
    paths = [film(folder / f"{name}.mp4", frame) for name, frame in films.items()]
    return {video.name: video for video in mebench.spot(paths, workers=1).spotted.videos}


@pytest.mark.parametrize("name", ["still", "flicker", "lamp", "cuts"])
def test_spot_finds_nothing_in_quiet_films(spotted, name):
    assert spotted[name].answer.predictions == []


def test_spot_names_cuts(spotted):
    """The followed box is smoothed, so that a cut shows some frames before and after it."""
    found = spotted["cuts"].answer.cuts
    assert [round(cut / 33) for cut in found] == [1, 2, 3][: len(found)]
    assert np.abs(np.array(found[:2]) - (33, 66)).max() <= 5
    assert f"{len(found)} cuts, the first at 1." in " ".join(spotted["cuts"].notes)
    assert len(spotted["cuts"].plain()["cuts_s"]) == len(found)
    assert spotted["still"].answer.cuts == ()


def test_spot_tells_a_shaken_camera_from_cuts(spotted):
    """Neighbouring crops differ, and the film goes on."""
    assert spotted["shaken"].answer.cuts == ()
