"""The command line inside this process."""

import sys

import pytest

from mebench import cli


@pytest.fixture
def mebench(monkeypatch, capsys):
    """Runs the command and returns exit code, standard output and standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["mebench", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
