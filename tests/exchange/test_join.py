"""Which video of the truth a prediction belongs to."""

import numpy as np
import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError
from mebench.exchange import join as exchange_join
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.metrics.tables import NOBODY

TRUTH = "subject,video,onset,offset\n01,EP02,10,20\n02,EP02,30,40\n02,EP03,,\n"


@pytest.fixture
def joined(write):
    def make(predictions, truth=TRUTH, **rules):
        remarks = Remarks()
        given = read_intervals(write(predictions, "p.csv"), "predictions", remarks)
        tables = exchange_join.join_with_truth(
            read_intervals(write(truth, "t.csv"), "truth", remarks), given, Rules(**rules), remarks
        )
        return tables, remarks

    return make


def videos(tables):
    return tables.predictions["video"].tolist()


def test_join_counts_every_video_of_the_truth(joined):
    tables, remarks = joined("subject,video,onset,offset\n01,EP02,10,20\n")
    assert tables.videos["video"].tolist() == ["data/01/EP02", "data/02/EP02", "data/02/EP03"]
    assert tables.videos["subject"].tolist() == ["data/01", "data/02", "data/02"]
    assert len(tables.truths) == 2
    assert not remarks.warnings


def test_join_keeps_order_of_predictions(joined):
    tables, _ = joined("subject,video,onset,offset\n02,EP02,10,20\n01,EP02,10,20\n02,EP02,1,2\n")
    assert videos(tables) == ["data/02/EP02", "data/01/EP02", "data/02/EP02"]


def test_join_without_subject_needs_unique_video_names(joined):
    tables, _ = joined("video,onset,offset\nEP03,1,2\n02_EP02,3,4\n")
    assert videos(tables) == ["data/02/EP03", "data/02/EP02"]
    with pytest.raises(
        DataError, match=r"line 3: the truth has several videos EP02, of different subjects: add the column"
    ):
        joined("video,onset,offset\nEP03,1,2\nEP02,3,4\n")


@pytest.mark.parametrize(("head", "names"), [("subject,video", "hs_1,a vis_1,a"), ("video", "hs_1_a vis_1_a")])
def test_join_finds_names_that_begin_with_the_dataset(joined, head, names):
    rows = "".join(f"{name},10,20\n" for name in names.split())
    truth = "dataset,subject,video,onset,offset\nhs,1,a,10,20\nvis,1,a,30,40\n"
    tables, remarks = joined(f"{head},onset,offset\n{rows}", truth)
    assert videos(tables) == ["hs/1/a", "vis/1/a"]
    assert not remarks.warnings


def test_join_without_subjects_takes_each_video_as_a_person(joined):
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
def test_join_refuses_truth_without_subjects_or_rows(joined, truth, reason):
    with pytest.raises(DataError, match=reason):
        joined("subject,video,onset,offset\n1,a,1,2\n", truth)


def test_join_ignores_subjects_named_like_their_videos(joined):
    """As mebench writes predictions beside a truth without subjects, in formats that must have the column."""
    tables, _ = joined("subject,video,onset,offset\na,a,1,2\nb,b,3,4\n", truth="video,onset,offset\na,1,2\n")
    assert tables.predictions["video"].tolist() == ["data/a/a", "data/b/b"]
    assert tables.videos["subject"].tolist() == ["data/a", "data/b"]


def test_join_adds_videos_of_predictions_alone(joined):
    text = "subject,video,onset,offset\n01,EP02,10,20\n02,EP09,1,2\n02,EP09,5,6\n"
    tables, remarks = joined(text)
    assert tables.videos["video"].tolist()[-1] == "data/02/EP09"
    assert len(tables.videos) == 4
    assert "1 video of the predictions not in the truth, such as 02/EP09 (lines 3 and 4)" in remarks.warnings[0]
    with pytest.raises(DataError, match=r"02/EP09 \(lines 3 and 4\): leave them out, or add them to the truth"):
        joined(text, strict_videos=True)


@pytest.mark.parametrize(("subject", "video"), [("1", "EP02"), ("s1", "EP02"), ("sub01", "ep2"), ("001", "EP02.avi")])
def test_join_takes_another_spelling_only_with_loose_ids(joined, subject, video):
    text = f"subject,video,onset,offset\n{subject},{video},10,20\n02,EP02,1,2\n"
    tables, remarks = joined(text)
    assert videos(tables) == [f"data/{subject}/{video}", "data/02/EP02"]
    assert f"such as {subject}/{video}, not in the truth, which has 01/EP02" in remarks.warnings[0]
    assert "--loose-ids" in remarks.warnings[0]
    tables, remarks = joined(text, loose_ids=True)
    assert videos(tables) == ["data/01/EP02", "data/02/EP02"]
    assert "found under another spelling" in remarks.repaired[-1]


def test_join_refuses_spellings_that_fit_two_videos(joined):
    truth = "subject,video,onset,offset\n1,a,1,2\n01,a,3,4\n"
    tables, remarks = joined("subject,video,onset,offset\n1,a,1,2\n", truth, loose_ids=True)
    assert videos(tables) == ["data/1/a"]
    assert any("the subjects 01 and 1 count as different people" in line for line in remarks.warnings)
    with pytest.raises(DataError, match="cannot tell which video s1/a is: the truth has 01/a and 1/a"):
        joined("subject,video,onset,offset\ns1,a,1,2\n", truth, loose_ids=True)


def test_join_keeps_datasets_of_composites_apart(joined):
    truth = "dataset,subject,video,onset,offset\nsamm,1,a,1,2\ncasme2,1,b,1,2\ncasme2,1,a,5,6\n"
    tables, _ = joined("dataset,subject,video,onset,offset\ncasme2,1,a,5,6\n", truth)
    assert videos(tables) == ["casme2/1/a"]
    assert tables.videos["subject"].tolist() == ["samm/1", "casme2/1", "casme2/1"]
    tables, _ = joined("subject,video,onset,offset\n1,b,5,6\n", truth)
    assert videos(tables) == ["casme2/1/b"]
    with pytest.raises(DataError, match="of different datasets"):
        joined("subject,video,onset,offset\n1,a,5,6\n", truth)


def test_join_takes_rate_and_length_from_truth_or_option(joined):
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


@pytest.mark.parametrize("name", ["01_EP02", "01/EP02", "01-EP02"])
def test_join_finds_person_and_video_joined_by_any_sign(joined, name):
    tables, remarks = joined(f"video,onset,offset\n{name},10,20\n")
    assert videos(tables) == ["data/01/EP02"]
    assert not remarks.warnings


def test_join_loose_ids_reads_a_folder_before_a_file(joined):
    tables, _ = joined("video,onset,offset\n1/ep2.avi,10,20\n", loose_ids=True)
    assert videos(tables) == ["data/01/EP02"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (
            ["x1,a", "x2,b"],
            r"no video of the predictions is in the truth, so nothing can be scored: it has x1/a, x2/b, the truth",
        ),
        (["1,EP02.mp4", "2,EP02.mp4"], r"it has 1/EP02.mp4 for 01/EP02, 2/EP02.mp4 for 02/EP02\. .* add --loose-ids"),
        (["01,EP-2", "01,EP-3"], r"01/EP-2 \(nearest: 01/EP02\)"),
        (["01,2024-06-01T00:00:00", "02,2024-07-01T00:00:00"], "dates, which a spreadsheet program makes of names"),
        (["01,EP02", *(f"7,v{n}" for n in range(9))], "only 1 of 10 videos of the predictions is in the truth"),
    ],
)
def test_join_refuses_a_file_that_shares_next_to_nothing(joined, names, reason):
    rows = "".join(f"{name},1,2\n" for name in names)
    with pytest.raises(DataError, match=reason):
        joined(f"subject,video,onset,offset\n{rows}")


def test_join_adds_no_person_for_an_unknown_video(joined):
    tables, _ = joined("subject,video,onset,offset\n01,EP02,10,20\n02,EP09,1,2\n7,x,1,2\n")
    assert tables.videos["in_truth"].tolist() == [True, True, True, False, False]
    ordered = tables.put_in_order().videos.set_index("video")
    assert ordered["unit"]["data/02/EP09"] == ordered["unit"]["data/02/EP02"]
    assert ordered["stratum"]["data/7/x"] == NOBODY
    assert ordered["n_frames"]["data/7/x"] == 0


RATES = {"subject": ["1", "1"], "video": ["a", "b"], "onset": [10, 31], "offset": [24, 45]}


@pytest.mark.parametrize(("rate", "own"), [(50, 25), (30, 200), (25, 50)])
def test_intervals_at_another_rate_are_carried_over_by_time(rate, own):
    truth = pd.DataFrame(RATES).assign(fps=own)
    frames = {name: [round(frame * rate / own) for frame in RATES[name]] for name in ("onset", "offset")}
    scores = score(pd.DataFrame({**RATES, **frames}).assign(fps=rate), truth, bootstrap=0)
    assert scores.summary["spotting"]["micro"]["tp"] == 2
    assert any(f"counted at {rate} a second, those of the truth at {own}" in line for line in scores.warnings)


def test_intervals_at_nearly_the_rate_stay():
    scores = score(pd.DataFrame(RATES).assign(fps=29.97), pd.DataFrame(RATES).assign(fps=30), bootstrap=0)
    assert not any("carried over" in line for line in scores.warnings)


def test_rate_of_the_user_holds_where_the_truth_has_none():
    doubled = {name: [2 * frame for frame in RATES[name]] for name in ("onset", "offset")}
    scores = score(pd.DataFrame({**RATES, **doubled}).assign(fps=50), pd.DataFrame(RATES), fps=25, bootstrap=0)
    assert scores.summary["spotting"]["micro"]["tp"] == 2


def test_frame_scores_at_another_rate_are_refused():
    scores = pd.DataFrame(
        {"video": "a", "frame": range(60), "score": [1 - abs(n - 30) / 40 for n in range(60)], "fps": 50}
    )
    with pytest.raises(DataError, match="frame scores are counted at 50 a second, those of the truth at 25"):
        score(scores, pd.DataFrame(RATES).assign(fps=25), what="frame scores", k_prime=7)
