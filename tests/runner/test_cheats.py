"""Methods that look for the labels of whom they are tested on: those that look in memory find none."""

import pytest
from mebench.datasets.megc2019_flow.dataset import Megc2019Flow

from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.features import clip_feature
from mebench.progress import Progress
from mebench.runner import isolation
from mebench.runner.execute import execute_all, worker_pool
from mebench.runner.features import prepare, store_of
from mebench.runner.plan import make_plan
from mebench.runner.session import open_session
from mebench.testing import TINY
from tests.runner.cheats import FILES, MEMORY, PARAMS, write

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


STEP = """
import gc
from dataclasses import dataclass

import numpy as np
from mebench.core import Chain, Dataset, Method, Video
from mebench.features import FaceCrop, Flow, MapStep
from mebench.methods.cheat.params import Params as _Params


@dataclass(frozen=True)
class Tell(MapStep):
    def apply(self, x, landmarks):
        known = [v.expressions for v in gc.get_objects() if type(v) is Video]
        for dataset in [d for d in gc.get_objects() if isinstance(d, Dataset)]:
            try:
                known += [v.expressions for v in dataset.videos()]
            except Exception:
                pass
        labels = [e.emotion for expressions in known for e in expressions if e.emotion]
        return np.full((1, 1, 1), len(labels) + hasattr(self, "labels"), np.float32)


class Cheat(Method):
    Params = _Params
    tasks = frozenset({"recognize"})

    def chains(self, timing):
        step = Tell()
        object.__setattr__(step, "labels", "of whoever plans")
        return {"told": Chain("told", (FaceCrop(), Flow(), step), scope="clips")}


Plugin = Cheat
"""


@pytest.mark.processes
def test_a_step_that_looks_for_labels_writes_none_into_a_feature(write_plugin, tmp_path):
    root = write_plugin("method", "cheat", params=PARAMS, code=STEP, config="")
    file = root / "methods" / "cheat" / "config.yaml"
    file.write_text(file.read_text().replace("tasks: [spot]", "tasks: [recognize]"))
    plan = make_plan(resolve([*TINY, f"plugins={root}", "method=cheat", f"cache={tmp_path / 'cache'}"]))
    assert sum(len(video.expressions) for video in plan.videos) == 3  # this process knows them
    found = prepare([plan], OneWorker(), Progress())
    assert (found.videos, found.failures) == (3, {})
    for video in plan.videos:
        (e,), (chain,) = video.expressions, plan.chains_of(video)
        assert clip_feature(store_of(plan.config), *plan.home(video), video, chain, e.onset, e.peak, e.offset) == 0


class OneWorker:
    """This process is the worker, or hosts it."""

    def run(self, tasks, tick):
        for task in tasks:
            worker = isolation.Worker(forked=True)
            yield task, task.function(*task.arguments, *([] if task.hosted is None else [worker]))
            worker.close()
