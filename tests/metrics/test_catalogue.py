"""What a metric is, against summaries, an independent list of directions, and everything that shows a score."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from mebench.boards import build as boards_build
from mebench.boards.table_files import as_csv, latex_tables, markdown_page
from mebench.cli import app
from mebench.core import Task
from mebench.intake import collect as boards_collect
from mebench.metrics import catalogue, find_convention
from mebench.metrics.bootstrap import Basis
from mebench.metrics.catalogue import METRICS
from mebench.metrics.compared_tables import compare_tables
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.emotions import Sample
from mebench.metrics.metric import Metric
from mebench.metrics.spotting_scores import count_spotting
from mebench.metrics.summary import summarize
from mebench.reports import compare_runs
from mebench.reports.scores import score_tables
from mebench.tuning import records
from tests.helpers.run_folders import make_run
from tests.metrics.test_summary import CLASSES, random_run, spot, tables, truth, videos

HIGHER = (
    "precision recall f1 f1_at_iou ap50 ap asr precision_large f1_large auc tpr acc_mesr strs accuracy uf1 uar wf1 wr "
    "unit_f1 jaccard mean_unit_f1 recall_at_half recall_at_one recall_at_two f1@cas_me2 f1@samm_lv "
    "apex_inside apex_inside_still apex_inside_speech apex_inside_turning"
)
LOWER = "apex_mae_ms apex_mae_frames fp_per_minute fp_per_macro fp_elsewhere fpr ece apex_before"
ZERO = "onset_bias_ms offset_bias_ms"
CURVES = "curve bins"


def scored(node: Mapping[str, Any], section: str) -> Iterator[tuple[str, str]]:
    """Section and name of each score in a part of a summary, and of what is known under a name of its own."""
    for name, content in node.items():
        if (
            name in ("curve", "bins", "ece", "auc")
            or (isinstance(content, Mapping) and "value" in content)
            or name == "f1_at_iou"
        ):
            yield section, name
        elif isinstance(content, Mapping):
            yield from scored(content, section)


def test_METRICS_are_the_scores_that_summaries_hold():
    run = random_run()
    assert run.clips is not None
    every = range(400)
    frames = pd.DataFrame({"video": run.videos["video"][0], "kind": "micro", "frame": every, "score": np.sin(every)})
    truths = run.truths.assign(untouched=run.videos["video"][0], flags="still")
    run = replace(run, truths=truths, clips=run.clips.assign(probability=0.5), frame_scores=frames)
    shown = [(f"d/{n}/a", "AU4" if n % 2 else "absent", "AU4") for n in range(4)]
    names = [f"d/{n}/a" for n in range(4)]
    short = tables(videos(*names), [truth(name, 50, "negative") for name in names], [], shown)
    found = set()
    for convention in CONVENTIONS:
        for some, classes in ((run, CLASSES), (short, ["absent", "AU4"])):
            summary = summarize(some, kinds=["micro"], classes=classes, seed=0, convention=convention, draws=0)
            found |= {pair for section in catalogue.SECTIONS for pair in scored(summary.get(section, {}), section)}
    promised = {(section, name) for name, metric in METRICS.items() for section in metric.sections}
    assert found == promised


def test_METRICS_directions_equal_an_independent_list():
    listed = {"higher": HIGHER, "lower": LOWER, "zero": ZERO, None: CURVES}
    expected = {name: direction for direction, names in listed.items() for name in names.split()}
    assert {name: metric.direction for name, metric in METRICS.items()} == expected


def test_Metric_worth_orders_from_worst_to_best():
    assert sorted([0.1, None, 0.9, 0.5], key=METRICS["f1"].sort_key) == [None, 0.1, 0.5, 0.9]
    assert sorted([0.1, None, 0.9, 0.5], key=METRICS["fpr"].sort_key) == [None, 0.9, 0.5, 0.1]
    assert sorted([-30.0, None, 10.0, -5.0], key=METRICS["onset_bias_ms"].sort_key) == [None, -30, 10, -5]


def test_METRICS_and_COLUMNS_agree_on_names_and_sections():
    assert all(metric.name.split(".")[-1] == name for name, metric in METRICS.items())
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)
    for section, names in catalogue.COLUMNS.items():
        for name in names:
            assert section in METRICS[name].sections
            assert METRICS[name].direction
    assert {"strs", "acc_mesr"} == catalogue.JOINT
    assert catalogue.metric_columns("recognition", of_unit=True) == (
        *catalogue.metric_columns("recognition"),
        "unit_f1",
    )


@pytest.mark.parametrize(
    ("path", "name", "label"),
    [
        ("f1", "f1", "F1"),
        ("spotting.micro.details.fpr", "fpr", "false positive rate, frames"),
        ("spotting.micro.frames.auc", "frames.auc", "AUC of frames"),
        ("spotting.micro.f1_at_iou.0.55", "f1_at_iou", "F1 at IoU 0.55"),
        ("tp", "tp", "tp"),
        ("0.55", "0.55", "0.55"),
    ],
)
def test_find_metric_follows_a_path(path, name, label):
    assert (catalogue.find_metric(path).name, catalogue.find_metric(path).label) == (name, label)


def test_catalogue_imports_nothing_heavy():
    code = (
        "import sys, mebench.metrics.catalogue; m = sys.modules;"
        "print([name for name in ('numpy', 'pandas', 'torch', 'scipy') if name in m])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def printed(tables_: list[Any]) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        for table in tables_:
            console.print(table)
    return capture.get()


def test_METRICS_entry_makes_a_new_metric(monkeypatch, tmp_path):
    """A rate of misses, lower is better, second column of spotting: nothing else mentions it."""
    missed = Metric(
        "missed",
        "miss rate",
        "share of the true intervals that nobody spotted",
        direction="lower",
        of_spotted=lambda spotted: 1 - METRICS["recall"].of_spotted(spotted),
    )
    monkeypatch.setitem(METRICS, "missed", missed)
    monkeypatch.setitem(catalogue.COLUMNS, "spotting", ("f1", "missed", *catalogue.COLUMNS["spotting"][1:]))
    summary = summarize(random_run(), kinds=["micro"], classes=CLASSES, seed=0, draws=0)
    rate = 1 - summary["spotting"]["micro"]["scores"]["recall"]["value"]
    (line,) = [line for line in printed(score_tables(summary)).splitlines() if "miss rate" in line]
    assert f"{rate:.4f}" in line
    listed = CliRunner().invoke(app, ["list", "metrics"]).output.splitlines()
    assert "missed\t0 to 1, lower is better: share of the true intervals that nobody spotted" in listed

    make_run(tmp_path, method="novel", tasks=("spot",))
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    heads = next(line for line in markdown_page(table).splitlines() if line.startswith("| #"))
    assert " | F1 | hardest person | miss rate | precision | " in heads
    assert "& F1 & miss rate & precision & recall" in latex_tables(table)
    assert "missed,missed_low" in as_csv(table)

    (objective,) = records.read_objectives(["missed"], Task(frozenset({"spot"})))
    assert objective.direction == "minimize"
    first = random_run()
    assert first.predictions is not None
    second = replace(first, predictions=first.predictions[first.predictions["confidence"] > 0.8])
    found = compare_tables(
        first, second, kinds=["micro"], classes=CLASSES, metrics=["missed"], draws=0, permutations=500
    )
    (conclusion,) = compare_runs.draw_conclusions(found)
    assert conclusion.startswith("spotting, micro: miss rate: A is better than B")


@pytest.mark.parametrize("support", ["truths", "spotted", "everybody"])
def test_metric_support_is_read_from_the_entry_not_the_name(monkeypatch, support):
    """Given three subjects, one with a truth alone, one with a spotted interval alone, one with neither."""
    run = tables(videos("d/1/a", "d/2/a", "d/3/a"), [truth("d/1/a", 50)], [spot("d/2/a", 50)])
    ordered = run.put_in_order()
    counts = count_spotting(ordered.truths, ordered.spotted, np.ones(3), find_convention("strict"))
    behind = {"truths": [0], "spotted": [1], "everybody": [0, 1, 2]}[support]
    for name in ("fp_named_so", "precision_named_so", "recall_named_so"):
        monkeypatch.setitem(METRICS, name, Metric(name, name, "a misleading name", support=support))
        for units in ([0], [1], [2], [0, 1, 2]):
            assert counts.basis_of(units, name) == Basis(len({*units} & {*behind}))


def test_convention_defines_reads_entries_not_names(monkeypatch):
    entries = {"ap_plain": {}, "plain_ranked": {"ranked": True}, "plain_timed": {"timed": True}}
    for name, facts in entries.items():
        monkeypatch.setitem(METRICS, name, Metric(name, name, "a misleading name", **facts))
    of_truth, with_truth = find_convention("strict, kinds=of_truth"), find_convention("strict, videos=with_truth")
    assert [of_truth.defines(name) for name in entries] == [True, False, False]
    assert [with_truth.defines(name) for name in entries] == [True, True, False]


def test_scores_swap_names_under_an_exchanged_convention(monkeypatch):
    run = tables(videos("d/1/a"), [truth("d/1/a", 50)], [spot("d/1/a", 50), spot("d/1/a", 90)])
    ordered = run.put_in_order()
    counts = count_spotting(ordered.truths, ordered.spotted, np.ones(1), find_convention("strict, exchanged=true"))
    usual = counts.compute_scores(np.ones((1, 1)))
    assert (usual["precision"][0], usual["recall"][0]) == (1.0, 0.5)
    for name in ("precision", "recall"):
        monkeypatch.setitem(METRICS, name, replace(METRICS[name], printed_as=""))
    unchanged = counts.compute_scores(np.ones((1, 1)))
    assert (unchanged["precision"][0], unchanged["recall"][0]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("facts", "basis"),
    [
        ({}, Basis(2, "joy rests on 1 sample of 1 subject, fear rests on 1 sample of 1 subject")),
        ({"over_samples": True}, Basis(2)),
    ],
)
def test_sample_basis_reads_entries_not_names(monkeypatch, facts, basis):
    sample = Sample(np.array([[[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [1, 0, 0]]]), np.eye(2, dtype=int), ["joy", "fear"])
    monkeypatch.setitem(METRICS, "uar_named_so", Metric("uar_named_so", "a", "b", **facts))
    assert sample.basis_of([0, 1], "uar_named_so") == basis
    monkeypatch.setitem(METRICS, "uar_named_so", Metric("uar_named_so", "a", "b", mean_recall=True))
    assert sample.basis_of([0, 1], "uar_named_so").hidden_error > 0


@pytest.mark.parametrize("main", ["fp_per_minute", "f1"])
def test_leaderboard_puts_best_row_first_in_any_direction(monkeypatch, tmp_path, main):
    monkeypatch.setitem(
        catalogue.COLUMNS, "spotting", (main, *(name for name in catalogue.COLUMNS["spotting"] if name != main))
    )
    make_run(tmp_path, "late", method="late", tasks=("spot",), shift=14)
    make_run(tmp_path, "exact", method="exact", tasks=("spot",))
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    assert [row.method for row in table.parts[0].rows if row.measured] == ["exact", "late"]
