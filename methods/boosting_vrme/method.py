"""BoostingVRME behind the contract: one network spots micro-expressions of any length and names them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import (
    Chain,
    ClipView,
    Kind,
    LabelledVideo,
    Method,
    Prediction,
    Stage,
    Task,
    Timing,
    VideoView,
)
from mebench.features.flow import Flow
from mebench.features.maps import MOTION_18
from mebench.spotting import Spotted
from mebench.training import Samples, sample_negatives, vote
from mebench.training.layers import balanced_weights
from mebench.training.released import load, released_file, torch_weights

from .intervals import extended_intervals
from .network import SlowFast, of_authors
from .params import Params as _Params
from .steps import N_REGIONS, BoxMotion
from .windows import IGNORED, cut_labels, cut_motion, join_windows, label_frames

AT_ONCE = 64
"""Windows that the network reads together in prediction."""


class BoostingVRME(Method):
    """Windows of half overlap are read by two paths of state spaces; each frame gets a score and a class."""

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    transductive = "video"
    params: _Params

    half_length: Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = SlowFast(self._outside + 1, params.paths == "separate")
        self.register_buffer("weights", torch.ones(self._outside + 1))
        self.register_buffer("half_length", torch.tensor(0))
        self._last: tuple[str, NDArray[np.float64]] | None = None  # a video is asked about for each of its clips

    @property
    def _outside(self) -> int:
        """The class of frames outside expressions, after the emotions."""
        return len(self.task.classes)

    @classmethod
    def looks_at_test_video(cls, tasks: frozenset[str], params: Any = None) -> str:
        """The unlabelled test data that these tasks and parameters use: extended intervals end at the video's mean score."""
        extended = isinstance(params, _Params) and params.intervals == "extended"
        return "video" if "spot" in tasks and extended else super().looks_at_test_video(tasks, params)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The motion of eighteen regions from each frame of the series to the next."""
        gap = self.params.step(timing.fps)
        steps = (self.params.face(), Flow(self.params.flow, k=gap, stride=gap), BoxMotion())
        return {MOTION_18: Chain(MOTION_18, steps)}

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both tasks; none with released weights."""
        return () if self.params.weights else (Stage("states", self.params.epochs, self.params.batch_size),)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load released weights if requested, and take the usual length of training expressions.

        Then it learns a threshold if required.
        """
        if self.params.weights:
            file = released_file(self.params.weights, [*train, *valid], (".pkl", ".pt", ".pth"))
            load(self.network, of_authors(torch_weights(file), self.task.classes), file)
        self.half_length = torch.tensor(self._half_median_length(train))
        super().fit_closed_form(train, valid)

    def _half_median_length(self, train: Sequence[LabelledVideo]) -> int:
        """Half the median length of micro-expressions in frames of the series, 1 at least; 0 without any."""
        lengths = sorted(
            e.offset // self._step(video) - e.onset // self._step(video)
            for video in train
            for e in video.expressions
            if e.kind == "micro"
        )
        return max(1, (lengths[len(lengths) // 2] + 1) // 2) if lengths else 0

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Windows with micro-expressions and some without: motion, scores, classes."""
        motions, scores, classes = [], [], []
        for video in train:
            motion = self._motion(video)
            micro = {e: label for e, label in zip(video.expressions, video.labels) if e.kind == "micro"}
            inside, named = label_frames(len(motion) + 1, micro, self._outside, self._step(video))
            motions.append(cut_motion(motion, self.params.window))
            scores.append(cut_labels(inside, self.params.window, beyond=0))
            classes.append(cut_labels(named, self.params.window, beyond=self._outside))
        x, y, y_classes = np.concatenate(motions), np.concatenate(scores), np.concatenate(classes)
        kept = sample_negatives(y.max(1), self.params.ratio, np.random.default_rng(self.seed))
        scored = torch.from_numpy(y_classes[kept])
        self.weights = balanced_weights(scored[scored != IGNORED], self._outside + 1)
        self.weights[-1] *= self.params.outside
        return Samples(torch.from_numpy(x[kept]), torch.from_numpy(y[kept]).float(), scored), None

    def _step(self, video: VideoView) -> int:
        return self.params.step(video.timing.fps)

    def _motion(self, video: VideoView) -> NDArray[np.float32]:
        """(frames of the series but the last, 18, 2)."""
        motion = video.features(MOTION_18)[:: self._step(video)].astype(np.float32)
        return np.asarray(motion.reshape(len(motion), N_REGIONS, 2))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        """Squared error of scores and cross-entropy of classes, weighed; motion is up to a tenth weaker or stronger."""
        self._last = None
        x, y, named = batch
        strength = torch.randint(90, 111, (len(x), 1, 1), device=x.device) / 100
        scores, classes = self.network(x * strength)
        loss, share = F.mse_loss(scores.sigmoid(), y), self.params.spotting
        if self._outside:
            loss = share * loss + (1 - share) * self._loss_of_classes(classes.flatten(0, 1), named.flatten())
        right = ((scores.detach() > 0) == (y > 0)).float().mean(1).sum()
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach(), right)
        return loss

    def _loss_of_classes(self, scores: Tensor, named: Tensor) -> Tensor:
        """Weighted cross-entropies of frames, scores (n, classes) and their classes (n,); 0 where no frame counts.

        The sum is divided by the number of counted frames, not by their weights: the public program gives classes as
        probabilities, for which PyTorch does this.
        """
        total = F.cross_entropy(scores, named, self.weights, ignore_index=IGNORED, reduction="sum")
        return total / (named != IGNORED).sum().clamp(min=1)

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam under one cycle of rates, which change after each step."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.params.lr)
        steps = int(self.trainer.estimated_stepping_batches)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.params.lr, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Other weights give other answers, so cached results are dropped."""
        self._last = None
        return super().load_state_dict(state_dict, strict, assign)

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _answers(self, video: VideoView) -> NDArray[np.float64]:
        """Score and raw scores of the emotions of each frame of the series, (n, 1 + classes)."""
        if self._last is not None and self._last[0] == video.key:
            return self._last[1]
        motion = self._motion(video)
        windows = torch.from_numpy(cut_motion(motion, self.params.window)).to(self.weights.device)
        parts = []
        for part in torch.split(windows, AT_ONCE):
            scores, classes = self.network(part)
            answers = torch.cat([scores.sigmoid()[..., None], classes[..., : self._outside]], dim=-1)
            parts.append(answers.double().cpu().numpy())
        found = join_windows(np.concatenate(parts), len(motion) + 1)
        self._last = video.key, found
        return found

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The score of each frame: that of the nearest preceding frame of the series; NaN after the last."""
        scores = np.repeat(self._answers(video)[:, 0], self._step(video))[: video.n_frames]
        return np.pad(scores, (0, video.n_frames - len(scores)), constant_values=np.nan)[:, None]

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Spotted intervals, without those most of whose frames have no emotion."""
        found = super().propose(video, scores)
        if self.params.synergy == "spotting" or not self._outside:
            return found
        return [one for one in found if not self._lacks_emotion(video, one.onset, one.offset)]

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[Spotted]:
        """Intervals from the scores of a video's frames, (n_frames,); see `extended_intervals`."""
        if self.params.intervals == "fixed":
            return super().spotted(timing, kind, scores, level)
        step = self.params.step(timing.fps)
        series = scores[::step]
        half_length = int(self.half_length) or max(1, round(timing.k_prime[kind] / step))
        found = extended_intervals(
            series[~np.isnan(series)],
            half_length,
            self.params.p,
            level,
            self.task.one_per_video,
            self.params.smoothing,
        )
        return [
            Spotted(one.onset * step, one.apex * step, min((one.offset + 1) * step, len(scores)) - 1, one.confidence)
            for one in found
        ]

    def _lacks_emotion(self, video: VideoView, onset: int, offset: int) -> bool:
        """Whether more frames of an interval have no emotion than have any single one."""
        emotions = self._emotions(video, onset, offset)
        chosen = np.pad(emotions, ((0, 0), (0, 1))).argmax(1)  # a frame has none if all emotions score below 0
        votes = np.bincount(chosen, minlength=self._outside + 1)
        return bool(votes[-1] > votes[:-1].max())

    def _emotions(self, video: VideoView, onset: int, offset: int) -> NDArray[np.float64]:
        """Raw scores of the emotions in the frames of an interval, (n, classes).

        Its ends are left out if there are other frames.
        """
        emotions, step = self._answers(video)[:, 1:], self._step(video)
        first, last = (min(max(frame // step, 0), len(emotions) - 1) for frame in (onset, offset))
        if last - first > 1:
            first, last = first + 1, last - 1
        return emotions[first : last + 1]

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """The most frequent emotion of a clip's frames, ties by summed probability; (n_clips, n_classes), rows sum to 1.

        Frames without an emotion vote only where no other frame does.
        """
        return np.stack([self._named(clip) for clip in clips])

    def _named(self, clip: ClipView) -> NDArray[np.float64]:
        emotions = self._emotions(clip.video, clip.onset, clip.offset)
        with_emotion = emotions[emotions.max(1) > 0]
        voting = with_emotion if len(with_emotion) else emotions
        shares = np.exp(voting - voting.max(1, keepdims=True))
        return vote(shares / shares.sum(1, keepdims=True))


Plugin = BoostingVRME
