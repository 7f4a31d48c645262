"""`mebench.mistakes`: what the command shows of runs, files and tables, and the same of arrays."""

import json

import numpy as np
import pandas as pd
import pytest

import mebench
from mebench.cli import mistakes as command
from mebench.errors import ConfigError, DataError
from tests.helpers.run_folders import make_run

CLASSES = ["negative", "positive", "surprise"]
Y_TRUE = [0, 1, 2, 0, 1, 2, 0, 0]
Y_PRED = [0, 1, 1, 0, 2, 2, 0, 1]
SUBJECTS = [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_mistakes_of_arrays_are_the_wrong_clips():
    found = mebench.mistakes(Y_TRUE, Y_PRED, subjects=SUBJECTS, classes=CLASSES)
    assert list(found.mistakes["emotion"]) == ["surprise", "positive", "negative"]
    assert list(found.mistakes["predicted"]) == ["positive", "surprise", "positive"]
    assert found.wrong["wrong"].to_dict() == {"negative": 1, "positive": 1, "surprise": 1}
    assert found.counts.empty
    scores = mebench.score(Y_TRUE, Y_PRED, subjects=SUBJECTS, classes=CLASSES)
    pd.testing.assert_frame_equal(found.mistakes, scores.mistakes)
    pd.testing.assert_frame_equal(found.per_class, scores.per_class)
    pd.testing.assert_frame_equal(found.confusion, scores.confusion)


def test_mistakes_of_one_table_equal_the_command(capsys):
    table = pd.DataFrame({"fold": SUBJECTS, "y_true": Y_TRUE, "y_pred": Y_PRED})
    table.to_csv("results.csv", index=False)
    words = ",".join(CLASSES)
    command.mistakes_command("results.csv", by="subject", json="-", subjects="fold", classes=words)
    shown = json.loads(capsys.readouterr().out)
    found = mebench.mistakes("results.csv", by="subject", subjects="fold", classes=CLASSES)
    assert found.summary == shown
    assert shown["recognition"]["counts"]["data/4"] == {
        "clips": 2,
        "wrong": 1,
        "accuracy": 0.5,
        "most_often": "positive",
    }
    of_frame = mebench.mistakes(table, by="subject", subjects="fold", classes=CLASSES)
    pd.testing.assert_frame_equal(of_frame.wrong, found.wrong)


def test_mistakes_of_intervals_have_causes():
    found = mebench.mistakes([[(10, 24)], []], [[(11, 25)], [(40, 50, 0.4)]], subjects=["anna", "ben"], by="subject")
    assert found.mistakes[["subject", "mistake", "cause"]].to_numpy().tolist() == [
        ["data/ben", "false_positive", "background"]
    ]
    assert found.counts.loc["data/ben", ("false_positive", "background")] == 1
    assert repr(found) == "<Mistakes of y_pred: 1 false positive, 0 misses>"
    assert found.per_class.empty
    assert found.wrong.empty


def test_mistakes_of_a_run_are_those_of_its_object(tmp_path):
    folder = make_run(tmp_path / "runs", "late", shift=5)
    run = mebench.load_run("late")
    found = mebench.mistakes("late")
    pd.testing.assert_frame_equal(found.mistakes, run.mistakes)
    pd.testing.assert_frame_equal(found.per_class, run.per_class)
    pd.testing.assert_frame_equal(mebench.mistakes(run).mistakes, mebench.mistakes(folder.path).mistakes)
    assert found.summary["run_id"] == "late"


def test_mistakes_of_all_seeds_stand_below_one_another(tmp_path):
    made = [make_run(tmp_path / "runs", method="mine", seed=seed, shift=20 * seed, tasks=("spot",)) for seed in (0, 1)]
    found = mebench.mistakes("mine")
    assert list(found.counts.index.get_level_values("run")) == [run.id for run in made]
    pd.testing.assert_frame_equal(found.counts.loc[made[1].id], mebench.mistakes(made[1].id).counts)
    assert [report["run_id"] for report in found.summary["runs"]] == [run.id for run in made]
    assert len(str(found).split("misses\n")) > len(made)


def test_print_of_mistakes_is_short_tables_and_repr_a_line():
    found = mebench.mistakes(Y_TRUE, Y_PRED, subjects=SUBJECTS, classes=CLASSES)
    shown = str(found)
    assert shown.startswith("y_pred: 3 of 8 annotated clips have the wrong class\n")
    assert "negative  positive  surprise" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert repr(found) == "<Mistakes of y_pred: 3 of 8 annotated clips have the wrong class>"
    assert found._repr_html_().count("<table>") == 3
    without_people = str(mebench.mistakes(Y_TRUE, Y_PRED))
    assert without_people.endswith("confidence intervals count every video as a subject of its own")


def test_mistakes_of_no_mistake_print_so():
    assert "0 of 3 annotated clips" in str(mebench.mistakes([0, 1, 1], [0, 1, 1], subjects=[1, 2, 3]))
    perfect = mebench.mistakes([[(10, 24)]], [[(10, 24)]], by="subject")
    assert str(perfect).startswith("y_pred: 0 false positives, 0 misses")
    assert perfect.mistakes.empty


@pytest.mark.parametrize(
    ("given", "options", "sentence"),
    [
        (([0, 1], [0, 1]), {"by": "people"}, "unknown by 'people'. Known: emotion, kind, subject"),
        (([0, 1], [0, 1]), {"y_true": [0, 1], "truth": "a.csv"}, "y_true and truth are both the truth"),
        (([0, 1],), {}, "needs the truth and the predictions"),
    ],
)
def test_mistakes_refuse_in_a_sentence(given, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mebench.mistakes(*given, **options)


@pytest.mark.parametrize("name", ["lost.csv", "lost.XLSX"])
def test_verbs_of_runs_and_files_name_a_missing_file(name):
    for ask in (mebench.mistakes, lambda word: mebench.compare(word, word)):
        with pytest.raises(DataError, match=f"there is no file {name}: name one that is there, or a run by its id"):
            ask(name)
    with pytest.raises(DataError, match=f"there is no file {name}"):
        command.mistakes_command(name)


def test_mistakes_ask_for_intervals_of_frame_scores():
    truth = pd.DataFrame({"subject": [1], "video": ["a"], "onset": [10], "offset": [24], "n_frames": [60]})
    curve = pd.DataFrame({"subject": 1, "video": "a", "frame": range(60), "score": np.arange(60) % 7})
    with pytest.raises(ConfigError, match=r"frame scores become intervals first: mebench.score"):
        mebench.mistakes(predictions=curve, truth=truth)
