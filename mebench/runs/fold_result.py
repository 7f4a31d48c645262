"""The result of a fold: frozen plain data, which travels between processes and becomes the files of the fold."""

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
    """The result of a fold, as plain data that travels between processes.

    Of a pair the stages in `history`, the names in `notes` and those of the model's weights begin with `method.` or `recognizer.`.
    `curves` are those in which the spotting method of the fold looked for peaks, as far as it kept some.
    `epoch_predictions` are answers after each epoch: the intervals of a method that spots, else those to the annotated clips.
    `trained_in` is the run whose frame scores and models these are, where that is another one.
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
