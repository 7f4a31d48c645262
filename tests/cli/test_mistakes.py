import json
from collections import Counter

import pandas as pd
import pytest
from sklearn.metrics import precision_recall_fscore_support

import mebench
from mebench.cli import mistakes
from mebench.errors import ConfigError
from tests.helpers.run_folders import make_run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_mistakes_of_late_intervals_are_localisation(tmp_path, capsys):
    """Truths are 13 frames long; 5 frames late is IoU 8 / 18."""
    make_run(tmp_path / "runs", "late", shift=5, tasks=("spot",))
    mistakes.mistakes_command("late", "runs", "subject", json=None)
    rows = {}
    for line in capsys.readouterr().out.splitlines():
        if line.startswith(" drawn/"):
            rows.setdefault(line.split()[0], []).append(line.split()[1:])
    assert rows == {f"drawn/0{s}": [["4", "4", "0", "0", "0"], ["4", "4", "0", "0"]] for s in range(4)}


def test_mistakes_fit_into_eighty_columns(tmp_path, capsys, monkeypatch):
    run = make_run(tmp_path / "runs", "late", shift=5)
    monkeypatch.setattr("mebench.output.terminal.at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    mistakes.mistakes_command("late", "runs", "subject", json=None)
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    tables = shown[: next(n for n, line in enumerate(shown) if line.startswith("false positives: "))]

    words = " ".join(tables).split()
    assert max(map(len, tables)) <= 80
    assert "…" not in "".join(tables)
    for cause in ("localisation", "kind confusion", "duplicate", "background", "missed"):
        assert set(cause.split()) <= set(words)
    assert words.count("share") == 2
    assert words.count("100") == 2

    monkeypatch.undo()
    mistakes.mistakes_command("late", str(tmp_path / "runs"), "kind", verbose=True, json=str(tmp_path / "json"))
    out = capsys.readouterr().out
    rows = json.loads((tmp_path / "json").read_text())["mistakes"]
    micro = run.read_json("summary.json")["spotting"]["micro"]
    assert len(rows) == micro["fp"] + micro["fn"]
    for row in rows:
        assert (
            f"{row['video']}\t{row['kind']}\t{row['onset']}\t{row['offset']}\t{row['mistake'].replace('_', ' ')}" in out
        )


def test_mistakes_json_adds_up_to_the_summary(tmp_path, capsys):
    run = make_run(tmp_path / "runs", "lost", shift=100, kinds=("micro", "macro"))
    counts = {}
    for by in ("kind", "subject", "emotion"):
        mistakes.mistakes_command("lost", "runs", by, json="-")
        counts[by] = json.loads(capsys.readouterr().out)["counts"]
    spotting = run.read_json("summary.json")["spotting"]["overall"]
    for rows in counts.values():
        assert sum(sum(row["false_positive"].values()) for row in rows.values()) == spotting["fp"]
        assert sum(sum(row["miss"].values()) for row in rows.values()) == spotting["fn"]


@pytest.mark.parametrize(("shift", "kinds"), [(100, ("micro", "macro")), (0, ("micro",))])
def test_mistakes_json_is_laid_out_as_by_python(tmp_path, capsys, shift, kinds):
    """Rows are written as they are made, to a file and to standard output; without a mistake there is none."""
    make_run(tmp_path / "runs", "lost", shift=shift, kinds=kinds)
    mistakes.mistakes_command("lost", "runs", "kind", json="-")
    shown = capsys.readouterr().out
    read = json.loads(shown)
    assert bool(read["mistakes"]) == (shift > 0)
    assert shown == json.dumps(read, indent=2, ensure_ascii=False) + "\n"
    mistakes.mistakes_command("lost", "runs", "kind", json="lost.json")
    assert (tmp_path / "lost.json").read_text(encoding="utf-8") == shown


def test_mistakes_of_all_seeds_are_those_of_each(tmp_path, capsys):
    made = [make_run(tmp_path / "runs", method="mine", seed=seed, shift=20 * seed, tasks=("spot",)) for seed in (0, 1)]
    shown, reports = "", []
    for run in made:
        mistakes.mistakes_command(run.id, "runs", json="-", csv=run.id)
        reports.append(json.loads(capsys.readouterr().out))
        mistakes.mistakes_command(run.id, "runs", json=None)
        shown += capsys.readouterr().out
    mistakes.mistakes_command("mine", "runs", json="-", csv="all")
    assert json.loads(capsys.readouterr().out) == {"runs": reports}
    mistakes.mistakes_command("mine", "runs", json=None)
    assert capsys.readouterr().out == shown
    for run in made:
        for file in (tmp_path / run.id).iterdir():
            assert (tmp_path / "all" / run.id / file.name).read_text() == file.read_text()
    assert reports[0]["counts"] != reports[1]["counts"]


def test_mistakes_refuses_other_words_of_by(tmp_path):
    make_run(tmp_path / "runs", "names", tasks=("recognize",))
    with pytest.raises(ConfigError, match=r"unknown --by 'subjects'. Did you mean 'subject'"):
        mistakes.mistakes_command("names", "runs", "subjects", json=None)


def test_mistakes_says_where_nothing_went_wrong(tmp_path, capsys):
    make_run(tmp_path / "runs", "perfect")
    mistakes.mistakes_command("perfect", "runs", "emotion", json=None)
    assert "none, neither a false positive nor a miss" in capsys.readouterr().out
    mistakes.mistakes_command("perfect", "runs", "kind", json="-")
    assert set(json.loads(capsys.readouterr().out)["counts"]["micro"]["false_positive"].values()) == {0}


def test_mistakes_counts_false_positives_on_blinks(tmp_path, capsys):
    """Intervals lie 5 frames late, [55, 67] and [205, 217] in each of 8 videos; one blink shares 8 of its 10 frames,
    the other 4 of 13."""
    run = make_run(tmp_path / "runs", "late", shift=5)
    rows = [("drawn/00/v0", "blink", 60, 69), ("drawn/00/v1", "blink", 64, 90), ("drawn/01/v0", "speech", 0, 299)]
    run.write_table("distractors.parquet", pd.DataFrame(rows, columns=["video", "kind", "onset", "offset"]))
    mistakes.mistakes_command("late", "runs", "kind", json=None)
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "of 16 false positives fall 1 on a blink (annotated in 2 of 8 videos), 2 on a speech (annotated in 1 of"
        in printed
    )
    mistakes.mistakes_command("late", "runs", "subject", json="-")
    report = json.loads(capsys.readouterr().out)
    assert report["on_distractors"]["drawn/00"] == {"blink": 1, "speech": 0}
    assert report["on_distractors"]["drawn/01"] == {"blink": 0, "speech": 2}
    run.path.joinpath("distractors.parquet").unlink()
    mistakes.mistakes_command("late", "runs", "kind", json="-")
    assert "on_distractors" not in json.loads(capsys.readouterr().out)


def test_mistakes_of_a_recognizer_are_its_wrong_clips(tmp_path, capsys):
    """Counted here from the two tables of the run, by hand."""
    run = make_run(tmp_path / "runs", "names", tasks=("recognize",))
    truths = run.read_table("truth.parquet").query("kind == 'micro'").set_index(["video", "onset"])["emotion"]
    answers = run.read_table("clips.parquet").set_index(["video", "onset"])["predicted"]
    expected = {clip for clip in truths.index if truths[clip] != answers[clip]}
    mistakes.mistakes_command("names", "runs", "subject", json="-", csv="tables")
    report = json.loads(capsys.readouterr().out)["recognition"]
    assert {(row["video"], row["onset"]) for row in report["wrong"]} == expected
    assert sum(row["wrong"] for row in report["counts"].values()) == len(expected) > 0
    confusion = pd.DataFrame.from_dict(report["confusion"], "index")
    n_right = sum(confusion.loc[name, name] for name in confusion.index.intersection(confusion.columns))
    assert confusion.to_numpy().sum() - n_right == len(expected)
    wrong = pd.read_csv("tables/wrong_clips.csv")
    assert set(zip(wrong["video"], wrong["onset"])) == expected
    subject_of_wrong = Counter(video.split("/")[1] for video, _ in expected)
    n_wrong = [subject_of_wrong[f"{s:02d}"] for s in range(4)]
    assert list(pd.read_csv("tables/subjects.csv")["wrong"]) == n_wrong


def test_mistakes_lists_each_wrong_clip_with_probabilities(tmp_path, capsys):
    run = make_run(tmp_path / "runs", "names", tasks=("recognize",))
    mistakes.mistakes_command("names", "runs", verbose=True)
    printed = capsys.readouterr().out
    assert "names: 6 of 16 annotated clips have the wrong class" in printed
    first = run.read_table("clips.parquet").iloc[0]
    assert f"{max(first['probabilities']):.3f}" in printed
    assert "that of the true class" in printed


CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture
def clip_files(tmp_path):
    """Thirty clips of three people with the probability of each class; every fourth answer is wrong, and one is missing."""
    rows = []
    for number in range(30):
        true = CLASSES[number % 3]
        wrong = number % 4 == 0
        named = CLASSES[(number + wrong) % 3]
        sure = 0.5 + number / 100
        shares = {name: sure if name == named else (1 - sure) / 2 for name in CLASSES}
        rows.append({"subject": f"s{number % 5}", "video": f"v{number}", "emotion": true, "named": named, **shares})
    table = pd.DataFrame(rows)
    table[["subject", "video", "emotion"]].to_csv(tmp_path / "truth.csv", index=False)
    answers = table.assign(emotion=table["named"]).rename(columns={name: f"p_{name}" for name in CLASSES})
    answers.drop(columns="named")[:-1].to_csv(tmp_path / "mine.csv", index=False)
    table.loc[29, ["named", *CLASSES]] = None
    return table


def test_mistakes_of_file_are_its_wrongly_named_clips(clip_files, capsys):
    """Counted here from the files, by hand and with scikit-learn."""
    wrong = clip_files[clip_files["named"] != clip_files["emotion"]]
    mistakes.mistakes_command("mine.csv", by="subject", truth="truth.csv", json="-", csv="tables")
    report = json.loads(capsys.readouterr().out)
    shown = report["recognition"]
    assert report["file"] == "mine.csv"
    assert "spotting" not in report
    assert {row["video"].rpartition("/")[2] for row in shown["wrong"]} == set(wrong["video"])
    of_truth = dict(zip(wrong["video"], (row[row["emotion"]] for row in wrong.to_dict("records"))))
    for row in shown["wrong"]:
        if row["predicted"] is not None:
            assert row["probability_of_truth"] == pytest.approx(of_truth[row["video"].rpartition("/")[2]])
            assert row["probability"] == pytest.approx(max(row[f"score_{name}"] for name in CLASSES))
    assert sum(row["wrong"] for row in shown["counts"].values()) == len(wrong) == 9
    named = clip_files["named"].fillna("none")
    scores = precision_recall_fscore_support(clip_files["emotion"], named, labels=CLASSES)
    for column, values in zip(("precision", "recall", "f1"), scores):
        assert [row[column]["value"] for row in shown["classes"]] == pytest.approx(list(values))
    assert len(pd.read_csv("tables/wrong_clips.csv")) == len(wrong)


def test_mistakes_of_file_lists_clips_as_python_does(clip_files, capsys):
    mistakes.mistakes_command("mine.csv", truth="truth.csv", verbose=True)
    printed = capsys.readouterr().out
    assert "mine.csv: 9 of 30 annotated clips have the wrong class" in printed
    assert "no class" in printed
    found = mebench.score(predictions="mine.csv", truth="truth.csv", what="clips").mistakes
    assert set(found["mistake"]) == {"wrong_class"}
    assert len(found) == 9
    surest = found.iloc[0]
    assert f"{surest['probability']:.3f}" in printed
    assert f"{surest['probability_of_truth']:.3f}" in printed


def test_mistakes_of_clips_with_intervals_needs_option(clip_files, tmp_path, capsys):
    for name in ("truth", "mine"):
        table = pd.read_csv(tmp_path / f"{name}.csv").assign(onset=5, offset=15)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    mistakes.mistakes_command("mine.csv", truth="truth.csv", clips=True, classes="negative,positive,surprise", json="-")
    assert len(json.loads(capsys.readouterr().out)["recognition"]["wrong"]) == 9
    with pytest.raises(ConfigError, match="--clips is about files"):
        mistakes.mistakes_command("mine", clips=True)


def test_mistakes_of_file_without_probabilities_has_none(clip_files, tmp_path, capsys):
    pd.read_csv(tmp_path / "mine.csv")[["subject", "video", "emotion"]].to_csv(tmp_path / "plain.csv", index=False)
    mistakes.mistakes_command("plain.csv", truth="truth.csv", verbose=True)
    printed = capsys.readouterr().out
    assert "9 of 30 annotated clips have the wrong class" in printed
    assert "its probability" not in printed
