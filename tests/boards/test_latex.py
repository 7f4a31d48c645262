import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mebench.boards import build as boards_build
from mebench.boards.published_tables import with_published
from mebench.boards.table_files import latex_tables
from mebench.intake import collect as boards_collect
from mebench.metrics import catalogue
from mebench.output.table import latex_text as escape
from mebench.records import published
from tests.helpers.run_folders import make_run

PUBLISHED = Path(__file__).parents[2] / "leaderboards" / "published.csv"


@pytest.fixture
def source(tmp_path):
    make_run(tmp_path, "odd", method="a_b & 95 % {x} $y$ \\end{tabular} #1\nb", dataset="casme2", selection="test")
    return "\n".join(
        latex_tables(with_published(table, published.read_published(PUBLISHED), []))
        for table in boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    )


@pytest.fixture
def text(source):
    """What is typeset: without comments."""
    return "\n".join(line for line in source.splitlines() if not line.startswith("%"))


def test_latex_comments_name_origin_of_rows(source):
    comments = "\n".join(line for line in source.partition("\\begin{table}")[0].splitlines() if line.startswith("% "))
    for words in (
        "convention strict",
        "selection test",
        "transductive none",
        "mebench 0.1.0",
        "torch 2.13.0",
        "runs odd",
    ):
        assert words in comments
    assert "method plugin aed6cdb4" in comments
    assert "fit seconds 8, predict seconds 1" in comments


def test_latex_caption_names_rules(text):
    assert "All: convention strict, selection test, transductive none." in text
    assert text.count("b, selected on test subjects & 1 &") == 3


def test_latex_rows_fit_tabular(text):
    for columns, body in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
        rows = [row for row in rows if "superscript{\\dag}: with" not in row]
        assert rows
        assert all(len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1 for row in rows)


def test_latex_closes_environments_and_braces(text):
    for name in ("table", "tabular"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}") > 0
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")


def test_latex_prints_names_unchanged(text):
    assert r"a\_b \& 95 \% \{x\} \$y\$ \textbackslash{}end\{tabular\} \#1" in text


def test_latex_cites_published_rows_below_rule(text):
    _, _, below = text.partition("Published by others, not measured here")
    assert r"\cite{liong2023mean}" in below
    assert r"0.1180\textsuperscript{\dag}" not in text.partition("micro")[0]


def test_latex_has_published_row_of_any_column(tmp_path):
    make_run(tmp_path, "one", dataset="casme2")
    found = [
        with_published(table, published.read_published(PUBLISHED), [])
        for table in boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    ]
    table, part = next((table, part) for table in found for part in table.parts if part.published)
    columns = [metric for metric in part.metrics if metric in catalogue.COLUMNS[table.task]]
    lines = [
        replace(part.published[0], method=method, member="", values=dict.fromkeys(names, "0.5"))
        for method, names in (("Full", columns), ("Half", columns[:1]), ("Void", ["another"]))
    ]
    text = latex_tables(replace(table, parts=(replace(part, published=tuple(lines)),)))

    assert re.findall(r"(\w+) \\cite", text) == ["Full", "Half"]


@given(st.text())
def test_latex_escapes_all_characters(words):
    found = escape(words)
    for command in (
        "textbackslash",
        "textasciicircum",
        "textasciitilde",
        "textless",
        "textgreater",
        "textbar",
        "textquotedbl",
    ):
        found = found.replace(f"\\{command}{{}}", "")
    found = found.replace(r"\textsuperscript{\dag}", "")

    assert not re.search(r"(?<!\\)[{}$&#%_^~<>|\"]", found)
    assert not re.search(r"\\(?![{}$&#%_])", found)
