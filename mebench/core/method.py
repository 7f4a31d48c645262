"""The contract of a method plugin, one LightningModule, trained or not."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from operator import setitem
from pathlib import Path
from typing import Any, ClassVar, Self, get_args, get_type_hints

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from mebench._fast_imports import L
from mebench.core.chain import Chain
from mebench.core.history import History
from mebench.core.options import FilmParams, SpottingParams, learns_threshold
from mebench.core.peaks import Curve, Spotted, learnt_threshold, spot
from mebench.core.types import Kind, Prediction, Task, Timing
from mebench.core.views import ClipView, LabelledVideo, VideoView
from mebench.errors import ConfigError, RunError


@dataclass(frozen=True, slots=True)
class Stage:
    """One `Trainer.fit`: its name, epochs, batch size in samples, and whether samples are shuffled each epoch."""

    name: str
    epochs: int
    batch_size: int
    shuffle: bool = True


@dataclass(frozen=True, slots=True)
class Looked:
    """A network and a layer for Grad-CAM.

    Attributes:
        network: from inputs to raw outputs (n, outputs): a score for each kind, or for each class.
        layer: whose input maps are explained.
        chain: name of the features that it reads: of scope `frames` for spotting, of scope `clips` for recognition.
        inputs: turns features (n, H, W, C), float32, into its inputs.
    """

    network: nn.Module
    layer: nn.Module
    chain: str
    inputs: Callable[[NDArray[Any]], Tensor]


class Method(L.LightningModule):
    """A spotter, a recognizer, or both.

    A trained method implements `stages`, `samples`, `training_step` and `configure_optimizers`; `self.stage` names the
    running stage. `validation_step` may return `mebench.training.Classified`: UF1 and UAR of each epoch are then
    recorded in `history`. A training-free method implements none of them; it fits a histogram, an SVM or a threshold in
    `fit_closed_form` and keeps it in buffers, so that the model can be saved as safetensors.

    Attributes:
        Params: dataclass of the parameters, in `params.py`, which imports no torch.
        tasks: its tasks: `spot`, `recognize`.
        kinds: the kinds it can spot.
        selects: True if it selects something (an epoch, a threshold) on inner validation subjects, who are then held
            out; otherwise they train too.
        transductive: `video` if a test video's own unlabelled statistics enter its predictions, else `none`. The
            default `propose` thresholds at the video's own mean and maximum (MEAN, equation 12), so it counts as
            `video` anyway; with absolute thresholds, see `looks_at_test_video`, it counts as `none`.
        framewise: True if the score of a frame depends on the features of that frame alone, so that it is available at
            once in live video.
        several: True if it can name several classes of a clip at once, see `Task`; `classify` then gives the probability of each class.
        history: losses, accuracies and scores of the training.
        notes: further numbers to keep with the fold, such as the ratio of its samples.
        curves: for each kind the curve in which `spotted` last searched peaks; a method with its own `propose` may keep
            none.
    """

    Params: ClassVar[type]
    tasks: ClassVar[frozenset[str]]
    kinds: ClassVar[tuple[str, ...]] = ("micro",)
    selects: ClassVar[bool] = False
    transductive: ClassVar[str] = "none"
    framewise: ClassVar[bool] = False
    several: ClassVar[bool] = False
    thresholds: Tensor

    def __init__(self, params: Any, task: Task, seed: int = 0) -> None:
        super().__init__()
        self.params = params
        self.task = task
        self.seed = seed
        self.stage = ""
        self.history = History()
        self.notes: dict[str, float] = {}
        self.curves: dict[Kind, Curve] = {}
        if self._has_absolute_thresholds():
            self.register_buffer("thresholds", torch.full((len(task.kinds),), torch.inf, dtype=torch.float64))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; shortcut for the name of the current hook, which Lightning sets 44 times a step at a cost
        in a network.
        """
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Parameters and task go into a checkpoint of Lightning's, as plain data."""
        params = vars(self.params)
        paths = {name: str(value) for name, value in params.items() if isinstance(value, Path)}
        task = asdict(self.task) | {"tasks": sorted(self.task.tasks)}
        checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY] = {"params": {**params, **paths}, "task": task, "seed": self.seed}

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, map_location: Any = None, **changed: Any) -> Self:
        """The method of a Lightning checkpoint, in evaluation mode; no code in the file is run.

        Args:
            checkpoint_path: the file.
            map_location: device of its weights.
            changed: parameters with other values.
        """
        stored = torch.load(checkpoint_path, map_location=map_location, weights_only=True)
        about = stored[cls.CHECKPOINT_HYPER_PARAMS_KEY]
        hints = get_type_hints(cls.Params)
        params = dict(about["params"])
        for name, value in params.items():
            if isinstance(value, str) and Path in (hints[name], *get_args(hints[name])):
                params[name] = Path(value)
        task = Task(**about["task"] | {"tasks": frozenset(about["task"]["tasks"])})
        method: Self = cls(cls.Params(**params | changed), task, about["seed"])
        method.load_state_dict(stored["state_dict"])
        method.eval()
        return method

    @classmethod
    def looks_at_test_video(cls, tasks: frozenset[str], params: Any = None) -> str:
        """The unlabelled test data that these tasks and parameters use: `video` or `none`.

        An absolute threshold is learnt on other people; an interval from the score curve still depends on the video's
        minimum, and a baseline is the median of the video's own scores.
        """
        if "spot" not in tasks:
            return cls.transductive
        how = SpottingParams.from_params(params)
        if learns_threshold(params) and how.interval == "fixed" and how.baseline is None:
            return "none"
        return "video" if cls.propose is Method.propose else cls.transductive

    @classmethod
    def holds_out(cls, params: Any) -> bool:
        """Whether these parameters hold out inner validation subjects for selection."""
        return cls.selects or learns_threshold(params)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The features that the method reads, by name. Called before weights are built."""
        return {}

    def adjusted_chains(self, timing: Timing) -> dict[str, Chain]:
        """The features as they are computed: `chains` with the settings of `FilmParams` in their steps.

        Raises:
            ConfigError: a setting changes no step.
        """
        chains = self.chains(timing)
        changed = self.params.changed_steps if isinstance(self.params, FilmParams) else {}
        if not changed:
            return chains
        steps = [step for chain in chains.values() for step in chain.steps]
        for name, value in changed.items():
            if steps and not any(hasattr(step, name) for step in steps):
                raise ConfigError(f"method.{name}={value} does nothing with the features of this method: leave it out")
        return {name: chain.with_parameters(changed) for name, chain in chains.items()}

    def stages(self) -> tuple[Stage, ...]:
        """The trainings, in order; none for a training-free method."""
        return ()

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Training and validation samples of a stage. `valid` is empty unless subjects are held out; None trains without
        validation samples.
        """
        raise NotImplementedError(f"{type(self).__name__} has stages, so it must define samples()")

    def trained(self) -> L.LightningModule:
        """The module that the trainer trains: the method itself, or a module in it."""
        return self

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit what needs no gradient, after all stages.

        By default it learns an absolute threshold for each kind, if the parameters ask for one: the one with the
        largest F1 on the validation subjects, or on the training subjects if none are held out. A subclass that fits
        more calls this, too.
        """
        if self._has_absolute_thresholds():
            videos = valid or train
            learnt = []
            for column, kind in enumerate(self.task.kinds):
                scored = [(video.timing, self.score_frames(video)[:, column]) for video in videos]
                found = [self.spotted(timing, kind, scores, level=-np.inf) for timing, scores in scored]
                truths = [[(e.onset, e.offset) for e in video.expressions if e.kind == kind] for video in videos]
                learnt.append(learnt_threshold(found, truths))
            self.thresholds = torch.tensor(learnt).double()
            self.notes |= {
                f"threshold_{kind}": float(level)
                for kind, level in zip(self.task.kinds, self.thresholds)
                if torch.isfinite(level)
            }

    def _has_absolute_thresholds(self) -> bool:
        return "spot" in self.task.tasks and learns_threshold(self.params)

    def levels(self) -> dict[Kind, float | None]:
        """The absolute threshold of each kind; None where it is relative to the scores of each video."""
        learnt = self.thresholds.tolist() if self._has_absolute_thresholds() else [None] * len(self.task.kinds)
        return dict(zip(self.task.kinds, learnt))

    def score_lead(self, timing: Timing, kind: Kind) -> int:
        """Frames before its onset from which an expression affects the scores."""
        return 0

    def score_reach(self, timing: Timing) -> int | None:
        """Frames to both sides whose features enter the score of a frame; None for all frames of the video.

        Live video gives a score so many frames late.
        """
        return 0 if self.framewise else None

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """A score for each frame and kind, (n_frames, n_kinds); NaN where undefined (the last k frames, say)."""
        raise NotImplementedError(f"{type(self).__name__} does not spot")

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Spotted intervals of a video; by default `spotted` of each kind's scores."""
        return [
            Prediction(video.key, kind, *interval)
            for column, (kind, level) in enumerate(self.levels().items())
            for interval in self.spotted(video.timing, kind, scores[:, column], level)
        ]

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[Spotted]:
        """Intervals of one kind from the scores of a video's frames, (n_frames,).

        By default smoothed scores, their peaks above a threshold and an interval around each, by `SpottingParams` in
        `params` (without them, MEAN, section 3.4); in short videos the highest peak alone.

        Args:
            timing: durations of the video's dataset in this fold.
            kind: kind of the intervals.
            scores: NaN where undefined, at the ends only.
            level: an absolute threshold; None for one relative to these scores.
        """
        return spot(
            scores,
            timing.k_prime[kind],
            highest_only=self.task.one_per_video,
            options=SpottingParams.from_params(self.params),
            level=level,
            lead=self.score_lead(timing, kind),
            fps=timing.fps,
            keep=partial(setitem, self.curves, kind),
        )

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """A score for each clip and class, (n_clips, n_classes); higher is likelier."""
        raise NotImplementedError(f"{type(self).__name__} does not recognize")

    def looked_at(self, task: str) -> Looked:
        """The network of `spot` or `recognize`, and the layer to explain.

        Raises:
            RunError: the method has none.
        """
        raise RunError(f"{type(self).__name__} has no activation maps: choose a run of another method")

    def exportable(self) -> tuple[nn.Module, Tensor, tuple[str, ...]]:
        """The fitted network for other programs, a sample input (batch first), and names of outputs.

        Raises:
            RunError: the method has none.
        """
        raise RunError(f"{type(self).__name__} has no network to export: choose a run of another method")
