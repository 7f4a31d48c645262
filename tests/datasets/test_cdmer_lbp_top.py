"""The published LBP-TOP features of SMIC VIS and NIR: the stand-in, and the real files where they are."""

from collections import Counter

import numpy as np
import pytest
from mebench.datasets.cdmer_lbp_top.dataset import CdmerLbpTop
from scipy.io import loadmat, savemat
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from mebench.core import SubjectKey
from mebench.errors import ConfigError, DataError
from mebench.protocols import People, folds
from mebench.protocols.across import THREE_OF_BOTH, CdmerParams
from tests.helpers.outside import outside

VIS = "SMIC_VIS_Corpus_LBPTOP.mat"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The stand-in."""
    folder = tmp_path_factory.mktemp("cdmer") / "drawn"
    CdmerLbpTop.write_fake_tree(folder)
    return folder


def dataset(root, **params):
    return CdmerLbpTop(CdmerLbpTop.Params(None if root is None else str(root), **params))


def test_videos_are_rows_of_both_recordings(tree):
    set_ = dataset(tree)
    videos = set_.videos()
    rows = loadmat(tree / VIS)["SMIC_VIS_micro_feature"]
    assert Counter(video.dataset for video in videos) == {"smic_nir": 71, "smic_vis": 71}
    assert videos[71].key == "smic_vis/unknown/clip01"
    assert videos[71].expressions[0].emotion == "smic_vis:negative"
    np.testing.assert_array_equal(set_.provided(videos[-1], "lbp_top").ravel(), rows[70].astype(np.float32))
    assert set_.provided(videos[0], "stlbp_ip") is None


def test_person_is_the_same_in_both_recordings(tree):
    set_ = dataset(tree)
    people = People(set_.videos(), person=set_.person)
    assert {set_.person(video.subject_key) for video in set_.videos()} == {SubjectKey("smic", "unknown")}
    assert len(folds("cdmer", people)) == 2
    with pytest.raises(ConfigError):
        folds("pairs", people)


def test_recordings_of_all_files_make_twelve_tasks(tree):
    """The names of files and matrices are those that the three examples of the public program load."""
    smic = ("smic_hs", "smic_nir", "smic_vis")
    one, two = dataset(tree, recordings=smic), dataset(tree, recordings=("casme2", *smic))
    assert Counter(video.dataset for video in two.videos()) == {
        "casme2": 30,
        "smic_hs": 36,
        "smic_nir": 71,
        "smic_vis": 71,
    }
    rows = loadmat(tree / "SMIC_HS_Corpus_LBPTOP.mat")["SMIC_micro_feature"]
    first = next(video for video in two.videos() if video.dataset == "smic_hs")
    np.testing.assert_array_equal(two.provided(first, "lbp_top").ravel(), rows[0].astype(np.float32))
    assert len(folds("cdmer", People(one.videos(), person=one.person))) == 6
    assert len(folds("cdmer", People(two.videos(), person=two.person), CdmerParams("II"))) == 6
    assert two.person(SubjectKey("casme2", "unknown")) != two.person(SubjectKey("smic_hs", "unknown"))


def test_recordings_of_casme2_have_classes_of_protocol(tree):
    two = dataset(tree, recordings=("casme2", "smic_hs"))
    scheme = THREE_OF_BOTH
    named = Counter(scheme.class_of(video.expressions[0]) for video in two.videos() if video.dataset == "casme2")
    assert named == {"negative": 10, "positive": 10, "surprise": 10}


def test_remark_names_events_that_are_filmed_twice(tree):
    assert "filmed twice" in dataset(tree).remark
    other = dataset(tree, recordings=("casme2", "smic_hs"))
    assert other.remark == "people are unknown"
    assert other.published is None


@pytest.mark.parametrize("recordings", [("smic_vis",), ("smic_vis", "smic_vis"), ("smic_vis", "samm")])
def test_recordings_refuses_others(recordings):
    with pytest.raises(ConfigError, match=r"dataset\.recordings"):
        CdmerLbpTop.Params(recordings=recordings)


@pytest.mark.parametrize(
    ("matrices", "reason"),
    [
        ({"x": np.zeros(2)}, "it holds no SMIC_VIS_micro_feature, expected SMIC_VIS_micro_feature of 71 x 15045"),
        ({"SMIC_VIS_micro_feature": np.zeros((71, 3))}, "of 71 x 3 numbers, expected"),
    ],
)
def test_check_refuses_other_files(tree, tmp_path, matrices, reason):
    (tmp_path / "SMIC_NIR_Corpus_LBPTOP.mat").symlink_to(tree / "SMIC_NIR_Corpus_LBPTOP.mat")
    savemat(tmp_path / VIS, matrices)
    with pytest.raises(DataError, match=reason):
        dataset(tmp_path).check()


def test_check_names_missing_root():
    with pytest.raises(DataError, match=r"give dataset\.root=PATH"):
        dataset(None).check()


def test_published_features_carry_over_as_measured():
    set_ = dataset(outside("smic_lbp_top", "the LBP-TOP features of SMIC VIS and NIR"))
    videos = set_.videos()
    rows = np.stack([set_.provided(video, "lbp_top").ravel() for video in videos]).astype(np.float64)
    labels = np.array([video.expressions[0].emotion.partition(":")[2] for video in videos])
    assert Counter(labels[:71]) == Counter(labels[71:]) == {"negative": 23, "positive": 28, "surprise": 20}
    nir, vis = slice(0, 71), slice(71, 142)
    answers = LinearSVC(C=1, random_state=0).fit(rows[vis], labels[vis]).predict(rows[nir])
    assert f1_score(labels[nir], answers, average="macro") == pytest.approx(0.733, abs=0.02)
