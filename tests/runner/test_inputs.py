"""What is part of a run's key: of everything in the package it is decided whether it shapes predictions."""

import time

import pytest

from mebench.files import code_hash
from mebench.runner import inputs
from mebench.sandbox import isolation
from tests.helpers.kept_server import OF_MOST, KeptServer

OTHER_ROOMS = {
    "_installation.py",
    "account.py",
    "_fast_imports.py",
    "__init__.py",
    "__main__.py",
    "atomic.py",
    "errors.py",
    "files.py",
    "finding.py",
    "grouping.py",
    "lazy_imports.py",
    "limits.py",
    "matlab.py",
    "old_names.py",
    "parts.py",
    "plugin_packages.py",
    "result_cache.py",
    "score_type.py",
    "shared_work.py",
    "system.py",
    "api",
    "boards",
    "challenges",
    "cli",
    "combination",
    "config",
    "datasets",
    "exchange",
    "inference",
    "inspection",
    "intake",
    "methods",
    "metrics",
    "output",
    "records",
    "reports",
    "reproduction",
    "sandbox",
    "testing",
    "tracking",
    "tuning",
    "vqa",
}
"""Plugins count each by itself; configuration by its values; scoring is done anew from stored predictions."""
OTHER_FILES = {
    "runner/__init__",
    "runner/dask_executor",
    "runner/describe",
    "runner/energy",
    "runner/estimate",
    "runner/execute",
    "runner/fold_check",
    "runner/guard",
    "runner/identity",
    "runner/inputs",
    "runner/label_places",
    "runner/preload",
    "runner/progress_board",
    "runner/provenance",
    "runner/requirements",
    "runner/session",
    "runner/workers",
    "runs/__init__",
    "runs/access_text",
    "runs/answers",
    "runs/chance_levels",
    "runs/fold_sides",
    "runs/folder",
    "runs/origin",
    "runs/scoring",
    "runs/secret_file",
    "runs/stored_values",
    "runs/weights_file",
}
"""Who plans, starts, carries, watches, keeps and scores folds."""


def names(folder):
    return {path.name for path in folder.iterdir() if path.suffix == ".py" or next(path.glob("*.py"), None)}


def test_ROOMS_decide_what_shapes_predictions():
    """Somebody who adds one decides here: what shapes predictions belongs to `inputs.ROOMS` or `inputs.OF_FOLDS`."""
    assert (
        names(inputs.PACKAGE) - {*inputs.ROOMS, *OTHER_ROOMS, "runner", "runs"}
        == set()
        == set(inputs.ROOMS) - names(inputs.PACKAGE)
    )
    files = {
        f"{room}/{name.removesuffix('.py')}" for room in ("runner", "runs") for name in names(inputs.PACKAGE / room)
    }
    assert files - {*inputs.OF_FOLDS, *OTHER_FILES} == set() == set(inputs.OF_FOLDS) - files


@pytest.mark.processes
def test_ROOMS_hold_every_import_of_a_fold():
    """What the fork server of the tests has imported for all folds so far, and no test."""
    server = KeptServer()
    server.warm_up(OF_MOST)
    worker = isolation.Worker(server=server)

    try:
        found = worker.call(eval, ("[name for name in __import__('sys').modules if name.startswith('mebench.')]",))
    finally:
        worker.close()
    assert {"mebench.runner.fold", "mebench.training"} <= {*found}

    counted = {room.removesuffix(".py") for room in inputs.ROOMS}
    above = {
        "api",
        "boards",
        "cli",
        "exchange",
        "inference",
        "records",
        "reports",
        "reproduction",
        "testing",
        "tracking",
        "tuning",
    }
    others = {room.removesuffix(".py") for room in OTHER_ROOMS} - above
    assert {name.split(".")[1] for name in found} - counted - others == {"runner", "runs"}


def test_code_hash_takes_little_time():
    started = time.process_time()
    assert len(inputs.hash_own_code.__wrapped__(code_hash)) == len(inputs.ROOMS) + 1
    assert time.process_time() - started < 1.5, "0.2 s on a quiet machine"
