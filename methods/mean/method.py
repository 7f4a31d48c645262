"""MEAN behind the contract: pseudo-labels, two trainings, interval and class of each peak."""

import logging
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
from mebench.core import Chain, ClipView, Kind, LabelledVideo, Method, Stage, Task, Timing, VideoView, all_clips, stack
from mebench.core.history import Split
from mebench.core.method import Looked
from mebench.core.views import at_scale, mean_over_scales
from mebench.errors import RunError
from mebench.training import Classified, Samples, release, vote
from mebench.training.layers import balanced_weights, focal_loss, squared_error
from mebench.training.released import keras_weights, load, released_file
from mebench.training.samples import half_mirrored, mirrored

from .apex import C, largest_sum, most_different
from .chains import APEX, CLIPS, FRAMES, FRAMES_K_PRIME, SIZE, chains_of, channels_first, clip_chain, network_input
from .network import Answering, Head, Joint, Shared, of_authors
from .params import Params as _Params
from .samples import at_tempo, frame_samples, negatives_per_positive, voters

INFERENCE_BATCH = 64
"""Frames at once: few enough that their maps stay in the processor's cache."""
READ = 1024
"""Frames of a video that are in memory together."""
_LOG = logging.getLogger(__name__)

__all__ = ["CLIPS", "FRAMES", "MEAN", "Plugin"]


class MEAN(Method):
    """Frames are scored from flow over k frames; emotions are learnt from onset-to-apex flow on the frozen shared
    layers.
    """

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    framewise = True
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.shared = Shared(params.dropout)
        self.shared.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.spotting = Head(len(params.learnt), params.dropout_head) if "spot" in task.tasks else None
        self.recognition = Head(len(task.classes), params.dropout_head) if "recognize" in task.tasks else None
        self.own_shared: Shared | None = None
        if self.spotting and self.recognition and not params.transfer:
            self.own_shared = Shared(params.dropout)
            self.own_shared.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._class_weights: Tensor | None = None

    @classmethod
    def holds_out(cls, params: Any) -> bool:
        """With `curves=valid` too: then the validation subjects are watched, not learnt from."""
        return super().holds_out(params) or params.curves == "valid"

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The same maps twice: between frames i and i + k, and between onset and apex (section 4.3)."""
        return chains_of(self.params, timing)

    def score_lead(self, timing: Timing, kind: Kind) -> int:
        """Pseudo-labels begin k' - 1 frames before the onset (equations 5 and 6)."""
        return timing.k_prime[kind] - 1

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """First the spotting network, then recognition on its frozen shared layers (section 3.2)."""
        p = self.params
        if p.weights:
            return ()
        spot = (Stage("spotting", p.epochs_spot, p.batch_size),) if self.spotting else ()
        recognise = (Stage("recognition", p.epochs_recognition, p.batch_size),) if self.recognition else ()
        return (*spot, *recognise)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load the released weights of a subject outside the training set, if requested; then learn thresholds, if
        required.
        """
        if self.params.weights:
            part = "_".join(
                word for word, task in (("spot", "spot"), ("recog", "recognize")) if task in self.task.tasks
            )
            place = Path(self.params.weights).expanduser()
            file = released_file(
                str(place / part if (place / part).is_dir() else place), [*train, *valid], (".hdf5", ".h5")
            )
            load(self, of_authors(keras_weights(file), self.task.tasks, self.task.classes), file)
        super().fit_closed_form(train, valid)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Frames with pseudo-labels, or clips with their classes; those of validation subjects are only monitored."""
        make = self._frames if stage == "spotting" else self._clips
        watched = valid if self.params.curves == "valid" else []
        return make(train, learn=True), make(watched, learn=False) if watched else None

    def _frames(self, videos: Sequence[LabelledVideo], learn: bool) -> TorchDataset[Any]:
        p, rng = self.params, np.random.default_rng(self.seed)
        scales = tuple(dict.fromkeys((*p.scales, *p.tempo))) if learn else p.scales
        samples = frame_samples(videos, scales, p.learnt, p.ratio, rng)
        if learn:
            ratio = negatives_per_positive(samples.targets[:, 0])
            if ratio is not None:
                self.notes["negatives_per_positive"] = ratio
            _LOG.info("%d spotting samples, %s outside expressions for each one inside", len(samples), ratio)
            self._class_weights = self._weights(samples.targets.flatten(), 2)
        return samples

    def _clips(self, videos: Sequence[LabelledVideo], learn: bool) -> TorchDataset[Any]:
        p, clips = self.params, [self._placed(clip) for clip in all_clips(videos)]
        if learn:
            clips += [at_tempo(clip, tempo) for tempo in p.tempo for clip in clips]
        labels = torch.tensor([clip.label for clip in clips], dtype=torch.int64)
        chain = clip_chain(p)
        x = network_input(channels_first(stack(clips, chain))) if clips else torch.empty(0, 3, SIZE, SIZE)
        if learn:
            if p.flip:
                x, labels = torch.cat([x, mirrored(x)]), labels.repeat(2)
            self._class_weights = self._weights(labels, len(self.task.classes))
        if self._transfers:
            self.shared.requires_grad_(False).train(p.frozen == "train")
            if p.frozen == "eval" and len(x):  # the layers no longer change: their maps are computed once
                x = self._in_batches(x, self.shared)
        return Samples(x, labels)

    @property
    def _transfers(self) -> bool:
        """Whether recognition is learnt on the frozen shared layers of spotting."""
        return self.spotting is not None and self.params.transfer

    def _weights(self, labels: Tensor, classes: int) -> Tensor | None:
        return balanced_weights(labels, classes) if self.params.class_weight == "balanced" else None

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Mean squared error (equation 8) or cross-entropy (equation 10), plus the penalty on kernels of the public
        code.
        """
        p, (shared, head), (x, y) = self.params, self._layers(), batch
        if self.stage == "spotting" and p.flip:
            x = half_mirrored(network_input(x))
        loss = self._loss(self._outputs(x), y, "train")
        penalty = p.l2_head * head.penalty()
        return loss + penalty if shared is None else loss + p.l2 * shared.penalty() + penalty

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Classified | None:
        """Note loss and accuracy on subjects that are held out; of recognition UF1 and UAR too."""
        x, y = batch
        outputs = self._outputs(x)
        self._loss(outputs, y, "valid")
        return Classified(outputs, y) if self.stage == "recognition" else None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """A fresh Adam for each stage (section 4.3), over the layers that the stage trains."""
        shared, head = self._layers()
        learning = [*(shared.parameters() if shared else ()), *head.parameters()]
        return torch.optim.Adam(learning, lr=self.params.lr, eps=1e-7, fused=True)  # Keras' epsilon

    def _layers(self) -> tuple[Shared | None, Head]:
        """The shared layers, unless they are frozen, and the head that the running stage trains."""
        if self.stage == "spotting":
            assert self.spotting is not None
            return self.shared, self.spotting
        assert self.recognition is not None
        return None if self._transfers else self.own_shared or self.shared, self.recognition

    def _outputs(self, x: Tensor) -> Tensor:
        """Raw outputs of the running stage; with transfer the samples of recognition are maps of the shared layers.

        With `frozen=train` they are those of the clips, and the layers' maps are computed again for each batch.
        """
        shared, head = self._layers()
        if self.stage == "recognition" and self._transfers and self.params.frozen == "train":
            x = self._frozen_maps(x)
        outputs: Tensor = head(x if shared is None else shared(network_input(x)))
        return outputs

    @torch.no_grad()
    def _frozen_maps(self, x: Tensor) -> Tensor:
        """Maps of the shared layers, while training by the statistics of the batch and with dropout; their moving
        statistics stay.
        """
        kept = {name: buffer.clone() for name, buffer in self.shared.norm.named_buffers()}
        maps: Tensor = self.shared(network_input(x))
        for name, buffer in self.shared.norm.named_buffers():
            buffer.copy_(kept[name])
        return maps

    def _loss(self, outputs: Tensor, y: Tensor, split: Split) -> Tensor:
        """The stage's loss without penalties, noted with the number of right answers."""
        p, weights, seen = self.params, self._class_weights, outputs.detach()
        weights = None if weights is None else weights.to(y.device)
        middle = 0.0 if p.loss == "focal" else 0.5
        right = ((seen > middle) == (y > 0)).all(1) if self.stage == "spotting" else seen.argmax(1) == y
        if p.loss == "focal":
            loss = focal_loss(outputs, y, p.focal_gamma, weights)
        elif self.stage == "spotting":
            loss = squared_error(outputs, y, weights)
        else:
            loss = F.cross_entropy(outputs, y, weights)
        self.history.add(self.stage, self.current_epoch, split, len(right), loss.detach(), right.sum())
        return loss

    # -- prediction ---------------------------------------------------------------------------------------------------------

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The spotting head's output for each frame (equation 7); NaN for the last k, which have no partner.

        Over several scales the mean; under the focal loss the probability.
        """
        return mean_over_scales([self._scores(at_scale(video, scale)) for scale in self.params.scales])

    def _scores(self, video: VideoView) -> NDArray[np.float64]:
        scores = np.full((video.n_frames, len(self.params.learnt)), np.nan)
        features = video.features(FRAMES)
        for start in range(0, len(features), READ):  # part by part: a whole long video is a gigabyte
            part = features[start : start + READ]
            outputs = self._in_batches(network_input(channels_first(part)), self.shared, self.spotting)
            if self.params.loss == "focal":
                outputs = outputs.sigmoid()
            scores[start : start + len(part)] = outputs.double().cpu().numpy()
            release(features)
        return spotting.less_macro(scores, video.timing.k_prime["micro"])

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Emotion of each clip, (n_clips, n_classes), rows sum to 1.

        An annotated clip: softmax on its onset-to-apex flow. A spotted one: the most frequent class of the frames
        [F_p - k', F_p - 1] (section 3.4, case 1) or of another case, ties by summed probability. F_p is the peak of the scores,
        wherever `anchor` puts the interval.
        """
        return np.stack([self._vote(clip) if clip.spotted else self._named(clip) for clip in clips])

    def _named(self, clip: ClipView) -> NDArray[np.float64]:
        (row,) = self._probabilities(self._placed(clip).feature(clip_chain(self.params))[None])
        return np.asarray(row)

    def _vote(self, clip: ClipView) -> NDArray[np.float64]:
        p, k_prime = self.params, clip.video.timing.k_prime["micro"]
        wide = p.recognition_gap == "k_prime"
        video, chain = (clip.video, FRAMES_K_PRIME) if wide else (at_scale(clip.video, p.scales[0]), FRAMES)
        features = video.features(chain)
        if len(features) == 0:  # spotted by another method in a video of k frames or fewer: none has a partner
            return self._named(clip)
        peak = clip.apex
        if (
            self.spotting is not None and p.anchor == "middle" and p.interval == "fixed"
        ):  # otherwise the spotter placed it
            peak -= spotting.window_shift(self.score_lead(clip.video.timing, "micro"))
        return vote(self._probabilities(features[voters(p.case, peak, k_prime, len(features) - 1)]))

    def _placed(self, clip: C) -> C:
        """An annotated clip with its apex at the place that the parameters select."""
        if self.params.apex == "paper":
            return most_different(clip, APEX)
        if self.params.apex == "released_code":
            return largest_sum(clip, FRAMES)
        return clip

    def _probabilities(self, features: NDArray[Any]) -> NDArray[np.float64]:
        shared = self.own_shared or self.shared
        outputs = self._in_batches(network_input(channels_first(features)), shared, self.recognition)
        return np.asarray(outputs.double().softmax(1).cpu().numpy())

    @torch.no_grad()
    def _in_batches(self, x: Tensor, shared: Shared, head: Head | None = None) -> Tensor:
        parts = [shared(part.to(self.device)) for part in torch.split(x, INFERENCE_BATCH)]
        return torch.cat([part if head is None else head(part) for part in parts])

    def looked_at(self, task: str) -> Looked:
        """The concatenated maps of the shared layers (Figure 7)."""
        spots = task == "spot"
        head, shared = (self.spotting, self.shared) if spots else (self.recognition, self.own_shared or self.shared)
        if head is None:
            raise RunError(f"this MEAN was not trained to {task}: choose a run that was")
        network, chain = Answering(shared, head), FRAMES if spots else clip_chain(self.params)
        return Looked(network, shared.norm, chain, lambda maps: network_input(channels_first(maps)))

    def exportable(self) -> tuple[nn.Module, Tensor, tuple[str, ...]]:
        """The network of both tasks as the paper draws it, on maps (n, 3, 42, 42) of u, v and strain in [0, 1]."""
        joint = Joint(
            self.shared, self.spotting, self.recognition, self.own_shared, sigmoid=self.params.loss == "focal"
        )
        names = [name for name, head in (("score", self.spotting), ("probabilities", self.recognition)) if head]
        return joint.eval(), torch.zeros(2, 3, SIZE, SIZE), tuple(names)


Plugin = MEAN
