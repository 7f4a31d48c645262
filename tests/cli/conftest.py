"""The command line inside this process."""

import sys

import pytest

from mebench import cli


@pytest.fixture
def mebench(monkeypatch, capsys):
    """Runs the command and returns exit code, standard output and standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["mebench", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
            sys.exit(0)
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return run
