"""Videos that nobody annotated, as files and as folders of images, and what a finished run predicts in them."""

import shutil
from fractions import Fraction

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from mebench.datasets.folder import dataset as folder_dataset

from mebench.annotations import drawn
from mebench.annotations.drawn import draw_face
from mebench.config import resolve
from mebench.errors import ConfigError, DataError
from mebench.frames import videofile
from mebench.inspection import verify_dataset
from mebench.inspection.dataset_summary import summarise_dataset
from mebench.output.progress import Progress
from mebench.runner import make_plan
from mebench.runner.execute import execute_run
from tests.helpers.contracts import check_dataset

FPS, FRAMES = 25, 40


def write_video(path, rate=FPS, times=None):
    """A drawn face that moves once, coded without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width = 160
        stream.height = 160
        stream.pix_fmt = "bgr0"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index in range(FRAMES):
            image = draw_face(drawn.strength_at(index, (12, 18, 26)), person=3, seed=index)
            picture = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="bgr0")
            picture.pts = (times or range(0, 10**6, 1000 // rate))[index]
            picture.time_base = Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """`a` as images in `s01`, and the same as the file `b.mkv` beside it."""
    root = tmp_path_factory.mktemp("folder")
    write_video(root / "b.mkv")
    (root / "s01" / "a").mkdir(parents=True)
    for index in range(FRAMES):
        image = draw_face(drawn.strength_at(index, (12, 18, 26)), person=3, seed=index)
        cv2.imwrite(str(root / "s01" / "a" / f"img{index + 7}.png"), image)
    return root


def test_Folder_keeps_contract(root):
    assert check_dataset("folder", root=str(root), fps=FPS) == []


def test_videos_refuse_faces_of_missing_video(root):
    set_ = folder_dataset.Folder(folder_dataset.Folder.Params(str(root / "s01"), fps=FPS, faces=(("c", 1, 2, 9, 9),)))
    with pytest.raises(DataError, match=r"unknown video of dataset.faces 'c'.*Known: a"):
        set_.videos()


def test_videos_read_each_named_video(root):
    named = (str(root / "b.mkv"), str(root / "s01" / "a"))
    counted = summarise_dataset(folder_dataset.Folder(folder_dataset.Folder.Params(videos=named, fps=FPS)))
    assert (counted["videos_without_expressions"], counted["other_folders_of_frames"]) == (2, [])


def test_videos_follow_no_link_back(root, tmp_path):
    shutil.copytree(root / "s01", tmp_path / "s01")
    for n in range(3):  # of three in each folder there would be 3^40 paths
        (tmp_path / f"again{n}").symlink_to(tmp_path)
    (tmp_path / "s01" / "up").symlink_to("..")
    for follow_links in (False, True):
        videos = folder_dataset.Folder(
            folder_dataset.Folder.Params(str(tmp_path), fps=30.0, follow_links=follow_links)
        ).videos()
        assert [v.key for v in videos] == ["folder/s01/a"]


def test_videos_are_files_and_image_folders(root):
    videos = folder_dataset.Folder(folder_dataset.Folder.Params(str(root), fps=30.0)).videos()
    assert [(v.key, v.fps, v.n_frames) for v in videos] == [("folder/b/b", 30.0, 40), ("folder/s01/a", 30.0, 40)]
    for place, key in (("b.mkv", "folder/b/b"), ("s01", "folder/a/a"), ("s01/a", "folder/a/a")):
        (video,) = folder_dataset.Folder(folder_dataset.Folder.Params(str(root / place), fps=25.0)).videos()
        assert (video.key, video.n_frames) == (key, 40)


def test_videos_name_linked_folder_by_link(root, tmp_path):
    for subject, name in (("sub01", "EP01"), ("sub01", "EP02"), ("sub02", "EP07")):
        (tmp_path / subject).mkdir(exist_ok=True)
        (tmp_path / subject / name).symlink_to(root / "s01" / "a")
    (tmp_path / "sub02" / "EP08.mkv").symlink_to(root / "b.mkv")
    videos = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path), fps=30.0, follow_links=True)).videos()
    expected = ["sub01/EP01", "sub01/EP02", "sub02/EP07", "sub02/EP08"]
    assert [v.key for v in videos] == [f"folder/{key}" for key in expected]
    one = folder_dataset.Folder(
        folder_dataset.Folder.Params(videos=(str(tmp_path / "sub01" / "EP02"),), fps=30.0, follow_links=True)
    ).videos()
    assert [v.key for v in one] == ["folder/EP02/EP02"]


def test_videos_name_file_like_face_of_another(root, tmp_path):
    for name in ("a", "a_face1"):
        shutil.copy(root / "b.mkv", tmp_path / f"{name}.mkv")
    boxes = (("a", 0, 0, 160, 160), ("a", 10, 20, 90, 120))
    dataset = folder_dataset.Folder(
        folder_dataset.Folder.Params(videos=(str(tmp_path / "a.mkv"), str(tmp_path / "a_face1.mkv")), faces=boxes)
    )

    shapes = {v.key: (dataset.place(v).stem, dataset.frames(v)[0].shape[:2]) for v in dataset.videos()}
    assert shapes == {
        "folder/a/a_face1": ("a", (160, 160)),
        "folder/a/a_face2": ("a", (100, 80)),
        "folder/a_face1/a_face1": ("a_face1", (160, 160)),
    }

    more = folder_dataset.Folder(
        folder_dataset.Folder.Params(videos=(str(tmp_path / "a_face1.mkv"),), faces=(("a_face1", 10, 20, 90, 120),))
    )
    assert [v.id for v in more.videos()] == ["a_face1_face1"]

    (tmp_path / "people" / "s01").mkdir(parents=True)
    for name in ("a", "a_face1"):
        shutil.copy(root / "b.mkv", tmp_path / "people" / "s01" / f"{name}.mkv")
    with pytest.raises(DataError, match=r"would both have the video s01/a_face1: rename one"):
        folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path / "people"), faces=boxes)).check()


def test_videos_name_stray_images(root, tmp_path):
    shutil.copytree(root / "s01" / "a", tmp_path / "a")
    shutil.copy(tmp_path / "a" / "img7.png", tmp_path / "a" / "cover.png")
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(videos=(str(tmp_path / "a"),), fps=25.0))
    assert dataset.videos()[0].n_frames == FRAMES
    (remark,) = dataset.repairs()
    assert "'a': cover.png skipped: the frames are named like img7.png" in remark
    assert dataset.account.count_taken("file") == FRAMES


def test_videos_count_time_stamped_images_from_0(root, tmp_path):
    images = sorted((root / "s01" / "a").iterdir())
    for n, image in enumerate(images):  # the last fifth and less in another second than most
        shutil.copy(image, tmp_path / f"13-45-{2 + n // 34:02d}-{n % 34 * 25 + 5:03d}.png")
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(videos=(str(tmp_path),), fps=40.0))
    (video,) = dataset.videos()
    assert (video.n_frames, video.first, video.numbers, dataset.repairs()) == (FRAMES, 0, (), ())


def test_videos_take_frame_rate_of_file_or_setting(root, tmp_path):
    (video,) = folder_dataset.Folder(folder_dataset.Folder.Params(str(root / "b.mkv"))).videos()
    assert video.fps == 25.0
    without_rate = folder_dataset.Folder(folder_dataset.Folder.Params(str(root)))
    assert [video.id for video in without_rate.videos()] == ["b"]
    assert "s01/a is a folder of images without a frame rate: give dataset.fps=N" in without_rate.failed["folder/s01/a"]
    with pytest.raises(DataError, match=r"s01/a is a folder of images without a frame rate: give dataset\.fps=N"):
        folder_dataset.Folder(folder_dataset.Folder.Params(str(root / "s01"))).videos()
    (remark,) = folder_dataset.Folder(folder_dataset.Folder.Params(str(root / "b.mkv"), fps=200.0)).repairs()
    assert "'25' read as '200': b.mkv states another rate, but dataset.fps counts" in remark
    with pytest.raises(ConfigError, match=r"dataset\.fps must be a number of frames per second above 0, not -30"):
        folder_dataset.Folder.Params(fps=-30)
    times = np.cumsum(np.random.default_rng(1).integers(10, 90, FRAMES)).tolist()
    uneven = folder_dataset.Folder(folder_dataset.Folder.Params(str(write_video(tmp_path / "uneven.mkv", times=times))))
    assert uneven.videos()[0].fps == pytest.approx(1000 * (FRAMES - 1) / (times[-1] - times[0]), rel=0.01)
    assert "ms apart: durations go by their mean rate" in uneven.repairs()[0]


def test_videos_refuse_other_files(root, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no videos: expected files"):
        folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path / "empty"), fps=25.0)).videos()
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match=r"broken\.mp4 cannot be opened"):
        folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path / "broken.mp4"))).videos()
    with pytest.raises(ConfigError, match=r"the videos of dataset 'folder' have no annotations.*mebench predict RUN"):
        make_plan(resolve(["method=optical_strain", "dataset=folder", f"dataset.root={root}", "dataset.fps=25"]))


def test_plan_refuses_folder_as_scored_member(root, tiny):
    """Else what is spotted in videos that nobody annotated would count as wrong."""
    words = [*tiny[1:], "dataset=[folder,synthetic]", f"dataset.folder.root={root}", "dataset.folder.fps=25"]
    words = [w.replace("dataset.", "dataset.synthetic.", 1) if "folder" not in w else w for w in words]
    with pytest.raises(ConfigError, match=r"the videos of folder have no annotations, so nothing .* leave it out"):
        make_plan(resolve(["method=random", *words]))


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """A run of a method that is not trained, whose regions need no landmarks."""
    words = ["method=optical_strain", "method.variant=peaks", "method.regions=box", "method.flow=farneback"]
    return execute_run(
        resolve([*words, *tiny, "bootstrap=0", f"runs={tmp_path_factory.mktemp('runs')}"]), Progress()
    ).folder


def test_run_predicts_images_and_film_alike(mebench, finished, root, tmp_path):
    words = (finished.path, "dataset=folder", f"dataset.root={root}", "dataset.fps=25", "--workers", "1")
    code, out, _ = mebench("predict", *words, "-o", tmp_path / "all.csv")
    assert code == 0
    assert "in 2 videos" in out
    found = pd.read_csv(tmp_path / "all.csv", dtype={"subject": str})
    of_file, of_images = (found[found["video"] == name].drop(columns=["subject", "video"]) for name in ("b", "a"))
    numbered = of_file.assign(
        **{name: of_file[name] + 7 for name in ("onset", "apex", "offset")}
    )  # the first is img7.png
    assert len(of_file) > 0
    assert numbered.values.tolist() == of_images.values.tolist()
    for model in finished.path.glob("folds/*/model.safetensors"):
        model.unlink()  # nothing was trained, so nothing is lost
    code, *_ = mebench("predict", *words, "-o", tmp_path / "one.csv", "--fold", "synthetic/s001")
    assert code == 0
    assert len(pd.read_csv(tmp_path / "one.csv")) > 0
    code, *_ = mebench("predict", *words, "-o", tmp_path / "m.csv", "--format", "megc2023", "--frames", "positions")
    assert code == 0
    assert list(pd.read_csv(tmp_path / "m.csv")) == ["vid", "pred_onset", "pred_offset", "type"]


def test_run_predicts_others_if_a_video_fails(mebench, finished, root, tmp_path):
    shutil.copytree(root / "s01", tmp_path / "videos" / "s01")
    (tmp_path / "videos" / "dark").mkdir()
    for number in range(5):
        cv2.imwrite(str(tmp_path / "videos" / "dark" / f"{number}.png"), np.zeros((160, 160, 3), np.uint8))
    words = ("dataset=folder", f"dataset.root={tmp_path / 'videos'}", "dataset.fps=25", "--workers", "1")
    code, _, err = mebench("predict", finished.path, *words, "-o", tmp_path / "p.csv")
    assert code == 5
    assert "1 video of 2 could not be predicted" in err
    assert "folder/dark/dark: no face" in err
    assert set(pd.read_csv(tmp_path / "p.csv")["video"]) == {"a"}


def test_run_refuses_what_folder_cannot_do(mebench, finished, root, tmp_path):
    words = ("dataset=folder", f"dataset.root={root}", "dataset.fps=25")
    for options, sentence in (
        (("--format", "megc2020"), "unknown format 'megc2020'"),
        (("--fold", "synthetic/s009"), "unknown fold 'synthetic/s009'. Did you mean"),
        (("-o", tmp_path / "nowhere" / "p.csv"), "name a file in an existing, writable folder with --out FILE"),
    ):
        code, _, err = mebench("predict", finished.path, *words, *options)
        assert code
        assert sentence in err
    record = tmp_path / "record"
    shutil.copytree(finished.path, record, ignore=shutil.ignore_patterns("folds"))
    code, _, err = mebench("predict", record, *words, "-o", tmp_path / "p.csv")
    assert code == 4
    assert "keeps no models" in err
    assert "mebench run" in err


def test_videos_leave_out_broken_file_by_name(root, tmp_path):
    shutil.copytree(root / "s01", tmp_path / "s01")
    (tmp_path / "text.mp4").write_bytes(b"a text")
    folder = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path), fps=30.0))
    assert [video.id for video in folder.videos()] == ["a"]
    assert list(folder.failed) == ["folder/text/text"]
    assert "text.mp4 cannot be opened" in folder.failed["folder/text/text"]
    (finding,) = verify_dataset(folder).findings
    assert finding.severity == "error"
    assert "text.mp4 cannot be opened" in finding.message
    assert any("text.mp4 cannot be opened" in repair["sentence"] for repair in summarise_dataset(folder)["repairs"])


def test_videos_refuse_link_out_of_root(root, tmp_path):
    (tmp_path / "linked").symlink_to(root / "s01")
    with pytest.raises(DataError, match=r"holds no videos: .*linked: a link out of the root was not followed"):
        folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path), fps=30.0)).videos()
    shutil.copytree(root / "s01", tmp_path / "s01")
    assert "linked" in str(folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path), fps=30.0)).repairs())


def test_videos_leave_out_cut_file_unless_accepted(root, tmp_path):
    shutil.copytree(root / "s01", tmp_path / "s01")
    pictures = (np.full((64, 96, 3), n, np.uint8) for n in range(60))
    videofile.write_video(tmp_path / "torn.mkv", pictures, np.arange(60) / 25)
    whole = (tmp_path / "torn.mkv").read_bytes()
    (tmp_path / "torn.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    refused = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path), fps=30.0))
    assert [v.id for v in refused.videos()] == ["a"]
    assert "it was cut off" in next(iter(refused.failed.values()))
    accepted = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path / "torn.mkv"), damaged="accept"))
    (video,) = accepted.videos()
    assert video.fps == pytest.approx(25)
    assert 10 < video.n_frames < 60
    assert "damaged, as accepted: its header promises" in str(accepted.repairs())


def test_account_names_every_file_below_the_root(root, tmp_path):
    shutil.copytree(root / "s01", tmp_path / "s01")
    for name in ("notes.txt", "answers.csv", ".DS_Store"):
        (tmp_path / name).write_text("x")
    (tmp_path / "broken.3gp").write_bytes(b"no video")
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path), fps=25.0))
    (entry,) = dataset.account.plain()
    assert entry["held"] == FRAMES + 4
    assert entry["taken"] == FRAMES
    assert {part["reason"]: part["n"] for part in entry["left_out"]} == {
        "neither a video nor an image": 2,
        "a hidden file": 1,
        "a video that cannot be read": 1,
    }
    assert "neither a video nor an image: .csv 1, .txt 1" in str(verify_dataset(dataset).findings)


@pytest.mark.parametrize("ending", ["3gp", "gif", "m2ts", "ogv", "y4m", "nut", "h264"])
def test_videos_take_films_of_all_endings(root, tmp_path, ending):
    shutil.copy(root / "b.mkv", tmp_path / f"film.{ending}")  # what a film is, its content says
    (video,) = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path))).videos()
    assert (video.id, video.n_frames) == ("film", FRAMES)


def test_times_leave_room_for_missing_images(root, tmp_path):
    shutil.copytree(root / "s01" / "a", tmp_path / "a")
    for number in (20, 21, 22):
        (tmp_path / "a" / f"img{number}.png").unlink()
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(videos=(str(tmp_path / "a"),), fps=25.0))
    (video,) = dataset.videos()
    assert dataset.times(video)[-1] == pytest.approx((FRAMES - 1) / 25)
    (remark,) = dataset.repairs()
    assert "file 20 to 22 are missing between 7 and 46 (3 frames)" in remark


def test_videos_take_a_picture_in_two_formats_once(root, tmp_path):
    shutil.copytree(root / "s01" / "a", tmp_path / "a")
    for image in sorted((tmp_path / "a").iterdir()):
        cv2.imwrite(str(image.with_suffix(".jpg")), cv2.imread(str(image)))
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(videos=(str(tmp_path / "a"),), fps=25.0))
    assert dataset.videos()[0].n_frames == FRAMES
    assert "and all of these show a frame once more in another format" in dataset.repairs()[0]
    assert dataset.account.count_taken("file") == FRAMES


def test_videos_of_one_name_get_their_folders(root, tmp_path):
    for person in ("s1", "s2"):
        (tmp_path / person).mkdir()
        shutil.copy(root / "b.mkv", tmp_path / person / "clip.mkv")
    paths = tuple(str(tmp_path / person / "clip.mkv") for person in ("s1", "s2"))
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(videos=paths))
    assert [dataset.shown_name(video.id) for video in dataset.videos()] == ["s1/clip", "s2/clip"]


@pytest.mark.parametrize("named", [False, True], ids=["below a root", "named one by one"])
def test_videos_of_one_name_get_their_endings(root, tmp_path, named):
    shutil.copytree(root / "s01" / "a", tmp_path / "b")
    shutil.copy(root / "b.mkv", tmp_path)
    shutil.copy(root / "b.mkv", tmp_path / "b.avi")
    places = {"videos": tuple(map(str, sorted(tmp_path.iterdir())))} if named else {"root": str(tmp_path)}
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(**places, fps=25.0))
    assert sorted(video.id for video in dataset.videos()) == ["b", "b.avi", "b.mkv"]
    assert dataset.account.count_taken("file") == FRAMES + 2


def test_videos_keep_people_of_similar_folders_apart(root, tmp_path):
    for folder in ("a_b", "a/b"):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(root / "b.mkv", tmp_path / folder)
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path)))
    assert [video.subject for video in dataset.videos()] == ["a__b", "a_b"]


def test_videos_end_a_bad_member_alone(root, tmp_path, monkeypatch):
    shutil.copy(root / "b.mkv", tmp_path / "good.mkv")
    shutil.copy(root / "b.mkv", tmp_path / "bad.mkv")
    fps = videofile.VideoFrames.fps.func

    def fails(frames):
        return 1 / 0 if frames.path.stem == "bad" else fps(frames)

    monkeypatch.setattr(videofile.VideoFrames, "fps", property(fails))
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path)))
    assert [video.id for video in dataset.videos()] == ["good"]
    assert dataset.failed == {"folder/bad/bad": "ZeroDivisionError: division by zero"}


def test_videos_refuse_a_link_in_a_circle(root, tmp_path):
    shutil.copy(root / "b.mkv", tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    dataset = folder_dataset.Folder(folder_dataset.Folder.Params(str(tmp_path)))
    assert [video.id for video in dataset.videos()] == ["b"]
    assert dataset.account.held["file"] == 2
