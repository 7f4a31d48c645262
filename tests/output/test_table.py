"""One table and its outputs, each read back by a program that is not ours."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import markdown_it
import pytest
from hypothesis import given, strategies as st

from mebench.metrics.score_column import score_column
from mebench.output.table import (
    INTERVAL,
    Column,
    Latex,
    LatexStyle,
    Markdown,
    MarkdownStyle,
    ShownScore,
    Table,
    latex_text,
    markdown_text,
    spreadsheet_text,
)
from mebench.output.terminal import make_console
from mebench.score_type import Score

COLUMNS = (
    Column("method", main=True),
    score_column("f1", digits=3, main=True),
    Column("n", right=True),
    Column("remark", optional=True),
)
SCORE = Score(0.5, 0.25, 0.75, lowest=0.4, highest=0.6)
NOTHING = Score()
EVIL = "=<script>a|b \\end{x} *c* & 50 % $x_1$\n\x1b[31m\u202e"
SEEN = " ".join(EVIL.split()).replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")


def shown(table):
    out = make_console()
    with out.capture() as capture:
        out.print(table)
    return capture.get()


def table(*rows, **more):
    return Table.from_items(COLUMNS, [dict(zip(("method", "f1", "n", "remark"), row)) for row in rows], **more)


def test_terminal_has_interval_beside_score():
    lines = shown(table(("mean", SCORE, 12), ("none", NOTHING, None), title="scores")).splitlines()
    assert lines[0].strip() == "scores"
    assert lines[2].split() == ["method", "F1", *INTERVAL.split(), "n"]
    assert lines[4].split() == ["mean", "0.500", "[0.250,", "0.750]", "12"]
    assert lines[5].split() == ["none", "-", "-"]


def test_markdown_has_interval_below_score_and_bold_order():
    text = table(("mean", SCORE, 12), ("chance", ShownScore(SCORE, note="drawn"), 2), muted={1}).to_markdown()
    assert text.splitlines() == [
        "| method | F1 | n |",
        "|---|---|---|",
        "| mean | **0.500**<br>[0.250, 0.750]<br>0.400 to 0.600 | 12 |",
        "| *chance* | 0.500<br>[0.250, 0.750]<br>0.400 to 0.600<br>drawn | 2 |",
    ]


def test_markdown_style_decides_place_of_interval_and_italics():
    rows = [
        ["mean", replace(SCORE, lowest=None, highest=None), 12],
        "others",
        [Markdown("*chance*<sup>1</sup>"), 0.25, 2],
    ]
    style = MarkdownStyle(aligned=True, beside="&nbsp;", italic=True, heading="*")
    assert Table(COLUMNS[:3], rows, muted={2}).to_markdown(style).splitlines() == [
        "| method | F1 | n |",
        "|---|--:|--:|",
        "| mean | **0.500**&nbsp;[0.250,&nbsp;0.750] | 12 |",
        "| *others* | | |",
        "| *chance*<sup>1</sup> | *0.250* | *2* |",
    ]


def test_latex_style_adds_label_commands_and_lines():
    rows = [[Latex(r"\textit{a_b}"), SCORE], Latex("% a source"), ["a_b", None]]
    lines = Table(COLUMNS[:2], rows).to_latex(LatexStyle("A $x$", "tab:a", r"\small", "@{}ll@{}")).splitlines()
    assert lines[2:6] == [r"  \caption{A $x$}", r"  \label{tab:a}", r"  \small", r"  \begin{tabular}{@{}ll@{}}"]
    assert lines[9:12] == [
        r"    \textit{a_b} & 0.500 [0.250, 0.750] \\",
        "    % a source",
        r"    a\_b & -- \\",
    ]


def test_latex_has_interval_beside_score_and_rules():
    found = Table(COLUMNS[:3], [["mean", SCORE, 1], "others", ["chance", NOTHING, None]], "a & b", {2}).to_latex()
    assert r"\caption{a \& b}" in found
    assert r"\begin{tabular}{lrr}" in found
    rows = found.partition("\\midrule\n")[2].splitlines()
    assert rows[:4] == [
        r"    mean & 0.500 [0.250, 0.750] & 1 \\",
        r"    \midrule",
        r"    \multicolumn{3}{l}{others} \\",
        r"    \textit{chance} & -- & -- \\",
    ]


def test_csv_has_five_ends_and_json_values():
    found = table(("mean", SCORE, 12, None), ("none", None, 1 / 3, "x"))
    assert list(csv.reader(io.StringIO(found.to_csv_text()))) == [
        ["method", "f1", "f1_low", "f1_high", "f1_min", "f1_max", "n", "remark"],
        ["mean", "0.5", "0.25", "0.75", "0.4", "0.6", "12", ""],
        ["none", "", "", "", "", "", "0.333333", "x"],
    ]
    values = {"value": 0.5, "low": 0.25, "high": 0.75, "min": 0.4, "max": 0.6}
    assert found.plain()[0] == {"method": "mean", "f1": values, "n": 12, "remark": None}


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_html_has_order_and_meaning_of_columns():
    reader = Cells()
    reader.feed(
        table(("mean", SCORE, 12), ("chance", NOTHING, 1), muted={1}).to_html("plain", "Measured", sortable=True)
    )
    tags = [tag for tag, _ in reader.tags]

    assert (tags.count("th"), tags.count("td"), tags.count("tr")) == (5, 4, 3)
    assert reader.tags[0] == ("table", {"class": "plain", "data-sortable": None})
    assert [attrs["data-order"] for tag, attrs in reader.tags if "data-order" in attrs] == ["0.5", ""]
    titles = [attrs.get("title", "") for tag, attrs in reader.tags if tag == "th"]
    assert any("harmonic mean" in title for title in titles)
    assert ("tr", {"class": "chance"}) in reader.tags
    assert (
        "i",
        {"class": "bar", "style": "--l:0.25;--h:0.75;--v:0.5"},
    ) in reader.tags


def test_table_leaves_out_optional_empty_columns():
    assert [column.name for column in table(("a", SCORE, 1, "")).columns] == ["method", "f1", "n"]
    assert [column.name for column in table(("a", SCORE, 1, ""), ("b", SCORE, 1, "r")).columns][-1] == "remark"
    assert [column.name for column in table().columns] == ["method", "f1", "n"]


def test_table_escapes_text_in_each_output():
    found = table((EVIL, SCORE, 1, EVIL))
    assert "\x1b" not in shown(found)
    assert "\\x1b" in shown(found)
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(found.to_markdown())
    cells = ["".join(part.content for part in token.children) for token in tokens if token.type == "inline"]
    assert cells[4] == cells[7] == SEEN
    assert "$" not in found.to_markdown()
    (row,) = csv.DictReader(io.StringIO(found.to_csv_text()))
    assert row["method"] == "'" + SEEN
    reader = Cells()
    reader.feed(found.to_html())
    assert "script" not in [tag for tag, _ in reader.tags]
    assert "".join(reader.text).count("<script>") == 2
    assert r"=\textless{}script\textgreater{}a\textbar{}b \textbackslash{}end\{x\} *c* \& 50 \%" in found.to_latex()
    for text in (found.to_html(), found.to_markdown(), found.to_csv_text(), found.to_latex()):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert found.plain()[0]["remark"] == EVIL


@given(st.text(st.sampled_from("ab _~*|`[]<&\\")))
def test_markdown_text_is_no_markup(text):
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).enable("table")
    found = tokens.parse(f"| a | b |\n|---|---|\n| {markdown_text(text)} | end |\n")
    cells = ["".join(part.content for part in token.children) for token in found if token.type == "inline"]
    assert cells[2:] == [" ".join(text.split()), "end"]


@given(st.text())
def test_latex_text_escapes_each_character(text):
    found = re.sub(r"\\text\w+\{(\\dag)?\}", "", latex_text(text).replace(r"\textsuperscript{\dag}", ""))
    assert not re.search(r"(?<!\\)[{}$&#%_^~<>|\"]|\\(?![{}$&#%_])", found)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1"])
def test_spreadsheet_text_runs_no_cell(text):
    assert spreadsheet_text(text) == "'" + text.strip()
