import csv
import io
import json
import re

import markdown_it
import pytest
from hypothesis import example, given, strategies as st

from mebench.boards import build as boards_build, table_files
from mebench.boards.table_files import as_csv, latex_tables
from mebench.config import registry
from mebench.intake import collect as boards_collect
from mebench.output.table import markdown_text as escape, spreadsheet_text as safe_cell
from tests.helpers.run_folders import make_run


def pages(tables):
    """The pages of some tables, one below the other."""
    return "\n".join(map(table_files.markdown_page, tables))


def rendered(text):
    """The cells of each table, as a Markdown parser that is not ours sees them."""
    cells = []
    tables = []
    inside = False
    for token in markdown_it.MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(text):
        if token.type in {"table_open", "table_close"}:
            inside = token.type == "table_open"
            tables += [[]] * inside
        elif token.type == "tr_open":
            cells = []
        elif token.type == "inline" and inside:
            cells.append("".join(child.content for child in token.children))
        elif token.type == "tr_close":
            tables[-1].append(cells)
    return tables


@given(st.text(st.sampled_from("ab _~*|`[]<&\\")))
@example("_a_ __b__")
@example("~~a~~")
def test_markdown_escapes_markup_in_cells(text):
    (_, (shown, last)) = rendered(f"| a | b |\n|---|---|\n| {escape(text)} | end |\n")[0]
    assert (shown, last) == (" ".join(text.split()), "end")


def test_markdown_shows_score_interval_and_spread(tmp_path):
    make_run(tmp_path, seed=0, tasks=("recognize",))
    runs = [make_run(tmp_path, seed=s, tasks=("recognize",), method="two", wrong_every=s + 2) for s in (0, 1)]
    table, _ = rendered(pages(boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))))
    column = table[0].index("UF1")
    cells = {row[1]: row[column] for row in table[1:]}
    uf1 = [run.read_json("summary.json")["recognition"]["scores"]["uf1"] for run in runs]
    mean = sum(score["value"] for score in uf1) / 2
    ends = sorted(score["value"] for score in uf1)

    score, interval, seeds = cells["two"].split("<br>")
    assert (score, seeds) == (f"{mean:.3f}", f"{ends[0]:.3f} to {ends[1]:.3f}")
    assert re.fullmatch(r"\[0\.\d{3}, 0\.\d{3}\]", interval)
    assert cells["spotter"].count("to") == 0
    assert cells["spotter"].count("[") == 1


def test_markdown_separates_shared_facts_from_columns(tmp_path):
    make_run(tmp_path, tasks=("recognize",))
    other = make_run(tmp_path, tasks=("recognize",), method="two", selection="test")
    other.write_json("versions.json", other.read_json("versions.json") | {"method_plugin": "0a1b"})
    text = pages(boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path)))
    assert (
        "All measured rows: convention strict, transductive none, mebench 0.1.0, python 3.11.9, torch 2.13.0, "
        "dataset plugin 74d0f874, dataset revision 1, scoring 3." in text
    )
    scores, origins = rendered(text)
    by_method = {
        name: dict(zip(origins[0], origin)) for (_, name, *_), origin in zip(scores[1:], origins[1:], strict=True)
    }
    assert {name: (row["selection"], row["method plugin"]) for name, row in by_method.items()} == {
        "spotter": ("fixed", "aed6cdb4"),
        "two (selected on test subjects)": ("test", "0a1b"),
    }


def test_earlier_features_are_in_name_and_files(tmp_path):
    make_run(tmp_path, tasks=("recognize",), settings={"method.flow": "tvl1"})
    make_run(tmp_path, tasks=("recognize",), method="two")
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    scores, origins = rendered(table_files.markdown_page(table))
    assert {row[1] for row in scores[1:]} == {"spotter (earlier features)", "two"}
    where = origins[0].index("earlier features")
    assert {row[where] for row in origins[1:]} == {"FaceCrop; flow=tvl1, which was OpenCV's", "–"}
    rows = {row["method"]: row["earlier_features"] for row in csv.DictReader(io.StringIO(as_csv(table)))}
    assert rows == {"spotter": "FaceCrop; flow=tvl1, which was OpenCV's", "two": ""}
    assert "spotter, flow=tvl1, earlier features" in latex_tables(table)
    assert {row["earlier"] for row in table.plain()["parts"][0]["rows"]} == set(rows.values())


def test_other_input_is_in_name_and_files(tmp_path, write_plugin):
    registry.add_paths(
        [write_plugin("method", "reader", config="other_input: {features: {flow: 'flow, for depth'}}\n")]
    )
    make_run(tmp_path / "runs", tasks=("recognize",), method="reader", settings={"method.features": "flow"})
    make_run(tmp_path / "runs", tasks=("recognize",), method="two")
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs"))
    scores, origins = rendered(table_files.markdown_page(table))
    assert {row[1] for row in scores[1:]} == {"reader (not the paper's method)", "two"}
    where = origins[0].index("other input")
    assert {row[where] for row in origins[1:]} == {"flow, for depth", "–"}
    rows = {row["method"]: row["other_input"] for row in csv.DictReader(io.StringIO(as_csv(table)))}
    assert rows == {"reader": "flow, for depth", "two": ""}
    assert "reader, features=flow, not the paper's method" in latex_tables(table)
    assert {row["other_input"] for row in table.plain()["parts"][0]["rows"]} == set(rows.values())


def test_markdown_keeps_text_in_its_cell(tmp_path):
    remark = "a|b \\| <script> [x](http://y) *z* `q`\nline"
    make_run(tmp_path, tasks=("recognize",), settings={"method.p": "x|y"}, remark=remark)
    make_run(tmp_path, "two", method="<b>two</b>", tasks=("recognize",), remark="other")
    scores, origins = rendered(pages(boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))))
    for table in (scores, origins):
        assert {len(row) for row in table} == {len(table[0])}
    assert {row[1] for row in scores[1:]} == {"spotter", "<b>two</b>"}
    assert origins[1:][0][origins[0].index("settings")] in {"p=x|y", "defaults"}
    assert {row[origins[0].index("remark")] for row in origins[1:]} == {"other", remark.replace("\n", " ")}


def test_as_csv_reads_back(tmp_path):
    run = make_run(tmp_path, tasks=("recognize",), members=("a", "b"), remark='two, "quoted"')
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    rows = list(csv.DictReader(io.StringIO(as_csv(table))))
    score = run.read_json("summary.json")["recognition"]["scores"]["uf1"]

    assert [(row["part"], row["member"]) for row in rows] == [("all clips", ""), ("members", "a"), ("members", "b")]
    assert float(rows[0]["uf1_low"]) == pytest.approx(score["low"], abs=1e-6)
    assert rows[0]["n"] == "16"
    assert rows[0]["remark"] == 'two, "quoted"'
    assert rows[0]["parameters"] == "1234"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1"])
def test_as_csv_neutralises_formulas(text, tmp_path):
    assert safe_cell(text) == "'" + text.strip()
    make_run(tmp_path, tasks=("recognize",), remark=text)
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    (row,) = csv.DictReader(io.StringIO(as_csv(table), newline=""))
    assert row["remark"] == "'" + text.strip()


def test_as_csv_keeps_negative_and_small_numbers(tmp_path):
    make_run(tmp_path, tasks=("spot",), shift=60)
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    row = next(r for r in csv.DictReader(io.StringIO(as_csv(table))) if r["provenance"] == "measured")
    assert row["f1"] == "0"
    assert row["apex_mae_ms"] == ""
    assert float(row["fp_per_minute"]) > 0


def files_in(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_write_gives_equal_bytes_for_equal_runs(tmp_path):
    make_run(tmp_path / "runs", kinds=("micro", "macro"))
    for out in ("one", "two"):
        table_files.write_leaderboard(
            boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs")), tmp_path / out
        )
    one, two = files_in(tmp_path / "one"), files_in(tmp_path / "two")
    assert one == two
    assert {"README.md", "experiments.md", "tables/README.md", "tables/spotting-drawn-loso.json"} < one.keys()


def test_write_leaves_equal_files_alone(tmp_path):
    make_run(tmp_path / "runs")
    tables = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs"))
    table_files.write_leaderboard(tables, tmp_path / "out")
    first = files_in(tmp_path / "out")
    (tmp_path / "out" / "experiments.md").write_bytes(first["experiments.md"][:-1])
    before = {file: file.stat().st_ino for file in (tmp_path / "out").rglob("*.*")}
    table_files.write_leaderboard(tables, tmp_path / "out")

    assert files_in(tmp_path / "out") == first
    replaced = [file.name for file, number in before.items() if file.stat().st_ino != number]
    assert replaced == ["experiments.md"]


def test_write_json_holds_tables(tmp_path):
    make_run(tmp_path / "runs")
    tables = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs"))
    table_files.write_leaderboard(tables, tmp_path)
    for table in tables:
        text = (tmp_path / "tables" / f"{table.name}.json").read_text()
        expected = json.loads(json.dumps(table.plain()), parse_float=lambda number: round(float(number), 9))
        assert json.loads(text) == expected
        n_rows = sum(len(part.rows) for part in table.parts)
        assert sum(line.startswith('  {"method"') for line in text.splitlines()) == n_rows


def test_write_removes_what_earlier_builds_made(tmp_path):
    make_run(tmp_path / "runs", tasks=("recognize",))
    make_run(tmp_path / "runs", method="finder", dataset="filmed", tasks=("spot",))
    tables = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs"))
    out = tmp_path / "out"
    table_files.write_leaderboard(tables, out)
    (out / "tables" / "spotting-notes.csv").write_text("mine")
    table_files.write_leaderboard([t for t in tables if t.task == "recognition"], out)

    assert files_in(out).keys() == {
        "README.md",
        "experiments.md",
        "tables/README.md",
        *(f"tables/recognition-drawn-loso.{ending}" for ending in ("csv", "json", "md", "tex")),
        "tables/spotting-notes.csv",
    }


def test_write_removes_files_of_the_former_layout(tmp_path):
    made = "# Leaderboards\n\n`mebench leaderboard build` made this page, and the same with charts\n[CSV](spotting-old-loso.csv)\n"
    (tmp_path / "tables.md").write_text(made)
    for name in ("spotting-old-loso.csv", "spotting-mine.csv"):
        (tmp_path / name).write_text("former")
    table_files.write_leaderboard([], tmp_path)
    assert {"tables.md", "spotting-old-loso.csv"}.isdisjoint(files_in(tmp_path))
    assert "spotting-mine.csv" in files_in(tmp_path)


def test_write_keeps_readme_of_others(tmp_path):
    (tmp_path / "README.md").write_text("# My laboratory\n")
    said = []
    index = table_files.write_leaderboard([], tmp_path, notify=said.append)
    assert (tmp_path / "README.md").read_text() == "# My laboratory\n"
    assert index == tmp_path / "boards.md"
    assert "so it stays: the index of the boards is" in said[0]
