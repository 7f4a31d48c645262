"""MEVIEW: a drawn tree with video files, a folder of images, and the sheet with two header rows."""

import shutil

import pytest
from mebench.datasets.meview import dataset as meview, fake

from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import draw_face, write_csv, write_film
from mebench.annotations.film_dataset import plain_film_name
from mebench.core import Expression
from mebench.errors import DataError
from mebench.frames import FolderFrames, VideoFrames
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("meview") / "MEVIEW"
    meview.Meview.write_fake_tree(root)
    return root


@pytest.fixture
def copy(root, tmp_path):
    return shutil.copytree(root, tmp_path / "MEVIEW")


def dataset(root, **params):
    return meview.Meview(meview.Meview.Params(None if root is None else str(root), **params))


def videos(set_):
    return {v.id: v for v in set_.videos()}


def test_Meview_keeps_contract(root):
    assert check_dataset("meview", root=str(root)) == []


def test_videos_read_agreed_annotations(root):
    set_ = dataset(root)
    found = videos(set_)
    assert list(found) == [clip.name for clip in fake.CLIPS]
    assert set_.one_per_video
    assert found["sub01-1"].expressions == (Expression(11, 21, "micro", 15, "contempt", ("14",), "VII"),)
    assert found["sub03-2"].expressions[0].apex is None
    assert {(v.fps, v.n_frames) for v in found.values()} == {(fake.FPS, fake.FRAMES)}


def test_videos_are_files_and_image_folders(root):
    set_ = dataset(root)
    frames = {id_: set_.frames(video) for id_, video in videos(set_).items()}
    assert isinstance(frames["sub01-1"], VideoFrames)
    assert frames["sub01-1"].path.suffix == ".mp4"
    assert isinstance(frames["sub11-1"], VideoFrames)
    assert frames["sub11-1"].path.suffix == ".avi"
    assert isinstance(frames["sub03-1"], FolderFrames)
    assert abs(frames["sub01-1"][0].astype(float) - draw_face(0, 1, 1)).mean() < 3  # that person, at rest


def test_position_0_is_frame_1_of_sheet(root):
    set_ = dataset(root)
    for video in set_.videos():
        e = video.expressions[0]
        frames = set_.frames(video)
        moved = [abs(frames[n].astype(float) - frames[0]).mean() for n in (e.onset, e.peak, e.offset)]
        assert moved[1] > 1.2 * max(moved[0], moved[2])


@pytest.mark.parametrize("name", ["sub02_01", "Sub2-1", "sub02/01"])
def test_folders_of_images_have_several_names(copy, name):
    clip = copy / "me-cuts" / "cuts" / "sub02-1.mp4"
    clip.unlink()
    folder = copy / "frames" / name
    folder.parent.mkdir(parents=True)
    shutil.move(copy / "me-cuts" / "cuts" / "sub03-1", folder)
    set_ = dataset(copy)
    assert set_.folder(videos(set_)["sub02-1"]) == folder


def test_images_from_0_begin_with_same_frame(copy):
    folder = copy / "me-cuts" / "cuts" / "sub03-1"
    before = videos(dataset(copy))["sub03-1"]
    for n, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{n}.jpg")
    assert videos(dataset(copy))["sub03-1"] == before


def test_video_file_is_preferred_and_two_are_refused(copy):
    home = copy / "me-cuts" / "cuts"
    write_film(home / "sub03-1.mp4", fake.FRAMES, [(1, 2, 3)], 3)
    video = videos(dataset(copy))["sub03-1"]
    assert dataset(copy).folder(video) == home / "sub03-1.mp4"
    write_film(home / "sub03-01.avi", fake.FRAMES, [(1, 2, 3)], 3)
    with pytest.raises(DataError, match="several films called sub03-1"):
        dataset(copy).folder(video)


def test_missing_clip_is_one_sentence(copy):
    (copy / "me-cuts" / "cuts" / "sub01-1.mp4").unlink()
    set_ = dataset(copy)
    assert videos(set_)["sub01-1"].n_frames is None
    with pytest.raises(DataError, match=r"expected a file sub01-1.mp4, or a folder of that name"):
        set_.frames(videos(set_)["sub01-1"])


def test_link_out_of_root_needs_permission(copy, tmp_path):
    clip = copy / "me-cuts" / "cuts" / "sub01-1.mp4"
    elsewhere = shutil.move(clip, tmp_path / "elsewhere.mp4")
    clip.symlink_to(elsewhere)
    with pytest.raises(DataError, match=r"dataset.follow_links=true"):
        dataset(copy).videos()
    assert videos(dataset(copy, follow_links=True))["sub01-1"].n_frames == fake.FRAMES


def test_Meview_subset_is_named_by_clips(root, tmp_path):
    (tmp_path / "mean2022.txt").write_text("# the clips of a paper\nsub01-1\nSub2_01.mp4\n\n'sub11-1',\n")
    set_ = dataset(root, subset=str(tmp_path / "mean2022.txt"))
    assert list(videos(set_)) == ["sub01-1", "sub02-1", "sub11-1"]
    assert (set_.published.subjects, set_.published.expressions) == (14, {"micro": 21})
    assert any(r.found == "4 of 7 rows" for r in set_.repair_rows())
    assert dataset(root).published is None
    assert dataset(root, subset="mine.txt").published is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("sub09-9\n", "names sub09-9, which MEVIEW_v2.xlsx does not hold"), ("# none\n", "names no clip")],
)
def test_Meview_refuses_impossible_subset(root, tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        dataset(root, subset=str(tmp_path / "list.txt")).videos()
    with pytest.raises(DataError, match="cannot be read as text"):
        dataset(root, subset=str(tmp_path / "nowhere.txt")).videos()


def test_scheme_three_leaves_out_unclear(root):
    scheme = meview.Meview.schemes["mean2022"]
    labels = {v.expressions[0].emotion: scheme.class_of(v.expressions[0]) for v in dataset(root).videos()}
    assert labels == {
        "contempt": "negative", "happiness": "positive", "surprise": "surprise", "disgust": "negative",
        "contempt/disgust": "negative", "anger": "negative", "unclear": None,
    }  # fmt: skip


def test_plain_sheet_is_equal(root, tmp_path):
    head = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Emotion")
    rows = [(c.subject, f"{c.name}.mp4", c.onset, c.apex, c.offset, c.units, c.emotion) for c in fake.CLIPS]
    write_csv(tmp_path / "mine.csv", [head, *rows])
    mine = dataset(None, annotations=str(tmp_path / "mine.csv"))
    assert ground_truth_hash(mine.as_annotated()) == ground_truth_hash(dataset(root).as_annotated())


def test_clip_names_compare_by_shared_part():
    assert len({plain_film_name(name) for name in ("sub01-1", "sub01-1.mp4", "SUB1_01", "sub01 - 1.AVI")}) == 1
    assert plain_film_name("sub11-1") != plain_film_name("sub1-11")
