"""The one process that the runs of all pages copy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWO_PAGES = """
import os
import sys

sys.path.insert(0, "docs")
import shared_server

from mebench.sandbox import isolation


def print_parents():
    server = isolation.ForkServer()
    server.warm_up(["decimal"])
    workers = [isolation.Worker(server=server), isolation.Worker()]
    print(*[worker.call(os.getppid, ()) for worker in workers], flush=True)
    for worker in workers:
        worker.close()
    server.close()


shared_server.share(imports=())
for page in range(2):
    if os.fork() == 0:
        print_parents()
        os._exit(0)
    os.wait()
"""

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="needs the checkout: docs/ is no part of the sdist"
)


def test_share_gives_runs_of_all_pages_one_server():
    ran = subprocess.run([sys.executable, "-c", TWO_PAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    parents = ran.stdout.split()
    assert len(parents) == 4, ran.stderr
    assert len(set(parents)) == 1
