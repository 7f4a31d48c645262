"""A method whose parameters have a known effect, on a dataset without pictures: a trial takes milliseconds."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy
from optuna.storages import RDBStorage

from mebench.config import resolve
from mebench.progress import Progress
from mebench.runner import InterruptedRunError
from mebench.tuning import Place, TuneOptions, run_studies as module, study

DATASET_PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    subjects: int = 8
"""
DATASET = """
from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.toy.params import Params as _Params


class Toy(Dataset):
    '''Two videos a subject, each with one micro-expression at a place of its own; no frames. A video of subject s has 100 + 10 s + v.'''

    Params = _Params
    revision = "1"
    kinds = ("micro",)
    schemes = {"native": Scheme.native(("fear", "disgust"))}

    def videos(self):
        found = []
        for s in range(1, self.params.subjects + 1):
            for v in (1, 2):
                onset = 10 + (37 * s + 23 * v) % 60
                e = Expression(onset, onset + 9, "micro", onset + 5, ("fear", "disgust")[(s * v) % 2])
                found.append(Video("toy", f"{s:02d}", f"v{v}", 30.0, 100 + 10 * s + v, (e,)))
        return found


Plugin = Toy
"""
METHOD_PARAMS = """
from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    p: float = 0.2
    shift: int = 0
    lr: float = 0.5
    kind: Literal["good", "bad"] = "good"
    log: str = ""
    nap: float = 0.0
    trouble: str = "none"

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ConfigError(f"method.p must be in [0, 1], not {self.p}")
        if self.shift == 13:
            raise ConfigError("method.shift must not be 13")
        if self.kind == "bad" and self.shift > 5:
            raise ConfigError(f"method.shift above 5 needs method.kind=good, not {self.shift}")
"""
METHOD = """
import time
from pathlib import Path

import numpy as np
import torch
from mebench.core import Method, Prediction
from mebench.methods.tunable.params import Params as _Params


def place(video):
    s, v = divmod(video.n_frames - 100, 10)
    return 10 + (37 * s + 23 * v) % 60


class Tunable(Method):
    '''Knows where each expression is and says so, shifted by `shift` frames; `lr` far from 0.1 forgets some of them.'''

    Params = _Params
    tasks = frozenset({"spot", "recognize"})

    def __init__(self, params, task, seed=0):
        super().__init__(params, task, seed)
        self.register_buffer("lr", torch.zeros(1, dtype=torch.float64))

    def fit_closed_form(self, train, valid):
        p = self.params
        self.lr = torch.tensor([p.lr], dtype=torch.float64)
        if p.log:
            with Path(p.log).open("a") as file:
                file.write(" ".join(sorted({f"{(v.n_frames - 100) // 10:02d}" for v in train})) + "\\n")
        if p.nap:
            time.sleep(p.nap)
        if p.trouble == "raise":
            raise ValueError("a matrix is singular")

    def score_frames(self, video):
        scores = np.zeros((video.n_frames, 1))
        scores[place(video), 0] = 1.0
        return scores

    def propose(self, video, scores):
        p, onset = self.params, int(scores[:, 0].argmax()) + self.params.shift
        keen = abs(np.log10(float(self.lr[0]) / 0.1))
        found = [] if ((video.n_frames - 100) // 10 % 5) / 5 < keen - 0.2 else [(onset, 0.9)]
        found += [(80 + i, 0.1) for i in range(int(10 * p.p))]
        return [Prediction(video.key, "micro", a, a + 5, a + 9, c) for a, c in found]

    def classify(self, clips):
        return np.tile([1.0, 0.0], (len(clips), 1))


Plugin = Tunable
"""
NAMER_PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    c: int = 0
"""
NAMER = """
import numpy as np
from mebench.core import Method
from mebench.methods.namer.params import Params as _Params


class Namer(Method):
    '''Knows the emotion of each clip, and says so where `c` is 1.'''

    Params = _Params
    tasks = frozenset({"recognize"})

    def chains(self, timing):
        assert self.params.c >= 0
        return {}

    def classify(self, clips):
        places = [divmod(c.video.n_frames - 100, 10) for c in clips]
        right = [(s * v) % 2 for s, v in places]
        said = right if self.params.c == 1 else [0 for _ in clips]
        return np.eye(2)[said]


Plugin = Namer
"""
SEARCH = """
search:
  p: {low: 0.0, high: 1.0, acts: postprocess}
  shift: {low: -8, high: 8, acts: postprocess}
  lr: {low: 0.001, high: 10.0, log: true}
  kind: {choices: [good, bad]}
"""


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database of Optuna without studies, to copy."""
    file = tmp_path_factory.mktemp("optuna") / "empty.db"
    RDBStorage(f"sqlite:///{file}").remove_session()
    return file


@pytest.fixture
def copied_databases(empty_database, monkeypatch):
    """A missing database is a copy of an empty one: to make its tables takes Optuna most of the time of a short study."""
    copies = set()

    class Copied(RDBStorage):
        def __init__(self, url, **options):
            file = Path(sqlalchemy.make_url(url).database) if url.startswith("sqlite:///") else None
            if file is not None and not file.exists():
                copies.add(shutil.copy(empty_database, file))
            known = file in copies
            super().__init__(url, skip_table_creation=known, skip_compatibility_check=known, **options)

    monkeypatch.setattr(study, "RDBStorage", Copied)


@pytest.fixture
def place(copied_databases, tmp_path):
    """A storage without studies."""
    return Place.of(str(tmp_path / "x.db"))


@pytest.fixture
def toy(copied_databases, write_plugin, tmp_path, monkeypatch):
    """Makes words: `tunable` on `toy`, everything written inside the test's own folder, with one worker."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    root = write_plugin("dataset", "toy", params=DATASET_PARAMS, code=DATASET, tasks="spot, recognize")
    write_plugin("method", "tunable", config=SEARCH, params=METHOD_PARAMS, code=METHOD, tasks="spot, recognize")

    def words(*more):
        return [
            "method=tunable",
            "dataset=toy",
            f"plugins={root}",
            f"cache={tmp_path / 'cache'}",
            "bootstrap=20",
            "workers=1",
            *more,
        ]

    return words


@pytest.fixture
def go(toy, monkeypatch):
    """Tunes in this process, without figures unless `shown`: `go("method.p=0.1", trials=5)`."""

    def run(*words, shown=False, **options):
        with monkeypatch.context() as patch:
            if not shown:
                patch.setattr(module, "write_figures", lambda *_: [])
            chosen = TuneOptions(**{"trials": 12, "heartbeat": 1, **options})
            return module.tune(resolve(toy(*words)), chosen, Progress())

    return run


@pytest.fixture
def begin(go, monkeypatch):
    """Tries values as `go` does, and is stopped before the outer folds."""

    def stop(*_):
        raise KeyboardInterrupt

    def run(*words, **options):
        with monkeypatch.context() as patch:
            patch.setattr(module.Judge, "judge", stop)
            with pytest.raises(InterruptedRunError):
                go(*words, **options)

    return run
