"""Every registered plugin keeps its contract, and the checks see one that does not."""

import subprocess
import sys
import unittest
from types import SimpleNamespace

import pytest

from mebench.config import registry
from mebench.testing import check_method, contracts, dataset_checks, method_checks, parametrize_with_checks
from tests.helpers import outside
from tests.helpers.nightly import NIGHTLY

ROOTS = {name: {"root": str(maps)} for name in (outside.FLOW, outside.TWO_PHASE) if (maps := outside.find(name))}
METHODS = sorted(registry.plugins("method"))
DATASETS = sorted(registry.plugins("dataset"))


ALONE = "params_import_nothing_heavy"
"""It asks a fresh Python each time: below, one asks for all plugins."""


EXPENSIVE = {
    "actionformer",
    "auw_gcn",
    "concat_cnn",
    "lgsnet",
    "me_tst",
    "mtsn",
    "of_fd",
    "sfamnet",
    "spotformer",
    "tsmsnet",
}
AGAIN = {
    "same_seed_same_predictions",
    "predictions_do_not_depend_on_test_labels",
    "state_is_saved_whole",
    "what_acts_on_scores_trains_nothing",
}
"""Checks that train a second time, or follow those that do: of expensive methods by night, of the other thirty by day."""


def by_day(check):
    return check.name != ALONE and (NIGHTLY or check.plugin not in EXPENSIVE or check.name not in AGAIN)


@parametrize_with_checks([check for id_ in METHODS for check in method_checks(id_) if by_day(check)])
def test_method(check):
    check.run()


@pytest.mark.usefixtures("each_frame_drawn")
@parametrize_with_checks(
    [check for id_ in DATASETS for check in dataset_checks(id_, **ROOTS.get(id_, {})) if check.name != ALONE]
)
def test_dataset(check):
    check.run()


FRESH = """
import importlib, sys

for module in sys.argv[1:]:
    importlib.import_module(f"{module}.params")
    print(module, *(name for name in HEAVY if type(sys.modules.get(name)) is type(sys)))
"""


def test_parameters_of_no_plugin_import_anything_heavy():
    modules = [
        registry.find(kind, id_).module for kind, ids in (("method", METHODS), ("dataset", DATASETS)) for id_ in ids
    ]
    code = f"HEAVY = {contracts.HEAVY}\n{FRESH}"
    said = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True)
    assert said.stderr == ""
    assert said.stdout.splitlines() == modules


def test_the_parameters_of_a_plugin_are_looked_at_in_a_fresh_python():
    (check,) = (check for check in method_checks("mean") if check.name == ALONE)
    check.run()


GOOD = """
import numpy as np
import torch
from mebench.core import Method, all_clips
from mebench.methods.{id}.params import Params as _Params


class Spotter(Method):
    '''Scores frames by the mean length of the training expressions, and names the first class.'''

    Params = _Params
    tasks = frozenset({{"spot", "recognize"}})

    def __init__(self, params, task, seed=0):
        super().__init__(params, task, seed)
        self.register_buffer("length", torch.zeros(1, dtype=torch.float64))

    def fit_closed_form(self, train, valid):
        self.length += np.mean([e.length for v in train for e in v.expressions])

    def score_frames(self, video):
        return np.sin(np.arange(video.n_frames) / float(self.length))[:, None]

    def classify(self, clips):
        return np.tile([1.0, 0, 0, 0, 0], (len(clips), 1))


Plugin = Spotter
"""

VIEWS = "video._frames.func.__self__"
ANSWERS = f"{VIEWS}.home({VIEWS}.job.test[0])[0]._request.__closure__"
HOST = f"next(c.cell_contents.__self__ for c in {ANSWERS} if hasattr(c.cell_contents, '__self__'))"  # out of the fold's process


def write_spotter(write_plugin, id_, code=""):
    params = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Params:\n    p: float = 0.5\n"
    root = write_plugin("method", id_, code=code or GOOD.format(id=id_), params=params, tasks="spot, recognize")
    (root / "methods" / id_ / "README.md").write_text("# A spotter\n")
    registry.add_paths([root])


def test_a_method_of_twenty_lines_passes(write_plugin):
    write_spotter(write_plugin, "good")
    assert check_method("good") == []


def test_what_depends_on_the_labels_of_who_is_tested_is_found(write_plugin):
    """Each other promise is broken in `tests/testing/test_folders.py`."""
    onset = f"next(v for v in {HOST}.aliases.tested if v.key == {HOST}.aliases.real(video.key)).expressions[0].onset"
    write_spotter(write_plugin, "leaks", GOOD.format(id="leaks").replace("np.sin(", f"{onset} + np.sin("))
    with pytest.raises(AssertionError, match="leaks-predictions_do_not_depend_on_test_labels: "):
        check_method("leaks")


def test_checks_of_absent_data_are_skipped_with_the_reason(tmp_path):
    checks = {check.name: check for check in dataset_checks("megc2019_flow", root=str(tmp_path / "gone"))}
    checks["a_missing_root_is_one_sentence"].run()
    with pytest.raises(unittest.SkipTest, match="gone"):
        checks["videos_are_sorted_and_unique"].run()


@pytest.mark.parametrize("repairs", [["fine", ""], [" "], [3]])
def test_a_repair_that_says_nothing_is_found(repairs):
    with pytest.raises(AssertionError):
        contracts.repairs_are_sentences(SimpleNamespace(videos=["v"], dataset=SimpleNamespace(repairs=lambda: repairs)))
