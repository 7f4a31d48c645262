"""The scores of a run folder under conventions."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from mebench.config import RunSettings
from mebench.errors import ConfigError
from mebench.records.record import record_from_run
from mebench.runs.scoring import SCORER, current_summary, holds_current_scores, read_tables, score_run
from tests.helpers.run_folders import make_run
from tests.runs.golden_scores import GOLDEN, golden_scores


def test_score_run_follows_the_convention(tmp_path) -> None:
    run = make_run(tmp_path / "runs")
    strict, legacy = (score_run(run, seed=0, draws=0, convention=name) for name in ("strict", "mean2022"))
    assert strict["convention"] == "strict"
    assert "chance" in strict
    assert legacy["convention"] == "mean2022"
    assert legacy["rules"].startswith("mean2022: ")
    assert "chance" not in legacy
    assert any("level of chance" in line for line in legacy["remarks"])
    assert legacy["spotting"]["micro"]["scores"]["fp_per_minute"]["value"] is None


def test_shapes_predictions_ignores_settings_of_scoring() -> None:
    from mebench.config.settings import shapes_predictions

    assert RunSettings().convention == "strict"
    assert RunSettings(convention="megc2020").convention == "megc2020"
    assert not shapes_predictions("convention")
    with pytest.raises(ConfigError, match="Did you mean 'mean2022'"):
        RunSettings(convention="mean2023")


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Every value at any depth by its path."""
    if not isinstance(value, dict | list):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {place: leaf for name, inner in items for place, leaf in leaves(inner, f"{path}.{name}").items()}


def test_score_run_gives_golden_scores(tmp_path) -> None:
    """Whoever changes a score raises `SCORER`, says in `CHANGES` which summaries differ, and writes the file again.

    A new score needs neither: it is not in the file.
    """
    golden = leaves(json.loads(GOLDEN.read_text()))
    here = leaves(golden_scores(tmp_path))
    assert {path: here.get(path) for path in golden} == golden


@pytest.mark.parametrize(
    ("changes", "is_current"),
    [({}, True), ({"scorer": 2}, True), ({"scorer": 1}, False), ({"scorer": SCORER + 1}, False)],
)
def test_holds_current_scores_goes_by_version(tmp_path, changes, is_current) -> None:
    summary = make_run(tmp_path / "runs").read_json("summary.json")
    assert holds_current_scores(summary | changes) is is_current


def test_holds_current_scores_not_with_false_alarms_of_version_2(tmp_path) -> None:
    summary = make_run(tmp_path / "runs").read_json("summary.json") | {"scorer": 2}
    summary["spotting"]["micro"] |= {"tp": 0, "fp": 3, "fn": 0}
    assert not holds_current_scores(summary)
    summary["spotting"]["micro"]["fp"] = 0
    assert holds_current_scores(summary)


def test_current_summary_adds_scores_that_came_later(tmp_path) -> None:
    run = make_run(tmp_path / "runs")
    whole = run.read_json("summary.json")
    old = copy.deepcopy(whole)
    del old["spotting"]["micro"]["scores"]["asr"]
    old["spotting"]["micro"]["scores"]["ap50"]["value"] = 0.99
    run.write_json("summary.json", old)
    scores = current_summary(run)["spotting"]["micro"]["scores"]
    assert scores["asr"] == whole["spotting"]["micro"]["scores"]["asr"]
    assert scores["ap50"]["value"] == 0.99  # it was there


def test_current_summary_scores_older_versions_again(tmp_path) -> None:
    run = make_run(tmp_path / "runs")
    whole = run.read_json("summary.json")
    old = copy.deepcopy(whole)
    old["spotting"]["micro"]["scores"]["ap50"]["value"] = 0.99
    run.write_json("summary.json", old)
    assert current_summary(run) == old
    run.write_json("summary.json", old | {"scorer": 0})
    assert current_summary(run) == whole
    del old["scorer"]
    run.write_json("summary.json", old)
    assert current_summary(run) == whole == current_summary(run)
    assert record_from_run(run).summary["spotting"] == whole["spotting"]


def test_score_run_names_folds_that_spot_nothing(tmp_path) -> None:
    run = make_run(tmp_path / "runs")
    assert not any("is spotted in" in line for line in score_run(run, seed=0, draws=0)["remarks"])
    folds = run.read_json("folds.json")["folds"]
    spotted = run.read_table("predictions.parquet")
    videos, truths = run.read_table("videos.parquet"), run.read_table("truth.parquet")
    silent = folds[1]
    run.write_table("predictions.parquet", spotted[(spotted["fold"] != silent["fold"]) | (spotted["kind"] != "micro")])
    own = truths["video"].isin(videos["video"][videos["subject"].isin(silent["test"])])
    held = int((own & (truths["kind"] == "micro")).sum())
    remark = f"no micro-expression is spotted in 1 of {len(folds)} folds ({silent['fold']}), whose videos hold {held}"
    assert remark in score_run(run, seed=0, draws=0)["remarks"]
    # Where there is nothing to find, finding nothing is right.
    run.write_table("truth.parquet", truths[~own])
    assert not any("is spotted in" in line for line in score_run(run, seed=0, draws=0)["remarks"])


def test_score_run_calibrates_probabilities_alone(tmp_path) -> None:
    run = make_run(tmp_path / "runs", tasks=("recognize",))
    clips = run.read_table("clips.parquet")
    classes = run.read_json("folds.json")["classes"]

    def probability(sure: float) -> np.ndarray:
        rest = (1 - sure) / (len(classes) - 1)
        rows = [[sure if name == predicted else rest for name in classes] for predicted in clips["predicted"]]
        written = clips.assign(probabilities=pd.Series(rows, index=clips.index))
        written.to_parquet(run.path / "clips.parquet")
        found = read_tables(run).clips
        assert found is not None
        return found["probability"].to_numpy()

    assert probability(0.75) == pytest.approx(0.75)
    part = score_run(run, seed=0, draws=0)["recognition"]
    gap = abs(part["scores"]["accuracy"]["value"] - 0.75)
    assert part["details"]["calibration"]["ece"] == pytest.approx(gap)
    # Decision values of an SVM are none.
    assert np.isnan(probability(-1.5)).all()
    assert "calibration" not in score_run(run, seed=0, draws=0)["recognition"]["details"]
