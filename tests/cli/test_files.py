"""`mebench compare --truth` and `mistakes --truth`: files of any program, which go the way of runs."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mebench.annotations.drawn import write_xlsx
from mebench.exchange.text_table import Remarks
from mebench.exchange.write import write_predictions
from mebench.runs.scoring import read_tables
from tests.helpers.run_folders import make_run


@pytest.fixture
def in_files(tmp_path, monkeypatch):
    """Two runs, and what they answered and what is true in files: intervals in `a.csv` and `b.csv`, clips in `a.xlsx` and `b.csv`."""
    monkeypatch.chdir(tmp_path)
    for name, options in {"a": {"shift": 5}, "b": {"method": "other", "wrong_every": 2}}.items():
        run = make_run(tmp_path / "runs", f"run-{name}", subjects=6, **options)
        tables = read_tables(run)
        truth = run.read_table("truth.parquet")
        write_predictions(tmp_path / f"{name}.csv", "csv", tables, Remarks())
        truth = truth[truth["kind"] == "micro"].reset_index(drop=True)
        truth = truth.merge(tables.videos[["video", "fps", "n_frames"]], on="video")
        ids = truth.pop("video").str.split("/", expand=True).set_axis(["dataset", "subject", "video"], axis=1)
        pd.concat([ids, truth], axis=1).to_csv("truth.csv", index=False)
        clips = pd.concat([ids, truth["onset"], tables.clips["predicted"].rename("emotion")], axis=1)
        write_xlsx(tmp_path / f"{name}.xlsx", {"answers": [list(clips), *clips.astype(object).to_numpy().tolist()]})
    return tmp_path


def test_compare_of_files_equals_their_runs(mebench, in_files):
    found = {}
    for name, words in {
        "runs": ["run-a", "run-b", "--runs", "runs"],
        "intervals": ["a.csv", "b.csv", "--truth", "truth.csv"],
        "clips": ["a.xlsx", "b.xlsx", "--truth", "truth.csv"],
    }.items():
        code, out, err = mebench("compare", *words, "--json", "-")
        assert code == 0, err
        found[name] = json.loads(out)
    scores = found["runs"]["scores"]
    assert {**found["intervals"]["scores"], **found["clips"]["scores"]}.keys() == scores.keys()
    for part, tests in (("intervals", 3), ("clips", 2)):  # Holm's p goes by how many scores are tested at once
        mine = found[part]["scores"]
        assert [{**row, "p_holm": 0} for row in mine.values()] == [{**scores[path], "p_holm": 0} for path in mine]
        assert len(mine) <= tests
    assert found["clips"]["mcnemar"] == found["runs"]["mcnemar"] is not None
    assert found["clips"]["first"] == {"file": "a.xlsx"}
    assert found["clips"]["warnings"] == []


def test_compare_of_files_prints_their_names(mebench, in_files):
    code, out, _ = mebench("compare", "a.csv", "b.csv", "--truth", "truth.csv", "--metric", "spotting.micro.f1")
    assert code == 0
    assert "A  a.csv\n" in out
    assert "B  b.csv\n" in out
    assert "spotting, micro: F1: B is better than A" in out
    assert "seed" not in out
    assert "run" not in out.split("A  a.csv")[1]


def test_compare_of_files_takes_given_clips(mebench, in_files):
    """Of the same intervals: as clips every answer counts, right or wrong."""
    clips = pd.read_csv("truth.csv", dtype=str)
    for name, column in {"c": clips["emotion"], "d": clips["emotion"].mask(clips.index < 4, "surprise")}.items():
        clips.assign(emotion=column).to_csv(f"{name}.csv", index=False)
    code, out, err = mebench("compare", "c.csv", "d.csv", "--truth", "truth.csv", "--clips", "--json", "-")
    assert code == 0, err
    found = json.loads(out)
    assert list(found["scores"]) == ["recognition.uf1", "recognition.uar"]
    assert found["scores"]["recognition.uar"]["first"]["value"] == 1
    assert found["mcnemar"]["second_only"] == 0


def test_compare_of_files_counts_a_video_for_the_file_naming_it(mebench, in_files):
    with Path("b.csv").open("a") as file:
        file.write("drawn,00,unheard-of,micro,1,5,9,0.5\n")
    shown = ("--metric", "precision", "--json", "-")
    _, out, _ = mebench("compare", "run-a", "run-b", "--runs", "runs", *shown)
    before = json.loads(out)["scores"]["spotting.micro.precision"]
    code, out, _ = mebench("compare", "a.csv", "b.csv", "--truth", "truth.csv", *shown)
    found = json.loads(out)
    row = found["scores"]["spotting.micro.precision"]

    assert code == 0
    assert row["first"] == before["first"]
    assert row["second"]["value"] == pytest.approx(24 / 25)
    assert before["second"]["value"] == 1
    assert any(line.startswith("B: 1 video of the predictions not in") for line in found["warnings"])


def test_mistakes_of_a_file_equal_its_run(mebench, in_files):
    for by in ("kind", "subject"):
        words = ("mistakes", "a.csv", "--truth", "truth.csv", "--by", by, "--json", "-")
        ours, runs = mebench(*words), mebench("mistakes", "run-a", "--runs", "runs", "--by", by, "--json", "-")
        found, expected = json.loads(ours[1]), json.loads(runs[1])
        assert found["counts"] == expected["counts"]
        assert found["file"] == "a.csv"
    assert "mistakes of a.csv, by kind" in mebench("mistakes", "a.csv", "--truth", "truth.csv")[1]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ["compare", "a.csv", "b.csv", "--clips"],
            2,
            "--clips needs scores: name the file of the truth with --truth",
        ),
        (["compare", "a.csv", "./a.csv", "--truth", "truth.csv"], 2, "both words name the file 'a.csv'"),
        (["compare", "a.csv", "run-b", "--truth", "truth.csv"], 3, "run-b cannot be read"),
        (["compare", "a.csv", "b.xlsx", "--truth", "no.csv"], 3, "no.csv cannot be read"),
        (["compare", "a.xlsx", "b.xlsx", "--truth", "truth.csv", "--classes", "joy"], 2, "--classes names none of the"),
        (
            ["compare", "a.csv", "run-b"],
            2,
            "a.csv is a file, not a run, and run-b is not a file: name the file of its truth with",
        ),
        (["mistakes", "a.csv"], 2, "a.csv is a file, not a run: name the file of its truth with --truth"),
        (["mistakes", "a.csv", "--loose-ids"], 2, "--loose-ids is about files"),
    ],
)
def test_compare_and_mistakes_of_files_refuse_in_one_sentence(mebench, in_files, words, code, sentence):
    found, _, err = mebench(*words)
    assert found == code
    assert sentence in err
    (line,) = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert line.startswith("error: ")


def test_verbs_take_the_column_of_people_and_names_of_classes(mebench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, shift in (("results.csv", 0), ("theirs.csv", 1)):
        rows = [f"{n % 4},{n % 2},{(n + shift * (n % 3 == 0)) % 2}" for n in range(24)]
        Path(name).write_text("\n".join(["fold,y_true,y_pred", *rows]))
    words = ("--subjects", "fold", "--classes", "negative,positive")
    shown = mebench("score", "results.csv", *words, "--bootstrap", "0")[1]
    assert "24 answers for 24 clips of 4 subjects" in shown
    assert "UF1 of always negative" in shown
    assert "scores (4 subjects)" in mebench("compare", "results.csv", "theirs.csv", *words)[1]
    assert "theirs.csv: 8 of 24 annotated clips have the wrong class" in mebench("mistakes", "theirs.csv", *words)[1]
    assert "say so: --subjects fold" in mebench("mistakes", "theirs.csv")[2]
    for verb, *files in (
        ("mistakes", "theirs.csv"),
        ("compare", "results.csv", "theirs.csv"),
        ("score", "results.csv"),
    ):
        error = mebench(verb, *files, "--truth", "results.csv", "--subjects", "fold")[2]
        assert "--subjects is about one table with both sides" in error


def test_verbs_take_one_table_with_both_sides(mebench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{n % 4},{n % 2},{int(n % 3 == 0)}" for n in range(24)]
    Path("results.csv").write_text("\n".join(["subject,label,pred", *rows]))
    Path("theirs.csv").write_text("\n".join(["subject,label,pred", *(row[:-1] + row[-3] for row in rows)]))
    assert "24 answers for 24 clips of 4 subjects" in mebench("score", "results.csv", "--bootstrap", "0")[1]
    assert "12 of 24 annotated clips have the wrong class" in mebench("mistakes", "results.csv")[1]
    compared = mebench("compare", "results.csv", "theirs.csv")[1]
    assert "A  results.csv\nB  theirs.csv\nscores (4 subjects)" in compared
    assert "12 only in B" in compared
