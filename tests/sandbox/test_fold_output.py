"""What folds print: shown, limited, without commands to the terminal."""

import os

import pytest

from mebench.sandbox import fold_output
from mebench.sandbox.fold_output import FoldOutput


@pytest.fixture
def output():
    output = FoldOutput()
    yield output
    output.close()


def write(output, content):
    os.write(output.process_end.fileno(), content)


def test_FoldOutput_shows_and_keeps_text(output, capsys):
    assert output.show()
    write(output, "épo".encode())
    write(output, b"que 1\tloss 0.5\n")
    assert output.show()
    assert capsys.readouterr() == ("", "époque 1\tloss 0.5\n")
    assert output.kept == "époque 1\tloss 0.5\n"


def test_FoldOutput_joins_signs_that_come_in_parts(output, capsys):
    for part in ("é".encode()[:1], "é".encode()[1:], b"\xff\n"):
        write(output, part)
        output.show()
    assert capsys.readouterr().err == "é\N{REPLACEMENT CHARACTER}\n"


def test_FoldOutput_leaves_out_commands_to_the_terminal(output, capsys):
    write(output, b"\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[6n\x00done\r\n")
    output.show()
    assert capsys.readouterr().err == "red \\x1b]0;title\\x07\\x00done\r\n"


def test_FoldOutput_stops_at_its_limit(output, capsys, monkeypatch):
    monkeypatch.setattr(fold_output, "MOST_SHOWN", 10)
    monkeypatch.setattr(fold_output, "MOST_KEPT", 4)
    for _ in range(5):
        write(output, b"12345678")
        assert output.show()
    shown = capsys.readouterr().err
    assert shown.startswith("1234567812\n[the rest of what this process prints is left out")
    assert shown.count("left out") == 1
    assert (output.kept, output.n_bytes) == ("1234", 40)


def test_FoldOutput_ends_with_the_process(output):
    output.process_end.close()
    assert not output.show()
