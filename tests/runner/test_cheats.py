"""Methods that look for the labels of whom they are tested on: those that look in memory find none."""

import pytest
from mebench.datasets.megc2019_flow.dataset import Megc2019Flow

from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.progress import Progress
from mebench.runner.execute import execute_all, worker_pool
from mebench.runner.plan import make_plan
from mebench.runner.session import open_session
from tests.runner.cheats import FILES, MEMORY, write

REFUSED = {"dataset", "asking"}


@pytest.mark.processes
def test_who_looks_for_labels_in_memory_finds_none(write_plugin, tmp_path):
    """The clips' classes are 1, 2, 0, 1 for each of six people; what is in files nobody can keep from a process."""
    Megc2019Flow.write_fake_tree(tmp_path / "maps")
    words = [f"plugins={write(write_plugin)}", "method=cheat", "dataset=megc2019_flow", "bootstrap=0", "workers=1"]
    words += [f"{name}={tmp_path / name}" for name in ("runs", "cache")] + [f"dataset.root={tmp_path / 'maps'}"]
    places = {"file": tmp_path, "folders": tmp_path / "maps", "truth": tmp_path / "runs"}
    ways = ["none", *MEMORY, *FILES]
    configs = [resolve([*words, f"method.way={way}", f"method.place={places.get(way, '')}"]) for way in ways]
    with worker_pool(configs[0]) as pool:
        outcomes = execute_all([open_session(make_plan(config)) for config in configs], pool, Progress())
    refused = {way for way, outcome in zip(ways, outcomes) if isinstance(outcome, MebenchError)}
    scores = {
        way: outcome.summary["recognition"]["scores"]["uf1"]["value"]
        for way, outcome in zip(ways, outcomes)
        if way not in refused
    }
    assert refused == REFUSED, outcomes
    assert {way for way in MEMORY if way not in refused and scores[way] != scores["none"]} == set()
    assert scores["none"] < 0.3
    assert min(scores[way] for way in FILES) > 0.9
