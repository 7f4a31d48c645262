import csv
import io
import json

import markdown_it
import pytest
from hypothesis import example, given, strategies as st

from mebench.boards import build as boards_build, collect as boards_collect, table_files
from mebench.boards.table_files import as_csv, latex
from mebench.config import registry
from mebench.table import markdown_text as escape, spreadsheet_text as safe_cell
from tests.helpers.run_folders import make_run


def rendered(text):
    """The cells of each table, as a Markdown parser that is not ours sees them."""
    cells, tables, inside = [], [], False
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
    table, _ = rendered(table_files.markdown(boards_build.build(boards_collect.collect(tmp_path))))
    column = table[0].index("UF1")
    cells = {row[1]: row[column] for row in table[1:]}
    uf1 = [run.read_json("summary.json")["recognition"]["scores"]["uf1"] for run in runs]
    mean = sum(score["value"] for score in uf1) / 2
    low, high = min(s["low"] for s in uf1), max(s["high"] for s in uf1)
    ends = sorted(score["value"] for score in uf1)

    assert cells["two"] == f"{mean:.3f}<br>[{low:.3f}, {high:.3f}]<br>{ends[0]:.3f} to {ends[1]:.3f}"
    assert cells["spotter"].count("to") == 0
    assert cells["spotter"].count("[") == 1


def test_markdown_separates_shared_facts_from_columns(tmp_path):
    make_run(tmp_path, tasks=("recognize",))
    other = make_run(tmp_path, tasks=("recognize",), method="two", selection="test")
    other.write_json("versions.json", other.read_json("versions.json") | {"method_plugin": "0a1b"})
    text = table_files.markdown(boards_build.build(boards_collect.collect(tmp_path)))
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
    (table,) = boards_build.build(boards_collect.collect(tmp_path))
    scores, origins = rendered(table_files.markdown([table]))
    assert {row[1] for row in scores[1:]} == {"spotter (earlier features)", "two"}
    where = origins[0].index("earlier features")
    assert {row[where] for row in origins[1:]} == {"FaceCrop; flow=tvl1, which was OpenCV's", "–"}
    rows = {row["method"]: row["earlier_features"] for row in csv.DictReader(io.StringIO(as_csv(table)))}
    assert rows == {"spotter": "FaceCrop; flow=tvl1, which was OpenCV's", "two": ""}
    assert "spotter, flow=tvl1, earlier features" in latex(table)
    assert {row["earlier"] for row in table.plain()["parts"][0]["rows"]} == set(rows.values())


def test_other_input_is_in_name_and_files(tmp_path, write_plugin):
    registry.add_paths(
        [write_plugin("method", "reader", config="other_input: {features: {flow: 'flow, for depth'}}\n")]
    )
    make_run(tmp_path / "runs", tasks=("recognize",), method="reader", settings={"method.features": "flow"})
    make_run(tmp_path / "runs", tasks=("recognize",), method="two")
    (table,) = boards_build.build(boards_collect.collect(tmp_path / "runs"))
    scores, origins = rendered(table_files.markdown([table]))
    assert {row[1] for row in scores[1:]} == {"reader (not the paper's method)", "two"}
    where = origins[0].index("other input")
    assert {row[where] for row in origins[1:]} == {"flow, for depth", "–"}
    rows = {row["method"]: row["other_input"] for row in csv.DictReader(io.StringIO(as_csv(table)))}
    assert rows == {"reader": "flow, for depth", "two": ""}
    assert "reader, features=flow, not the paper's method" in latex(table)
    assert {row["other_input"] for row in table.plain()["parts"][0]["rows"]} == set(rows.values())


def test_markdown_keeps_text_in_its_cell(tmp_path):
    remark = "a|b \\| <script> [x](http://y) *z* `q`\nline"
    make_run(tmp_path, tasks=("recognize",), settings={"method.p": "x|y"}, remark=remark)
    make_run(tmp_path, "two", method="<b>two</b>", tasks=("recognize",), remark="other")
    scores, origins = rendered(table_files.markdown(boards_build.build(boards_collect.collect(tmp_path))))
    for table in (scores, origins):
        assert {len(row) for row in table} == {len(table[0])}
    assert {row[1] for row in scores[1:]} == {"spotter", "<b>two</b>"}
    assert origins[1:][0][origins[0].index("settings")] in {"p=x|y", "defaults"}
    assert {row[origins[0].index("remark")] for row in origins[1:]} == {"other", remark.replace("\n", " ")}


def test_as_csv_reads_back(tmp_path):
    run = make_run(tmp_path, tasks=("recognize",), members=("a", "b"), remark='two, "quoted"')
    (table,) = boards_build.build(boards_collect.collect(tmp_path))
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
    (table,) = boards_build.build(boards_collect.collect(tmp_path))
    (row,) = csv.DictReader(io.StringIO(as_csv(table), newline=""))
    assert row["remark"] == "'" + text.strip()


def test_as_csv_keeps_negative_and_small_numbers(tmp_path):
    make_run(tmp_path, tasks=("spot",), shift=60)
    (table,) = boards_build.build(boards_collect.collect(tmp_path))
    row = next(r for r in csv.DictReader(io.StringIO(as_csv(table))) if r["provenance"] == "measured")
    assert row["f1"] == "0"
    assert row["apex_mae_ms"] == ""
    assert float(row["fp_per_minute"]) > 0


def test_write_gives_equal_bytes_for_equal_runs(tmp_path):
    make_run(tmp_path / "runs", kinds=("micro", "macro"))
    for out in ("one", "two"):
        table_files.write(boards_build.build(boards_collect.collect(tmp_path / "runs")), tmp_path / out)
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / out).iterdir()} for out in ("one", "two"))
    assert one == two
    assert "tables.md" in one
    assert "spotting-drawn-loso.json" in one


def test_write_json_holds_tables(tmp_path):
    make_run(tmp_path / "runs")
    tables = boards_build.build(boards_collect.collect(tmp_path / "runs"))
    table_files.write(tables, tmp_path)
    for table in tables:
        assert json.loads((tmp_path / f"{table.name}.json").read_text()) == json.loads(json.dumps(table.plain()))


def test_write_removes_former_tables_only(tmp_path):
    make_run(tmp_path / "runs", tasks=("recognize",))
    make_run(tmp_path / "runs", method="finder", dataset="filmed", tasks=("spot",))
    tables = boards_build.build(boards_collect.collect(tmp_path / "runs"))
    table_files.write(tables, tmp_path / "out")
    mine = tmp_path / "out" / "spotting-notes.csv"
    mine.write_text("mine")
    table_files.write([t for t in tables if t.task == "recognition"], tmp_path / "out")

    assert {f.name for f in (tmp_path / "out").iterdir()} == {
        "tables.md",
        "recognition-drawn-loso.csv",
        "recognition-drawn-loso.json",
        "recognition-drawn-loso.tex",
        "spotting-notes.csv",
    }


def test_markdown_contents_link_to_headings(tmp_path):
    make_run(tmp_path, settings={"dataset.noise": 3.5})
    text = table_files.markdown(boards_build.build(boards_collect.collect(tmp_path)))
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert "spotting: drawn, loso (noise=3.5)" in headings
    assert "[spotting: drawn, loso (noise=3.5)](#spotting-drawn-loso-noise35)" in text
