"""The result of a fold: frozen plain data, which is sent between processes and written to the files of the fold."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mebench.core import Curve, Epoch, Kind, Prediction, Timing

Curves = dict[str, dict[Kind, Curve]]
"""By video and kind."""


@dataclass(frozen=True)
class ClipPrediction:
    """The answer to one annotated clip; `probabilities` has one number for each class of the task."""

    video: str
    onset: int
    offset: int
    predicted: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class FoldResult:
    """The result of a fold, as plain data that can be sent between processes.

    For a pair of methods, the stages in `history` and the names in `notes` and of weights begin with `method.` or
    `recognizer.`. `curves` are those in which the spotter searched peaks, if it keeps them. `epoch_predictions` are
    predictions after each epoch: intervals of a spotter, else class scores of annotated clips. `trained_in` is the run
    that trained these models, if it is another one.
    """

    key: str
    predictions: list[Prediction]
    clips: list[ClipPrediction]
    frame_scores: dict[str, NDArray[np.float64]]
    timings: dict[str, Timing]
    seed: int
    costs: dict[str, float]
    model: bytes = field(repr=False, default=b"")
    history: list[Epoch] = field(repr=False, default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)
    epoch_predictions: list[list[Prediction | ClipPrediction]] = field(repr=False, default_factory=list)
    trained_in: str = ""
    curves: Curves = field(repr=False, default_factory=dict)
