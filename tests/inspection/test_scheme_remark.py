"""The remark on runs that score other classes than the paper of their method."""

import pytest

from mebench.cli import run as cli_run
from mebench.config import resolve
from mebench.inspection.scheme_remark import remark_on_scheme


def remark(*words):
    return remark_on_scheme(resolve(words))


def test_remark_on_scheme_names_classes_of_paper():
    found = remark("method=mean", "dataset=cas_me2")
    assert "scores 4 classes" in found
    assert "the paper of mean (mean2022) scores 3 classes (negative, positive, surprise)" in found
    assert found.endswith("add scheme=mean2022 to compare with its figures")


@pytest.mark.parametrize(
    "words",
    [
        ("method=mean", "dataset=cas_me2", "scheme=mean2022"),
        ("method=ststnet", "dataset=cas_me2"),  # whose paper has no table of it
        ("method=softnet", "dataset=cas_me2"),  # which only spots
        ("method=mean", "dataset=synthetic"),
        ("method=mean", "dataset=casme3"),  # which the paper has not
    ],
)
def test_remark_on_scheme_is_silent_otherwise(words):
    assert remark(*words) == ""


def test_run_dry_run_prints_the_remark(capsys, monkeypatch):
    monkeypatch.setattr(cli_run, "config_with_inputs", lambda words, *_: resolve(words))
    monkeypatch.setattr(cli_run.estimate, "dry_run", lambda *_, **__: {})
    cli_run.run_command(["method=mean", "dataset=cas_me2"], dry_run=True)
    assert "add scheme=mean2022" in " ".join(capsys.readouterr().out.split())
