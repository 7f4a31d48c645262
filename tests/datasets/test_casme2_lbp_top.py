"""The published LBP-TOP histograms of CASME II: the stand-in of the same layout, and the real files where they are."""

from collections import Counter

import numpy as np
import pytest
from mebench.datasets.casme2_lbp_top.dataset import Casme2LbpTop
from mebench.methods.lbp_top.method import LbpTopSvm

from mebench.annotations.drawn import write_xlsx
from mebench.core import LabelledVideo, SubjectKey, Task, Timing, all_clips
from mebench.errors import DataError
from tests.helpers.outside import outside

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")


@pytest.fixture
def tree(tmp_path):
    """The stand-in."""
    Casme2LbpTop.write_fake_tree(tmp_path / "drawn")
    return tmp_path / "drawn"


def dataset(root, **params):
    return Casme2LbpTop(Casme2LbpTop.Params(None if root is None else str(root), **params))


def test_videos_are_labelled_clips_with_histograms(tree):
    set_ = dataset(tree)
    videos = set_.videos()
    first = videos[0]
    assert (len(videos), first.key, first.n_frames, first.expressions[0].emotion) == (
        30,
        "casme2_lbp_top/01/EP01_01",
        1,
        "disgust",
    )
    assert set_.person(first.subject_key) == SubjectKey("casme2", "01")
    found = set_.provided(first, "lbp_top")
    lines = (tree / "LBP_Magnified" / "sub01_EP01_01.txt").read_text().split("\n")
    assert found.shape == (1, 1, 177)
    assert lines[0].endswith(" ")
    np.testing.assert_allclose(found.ravel(), [float(line) for line in lines if line], rtol=1e-6)
    np.testing.assert_allclose(found.reshape(3, 59).sum(1), 1, atol=1e-4)  # a plane each
    assert set_.provided(first, "onset_apex_flow_28") is None
    assert [row.found for row in set_.repair_rows()] == ["01/EP06_03", "02/EP06_04f"]  # no row of the sheet names them


def test_videos_of_denoised_clips_are_another_set(tree):
    first, second = (dataset(tree, clips=clips) for clips in ("magnified", "denoised"))
    video = first.videos()[0]
    assert not np.array_equal(first.provided(video, "lbp_top"), second.provided(video, "lbp_top"))
    assert first.revision != second.revision


def no_root(tree):
    return {"root": None}, "give dataset.root=PATH"


def one_level_down(tree):
    return {
        "root": tree / "LBP_Magnified"
    }, "has no folder LBP_Magnified: expected LBP_Magnified/sub01_EP02_01f.txt in it"


def no_sheet(tree):
    (tree / "CASME2-coding-20140508.xlsx").unlink()
    return {"root": tree}, "no sheet of CASME II in dataset.root=.*: give dataset.annotations="


def another_sheet(tree):
    write_xlsx(tree / "other.xlsx", {"Sheet1": [HEADER, ("01", "EP99_01", 1, 2, 3, "4", "disgust")]})
    return {"root": tree, "annotations": str(tree / "other.xlsx")}, "names none of the clips in"


def a_sheet_of_something_else(tree):
    write_xlsx(tree / "other.xlsx", {"Sheet1": [("a", "b"), (1, 2)]})
    return {"root": tree, "annotations": str(tree / "other.xlsx")}, "a header with Subject"


@pytest.mark.parametrize(
    "fault", [no_root, one_level_down, no_sheet, another_sheet, a_sheet_of_something_else], ids=lambda f: f.__name__
)
def test_videos_refuse_faulty_tree_in_a_sentence(tree, fault):
    params, reason = fault(tree)
    with pytest.raises(DataError, match=reason) as error:
        dataset(**params).videos()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("0.1 \n" * 176, "holds 17[67] numbers: expected 177 finite numbers of at least 0"),
        ("0.1 \nx \n", "cannot be read as numbers"),
        ("nan \n" * 177, "holds 17[67] numbers: expected 177 finite numbers of at least 0"),
    ],
)
def test_provided_refuses_faulty_file_by_name(tree, content, reason):
    (tree / "LBP_Magnified" / "sub01_EP01_01.txt").write_text(content)
    set_ = dataset(tree)
    with pytest.raises(DataError, match=rf"sub01_EP01_01\.txt {reason}"):
        set_.provided(set_.videos()[0], "lbp_top")


def test_LbpTopSvm_learns_from_histograms_of_one_block(tree):
    """Its own grid has 5x5 blocks, that of the published histograms one."""
    set_ = dataset(tree)
    videos = set_.videos()
    task = Task(frozenset({"recognize"}), classes=tuple(sorted({v.expressions[0].emotion for v in videos})))

    def labelled(video):
        label = task.classes.index(video.expressions[0].emotion)
        timing = Timing(video.fps, 1, {"micro": 1})
        return LabelledVideo(
            video.dataset, video.subject_key, video.fps, video.n_frames, timing, None,
            lambda chain, onset, apex, offset: set_.provided(video, chain),
            expressions=video.expressions, labels=(label,),
        )  # fmt: skip

    train = [labelled(video) for video in videos]
    for planes, size in ((("xy", "xt", "yt"), 177), (("yt",), 59)):
        method = LbpTopSvm(LbpTopSvm.Params(planes=planes, c=1.0, standardise=True), task)
        method.fit_closed_form(train, [])
        rows = method.inputs(all_clips(train))
        assert rows.shape == (len(videos), size)
        np.testing.assert_allclose(rows[0], set_.provided(videos[0], "lbp_top").ravel()[-size:], atol=1e-6)
        assert method.classify(all_clips(train)).shape == (len(videos), len(task.classes))


def test_published_files_are_of_26_people(tmp_path):
    """All 247, named by a sheet that calls each a clip of `others`."""
    root = outside("casme2_lbp_top", "the LBP-TOP histograms of CASME II")
    names = [file.stem.removeprefix("sub").partition("_") for file in (root / "LBP_Magnified").glob("*.txt")]
    rows = [(person, clip, 1, 2, 3, "4", "others") for person, _, clip in names]
    write_xlsx(tmp_path / "sheet.xlsx", {"Sheet1": [HEADER, *rows]})
    set_ = dataset(root, annotations=str(tmp_path / "sheet.xlsx"))
    videos = set_.videos()
    assert len(videos) == 247
    assert Counter(v.subject for v in videos)["17"] == 34
    assert len({v.subject for v in videos}) == 26
    sums = [set_.provided(v, "lbp_top").reshape(3, 59).sum(1) for v in videos[::20]]
    np.testing.assert_allclose(sums, 1, atol=1e-4)
