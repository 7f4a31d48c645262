"""A few kills at random moments over a small sweep; `benchmarks/kills.py` makes a thousand."""

import importlib.util
import os
import random
import sys
from pathlib import Path

import pandas as pd
import pytest

from mebench.commands.sweep import sweep_command
from mebench.runner import workers
from tests.same_process import SameProcess

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.fixture
def kills(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    if not SCRIPT.is_file():
        pytest.skip("the benchmarks are not part of this installation")
    spec = importlib.util.spec_from_file_location("kills", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.kills
@pytest.mark.processes
def test_killed_at_any_moment_a_sweep_ends_as_if_undisturbed(kills, tmp_path, write_plugin, monkeypatch):
    write_plugin("method", "unused")  # forgets the plugins of this test afterwards
    kills.write_plugins(tmp_path / "plugins")
    counts = kills.one_sweep(tmp_path, tmp_path / "killed", 1, random.Random(1), 2, 4.0)
    assert sum(counts.values()) >= 1
    monkeypatch.setattr(workers, "pool", lambda environment: SameProcess())
    quiet_words = [word for word in kills.command(tmp_path, tmp_path / "quiet", 1)[4:] if "=" in word]
    sweep_command(quiet_words, [], [], False, "-")
    killed, quiet = kills.answers(tmp_path / "killed"), kills.answers(tmp_path / "quiet")
    assert len(killed) == kills.RUNS * 3
    for name, table in quiet.items():
        pd.testing.assert_frame_equal(killed[name], table, check_exact=True)
