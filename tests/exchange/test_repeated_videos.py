"""A file of several runs or coders is not pooled."""

import json
import random
import sys

import pandas as pd
import pytest

from mebench import cli
from mebench.api.score_files import score
from mebench.errors import DataError

TRUTH = pd.DataFrame(
    [("1", "a", 10, 24), ("1", "b", 31, 45), ("2", "a", 8, 20), ("2", "c", 15, 33), ("3", "d", 40, 60)],
    columns=["subject", "video", "onset", "offset"],
)


def runs(name, values=(0, 1, 2), seed=0):
    """Answers of several runs in one table: each finds every video, a few frames off."""
    rng = random.Random(seed)
    rows = []
    for value in values:
        for subject, video, onset, offset in TRUTH.to_numpy().tolist():
            rows.append((subject, video, onset + rng.randint(-3, 3), offset + rng.randint(-3, 3), value))
    return pd.DataFrame(rows, columns=["subject", "video", "onset", "offset", name])


@pytest.mark.parametrize(
    ("name", "values"),
    [("seed", (0, 1, 2)), ("method", ("A", "B")), ("epoch", (10, 20)), ("threshold", (0.1, 0.5)), ("foo", ("x", "y"))],
)
def test_several_runs_are_refused(name, values):
    table = runs(name, values)
    with pytest.raises(DataError, match=rf"recur under each of the {len(values)} values of '{name}'.*--where {name}="):
        score(table, TRUTH, bootstrap=0)
    one = score(table, TRUTH, bootstrap=0, where={name: values[1]})
    micro = one.summary["spotting"]["micro"]
    assert micro["tp"] + micro["fp"] == 5
    assert {entry["taken"] for entry in one.account if entry["source"] == "predictions"} == {5}
    pooled = score(table, TRUTH, bootstrap=0, where={name: "*"}).summary["spotting"]["micro"]
    assert pooled["tp"] + pooled["fp"] == 5 * len(values)


def test_pooled_column_is_no_answer():
    """The user has said what it is, also beside answers that are all right."""
    truth = TRUTH.assign(emotion=["joy", "fear", "joy", "fear", "joy"])
    both = pd.concat([truth.assign(model=name) for name in ("A", "B")])
    micro = score(truth=truth, predictions=both, bootstrap=0, where={"model": "*"}).summary["spotting"]["micro"]
    assert (micro["tp"], micro["fp"]) == (5, 5)


@pytest.mark.parametrize("name", ["coder", "annotator", "who"])
def test_several_coders_of_truth_are_refused(name):
    truth = runs(name, ("anna", "ben"))
    with pytest.raises(DataError, match=f"--where {name}=anna"):
        score(TRUTH, truth, bootstrap=0)
    micro = score(TRUTH, truth, bootstrap=0, where={name: "Ben"}).summary["spotting"]["micro"]
    assert micro["tp"] + micro["fn"] == 5


def test_clips_of_several_runs_are_refused():
    truth = TRUTH.assign(emotion=["joy", "fear", "joy", "fear", "joy"])
    table = pd.concat([truth.assign(run=run) for run in "AB"])
    with pytest.raises(DataError, match="'run'"):
        score(table, truth, what="clips", bootstrap=0)
    chosen = score(table, truth, what="clips", bootstrap=0, where={"run": "A"})
    assert chosen.summary["recognition"]["n"] == 5


def test_frame_scores_of_several_runs_are_refused():
    rows = [(video, frame, 1 - abs(frame - 17) / 30, net) for net in "AB" for video in "xy" for frame in range(40)]
    table = pd.DataFrame(rows, columns=["video", "frame", "score", "net"])
    truth = pd.DataFrame({"video": ["x", "y"], "onset": [10, 10], "offset": [24, 24]})
    with pytest.raises(DataError, match="'net'"):
        score(table, truth, what="frame scores", k_prime=7, bootstrap=0)


def test_runs_that_each_find_some_videos_are_refused():
    """No value has nearly all videos: the intervals of two values overlap, and those of one never do."""
    parts = [
        TRUTH.iloc[some].assign(tau=tau) for tau, some in ((0.3, [0, 1, 2, 3, 4]), (0.5, [0, 2, 4]), (0.7, [0, 4]))
    ]
    with pytest.raises(DataError, match="values of 'tau'"):
        score(pd.concat(parts), TRUTH, bootstrap=0)


@pytest.mark.parametrize("shape", ["rows by run", "intervals by video, a list for each run"])
def test_runs_of_json_keep_their_names(write, shape):
    rows = [runs("seed", (seed,), seed).drop(columns="seed") for seed in (0, 1)]
    value = {f"run_{n}": table.to_dict("records") for n, table in enumerate(rows)}
    if shape != "rows by run":
        value = [{row.video: [[row.onset, row.offset]] for row in table.itertuples()} for table in rows]
    with pytest.raises(DataError, match="the videos recur under each of the 2 values of 'key'"):
        score(write(json.dumps(value), "p.json"), TRUTH.assign(video=[*"abxcd"]), bootstrap=0)


def test_runs_below_headers_of_their_own_are_refused(write):
    """Programs append a table for each run; tables of folds, which share no video, are one."""
    texts = [runs("seed", (seed,), seed).drop(columns="seed").to_csv(index=False) for seed in (0, 1)]
    file = write("".join(texts), "p.csv")
    with pytest.raises(DataError, match="the videos recur under each of the 2 values of 'key'"):
        score(file, TRUTH, bootstrap=0)
    second = score(file, TRUTH, bootstrap=0, where={"key": 2}).summary["spotting"]["micro"]
    assert second["tp"] + second["fp"] == 5
    folds = "".join(TRUTH.iloc[some].to_csv(index=False) for some in ([0, 1], [2, 3, 4]))
    assert score(write(folds, "f.csv"), TRUTH, bootstrap=0).summary["spotting"]["micro"]["tp"] == 5


def test_folds_and_numbers_of_intervals_are_no_runs():
    two = pd.concat([TRUTH, TRUTH.assign(onset=TRUTH["onset"] + 100, offset=TRUTH["offset"] + 100)])
    two = two.assign(number=[1] * 5 + [2] * 5, fold=two["subject"], note="x", side=["l", "r"] * 5)
    micro = score(two, two, bootstrap=0).summary["spotting"]["micro"]
    assert (micro["tp"], micro["fp"]) == (10, 0)


def test_score_each_gives_a_line_for_each_run(tmp_path, monkeypatch, capsys):
    runs("seed").to_csv(tmp_path / "p.csv", index=False)
    TRUTH.to_csv(tmp_path / "t.csv", index=False)
    words = ["--truth", tmp_path / "t.csv", "--predictions", tmp_path / "p.csv", "--bootstrap", 0, "--each", "seed"]
    monkeypatch.setattr(sys, "argv", ["mebench", "score", *map(str, words), "--json", str(tmp_path / "o.json")])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    report = json.loads((tmp_path / "o.json").read_text())
    assert report["each"] == "seed"
    alone = {str(seed): score(runs("seed"), TRUTH, bootstrap=0, where={"seed": seed}).summary for seed in range(3)}
    assert {seed: one["spotting"] for seed, one in report["scores"].items()} == {
        seed: one["spotting"] for seed, one in alone.items()
    }
