"""Records of earlier versions: taken by this one, and brought over to its scores."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mebench import result_cache
from mebench.errors import ConfigError
from mebench.intake.accept import find_records, merge_records
from mebench.intake.collect import collect_records
from mebench.intake.export import export_record
from mebench.intake.integrity import check_record
from mebench.intake.upgrade import upgrade_records
from mebench.metrics import catalogue
from mebench.metrics.metric import Metric
from mebench.metrics.ratios import safe_ratio
from mebench.records.record_files import own_hash
from mebench.runs import RunFolder, scoring
from tests.cli.conftest import mebench
from tests.helpers.nightly import NIGHTLY
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]
COMMITTED = sorted(Path(__file__).parents[2].glob("leaderboards/records/*/record.json"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with the record of a run, which is scored once."""
    folder = tmp_path_factory.mktemp("exported")
    return export_record(make_run(folder / "runs", "r", kinds=("micro", "macro")), folder / "sent").parent


@pytest.fixture
def sent(exported, tmp_path):
    """One that a test may change."""
    return shutil.copytree(exported, tmp_path / "sent")


def stored(record):
    return json.loads((record / "record.json").read_text())


def sign(record, **changes):
    content = stored(record) | changes
    del content["sha256"]
    (record / "record.json").write_text(json.dumps({**content, "sha256": own_hash(content)}))


def raise_version(monkeypatch, may_differ=lambda summary: True):
    """The next version of scoring."""
    version = scoring.SCORER + 1
    monkeypatch.setitem(scoring.CHANGES, version, may_differ)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("mebench.") and "SCORER" in vars(module):
            monkeypatch.setattr(module, "SCORER", version)
    return version


def add_metric(monkeypatch, tmp_path):
    """A new column of the leaderboards, as CONTRIBUTING describes it."""

    def f05(spotted):
        return safe_ratio(1.25 * spotted.found, spotted.spotted + 0.25 * spotted.true, np.nan)

    metric = Metric("f05", "F0.5", "F that weighs precision twice", of_spotted=f05)
    monkeypatch.setitem(catalogue.METRICS, "f05", metric)
    monkeypatch.setitem(catalogue.COLUMNS, "spotting", (*catalogue.COLUMNS["spotting"], "f05"))
    monkeypatch.setattr(result_cache, "cache_folder", lambda: tmp_path / "cache of the new code")


def test_merge_takes_record_made_before_new_metric(sent, tmp_path, monkeypatch):
    before = (sent / "r" / "record.json").read_bytes()
    add_metric(monkeypatch, tmp_path)
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert (outcome.status, outcome.reason) == ("taken", "")
    assert outcome.scores.startswith("scores are added: summary.spotting.macro.scores.f05, ")
    assert outcome.scores.endswith("mebench leaderboard upgrade r writes them into the record")
    assert (tmp_path / "records/r/record.json").read_bytes() == before
    (record,) = collect_records(tmp_path / "records")
    scores = record.summary["spotting"]["micro"]["scores"]
    assert scores["f05"]["value"] == pytest.approx(1.0)
    assert scores["f1"] == stored(sent / "r")["summary"]["spotting"]["micro"]["scores"]["f1"]


def test_merge_keeps_and_names_score_that_is_gone(sent, tmp_path):
    summary = stored(sent / "r")["summary"]
    summary["spotting"]["micro"]["scores"]["f2"] = {"value": 0.5, "low": None, "high": None}
    sign(sent / "r", summary=summary)
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert outcome.status == "taken"
    assert "scores that this mebench does not know are kept: summary.spotting.micro.scores.f2" in outcome.scores
    (record,) = collect_records(tmp_path / "records")
    assert "f2" not in record.summary["spotting"]["micro"]["scores"]  # nothing unchecked is shown
    assert stored(tmp_path / "records/r")["summary"] == summary


@pytest.mark.parametrize(
    ("part", "name"), [("micro", "precision_large"), ("micro", "unit_f1"), ("overall", "accuracy")]
)
def test_merge_refuses_score_that_this_version_would_compute(sent, tmp_path, part, name):
    summary = stored(sent / "r")["summary"]
    summary["spotting"][part]["scores"][name] = {"value": 0.99, "low": None, "high": None}
    sign(sent / "r", summary=summary)
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert f"only one of the two has summary.spotting.{part}.scores.{name}" in outcome.reason


def test_merge_shows_score_that_sender_removed(sent, tmp_path):
    summary = stored(sent / "r")["summary"]
    hidden = summary["spotting"]["micro"]["scores"].pop("recall")
    sign(sent / "r", summary=summary)
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert outcome.status == "taken"
    (record,) = collect_records(tmp_path / "records")
    assert record.summary["spotting"]["micro"]["scores"]["recall"] == hidden


def test_merge_refuses_removed_section(sent, tmp_path):
    summary = stored(sent / "r")["summary"]
    del summary["recognition"]
    sign(sent / "r", summary=summary)
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert "only one of the two has summary.recognition" in outcome.reason


def test_merge_shows_scores_of_its_version_for_record_of_earlier(sent, tmp_path):
    summary = stored(sent / "r")["summary"] | {"scorer": 1}
    true = summary["recognition"]["scores"]["uf1"]["value"]
    summary["recognition"]["scores"]["uf1"]["value"] = 0.99
    sign(sent / "r", summary=summary)
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert outcome.status == "taken"
    assert outcome.scores.startswith(
        f"scores of version 1 of scoring differ in version {scoring.SCORER}: summary.recognition.scores.uf1.value is 0.99"
    )
    (record,) = collect_records(tmp_path / "records")
    assert record.summary["recognition"]["scores"]["uf1"]["value"] == true
    assert record.scored_by == 1


def test_upgrade_writes_scores_and_keeps_former(sent, tmp_path, monkeypatch):
    add_metric(monkeypatch, tmp_path)
    before = stored(sent / "r")
    (row,) = upgrade_records(sent, [])
    assert (row["record"], row["made_by"], row["now"], row["reason"]) == ("r", scoring.SCORER, scoring.SCORER, "")
    after = stored(sent / "r")
    assert after["files"] == before["files"]
    assert after["former"] == [{"summary": before["summary"], "sha256": before["sha256"]}]
    assert after["summary"]["spotting"]["micro"]["scores"]["f05"]["value"] == pytest.approx(1.0)
    assert upgrade_records(sent, []) == []
    check_record(RunFolder(sent / "r"))


def test_upgrade_with_dry_run_writes_nothing(sent, monkeypatch, tmp_path):
    add_metric(monkeypatch, tmp_path)
    before = (sent / "r" / "record.json").read_bytes()
    assert [row["record"] for row in upgrade_records(sent, ["r"], dry_run=True)] == ["r"]
    assert (sent / "r" / "record.json").read_bytes() == before


def test_upgrade_names_nearest_record(sent):
    with pytest.raises(ConfigError, match=r"unknown record in .*'s'.*Known: r"):
        upgrade_records(sent, ["s"])


def test_upgrade_goes_on_after_refused_record(sent, monkeypatch, tmp_path):
    shutil.copytree(sent / "r", sent / "a")
    add_metric(monkeypatch, tmp_path)
    first, second = upgrade_records(sent, [])
    assert "its folder should be called r" in first["reason"]
    assert (second["record"], second["reason"]) == ("r", "")


def test_merge_replaces_record_by_upgraded_one_and_never_back(sent, tmp_path, monkeypatch):
    former = tmp_path / "former"
    shutil.copytree(sent, former)
    merge_records(find_records(former), tmp_path / "records")
    add_metric(monkeypatch, tmp_path)
    upgrade_records(sent, [])

    assert [outcome.status for outcome in merge_records(find_records(sent), tmp_path / "records")] == ["replaced"]
    assert stored(tmp_path / "records/r") == stored(sent / "r")
    assert [outcome.status for outcome in merge_records(find_records(former), tmp_path / "records")] == ["there"]
    assert stored(tmp_path / "records/r") == stored(sent / "r")


def test_merge_refuses_invented_former_scores(sent, tmp_path):
    content = stored(sent / "r")
    sign(sent / "r", former=[{"summary": content["summary"], "sha256": "0" * 64}])
    (outcome,) = merge_records(find_records(sent), tmp_path / "records")
    assert "former of record.json is not what it held before: its hash differs" in outcome.reason


def test_export_leaves_record_of_earlier_version_of_scoring(tmp_path, monkeypatch):
    run = make_run(tmp_path / "runs", "r", sealed=False)
    first = export_record(run, tmp_path / "records")
    raise_version(monkeypatch)
    assert export_record(run, tmp_path / "records") == first


SAMPLED = COMMITTED if NIGHTLY else COMMITTED[7::97]


def test_merge_takes_committed_board_under_next_version(tmp_path, monkeypatch):
    """Every record that was taken once is taken by a later version, which changes scores."""
    raise_version(monkeypatch)
    sources = [RunFolder(file.parent) for file in SAMPLED]
    outcomes = merge_records(sources, tmp_path / "records")
    refused = [outcome for outcome in outcomes if outcome.status != "taken"]
    assert [outcome.reason for outcome in refused] == []
    assert len(outcomes) == len(SAMPLED)


def test_upgrade_command_lists_what_it_wrote(sent, tmp_path, monkeypatch, mebench):
    summary = stored(sent / "r")["summary"] | {"scorer": 1}
    sign(sent / "r", summary=summary)
    _, told, _ = mebench("leaderboard", "upgrade", "--out", sent)
    assert f"r: version 1 -> {scoring.SCORER} of scoring" in told
    assert stored(sent / "r")["former"][0]["summary"]["scorer"] == 1
    code, told, _ = mebench("leaderboard", "upgrade", "--out", sent)
    assert (code, told) == (0, "all records have the scores of this version\n")
