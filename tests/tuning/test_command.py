"""The verb, as people type it."""

import html
import json
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from mebench.cli import app
from mebench.errors import ConfigError
from mebench.tuning import outcome
from mebench.tuning.records import TuneOptions


def invoke(*words):
    return CliRunner().invoke(app, ["tune", *words])


def test_tune_prints_and_writes_the_outcome(toy, monkeypatch, tmp_path):
    files = ["--json", str(tmp_path / "out.json"), "--write", str(tmp_path / "tuned.yaml")]
    done = invoke(*toy("method.lr=0.1", "dataset.subjects=5"), "--acts", "postprocess", "--trials", "4", *files)
    assert done.exit_code == 0, done.output
    assert "spotting.micro.f1" in done.output
    assert "default" in done.output
    assert "tuned" in done.output
    assert "on new subjects" in done.output or "stays unchanged" in done.output
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["conclusion"] in done.output
    assert found == json.loads((tmp_path / "work" / "tuning" / found["study"] / "outcome.json").read_text())
    text = (tmp_path / "tuned.yaml").read_text()
    assert text.startswith("# Tuned by mebench")
    marked = [line.strip().partition(":")[0] for line in text.splitlines() if line.endswith("  # tuned")]
    assert sorted(f"method.{name}" for name in marked) == sorted(found["parameters"])
    (study,) = found["studies"].values()
    assert all(seconds >= 0 for seconds in found["seconds"].values())
    assert f"trials: {study['trials']['complete']} complete" in done.output
    assert yaml.safe_load(text)["tuned_on"] == sorted(study["subjects"])  # a run that tests one of them is marked


def test_print_tuning_counts_trials_by_state(toy, tmp_path, capsys):
    """What no trial came to is left out; complete ones are always counted."""
    done = invoke(*toy("dataset.subjects=5"), "--acts", "postprocess", "--trials", "1", "--json", str(tmp_path / "o"))
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "o").read_text())
    (study,) = found["studies"].values()
    study["trials"] = {"complete": 0, "pruned": 2, "fail": 0}
    outcome.print_tuning(found)
    assert "trials: 0 complete, 2 pruned\n" in capsys.readouterr().out


def test_tune_prints_the_outcome_if_the_file_fails(toy, monkeypatch, tmp_path):
    from mebench.tuning import run_studies as module

    def refuse(*_):
        raise ConfigError("the middle values do not go together")

    monkeypatch.setattr(module, "write_study_figures", lambda *_: [])
    monkeypatch.setattr("mebench.tuning.outcome.write_tuned", refuse)
    files = ["--json", str(tmp_path / "out.json"), "--write", str(tmp_path / "tuned.yaml")]
    done = invoke(*toy("method.lr=0.1", "dataset.subjects=5"), "--acts", "postprocess", "--trials", "1", *files)
    assert str(done.exception) == "the middle values do not go together"
    assert json.loads((tmp_path / "out.json").read_text())["conclusion"] in done.output


def test_tune_refuses_unwritable_files_before_any_work(toy, tmp_path):
    for option in ("--write", "--json"):
        done = invoke(*toy(), option, str(tmp_path / "nowhere" / "x"))
        assert done.exit_code == 1
        assert option in str(done.exception)


def test_tune_help_imports_nothing_heavy():
    code = (
        "import sys; from mebench.cli import app; from typer.testing import CliRunner; "
        "assert CliRunner().invoke(app, ['tune', '--help']).exit_code == 0; "
        "print([n for n in ('torch', 'optuna', 'pandas', 'mlflow', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--trials", "--heartbeat", "--inner-folds"])
def test_tune_refuses_numbers_out_of_range(toy, option):
    done = invoke(*toy(), option, "0")
    assert done.exit_code == 1
    assert str(done.exception).startswith(option)


def test_tune_without_options_takes_defaults_of_TuneOptions(monkeypatch):
    given = []
    monkeypatch.setattr(
        "mebench.tuning.run_studies.tune_and_judge",
        lambda config, options, progress: given.append(options) or sys.exit(),
    )
    assert invoke("method=mean", "dataset=synthetic").exit_code == 0
    assert given == [TuneOptions()]


def test_tune_writes_a_page_that_begins_with_the_conclusion(toy, tmp_path):
    done = invoke(*toy("method.lr=0.1", "dataset.subjects=5"), "--acts", "postprocess", "--trials", "4")
    assert done.exit_code == 0, done.output
    (page,) = (tmp_path / "work" / "tuning").glob("*/report.html")
    assert page.name in done.output
    text = html.unescape(page.read_text())
    found = json.loads((page.parent / "outcome.json").read_text())
    conclusion = f"{found['conclusion'][0].upper()}{found['conclusion'][1:]}."
    parts = (conclusion, 'class="contents"', 'id="scores"', 'id="values"', "data:image/png", 'id="provenance"')
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    (study,) = found["studies"].values()
    for value in study["best"]["params"].values():
        assert outcome.value_in_words(value) in text
