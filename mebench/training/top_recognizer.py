"""Recognition by texture on three orthogonal planes and a linear SVM: what `lbp_top`, `hog_top` and `higo_top` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Chain
from mebench.core.method import Method
from mebench.core.types import Task, Timing
from mebench.core.views import ClipView, LabelledVideo, all_clips
from mebench.features.top_clips import PLANES, TopParams
from mebench.training.linear_svm import LinearSvm


class TopRecognizer(Method):
    """One row of histograms for each clip, from onset to offset. A subclass sets `Params` and `chain`.

    Attributes:
        chain: name of the chain.
    """

    tasks = frozenset({"recognize"})
    chain: ClassVar[str]
    params: TopParams

    def __init__(self, params: TopParams, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.svm = LinearSvm(len(task.classes), params.c, params.class_weight, params.standardise)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Crops, magnified, brought to one length, and their histograms: (rows, cols, slices * planes * bins)."""
        return {self.chain: Chain(self.chain, self.params.steps(), scope="clips")}

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit the SVM to the training clips.

        Raises:
            RunError: there are none.
        """
        clips = all_clips(train)
        self.svm.fit(self._inputs(clips) if clips else np.empty((0, 0)), [clip.label for clip in clips])
        self.notes |= self.svm.notes

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Signed distances to the hyperplanes of the classes, (n_clips, n_classes): no probabilities."""
        return self.svm.decision_function(self._inputs(clips))

    def _inputs(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """One row for each clip, (n_clips, rows * cols * slices * chosen planes * bins)."""
        chosen = [PLANES.index(plane) for plane in self.params.planes]
        features = np.stack([clip.feature(self.chain) for clip in clips]).astype(np.float64)
        by_plane = features.reshape(*features.shape[:3], self.params.slices, len(PLANES), -1)
        return by_plane[..., chosen, :].reshape(len(clips), -1)
