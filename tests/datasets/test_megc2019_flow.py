"""The published flow maps: a drawn tree of the same layout, and the real one where it is."""

from collections import Counter

import cv2
import numpy as np
import pytest
from mebench.datasets.megc2019_flow import dataset as megc2019_flow

from mebench.core import Expression
from mebench.errors import DataError
from tests.helpers.outside import flow_maps

CHAIN = "onset_apex_flow_28"


def draw(root, subject, label, name, value=None, part="u_test"):
    file = root / subject / part / str(label) / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(len(name)).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    cv2.imwrite(str(file), image if value is None else np.full((28, 28, 3), value, np.uint8))
    return file


@pytest.fixture
def tree(tmp_path):
    """Three subjects, one of each member, with the other subjects' clips beside them as published."""
    draw(tmp_path, "s03", 2, "s3_sur_01")
    draw(tmp_path, "sub05", 0, "sub05_EP19_03f ", (10, 20, 30))  # the published names end in a blank
    draw(tmp_path, "sub05", 1, "sub05_EP20_01 ")
    draw(tmp_path, "006", 0, "006_1_2 ")
    for subject in ("s03", "sub05", "006"):
        draw(tmp_path, subject, 1, "somebody_else ", part="u_train")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "s03/u_test/2/._s3_sur_01.png").write_bytes(b"what macOS leaves beside a file")
    return tmp_path


def dataset(root):
    return megc2019_flow.Megc2019Flow(megc2019_flow.Megc2019Flow.Params(str(root)))


def test_videos_are_clips_of_u_test(tree):
    videos = dataset(tree).videos()
    assert [(v.key, v.expressions[0].emotion) for v in videos] == [
        ("casme2/sub05/sub05_EP19_03f", "negative"),
        ("casme2/sub05/sub05_EP20_01", "positive"),
        ("samm/006/006_1_2", "negative"),
        ("smic/s03/s3_sur_01", "surprise"),
    ]
    assert all(v.n_frames == 1 and v.fps is None for v in videos)
    assert videos[0].expressions == (Expression(0, 0, apex=0, emotion="negative"),)


def test_provided_is_picture_in_opencv_order(tree):
    set_ = dataset(tree)
    video = set_.videos()[0]
    feature = set_.provided(video, CHAIN)
    assert feature.shape == (28, 28, 3)
    assert feature.dtype == np.uint8
    assert feature[0, 0].tolist() == [10, 20, 30]
    assert set_.provided(video, "another_chain") is None


def test_frames_are_refused_in_a_sentence(tree):
    set_ = dataset(tree)
    with pytest.raises(DataError, match="has no frames, only ready-made features"):
        set_.frames(set_.videos()[0])


def no_root(tree):
    return None, "give dataset.root=PATH"


def absent(tree):
    return tree / "gone", "is not a folder"


def empty(tree):
    (tree / "empty").mkdir()
    return tree / "empty", "no subjects under dataset.root="


def one_level_down(tree):
    return tree / "sub05", "u_test is not a subject's folder"


def one_level_up(tree):
    (tree / "up").mkdir()
    for name in ("s03", "sub05", "006"):
        (tree / name).rename(tree / "up" / name)
    return tree, "up is not a subject's folder"


def no_u_test(tree):
    (tree / "s03" / "u_test").rename(tree / "s03" / "test")
    return tree, "s03 has no folder u_test"


def unknown_class(tree):
    draw(tree, "s03", 7, "s3_odd_01")
    return tree, "7 is not a class: expected 0 .negative., 1 .positive. or 2 .surprise."


def no_clips(tree):
    (tree / "s03" / "u_test" / "2" / "s3_sur_01.png").unlink()
    return tree, "subject s03 has no clips"


def two_classes(tree):
    draw(tree, "s03", 0, "s3_sur_01")
    return tree, "clip s3_sur_01 of subject s03 is in two classes"


@pytest.mark.parametrize(
    "fault",
    [no_root, absent, empty, one_level_down, one_level_up, no_u_test, unknown_class, no_clips, two_classes],
    ids=lambda f: f.__name__,
)
def test_videos_refuse_faulty_tree_in_a_sentence(tree, fault):
    root, reason = fault(tree)
    with pytest.raises(DataError, match=reason) as error:
        megc2019_flow.Megc2019Flow(megc2019_flow.Megc2019Flow.Params(None if root is None else str(root))).videos()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [("text", "cannot be decoded: it is damaged or not an image"), ("large", "has 30x28 pixels: expected 28x28")],
)
def test_provided_refuses_faulty_picture_by_name(tree, content, reason):
    file = tree / "s03" / "u_test" / "2" / "s3_sur_01.png"
    if content == "text":
        file.write_text("no picture")
    else:
        cv2.imwrite(str(file), np.zeros((28, 30, 3), np.uint8))
    set_ = dataset(tree)
    video = set_.videos()[-1]
    with pytest.raises(DataError, match=rf"s3_sur_01\.png {reason}"):
        set_.provided(video, CHAIN)


def test_published_set_equals_megc2019():
    """Table 1 of See et al., MEGC 2019 (doi 10.1109/FG.2019.8756611)."""
    set_ = dataset(flow_maps())
    videos = set_.videos()
    assert len(videos) == 442
    assert len({v.subject_key for v in videos}) == 68
    assert Counter(v.expressions[0].emotion for v in videos) == {"negative": 250, "positive": 109, "surprise": 83}
    assert Counter(v.dataset for v in videos) == {"smic": 164, "casme2": 145, "samm": 133}
    assert all(set_.provided(v, CHAIN).shape == (28, 28, 3) for v in videos[::40])
