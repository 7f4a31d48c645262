"""A method that answers from its seed alone and can get into trouble, and a dataset without pictures."""

from __future__ import annotations

import pytest

from tests.helpers.planted import planted

__all__ = ["moody", "planted"]

METHOD_PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    trouble: tuple[str, ...] = ()
    gate: str = ""
"""
METHOD = """
import os
import time
from pathlib import Path

import numpy as np
import torch
from mebench.core import Method
from mebench.methods.moody.params import Params as _Params


class Moody(Method):
    '''Random scores from the fold's seed; `2=raise` is trouble in the fold that tests subject 2.'''

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    kinds = ("micro", "macro")

    def __init__(self, params, task, seed=0):
        super().__init__(params, task, seed)
        self.register_buffer("weights", torch.rand(1000, dtype=torch.float64))

    def fit_closed_form(self, train, valid):
        # People bear drawn names in a fold: the length of their expressions tells them apart.
        seen = {str(e.offset - e.onset - 8) for video in train for e in video.expressions if e.kind == "micro"}
        troubles = dict(trouble.split("=") for trouble in self.params.trouble)
        trouble = next((t for subject, t in troubles.items() if subject not in seen), "")
        if trouble == "raise":
            raise ValueError("a matrix is singular")
        if trouble == "memory":
            raise MemoryError
        if trouble == "die" or (trouble == "die once" and self._first_time()):
            os._exit(1)
        if trouble == "hang":
            Path(f"{self.params.gate}.hung.{os.getpid()}").touch()
            time.sleep(600)
        while trouble == "wait" and not Path(self.params.gate).exists():
            time.sleep(0.05)

    def _first_time(self):
        mark = Path(self.params.gate)
        new = not mark.exists()
        mark.touch()
        return new

    def score_frames(self, video):
        scores = (self.weights[: video.n_frames] - 0.5).cumsum(0).numpy()
        return np.repeat(scores[:, None], len(self.task.kinds), 1)

    def propose(self, video, scores):
        from mebench import spotting
        from mebench.core import Prediction

        found = [
            Prediction(video.key, kind, *interval)
            for column, kind in enumerate(self.task.kinds)
            for interval in spotting.spot(scores[:, column], video.timing.k_prime[kind], 0.2)
        ]
        return found

    def classify(self, clips):
        return np.stack([self.weights[c.apex : c.apex + len(self.task.classes)].numpy() for c in clips])


Plugin = Moody
"""
DATASET_PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    subjects: int = 3
    macro: bool = True
    silent: str = ""
    annotations: str | None = None
"""
DATASET = """
from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.toy.params import Params as _Params

LABELS = ("fear", "disgust", "others")


class Toy(Dataset):
    '''Two videos a subject, one micro- and one macro-expression each; no frames.'''

    Params = _Params
    revision = "1"
    kinds = ("micro", "macro")
    schemes = {
        "native": Scheme.native(("fear", "disgust")),
        "coarse": Scheme("coarse", ("negative",), {"fear": "negative", "disgust": "negative"}),
        "empty": Scheme("empty", ("joy",), {"happiness": "joy"}),
    }

    def videos(self):
        found = []
        for s in range(1, self.params.subjects + 1):
            for v in (1, 2):
                micro = Expression(20 * v, 20 * v + 8 + s, "micro", 20 * v + 4, LABELS[(s + v) % 3])
                macro = Expression(60, 85 + s, "macro", 70, LABELS[s % 2])
                expressions = (micro, macro) if self.params.macro else (micro,)
                found.append(Video("toy", str(s), f"v{v}", 30.0, 100, () if str(s) == self.params.silent else expressions))
        return found


Plugin = Toy
"""


@pytest.fixture
def moody(write_plugin, tmp_path):
    """Makes words: `moody` on `toy`, everything written inside the test's own folder."""
    write_plugin("method", "moody", params=METHOD_PARAMS, code=METHOD, tasks="spot, recognize")
    root = write_plugin("dataset", "toy", params=DATASET_PARAMS, code=DATASET, tasks="spot, recognize")

    def words(*more):
        places = [f"plugins={root}", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'cache'}", "bootstrap=20"]
        return ["method=moody", "dataset=toy", *places, "sandbox=off", *more]  # it talks with tests through files

    return words
