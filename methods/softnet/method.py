"""SOFTNet behind the contract: a network for each kind, trained on its own labels, scores for each frame."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from operator import setitem
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import Chain, Kind, LabelledVideo, Method, Stage, Task, Timing, VideoView
from mebench.core.views import at_scale, chains_at_scales, gap_at, mean_over_scales
from mebench.features import EyesAndMouth, Flow, MaskEyes, RemoveNoseMotion, Strain
from mebench.training import Samples, sample_negatives
from mebench.training.layers import balanced_weights, focal_loss, squared_error
from mebench.training.released import keras_weights, load, released_file
from mebench.training.samples import half_mirrored

from .network import SOFTNet as Network, of_authors, unit_range
from .params import Params as _Params
from .samples import augmented, hard_labels

INFERENCE_BATCH = 1024


class SOFTNet(Method):
    """One network for each kind: it learns whether the flow over k' frames belongs to an expression of this kind."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")
    transductive = "video"  # the threshold uses the test video's own mean and maximum
    framewise = True
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.networks = nn.ModuleDict({kind: Network(len(self._learnt(kind))) for kind in task.kinds})
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._class_weights: Tensor | None = None

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Flow and strain of eyes and mouth for each kind: the gap between two frames is half a mean length, k'."""
        p = self.params
        motion: list[Any] = []
        if p.regions != "box" and p.nose_motion != "kept":
            motion.append(RemoveNoseMotion(variant=p.nose_motion))
        if p.regions != "box" and p.eye_mask != "none":
            motion.append(MaskEyes(p.eye_margin, outline=p.eye_mask))
        maps = (Strain("forward"), *motion, EyesAndMouth(p.regions))

        def gaps(scale: float) -> dict[str, Chain]:
            flows = {k: Flow(p.flow, k=gap_at(timing.k_prime[k], scale), stride=p.stride) for k in self.task.kinds}
            return {_chain(kind): Chain(_chain(kind), (p.face(), flow, *maps)) for kind, flow in flows.items()}

        return chains_at_scales(gaps, self._training_scales())

    def _learnt(self, kind: str) -> tuple[str, ...]:
        """The kinds that the network of a kind scores, its own first."""
        return self.params.learnt if kind == "micro" else (kind,)

    def _training_scales(self) -> tuple[float, ...]:
        """Multiples of the gap over which frames are samples."""
        return tuple(dict.fromkeys((*self.params.scales, *self.params.tempo)))

    def stages(self) -> tuple[Stage, ...]:
        """One training for each kind, named after it; none with released weights."""
        if self.params.weights:
            return ()
        return tuple(Stage(kind, self.params.epochs, self.params.batch_size) for kind in self.task.kinds)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load the released weights of a subject outside the training set, if requested; then learn thresholds, if
        required.
        """
        if self.params.weights:
            place = Path(self.params.weights).expanduser()
            for kind, network in self.networks.items():
                own = place / f"{kind}-expression"
                file = released_file(str(own if own.is_dir() else place), [*train, *valid], (".hdf5", ".h5"))
                load(network, of_authors(keras_weights(file)), file)
        super().fit_closed_form(train, valid)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Frames of all gaps with hard labels. Validation is not used.

        As the authors do, a part of the frames outside expressions is left out, and then micro-expressions are augmented,
        before the maps are normalised. The gap of the maps is scaled (`_training_scales`), the window of the labels is not.

        Also sets the weights of both classes, which `training_step` uses.
        """
        p, rng = self.params, np.random.default_rng(self.seed)
        maps, labels = [], []
        for video, scale in itertools.product(train, self._training_scales()):
            features = at_scale(video, scale).features(_chain(stage))
            k, n, after = video.timing.k_prime[stage], len(features), p.labels == "released_code"  # type: ignore[index]
            maps.append(features)
            labels.append(hard_labels(n, video.expressions, k, after, self._learnt(stage)))
        y = np.concatenate(labels)
        # The authors keep half of the frames outside expressions, which are the more frequent ones in long videos.
        kept = sample_negatives(y, p.negatives, rng, of_majority=True)
        ends = np.cumsum([len(m) for m in maps])
        parts = [m[kept[(kept >= end - len(m)) & (kept < end)] - (end - len(m))] for m, end in zip(maps, ends)]
        x, y = np.concatenate(parts), y[kept]
        if p.augmentation and stage == "micro":
            inside = y[:, 0] > 0
            more = augmented(x[inside], signed=self._signed, rng=rng)
            x, y = np.concatenate([x, more]), np.concatenate([y, *[y[inside]] * (len(more) // max(inside.sum(), 1))])
        targets = torch.from_numpy(y)
        self._class_weights = balanced_weights(targets.flatten(), 2) if p.class_weight == "balanced" else None
        return Samples(_channels_first(x), targets), None

    @property
    def _signed(self) -> bool:
        """Whether horizontal motion keeps its sign."""
        return self.params.nose_motion != "released_code" or self.params.regions == "box"

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Mean squared error of the kind in training, or its focal loss; of several outputs the sum, so that each learns as it
        would alone.
        """
        p, (x, y), weights = self.params, batch, self._class_weights
        weights = None if weights is None else weights.to(y.device)
        if p.flip:
            x = half_mirrored(unit_range(x), self._signed)
        outputs, focal = self.networks[self.stage](x), p.loss == "focal"
        right = ((outputs.detach() > (0.0 if focal else 0.5)) == (y > 0)).all(1).sum()
        loss = focal_loss(outputs, y, p.focal_gamma, weights) if focal else squared_error(outputs, y, weights)
        self.history.add(self.stage, self.current_epoch, "train", len(y), loss.detach(), right)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Gradient descent without momentum."""
        return torch.optim.SGD(self.networks[self.stage].parameters(), lr=self.params.lr)

    @torch.no_grad()
    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The network's output for each frame and kind; NaN for the last k' of a kind, which have no partner.

        Over several scales the mean; under the focal loss the probability.
        """
        return np.concatenate([self._scores(video, kind) for kind in self.task.kinds], axis=1)

    def _scores(self, video: VideoView, kind: Kind) -> NDArray[np.float64]:
        """Scores of one kind, (n_frames, 1)."""
        found = []
        for scale in self.params.scales:
            scores = np.full((video.n_frames, len(self._learnt(kind))), np.nan)
            features = _channels_first(at_scale(video, scale).features(_chain(kind)))
            if len(features):
                parts = [self.networks[kind](part.to(self.device)) for part in torch.split(features, INFERENCE_BATCH)]
                outputs = torch.cat(parts)
                outputs = outputs.sigmoid() if self.params.loss == "focal" else outputs
                scores[: len(features)] = outputs.double().cpu().numpy()
            found.append(scores)
        return spotting.less_macro(mean_over_scales(found), video.timing.k_prime[kind])

    def score_lead(self, timing: Timing, kind: Kind) -> int:
        """Labels begin k' - 1 frames before the onset."""
        return timing.k_prime[kind] - 1

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[spotting.Spotted]:
        """Peaks of the smoothed scores, each with k' frames on both sides.

        The released code averages over 2k' frames as MEAN's does, but drops those without a full window.
        """
        if self.params.rule == "paper":
            return super().spotted(timing, kind, scores, level)
        p, k_prime = self.params, timing.k_prime[kind]
        keep = partial(setitem, self.curves, kind)
        found = spot_as_released(scores, k_prime, p.p, self.task.one_per_video, level, keep)
        return [spotting.anchored(one, p.anchor, self.score_lead(timing, kind)) for one in found]


def spot_as_released(
    scores: NDArray[np.float64],
    k_prime: int,
    p: float,
    highest_only: bool = False,
    level: float | None = None,
    keep: Callable[[spotting.Curve], object] | None = None,
) -> list[spotting.Spotted]:
    """Intervals [F_p - k', F_p + k'] around the peaks of the mean of the frames [i - k', i + k' - 1].

    Only frames with k' scores before and k' after them are kept, so a video of 2k' scores or fewer gives none.

    Args:
        scores: (n,); NaN is taken off the end.
        k_prime: half the window in frames, and the least distance of two peaks.
        p: place of the threshold between mean and maximum of the video's smoothed scores.
        highest_only: the highest smoothed frame is the one answer.
        level: an absolute threshold instead of the one from `p`.
        keep: as of `mebench.spotting.spot`.
    """
    defined = scores[~np.isnan(scores)]
    if len(defined) <= 2 * k_prime:
        return []
    _, smoothed = spotting.smooth(defined, k_prime, "released_code")
    smoothed = smoothed[k_prime:-k_prime]
    height = spotting.threshold(smoothed, p) if level is None else level
    if keep is not None:
        keep(spotting.Curve(k_prime, smoothed, -np.inf if highest_only else height))
    peaks = spotting.peaks_of(smoothed, height, k_prime, highest_only)
    return [spotting.interval(k_prime + int(i), k_prime, float(smoothed[i]), "released_code") for i in peaks]


def _chain(kind: str) -> str:
    """Name of the chain with the flow gap of this kind."""
    return f"softnet_{kind}"


def _channels_first(maps: NDArray[Any]) -> Tensor:
    """(n, 42, 42, 3) to (n, 3, 42, 42) of the same precision, channels last in memory."""
    return torch.from_numpy(np.array(maps)).permute(0, 3, 1, 2)


Plugin = SOFTNet
