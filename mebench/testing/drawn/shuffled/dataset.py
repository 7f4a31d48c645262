"""Drawn faces, with labels in files that were shuffled before writing: there is nothing to learn."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.config import registry
from mebench.core import Dataset, Expression, Frames, Video
from mebench.errors import DataError
from mebench.grouping import grouped

from .params import Params as _Params

FRAMES, SUBJECTS = 48, 8
MARGIN, STEP = 2, 4
"""Frames without labels at the ends of a video, and the step between possible places of an expression."""


class Shuffled(Dataset):
    """Eight people with five short videos each, one of each emotion; the emotion of each video and the place are drawn
    by lot.
    """

    Params = _Params
    revision = "1"
    one_per_video = True
    comparable = False
    remark = "labels that were shuffled: a score above chance is a leak"
    params: _Params

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        faces = registry.params_class(registry.find("dataset", "synthetic"))
        drawn = {"subjects": SUBJECTS, "frames": FRAMES, "size": 96, "short_videos": True}
        self._faces: Dataset = registry.load("dataset", "synthetic")(faces(videos=5, **drawn))
        self.schemes = {"native": self._faces.schemes["native"]}

    @staticmethod
    def places(length: int) -> range:
        """The possible onsets of an expression of this many frames, all equally likely."""
        return range(MARGIN, FRAMES - MARGIN - length + 1, STEP)

    def write(self, folder: Path, seed: int) -> None:
        """Write the labels of one shuffle into an empty folder.

        Each person's emotions are permuted among the videos, and each expression, as long as the drawn one, gets a
        random place.
        """
        rng = np.random.default_rng(seed)
        for subject, videos in grouped(self._faces.videos(), key=attrgetter("subject")).items():
            for emotion, video in zip(rng.permutation(self.schemes["native"].classes), videos):
                (e,) = video.expressions
                onset = int(rng.choice(self.places(e.length)))
                file = folder / str(emotion) / f"{subject}_{video.id}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{onset} {onset + e.peak - e.onset} {onset + e.length - 1}\n")

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key; the labels as the files have them.

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
        videos = [(v, labels[f"{v.subject}_{v.id}"]) for v in self._faces.videos()]
        return [replace(v, dataset="shuffled", expressions=(label,), distractors=()) for v, label in videos]

    def frames(self, video: Video) -> Frames:
        """The drawn frames, which are independent of the labels."""
        return self._faces.frames(replace(video, dataset="synthetic"))

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """Landmarks of the first frame."""
        return self._faces.landmarks(replace(video, dataset="synthetic"))


Plugin = Shuffled
