"""The published STLBP-IP features of CASME II: the stand-in of the same layout, and the real files where they are."""

from collections import Counter

import numpy as np
import pytest
from mebench.datasets.casme2_stlbp_ip.dataset import Casme2StlbpIp
from scipy.io import loadmat, savemat

from mebench.annotations.drawn import write_xlsx
from mebench.core import SubjectKey
from mebench.errors import DataError
from tests.helpers.outside import outside

FEATURES, LABELS, SHEET = "CASME2_feature_STLBP_IP.mat", "CASME2_label.mat", "CASME2-coding-20140508.xlsx"
HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")


@pytest.fixture
def tree(tmp_path):
    """The stand-in."""
    Casme2StlbpIp.write_fake_tree(tmp_path / "drawn")
    return tmp_path / "drawn"


def dataset(root, **params):
    return Casme2StlbpIp(Casme2StlbpIp.Params(None if root is None else str(root), **params))


def test_videos_are_clips_of_sheet_with_their_columns(tree):
    set_ = dataset(tree)
    videos = set_.videos()
    columns = loadmat(tree / FEATURES)["feature"]
    assert len(videos) == columns.shape[1] == 36
    assert (videos[0].key, videos[0].expressions[0].emotion) == ("casme2_stlbp_ip/01/EP01_01", "happiness")
    assert set_.person(videos[0].subject_key) == SubjectKey("casme2", "01")
    found = np.stack([set_.provided(video, "stlbp_ip").ravel() for video in videos], axis=1)
    np.testing.assert_allclose(found, columns, rtol=1e-6)  # the drawn sheet is sorted
    assert set_.provided(videos[0], "lbp_top") is None


def test_videos_take_emotions_from_sheet_not_merged_labels(tree):
    emotions = Counter(video.expressions[0].emotion for video in dataset(tree).videos())
    codes = loadmat(tree / LABELS)["label"].ravel()
    assert emotions["sadness"] == emotions["fear"] == 1
    assert emotions["happiness"] == np.count_nonzero(codes == 0) - 2


def test_revision_changes_with_one_number(tree):
    before = dataset(tree).revision
    columns = loadmat(tree / FEATURES)["feature"]
    columns[629, 35] += 1
    savemat(tree / FEATURES, {"feature": columns})
    assert dataset(tree).revision != before


def no_root(tree):
    return {"root": None}, "give dataset.root=PATH"


def no_features(tree):
    (tree / FEATURES).unlink()
    return {"root": tree}, f"{FEATURES} cannot be used: .*No such file"


def features_cut_off(tree):
    file = tree / FEATURES
    file.write_bytes(file.read_bytes()[:20_000])
    return {"root": tree}, f"{FEATURES} cannot be used: it is cut off or damaged"


def features_of_part_of_clips(tree):
    savemat(tree / FEATURES, {"feature": np.zeros((630, 35))})
    return {"root": tree}, "it holds feature of 630 x 35 numbers, expected feature of 630 x 36"


def features_of_another_file(tree):
    savemat(tree / FEATURES, {"feature_xt": np.zeros((59, 36))})
    return {"root": tree}, "it holds no feature, expected feature of 630 x 36"


def features_not_finite(tree):
    savemat(tree / FEATURES, {"feature": np.full((630, 36), np.nan)})
    return {"root": tree}, "feature in it holds numbers that are not finite"


def labels_in_another_order(tree):
    savemat(tree / LABELS, {"label": loadmat(tree / LABELS)["label"][::-1]})
    return {
        "root": tree
    }, "have another order or other labels: row 3, 01/EP02_02f, is disgust, and the file has 4 there, expected 1"


def no_sheet(tree):
    (tree / SHEET).unlink()
    return {"root": tree}, "no sheet of CASME II in dataset.root=.*: give dataset.annotations="


def a_clip_twice(tree):
    rows = [HEADER, *(("01", "EP01_01", onset, 20, 40, "4", "happiness") for onset in (11, 12))]
    write_xlsx(tree / "other.xlsx", {"Sheet1": rows})
    return {"root": tree, "annotations": str(tree / "other.xlsx")}, "names a clip twice"


FAULTS = [
    no_root,
    no_features,
    features_cut_off,
    features_of_part_of_clips,
    features_of_another_file,
    features_not_finite,
    labels_in_another_order,
    no_sheet,
    a_clip_twice,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_check_refuses_faulty_tree_in_a_sentence(tree, fault):
    params, reason = fault(tree)
    with pytest.raises(DataError, match=reason) as error:
        dataset(**params).check()
    assert "\n" not in str(error.value)


def test_published_labels_are_those_of_card():
    root = outside("casme2_stlbp_ip", "the STLBP-IP features of CASME II")
    labels = Counter(loadmat(root / LABELS)["label"].ravel().tolist())
    assert labels == {0: 32 + 7 + 2, 1: 63, 2: 25, 3: 27, 4: 99}


def test_published_features_follow_sheet():
    """Needs the sheet of CASME II, too."""
    root = outside("casme2_stlbp_ip", "the STLBP-IP features of CASME II")
    sheet = outside(SHEET, "the sheet of CASME II of 2014")
    set_ = dataset(root, annotations=str(sheet))
    videos = set_.videos()
    columns = loadmat(root / FEATURES)["feature"]
    found = np.stack([set_.provided(video, "stlbp_ip").ravel() for video in videos], axis=1)
    # Sorted by person and clip, the order of the program's folders. Numbers below 1e-38 have no place in single precision.
    np.testing.assert_allclose(found, columns, rtol=1e-6, atol=1e-37)
    counts = Counter(video.expressions[0].emotion for video in videos)
    assert counts == {
        "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2,
    }  # fmt: skip
