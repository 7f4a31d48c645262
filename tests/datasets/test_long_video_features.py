"""Published features of long videos: stand-ins in the formats of six programs, and what files of other recordings are told."""

import pickle
import shutil

import numpy as np
import pytest
from mebench.datasets.long_video_features import fake
from mebench.datasets.long_video_features.dataset import LongVideoFeatures
from mebench.methods.boosting_vrme.windows import cut_motion
from mebench.methods.me_tst.windows import window_motion

from mebench.annotations.drawn import write_csv
from mebench.core import SubjectKey
from mebench.errors import ConfigError, DataError
from mebench.features import MOTION, FeatureStore, pipeline
from mebench.features.maps import MOTION_18, MotionParams
from tests.helpers.outside import outside

LAYOUTS = ("abpn", "me_tst", "spotformer", "boosting_vrme", "lgsnet")
FPS = {"abpn": 200 / 8, "me_tst": 200 / 7, "spotformer": 200 / 7, "boosting_vrme": 200 / 7, "lgsnet": 30}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """All five layouts."""
    LongVideoFeatures.write_fake_tree(folder := tmp_path_factory.mktemp("features") / "drawn")
    return folder


def home(tree, layout):
    return tree if layout == "abpn" else tree / layout


def dataset(tree, layout, truth=True, **params):
    listed = str(tree / f"{layout}.csv") if truth is True else truth
    return LongVideoFeatures(
        LongVideoFeatures.Params(**{"root": str(home(tree, layout)), "layout": layout, "truth": listed} | params)
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_videos_have_drawn_expressions(drawn, layout):
    set_ = dataset(drawn, layout)
    videos = set_.videos()
    assert [v.id for v in videos[:3]] == ["006_1", "006_2", "007_1"]
    assert len(videos) == 8
    for number, video in enumerate(videos):
        spans = fake.spans_of(6 + number // 2, 1 + number % 2)
        fps = FPS[layout]
        assert video.fps == pytest.approx(fps)
        assert abs(video.n_frames - fake.SECONDS * fps) <= 30
        for e, (kind, onset, _, offset) in zip(video.expressions, spans, strict=True):
            assert e.kind == kind
            assert abs(e.onset - onset * fps) <= 1
            assert abs(e.offset - offset * fps) <= 1
    assert set_.person(videos[0].subject_key) == SubjectKey("samm", "006")
    assert f"published with {layout}" in set_.remark


@pytest.mark.parametrize("layout", LAYOUTS[:3])
def test_provided_moves_brows_in_expressions_alone(drawn, layout):
    set_ = dataset(drawn, layout)
    video = set_.videos()[2]
    rows = np.abs(set_.provided(video, MOTION).astype(float))
    assert rows.shape == (video.n_frames - 1, 12, 1, 2)
    inside = np.zeros(len(rows), bool)
    for e in video.expressions:
        inside[max(e.onset - 1, 0) : e.offset + 1] = True
    speed = rows[:, :6, 0, 1].mean(1)
    assert speed[~inside].max() < 0.08 < speed[inside].mean()
    assert set_.provided(video, "onset_apex_flow_28") is None


def test_segments_joined_are_series_and_truth(drawn):
    listed, labelled = dataset(drawn, "abpn"), dataset(drawn, "abpn", truth=None)

    def places(set_):
        return [[(e.kind, e.onset, e.apex, e.offset) for e in v.expressions] for v in set_.videos()]

    assert places(listed) == places(labelled)
    files = sorted((drawn / "train" / "samm_006").glob("samm_006_1_*.npz"))
    assert [file.stem[-4:] for file in files] == ["0000", "0256", "0512"]
    parts = [np.load(file)["feature"] for file in files]
    assert parts[0].shape == (270, 12, 2)
    video = listed.videos()[0]
    whole = listed.provided(video, MOTION)[:, :, 0]
    np.testing.assert_allclose(whole[256 - 7 : 512 + 7], parts[1], atol=2e-3)  # with its edges
    np.testing.assert_allclose(parts[2][7 : 7 + len(whole) - 512], whole[512:], atol=2e-3)


def test_windows_of_me_tst_equal_series(drawn):
    set_ = dataset(drawn, "me_tst")
    windows = pickle.loads((drawn / "me_tst" / "SAMMLV_dataset.pkl").read_bytes())
    for number in (0, 5):
        video = set_.videos()[number]
        assert video.n_frames == (len(windows[number]) + 1) * 15
        made = window_motion(set_.provided(video, MOTION)[:, :, 0].astype(np.float32), 30)
        assert made.shape == (len(windows[number]), 10, 30)
        np.testing.assert_allclose(made[:, :, :16], np.stack(windows[number])[:, :, :16], atol=0.02)  # of sixteen bits
        np.testing.assert_allclose(made[-1], windows[number][-1], atol=0.02)


def test_windows_of_boosting_vrme_equal_series(drawn):
    set_ = dataset(drawn, "boosting_vrme")
    windows = pickle.loads((drawn / "boosting_vrme" / "SAMMLV_dataset.pkl").read_bytes())
    video = set_.videos()[5]
    motion = set_.provided(video, MOTION_18)
    assert motion.shape == (video.n_frames - 1, 18, 1, 2)
    assert set_.provided(video, MOTION) is None
    made = cut_motion(motion[:, :, 0].astype(np.float32), 30)
    np.testing.assert_allclose(made[:, :, :16], np.stack(windows[5])[:, :, :16], atol=0.02)  # of sixteen bits
    np.testing.assert_allclose(made[-1], windows[5][-1], atol=0.02)


@pytest.mark.parametrize(("layout", "other"), [("me_tst", "boosting_vrme"), ("boosting_vrme", "me_tst")])
def test_windows_of_other_program_name_its_layout(drawn, layout, other):
    swapped = dataset(drawn, layout, root=str(drawn / other))
    with pytest.raises(
        DataError, match=f"rows, those of another program: give dataset.layout={other} in place of {layout}"
    ):
        swapped.videos()


def test_files_of_two_recordings_lie_side_by_side(drawn, tmp_path):
    """`cache/` of ME-TST holds one file of SAMM Long Videos and five of CAS(ME)³."""
    assert len([*(drawn / "me_tst").glob("*.pkl")]) == 6
    set_ = dataset(drawn, "me_tst", str(drawn / "me_tst_casme3.csv"), of="casme3")
    videos = set_.videos()
    assert len(videos) == 8
    assert (videos[0].subject, videos[0].id, videos[0].fps) == ("spNO.6", "a", 30.0)
    for number, video in enumerate(videos):
        onsets = [onset for kind, onset, *_ in fake.spans_of(6 + number // 2, 1 + number % 2) if kind == "micro"]
        assert [e.kind for e in video.expressions] == ["micro"] * len(onsets)
        assert all(abs(e.onset - 30 * onset) <= 1 for e, onset in zip(video.expressions, onsets, strict=True))
    speed = np.abs(set_.provided(videos[0], MOTION).astype(float))[:, :6, 0, 1].mean(1)
    first = videos[0].expressions[0]
    assert speed[first.onset : first.offset].mean() > 3 * np.median(speed)
    for folder in ("ME-TST", "ME-TST+"):
        shutil.copytree(drawn / "me_tst", tmp_path / folder)
    with pytest.raises(DataError, match=r"both hold SAMMLV_dataset: .* give one of the folders as dataset\.root"):
        dataset(drawn, "me_tst", root=str(tmp_path)).videos()


def test_whole_videos_of_abpn_replace_segments(drawn, tmp_path):
    set_ = dataset(drawn, "abpn")
    for video in set_.videos():
        (folder := tmp_path / f"samm_{video.subject}").mkdir(exist_ok=True)
        np.save(folder / f"samm_{video.id}.npy", set_.provided(video, MOTION)[:, :, 0])
    again = dataset(drawn, "abpn", root=str(tmp_path))
    assert again.videos() == set_.videos()
    np.testing.assert_array_equal(*(d.provided(d.videos()[3], MOTION) for d in (set_, again)))
    with pytest.raises(DataError, match=r"do not say where expressions are: give dataset\.truth=PATH"):
        dataset(drawn, "abpn", truth=None, root=str(tmp_path)).videos()


def test_i3d_features_have_one_or_two_streams(drawn, tmp_path):
    set_ = dataset(drawn, "lgsnet")
    video = set_.videos()[0]
    both = set_.provided(video, "i3d")
    assert both.shape == ((video.n_frames - 1 - 8) // 2 + 1, 2048)
    assert set_.provided(video, MOTION) is None
    for file in (drawn / "lgsnet").glob("*-rgb.npz"):
        shutil.copy(file, tmp_path)
    one = dataset(drawn, "lgsnet", root=str(tmp_path))
    np.testing.assert_array_equal(one.provided(video, "i3d"), both[:, :1024])
    shutil.copy(drawn / "lgsnet" / "006_1-flow.npz", tmp_path)
    with pytest.raises(DataError, match="has features of one stream, and others of both"):
        dataset(drawn, "lgsnet", root=str(tmp_path)).videos()


def test_list_without_a_video_leaves_it_out(drawn, tmp_path):
    rows = [line.split(",") for line in (drawn / "abpn.csv").read_text().splitlines()]
    write_csv(tmp_path / "list.csv", [row for row in rows if row[1] != "samm_007_2"])
    listed = str(tmp_path / "list.csv")
    with pytest.raises(
        DataError, match=r"does not name 007_2, .* dataset.unnamed=empty if it shows no expression"
    ) as error:
        dataset(drawn, "abpn", listed).videos()
    assert "\n" not in str(error.value)
    empty, left_out = (dataset(drawn, "abpn", listed, unnamed=word) for word in ("empty", "left_out"))
    assert len(empty.videos()) == 8
    assert len(left_out.videos()) == 7
    assert empty.videos()[3].expressions == ()
    assert "007_2" in empty.repairs()[-1]


def test_list_with_video_without_features_names_it(drawn, tmp_path):
    shutil.copytree(drawn / "spotformer", tmp_path / "some")
    (tmp_path / "some" / "samm_007" / "samm_007_2.npy").unlink()
    some = dataset(drawn, "spotformer", root=str(tmp_path / "some"))
    assert len(some.videos()) == 7
    assert some.repairs()[-1].endswith("'007_2': the list names it, and there are no features of it: left out")


def of_another_rate(tree, tmp):
    return {
        "layout": "me_tst",
        "step": 3.0,
    }, "has features of 675 frames, and .* says 4800, which would be 1600 of them"


def listed_at_another_rate(tree, tmp):
    return {"layout": "abpn", "sheet_step": 60.0}, "ends at frame .* of them: features and list have other frame rates"


def a_list_of_other_lengths(tree, tmp):
    return {
        "layout": "me_tst",
        "truth": str(tree / "spotformer.csv"),
    }, "the median macro-expression of spotformer.csv would last .*, expected 0.5 to 5 s: features and list"


def a_list_that_the_labels_contradict(tree, tmp):
    return {
        "layout": "abpn",
        "truth": str(tree / "spotformer.csv"),
    }, r"\d+ of 32 expressions of spotformer.csv begin elsewhere than the labels of the segments: features and list"


def without_labels(tree, tmp):
    folder = tmp / "train" / "samm_006"
    folder.mkdir(parents=True)
    for file in (tree / "train" / "samm_006").glob("samm_006_1_*.npz"):
        np.savez(folder / file.name, feature=np.load(file)["feature"])
    return {
        "layout": "abpn",
        "root": str(tmp),
        "truth": None,
    }, "holds no labels of expressions: give a list of the expressions as dataset.truth=PATH"


def with_a_segment_missing(tree, tmp):
    for number in ("0000", "0512"):
        shutil.copy(tree / "train" / "samm_006" / f"samm_006_1_{number}.npz", tmp)
    return {"layout": "abpn", "root": str(tmp)}, "begin at 0, 512 …, in steps of other than the 256 frames"


def windows_of_more_videos(tree, tmp):
    rows = [line.split(",") for line in (tree / "me_tst.csv").read_text().splitlines()]
    write_csv(tmp / "list.csv", [row for row in rows if not row[1].endswith("006_1")])
    return {"layout": "me_tst", "truth": str(tmp / "list.csv")}, "hold 8 videos without names, but 7 videos in the list"


def windows_without_a_list(tree, tmp):
    return {"layout": "me_tst", "truth": None}, "stored without the names of their videos, .* dataset.truth=PATH"


def a_pickle_that_calls_something(tree, tmp):
    (tmp / "SAMMLV_dataset.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    return {
        "layout": "me_tst",
        "root": str(tmp),
    }, r"SAMMLV_dataset.pkl: it is a pickle that cannot be read \(it calls os.system\)"


def arrays_of_another_layout(tree, tmp):
    (tmp / "samm_006_1.npy").write_bytes((tree / "spotformer/samm_006/samm_006_1.npy").read_bytes())
    rows = (tree / "abpn.csv").read_text().splitlines()
    write_csv(tmp / "list.csv", [row.split(",") for row in rows if "006_1" in row or "video" in row])
    return {
        "layout": "abpn",
        "root": str(tmp),
        "truth": str(tmp / "list.csv"),
        "step": 7.0,
    }, r"expected .* \(frames, 12, 2\)\. Check dataset.layout"


def a_damaged_file(tree, tmp):
    (tmp / "006_1-rgb.npz").write_bytes(b"PK\3\4 cut")
    return {"layout": "lgsnet", "root": str(tmp)}, "006_1-rgb.npz holds no array frame_cnt"


def another_list(tree, tmp):
    write_csv(tmp / "list.csv", [("video", "onset", "offset"), ("15_0101", "3", "9")])
    return {
        "layout": "abpn",
        "truth": str(tmp / "list.csv"),
        "of": "cas_me2",
    }, "belongs to no video of dataset.of=cas_me2"


def a_list_of_other_names(tree, tmp):
    write_csv(tmp / "list.csv", [("video", "onset", "offset"), ("anger", "3", "9")])
    return {
        "layout": "abpn",
        "truth": str(tmp / "list.csv"),
    }, "names a video 'anger', which is not in dataset.of=samm_lv"


def no_list(tree, tmp):
    return {"layout": "abpn", "truth": str(tmp / "gone.csv")}, "gone.csv is not a file: expected a list of expressions"


def no_features(tree, tmp):
    return {"layout": "abpn", "root": str(tmp)}, "holds no features of dataset.layout=abpn: expected segments such as"


@pytest.mark.parametrize(
    "fault",
    [
        of_another_rate, listed_at_another_rate, a_list_of_other_lengths, a_list_that_the_labels_contradict,
        without_labels, with_a_segment_missing, windows_of_more_videos, windows_without_a_list,
        a_pickle_that_calls_something, arrays_of_another_layout, a_damaged_file, another_list, a_list_of_other_names, no_list, no_features,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_wrong_files_are_refused_in_a_sentence(drawn, tmp_path, fault):
    params, reason = fault(drawn, tmp_path)

    def read_first_video():
        lists = dataset(drawn, **params)
        lists.provided(lists.videos()[0], MOTION)

    with pytest.raises(DataError, match=reason) as error:
        read_first_video()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrong", [{"step": 0.0}, {"sheet_step": -1.0}, {"first": -1}, {"layout": "lbp"}])
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError):
        LongVideoFeatures.Params(**wrong)


def test_features_of_other_rate_are_refused(drawn, tmp_path):
    """Ten frames a second of 25 would be flow over two frames, and the features are from each to the next."""
    set_ = dataset(drawn, "abpn")
    video = set_.videos()[0]
    chain = MotionParams(fps=10.0).series(video.fps)[MOTION]
    with pytest.raises(
        DataError, match=r"599 rows, but flow over 2 frames, .* has 598: the features have another frame rate"
    ):
        pipeline.video_source(FeatureStore(tmp_path), set_, "long_video_features", video).frame_features(chain)


def test_published_lgsnet_features_and_list_are_read():
    """Two videos of CAS(ME)² that the repository holds below the size that snapshots leave out, and its list of all."""
    root = outside("LGSNet", "a clone of github.com/williamlee91/LGSNet")
    set_ = LongVideoFeatures(
        LongVideoFeatures.Params(
            str(root), layout="lgsnet", of="cas_me2", truth=str(root / "casme2_annotation_357.csv")
        )
    )
    found = {v.id: v for v in set_.videos()}

    assert (found["30_0101"].n_frames, found["30_0102"].n_frames, found["30_0102"].fps) == (2051, 1069, 30.0)
    assert [(e.kind, e.onset, e.offset) for e in found["30_0101"].expressions] == [("micro", 1454, 1465)]
    assert set_.provided(found["30_0102"], "i3d").shape == (531, 1024)
