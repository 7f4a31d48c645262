"""TSMSNet behind the contract: a network that scores frames and one that joins intervals, for each kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import KINDS, Chain, Kind, LabelledVideo, Method, Prediction, Stage, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.features import EyesAndMouth, Flow, MaskEyes, RemoveNoseMotion, Strain
from mebench.training import MappedSamples, sample_negatives, window_labels
from mebench.training.layers import squared_error
from mebench.training.released import load, released_file, torch_weights

from .network import JOINING, SCORING, FrameNetwork, SegmentNetwork, of_authors
from .params import Params as _Params
from .segments import Segments, joined, read, scaled, segment_labels

AT_ONCE = 512


class TSMSNet(Method):
    """Each frame is scored by its motion over K frames; peaks become intervals, and neighbours that belong together
    one.
    """

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = KINDS
    transductive = "video"  # a relative threshold uses the test video's own mean and maximum
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.scoring = nn.ModuleDict({kind: FrameNetwork(len(self._learnt(kind))) for kind in task.kinds})
        self.joining = nn.ModuleDict({kind: SegmentNetwork(params.segment) for kind in task.kinds if params.join})

    def _learnt(self, kind: str) -> tuple[str, ...]:
        """The kinds that the first network of a kind scores, its own first."""
        return self.params.learnt if kind == "micro" else (kind,)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Flow and strain of eyes and mouth, for each kind over K frames and over a step of a segment."""
        p = self.params
        still = () if p.regions == "box" else (_NOSE, MaskEyes(p.eye_margin, outline="released_code"))
        maps = (Strain("forward"), *still, EyesAndMouth(p.regions))
        flows = {}
        for kind in self.task.kinds:
            flows[_long(kind)] = Flow(p.flow, k=self._width(timing, kind), stride=p.stride)
            if p.join:
                step = self._step(timing, kind)
                flows[_short(kind)] = Flow(p.flow, k=step, stride=step)
        return {name: Chain(name, (p.face(), flow, *maps)) for name, flow in flows.items()}

    def _width(self, timing: Timing, kind: Kind) -> int:
        """K, in frames."""
        return max(1, round(self.params.width * timing.k_prime[kind]))

    def _step(self, timing: Timing, kind: Kind) -> int:
        """Frames from one map of a segment to the next, so that all of them cover 2K as nearly as whole steps can, or
        more where 2K frames have fewer maps.
        """
        return max(1, round(2 * self._width(timing, kind) / self.params.segment))

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """For each kind first the scores, then the segments; none with released weights."""
        p = self.params
        if p.weights:
            return ()
        return tuple(
            stage
            for kind in self.task.kinds
            for stage in (
                Stage(kind, p.epochs, p.batch_size),
                *([Stage(f"{kind} segments", p.epochs, p.batch_size_join)] if p.join else []),
            )
        )

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load the released weights of a subject outside the training set, if requested; then learn the threshold, if
        required.
        """
        p, both = self.params, (("1st", self.scoring, SCORING), ("2nd", self.joining, JOINING))
        subject = rf"net_min_loss_(\d{{{3 if p.weights_of == 'samm' else 2}}})"
        for kind in self.task.kinds if p.weights is not None else ():
            for stage, networks, parts in both[: 1 + p.join]:
                folder = Path(p.weights or "", stage, f"{p.weights_of}-{kind}")
                file = released_file(folder, [*train, *valid], (".pt",), subject)
                load(networks[kind], of_authors(torch_weights(file), parts), file)
        super().fit_closed_form(train, valid)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Frames whose K frames overlap an expression, and frames without overlap; or segments, half of them of an
        expression.
        """
        kind: Any = stage.split()[0]
        make = self._frames if stage == kind else self._segments
        return make(kind, train), None

    def _frames(self, kind: Kind, train: Sequence[LabelledVideo]) -> TorchDataset[Any]:
        maps = [video.features(_long(kind)) for video in train]
        labels = np.concatenate(
            [
                window_labels(len(x), v.expressions, self._width(v.timing, kind) + 1, self._learnt(kind))
                for v, x in zip(train, maps)
            ]
        )
        rows, most = np.arange(len(labels)), self.params.negatives
        if most is not None:
            rows = sample_negatives(labels, most, np.random.default_rng(self.seed))
        return MappedSamples(maps, rows, torch.from_numpy(labels[rows]))

    def _segments(self, kind: Kind, train: Sequence[LabelledVideo]) -> TorchDataset[Any]:
        maps, rows, length = [video.features(_short(kind)) for video in train], [], self.params.segment
        for place, (video, x) in enumerate(zip(train, maps)):
            step, own = self._step(video.timing, kind), [e for e in video.expressions if e.kind == kind]
            firsts, labels = segment_labels(len(x), step, length, own)
            rows += [(place, first, step, label) for first, label in zip(firsts.tolist(), labels.tolist())]
        every = np.array(rows, np.int64).reshape(-1, 4)
        inside, outside = (np.flatnonzero(every[:, 3] == label) for label in (1, 0))
        frames = min(2 * self._width(video.timing, kind) for video in train)
        if not len(inside) and frames < length:
            raise ConfigError(
                f"method.segment={length} is longer than 2K = {frames} frames of {kind}-expressions, so no segment "
                f"fits: choose method.segment={frames} or less, 3 at least; or method.join=false"
            )
        if len(outside):
            outside = np.random.default_rng(self.seed).choice(outside, len(inside))
        return Segments(maps, every[np.concatenate([inside, outside])], length)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Squared error of scores, of several kinds the sum, so that each learns as it would alone; cross-entropy of segments."""
        (x, y), kind = batch, self.stage.split()[0]
        if self.stage == kind:
            scores = self.scoring[kind](self._input(x))
            loss = squared_error(scores, y)
            right = ((scores.detach() > 0.5) == (y > 0)).all(1).sum()
        else:
            answers = self.joining[kind](x)
            loss, right = F.cross_entropy(answers, y), (answers.detach().argmax(1) == y).sum()
        self.history.add(self.stage, self.current_epoch, "train", len(y), loss.detach(), right)
        return loss

    def _input(self, x: Tensor) -> Tensor:
        return scaled(x) if self.params.normalise else x

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adamax at a fixed rate, for the network of the stage."""
        kind = self.stage.split()[0]
        network = (self.scoring if self.stage == kind else self.joining)[kind]
        p = self.params
        return torch.optim.Adamax(network.parameters(), lr=p.lr, betas=(0.9, 0.99), weight_decay=p.weight_decay)

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The first network's output for each frame and kind; NaN for the last K of a kind, which have no partner."""
        return np.concatenate([self._scores(video, kind) for kind in self.task.kinds], axis=1)

    def _scores(self, video: VideoView, kind: Kind) -> NDArray[np.float64]:
        """Scores of one kind, (n_frames, 1)."""
        scores, maps = np.full((video.n_frames, len(self._learnt(kind))), np.nan), video.features(_long(kind))
        for start in range(0, len(maps), AT_ONCE):
            x = torch.from_numpy(np.asarray(maps[start : start + AT_ONCE], np.float32)).permute(0, 3, 1, 2)
            part = self.scoring[kind](self._input(x.to(self.device)))
            scores[start : start + len(part)] = part.double().cpu().numpy()
        return spotting.less_macro(scores, video.timing.k_prime[kind])

    def score_lead(self, timing: Timing, kind: Kind) -> int:
        """Labels begin K frames before the onset."""
        return self._width(timing, kind)

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[spotting.Spotted]:
        """The intervals from the scores alone, without joining, for learning an absolute threshold."""
        return self._anchored(timing, kind, self._peaks(timing, kind, scores, level))

    def _peaks(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None
    ) -> list[spotting.Spotted]:
        """Peaks of the unsmoothed scores at distances of 2K frames, each with K frames on both sides."""
        own, width = scores[~np.isnan(scores)], self._width(timing, kind)
        if not len(own):
            return []
        height = spotting.threshold(own, self.params.p) if level is None else level
        peaks = spotting.peaks_of(own, height, 2 * width, self.task.one_per_video).tolist()
        return [spotting.Spotted(peak - width, peak, peak + width, float(own[peak])) for peak in peaks]

    def _anchored(self, timing: Timing, kind: Kind, found: Sequence[spotting.Spotted]) -> list[spotting.Spotted]:
        return [spotting.anchored(one, self.params.anchor, self.score_lead(timing, kind)) for one in found]

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Intervals from the scores; neighbours that the second network classifies as parts of an expression are
        merged.
        """
        found, timing = [], video.timing
        for column, (kind, level) in enumerate(self.levels().items()):
            own = self._peaks(timing, kind, scores[:, column], level)
            if self.params.join and len(own) > 1:
                own = joined(own, self._belong(video, kind, own), 2 * self._width(timing, kind))
            found += [Prediction(video.key, kind, *one) for one in self._anchored(timing, kind, own)]
        return found

    @torch.no_grad()
    def _belong(self, video: VideoView, kind: Kind, found: Sequence[spotting.Spotted]) -> list[bool]:
        maps, step = video.features(_short(kind)), self._step(video.timing, kind)
        segments = torch.stack([read(maps, s.onset, step, self.params.segment) for s in found])
        answers: list[bool] = (self.joining[kind](segments.to(self.device)).argmax(1) == 1).tolist()
        return answers


_NOSE = RemoveNoseMotion(variant="released_code")


def _long(kind: str) -> str:
    return f"tsmsnet_{kind}"


def _short(kind: str) -> str:
    return f"tsmsnet_{kind}_steps"


Plugin = TSMSNet
