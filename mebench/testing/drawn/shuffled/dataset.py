"""Drawn faces, with labels in files that were shuffled before writing: there is nothing to learn."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np

from mebench.config import registry
from mebench.core import Expression, Video
from mebench.core.dataset import Renamed
from mebench.errors import DataError
from mebench.files import write_text
from mebench.grouping import group_by

from .params import Params as _Params

FRAMES = 48
SUBJECTS = 8
MARGIN, STEP = 2, 4
"""Frames without labels at the ends of a video, and the step between possible positions of an expression."""


class Shuffled(Renamed):
    """Eight people with five short videos each, one of each emotion; the emotion of each video and the position are drawn
    by lot.
    """

    Params = _Params

    def __init__(self, params: _Params) -> None:
        faces = registry.params_class(registry.find_plugin("dataset", "synthetic"))
        drawn = {"subjects": SUBJECTS, "frames": FRAMES, "size": 96, "short_videos": True}
        super().__init__(registry.load_plugin("dataset", "synthetic")(faces(videos=5, **drawn)), "shuffled")
        self.params = params
        self.revision = "1"
        self.kinds = ("micro",)
        self.schemes = {"native": self.schemes["native"]}
        self.comparable = False
        self.remark = "labels that were shuffled: a score above chance is a leak"

    @staticmethod
    def places(length: int) -> range:
        """The possible onsets of an expression of this many frames, all equally likely."""
        return range(MARGIN, FRAMES - MARGIN - length + 1, STEP)

    def write(self, folder: Path, seed: int) -> None:
        """Write the labels of one shuffle into an empty folder.

        Each person's emotions are permuted among the videos, and each expression, as long as the drawn one, gets a
        random position.
        """
        rng = np.random.default_rng(seed)
        for subject, videos in group_by(self.dataset.videos(), key=attrgetter("subject")).items():
            for emotion, video in zip(rng.permutation(self.schemes["native"].classes), videos):
                (e,) = video.expressions
                onset = int(rng.choice(self.places(e.length)))
                file = folder / str(emotion) / f"{subject}_{video.id}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                write_text(file, f"{onset} {onset + e.peak - e.onset} {onset + e.length - 1}\n")

    def changed(self, videos: Sequence[Video]) -> Sequence[Video]:
        """The drawn videos, sorted by key; the labels as the files have them.

        Raises:
            DataError: there are none.
        """
        if self.params.root is None or not (files := sorted(Path(self.params.root).glob("*/*.txt"))):
            raise DataError(
                f"dataset.root={self.params.root} has no shuffled labels: run it with: mebench check METHOD --null"
            )
        labels = {}
        for file in files:
            onset, apex, offset = map(int, file.read_text().split())
            labels[file.stem] = Expression(onset, offset, apex=apex, emotion=file.parent.name)
        return [
            replace(v, expressions=(labels[f"{v.subject}_{v.id}"],), distractors=()) for v in super().changed(videos)
        ]


Plugin = Shuffled
