"""Metrics of one's own: added by folder, shown as somebody's own, scored with an interval that holds, absent from records."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from mebench.boards import build as boards_build
from mebench.cli import app
from mebench.config.registry import add_paths
from mebench.core import Task
from mebench.errors import ConfigError, find_plugin_line
from mebench.intake.collect import collect_finished_runs
from mebench.intake.export import export_record
from mebench.intake.integrity import check_record
from mebench.metrics import own_metrics
from mebench.metrics.bootstrap import LEAST_OF_QUANTILE, subject_weights, widened_tail
from mebench.metrics.catalogue import COLUMNS, METRICS
from mebench.metrics.metric import Metric
from mebench.metrics.ratios import weighted_quantiles
from mebench.metrics.reasons import MOVES_IN_STEPS
from mebench.metrics.summary import summarize
from mebench.records.record import read_committed_record
from mebench.reports.scores import interval_lines
from mebench.runs import RunFolder, scoring
from mebench.testing import run_checks
from mebench.testing.folders import folder_checks, write_plugin
from mebench.tuning.records import Objective, read_objectives
from tests.helpers.plain_rules import rows, tables
from tests.helpers.run_folders import make_run

NAME = "median_onset_ms"


@pytest.fixture
def forgotten():
    """Own metrics leave the catalogue after the test."""
    yield
    for name in [*own_metrics.ADDED]:
        own_metrics.remove_metric(name)
    own_metrics.BROKEN.clear()


@pytest.fixture
def plugins(tmp_path, forgotten):
    """A folder with the metric that `mebench new metric` writes, added."""
    folder = tmp_path / "plugins"
    write_plugin("metric", NAME, folder)
    add_paths([folder])
    return folder


def command(*words: str) -> Any:
    """The outcome of a command."""
    return CliRunner().invoke(app, words)


def write_metric(folder: Path, code: str, name: str = "mine") -> Path:
    """A folder for `--plugins` with a metric of this code."""
    home = folder / "metrics" / name
    home.mkdir(parents=True)
    (home / "metric.py").write_text(f"from mebench.metrics.metric import Metric\n{code}\n")
    (home / "README.md").write_text("A metric of a test.\n")
    return folder


def spotted_people(n: int, late: list[list[int]]) -> Any:
    """People with a video each, in which every expression is found so many frames late, at 100 frames a second."""
    names = [f"d/{number}/a" for number in range(n)]
    spans = [[(100 + 200 * k, 140 + 200 * k) for k in range(len(of_person))] for of_person in late]
    found = [
        [(start + by, end + by) for (start, end), by in zip(of_video, of_person)]
        for of_video, of_person in zip(spans, late)
    ]
    return tables([rows(*pair) for pair in zip(names, spans)], [rows(*pair) for pair in zip(names, found)], names)


def score_of(run: Any, name: str = NAME, draws: int = 500) -> dict[str, Any]:
    summary = summarize(run, kinds=["micro"], classes=[], seed=0, draws=draws)
    return summary["spotting"]["micro"]["scores"][name]


@pytest.mark.filterwarnings("error::FutureWarning")
def test_new_metric_keeps_promises_and_passes_its_test(plugins):
    checks = folder_checks(plugins)
    assert [(one.check.name, one.reason) for one in run_checks(checks) if one.reason] == []
    assert len(checks) >= 6
    file = plugins / "metrics" / NAME / "test_metric.py"
    spec = importlib.util.spec_from_file_location("test_of_template", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    getattr(module, f"test_{NAME}_is_the_median_of_three_onset_errors")()


def test_own_median_interval_is_a_bootstrap_of_people(plugins):
    generator = np.random.default_rng(3)
    late = [generator.integers(-9, 10, generator.integers(1, 6)).tolist() for _ in range(12)]
    score = score_of(spotted_people(12, late))
    errors = [[10.0 * abs(by) for by in of_person] for of_person in late]
    draws = subject_weights(["d"] * 12, 500, 0)
    # Each person as often as drawn, and the usual median of what they then show; the order of people plays no part.
    order = sorted(range(12), key=lambda n: f"d/{n}")
    medians = [np.median(np.concatenate([np.tile(errors[order[n]], int(row[n])) for n in range(12)])) for row in draws]
    tail = widened_tail(12, 11)
    assert score["value"] == np.median(np.concatenate(errors))
    assert (score["low"], score["high"]) == pytest.approx(tuple(np.percentile(medians, [100 * tail, 100 - 100 * tail])))


@pytest.mark.parametrize(("people", "named"), [(12, True), (LEAST_OF_QUANTILE - 1, False)])
def test_intervals_of_own_medians_are_said_to_be_the_bootstraps(plugins, people, named):
    run = spotted_people(people, [[2, 4, person % 5] for person in range(people)])
    (line,) = interval_lines(summarize(run, kinds=["micro"], classes=[], seed=0, draws=500), people)
    assert (f"bootstrap (500 draws) for {METRICS[NAME].label}, jackknife for the others" in line) is named


def test_own_median_of_few_people_says_why_it_has_no_interval(plugins):
    score = score_of(spotted_people(LEAST_OF_QUANTILE - 1, [[2, 4]] * (LEAST_OF_QUANTILE - 1)))
    assert (score["value"], score["low"]) == (30.0, None)
    assert f"takes at least {LEAST_OF_QUANTILE} people, not {LEAST_OF_QUANTILE - 1}" in score["reason"]


def test_own_median_of_few_draws_has_no_interval(plugins):
    assert "bootstrap draws" in score_of(spotted_people(9, [[2, 4]] * 9), draws=20)["reason"]


def test_median_that_calls_itself_a_mean_gets_no_interval(tmp_path, forgotten):
    code = """
import numpy as np
from mebench.metrics.ratios import weighted_quantiles


def longest(spotted):
    lengths = spotted.predictions["offset"].to_numpy(float) - spotted.predictions["onset"].to_numpy(float)
    people = np.stack([spotted.sum_over_predictions((np.arange(len(lengths)) == n) * 1.0) for n in range(len(lengths))], axis=1)
    return weighted_quantiles(lengths, people, 0.5)


METRIC = Metric("mine", "median length", "median length of spotted intervals", direction="zero", scale="positive", kind="mean",
                of_spotted=longest)
"""
    add_paths([write_metric(tmp_path, code)])
    names = [f"d/{n}/a" for n in range(8)]
    spans = [[(100, 120 + 5 * n)] for n in range(8)]
    run = tables([rows(name, [(100, 130)]) for name in names], [rows(*pair) for pair in zip(names, spans)], names)
    score = score_of(run, "mine")
    assert score["value"] == np.median([20 + 5 * n for n in range(8)])
    assert (score["low"], score["reason"]) == (None, MOVES_IN_STEPS)
    broken = [one for one in run_checks(folder_checks(tmp_path)) if one.status == "broken"]
    assert [one.check.name for one in broken] == ["kind_fits"]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"scale": "positive"}, "its values are 0 or more, and those of kind 'share' are 0 to 1"),
        ({"kind": "curve"}, "a curve has direction=None"),
        ({"direction": None}, "a curve has direction=None"),
        ({"of_pairs": len}, "a number of each true positive has a mean or a quantile"),
        ({"kind": "median"}, "kind must be one of share, mean, order, curve, not 'median'"),
        ({"kind": "order", "quantile": 50}, "quantile must be 0 to 1, not 50"),
    ],
)
def test_Metric_refuses_kind_that_does_not_fit(facts, sentence):
    with pytest.raises(ConfigError, match=f"metric 'mine': {sentence}"):
        Metric("mine", "mine", "a metric", **facts)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("METRIC = 1", "METRIC must be a mebench.metrics.metric.Metric called 'mine', not 1"),
        (
            "METRIC = Metric('other', 'a', 'b', of_spotted=len)",
            "METRIC must be called 'mine' like its folder, not 'other'",
        ),
        ("METRIC = Metric('mine', 'a', 'b')", "give its code once"),
        ("METRIC = Metric('mine', 'a', 'b', of_classes=len)", "sections must be some of analysis, recognition"),
        ("METRIC = Metric('mine', '', 'b', of_spotted=len)", "label and meaning"),
        ("\n1 / 0", "metric.py, line 3: ZeroDivisionError"),
        ("METRIC = (", "metric.py, line 2: SyntaxError"),
    ],
)
def test_own_metric_that_fails_is_listed_with_its_reason(tmp_path, forgotten, code, reason):
    add_paths([write_metric(tmp_path, code)])
    assert reason in own_metrics.BROKEN["mine"]
    assert "mine" not in METRICS
    listed = command("list", "metrics", "--plugins", str(tmp_path))
    assert "mine\tbroken: " in listed.output
    assert command("check", "mine", "--plugins", str(tmp_path)).exit_code == 1


def test_own_metric_takes_no_name_of_mebench(tmp_path, forgotten):
    f1 = METRICS["f1"]
    add_paths([write_metric(tmp_path, "METRIC = Metric('f1', 'a', 'b', of_spotted=len)", "f1")])
    assert METRICS["f1"] is f1
    assert own_metrics.BROKEN["f1"].startswith("mebench itself and ")


def test_own_metric_is_read_again_when_edited(plugins):
    file = plugins / "metrics" / NAME / "metric.py"
    file.write_text(file.read_text().replace('kind="order"', 'kind="mean"'))
    columns = COLUMNS["spotting"]
    add_paths([plugins])
    assert METRICS[NAME].kind == "mean"
    assert COLUMNS["spotting"] == columns


def test_own_metric_shows_everywhere_marked_as_own(plugins, tmp_path):
    run = make_run(tmp_path / "runs", "r", method="novel", tasks=("spot",), shift=4)
    home = ["--runs", str(tmp_path / "runs")]
    value = f"{1000 * 4 / 30:.1f}"  # each interval begins 4 of 30 frames a second late
    label = "median onset ms (own)"
    for words in (["runs", "show", run.id, *home], ["mistakes", run.id, *home], ["runs", "show", run.id, "-v", *home]):
        (line, *_) = [line for line in command(*words).output.splitlines() if label in line]
        assert value in line
    make_run(tmp_path / "runs", "s", method="other", tasks=("spot",), shift=2)
    compared = command("compare", "r", "s", "--metric", NAME, *home).output
    assert label in compared
    (table,) = boards_build.build_tables(collect_finished_runs(tmp_path / "runs"))
    assert NAME in table.parts[0].metrics
    assert f"metric {NAME}: {label}" in command("info", NAME).output


def test_own_metric_of_a_run_can_be_read_without_its_plugin(plugins, tmp_path):
    run = make_run(tmp_path / "runs", "r", method="novel", tasks=("spot",), shift=4)
    summary = scoring.current_summary(run)
    (run.path / "summary.json").write_text(json.dumps(summary))
    own_metrics.remove_metric(NAME)
    shown = command("runs", "show", "r", "--runs", str(tmp_path / "runs")).output
    assert "median onset ms (own)" in shown
    assert f"{1000 * 4 / 30:.1f}" in shown


def test_record_is_the_same_with_and_without_own_metric(plugins, tmp_path):
    run = make_run(tmp_path / "runs", "r", kinds=("micro", "macro"))
    with_own = export_record(run, tmp_path / "with")
    check_record(RunFolder(with_own))
    shown = read_committed_record(RunFolder(with_own)).summary["spotting"]["micro"]["scores"]
    assert NAME in shown
    own_metrics.remove_metric(NAME)
    without = export_record(run, tmp_path / "without")
    assert (with_own / "record.json").read_bytes() == (without / "record.json").read_bytes()
    check_record(RunFolder(with_own))
    assert NAME not in read_committed_record(RunFolder(with_own)).summary["spotting"]["micro"]["scores"]


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]),
)
def test_weighted_quantiles_equal_those_of_repeated_values(pairs, share):
    values, times = (np.array(column) for column in zip(*pairs))
    (found,) = weighted_quantiles(values.astype(float), times[None].astype(float), share)
    repeated = np.repeat(values, times)
    if not len(repeated):
        assert np.isnan(found)
    else:
        assert found == pytest.approx(np.quantile(repeated, share, method="averaged_inverted_cdf"))


def test_read_objectives_takes_an_own_metric_by_its_direction(plugins):
    assert read_objectives([NAME], Task(frozenset({"spot"}))) == (Objective(f"spotting.micro.{NAME}", "minimize"),)


def test_refuse_curve_names_what_has_no_single_number(tmp_path):
    for seed in (0, 1):
        make_run(tmp_path / "runs", f"run-{seed}", seed=seed)
    done = command("compare", "run-0", "run-1", "--metric", "curve", "--runs", str(tmp_path / "runs"))
    with pytest.raises(ConfigError) as refused:
        read_objectives(["curve"], Task(frozenset({"spot"})))
    for error in (done.exception, refused.value):
        assert "is a curve and has no single number: name a score, such as f1 or uf1" in str(error)


def test_find_plugin_line_names_the_line_of_an_own_metric(tmp_path, forgotten):
    code = "METRIC = Metric('mine', 'mine', 'one', direction='lower', scale='positive', kind='mean', of_pairs=lambda pairs: 1 / 0)"
    folder = write_metric(tmp_path / "plugins", code)
    add_paths([folder])
    with pytest.raises(ZeroDivisionError) as failed:
        score_of(spotted_people(3, [[1], [2], [3]]), "mine")
    assert str(find_plugin_line(failed.value)) == "metrics/mine/metric.py, line 2"
