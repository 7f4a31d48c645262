"""Block motion behind the contract: how blocks of the face move against their median, and a network over time."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import KINDS, Chain, Expression, LabelledVideo, Method, Stage, Task, Timing, VideoView
from mebench.errors import DataError
from mebench.features import BlockMeans, Flow
from mebench.training import window_labels

from .cut_out import MovingFilm, cut_expressions, pair_with_untouched
from .network import InFilm, OverTime, SharedBlocks, relative_motion
from .params import Params as _Params
from .windows import Added, Film, MotionWindows, mirrored, there_and_back

CHAIN = "motion_of_blocks"


class BlockMotion(Method):
    """A frame's score is the probability that it lies in an expression, by the motion before and after it."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = KINDS
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        networks = [_make_network(params) for _ in range(params.members)]
        self.members = nn.ModuleList(networks)
        self.reach = networks[0].reach

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The mean flow of each block over k frames, (blocks, blocks, 2)."""
        p = self.params
        flow = Flow(p.flow, k=timing.k, stride=p.stride)
        return {CHAIN: Chain(CHAIN, (p.face(), flow, BlockMeans(p.blocks, p.blocks)))}

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training of all members, which see the same windows."""
        return (Stage("spotting", self.params.epochs, self.params.batch_size, shuffle=False),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Random windows of motion, with the frames of both kinds of expressions.

        Raises:
            DataError: micro-expressions should be added, and none can be cut out of these videos.
        """
        p = self.params
        films = []
        for video in train:
            motion = self._motion(video)
            labels = self._labels(video, video.expressions, motion.shape[1])
            films.append(MovingFilm(video, motion, labels))
        if p.added:
            return self._windows_with_added(films), None
        return MotionWindows([(film.motion, film.labels) for film in films], p.blocks, p.window, p.mixed), None

    def _windows_with_added(self, films: Sequence[MovingFilm]) -> MotionWindows:
        """Windows of all films but those out of which micro-expressions are cut, which are added to them."""
        p = self.params
        expressions: list[Film] = []
        cut_from = set()
        for film, untouched in pair_with_untouched(films):
            cut_from.add(film.video.key)
            for expression, frames, motion in cut_expressions(film, untouched, p.rate):
                labels = self._labels(film.video, [expression], film.motion.shape[1])
                expressions.append((motion, labels[:, frames]))
        if not expressions:
            raise DataError(
                f"method.added={p.added:g} needs training videos of which there is a copy without their micro-expressions, as "
                "dataset=injected has, and there is none: add that dataset, or leave method.added out"
            )
        kept = [there_and_back(film.motion, film.labels, p.window) for film in films if film.video.key not in cut_from]
        return MotionWindows(kept, p.blocks, p.window, p.mixed, Added(expressions, p.added))

    def _labels(self, video: LabelledVideo, expressions: Sequence[Expression], n: int) -> Tensor:
        """1 in the frames of each kind of expression, from the pair on whose middle is its onset, (kinds, n)."""
        timing = video.timing
        own = window_labels(video.n_frames, expressions, timing.k // 2 + 1, KINDS)
        places = np.round(np.arange(n) * timing.fps / self.params.rate).astype(np.int64)
        return torch.from_numpy(own[np.minimum(places, len(own) - 1)].T.copy())

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Cross-entropy of both kinds, the sum over the members."""
        motion, labels = batch
        p = self.params
        inside = motion.new_tensor([p.inside if kind == "micro" else 1.0 for kind in KINDS])[:, None]
        shares = motion.new_tensor([1.0 if kind == "micro" else p.macro_weight for kind in KINDS])
        losses = []
        for member in self.members:
            errors = F.binary_cross_entropy_with_logits(member(motion), labels, reduction="none", pos_weight=inside)
            losses.append((errors.mean((0, 2)) * shares).sum())
        loss = torch.stack(losses).sum()
        self.history.add(self.stage, self.current_epoch, "train", len(motion), loss.detach() / p.members)
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Gradients of each member are at most 1 long."""
        for member in self.members:
            nn.utils.clip_grad_norm_(member.parameters(), 1.0)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW at a rate that rises and falls once."""
        p = self.params
        optimizer = torch.optim.AdamW(self.parameters(), lr=p.lr, weight_decay=p.weight_decay)
        steps = max(2, int(self.trainer.estimated_stepping_batches))
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, p.lr, total_steps=steps, pct_start=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    # -- prediction ---------------------------------------------------------------------------------------------------------

    def score_reach(self, timing: Timing) -> int:
        """What the network sees to both sides, and between two of its frames the next one."""
        if timing.fps == self.params.rate:
            return self.reach
        return int(np.ceil((self.reach + 1) * timing.fps / self.params.rate))

    @torch.no_grad()
    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Probability that a frame lies in an expression of each kind; NaN for the last k, which have no partner.

        It is the mean over the members, the face and the mirrored face.
        """
        n_pairs = len(video.features(CHAIN))
        scores = np.full((video.n_frames, len(self.task.kinds)), np.nan)
        if n_pairs == 0:
            return scores
        motion = self._motion(video)[None].to(self.device)
        both = torch.cat([motion, mirrored(motion, self.params.blocks)])
        raw = torch.stack([member(both) for member in self.members]).mean((0, 1)).sigmoid().double().cpu().numpy()
        times = np.arange(n_pairs) * self.params.rate / video.timing.fps
        for column, kind in enumerate(self.task.kinds):
            own = raw[KINDS.index(kind)]
            scores[:n_pairs, column] = np.interp(times, np.arange(len(own)), own)
        return scores

    def _motion(self, video: VideoView) -> Tensor:
        """Motion of each block against the head, and that of the head, in pixels of the crop a second.

        Shape: (channels, T), T frames at the network's rate.
        """
        flow = np.array(video.features(CHAIN), np.float32)
        n, timing, rate = len(flow), video.timing, self.params.rate
        blocks = torch.from_numpy(flow).reshape(n, self.params.blocks**2, 2) * (timing.fps / timing.k)
        motion = relative_motion(blocks, self.params.head).T.contiguous()
        if n == 0 or timing.fps == rate:
            return motion
        places = np.arange(math.ceil(n * rate / timing.fps)) * timing.fps / rate
        resampled = [np.interp(places, np.arange(n), channel) for channel in motion.numpy()]
        return torch.from_numpy(np.stack(resampled).astype(np.float32))

    def exportable(self) -> tuple[nn.Module, Tensor, tuple[str, ...]]:
        """All members on a whole film, from the flow of its blocks at the network's rate."""
        p = self.params
        gap = max(1, math.ceil(0.1 * p.rate - 1e-9))
        columns = [KINDS.index(kind) for kind in self.task.kinds]
        names = ("score",) if len(columns) == 1 else tuple(f"score_{kind}" for kind in self.task.kinds)
        example = torch.zeros(2**p.layers, p.blocks, p.blocks, 2)
        return InFilm(self.members, columns, p.rate / gap, p.head).eval(), example, names


def _make_network(params: _Params) -> OverTime | SharedBlocks:
    """One member, untrained."""
    p = params
    if p.network == "shared":
        return SharedBlocks(p.blocks, p.head, p.rate, len(KINDS), p.width, p.dropout)
    return OverTime(p.blocks**2, p.head, p.against_usual, len(KINDS), p.width, p.layers, p.dropout)


Plugin = BlockMotion
