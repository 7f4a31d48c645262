"""How trainings went, read back from a run and drawn."""

import pandas as pd
import pytest

from mebench.errors import RunError
from mebench.reports import plots
from mebench.runs import RunFolder


def history(fold="d/a", stage="recognition", last=0.5):
    return pd.DataFrame(
        {
            "fold": fold,
            "stage": stage,
            "epoch": [0, 1, 0, 1],
            "split": ["train", "train", "valid", "valid"],
            "loss": [1.0, last, 1.2, 0.8],
            "accuracy": [0.3, 0.9, 0.3, 0.6],
        }
    )


def write(folder, name, table):
    file = folder / "folds" / name / "history.csv"
    file.parent.mkdir(parents=True)
    table.to_csv(file, index=False)
    return file


def test_history_holds_all_folds(tmp_path):
    write(tmp_path, "d--a", history("d/a"))
    write(tmp_path, "d--b", history("d/b"))
    found = plots.history_of(RunFolder(tmp_path))
    pd.testing.assert_frame_equal(found, pd.concat([history("d/a"), history("d/b")], ignore_index=True))


def test_history_is_empty_without_training(tmp_path):
    assert plots.history_of(RunFolder(tmp_path)).empty
    assert plots.figures_of_training({"": plots.history_of(RunFolder(tmp_path))}) == {}


def test_history_keeps_names_of_folds(tmp_path):
    names = ["NA", "None", "nan", "null", "007", "1e3"]
    for name in names:
        write(tmp_path, name, history(name))
    assert set(plots.history_of(RunFolder(tmp_path))["fold"]) == set(names)


def test_history_names_damaged_table(tmp_path):
    file = write(tmp_path, "d--a", history())
    file.write_text("")
    with pytest.raises(RunError, match=r"history\.csv cannot be read"):
        plots.history_of(RunFolder(tmp_path))


def test_draw_training_are_means_over_folds():
    both = pd.concat([history("d/a", last=0.5), history("d/b", last=0.1)])
    figure = plots.draw_training({"with transfer": both, "without": history(last=0.9)})
    loss, accuracy = figure.axes
    lines = {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in loss.get_lines()}
    assert lines["with transfer: train"] == ([1, 2], [1.0, 0.3])
    assert lines["without: train"] == ([1, 2], [1.0, 0.9])
    assert set(lines) == {"with transfer: train", "with transfer: valid", "without: train", "without: valid"}
    assert accuracy.get_lines()[0].get_ydata().tolist() == [0.3, 0.9]


def test_figures_of_run_training_has_each_stage():
    table = pd.concat([history(), history(stage="spotting")])
    assert set(plots.figures_of_training({"": table})) == {"training_recognition", "training_spotting"}


@pytest.mark.parametrize(("higher_is_better", "best"), [(True, [1.0, 3.0, 3.0]), (False, [1.0, 1.0, 0.5])])
def test_draw_trials_keeps_the_best_so_far(higher_is_better, best):
    figure = plots.draw_trials({0: 1.0, 1: 3.0, 2: 0.5}, "f1", higher_is_better, default=1.0)
    _, so_far, _ = figure.axes[0].lines
    assert so_far.get_ydata().tolist() == best


def test_draw_training_leaves_out_accuracy_that_nobody_counted():
    counted = history(last=0.9)
    assert len(plots.draw_training({"a": counted}).axes) == 2
    assert len(plots.draw_training({"a": counted.assign(accuracy=float("nan"))}).axes) == 1
