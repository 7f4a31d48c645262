"""MTSN under the contract: one network for both kinds, which differ in the use of its scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import KINDS, Chain, Expression, Kind, LabelledVideo, Method, Stage, Task, Timing, VideoView
from mebench.features import EyesAndMouth, Flow, MaskEyes, MinMax, RemoveNoseMotion, Resize, Strain
from mebench.spotting import Spotted
from mebench.training import Samples, sample_negatives
from mebench.training.layers import squared_error
from mebench.training.released import load, released_file, torch_weights

from .intervals import intervals, smoothed
from .network import SIZE, TwoGaps, of_authors
from .params import Params as _Params

LONG, SHORT = "mtsn_long", "mtsn_short"
MACRO = 3
"""k' of macro-expressions over that of micro-expressions: 18 and 6, 111 and 37 frames in the program."""
AT_ONCE = 512


class MTSN(Method):
    """Scores each frame by how it differs from the next and from the one k' later."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = KINDS
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = TwoGaps(len(params.learnt))

    @classmethod
    def looks_at_test_video(cls, tasks: frozenset[str], params: Any = None) -> str:
        """`none`: peaks must reach a level that does not depend on the video."""
        return "none"

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Flow and strain of eyes and mouth over k' of micro-expressions (of macro-expressions a third), and over one
        frame.
        """
        p = self.params
        still = () if p.regions == "box" else (RemoveNoseMotion(), MaskEyes(p.eye_margin))
        maps = (Strain("forward"), *still, EyesAndMouth(p.regions), Resize(SIZE), MinMax())
        gaps = {LONG: self._k(timing), SHORT: 1}
        return {name: Chain(name, (p.face(), Flow(p.flow, k=k, stride=p.stride), *maps)) for name, k in gaps.items()}

    @staticmethod
    def _k(timing: Timing) -> int:
        return timing.k_prime["micro"] if "micro" in timing.k_prime else max(1, timing.k_prime["macro"] // MACRO)

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both kinds; none with released weights."""
        return () if self.params.weights else (Stage("scores", self.params.epochs, self.params.batch_size),)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Take the released weights, if they are asked for."""
        if self.params.weights:
            file = released_file(self.params.weights, [*train, *valid], (".pkl", ".pt", ".pth"))
            load(self.network, of_authors(torch_weights(file)), file)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """All frames inside expressions and as many outside, with hard and soft labels."""
        maps, labels = [self._maps(video) for video in train], []
        for video, x in zip(train, maps):  # one score for both kinds, or one for each
            every: list[Sequence[Expression]] = [video.expressions]
            if self._apart:
                every = [[e for e in video.expressions if e.kind == kind] for kind in KINDS]
            labels.append(np.stack([np.stack(frame_labels(len(x), own), axis=1) for own in every], axis=2))
        y = np.concatenate(labels)
        # Where each kind has a score, those of micro-expressions are positives.
        kept = sample_negatives(y[:, 0], self.params.negatives, np.random.default_rng(self.seed))
        ends = np.cumsum([0, *map(len, maps)])
        parts = [x[kept[(kept >= a) & (kept < b)] - a] for x, a, b in zip(maps, ends, ends[1:])]
        return Samples(torch.from_numpy(np.concatenate(parts)), torch.from_numpy(y[kept])), None

    @staticmethod
    def _maps(video: VideoView) -> NDArray[np.float16]:
        """(n, 6, 28, 28) of the frames that have a partner over both gaps."""
        long, short = video.features(LONG), video.features(SHORT)
        both = np.concatenate([long, short[: len(long)]], axis=-1)
        return np.ascontiguousarray(both.transpose(0, 3, 1, 2), np.float16)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Squared errors against hard and soft labels, weighed; of several kinds the sum, so that each learns as it would alone."""
        x, y = batch
        scores, hard = self.network(x.float()).sigmoid(), self.params.hard
        loss = hard * squared_error(scores, y[:, 0]) + (1 - hard) * squared_error(scores, y[:, 1])
        right = ((scores.detach() > 0.5) == (y[:, 0] > 0)).all(1).sum()
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach(), right)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam at a fixed rate."""
        return torch.optim.Adam(self.network.parameters(), lr=self.params.lr)

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The network's score of each frame, the same for all kinds but with `macro=class`; NaN for the last k', which
        have no partner.
        """
        scores = np.full((video.n_frames, len(self.params.learnt)), np.nan)
        x = torch.from_numpy(self._maps(video)).to(self.device)
        for start in range(0, len(x), AT_ONCE):
            part = self.network(x[start : start + AT_ONCE].float()).sigmoid()
            scores[start : start + len(part)] = part.double().cpu().numpy()
        micro = spotting.less_macro(scores, self._k(video.timing))
        return np.concatenate([micro if kind == "micro" else scores[:, -1:] for kind in self.task.kinds], axis=1)

    @property
    def _apart(self) -> bool:
        """Whether each kind has a score of its own."""
        return len(self.params.learnt) > 1

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[Spotted]:
        """Peaks of the smoothed scores above a level; a micro-expression's must be well above what macro-expressions
        smooth there.
        """
        p, k, only = self.params, timing.k_prime[kind], self.task.one_per_video
        own = scores[~np.isnan(scores)]
        found = intervals(own, k, p.level, p.reach, (p.shortest, p.longest), only)
        if kind == "micro" and not only and not self._apart:
            # Whether macro-expressions are asked for, too, must change nothing about micro-expressions.
            macro = smoothed(own, MACRO * k)
            # As the public code compares them: at the same place of both curves, which begin k' frames into the video each.
            found = [
                one
                for one in found
                if not len(macro) or one[0].confidence - macro[min(one[1], len(macro) - 1)] > p.difference
            ]
        return [one for one, _ in found]


def frame_labels(n: int, expressions: Sequence[Expression]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hard and soft labels of n frames: 1 from onset to offset; and rising from 0 at the onset to 1 at the apex and
    back.
    """
    hard, soft = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for e in expressions:
        frames = np.arange(e.onset, min(e.offset + 1, n))
        hard[frames] = 1
        up = (frames - e.onset) / max(e.peak - e.onset, 1)
        down = (e.offset - frames) / max(e.offset - e.peak, 1)
        soft[frames] = np.where(frames == e.peak, 1, np.where(frames < e.peak, up, down))
    return hard, soft


Plugin = MTSN
