import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, strategies as st

import mebench
from mebench.boards.paper_table import simplify_groups
from mebench.cli import paper
from mebench.errors import ConfigError, RunError
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"
LETTERS = st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4), max_size=6)


@given(LETTERS)
def test_simplify_groups_keeps_what_is_distinguishable(groups):
    simple = simplify_groups(groups)
    for one, own in zip(groups, simple):
        for other, theirs in zip(groups, simple):
            assert bool(set(one) & set(other)) == bool(set(own) & set(theirs))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for method, wrong in (("htnet", 9), ("ststnet", 3), ("logistic", 2)):
        for seed in (0, 1):
            make_run(folder, method=method, seed=seed, wrong_every=wrong + seed, tasks=("recognize",), subjects=6)
    return str(folder)


def test_table_has_a_row_for_all_seeds_of_a_run(runs):
    made = mebench.table("htnet", "logistic", "ststnet", runs=runs)
    scores = {
        name: [
            folder.read_json("summary.json")["recognition"]["scores"]["uf1"]["value"]
            for folder in RunFolder.list_runs(runs)
            if folder.id.startswith(name)
        ]
        for name in ("htnet", "ststnet", "logistic")
    }
    expected = sorted((sum(values) / 2 for values in scores.values()), reverse=True)
    measured = made.data[made.data["seeds"] > 0]
    assert measured["uf1"].tolist() == pytest.approx(expected)
    assert set(measured["seeds"]) == {2}
    assert made.data["method"].iloc[0] == "HTNet"


def test_table_chooses_metrics_and_says_what_marks_mean(runs):
    made = mebench.table("htnet", "ststnet", runs=runs, metrics="uar,accuracy")
    assert made.metrics == ("uar", "accuracy")
    latex = made.to_latex()
    assert latex.count(r"\textbf{") == 2
    assert r"\cite{wang2024htnet}" in latex
    assert "95\\,\\% intervals over people; means over 2 seeds" in latex
    assert "@misc{wang2024htnet," in made.to_bibtex()


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        (["htnet"], {"metrics": "f2"}, "unknown metric 'f2'"),
        (["htnet"], {"metrics": "unit_f1"}, "unit_f1"),
        (["htnet"], {"style": "iee"}, "unknown style 'iee'. Did you mean 'ieee'"),
        (["htnet"], {"style": "ieee", "metrics": "uf1,uar,accuracy,wf1"}, "4 scores do not fit the style ieee"),
        (["htnet"], {"rows": "htnet"}, "rows are chosen from a table of the leaderboard"),
        (["nothing"], {}, "unknown run 'nothing'"),
        (["htnet"], {"part": "micro"}, "unknown part 'micro'"),
        ([], {}, "name runs, or a table of the leaderboard"),
    ],
)
def test_table_refuses_in_one_sentence(runs, names, options, sentence):
    with pytest.raises((ConfigError, RunError), match=re.escape(sentence)):
        mebench.table(*names, runs=runs, **options)


def test_table_refuses_runs_of_other_data(tmp_path):
    make_run(tmp_path, "one", tasks=("recognize",))
    make_run(tmp_path, "two", dataset="other", tasks=("recognize",))
    with pytest.raises(RunError, match="the runs cannot share a table, because their data, rules or tasks differ"):
        mebench.table("one", "two", runs=str(tmp_path))


def test_table_of_leaderboard_takes_chosen_rows():
    folder = LEADERBOARDS
    made = mebench.table(BOARD, rows=["htnet", "Logistic regression"], metrics="uf1", folder=folder)
    content = json.loads(next(folder.rglob(f"{BOARD}.json")).read_text(encoding="utf-8"))
    values = [
        row["scores"]["uf1"]["value"]
        for row in content["parts"][0]["rows"]
        if row["method"] in ("htnet", "logistic") and row["selection"] != "test"
    ]
    assert sorted(made.data["uf1"]) == sorted(values)
    with pytest.raises(ConfigError, match=r"unknown row 'htnt'\. Did you mean 'htnet'"):
        mebench.table(BOARD, rows=["htnt"], folder=folder)
    with pytest.raises(RunError, match="unknown run or board 'megc2019_flow-los'"):
        mebench.table("megc2019_flow-los", folder=folder)
    with pytest.raises(RunError, match=r"unknown run 'nothing'\. .*\. Boards: selection, megc2019, megc2019-databases"):
        mebench.table("nothing", folder=folder)


BOARD = "recognition-megc2019_flow-loso"
DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}\usepackage{array,booktabs}
\setlength{\textwidth}{%spt}
\begin{document}
\input{scores.tex}
\bibliographystyle{plain}\bibliography{scores}
\end{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize(
    ("style", "intervals", "metrics", "width", "published"),
    [
        ("article", "below", "uf1,uar,accuracy,wf1", 345, False),
        ("article", "pm", "uf1,uar,accuracy,wf1", 345, True),
        ("ieee", "below", "uf1,uar,accuracy", 252, True),
        ("ieee", "pm", "uf1,uar", 252, False),
    ],
)
def test_table_compiles_and_fits(tmp_path, style, intervals, metrics, width, published):
    """A page of `article` has 345 points, a column of IEEE 252."""
    made = mebench.table(
        BOARD, metrics=metrics, style=style, intervals=intervals, folder=LEADERBOARDS, published=published
    )
    made.write(tmp_path / "scores.tex")
    (tmp_path / "paper.tex").write_text(DOCUMENT % width)
    log = subprocess.run(
        ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert (tmp_path / "paper.aux").is_file(), log[-2000:]
    assert not re.findall(r"Overfull .*|Undefined control .*|Fatal .*", log)
    if shutil.which("bibtex"):
        found = subprocess.run(["bibtex", "paper"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        assert "error" not in found.lower()


def test_table_writes_markdown_csv_and_figures(runs, tmp_path):
    made = mebench.table("htnet", "ststnet", runs=runs)
    assert [file.name for file in made.write(tmp_path / "t.tex")] == ["t.tex", "t.bib"]
    made.write(tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["uf1"].tolist() == pytest.approx(made.data["uf1"].tolist(), abs=1e-6)
    text = made.write(tmp_path / "t.md")[0].read_text()
    assert text.count("\n| ") == 4, "a head, two methods, and the most frequent class"
    for ending, first in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        made.plot(tmp_path / f"t.{ending}")
        assert (tmp_path / f"t.{ending}").read_bytes().startswith(first)
    with pytest.raises(ConfigError, match="must end in"):
        made.write(tmp_path / "t.docx")
    with pytest.raises(ConfigError, match="must name a file that ends in"):
        made.plot(tmp_path / "t.gif")


@pytest.fixture(scope="module")
def short_runs(tmp_path_factory):
    """STSTNet with 10 epochs of 800 and two seeds, and logistic regression with its defaults and one."""
    folder = tmp_path_factory.mktemp("short")
    for seed in (0, 1):
        make_run(folder, method="ststnet", seed=seed, wrong_every=3 + seed, settings={"method.epochs": 10})
    make_run(folder, method="logistic", wrong_every=2)
    return mebench.table("ststnet", "logistic", runs=str(folder), task="recognition")


def test_table_says_in_every_form_what_was_not_as_published(short_runs, tmp_path):
    told = "epochs=10 (default 800)"
    table = short_runs.to_table()
    assert [row[0] for row in table.rows][:2] == ["STSTNet¹", "Logistic regression"]
    assert short_runs.notes[-1] == f"¹ settings: {told}"
    assert "| STSTNet¹ |" in short_runs.to_markdown()
    assert told in short_runs.to_markdown()
    assert str(short_runs).endswith(f"¹ settings: {told}")
    latex = short_runs.to_latex()
    assert r"STSTNet\textsuperscript{1}~\cite{liong2019ststnet} &" in latex
    assert r"\textsuperscript{1} settings: epochs=10 (default 800)" in latex
    (row, *_) = csv.DictReader(io.StringIO(short_runs.to_csv_text()))
    assert (row["method"], row["settings"]) == ("STSTNet", told)
    assert short_runs.plain()["rows"][0]["settings"] == told
    short_runs.plot(tmp_path / "p.svg")
    assert told in (tmp_path / "p.svg").read_text()


def test_table_says_of_defaults_what_was_not_as_published(tmp_path):
    for method in ("off_apexnet", "ststnet"):
        make_run(tmp_path, method=method, settings={"method.epochs": 120} if method == "off_apexnet" else None)
    made = mebench.table("off_apexnet", "ststnet", runs=str(tmp_path), task="recognition")
    names = {row.method: row.name for row in made.rows}
    assert (names["off_apexnet"], names["ststnet"]) == ("OFF-ApexNet", "STSTNet")
    note = next(note for note in made.notes if "epochs" in note)
    assert note.endswith("not as published: epochs=120 instead of 3000")
    assert r"OFF-ApexNet\textsuperscript{1}~\cite" in made.to_latex()


def test_table_shows_the_spread_of_seeds(short_runs):
    score = short_runs.rows[0].scores["uf1"]
    lowest, highest = f"{score.lowest:.3f}"[1:], f"{score.highest:.3f}"[1:]
    assert lowest != highest
    assert f"<br>({lowest}–{highest}) |" in short_runs.to_markdown()
    assert f"({lowest}--{highest})" in short_runs.to_latex()
    assert f"({lowest}--{highest})" in short_runs.with_form("ieee", "none").to_latex()
    assert "round brackets: lowest and highest seed in UF1" in short_runs.notes
    assert short_runs.to_markdown().count("–") == 1, "one seed has no spread"


def test_table_of_runs_shows_the_level_of_chance(short_runs):
    level = short_runs.rows[-1]
    truths = ["negative", "positive", "surprise"]
    assert level.name.partition(",")[0].removeprefix("Always ") in truths
    # One of three classes, half of all clips or a third of them: recall 1, 0 and 0.
    assert level.scores["uar"].value == pytest.approx(1 / 3)
    assert not level.compared
    assert "rows in italics are not ranked" in short_runs.notes


def test_table_title_names_what_was_scored():
    made = mebench.table(BOARD, folder=LEADERBOARDS)
    assert made.title == "Recognition on MEGC 2019 flow maps, leave one subject out, 442 clips"


def test_table_of_named_board_has_its_title_score_and_rows():
    made = mebench.table("megc2019", folder=LEADERBOARDS)
    assert made.title == "MEGC 2019, by person, 442 clips"
    assert made.metrics == ("uf1", "uar")
    assert r"\label{tab:megc2019}" in made.to_latex()
    assert not made.data["method"].str.contains("side=").any()
    with pytest.raises(RunError, match="selection shows gains, which have tables of their own"):
        mebench.table("selection", folder=LEADERBOARDS)
    with pytest.raises(RunError, match="samm-lv-spotting has no row of a run, only answers of others"):
        mebench.table("samm-lv-spotting", folder=LEADERBOARDS)
    with pytest.raises(ConfigError, match="megc2019 is a table of the leaderboard: name it alone"):
        mebench.table("megc2019", "htnet", folder=LEADERBOARDS)


def printed_in_file(metric):
    """The values of MEGC 2019 as a whole in the committed file, by source."""
    with (LEADERBOARDS / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "megc2019" and not row["member"]]
    return [(row["source"].split()[0], row["value"]) for row in rows if row["metric"] == metric]


def test_table_adds_published_values_below_measured_rows():
    plain = mebench.table("megc2019", folder=LEADERBOARDS)
    made = mebench.table("megc2019", published=True, folder=LEADERBOARDS)
    n_measured = len(plain.rows)
    assert made.data["method"].tolist()[:n_measured] == plain.data["method"].tolist()
    assert not made.data["source"][:n_measured].any()
    below = made.rows[n_measured:]
    shown = [(row.source.split()[0], row.printed["uf1"].rstrip("†‡")) for row in below]
    assert sorted(shown) == sorted(printed_in_file("uf1"))
    years = [int(re.search(r"\d{4}", row.name)[0]) for row in below]
    assert years == sorted(years)


def test_table_cites_and_marks_published_values():
    made = mebench.table("megc2019", rows=["htnet", "LBP-TOP"], published=True, folder=LEADERBOARDS)
    latex, bib = made.to_latex(), made.to_bibtex()
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", latex) for key in keys.split(",")}
    assert cited == set(re.findall(r"@misc\{([^,]*),", bib)) == {"wang2024htnet"}  # its paper prints both
    assert r"HTNet (2024)~\cite{wang2024htnet} & .8603\textsuperscript{\dag}" in latex
    assert r"LBP-TOP (2007)~\cite{wang2024htnet} & .5882 &" in latex
    assert "was chosen on the test subjects" in " ".join(made.notes)
    assert "wang2023htnet arXiv:2307.14637, Table 2" in made.to_markdown()
    assert "| *printed by papers, not measured here* | | |" in made.to_markdown()
    table = pd.read_csv(io.StringIO(made.to_csv_text()))
    assert table["source"].notna().sum() == len(made.in_print) == 4


@pytest.mark.parametrize("board", ["cas-me2-spotting", "samm-lv-spotting", "casme2-spotting", "casme2-analysis"])
def test_table_of_published_values_alone(board):
    made = mebench.table(board, published=True, folder=LEADERBOARDS)
    assert made.rows == tuple(made.in_print)
    keys = {key for row in made.rows for key in row.keys}
    assert keys == {citation.key for citation in made.citations}
    assert r"\midrule" in made.to_latex()


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        (["megc2019"], {"metrics": "wf1"}, "no paper prints weighted F1 on this dataset and protocol"),
        (["megc2019"], {"rows": "macnn"}, "no paper prints UF1 or UAR of macnn on this dataset"),
        (["megc2019"], {"rows": "nobody"}, "unknown row 'nobody'"),
        (["htnet"], {}, "published values belong to boards"),
    ],
)
def test_table_refuses_published_values_in_one_sentence(names, options, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        mebench.table(*names, published=True, folder=LEADERBOARDS, **options)


def test_table_command_prints_published_values(tmp_path, capsys):
    paper.table_command(
        ["megc2019"], out=str(tmp_path / "t.tex"), leaderboards=str(LEADERBOARDS), published=True, json="-"
    )
    report = json.loads(capsys.readouterr().out)
    of_causalnet = next(row for row in report["rows"] if row["name"] == "CausalNet (2025)")
    assert of_causalnet["printed"] == {"uf1": "0.8976†", "uar": "0.9020†"}
    assert of_causalnet["scores"]["uf1"]["value"] == 0.8976
    assert "zhang2025causalnet" in (tmp_path / "t.bib").read_text()
    paper.table_command(["megc2019"], row=["htnet"], leaderboards=str(LEADERBOARDS), published=True)
    printed = capsys.readouterr().out
    assert "printed by papers, not measured here" in printed
    assert "wang2023htnet arXiv:2307.14637, Table 2" in printed


def test_plot_command_draws_the_chosen_rows_of_a_board(tmp_path, capsys):
    figure = tmp_path / "scores.svg"
    paper.plot_command(
        ["megc2019"], row=["htnet", "logistic"], out=str(figure), leaderboards=str(LEADERBOARDS), json="-"
    )
    report = json.loads(capsys.readouterr().out)
    assert {row["method"] for row in report["rows"]} == {"htnet", "logistic"}
    assert report["files"] == [str(figure)]
    assert "HTNet" in figure.read_text()
