"""ME-TST behind the contract: one network spots micro-expressions and names them, frame by frame."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import Chain, ClipView, LabelledVideo, Method, Stage, Task, Timing, VideoView
from mebench.features.maps import MOTION
from mebench.features.regions import SIDES_OF_NOSE
from mebench.training import Samples, sample_negatives, vote
from mebench.training.layers import balanced_weights
from mebench.training.released import load, released_file, torch_weights

from .network import TemporalStates, of_authors
from .params import Params as _Params
from .windows import IGNORED, frame_labels, in_windows, put_together, window_motion

AT_ONCE = 64


class METST(Method):
    """Windows of half overlap are read as a series of states; each frame gets a score and a class."""

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = TemporalStates(self._outside + 1)
        self.register_buffer("weights", torch.ones(self._outside + 1))
        self._last: tuple[str, NDArray[np.float64]] | None = (
            None  # a video is asked about for its scores and for each of its clips
        )

    @property
    def _outside(self) -> int:
        """The class of frames outside expressions, after the emotions."""
        return len(self.task.classes)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The motion of regions from each frame of the series to the next."""
        return self.params.series(timing.fps, sides_of_nose=True)

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both tasks; none with released weights."""
        return () if self.params.weights else (Stage("states", self.params.epochs, self.params.batch_size),)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load the released weights of a subject outside the training set, if requested; then learn the threshold, if
        required.
        """
        if self.params.weights:
            file = released_file(self.params.weights, [*train, *valid], (".pkl", ".pt", ".pth"))
            load(self.network, of_authors(torch_weights(file), self.task.classes), file)
        super().fit_closed_form(train, valid)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Windows with micro-expressions and some without: motion, scores, classes."""
        parts: list[list[NDArray[Any]]] = [[], [], []]
        for video in train:
            motion = self._motion(video)
            micro = {e: c for e, c in zip(video.expressions, video.labels) if e.kind == "micro"}
            labels = frame_labels(len(motion) + 1, micro, self._outside, self._step(video))
            parts[0].append(window_motion(motion, self.params.window))
            for part, of_frames, beyond in zip(parts[1:], labels, (0, self._outside)):
                part.append(in_windows(of_frames, self.params.window, beyond))
        x, y, named = (np.concatenate(part) for part in parts)
        kept = sample_negatives(y.max(1), self.params.ratio, np.random.default_rng(self.seed))
        scored = torch.from_numpy(named[kept])
        self.weights = balanced_weights(scored[scored != IGNORED], self._outside + 1)
        self.weights[-1] *= self.params.outside
        return Samples(torch.from_numpy(x[kept]), torch.from_numpy(y[kept]).float(), scored), None

    def _step(self, video: VideoView) -> int:
        return self.params.step(video.timing.fps)

    def _motion(self, video: VideoView) -> NDArray[np.float32]:
        """(frames of the series but the last, 12, 2)."""
        motion = video.features(MOTION)[:: self._step(video)].astype(np.float32)
        return np.asarray(motion.reshape(len(motion), len(SIDES_OF_NOSE), 2))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        """Squared error of scores and cross-entropy of classes, weighed; motion is up to a tenth weaker or stronger."""
        self._last = None
        x, y, named = batch
        strength = torch.randint(90, 111, (len(x), 1, 1), device=x.device) / 100
        scores, classes = self.network(x * strength)
        loss, share = F.mse_loss(scores.sigmoid(), y), self.params.spotting
        if self._outside:
            loss = share * loss + (1 - share) * self._of_classes(classes.flatten(0, 1), named.flatten())
        right = ((scores.detach() > 0) == (y > 0)).float().mean(1).sum()
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach(), right)
        return loss

    def _of_classes(self, scores: Tensor, named: Tensor) -> Tensor:
        """Cross-entropies of frames, scores (n, classes) and their classes (n,), times their weights; 0 where no frame
        counts.

        Summed over the counted frames and divided by their number, not by the sum of their weights: the public program
        gives classes as probabilities, for which PyTorch does this.
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
        """Of each frame of the series its score and the probabilities of the emotions, (n, 1 + classes)."""
        if self._last is not None and self._last[0] == video.key:
            return self._last[1]
        motion = self._motion(video)
        windows = torch.from_numpy(window_motion(motion, self.params.window)).to(self.weights.device)
        parts = []
        for part in torch.split(windows, AT_ONCE):
            scores, classes = self.network(part)
            emotions = classes[..., : self._outside].softmax(-1)
            parts.append(torch.cat([scores.sigmoid()[..., None], emotions], dim=-1).double().cpu().numpy())
        found = put_together(np.concatenate(parts), len(motion) + 1)
        self._last = video.key, found
        return found

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The score of each frame: that of the nearest preceding frame of the series; NaN after the last."""
        scores = np.repeat(self._answers(video)[:, 0], self._step(video))[: video.n_frames]
        return np.pad(scores, (0, video.n_frames - len(scores)), constant_values=np.nan)[:, None]

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """The most frequent emotion of a clip's frames, ties by summed probability; (n_clips, n_classes), rows sum to
        1.

        The first and the last frame of the series in the clip do not vote if there are others.
        """
        return np.stack([self._named(clip) for clip in clips])

    def _named(self, clip: ClipView) -> NDArray[np.float64]:
        emotions, step = self._answers(clip.video)[:, 1:], self._step(clip.video)
        first, last = (min(max(frame // step, 0), len(emotions) - 1) for frame in (clip.onset, clip.offset))
        if last - first > 1:
            first, last = first + 1, last - 1
        return vote(emotions[first : last + 1])


Plugin = METST
