"""Levels of chance beside the scores of a run, which its record does not hold."""

from collections import Counter

import pytest

from mebench.intake.export import export_record
from mebench.intake.integrity import check_record
from mebench.metrics.score_table import ScoreTable
from mebench.runs import RunFolder
from mebench.runs.chance_levels import with_levels_of_chance, without_levels_of_chance
from mebench.runs.scoring import read_tables
from tests.helpers.run_folders import make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs", "r", kinds=("micro", "macro"))


def test_levels_of_chance_of_clips_are_the_most_frequent_class(run):
    summary = run.read_json("summary.json")
    level = with_levels_of_chance(summary, run)["chance"]["recognition"]
    counts = Counter(read_tables(run).clips["truth"])
    assert counts[level["class"]] == max(counts.values())
    assert level["accuracy"]["value"] == pytest.approx(max(counts.values()) / counts.total())
    assert level["uar"]["value"] == pytest.approx(1 / len(counts))
    assert 0 <= level["names"]["uf1"]["value"] <= 1


def test_levels_of_chance_are_lines_of_the_score_table(run):
    whole = with_levels_of_chance(run.read_json("summary.json"), run)
    table = ScoreTable.read(whole)
    assert table.write() == whole
    assert (
        table.levels_of_chance("analysis")["random"]["strs"].value
        == whole["chance"]["analysis"]["random"]["strs"]["value"]
    )
    assert set(table.levels_of_chance("recognition")) == {"", "names"}


def test_levels_of_chance_are_no_part_of_a_record(run, tmp_path):
    summary = run.read_json("summary.json")
    whole = with_levels_of_chance(summary, run)
    assert without_levels_of_chance(whole) == summary
    run.write_json("summary.json", whole)
    record = RunFolder(export_record(run, tmp_path / "sent"))
    check_record(record)
    assert set(record.read_json("record.json")["summary"]["chance"]) == {"micro", "macro"}


def test_levels_of_chance_of_a_spotter_are_those_of_spotting(tmp_path):
    run = make_run(tmp_path, "s", tasks=("spot",))
    summary = run.read_json("summary.json")
    assert with_levels_of_chance(summary, run) == summary
