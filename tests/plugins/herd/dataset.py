"""Six clips of each of nine people; a feature says what they show and, more clearly, who they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, Scheme, Video

from .params import Params as _Params

LABELS = ("fear", "disgust", "joy")
TWIN = 4
"""Number of the person whose clips stand in the dataset twice, where `twins` asks for it."""
SCHEMES = {"native": Scheme.native(LABELS)}


class Herd(Dataset):
    """Clips without frames, with a ready-made feature."""

    Params = _Params
    params: _Params
    revision = "1"
    tasks = frozenset({"recognize"})
    schemes = SCHEMES

    def videos(self) -> Sequence[Video]:
        """Six videos of one frame for each person."""
        people = [(str(person), person) for person in range(9)]
        if self.params.twins:
            people.append(("copy", TWIN))
        return [self._video(id_, person, clip) for id_, person in people for clip in range(6)]

    def provided(self, video: Video, name: str) -> NDArray[np.float64]:
        """Class and person as one-hot vectors, the person three times as large, with a little noise."""
        person, clip = (TWIN if video.subject == "copy" else int(video.subject)), int(video.id[1:])
        noise = np.random.default_rng([person, clip]).normal(0, 0.1, 12)
        return np.concatenate([np.eye(3)[self._shown_class(person, clip)], 3 * np.eye(9)[person]]) + noise

    def _video(self, id_: str, person: int, clip: int) -> Video:
        emotion = LABELS[self._annotated_class(person, clip)]
        return Video("herd", id_, f"v{clip}", None, 1, (Expression(0, 0, apex=0, emotion=emotion),))

    def _annotated_class(self, person: int, clip: int) -> int:
        """The class that the clip shows, or that another clip of the same person shows."""
        order = np.random.default_rng(person).permutation(6) if self.params.shuffled else range(6)
        return self._shown_class(person, order[clip])

    def _shown_class(self, person: int, clip: int) -> int:
        return person % 3 if self.params.moods else clip % 3


Plugin = Herd
