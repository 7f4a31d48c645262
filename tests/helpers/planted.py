"""Plugins with leaks planted in them: a recognizer that remembers too much, and clips whose features name the person."""

from __future__ import annotations

import pytest

METHOD_PARAMS = """
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Params:
    remembers: Literal["subjects", "for_ever", "views", "clips"] = "subjects"
"""
METHOD = """
import numpy as np
from mebench.core import Chain, Method, all_clips
from mebench.features import FaceCrop, Flow
from mebench.methods.elephant.params import Params as _Params

MEMORY = {}
VIEWS = []


class Elephant(Method):
    '''Answers with what it remembers: of a subject the labels, or of the nearest clip the label.'''

    Params = _Params
    tasks = frozenset({"recognize"})

    def chains(self, timing):
        return {"face": Chain("face", (FaceCrop(), Flow()), scope="clips")}

    def fit_closed_form(self, train, valid):
        if self.params.remembers == "views":
            for view in VIEWS:
                view.clip_feature("face", 0, 0)
            VIEWS.extend(train)
        self.known = MEMORY if self.params.remembers == "for_ever" else {}
        for clip in all_clips(train):
            self.known.setdefault(clip.video.subject, []).append(clip.label)
        self.clips = [(clip.feature("face"), clip.label) for clip in all_clips(train)]
        self.usual = int(np.bincount([label for _, label in self.clips]).argmax())

    def classify(self, clips):
        return np.eye(len(self.task.classes))[[self.name(clip) for clip in clips]]

    def name(self, clip):
        if self.params.remembers == "clips":
            return min(self.clips, key=lambda known: float(np.abs(known[0] - clip.feature("face")).sum()))[1]
        known = self.known.get(clip.video.subject)
        return self.usual if known is None else int(np.bincount(known).argmax())


Plugin = Elephant
"""
DATASET_PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    moods: bool = True
    shuffled: bool = False
    twins: bool = False
"""
DATASET = """
import numpy as np
from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.herd.params import Params as _Params

LABELS = ("fear", "disgust", "joy")


class Herd(Dataset):
    '''Six clips of each of nine people; a feature says what they show and, more clearly, who they are.'''

    Params = _Params
    revision = "1"
    tasks = frozenset({"recognize"})
    schemes = {"native": Scheme.native(LABELS)}

    def shows(self, s, v):
        '''Class of a clip: somebody of moods shows one class only.'''
        return s % 3 if self.params.moods else v % 3

    def told(self, s, v):
        '''Class that the annotation tells: the true one, or that of another clip of the same person.'''
        order = np.random.default_rng(s).permutation(6) if self.params.shuffled else range(6)
        return self.shows(s, order[v])

    def videos(self):
        people = [(f"{s}", s) for s in range(9)] + ([("copy", 4)] if self.params.twins else [])
        return [
            Video("herd", id_, f"v{v}", None, 1, (Expression(0, 0, apex=0, emotion=LABELS[self.told(s, v)]),))
            for id_, s in people
            for v in range(6)
        ]

    def provided(self, video, name):
        s, v = (4 if video.subject == "copy" else int(video.subject)), int(video.id[1:])
        noise = np.random.default_rng([s, v]).normal(0, 0.1, 12)
        return np.concatenate([np.eye(3)[self.shows(s, v)], 3 * np.eye(9)[s]]) + noise


Plugin = Herd
"""


@pytest.fixture
def planted(write_plugin, tmp_path):
    """Makes words: `elephant` on `herd`."""
    write_plugin("method", "elephant", params=METHOD_PARAMS, code=METHOD, tasks="recognize")
    root = write_plugin("dataset", "herd", params=DATASET_PARAMS, code=DATASET, tasks="recognize")

    def words(*more):
        places = [f"plugins={root}", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'cache'}", "bootstrap=0"]
        return ["method=elephant", "dataset=herd", *places, *more]

    return words
