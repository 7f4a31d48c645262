"""The user's first line: arrays, lists and one table, scored as their two files would be."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score

import mebench
from mebench.api.given_answers import holds_both_sides
from mebench.core import Expression, Prediction
from mebench.errors import ConfigError, DataError

CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture
def clips():
    """True classes, answers and people of 60 clips."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 3, 60)
    y_pred = np.where(rng.random(60) < 0.7, y_true, rng.integers(0, 3, 60))
    return y_true, y_pred, np.repeat(np.arange(12), 5)


def value(scores, name):
    return scores.scores.loc[name, "value"]


@pytest.mark.parametrize("form", [np.asarray, list, torch.tensor, pd.Series])
def test_score_of_arrays_equals_scikit_learn(clips, form):
    y_true, y_pred, subjects = clips
    scores = mebench.score(form(y_true), form(y_pred), subjects=form(subjects), classes=CLASSES)
    assert value(scores, "recognition.uf1") == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    assert value(scores, "recognition.uar") == pytest.approx(balanced_accuracy_score(y_true, y_pred))
    assert list(scores.confusion.columns) == CLASSES
    row = scores.scores.loc["recognition.uf1"]
    assert row["low"] < row["value"] < row["high"]
    assert value(scores, "chance.recognition.uar") == pytest.approx(1 / 3)
    assert scores.warnings == []
    assert len(scores.mistakes) == (y_true != y_pred).sum()


def test_score_of_arrays_equals_their_files(clips, tmp_path):
    y_true, y_pred, subjects = clips
    table = pd.DataFrame({"subject": subjects, "video": range(1, 61)})
    table.assign(emotion=y_true).to_csv(tmp_path / "truth.csv", index=False)
    table.assign(emotion=y_pred).to_csv(tmp_path / "mine.csv", index=False)
    files = mebench.score(truth=tmp_path / "truth.csv", predictions=tmp_path / "mine.csv")
    arrays = mebench.score(y_true=y_true, y_pred=y_pred, subjects=subjects)
    pd.testing.assert_frame_equal(arrays.scores, files.scores)


def test_score_of_one_table_needs_no_second(clips, tmp_path):
    y_true, y_pred, subjects = clips
    of_arrays = mebench.score(y_true, y_pred, subjects=subjects)
    table = pd.DataFrame({"fold": subjects, "y_true": y_true, "y_pred": y_pred})
    table.to_csv(tmp_path / "results.csv", index=False)
    of_folds = mebench.score(tmp_path / "results.csv", subjects="fold")
    pd.testing.assert_frame_equal(of_folds.scores, of_arrays.scores)
    renamed = table.rename(columns={"fold": "subject", "y_true": "label", "y_pred": "pred"})
    pd.testing.assert_frame_equal(mebench.score(renamed).scores, of_arrays.scores)
    without_people = mebench.score(tmp_path / "results.csv", bootstrap=0)
    assert any("--subjects fold" in warning for warning in without_people.warnings)


def test_score_of_one_table_names_what_lacks():
    with pytest.raises(DataError, match="does not hold both sides: its columns are subject, label"):
        mebench.score(pd.DataFrame({"subject": [1], "label": ["joy"]}))
    with pytest.raises(ConfigError, match="unknown column of the table 'folds'"):
        mebench.score(pd.DataFrame({"fold": [1], "y_true": [1], "y_pred": [1]}), subjects="folds")


def test_score_of_one_table_takes_intervals():
    table = pd.DataFrame({"video": ["a", "b"], "gt_onset": [10, 5], "gt_offset": [24, 9]})
    table = table.assign(pred_onset=[11, 60], pred_offset=[25, 75])
    assert value(mebench.score(table, bootstrap=0), "spotting.micro.f1") == pytest.approx(0.5)


def test_score_of_probabilities_names_the_likeliest():
    shares = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.5, 0.3]]
    scores = mebench.score([0, 1, 2], shares, subjects=[1, 2, 3], classes=CLASSES, bootstrap=0)
    assert list(scores.clips["predicted"]) == ["negative", "positive", "positive"]
    assert list(scores.clips["probability"]) == [0.7, 0.6, 0.5]
    frame = pd.DataFrame(shares, columns=CLASSES)
    for given in ((CLASSES, frame), ([0, 1, 2], frame)):
        of_frame = mebench.score(*given, subjects=[1, 2, 3], bootstrap=0)
        pd.testing.assert_frame_equal(of_frame.scores, scores.scores)
    table = frame.add_prefix("p_").assign(subject=[1, 2, 3], y_true=CLASSES)
    pd.testing.assert_frame_equal(mebench.score(table, bootstrap=0).scores, scores.scores)
    assert not holds_both_sides(table.rename(columns={"y_true": "emotion"}))  # the answers of another table's truth
    logits = mebench.score([0, 1, 2], [[7, 2, 1], [1, 6, 3], [2, 5, 3]], subjects=[1, 2, 3], bootstrap=0)
    assert list(logits.clips["predicted"]) == ["0", "1", "1"]
    assert logits.clips["probability"].isna().all()


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([[(10, 24)], [(5, 9)]], [[(11, 25, 0.9)], [(60, 75, 0.4)]]),
        ({"a": [(10, 24)], "b": [(5, 9)]}, {"a": [(11, 25)], "b": [(60, 75)]}),
        (
            [[Expression(10, 24)], [Expression(5, 9)]],
            [[Prediction("a", "micro", 11, 18, 25, 0.5)], [Prediction("b", "micro", 60, 65, 75, 0.5)]],
        ),
        ([{"onset": 10, "offset": 24}, {"onset": 50, "offset": 59}], [np.array([11, 25]), (90, 99)]),
    ],
)
def test_score_of_lists_of_intervals(y_true, y_pred):
    scores = mebench.score(y_true, y_pred, bootstrap=0)
    assert scores.scores.loc["spotting.micro.f1", "value"] == pytest.approx(0.5)


def test_score_of_intervals_counts_empty_videos():
    scores = mebench.score([[(10, 24)], []], [[(11, 25)], [(60, 75)]], subjects=["anna", "ben"], bootstrap=0)
    assert value(scores, "spotting.micro.precision") == pytest.approx(0.5)
    assert list(scores.videos["subject"]) == ["data/anna", "data/ben"]


@pytest.mark.parametrize(
    ("given", "options", "sentence"),
    [
        (([0, 1], [0]), {}, "y_true has 2 clips and y_pred 1: give one answer for each"),
        (([0, 1], [0, 1]), {"subjects": [1]}, "y_true has 2 clips and subjects 1 people"),
        (([(10, 15, 24)], [(1, 2)]), {}, r"y_true, video 1: \[10, 15, 24\] is not \(onset, offset\)"),
        (([(1, 2)], [(10, 15, 24)]), {}, r"y_pred, video 1: \[10, 15, 24\] is not .*confidence"),
        (({"a": [(1, 2)]}, [(1, 2)]), {}, "y_true is a dict by video, so y_pred must be one, too"),
        (([[(1, 2)], []], [[(1, 2)]]), {}, "y_true has 2 videos and y_pred 1"),
        (([0, 1],), {}, r"needs the truth and the predictions: mebench.score\(y_true, y_pred\)"),
        ((), {}, "mebench.score needs answers"),
        (
            ([0], [0], [0]),
            {},
            "takes the truth and the predictions, not 3 arguments: name all others, such as subjects=",
        ),
        (([0, 1], [[0.5, 0.5], [1, 0]]), {"classes": "a,b,c"}, "y_pred, row 1: 2 numbers for 3 classes"),
    ],
)
def test_score_refuses_arrays_that_do_not_fit(given, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mebench.score(*given, **options)


def test_score_asks_for_names_of_two_tables():
    truth = pd.DataFrame({"subject": [1], "video": ["a"], "onset": [10], "offset": [24]})
    predictions = truth.assign(confidence=0.5)
    with pytest.raises(ConfigError, match="the second table holds predictions or a confidence"):
        mebench.score(truth, predictions)
    with pytest.warns(FutureWarning, match="two tables by position"):
        mebench.score(truth, truth, bootstrap=0)
    by_name = mebench.score(truth=truth, predictions=predictions, bootstrap=0)
    assert value(by_name, "spotting.micro.f1") == 1
    assert value(mebench.score(y_true=truth, y_pred=predictions, bootstrap=0), "spotting.micro.f1") == 1


def test_compare_of_arrays_equals_that_of_tables(clips, tmp_path):
    y_true, y_pred, subjects = clips
    others = np.roll(y_pred, 1)
    of_arrays = mebench.compare(y_pred, others, y_true=y_true, subjects=subjects)
    table = pd.DataFrame({"subject": subjects, "y_true": y_true, "y_pred": y_pred})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.assign(y_pred=others).to_csv(tmp_path / "b.csv", index=False)
    of_files = mebench.compare(tmp_path / "a.csv", tmp_path / "b.csv")
    pd.testing.assert_frame_equal(of_arrays.scores, of_files.scores)
    pd.testing.assert_frame_equal(mebench.compare(table, table.assign(y_pred=others)).scores, of_files.scores)
    assert of_arrays.scores.loc["recognition.uf1", "first"] == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    with pytest.raises(DataError, match="the truths of both tables differ"):
        mebench.compare(table, table.assign(y_true=others))


def test_compare_of_lists_of_intervals():
    truth = [[(1, 9)], [(5, 9)]]
    found = mebench.compare(truth, [[], [(5, 9)]], truth=truth, subjects=["anna", "ben"])
    assert found.scores.loc["spotting.micro.f1", "first"] == 1
    assert found.scores.loc["spotting.micro.f1", "second"] == pytest.approx(2 / 3)


def test_print_of_scores_is_a_table_and_repr_a_line():
    scores = mebench.score([0, 1, 1], [0, 1, 0], subjects=[1, 2, 3], bootstrap=0)
    assert "recognition: UF1" in str(scores)
    assert len(str(scores).splitlines()) == 4
    assert "\n" not in repr(scores)


def test_score_of_arrays_draws_its_confusions():
    y_true, y_pred = ["a", "a", "b", "b"], ["a", "b", "b", "b"]
    scores = mebench.score(y_true, y_pred, subjects=[1, 1, 2, 2], bootstrap=0)
    shown = [text.get_text().splitlines()[0] for text in scores.plot_confusion().axes[0].texts]
    assert shown == ["1", "1", "0", "2"]
    truth = pd.DataFrame([("1", "A", 10, 29)], columns=["subject", "video", "onset", "offset"])
    with pytest.raises(DataError, match="no confusions to draw"):
        mebench.score(predictions=truth, truth=truth, bootstrap=0).plot_confusion()


@pytest.mark.parametrize("form", [lambda column: column[:, None], lambda column: pd.DataFrame({"class": column})])
def test_score_of_single_columns_equals_arrays(clips, form):
    y_true, y_pred, subjects = clips
    of_columns = mebench.score(form(y_true), form(y_pred), subjects=form(subjects), classes=CLASSES)
    of_arrays = mebench.score(y_true, y_pred, subjects=subjects, classes=CLASSES)
    pd.testing.assert_frame_equal(of_columns.scores, of_arrays.scores)


@pytest.mark.parametrize("classes", [CLASSES, "negative,positive,surprise", dict(enumerate(CLASSES))])
def test_score_of_one_table_names_the_classes_of_numbers(clips, classes):
    y_true, y_pred, subjects = clips
    table = pd.DataFrame({"subject": subjects, "label": y_true, "pred": y_pred})
    of_table = mebench.score(table, classes=classes)
    assert list(of_table.confusion.columns) == CLASSES
    of_arrays = mebench.score(y_true, y_pred, subjects=subjects, classes={name: n for n, name in enumerate(CLASSES)})
    pd.testing.assert_frame_equal(of_table.scores, of_arrays.scores)
    of_floats = mebench.score(table.astype({"label": float}), classes=classes)
    pd.testing.assert_frame_equal(of_floats.scores, of_arrays.scores)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "sentence"),
    [
        ([], [], "y_true and y_pred are empty"),
        (np.eye(3)[[0, 1, 2]], [0, 1, 2], r"not its class: y_true.argmax\(axis=1\) gives the classes"),
        (np.eye(2)[[0, 1, 1]], np.eye(2)[[0, 1, 0]], r"y_true.argmax\(axis=1\)"),
    ],
)
def test_score_refuses_rows_of_marks_and_nothing(y_true, y_pred, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mebench.score(y_true, y_pred, subjects=[1, 2, 3])


def test_score_of_one_interval_is_no_row_of_marks():
    assert value(mebench.score([(0, 1)], [(0, 1)], bootstrap=0), "spotting.micro.f1") == 1


def test_score_of_arrays_has_people_in_its_frames(clips):
    y_true, y_pred, subjects = clips
    scores = mebench.score(y_true, y_pred, subjects=subjects)
    assert list(scores.clips["subject"]) == [f"data/{person}" for person in subjects]
    people = scores.per_subject
    assert people["clips"].tolist() == [5] * 12
    assert people["right"].sum() == (y_true == y_pred).sum()


def test_compare_takes_the_truth_first_of_three(clips):
    y_true, y_pred, subjects = clips
    others = np.roll(y_pred, 1)
    of_three = mebench.compare(y_true, y_pred, others, subjects=subjects, classes=CLASSES)
    by_name = mebench.compare(y_pred, others, y_true=y_true, subjects=subjects, classes=CLASSES)
    pd.testing.assert_frame_equal(of_three.scores, by_name.scores)
    with pytest.raises(ConfigError, match="with three arguments the first is the truth"):
        mebench.compare(y_true, y_pred, others, y_true=y_true)


def test_print_of_scores_without_people_says_so():
    note = "no column subject: confidence intervals count every video as a subject of its own"
    assert str(mebench.score([0, 1, 1], [0, 1, 0], bootstrap=0)).endswith(note)
    compared = mebench.compare([0, 1, 1], [0, 1, 0], y_true=[0, 1, 1])
    assert str(compared).endswith(note)
    assert note in compared._repr_html_()
