"""The pixels of a clip's motion map, and a linear SVM: the least that a network on these maps must beat."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, ClipView, Timing, stack
from mebench.features.maps import ONSET_APEX, SIZE
from mebench.training.svm import ClipSvm

from .params import Params as _Params

STILL = np.array([0.0, 127.5, 127.5])
"""Grey of no motion in the channels strain, v, u."""
SIDES = {"both": slice(None), "left": slice(SIZE // 2, None), "right": slice(SIZE // 2)}
"""Columns of a map."""
CHANNELS = {"all": [0, 1, 2], "flow": [1, 2], "strain": [0]}


class FlowSvm(ClipSvm):
    """One map of strain, vertical and horizontal flow for each clip, pixel by pixel."""

    Params = _Params
    params: _Params  # type: ignore[assignment]  # those of maps have all that it reads

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """One (28, 28, 3) map for each clip; a dataset may bring its own under this name."""
        return self.params.maps(ONSET_APEX)

    def inputs(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """One row for each clip, (n_clips, pixels x channels), in units of the full range of a map."""
        maps = stack(clips, ONSET_APEX) - (STILL if self.params.centre else 0.0)
        chosen = maps[:, :, SIDES[self.params.side]][..., CHANNELS[self.params.channels]] / 255
        return chosen.reshape(len(clips), -1)


Plugin = FlowSvm
