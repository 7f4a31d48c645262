"""A name from outside cannot do anything at the terminal, whatever prints it."""

import io
import json
import subprocess
import sys

import pytest
from hypothesis import given, strategies as st
from rich.console import Console

from mebench.output import json_output, terminal
from mebench.output.progress import Progress

NAMES = [
    "\x1b[2J\x1b[1;1Hok: taken",  # clears the screen
    "a\nok: taken",  # a line of its own
    "a\r\x1b[Kok: taken",  # over the line that is there
    "\x9b31mred",  # the same sign in one character
    "\x1b]0;title\x07",
    "a\u202egnp.exe",  # written from the right
    "\u2028ok: taken",
    "torn \udcff",  # a byte of a file name that is no text
    "a\u200bb",  # a blank that nobody sees
    "[link=https://a.b]here[/link] [/] :smile:",
]


def shown(text):
    """What a terminal shows of it as it stands."""
    return all(sign == "\n" or (terminal.escape_controls(sign) == sign and sign.encode()) for sign in text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("interactive", [True, False])
def test_terminal_printing_escapes_control_characters(name, interactive, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "at_terminal", lambda: interactive)
    terminal.print_lines(f"{name}: is there")
    terminal.print_lines(f"{name}: is there", error=True)
    terminal.print_table(["name", name], [["b", name]], title=name)
    terminal.print_markdown(name.replace("\n", " "))
    json_output.write_json({name: [name]}, "-")
    terminal.make_console().print(name, markup=False)
    Progress().notify(name)
    with Progress().stage(name, 1, "folds") as advance:
        advance()
    out, err = capsys.readouterr()

    assert shown(out.replace("\t", "\n"))
    assert shown(err)
    assert "\nok" not in out + err


@pytest.mark.parametrize("name", NAMES)
def test_Progress_escapes_control_characters(name):
    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True, color_system=None, legacy_windows=False)
    with Progress(terminal).stage(name, 1, "folds") as advance:
        advance()
    assert all(escape not in file.getvalue() for escape in ("\x1b[2J", "\x9b", "\x07", "\x1b[K", "\u202e"))
    assert "taken" not in name or "ok: taken" in file.getvalue()


@given(st.text(st.characters(), max_size=30))
def test_printable_is_one_line_that_encodes(text):
    line = terminal.escape_controls(text)
    assert len(f"{line}.".splitlines()) == 1
    assert shown(line)
    assert terminal.escape_controls(line) == line


@given(st.text(), st.text())
def test_write_json_keeps_meaning_on_terminal(name, text):
    file = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        json_output.write_json({name: text}, "-")
    assert json.loads(file.getvalue()) == {name: text}
    assert shown(file.getvalue())


@pytest.mark.parametrize("columns", [200, 80, 60, 20])
def test_print_table_keeps_numbers_in_narrow_terminal(columns, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    heads = ("score", "A", "95 % interval", "B", "p (Wilcoxon)")
    cells = ("false positives / min", "10.8341", "[7.2152, 16.3017]", "0.1412", "0.0098")
    wraps = ["words"] * len(heads)
    table = terminal.make_rich_table("", [(head, head != "score", wrap) for head, wrap in zip(heads, wraps)], [cells])
    terminal.make_console().print(table)
    shown = capsys.readouterr().out

    assert max(map(len, shown.splitlines())) <= max(columns, 70)
    assert set(" ".join((*heads, *cells)).split()) <= set(shown.split())


@pytest.mark.parametrize("columns", [200, 80, 60, 20])
def test_print_table_keeps_names_whole_in_narrow_list(columns, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    heads = ("run", "status", "scores", "folder")
    cells = ("linear_spotter-synthetic-kfold-seed0-occlusion-3-fcea9c7f", "unfinished,", "F1 0.1290", "/a" * 60)
    terminal.print_table(heads, [cells])
    shown = capsys.readouterr().out
    assert {*heads, *" ".join(cells[:3]).split()} <= set(shown.split())
    assert max(map(len, shown.splitlines())) <= max(columns, 105)


def test_print_table_works_in_a_fresh_process():
    """Nothing else has loaded parts of rich there."""
    code = (
        "from mebench.output.terminal import make_console, make_rich_table; "
        "make_console().print(make_rich_table('', [('method', False, 'never')], [('mean',)]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mean" in ran.stdout
