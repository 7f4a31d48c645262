import json

import pandas as pd
import pytest

from mebench.cli import compare as verbs, leaderboard
from mebench.errors import ConfigError, RunError
from mebench.runs.scoring import score_run
from tests.helpers.run_folders import make_run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def compare(first, second, metrics=(), convention="strict", json_=None):
    verbs.compare_command(first, second, "runs", metrics, convention, json_)


def test_compare_prints_runs_difference_tests_and_conclusion(tmp_path, capsys):
    one = make_run(tmp_path / "runs", "one", method="good", subjects=8)
    make_run(tmp_path / "runs", "two", method="bad", shift=100, wrong_every=2, subjects=8)
    compare("one", "two")
    shown = capsys.readouterr().out
    assert "A  good, seed 0: one" in shown
    assert "B  bad, seed 0: two" in shown
    f1 = one.read_json("summary.json")["spotting"]["micro"]["scores"]["f1"]
    lines = [line.split() for line in shown.splitlines()]
    assert lines[lines.index(["spotting,", "micro:", "F1"]) + 1][:2] == ["A", f"{f1['value']:.4f}"]
    # 2 of the 2^8 exchanges differ as much: none and all. Four scores are tested at once.
    assert (
        "spotting, micro: F1: A is better than B (1.0000 against 0.0000; p = 0.0078; corrected for 4 tests 0.0312)"
        in shown
    )
    assert "no difference is shown" in shown
    assert "8 subjects" in shown
    assert "all 128 exchanges" in shown
    assert "p (Holm) keeps" in shown
    assert "convention strict" in shown
    assert "compare several seeds of each" in shown


def test_compare_takes_a_word_that_begins_several_seeds(tmp_path, capsys):
    for seed in (0, 1):
        make_run(tmp_path / "runs", f"good-{seed}", method="good", subjects=8, seed=seed)
        make_run(tmp_path / "runs", f"bad-{seed}", method="bad", shift=100, wrong_every=2, subjects=8, seed=seed)
    compare("good", "bad", ["spotting.micro.f1"], json_="-")
    found = json.loads(capsys.readouterr().out)
    assert found["first"]["seeds"] == [0, 1]
    assert found["first"]["run_ids"] == ["good-0", "good-1"]
    row = found["scores"]["spotting.micro.f1"]
    assert (row["first"]["value"], row["second"]["value"], row["p"]) == (1.0, 0.0, 2 / 2**8)
    assert "A: each score is the mean over seeds 0, 1" in found["remarks"]
    compare("good", "bad-1", ["spotting.micro.f1"])
    assert "B is one training (seed 1)" in capsys.readouterr().out
    make_run(tmp_path / "runs", "good-other", method="other", subjects=8)
    with pytest.raises(
        RunError,
        match=r"3 runs begin with 'good': good-0.*the newest.*Give more of the id; only runs that differ just in the seed",
    ):
        compare("good", "bad")


def test_compare_shows_any_number_of_runs_beside_the_first(tmp_path, capsys):
    for n, name in enumerate(("one", "two", "three")):
        make_run(tmp_path / "runs", name, method=name, shift=50 * n, subjects=8)
    verbs.compare_command("one", "two", "runs", ["spotting.micro.f1"], others=["three"])
    shown = capsys.readouterr().out.splitlines()
    p = {line.split()[0]: line.split()[-2] for line in shown if line.startswith((" B ", " C "))}
    assert p == {"B": "0.0156", "C": "0.0156"}  # Holm: twice 2 of 2^8
    assert "C  three, seed 0: three" in shown
    assert "spotting, micro: F1: A is better than B (p = 0.0156) and C (p = 0.0156)." in shown
    assert max(map(len, shown[: shown.index("C  three, seed 0: three") + 8])) <= 80
    verbs.compare_command("one", "two", "runs", ["spotting.micro.f1"], json="-", others=["three"])
    found = json.loads(capsys.readouterr().out)
    assert [side["run_id"] for side in found["runs"]] == ["one", "two", "three"]
    assert len(found["compared"]) == 2
    assert len(found["conclusions"]) == 1


def test_compare_of_recognizers_tells_no_rule_of_intervals(tmp_path, capsys):
    for n, name in enumerate(("one", "two", "three")):
        make_run(tmp_path / "runs", name, method=name, wrong_every=2 + n, tasks=("recognize",), subjects=8)
    verbs.compare_command("one", "two", "runs", ["uf1"], others=["three"])
    shown = capsys.readouterr().out
    assert "convention strict\n" in shown
    assert "IoU" not in shown
    assert "no difference from A is shown for B and C" in shown
    assert "A - B" not in shown
    words = " ".join(shown.split())
    assert {letter for letter in "ABC" if f"only in {letter}, p" in words} == {"B", "C"}  # each beside A


def test_compare_fits_into_eighty_columns(tmp_path, capsys, monkeypatch):
    make_run(tmp_path / "runs", "one", subjects=8)
    make_run(tmp_path / "runs", "two", shift=100, wrong_every=2, subjects=8)
    monkeypatch.setattr("mebench.output.terminal.at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    compare("one", "two")
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    conclusion = next(line for line in shown if "is better than" in line)
    tables = shown[: shown.index(conclusion)]
    assert max(map(len, tables)) <= 80


def test_compare_prefers_the_lower_false_positive_rate(tmp_path, capsys):
    make_run(tmp_path / "runs", "one", method="good", subjects=8)
    make_run(tmp_path / "runs", "two", method="bad", shift=100, wrong_every=2, subjects=8)
    compare("one", "two", ["fpr", "tpr"], "li2017")
    conclusions = [line for line in capsys.readouterr().out.splitlines() if "is better than" in line]
    assert [line.partition(" (")[0] for line in conclusions] == [
        "spotting, micro: true positive rate, frames: A is better than B",
        "spotting, micro: false positive rate, frames: A is better than B",
    ]


def test_compare_json_is_alone_on_standard_output(tmp_path, capsys):
    make_run(tmp_path / "runs", "one", seed=0)
    make_run(tmp_path / "runs", "two", seed=1, wrong_every=2)
    compare("one", "two", ["uf1"], json_="-")
    found = json.loads(capsys.readouterr().out)
    assert (found["first"]["run_id"], found["second"]["seed"]) == ("one", 1)
    row = found["scores"]["recognition.uf1"]
    assert row["difference"]["value"] == pytest.approx(row["first"]["value"] - row["second"]["value"])
    assert found["mcnemar"]["first_only"] >= 0
    assert len(found["conclusions"]) == len(found["scores"])
    assert any("differ only in the seed (0 and 1)" in line for line in found["remarks"])


def test_compare_takes_id_its_beginning_folder_or_record(tmp_path, capsys):
    run = make_run(tmp_path / "runs", "spotter-1")
    make_run(tmp_path / "runs", "spotter-2", shift=3)
    make_run(tmp_path / "runs", "other", shift=100)
    leaderboard.leaderboard_export_command("other", "runs", "records")
    compare("runs/spotter-1", "oth")
    compare("spotter-2", "records/other")
    with pytest.raises(
        RunError, match=r"2 runs begin with 'spot': spotter-1, spotter-2 \(the newest\). Give more of the id"
    ):
        compare("spot", "other")
    with pytest.raises(RunError, match=r"unknown run 'spotter-3'. Did you mean 'spotter-"):
        compare("spotter-3", "other")
    with pytest.raises(RunError, match="both words name the run 'spotter-1'"):
        compare("spotter-1", str(run.path))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"done": False}, "run 'two' is not finished: continue it with mebench resume .*two"),
        ({"protocol": "kfold"}, "one was run under loso, two under kfold"),
        ({"members": ("smic",)}, r"different truths \(the first is of drawn; the second, of smic\)"),
        ({"subjects": 5}, r"only the second has the video with video drawn/04/v0, .*; 2 differ"),
        ({"tasks": ("recognize",)}, "the runs share no task: one does spotting, micro; two, recognition"),
        ({"classes": ["negative", "positive"]}, None),
    ],
)
def test_compare_says_what_cannot_be_compared(tmp_path, other, reason):
    make_run(tmp_path / "runs", "one", tasks=("spot",))
    make_run(tmp_path / "runs", "two", **{"tasks": ("spot",), **other})
    if reason is None:  # nobody recognizes, so classes do not matter
        compare("one", "two")
        return
    with pytest.raises(RunError, match=reason):
        compare("one", "two")


def test_compare_names_a_differing_truth(tmp_path):
    make_run(tmp_path / "runs", "one")
    two = make_run(tmp_path / "runs", "two", shift=1)
    truth = two.read_table("truth.parquet")
    truth.loc[0, "offset"] += 1
    two.write_table("truth.parquet", truth)
    with pytest.raises(
        RunError, match=r"only the first has the expression with video drawn/00/v0, kind micro, onset 50, .*; 1 differ"
    ):
        compare("one", "two")


def test_compare_names_nearest_of_unknown_words(tmp_path):
    make_run(tmp_path / "runs", "one")
    make_run(tmp_path / "runs", "two", shift=1)
    with pytest.raises(ConfigError, match="Did you mean 'strict'"):
        compare("one", "two", convention="strikt")
    with pytest.raises(ConfigError, match="Did you mean 'strs'"):
        compare("one", "two", ["strss"])


def test_compare_remarks_on_other_tasks_and_data(tmp_path, capsys):
    make_run(tmp_path / "runs", "one", kinds=("micro", "macro"))
    make_run(tmp_path / "runs", "two", tasks=("spot",), settings={"dataset.noise": 2.0})
    compare("one", "two")
    shown = capsys.readouterr().out
    assert "only A does recognition, macro: left out" in shown
    assert "the settings of the dataset differ (A: the defaults; B: noise=2.0)" in shown
    assert "analysis" not in shown
    assert "macro: F1" not in shown


def test_compare_of_too_few_subjects_says_nothing_can_be_shown(tmp_path, capsys):
    """Of 4 subjects' 16 exchanges 2 differ as much as the runs themselves: p is 1 / 8 at best."""
    make_run(tmp_path / "runs", "one")
    make_run(tmp_path / "runs", "two", shift=100)
    compare("one", "two", ["f1"])
    assert "with 4 subjects no p can be below 0.1250" in capsys.readouterr().out


def test_compare_states_the_first_draw_of_a_chance_method(tmp_path, capsys):
    """The summary holds the mean over draws; single seeds beside the first draw's mean would be of other answers."""
    runs = tmp_path / "runs"
    make_run(runs, "good", method="good", subjects=8)
    for seed in (0, 1):
        guess = make_run(runs, f"guess-{seed}", method="guess", subjects=8, seed=seed)
        drawn = guess.read_table("predictions.parquet")
        late = drawn.assign(draw=1, onset=drawn["onset"] + 100, apex=drawn["apex"] + 100, offset=drawn["offset"] + 100)
        guess.write_table("predictions.parquet", pd.concat([drawn, late], ignore_index=True))
        summary = guess.read_json("summary.json")
        guess.write_json("summary.json", {**summary, **score_run(guess, seed, 1000)})
    compare("guess", "good", ["spotting.micro.f1"])
    shown = capsys.readouterr().out
    mean = guess.read_json("summary.json")["spotting"]["micro"]["scores"]["f1"]["value"]
    assert mean == pytest.approx(0.5, abs=0.1)
    (line,) = (line for line in shown.splitlines() if line.startswith("A: guess"))
    assert line.startswith("A: guess, seeds 0, 1: spotting, micro: F1 1.0000, 95 % interval of the mean [")
    assert "single seeds" not in line
    assert "A predicts by chance in 2 draws: the first one is compared" in shown
