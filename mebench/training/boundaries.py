"""Networks that find onset, apex and offset in the motion of regions, such as ABPN."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import (
    KINDS,
    Chain,
    Expression,
    LabelledVideo,
    Method,
    Prediction,
    Stage,
    Task,
    Timing,
    VideoView,
)
from mebench.features import MOTION
from mebench.features.maps import MotionParams
from mebench.features.regions import POINTS
from mebench.training.samples import Samples

CONTEXT = 7
"""Frames of the series before and after a segment that a network reads too: half of 15, the receptive field of ABPN and AUW-GCN."""
START = 0
END = 1
NEITHER = 2
"""The classes of a boundary."""
AROUND = {"micro": 1, "macro": 3}
"""Frames of the series on both sides of an onset, apex or offset that are labelled like it."""
BELL = 4.0
"""Standard deviation, in frames of the series, of the label around an apex."""
OUTPUTS = 10
"""Channels: start, end, neither of micro, the same of macro, apex of both, action of both."""
FIRST_APEX = 6
FIRST_ACTION = 8


class BoundaryNetwork(Method, ABC):
    """Learns from segments of series; each likely apex proposes an interval from the likeliest onset to the likeliest offset.

    A subclass defines `build`: (N, T, regions, 2) to (N, 10, T), see `OUTPUTS`; the number of frames around a
    segment that it reads too, `context`; and the loss of boundaries, `edges`: from raw (N, 3, T) and classes (N, T).
    Both kinds are always learnt.
    """

    tasks = frozenset({"spot"})
    kinds: ClassVar[tuple[str, ...]] = KINDS
    context: ClassVar[int] = CONTEXT
    params: MotionParams

    mean: Tensor
    deviation: Tensor

    def __init__(self, params: MotionParams, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = self.build()
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("deviation", torch.ones(2))

    @abstractmethod
    def build(self) -> nn.Module:
        """The network."""

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The series of each video."""
        return self.params.series(timing.fps)

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both kinds."""
        return (Stage("boundaries", self.params.epochs, self.params.batch_size),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Segments that hold a part of an expression: series, classes of boundaries, apexes, actions."""
        series = [self._series(video) for video in train]
        every = torch.from_numpy(np.concatenate(series)).reshape(-1, 2)
        self.mean = every.mean(0)
        self.deviation = every.std(0).clamp(min=1e-6)
        cut: list[tuple[NDArray[Any], ...]] = []
        for video, x in zip(train, series):
            step = self.params.step(video.timing.fps)
            bounds, apexes, actions = _labels_of_kinds(len(x), video.expressions, step)
            cut += cut_segments(x, bounds, apexes, actions, self.params.segment, self.context)
        if not cut:
            return Samples(*[torch.empty(0, 1)] * 4), None
        arrays = [np.stack(part) for part in zip(*cut)]
        return Samples(*map(torch.from_numpy, arrays)), None

    def _series(self, video: VideoView) -> NDArray[np.float32]:
        """(frames of the series, regions, 2)."""
        features = video.features(MOTION)[:: self.params.step(video.timing.fps)].astype(np.float32)
        return np.asarray(features.reshape(len(features), len(POINTS), 2))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], index: int) -> Tensor:
        """The loss of a batch of segments."""
        x, *labels = batch
        loss = self.loss(self.normalised(x), *labels)
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach())
        return loss

    def loss(self, x: Tensor, bounds: Tensor, apexes: Tensor, actions: Tensor) -> Tensor:
        """Loss of segments with their surroundings, (N, context + T + context, regions, 2); labels are (N, T, kinds)."""
        return self.loss_of(self.network(x)[:, :, self.context : -self.context], bounds, apexes, actions)

    def loss_of(self, outputs: Tensor, bounds: Tensor, apexes: Tensor, actions: Tensor) -> Tensor:
        """The summed losses of boundaries, apexes and actions, of (N, 10, T) raw."""
        losses = []
        for place, kind in enumerate(KINDS):
            edges = self.edges(outputs[:, _edge_channels(place)], bounds[:, :, place])
            apex = probability_loss(outputs[:, FIRST_APEX + place], apexes[:, :, place], 0.9)
            action = probability_loss(outputs[:, FIRST_ACTION + place], actions[:, :, place], 0.8)
            weighed = (1.8 if kind == "micro" else 1.0) * apex + edges + 0.1 * action
            losses.append(weighed if kind == "micro" else self.params.macro_weight * weighed)
        return torch.stack(losses).sum()

    @staticmethod
    def edges(outputs: Tensor, classes: Tensor) -> Tensor:
        """Focal cross-entropy of exponent 1 over start, end and neither (the published programs).

        Start and end have a weight of .45 each, neither of .1.

        Args:
            outputs: (N, 3, T) raw.
            classes: (N, T).
        """
        log_p = F.log_softmax(outputs, dim=1).gather(1, classes[:, None])[:, 0]
        weight = outputs.new_tensor([0.45, 0.45, 0.1])[classes]
        return -(weight * (1 - log_p.exp()) * log_p).mean()

    def normalised(self, x: Tensor) -> Tensor:
        """Each direction brought to mean 0 and variance 1 over the training videos."""
        return (x - self.mean) / self.deviation

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW at a falling rate, without weight decay of biases and normalisation."""
        p = self.params
        decaying = [w for w in self.network.parameters() if w.dim() > 1]
        others = [w for w in self.network.parameters() if w.dim() == 1]
        groups = [{"params": decaying, "weight_decay": p.weight_decay}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=p.lr)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.ExponentialLR(optimizer, p.lr_decay)}

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _answers(self, video: VideoView) -> NDArray[np.float64]:
        """The network's outputs for each frame of the series, (10, T)."""
        x = torch.from_numpy(self._series(video)).to(self.mean.device)
        if not len(x):
            return np.empty((OUTPUTS, 0))
        return self.network(self.normalised(x)[None])[0].double().cpu().numpy()  # type: ignore[no-any-return]

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Probability of an apex for each frame and kind.

        It is that of the nearest earlier frame of the series; NaN after the last.

        """
        channels = [FIRST_APEX + KINDS.index(kind) for kind in self.task.kinds]
        apexes = sigmoid(self._answers(video)[channels]).T
        scores = np.repeat(apexes, self.params.step(video.timing.fps), axis=0)[: video.n_frames]
        return np.pad(scores, ((0, video.n_frames - len(scores)), (0, 0)), constant_values=np.nan)

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """The most confident intervals of each kind; in videos of one expression the most confident one."""
        p = self.params
        step = self.params.step(video.timing.fps)
        answers = self._answers(video)
        found = []
        for kind in self.task.kinds:
            place = KINDS.index(kind)
            k = max(1.0, video.timing.k_prime[kind] / step)
            start, end, _ = softmax(answers[_edge_channels(place)], axis=0)
            apex = sigmoid(answers[FIRST_APEX + place])
            farthest = p.farthest * k if p.longest_frames is None else p.longest_frames[place] / 2
            reach = (max(1, round(p.nearest * k)), max(1, round(farthest)))
            proposed = find_proposals(start, end, apex, reach, p.apex_threshold)
            most = np.inf if p.longest is None else p.longest * 2 * k
            fitting = [s for s in proposed if p.shortest * 2 * k <= s.offset - s.onset <= most]
            for s in spotting.suppress(fitting, p.nms, 1 if self.task.one_per_video else p.top):
                offset = min((s.offset + 1) * step - 1, video.n_frames - 1)
                found.append(Prediction(video.key, kind, s.onset * step, s.apex * step, offset, s.confidence))
        return found


def _edge_channels(place: int) -> slice:
    """The channels of start, end and neither, of the kind at a place in `KINDS`."""
    return slice(3 * place, 3 * place + 3)


def find_proposals(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    apex: NDArray[np.float64],
    reach: tuple[int, int],
    threshold: float,
) -> list[spotting.Spotted]:
    """An interval for each frame whose apex is likely: to the likeliest start before and the likeliest end after it.

    One whose first frame looks rather like an end, or its last like a start, is dropped.

    Args:
        start: (n,) probability that an expression begins in a frame.
        end: (n,) that one ends.
        apex: (n,) that one has its apex there.
        reach: distances from the apex, in frames, at which start and end are searched: least and greatest, inclusive;
            the first and last frames are repeated beyond the ends.
        threshold: threshold of the apex's probability, which must be above it.

    Returns:
        By time; the confidence is the product of the three probabilities.
    """
    found = []
    last = len(apex) - 1
    around = np.arange(reach[0], reach[1] + 1)
    for peak in np.flatnonzero(apex > threshold).tolist():
        before = np.maximum(peak - around, 0)
        after = np.minimum(peak + around, last)
        onset = int(before[start[before].argmax()])
        offset = int(after[end[after].argmax()])
        if start[onset] > end[onset] and start[offset] < end[offset]:
            confidence = float(start[onset] * end[offset] * apex[peak])
            found.append(spotting.Spotted(onset, peak, offset, confidence))
    return found


def _labels_of_kinds(n: int, expressions: Sequence[Expression], step: int) -> tuple[NDArray[Any], ...]:
    """Classes of boundaries, apexes and actions of a series, each (n, kinds)."""
    of_kinds = []
    for kind in KINDS:
        of_kind = [e for e in expressions if e.kind == kind]
        of_kinds.append(boundary_labels(n, of_kind, AROUND[kind], step))
    return tuple(np.stack(part, axis=1) for part in zip(*of_kinds))


def boundary_labels(
    n: int, expressions: Sequence[Expression], around: int, step: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Labels of a series of n frames for some expressions, each (n,).

    Args:
        n: frames of the series.
        expressions: expressions of one kind, in frames of the video.
        around: frames on both sides that are labelled like an onset, apex or offset.
        step: frames of the video from one of the series to the next.

    Returns:
        Classes of boundaries (start, end, neither; an end where both are near), how near an apex is (1 there, falling as a
        normal density does), and whether an expression goes on.
    """
    bounds = np.full(n, NEITHER, np.int64)
    apex = np.zeros(n, np.float32)
    action = np.zeros(n, np.float32)
    placed = [(e.onset // step, e.peak // step, e.offset // step) for e in expressions]
    for class_, place in ((START, 0), (END, 2)):
        for ends in placed:
            bounds[max(ends[place] - around, 0) : ends[place] + around + 1] = class_
    for onset, peak, offset in placed:
        near = np.arange(max(peak - around, 0), min(peak + around + 1, n))
        apex[near] = np.exp(-((near - peak) ** 2) / (2 * BELL**2))
        action[onset : offset + 1] = 1
    return bounds, apex, action


def cut_segments(
    x: NDArray[np.float32],
    bounds: NDArray[Any],
    apexes: NDArray[Any],
    actions: NDArray[Any],
    length: int,
    context: int = CONTEXT,
) -> list[tuple[NDArray[Any], ...]]:
    """Series and labels cut into segments; those without any action are left out.

    Args:
        x: (n, regions, 2).
        bounds: (n, kinds), and so are the other two.
        apexes: see `boundary_labels`.
        actions: the same.
        length: length of a segment; beyond the series nothing moves, and nothing is labelled.
        context: frames before and after a segment.

    Returns:
        For each segment x, (length + 2 context, regions, 2), and its labels, (length, kinds).
    """
    padded_length = -(-len(x) // length) * length
    padded = np.pad(x, ((context, context + padded_length - len(x)), (0, 0), (0, 0)))
    rest = ((0, padded_length - len(x)), (0, 0))
    labels = [np.pad(bounds, rest, constant_values=NEITHER), np.pad(apexes, rest), np.pad(actions, rest)]
    return [
        (padded[first : first + length + 2 * context], *(part[first : first + length] for part in labels))
        for first in range(0, padded_length, length)
        if labels[2][first : first + length].any()
    ]


def probability_loss(outputs: Tensor, truth: Tensor, alpha: float, smoothing: float = 0.16) -> Tensor:
    """Focal loss of probabilities between 0 and 1, of exponent 1 (the published programs).

    Args:
        outputs: logits.
        truth: from 0 to 1; what is above 0 is positive.
        alpha: weight of positives; 1 - alpha is that of the others.
        smoothing: added to the error of negatives.
    """
    p = outputs.sigmoid()
    positive = truth > 0
    right = alpha * (truth - p).abs() * (p + 1e-5).log()
    wrong = (1 - alpha) * (truth + smoothing - p).abs() * (1 - p + 1e-5).log()
    return -torch.where(positive, right, wrong).mean()


def head(channels: int) -> list[nn.Module]:
    """The layers that ABPN and AUW-GCN share: (N, channels, T) to (N, 10, T), a receptive field of 11 frames; without biases."""
    layers: list[nn.Module] = []
    for before, size, dilation in ((channels, 1, 1), (64, 3, 1), (64, 3, 2)):
        conv = nn.Conv1d(before, 64, size, padding=dilation * (size // 2), dilation=dilation, bias=False)
        layers += [conv, nn.BatchNorm1d(64), nn.ReLU()]
    layers.append(nn.Conv1d(64, OUTPUTS, 3, padding=2, dilation=2, bias=False))
    for layer in layers:
        if isinstance(layer, nn.Conv1d):
            nn.init.kaiming_normal_(layer.weight)
    return layers


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x))."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))
