"""Concat-CNN behind the contract: windows of a series are judged one by one, and those that follow each other become
intervals.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.annotations import ACTION_UNITS, UNITS
from mebench.core import KINDS, Chain, Kind, LabelledVideo, Method, Prediction, Stage, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.features.maps import MOTION
from mebench.features.regions import POINTS
from mebench.spotting import stretches
from mebench.training import Samples

from .network import ConcatNetwork
from .params import Params as _Params
from .windows import Span, best_level, firsts, mostly_inside, negatives, positives, with_neighbours


class ConcatCNN(Method):
    """Learns windows in and outside expressions of any kind; the length of an interval gives its kind."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = KINDS
    selects = True  # the epoch, the steps of the rate, and the level
    params: _Params

    mean: Tensor
    deviation: Tensor
    level: Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        channels = len(UNITS) if params.features == "action_units" else 2 * len(POINTS)
        self.network = ConcatNetwork(channels, params.length, params.kernels, params.conv_stride)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.register_buffer("level", torch.tensor(0.5).double())

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Action units, which only a dataset brings, or the motion of regions."""
        if self.params.features == "motion":
            return self.params.series(timing.fps)
        advice = (
            "give the folder of OpenFace's files as dataset.openface=FOLDER, or use features that "
            "mebench computes, method.features=motion"
        )
        return {ACTION_UNITS: Chain(ACTION_UNITS, (), advice=advice)}

    def _series(self, video: VideoView) -> NDArray[np.float32]:
        """(frames of the series, channels)."""
        name = MOTION if self.params.features == "motion" else ACTION_UNITS
        rows = video.features(name)[:: self.params.step(video.timing.fps)]
        return np.asarray(rows.reshape(len(rows), -1), np.float32)

    def _spans(self, video: LabelledVideo) -> list[Span]:
        """Expressions of both kinds in frames of the series."""
        step = self.params.step(video.timing.fps)
        return [(e.onset // step, e.offset // step) for e in video.expressions]

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both kinds."""
        return (Stage("windows", self.params.epochs, self.params.batch_size),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Windows in and outside expressions, and whether they are inside. Motion is brought to mean 0 and deviation 1."""
        if self.params.features == "motion":
            every = torch.from_numpy(np.concatenate([self._series(video) for video in train]))
            self.mean, self.deviation = every.mean(0), every.std(0).clamp(min=1e-6)
        learnt, watched = self._samples(train), self._samples(valid)
        if not len(learnt) and any(video.expressions for video in train):
            raise ConfigError(
                f"no expression to train on holds a window of method.length={self.params.length} frames at method.fps={self.params.fps:g}: "
                "choose method.short=true, a smaller method.length, or a larger method.fps"
            )
        return learnt, watched if len(watched) else None

    def _samples(self, videos: Sequence[LabelledVideo]) -> Samples:
        p, windows, labels = self.params, list[Tensor](), list[float]()
        for video in videos:
            x, spans = torch.from_numpy(self._series(video)), self._spans(video)
            inside = positives(len(x), spans, p.length, p.hop, p.short)
            outside = negatives(len(x), spans, p.length, p.negatives * len(inside), p.variant == "mended")
            windows += [x[i : i + p.length] for i in (*inside, *outside)]
            labels += [1.0] * len(inside) + [0.0] * len(outside)
        return Samples(
            torch.stack(windows) if windows else torch.empty(0, p.length, len(self.mean)), torch.tensor(labels)
        )

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Squared error of the probabilities."""
        return self._loss(batch, "train")

    def _loss(self, batch: tuple[Tensor, Tensor], split: Any) -> Tensor:
        x, y = batch
        answers = self.network(self._normalised(x))
        loss = F.mse_loss(answers, y)
        self.history.add(
            self.stage, self.current_epoch, split, len(y), loss.detach(), ((answers > 0.5) == (y > 0)).sum()
        )
        return loss

    def _normalised(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, with Keras' epsilon; its rate falls when the validation loss does not improve."""
        p = self.params
        optimizer = torch.optim.Adam(self.network.parameters(), lr=p.lr, eps=1e-7)
        self._rate = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=p.lr_decay, patience=p.lr_patience - 1, threshold=1e-4, threshold_mode="abs"
        )
        self._lowest, self._best, self._kept = float("inf"), 0, dict[str, Tensor]()
        return optimizer

    def on_validation_epoch_start(self) -> None:
        """No window is counted yet."""
        self._sum, self._count = 0.0, 0

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Count the loss of a batch."""
        self._sum += float(self._loss(batch, "valid")) * len(batch[1])
        self._count += len(batch[1])

    def on_validation_epoch_end(self) -> None:
        """Remember the weights of the lowest loss, of equal ones the first; stop when it has been the lowest for long."""
        loss = self._sum / self._count
        if loss < self._lowest:
            self._lowest, self._best = loss, self.current_epoch
            self._kept = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self._rate.step(loss)
        self.trainer.should_stop = self.current_epoch - self._best >= self.params.patience

    def on_train_end(self) -> None:
        """Take them."""
        if self._kept:
            self.network.load_state_dict(self._kept)
            self.notes["best_epoch"] = float(self._best)
            self._kept = {}

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """The level of the largest F1 of windows, which `level` may replace."""
        p, videos = self.params, valid or train
        answers = np.concatenate([self._probabilities(video) for video in videos])
        truth = [mostly_inside(len(self._series(v)), self._spans(v), p.length, p.hop) for v in videos]
        self.level = torch.tensor(best_level(answers, np.concatenate(truth))).double()
        self.notes["level"] = float(self.level)

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _probabilities(self, video: VideoView) -> NDArray[np.float64]:
        """The network's output for each window of a video."""
        p, x = self.params, torch.from_numpy(self._series(video)).to(self.mean.device)
        if len(x) < p.length:
            return np.empty(0)
        windows = self._normalised(x).unfold(0, p.length, p.hop).transpose(1, 2)
        found: NDArray[np.float64] = self.network(windows).double().cpu().numpy()
        return found

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Mean probability of the windows that contain a frame, equal for both kinds; NaN outside all windows."""
        p, step = self.params, self.params.step(video.timing.fps)
        sums, counts = np.zeros((2, video.n_frames))
        for first, probability in zip(firsts(len(self._series(video)), p.length, p.hop), self._probabilities(video)):
            sums[first * step : (first + p.length) * step] += probability
            counts[first * step : (first + p.length) * step] += 1
        scores = np.divide(sums, counts, out=np.full(video.n_frames, np.nan), where=counts > 0)
        return np.repeat(scores[:, None], len(self.task.kinds), axis=1)

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Windows above the level that follow each other; in videos of one expression the surest of them, or the surest
        window.
        """
        p, step, answers = self.params, self.params.step(video.timing.fps), self._probabilities(video)
        inside = answers > (float(self.level) if p.level is None else p.level)
        found = stretches(with_neighbours(inside) if p.smooth else inside, p.gap)
        if p.variant == "released_code":
            found = [(first, last) for first, last in found if last + p.gap + 1 < len(answers)]
        if self.task.one_per_video and len(answers):
            single = int(answers.argmax())
            found = [max(found or [(single, single)], key=lambda run: answers[run[0] : run[1] + 1].mean())]
        predictions = []
        for first, last in found:
            onset, offset = first * p.hop * step, (last * p.hop + p.length) * step - 1
            kind: Kind = "micro" if offset - onset < p.micro_below * video.timing.fps else "macro"
            if self.task.one_per_video and len(self.task.kinds) == 1:
                (kind,) = self.task.kinds
            if kind in self.task.kinds:
                apex = (first + int(answers[first : last + 1].argmax())) * p.hop * step + p.length * step // 2
                predictions.append(
                    Prediction(
                        video.key,
                        kind,
                        onset,
                        apex,
                        min(offset, video.n_frames - 1),
                        float(answers[first : last + 1].mean()),
                    )
                )
        return predictions


Plugin = ConcatCNN
