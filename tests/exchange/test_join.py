"""Which video of the truth a prediction belongs to."""

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.exchange import join as exchange_join
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks

TRUTH = "subject,video,onset,offset\n01,EP02,10,20\n02,EP02,30,40\n02,EP03,,\n"


@pytest.fixture
def joined(write):
    def make(predictions, truth=TRUTH, **rules):
        remarks = Remarks()
        given = read_intervals(write(predictions, "p.csv"), "predictions", remarks)
        tables = exchange_join.join(
            read_intervals(write(truth, "t.csv"), "truth", remarks), given, Rules(**rules), remarks
        )
        return tables, remarks

    return make


def videos(tables):
    return tables.predictions["video"].tolist()


def test_every_video_of_the_truth_counts_also_without_expressions_and_predictions(joined):
    tables, remarks = joined("subject,video,onset,offset\n01,EP02,10,20\n")
    assert tables.videos["video"].tolist() == ["data/01/EP02", "data/02/EP02", "data/02/EP03"]
    assert tables.videos["subject"].tolist() == ["data/01", "data/02", "data/02"]
    assert len(tables.truths) == 2
    assert not remarks.warnings


def test_the_predictions_keep_their_order(joined):
    tables, _ = joined("subject,video,onset,offset\n02,EP02,10,20\n01,EP02,10,20\n02,EP02,1,2\n")
    assert videos(tables) == ["data/02/EP02", "data/01/EP02", "data/02/EP02"]


def test_without_a_subject_the_video_is_enough_if_only_one_has_it(joined):
    tables, _ = joined("video,onset,offset\nEP03,1,2\n02_EP02,3,4\n")
    assert videos(tables) == ["data/02/EP03", "data/02/EP02"]
    with pytest.raises(
        DataError, match=r"line 3: the truth has several videos EP02, of different subjects: add the column"
    ):
        joined("video,onset,offset\nEP03,1,2\nEP02,3,4\n")


@pytest.mark.parametrize(("head", "names"), [("subject,video", "hs_1,a vis_1,a"), ("video", "hs_1_a vis_1_a")])
def test_a_name_that_begins_with_the_dataset_is_found(joined, head, names):
    rows = "".join(f"{name},10,20\n" for name in names.split())
    truth = "dataset,subject,video,onset,offset\nhs,1,a,10,20\nvis,1,a,30,40\n"
    tables, remarks = joined(f"{head},onset,offset\n{rows}", truth)
    assert videos(tables) == ["hs/1/a", "vis/1/a"]
    assert not remarks.warnings


def test_without_subjects_on_either_side_every_video_is_a_person(joined):
    tables, remarks = joined("vid,onset,offset\na,1,2\n", "vid,onset,offset\na,1,2\nb,1,2\n")
    assert tables.videos["subject"].nunique() == 2
    assert remarks.warnings == [
        "truth: no column subject: confidence intervals count every video as a subject of its own"
    ]


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        ("video,onset,offset\na,1,2\n", r"t.csv lacks the column 'subject', which the predictions have"),
        ("subject,video,onset,offset\n", "holds no row below its header"),
    ],
)
def test_a_truth_without_subjects_or_rows_is_refused(joined, truth, reason):
    with pytest.raises(DataError, match=reason):
        joined("subject,video,onset,offset\n1,a,1,2\n", truth)


def test_subjects_that_are_called_as_their_videos_are_none(joined):
    """As mebench writes predictions beside a truth without subjects, in formats that must have the column."""
    tables, _ = joined("subject,video,onset,offset\na,a,1,2\nb,b,3,4\n", truth="video,onset,offset\na,1,2\n")
    assert tables.predictions["video"].tolist() == ["data/a/a", "data/b/b"]
    assert tables.videos["subject"].tolist() == ["data/a", "data/b"]


def test_a_video_of_the_predictions_alone_counts_as_one_without_expressions(joined):
    text = "subject,video,onset,offset\n01,EP02,10,20\n02,EP09,1,2\n02,EP09,5,6\n"
    tables, remarks = joined(text)
    assert tables.videos["video"].tolist()[-1] == "data/02/EP09"
    assert len(tables.videos) == 4
    assert "1 video of the predictions not in the truth, such as 02/EP09 (lines 3 and 4)" in remarks.warnings[0]
    with pytest.raises(DataError, match=r"02/EP09 \(lines 3 and 4\): leave them out, or add them to the truth"):
        joined(text, strict_videos=True)


@pytest.mark.parametrize(("subject", "video"), [("1", "EP02"), ("s1", "EP02"), ("sub01", "ep2"), ("001", "EP02.avi")])
def test_another_spelling_is_another_video_unless_it_is_allowed(joined, subject, video):
    text = f"subject,video,onset,offset\n{subject},{video},10,20\n"
    tables, remarks = joined(text)
    assert videos(tables) == [f"data/{subject}/{video}"]
    assert f"such as {subject}/{video}, not in the truth, which has 01/EP02" in remarks.warnings[0]
    assert "--loose-ids" in remarks.warnings[0]
    tables, remarks = joined(text, loose_ids=True)
    assert videos(tables) == ["data/01/EP02"]
    assert "found under another spelling" in remarks.repaired[-1]


def test_spellings_that_fit_two_videos_are_refused(joined):
    truth = "subject,video,onset,offset\n1,a,1,2\n01,a,3,4\n"
    tables, remarks = joined("subject,video,onset,offset\n1,a,1,2\n", truth, loose_ids=True)
    assert videos(tables) == ["data/1/a"]
    assert any("the subjects 01 and 1 count as different people" in line for line in remarks.warnings)
    with pytest.raises(DataError, match="cannot tell which video s1/a is: the truth has 01/a and 1/a"):
        joined("subject,video,onset,offset\ns1,a,1,2\n", truth, loose_ids=True)


def test_composites_keep_their_datasets_apart(joined):
    truth = "dataset,subject,video,onset,offset\nsamm,1,a,1,2\ncasme2,1,b,1,2\ncasme2,1,a,5,6\n"
    tables, _ = joined("dataset,subject,video,onset,offset\ncasme2,1,a,5,6\n", truth)
    assert videos(tables) == ["casme2/1/a"]
    assert tables.videos["subject"].tolist() == ["samm/1", "casme2/1", "casme2/1"]
    tables, _ = joined("subject,video,onset,offset\n1,b,5,6\n", truth)
    assert videos(tables) == ["casme2/1/b"]
    with pytest.raises(DataError, match="of different datasets"):
        joined("subject,video,onset,offset\n1,a,5,6\n", truth)


def test_frame_rate_and_length_come_from_the_truth_or_the_option(joined):
    truth = "subject,video,onset,offset,fps,n_frames\n1,a,1,2,30,900\n1,a,5,6,,\n1,b,,,25.0,50\n"
    text = "subject,video,onset,offset\n1,a,1,2\n1,z,1,2\n"
    tables, _ = joined(text, truth)
    np.testing.assert_array_equal(tables.videos["fps"], [30, 25, np.nan])
    np.testing.assert_array_equal(tables.videos["n_frames"], [900, 50, np.nan])
    tables, remarks = joined(text, truth, fps=60.0)
    assert tables.videos["fps"].tolist() == [60, 60, 60]
    assert "--fps 60 replaces" in " ".join(remarks.repaired)
    with pytest.raises(DataError, match="line 3: fps is 25, but 30 on an earlier line"):
        joined(text, "subject,video,onset,offset,fps\n1,a,1,2,30\n1,a,5,6,25\n")
