"""Every registered plugin keeps its contract, and the checks see one that does not."""

import subprocess
import sys
import unittest
from types import SimpleNamespace

import pytest

from mebench.config import registry
from mebench.testing import TINY, contracts, dataset_checks, method_checks
from mebench.testing.checks import run_all
from mebench.testing.contracts import check_method
from tests.helpers import outside
from tests.helpers.contracts import ALONE
from tests.helpers.memory import collected_between
from tests.helpers.nightly import NIGHTLY
from tests.helpers.plugin_folders import PLUGINS

ROOTS = {name: {"root": str(maps)} for name in (outside.FLOW, outside.TWO_PHASE) if (maps := outside.find(name))}
METHODS = sorted(registry.list_plugins("method"))
DATASETS = sorted(registry.list_plugins("dataset"))


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


SETTINGS = {"probe": ("method.stride=12",)}  # its encoder takes a tenth of a second for each picture
"""Settings under which an expensive method keeps the same contract in less time."""


def by_day(check):
    return check.name != ALONE and (NIGHTLY or check.plugin not in EXPENSIVE or check.name not in AGAIN)


@pytest.mark.parametrize("id_", METHODS)
def test_method_checks_pass(id_):
    """All of a method in one test, so that its trainings, which several checks read, are made once."""
    checks = method_checks(id_, (*TINY, *SETTINGS.get(id_, ())))
    skip_untold(run_all(collected_between(check for check in checks if by_day(check))))


@pytest.mark.usefixtures("each_frame_drawn")
@pytest.mark.parametrize("id_", DATASETS)
def test_dataset_checks_pass(id_):
    skip_untold(run_all(check for check in dataset_checks(id_, **ROOTS.get(id_, {})) if check.name != ALONE))


def skip_untold(reasons):
    """Say which checks were not possible here; the others have passed."""
    if reasons:
        pytest.skip("; ".join(reasons))


FRESH = """
import importlib, sys

for module in sys.argv[1:]:
    importlib.import_module(f"{module}.params")
    print(module, *(name for name in HEAVY if name in sys.modules))
"""


def test_params_import_nothing_heavy():
    modules = [
        registry.find_plugin(kind, id_).module
        for kind, ids in (("method", METHODS), ("dataset", DATASETS))
        for id_ in ids
    ]
    code = f"HEAVY = {contracts.HEAVY}\n{FRESH}"
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == modules


def test_method_checks_import_params_in_a_fresh_python():
    (check,) = (check for check in method_checks("mean") if check.name == ALONE)
    check.run()


def test_check_method_passes_method_of_twenty_lines(own_folder):
    registry.add_paths([PLUGINS])
    assert check_method("steady") == []


def test_check_method_finds_answers_from_labels_of_tested_people(own_folder):
    """Each other promise is broken in `tests/testing/test_folders.py`."""
    registry.add_paths([PLUGINS])
    with pytest.raises(AssertionError, match="leaky-predictions_do_not_depend_on_test_labels: "):
        check_method("leaky")


def test_dataset_checks_of_absent_data_are_skipped(tmp_path):
    checks = {check.name: check for check in dataset_checks("megc2019_flow", root=str(tmp_path / "gone"))}
    checks["a_missing_root_is_one_sentence"].run()
    with pytest.raises(unittest.SkipTest, match="gone"):
        checks["videos_are_sorted_and_unique"].run()


@pytest.mark.parametrize("repairs", [["fine", ""], [" "], [3]])
def test_repairs_are_sentences_refuses_empty_ones(repairs):
    with pytest.raises(AssertionError):
        contracts.repairs_are_sentences(SimpleNamespace(videos=["v"], dataset=SimpleNamespace(repairs=lambda: repairs)))
