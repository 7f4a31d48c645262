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
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
