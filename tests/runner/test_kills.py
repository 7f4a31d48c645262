"""A few kills at random moments over a small sweep; `tools/kills.py` makes a thousand, of programs as a shell starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.nightly import NIGHTLY

SCRIPT = Path(__file__).parents[2] / "tools" / "kills.py"

pytestmark = [pytest.mark.kills, pytest.mark.processes]


@pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not part of this installation")
def test_killed_at_any_moment_a_sweep_ends_as_if_undisturbed(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    kills = "5" if NIGHTLY else "1"
    command = [sys.executable, str(SCRIPT), "--kills", kills, "--seed", "1", "--subjects", "3", "--fork"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *_, last = done.stdout.splitlines()
    assert last.startswith(f"{kills} kills") and last.endswith("as if undisturbed")
