"""The pixels of a clip's motion map, and a linear SVM: the least that a network on these maps must beat."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, ClipView, LabelledVideo, Method, Task, Timing, all_clips, stack
from mebench.features.maps import ONSET_APEX
from mebench.training.svm import LinearSvm

from .params import Params as _Params

STILL = np.array([0.0, 127.5, 127.5])
"""Grey of no motion in the channels strain, v, u."""
CHANNELS = {"all": [0, 1, 2], "flow": [1, 2], "strain": [0]}


class FlowSvm(Method):
    """One map of strain, vertical and horizontal flow for each clip, pixel by pixel."""

    Params = _Params
    tasks = frozenset({"recognize"})
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.svm = LinearSvm(len(task.classes), params.c, params.class_weight, params.standardise)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """One (28, 28, 3) map for each clip; a dataset may bring its own under this name."""
        return self.params.maps(ONSET_APEX)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit the SVM to the training clips.

        Raises:
            RunError: there are none.
        """
        clips = all_clips(train)
        self.svm.fit(self._vectors(clips) if clips else np.empty((0, 0)), [clip.label for clip in clips])
        self.notes |= self.svm.notes

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Signed distances to the hyperplanes of the classes, (n_clips, n_classes)."""
        return self.svm.decision_function(self._vectors(clips))

    def _vectors(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """One row for each clip, (n_clips, 784 x channels), in units of the full range of a map."""
        maps = stack(clips, ONSET_APEX) - (STILL if self.params.centre else 0.0)
        chosen = maps[..., CHANNELS[self.params.channels]] / 255
        return chosen.reshape(len(clips), -1)


Plugin = FlowSvm
