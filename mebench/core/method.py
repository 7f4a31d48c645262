"""The contract of a method plugin: one LightningModule, trained or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import lightning as L
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core.chain import Chain
from mebench.core.types import Prediction, Task, Timing
from mebench.core.views import ClipView, LabelledVideo, VideoView


@dataclass(frozen=True, slots=True)
class Stage:
    """One `Trainer.fit`: its name, epochs, batch size in samples, and whether samples are shuffled each epoch."""

    name: str
    epochs: int
    batch_size: int
    shuffle: bool = True


class Method(L.LightningModule):
    """A spotter, a recognizer, or both.

    A trained method answers `stages`, `samples`, `training_step` and `configure_optimizers`; `self.stage` names the running
    stage. A training-free one leaves them alone, so there is no fake loss; `fit_closed_form` is the place for a histogram, an
    SVM or a threshold, kept in buffers so that the model saves as safetensors.

    Attributes:
        Params: dataclass of the parameters, in `params.py`, which imports no torch.
        tasks: what it can do: `spot`, `recognize`.
        kinds: the kinds it can spot.
        selects: True if it chooses something (an epoch, a threshold) on the inner validation subjects, who are then held out;
            otherwise they train too.
        transductive: `video` if a test video's own unlabelled statistics enter its predictions, else `none`. The default
            `propose` thresholds at the video's own mean and maximum (MEAN, equation 12), so it counts as `video` anyway.
    """

    Params: ClassVar[type]
    tasks: ClassVar[frozenset[str]]
    kinds: ClassVar[tuple[str, ...]] = ("micro",)
    selects: ClassVar[bool] = False
    transductive: ClassVar[str] = "none"

    def __init__(self, params: Any, task: Task, seed: int = 0) -> None:
        super().__init__()
        self.params = params
        self.task = task
        self.seed = seed
        self.stage = ""

    @classmethod
    def looks_at_test_video(cls, tasks: frozenset[str]) -> str:
        """What is transductive in these tasks: `video` or `none`."""
        return "video" if "spot" in tasks and cls.propose is Method.propose else cls.transductive

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The features that the method reads, by the name it reads them under. Called without weights built."""
        return {}

    def stages(self) -> tuple[Stage, ...]:
        """The trainings, in order; none for a training-free method."""
        return ()

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Training and validation samples of a stage; `valid` is empty unless the method `selects`."""
        raise NotImplementedError(f"{type(self).__name__} has stages, so it must define samples()")

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit what needs no gradient, after all stages."""

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """A score for each frame and kind, (n_frames, n_kinds); NaN where undefined (the last k frames, say)."""
        raise NotImplementedError(f"{type(self).__name__} does not spot")

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Spotted intervals of a video.

        By default the peaks above T = mean + p (max - mean), p being `params.p`, smoothed and extended by the paper's rule or
        the one that `params.rule` names; in short videos the highest peak alone.
        """
        rule: spotting.Rule = getattr(self.params, "rule", "paper")
        return [
            Prediction(video.key, kind, *found)
            for column, kind in enumerate(self.task.kinds)
            for found in spotting.spot(
                scores[:, column], video.timing.k_prime[kind], self.params.p, rule, highest_only=self.task.one_per_video
            )
        ]

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """A score for each clip and class, (n_clips, n_classes); higher is likelier."""
        raise NotImplementedError(f"{type(self).__name__} does not recognize")
