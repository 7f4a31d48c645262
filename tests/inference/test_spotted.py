"""One's own videos: what `mebench spot` makes of faces of any size and place, in any format, at any rate, and of bad files."""

import functools
import json
import os
import re
import signal

import av
import numpy as np
import pandas as pd
import pympi
import pytest

from mebench.config import resolve
from mebench.core import Prediction, Video, peaks
from mebench.core.peaks import ScoreCurve
from mebench.frames import VideoFrames
from mebench.inference import spotted
from mebench.inference.predict import Answer
from mebench.output.progress import Progress
from mebench.reports.timeline import clock_time
from mebench.runner.execute import execute_run
from tests.cli.conftest import mebench
from tests.helpers.nightly import by_day
from tests.helpers.own_videos import moving, write

__all__ = ["mebench"]
TRUE = (14, 23)
"""First and last frame of the expression of the videos, at 25 frames a second."""
SPANS = ((14, 18, 23),)


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """Makes a run of a method that is not trained, whose box stays or follows the face."""
    runs = tmp_path_factory.mktemp("runs")

    @functools.cache
    def made(track):
        words = ["method=optical_strain", "method.variant=peaks", "method.regions=box", "method.flow=farneback"]
        more = [f"method.track={track}", "bootstrap=0", f"runs={runs}"]
        return execute_run(resolve([*words, *more, *tiny]), Progress()).folder.path

    return made


@pytest.fixture
def spot(mebench, finished, tmp_path, monkeypatch):
    """Spots in videos, and gives the exit code, the table of intervals, what is printed, and the folder.

    The box follows the face where a test asks for it (`track="frame"`): that takes half of the time.
    """
    monkeypatch.chdir(tmp_path)

    def go(*words, track="none"):
        code, _, err = mebench("spot", *words, "--run", finished(track), "--workers", "1", "-o", tmp_path / "out")
        file = tmp_path / "out" / "intervals.csv"
        return code, pd.read_csv(file) if file.is_file() else None, err, tmp_path / "out"

    return go


def shown_videos(page):
    """What the timelines of a page hold."""
    return [json.loads(data) for data in re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)]


def test_spot_shows_each_class_of_a_set_and_lanes_of_units(mebench, tmp_path, untracked):
    mebench("data", "fake", "dataset=four_dme", "--out", tmp_path / "4dme")
    words = ["method=random", "method.draws=1", "recognizer=majority", "recognizer.sets=every", "scheme=4dmr2025"]
    where = ["dataset=four_dme", f"dataset.root={tmp_path / '4dme'}", f"runs={tmp_path / 'runs'}", "bootstrap=0"]
    assert mebench("run", *words, *where, "workers=1")[0] == 0
    (made,) = (tmp_path / "runs").iterdir()
    video = write(tmp_path / "v.mp4", moving(3, 240, (60, 20)))
    summary = json.loads((made / "summary.json").read_text())
    assert "analysis" not in summary
    assert "analysis is not defined where clips have several classes" in str(summary["remarks"])
    mebench("spot", video, "--run", made, "--emotions", "--workers", "1", "-o", tmp_path / "out")
    found = pd.read_csv(tmp_path / "out" / "intervals.csv")
    assert {*found["emotion"]} == {"positive+negative+surprise+repression+others"}

    whole = [
        Prediction("v", "micro", n, n, n + 5, 0.5, emotion=emotion) for n, emotion in ((3, "AU4+AU12"), (20, "AU12"))
    ]
    answer = Answer(whole, {"micro": ScoreCurve(np.zeros(60))}, None)
    face = spotted.SpottedVideo("v", "", video, Video("d", "s", "v", 25, 60), np.arange(60) / 25, answer, ())
    lanes = {
        lane.name: [(span.onset, span.offset) for span in lane.spans] for lane in face.make_timeline().tracks[0].lanes
    }
    assert lanes == {"micro": [(3, 8), (20, 25)], "AU4": [(3, 8)], "AU12": [(3, 8), (20, 25)]}
    assert "action units" in spotted.SpottedVideos("m", (face,)).make_page()


def surest(found):
    """Seconds of the surest interval, up to the end of its last frame at 25 frames a second."""
    row = found.loc[found["confidence"].idxmax()]
    return row["onset_s"], row["offset_s"] + 0.04


def test_spot_writes_all_files_alike_at_times_of_the_file(spot, tmp_path):
    times = np.cumsum([0, *np.random.default_rng(1).integers(30, 50, 39)]) / 1000
    video = write(tmp_path / "my <b>.mp4", moving(3, 240, (60, 20), SPANS), size=(400, 300), times=times.tolist())

    code, found, err, out = spot(video, "--overlay", track="frame")
    assert code == 0
    assert spotted.CAUTION in err
    assert "the overlay shows the faces" in err
    assert "motion is measured over k = 3 frames" in err
    assert "where the models were trained at 30" in err

    with av.open(str(video)) as container:
        stamps = sorted(float(frame.pts * frame.time_base) for frame in container.decode(video=0))
    assert np.allclose(stamps, times, atol=1e-4)
    assert len(found) > 0
    for name in ("onset", "apex", "offset"):
        assert found[f"{name}_s"].tolist() == pytest.approx([stamps[i] for i in found[name]], abs=1e-6)

    hit = found[found["confidence"] == found["confidence"].max()].iloc[0]
    assert peaks.iou((hit["onset"], hit["offset"]), TRUE) >= 0.5
    whole = json.loads((out / "intervals.json").read_text())
    assert [i["onset_s"] for i in whole["videos"][0]["intervals"]] == found["onset_s"].tolist()
    assert whole["caution"] == spotted.CAUTION
    assert whole["videos"][0]["frames"] == 40

    elan = pympi.Elan.Eaf(str(out / "intervals.eaf"))
    marks = sorted(m for name in elan.get_tier_names() for m in elan.get_annotation_data_for_tier(name))
    ends = [round(1000 * stamps[i + 1]) for i in found["offset"]]
    assert [m[:2] for m in marks] == sorted(zip((1000 * found["onset_s"]).round().astype(int), ends))
    assert elan.media_descriptors[0]["MEDIA_URL"] == video.as_uri()

    page = (out / "report.html").read_text()
    assert "my &lt;b&gt;" in page
    assert "<b>" not in page
    assert spotted.CAUTION[:40] in page
    assert not re.search(r"""(?:src|href)="(?!#|data:,)|url\(|@import|fetch\(""", page)  # nothing is fetched
    surest = found.loc[found["confidence"].idxmax()]
    places = f"{len(found)} place{'s' if len(found) > 1 else ''} to look at in 1 video"
    (answer,) = re.findall('<p class="answer">(.*?)</p>', page)
    assert answer.startswith(places)
    assert f"the surest is at {clock_time(surest['apex_s'])} of my" in answer
    assert page.index("<h1>") < page.index(answer) < page.index(spotted.CAUTION[:40]) < page.index('id="provenance"')

    (spans,) = [lane["spans"] for lane in shown_videos(page)[0]["tracks"][0]["lanes"]]
    assert [span[:3] for span in spans] == found[["onset", "offset", "apex"]].to_numpy().tolist()
    assert np.allclose(np.cumsum(shown_videos(page)[0]["times"]) / 1000, times, atol=1e-3)
    drawn = VideoFrames(out / "overlay.mp4")
    assert len(drawn) == 40
    assert drawn[20].shape == (348, 400, 3)

    left, top, right, _ = whole["videos"][0]["face_box"]
    for shown in (drawn[0], drawn[20]):
        edges = [shown[top + 60, left - 1 : left + 2], shown[top + 60, right - 1 : right + 2]]
        assert [edge.max() > 200 for edge in edges] == [True, True], "the box of the face is white"
    assert f"{right - left} pixels wide, {left} from the left and {top} from the top, in a picture of 400 x 300" in page
    assert '<rect class="followed"' in page
    assert np.allclose(drawn.times, times, atol=1e-3)


KINDS = {  # by day two of them
    "h264.mp4": {},
    "mjpeg.avi": {"codec": "mjpeg"},
    "turned.mp4": {"turn": 90, "size": (300, 400)},
    "tall.mkv": {"size": (360, 480)},
}


def test_spot_takes_faces_off_centre_in_any_format(spot, tmp_path):
    place = {"turned.mp4": (50, 120), "tall.mkv": (100, 230)}
    kinds = by_day(KINDS, "mjpeg.avi", "turned.mp4")
    videos = [
        write(
            tmp_path / name, moving(n, 250 - 10 * n, place.get(name, (2, 60)), SPANS), 40, **{"size": (400, 300), **how}
        )
        for n, (name, how) in enumerate(KINDS.items(), 2)
        if name in kinds
    ]
    code, found, _, out = spot(*videos)
    assert code == 0
    for name in kinds:
        own = found[found["video"] == name.split(".")[0]]
        assert peaks.iou(np.array(surest(own)) * 1000, (560, 960)) >= 0.4, name
        assert (out / f"{name.split('.')[0]}.eaf").is_file()


@pytest.fixture(scope="module")
def moves_and_still(tmp_path_factory):
    """A film of a face that moves once, and one in which it does not."""
    folder = tmp_path_factory.mktemp("drawn")
    how = {"size": (400, 300)}
    moves = write(folder / "moves.mp4", moving(3, 240, (60, 20), SPANS), **how)
    return moves, write(folder / "still.mp4", moving(3, 240, (60, 20), ()), **how)


def test_spot_takes_its_level_from_another_film_of_the_person(mebench, moves_and_still, tmp_path):
    moves, still = moves_and_still
    words = ("--workers", "1", "-o", tmp_path / "out")
    code, _, err = mebench("spot", moves, "--neutral", still, *words)
    assert code == 0
    assert re.search(
        r"moves: micro: no peak in still\.mp4 \(2\.4 s with a face\) reaches the level of 0\.\d+, which stays", err
    )
    assert len(pd.read_csv(tmp_path / "out" / "intervals.csv")) == 1
    code, _, err = mebench("spot", still, "--neutral", moves, *words)
    assert code == 0
    raised = re.search(
        r"nothing happened in moves\.mp4 \(2\.4 s with a face\), so the level is (\S+) in place of (\S+)", err
    )
    assert float(raised[1]) > 1.5 * float(raised[2])


def test_spot_takes_its_level_from_a_stretch_of_the_film(mebench, moves_and_still, tmp_path):
    moves, _ = moves_and_still
    words = ("--workers", "1", "-o", tmp_path / "out")
    code, _, err = mebench("spot", moves, "--neutral", "1.4-2.4s", *words)
    assert code == 0
    assert "moves: micro: no peak from 1.4 s to 2.4 s (1.0 s with a face) reaches the level of" in err
    assert len(pd.read_csv(tmp_path / "out" / "intervals.csv")) == 1
    code, _, err = mebench("spot", moves, "--neutral", "0-1.2s", *words)
    assert code == 0
    assert "nothing happened from 0 s to 1.2 s (1.2 s with a face), so the level is" in err
    assert len(pd.read_csv(tmp_path / "out" / "intervals.csv")) == 0


def test_spot_by_the_included_model_finds_a_drawn_expression(mebench, moves_and_still, tmp_path):
    """In faces drawn by another hand than those of its training."""
    moves, still = moves_and_still
    code, _, err = mebench("spot", moves, still, "--emotions", "--workers", "1", "-o", tmp_path / "out")
    found = pd.read_csv(tmp_path / "out" / "intervals.csv")
    assert code == 0
    assert "still: 0 micro-expressions in 2.4 s, 0.0 [0.0, 92.2] a minute. This model gives up to" in err
    assert "emotion, learnt from drawings" in (tmp_path / "out" / "report.html").read_text()
    assert (
        "using the included model block_motion (trained on drawn faces and films into which micro-expressions were put)"
        in err
    )
    assert "emotions: Method mean, included model mean" in (tmp_path / "out" / "report.html").read_text()
    assert set(found["video"]) == {"moves"}
    assert peaks.iou((found["onset"][0], found["offset"][0]), TRUE) >= 0.5
    assert found["emotion"].notna().all()
    assert (tmp_path / "out" / "still.eaf").is_file()


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_spot_refuses_fewer_workers_than_one(mebench, tmp_path, workers):
    """Not taken for nobody, who would find nothing."""
    still = write(tmp_path / "still.mp4", moving(3, 240, (60, 20), ()), size=(400, 300))
    code, _, err = mebench("spot", still, "--workers", workers, "-o", tmp_path / "out")
    assert code == 2
    assert f"workers must be 1 or more, or left out for all cores, not {workers}" in err
    assert not (tmp_path / "out").exists()


SMALL = ((640, 360), 128, (500, 40))


@pytest.mark.parametrize(("size", "wide", "place"), by_day([SMALL, ((3840, 2160), 768, (400, 900))], SMALL))
def test_spot_finds_a_face_a_tenth_of_the_picture(spot, tmp_path, size, wide, place):
    video = write(tmp_path / "small.mp4", moving(4, wide, place, ((8, 12, 17),)), 22, size)
    code, found, _, _ = spot(video)
    assert code == 0
    assert peaks.iou(np.array(surest(found)) * 1000, (320, 720)) >= 0.4


def test_spot_takes_the_largest_of_two_faces_or_each(spot, tmp_path):
    left, right = moving(3, 180, (20, 20), ((14, 18, 23),)), moving(5, 160, (220, 30), ((28, 32, 37),))
    video = write(tmp_path / "two.mkv", lambda i: left(i) + right(i), 42, (400, 220), codec="ffv1")
    code, found, err, _ = spot(video, track="frame")
    assert code == 0
    assert "2 faces are seen, and the largest is followed: --faces all" in err
    assert peaks.iou(np.array(surest(found)) * 1000, (560, 960)) >= 0.4
    code, found, err, out = spot(video, "--faces", "all", track="frame")
    assert code == 0
    assert set(found["face"]) == {"face1", "face2"}
    assert "faces are seen" not in err
    for face, span in (("face1", (560, 960)), ("face2", (1120, 1520))):
        assert peaks.iou(np.array(surest(found[found["face"] == face])) * 1000, span) >= 0.4
    elan = pympi.Elan.Eaf(str(out / "intervals.eaf"))
    assert {name.partition("@")[2].split()[0] for name in elan.get_tier_names()} == {"face1", "face2"}


@pytest.mark.parametrize("faces", ["largest", "all"])
def test_spot_leaves_out_only_the_video_of_an_unreadable_image(spot, tmp_path, faces):
    import cv2

    good = VideoFrames(write(tmp_path / "good.avi", moving(3, 160, (60, 20), SPANS), 30, codec="mjpeg"))
    (tmp_path / "torn").mkdir()
    for index in range(20):
        cv2.imwrite(str(tmp_path / "torn" / f"{index}.jpg"), good[index])
    (tmp_path / "torn/17.jpg").write_bytes((tmp_path / "torn/17.jpg").read_bytes()[:-500])
    code, found, err, _ = spot(good.path, tmp_path / "torn", "--fps", "25", "--faces", faces)
    assert code == 5
    assert set(found["video"]) == {"good"}
    assert "1 video of 2 could not be predicted" in err
    assert re.search(r"torn: .*17\.jpg is truncated", err)


def test_spot_finds_nothing_where_the_face_has_left(spot, tmp_path):
    def faces(index):
        return moving(3, 240, (60, 20), SPANS)(index) if index < 40 else []

    video = write(tmp_path / "leaves.mkv", faces, frames=72, size=(400, 300), codec="ffv1")
    code, found, err, out = spot(video, track="frame")
    assert code == 0
    assert re.search(r"no face in sight in 1 stretch, [12]\.\d s together: nothing is spotted there", err)
    assert (found["apex"] < 40).all()
    assert peaks.iou(np.array(surest(found)) * 1000, (560, 960)) >= 0.4
    assert "no face in sight from" in shown_videos((out / "report.html").read_text())[0]["hidden"][0][2]


def test_spot_counts_missing_images_in_seconds(spot, tmp_path):
    """Also on the page, in the files and in the film that is drawn."""
    import cv2

    (tmp_path / "gaps").mkdir()
    frames = VideoFrames(write(tmp_path / "a.mkv", moving(3, 240, (60, 20), SPANS), 50, size=(400, 300), codec="ffv1"))
    for index in (*range(30), *range(36, 50)):
        cv2.imwrite(str(tmp_path / "gaps" / f"img{index}.png"), frames[index])
    code, found, err, out = spot(tmp_path / "gaps", "--fps", "25", "--overlay")
    assert code == 0
    assert "gaps: files 30 to 35 are missing, at 1.44 s: times count what is missing" in err
    assert "seconds are those of the file" not in err
    assert np.allclose(found["onset_s"], found["onset"] / 25, atol=1e-6)
    (video,) = json.loads((out / "intervals.json").read_text())["videos"]
    assert video["breaks"] == [{"before_s": 1.44, "missing": 6, "reason": "files 30 to 35 are missing"}]
    assert video["cuts_s"] == [1.44]
    assert video["seconds"] == 2.0
    page = (out / "report.html").read_text()
    assert shown_videos(page)[0]["marks"] == [[30, "files 30 to 35 are missing, at 1.44 s"]]
    assert "cut, missing frames or new time stamps" in page
    assert VideoFrames(out / "overlay.mp4").times[-1] == pytest.approx(49 / 25, abs=1e-3)


def test_spot_follows_a_face_that_moves(spot, tmp_path):
    def faces(index):
        (_, *face) = moving(3, 240, (0, 0), ((55, 59, 64),))(index)[0]
        return [((20 + 3 * min(index, 30), 20), *face)]

    video = write(tmp_path / "walks.mkv", faces, frames=85, size=(480, 300), codec="ffv1")
    code, found, _, _ = spot(video, track="frame")
    late = found[found["onset"] > 42]  # while it walks, everything moves
    assert code == 0
    assert peaks.iou(np.array(surest(late)) * 1000, (2200, 2600)) >= 0.4


def test_spot_keeps_old_files_until_all_is_new(spot, tmp_path, monkeypatch):
    video = write(tmp_path / "v.mkv", moving(3, 200, (60, 20), SPANS), 30, codec="ffv1")
    code, *_, out = spot(video)
    (left := out / ".writing-of-a-killed-one").mkdir()
    before = {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()}
    with monkeypatch.context() as patched:
        patched.setattr(spotted, "write_eaf", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        stopped, _, errors, _ = spot(video, "--faces", "all")
    assert code == 0
    assert stopped == 143
    assert f"stopped: nothing was written into {out}" in errors
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert not left.exists()


def test_spot_counts_fast_cameras_in_time(spot, tmp_path):
    video = write(tmp_path / "fast.avi", moving(3, 180, (20, 20), ((30, 46, 70),)), 80, (220, 220), 100, "ffv1")
    code, found, err, _ = spot(video)
    assert code == 0
    assert (
        "100 frames a second, where the models were trained at 30: motion is measured over k = 10 frames (100 ms)"
        in err
    )
    row = found.loc[found["confidence"].idxmax()]
    assert peaks.iou((row["onset"], row["offset"]), (30, 70)) >= 0.4


def test_spot_with_another_rate_keeps_seconds_of_the_file(spot, tmp_path):
    video = write(tmp_path / "slow.mkv", moving(3, 200, (60, 20), SPANS), 36, codec="ffv1")
    code, found, err, _ = spot(video, "--fps", "50")
    assert code == 0
    assert len(found)
    assert "seconds are those of the file, 2 times the real ones" in err
    assert np.allclose(found["onset_s"], found["onset"] / 25, atol=1e-3)
    assert "seconds are those" not in spot(video, "--fps", "25")[2]


def test_spot_of_a_folder_needs_its_rate_and_keeps_numbers(spot, tmp_path):
    import cv2

    (tmp_path / "images").mkdir()
    frames = VideoFrames(write(tmp_path / "a.mkv", moving(3, 240, (60, 20), SPANS), 36, size=(400, 300), codec="ffv1"))
    for index in range(36):
        cv2.imwrite(str(tmp_path / "images" / f"img{index + 7}.png"), frames[index])
    code, _, err, _ = spot(tmp_path / "images")
    assert code == 3
    assert "images is a folder of images without a frame rate: give dataset.fps=N (mebench spot: --fps N)" in err
    (tmp_path / "b").mkdir()
    for image in (tmp_path / "images").iterdir():  # of links out of the folder, too: the user names it
        (tmp_path / "b" / image.name).symlink_to(image)
    code, found, _, _ = spot(tmp_path / "b", "--fps", "25")
    assert code == 0
    assert len(found)
    code, found, err, out = spot(tmp_path / "a.mkv", tmp_path / "images", "--fps", "25")
    assert f"{out} keeps files of an earlier command: intervals.eaf\n" in err
    of_file, of_images = (found[found["video"] == name].reset_index(drop=True) for name in ("a", "images"))
    assert code == 0
    assert (of_images["onset"] - of_file["onset"]).tolist() == [7] * len(of_file)
    assert of_images["onset_s"].tolist() == of_file["onset_s"].tolist()


def test_spot_names_linked_folders_by_their_links(spot, tmp_path):
    import cv2

    for index, name in enumerate(("EP01", "EP02")):
        (tmp_path / "disk" / name / "images").mkdir(parents=True)
        frames = VideoFrames(write(tmp_path / f"{name}.mkv", moving(3 + index, 160, (60, 20), SPANS), 30, codec="ffv1"))
        for number in range(30):
            cv2.imwrite(str(tmp_path / "disk" / name / "images" / f"img{number}.png"), frames[number])
        (tmp_path / f"link{name}").symlink_to(tmp_path / "disk" / name / "images")
    code, found, err, out = spot(tmp_path / "linkEP01", tmp_path / "linkEP02", "--fps", "25")
    assert code == 0, err
    assert set(found["video"]) == set(found["subject"]) == {"linkEP01", "linkEP02"}
    assert "face" not in found
    assert {file.name for file in out.glob("*.eaf")} == {"linkEP01.eaf", "linkEP02.eaf"}


def test_spot_gives_bad_files_a_sentence_each(spot, tmp_path):
    good = write(tmp_path / "good.avi", moving(3, 160, (60, 20)), 30, codec="mjpeg")
    raw = good.read_bytes()
    (tmp_path / "codec.avi").write_bytes(raw.replace(b"MJPG", b"ZZZZ"))
    (tmp_path / "cut.avi").write_bytes(raw[:60])
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "frames").mkdir()

    write(tmp_path / "empty.avi", moving(3, 160, (60, 20)), 0, times=[], codec="mjpeg")
    for name, sentence in {
        "codec.avi": "cannot be decoded|no frame that can be decoded",
        "cut.avi": "cannot be opened|no frame that can be decoded",
        "text.mp4": "cannot be opened: it is empty, damaged or not a video",
        "empty.avi": "no frame that can be decoded|cannot be opened",
        "frames": "holds no frames: expected images",
        "none.mp4": r"there is no video .*none\.mp4: expected a video file, or a folder of images",
    }.items():
        code, found, err, _ = spot(tmp_path / name)
        assert code, name
        assert found is None, name
        assert re.search(sentence, err), (name, err)
        assert err.count("error: ") == 1, (name, err)
        assert "Traceback" not in err, (name, err)


def test_spot_names_videos_without_face_and_goes_on(spot, tmp_path):
    room = write(tmp_path / "room.avi", lambda index: [], 12, codec="mjpeg")
    code, found, err, _ = spot(room)
    assert code == 4
    assert found is None
    assert "no video could be predicted. room: no face found in room (" in err
    assert "mebench run" not in err
    good = write(tmp_path / "good.avi", moving(3, 220, (60, 20), SPANS), 30, codec="mjpeg")
    code, found, err, _ = spot(room, good)
    assert code == 5
    assert set(found["video"]) == {"good"}
    assert "1 video of 2 could not be predicted" in err


def test_spot_refuses_impossible_words(spot, tmp_path):
    (tmp_path / "a.mp4").touch()
    for words, sentence in (
        (("--faces", "both"), "unknown --faces 'both'"),
        (("--fps", "-3"), "--fps must be a number above 0, not -3"),
        (("--fold", "nobody"), "unknown fold 'nobody'"),
    ):
        code, _, err, _ = spot(tmp_path / "a.mp4", *words)
        assert code
        assert sentence in err


def test_CurveStrip_keeps_long_words_inside_small_films():
    words = "face1 micro disgust 0.163"
    strip = spotted.CurveStrip(96, np.zeros(10), [(0, 9, "micro", words)])
    drawn = strip.draw(np.zeros((96, 96, 3), np.uint8), 5)
    inked = np.flatnonzero(drawn[:48].any(axis=(0, 2)))
    assert len(inked) > 40
    assert inked.max() < 95


def test_CurveStrip_shows_hidden_faces_and_marks():
    marks = [(60, "files 9 to 12 are missing, at 2.4 s")]
    strip = spotted.CurveStrip(300, np.full(100, np.nan), [], 0, [(20, 39)], marks)
    drawn = {index: strip.draw(np.zeros((200, 300, 3), np.uint8), index) for index in (5, 30, 61, 90)}
    strip_row = drawn[5][230, :, 0]
    assert (strip_row[62:118] == 70).all()
    assert (strip_row[122:178] == 24).all()
    assert drawn[5][200, 180, 0] == 255
    assert [bool(drawn[index][:200].any()) for index in drawn] == [False, True, True, False]


def test_SpottedVideos_says_what_silence_does_not_show(tmp_path):
    video = Video("d", "s", "v", 25, 100)
    answer = Answer([], {}, None)
    face = spotted.SpottedVideo("v", "", tmp_path, video, np.arange(100) / 25, answer, ())
    assert spotted.SpottedVideos("m", (face,)).describe_findings() == [
        "Nothing was spotted in 1 video of 4.0 s; that does not show that nothing happened."
    ]
    assert spotted.SpottedVideos("m", ()).describe_findings() == ["No video could be predicted."]
