"""Bi-WOOF behind the contract: one histogram for each clip, and a linear SVM."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, ClipView, LabelledVideo, Method, Task, Timing, all_clips, stack
from mebench.features import BiWoof, Flow, Strain
from mebench.training.svm import LinearSvm

from .params import Params as _Params

CHAIN = "bi_woof"


class BiWoofSvm(Method):
    """Two frames stand for a clip: the flow from onset to apex, its directions weighted by magnitude and by strain."""

    Params = _Params
    tasks = frozenset({"recognize"})
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.svm = LinearSvm(len(task.classes), params.c, params.class_weight, params.standardise)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """One (rows, cols, bins) histogram for each clip."""
        p = self.params
        weights = (p.strain, p.blocks, p.last_bin, p.unit_length)
        histogram = BiWoof(p.rows, p.cols, p.bins, *weights)
        return {CHAIN: Chain(CHAIN, (p.face(), Flow(p.flow), Strain(p.difference), histogram), scope="clips")}

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit the SVM to the training clips."""
        clips = all_clips(train)
        self.svm.fit(_vectors(clips) if clips else np.empty((0, 0)), [clip.label for clip in clips])
        self.notes |= self.svm.notes

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Signed distances to the hyperplanes of the classes, (n_clips, n_classes)."""
        return self.svm.decision_function(_vectors(clips))


def _vectors(clips: Sequence[ClipView]) -> NDArray[np.float32]:
    """One row for each clip, (n_clips, rows x cols x bins)."""
    return stack(clips, CHAIN).reshape(len(clips), -1)


Plugin = BiWoofSvm
