"""What is refused, what is repaired, and with which sentence."""

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks

HEAD = "subject,video,kind,onset,apex,offset,emotion,confidence\n"


@pytest.fixture
def read(write):
    def _read(text, role="predictions"):
        remarks = Remarks()
        return read_intervals(write(text), role, remarks), remarks

    return _read


def test_read_intervals_types_the_cells_of_a_row(read):
    given, remarks = read(HEAD + "01,a,Micro - 1/2,10.0,12,20, Happy ,0.5\n")
    row = given.intervals.iloc[0].to_dict()
    assert row == {
        "line": 2,
        "subject": "01",
        "video": "a",
        "kind": "micro",
        "onset": 10,
        "offset": 20,
        "apex": 12.0,
        "emotion": "happy",
        "confidence": 0.5,
    }
    assert not remarks.warnings
    assert not remarks.repaired


@pytest.mark.parametrize("role", ["truth", "predictions"])
@pytest.mark.parametrize("sign", ["0", "-1"])
def test_read_intervals_reads_signs_of_none_as_no_interval(read, role, sign):
    given, remarks = read(HEAD + f"01,a,micro,{sign},,{sign},,\n01,b,micro,0,,9,,\n01,c,micro,,,,,\n", role)
    assert given.intervals["line"].tolist() == [3]
    assert given.videos["video"].tolist() == ["a", "b", "c"]
    assert any(f"onset and offset of {sign} (line 2) are read as a video without" in line for line in remarks.repaired)


@pytest.mark.parametrize("role", ["truth", "predictions"])
def test_read_intervals_warns_of_zeros_with_an_emotion(read, role):
    given, remarks = read(HEAD + "01,a,micro,0,,0,joy,\n01,b,micro,0,,9,fear,\n", role)
    assert len(given.intervals) == 2
    assert any("onset 0 and offset 0 (line 2) are read as an interval of one frame" in w for w in remarks.warnings)


def test_read_intervals_takes_an_apex_of_0_or_less_as_unmarked(read):
    given, remarks = read(HEAD + "01,a,micro,10,0,20,,\n01,b,micro,10,-1,20,,\n01,c,micro,10,12,20,,\n", "truth")
    assert given.intervals["apex"].isna().tolist() == [True, True, False]
    assert any("an apex of 0 or less (lines 2 and 3)" in line for line in remarks.repaired)


@pytest.mark.parametrize("name", ["Konfidenz", "Sicherheit", "Wahrscheinlichkeit", "probability"])
def test_read_intervals_knows_names_of_confidence(read, name):
    given, _ = read(f"Proband,Video,Onset,Offset,{name}\n01,a,10,20,0.5\n")
    assert given.intervals["confidence"].tolist() == [0.5]


def test_read_intervals_defaults_to_middle_apex_and_micro(read):
    given, remarks = read("video,onset,offset\na,10,21\n")
    assert given.intervals.loc[0, ["apex", "kind"]].tolist() == [15.0, "micro"]
    assert remarks.repaired == [
        "predictions: no column kind: all are micro",
        "predictions: no column apex: the middle of each interval is taken",
    ]


def test_read_intervals_takes_label_that_names_kinds_as_kind(read):
    """As emotions they would be classes, and macro-expressions would be matched with micro-expressions."""
    given, remarks = read("video,start,end,label\na,10,20,Micro\na,40,90,macro-expression\nb,,,\n")
    assert given.intervals[["kind", "emotion"]].to_numpy().tolist() == [["micro", ""], ["macro", ""]]
    assert given.videos["kind"].tolist() == ["micro", "macro", ""]
    assert "predictions: the emotions are kinds, such as 'Micro', read as the kind" in remarks.repaired
    given, _ = read("video,start,end,emotion,class\na,10,20,joy,ME\na,40,90,anger,MaE\n")
    assert given.intervals[["kind", "emotion"]].to_numpy().tolist() == [["micro", "joy"], ["macro", "anger"]]


@pytest.mark.parametrize(
    ("head", "apex"), [("subject,video,onset,offset", ""), ("subject,video,onset,apex,offset", ",")]
)
def test_read_intervals_of_truth_without_apex_has_none(read, head, apex):
    """So no error of apexes is reported, whether the file has an empty column or none."""
    given, _ = read(f"{head}\n4,b,10{apex},20\n", "truth")
    assert given.intervals["apex"].isna().all()


def test_read_intervals_of_truth_keeps_an_unmarked_apex(read):
    given, _ = read("subject,video,onset,apex,offset\n4,EP12_01f,10,/,20\n4,b,10,15,20\n", "truth")
    np.testing.assert_array_equal(given.intervals["apex"], [np.nan, 15.0])


def test_read_intervals_takes_decimal_comma_beside_semicolons(read):
    given, _ = read("video;onset;offset;conf\na;10;20;0,75\n")
    assert given.intervals["confidence"].tolist() == [0.75]


def test_read_intervals_makes_subjects_with_decimal_comma_whole(read):
    """As pandas writes a column of numbers with a blank cell, with `decimal=","`."""
    given, remarks = read("subject;video;onset;offset\n1,0;a;10;20\n12,0;a;10;20\n")
    assert given.intervals["subject"].tolist() == ["1", "12"]
    assert "predictions: the column subject holds numbers such as 1,0, read as 1" in remarks.repaired


def test_read_intervals_rounds_fractional_frames_and_says_so(read):
    """A detector's ends lie between frames; a half goes up. The lines are named, since one alone may be a slip."""
    rows, remarks = read("video,onset,apex,offset\na,376.671,380.5,407.972\na,10,12,20\na,1.5,,2.49\n", "predictions")
    assert rows.intervals[["onset", "apex", "offset"]].to_numpy().tolist() == [[377, 381, 408], [10, 12, 20], [2, 2, 2]]
    assert remarks.repaired[0] == (
        "predictions: fractional frames (lines 2 and 4) are rounded to the nearest; if they are seconds, give the frame rate with --fps N"
    )


def test_read_intervals_converts_seconds_by_frame_rate(tmp_path):
    """The row's own rate, else the user's, else the truth's; columns named after seconds without any rate are an error."""
    named, bare = tmp_path / "named.csv", tmp_path / "bare.csv"
    named.write_text("video,t-start,t-end\na,2,3.5\n")
    bare.write_text("video,start,end\na,2.0,3.5\n")
    for file, more in ((named, {"fps": 30}), (named, {"rate": 30}), (bare, {"fps": 30})):
        remarks = Remarks()
        read = read_intervals(file, "predictions", remarks, **more)
        assert read.intervals[["onset", "offset"]].to_numpy().tolist() == [[60, 105]]
        assert (
            "predictions: onsets and offsets are read as seconds and rounded to the nearest frame" in remarks.repaired
        )
    with pytest.raises(
        DataError, match=r"named\.csv, line 2: the onset 2 is in seconds and no frame rate is known: give it with"
    ):
        read_intervals(named, "predictions", Remarks())


def test_read_intervals_refuses_commas_for_thousands(read):
    """A video of 2.5 frames would have a thousand times its false positives a minute."""
    for cells in ("1,200\t20\t2500", "10\t1,020\t2500", "10\t20\t2,500"):
        wrong = next(cell for cell in cells.split("\t") if "," in cell)
        with pytest.raises(DataError, match=f"'{wrong}' has a comma: write a frame number in digits alone"):
            read(f"video\tonset\toffset\tn_frames\na\t{cells}\n", "truth")


def test_read_intervals_warns_of_offsets_beyond_the_length(read):
    """As of seconds; where files are numbered from a higher frame it may be right."""
    _, remarks = read("video,onset,offset,n_frames\na,1,83,83\nb,100,120,83\nc,,,83\n", "truth")
    assert remarks.warnings == [
        "truth: 1 offset (line 3) beyond the video's 83 frames, such as 120: this is right only if the numbers of the "
        "image files begin above 1"
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,a,micro,20,,10,joy,1", "line 3: the offset 10 is before the onset 20"),
        ("1,a,micro,x,,10,joy,1", "line 3: the onset 'x' is not a number"),
        ("1,a,micro,inf,,10,joy,1", "line 3: the onset 'inf' is not a number"),
        ("1,a,micro,nan,,10,joy,1", "line 3: the onset is 'nan', not a frame number"),
        ("1,a,micro,1,,,joy,1", "line 3: the offset is '', not a frame number"),
        ("1,a,mirco,1,,10,joy,1", "line 3: unknown kind 'mirco'. Did you mean 'micro'?"),
        ("1,a,micro,1,,10,joy,sure", "line 3: the confidence 'sure' is not a number"),
        ("1,,micro,1,,10,joy,1", "line 3: the video is empty"),
        (",a,micro,1,,10,joy,1", "line 3: the subject is empty"),
    ],
)
def test_read_intervals_refuses_wrong_rows_with_their_line(read, row, message):
    with pytest.raises(DataError) as refused:
        read(f"{HEAD}1,a,micro,1,2,3,joy,1\n{row}\n")
    assert message in str(refused.value)


def test_read_intervals_counts_further_wrong_lines(read):
    with pytest.raises(DataError, match=r"line 2: .* \(and 2 more such lines\)"):
        read("video,onset,offset\n" + "a,20,10\n" * 3)
    for rows, more in ((1, ""), (2, r" \(and 1 more such line\)"), (3, r" \(and 2 more such lines\)")):
        with pytest.raises(DataError, match=rf"line 2: the onset 'x' is not a number{more}$"):
            read("video,onset,offset\n" + "a,x,10\n" * rows)


def test_read_intervals_names_a_misspelt_subject_column(read):
    with pytest.raises(DataError, match=r"lacks the column 'subject'; .* If 'sbuject' holds it, name it so"):
        read("sbuject,video,onset,offset\n1,a,1,2\n")


def test_read_intervals_keeps_onsets_below_zero_and_warns(read):
    given, remarks = read(HEAD + "1,a,micro,-3,,12,joy,1\n")
    assert given.intervals["onset"].tolist() == [-3]
    assert remarks.warnings == ["predictions: 1 onset below zero (line 2), kept as written"]


def test_read_intervals_counts_repeated_predictions(read):
    row = "1,a,micro,1,2,3,joy,1\n"
    given, remarks = read(HEAD + row + "1,a,micro,1,2,3,fear,1\n" + row)
    assert given.intervals["line"].tolist() == [2, 3, 4]
    assert remarks.warnings == [
        "predictions: line 4 repeats an earlier prediction in every column that is read, and is counted again"
    ]


def test_read_intervals_merges_repeated_truths(read):
    given, remarks = read("subject,video,onset,offset\n1,a,1,3\n1,a,1,3\n", "truth")
    assert given.intervals["line"].tolist() == [2]
    assert "truth: line 3 repeats an earlier annotation" in " ".join(remarks.repaired)
    (rows,) = remarks.account
    assert (rows["held"], rows["taken"]) == (2, 1)
    assert rows["left_out"] == [{"n": 1, "reason": "a repeated annotation", "which": "line 3"}]


def test_read_intervals_warns_of_overlaps_within_a_kind(read):
    text = "subject,video,kind,onset,offset\n1,a,micro,10,30\n1,a,micro,12,14\n1,a,micro,20,40\n1,a,macro,5,90\n1,b,me,9,9\n"
    given, remarks = read(text, "truth")
    assert len(given.intervals) == 5
    (warning,) = remarks.warnings
    assert "2 annotations (lines 3 and 4) overlapping an earlier one" in warning


def test_read_intervals_takes_truth_row_of_ids_alone_as_video(read):
    given, _ = read("subject,video,onset,offset,fps\n1,a,,,30\n1,b,5,9,30\n", "truth")
    assert given.videos["video"].tolist() == ["a", "b"]
    assert given.intervals["video"].tolist() == ["b"]


def test_read_intervals_makes_decimal_subjects_whole(read):
    given, remarks = read("subject,video,onset,offset\n1.0,2.0,1,2\n2.0,v3.0,1,2\n")
    assert given.intervals["subject"].tolist() == ["1", "2"]
    assert given.intervals["video"].tolist() == ["2.0", "v3.0"]
    assert any("subject" in line for line in remarks.repaired)


def test_read_intervals_of_header_alone_is_empty(read):
    given, _ = read("subject,video,onset,offset\n")
    assert given.intervals.empty


def test_read_intervals_lists_videos_without_intervals_by_kind(read):
    given, _ = read(HEAD + "1,a,micro,10,12,20,,.5\n1,b,macro,,,,,\n1,c,,,,,,\n")
    assert len(given.intervals) == 1
    assert given.videos[["video", "kind"]].values.tolist() == [["a", "micro"], ["b", "macro"], ["c", ""]]
    with pytest.raises(DataError, match=r"line 3: unknown kind 'mirco'. Did you mean 'micro'"):
        read(HEAD + "1,a,micro,10,12,20,,.5\n1,b,mirco,,,,,\n")


def test_read_intervals_warns_of_missing_confidences(read):
    _, remarks = read(HEAD + "1,a,micro,10,12,20,,.5\n1,a,micro,30,32,40,,\n1,b,micro,,,,,\n")
    assert remarks.warnings == ["predictions: no confidence on line 3: a ranking needs a confidence for every interval"]
