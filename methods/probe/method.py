"""Vectors of pictures, and a linear head on them; on demand the last blocks of the encoder are trained with it."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.core import Chain, ClipView, Kind, LabelledVideo, Method, Stage, Task, Timing, VideoView, all_clips
from mebench.errors import ConfigError, RunError
from mebench.training import window_labels
from mebench.training.samples import Samples

from .blocks import TunedBlocks
from .heads import N_FOLDS, LogisticProbe, Sums, choose_penalty, sum_up
from .params import Params as _Params

OF_CLIPS, OF_FRAMES = "embedding_of_clips", "embedding_of_frames"
AT_ONCE = 32
"""Clips whose vectors are computed together."""


class Probe(Method):
    """A linear head on the vectors of an encoder, fitted on the training people.

    The encoder stays as it is, unless `tune_blocks` asks for the training of its last blocks: the head is fitted first, and then
    trained together with them (Kumar et al. 2022, arXiv:2202.10054).
    """

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    kinds = ("micro", "macro")
    params: _Params

    weights: torch.Tensor
    bias: torch.Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.head = LogisticProbe(len(task.classes), params.c, params.class_weight, standardise=True)
        # The length of the vectors is known when they are there: a fit or a saved state brings it.
        self.register_buffer("weights", torch.zeros(0, len(task.kinds), dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(len(task.kinds), dtype=torch.float64))
        self.tuned: TunedBlocks | None = None
        self.classifier: nn.Linear | None = None
        self._counts: Tensor | None = None
        if params.tune_blocks is not None and "recognize" not in task.tasks:
            raise ConfigError(
                f"method.tune_blocks={params.tune_blocks} trains blocks to name emotions, and this run only spots: leave it out"
            )

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """A vector for each clip, and for each frame; windows are as long as a mean micro-expression."""
        params, chains = self.params, {}
        if "recognize" in self.task.tasks:
            of_clips = params.encode(tuned_blocks=params.tune_blocks or 0)
            chains[OF_CLIPS] = Chain(OF_CLIPS, (params.crop(), of_clips), scope="clips")
        if "spot" in self.task.tasks:
            length = 2 * min(timing.k_prime.values(), default=1)
            spacing = max(round(length / params.encoder_input.frames), 1)
            encode = params.encode(spacing, params.stride or timing.k)
            chains[OF_FRAMES] = Chain(OF_FRAMES, (params.crop(), encode), scope="frames")
        return chains

    def stages(self) -> tuple[Stage, ...]:
        """One training where blocks are trained."""
        if self.params.tune_blocks is None:
            return ()
        return (Stage("recognition", self.params.epochs, self.params.batch_size),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[Samples, Samples | None]:
        """What reaches the trained blocks, and the class of each clip. The head is fitted before."""
        self._fit_recognition(train)
        weights, intercepts = self.head.weights, self.head.intercepts
        self.classifier = nn.Linear(weights.shape[1], len(weights))
        with torch.no_grad():
            self.classifier.weight.copy_(weights)
            self.classifier.bias.copy_(intercepts)
        clips_of = [all_clips(videos) for videos in (train, valid)]
        of_train, of_valid = (self._samples(clips) if clips else None for clips in clips_of)
        assert of_train is not None  # the head refuses to be fitted without clips
        return of_train, of_valid

    def _samples(self, clips: Sequence[ClipView]) -> Samples:
        """What reaches the trained blocks for some clips, and their classes."""
        return Samples(_reached(clips), torch.tensor([clip.label for clip in clips]))  # type: ignore[attr-defined]

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Cross-entropy of a batch, with classes weighed as in the head."""
        x, y = batch
        assert self.tuned is not None
        assert self.classifier is not None
        seen = self.head.seen.to(y.device)
        scores = self.classifier(self.tuned(x)).masked_fill(~seen, -torch.inf)
        return F.cross_entropy(scores, y, weight=self._class_weights(y.device))

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Log the loss on held-out people."""
        self.log("val_loss", self.training_step(batch, index))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW at a fixed rate, over the blocks and the head."""
        return torch.optim.AdamW(self.parameters(), lr=self.params.lr)

    def _class_weights(self, device: torch.device) -> Tensor | None:
        """The weight of each class in the loss; None where all weigh alike."""
        return None if self._counts is None else (self._counts.sum() / self._counts.clamp(min=1)).to(device)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit the head of each task, then thresholds if they are asked for.

        Raises:
            RunError: there are no training clips to recognize.
        """
        if self.classifier is not None:
            self.head.weights = self.classifier.weight.detach().double().cpu()
            self.head.intercepts = self.classifier.bias.detach().double().cpu()
            self.classifier = None
        elif "recognize" in self.task.tasks:
            self._fit_recognition(train)
        if "spot" in self.task.tasks:
            self._fit_spotting(train)
        super().fit_closed_form(train, valid)

    def _fit_recognition(self, train: Sequence[LabelledVideo]) -> None:
        """Fit the logistic regression of clips."""
        clips = all_clips(train)
        if not clips:
            raise RunError("a probe needs training clips, but no training subject has a labelled clip")
        labels = np.array([clip.label for clip in clips])
        self._counts = None
        if self.params.class_weight is not None:
            self._counts = torch.bincount(torch.from_numpy(labels), minlength=len(self.task.classes)).float()
        c = self.head.fit_by_people(self._vectors(clips), labels, [clip.video.subject for clip in clips])
        self.notes |= self.head.notes | ({} if c is None else {"c": c})

    def _fit_spotting(self, train: Sequence[LabelledVideo]) -> None:
        """Fit the ridge regression of frames, from sums over the videos of each part of the people."""
        parts: dict[int, Sums] = {}
        people = {person: number for number, person in enumerate(sorted({video.subject for video in train}, key=str))}
        for video in train:
            x = self._motion(video)
            labels = [self._labels(video, len(x), kind) for kind in self.task.kinds]
            y = np.stack(labels, axis=1).astype(np.float64)
            part = people[video.subject] % N_FOLDS
            sums = Sums.of(x, y)
            parts[part] = parts[part] + sums if part in parts else sums
        if not parts:
            return
        l2 = self.params.l2 or choose_penalty(list(parts.values()))
        self.weights, self.bias = map(torch.from_numpy, sum_up(list(parts.values())).ridge(l2))
        self.notes |= {"l2": l2}

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Class probabilities, (n_clips, n_classes)."""
        scores = self.head.decision_function(self._vectors(clips))
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    @torch.no_grad()
    def _vectors(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """A row for each clip, (n_clips, numbers)."""
        if self.params.tune_blocks is None:
            vectors = np.stack([clip.feature(OF_CLIPS) for clip in clips])
            return vectors.astype(np.float64).reshape(len(clips), -1)
        tuned = self._opened_blocks()
        parts = [clips[first : first + AT_ONCE] for first in range(0, len(clips), AT_ONCE)]
        rows = [tuned(_reached(part).to(self.device)).double().cpu().numpy() for part in parts]
        return np.concatenate(rows)

    def _opened_blocks(self) -> TunedBlocks:
        """The trained blocks; the encoder's file is read on first use."""
        if self.tuned is None:
            self.tuned = TunedBlocks(self.params.encode(tuned_blocks=self.params.tune_blocks or 0))
            self.tuned.to(self.device)
        return self.tuned

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The weighted sum, near 1 inside an expression and near 0 elsewhere; NaN for the last frames of single pictures,
        which have no partner.
        """
        scores = self._motion(video) @ self.weights.numpy() + self.bias.numpy()
        return np.pad(scores, ((0, video.n_frames - len(scores)), (0, 0)), constant_values=np.nan)

    def score_lead(self, timing: Timing, kind: Kind) -> int:
        """Labels of pictures begin k' - 1 frames before the onset, those of windows around a frame at it."""
        return 0 if self._reads_windows else timing.k_prime[kind] - 1

    @property
    def _reads_windows(self) -> bool:
        """Whether a vector is that of a window around its frame."""
        return self.params.encoder_input.frames > 1

    def _labels(self, video: LabelledVideo, n: int, kind: Kind) -> NDArray[np.float32]:
        """The labels of a video's frames, (n,): MEAN's; for windows 1 inside an expression of the kind."""
        length = 1 if self._reads_windows else video.timing.k_prime[kind]
        return window_labels(n, [e for e in video.expressions if e.kind == kind], length)

    def _motion(self, video: VideoView) -> NDArray[np.float64]:
        """What the head reads of each frame: the vector of its window, or how far single pictures move in k frames.

        The size of each number's change counts, not its direction: apex and onset of a face differ in the same numbers
        whether it moves there or back.
        """
        features = video.features(OF_FRAMES)
        vectors = np.asarray(features, np.float64).reshape(len(features), -1)
        if self._reads_windows:
            return vectors
        k = min(video.timing.k_prime.values(), default=1)
        return np.abs(vectors[k:] - vectors[: max(len(vectors) - k, 0)])

    def _load_from_state_dict(self, state_dict: dict[str, torch.Tensor], prefix: str, *rest: object) -> None:
        """A saved state brings its own length of the vectors."""
        saved = state_dict.get(f"{prefix}weights")
        if saved is not None:
            self.weights = self.weights.new_zeros(saved.shape)
        if any(name.startswith(f"{prefix}tuned.") for name in state_dict):
            self._opened_blocks()
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _reached(clips: Sequence[ClipView]) -> Tensor:
    """What reaches the trained blocks, (n_clips, pictures, numbers)."""
    features = np.stack([clip.feature(OF_CLIPS) for clip in clips])
    return torch.from_numpy(features[:, :, 0].astype(np.float32))


Plugin = Probe
