"""A LightningModule as a `Method`, and the object given to `mebench.evaluate`: each fold gets a fresh copy."""

import copy
import functools
import hashlib
import inspect
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from mebench._fast_imports import L
from mebench.core import (
    KINDS,
    Chain,
    ClipView,
    LabelledVideo,
    Method,
    SpottingParams,
    Stage,
    Task,
    Timing,
    VideoView,
    all_clips,
    stack,
)
from mebench.errors import ConfigError, PluginError
from mebench.features.feature_shape import shape_of_feature
from mebench.training.samples import ClipSamples, ViewSamples, WindowSamples, tensor_of, window_labels

Floats = NDArray[np.float64]
NOMINAL = Timing(30.0, 3, {"micro": 5, "macro": 20})
"""A timing to name chains before that of a fold is known."""


class ModuleMethod(Method):
    """A LightningModule as a method. A subclass makes the module in `build_module` and names its features in `chains`.

    The module is trained on the samples of `MEDataModule`, (x, y), and gives scores in `predict_step`, by default its `forward`: of
    a chain of clips a score for each class, of chains of frames one for each kind. `params` have `batch_size` and `epochs`, and for
    windows of frames `window`.

    Attributes:
        given: the module.
    """

    params: Any
    given: Any

    def __init__(self, params: Any, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.given = self.build_module()

    def build_module(self) -> L.LightningModule:
        """A fresh module for `self.task.classes`, or `self.task.kinds`, with `self.params`."""
        raise NotImplementedError(f"{type(self).__name__} must define build_module()")

    def trained(self) -> L.LightningModule:
        """The module."""
        module: L.LightningModule = self.given
        return module

    def stages(self) -> tuple[Stage, ...]:
        """One training."""
        return (Stage("training", self.params.epochs, self.params.batch_size),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[ViewSamples, ViewSamples | None]:
        """The samples of `MEDataModule`."""
        of_train = self._samples(train, all_clips(train), labelled=True)
        of_valid = self._samples(valid, all_clips(valid), labelled=True) if valid else None
        return of_train, of_valid

    def _samples(self, videos: Sequence[VideoView], clips: Sequence[ClipView], labelled: bool) -> ViewSamples:
        """Windows of frames where the method spots, else clips."""
        if "spot" in self.task.tasks:
            names = _names(self.chains(videos[0].timing) if videos else {}, "frames")
            window = getattr(self.params, "window", 1)
            return WindowSamples(videos, names, labelled, None, window, self.task.kinds)
        return ClipSamples(clips, _names(self.chains(clips[0].video.timing) if clips else {}, "clips"), labelled)

    @torch.inference_mode()
    def _predicted(self, samples: ViewSamples) -> Floats:
        """The module's predictions, (n, columns)."""
        module = self.given
        batches = enumerate(DataLoader(samples, self.params.batch_size))
        outputs = [module.predict_step(module.transfer_batch_to_device(x, module.device, 0), n) for n, x in batches]
        return np.asarray(torch.cat(outputs).double().cpu().numpy()) if outputs else np.zeros((0, len(self.task.kinds)))

    def score_frames(self, video: VideoView) -> Floats:
        """The module's frame scores, (n_frames, n_kinds)."""
        samples = self._samples([video], (), labelled=False)
        assert isinstance(samples, WindowSamples)
        return samples.of_frames(self._predicted(samples), [video])[0]

    def classify(self, clips: Sequence[ClipView]) -> Floats:
        """The module's class scores, (n_clips, n_classes)."""
        return self._predicted(self._samples((), clips, labelled=False))


class Own(ModuleMethod):
    """Queries a copy of an object. A subclass, written next to the object's file, names that file.

    Attributes:
        model: file of the object and its chains, pickled.
        sha256: of that file, so that nothing else is unpickled and the plugin's hash covers the object, too.
    """

    Params: ClassVar[type] = SpottingParams
    model: ClassVar[Path]
    sha256: ClassVar[str]
    timing_numbers: torch.Tensor

    def __init__(self, params: Any, task: Task, seed: int = 0) -> None:
        self._knows_timing = False
        super().__init__(params, task, seed)
        if self._waits_for_timing:
            self.register_buffer("timing_numbers", _numbers_of_timing(NOMINAL))

    def build_module(self) -> Any:
        """A copy of the object; of a function, what it makes for the task.

        Raises:
            PluginError: the file holds another object.
        """
        content = self.model.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise PluginError(f"{self.model} is not the object that was given: evaluate it again")
        given, self._features = pickle.loads(content)
        self._factory = given if is_factory(given) else None
        return self._with_features(given if self._factory is None else self._make(NOMINAL))

    @property
    def _waits_for_timing(self) -> bool:
        """Whether a function makes the object that asks for the fold's timing."""
        return self._factory is not None and "timing" in facts_of(self._factory)

    def _make(self, timing: Timing) -> Any:
        """What the function makes for the task and a timing."""
        assert self._factory is not None  # only then there is something to make
        return make_given(self._factory, self._features, self.task.classes, self.task.kinds, timing)

    def _with_features(self, given: Any) -> Any:
        """An object that reads features; an estimator gets its own reader."""
        return Estimator(given, self._features, self.seed) if is_estimator(given) else given

    def _make_for(self, timing: Timing) -> None:
        """Make the object again, once, where its function asks for the timing."""
        if self._waits_for_timing and not self._knows_timing:
            self.given = self._with_features(self._make(timing))
            self.timing_numbers.copy_(_numbers_of_timing(timing))
            self._knows_timing = True

    def _load_from_state_dict(self, state_dict: dict[str, torch.Tensor], prefix: str, *rest: object) -> None:
        """A saved state brings the timing of its fold, which may shape the object."""
        saved = state_dict.get(f"{prefix}timing_numbers")
        if saved is not None:
            self._make_for(_timing_of_numbers(saved))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def trained(self) -> L.LightningModule:
        """The object, if Lightning trains it."""
        return self.given if is_module(self.given) else self

    def stages(self) -> tuple[Stage, ...]:
        """One training of a module, as long as the trainer's options say."""
        return (Stage("training", 0, self.params.batch_size),) if is_module(self.given) else ()

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Chains given with the object, or named by it. The first call of a fold tells the timing."""
        self._make_for(timing)
        own_chains = getattr(self.given, "chains", None)
        if callable(own_chains):
            return dict(own_chains(timing))
        return chains_of(self._features, timing)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit the object if it has `fit`, then learn thresholds if asked to."""
        fit = getattr(self.given, "fit", None)
        if callable(fit) and takes_task(fit):
            fit(train, self.task)
        elif callable(fit):
            fit(train)
        super().fit_closed_form(train, valid)

    def score_frames(self, video: VideoView) -> Floats:
        """The object's frame scores, (n_frames, n_kinds); a single column may come as (n_frames,)."""
        if is_module(self.given):
            return super().score_frames(video)
        scores = np.asarray(self.given.score_frames(video), dtype=np.float64)
        return scores[:, None] if scores.ndim == 1 else scores

    def classify(self, clips: Sequence[ClipView]) -> Floats:
        """The object's class scores, (n_clips, n_classes); class numbers may come as (n_clips,).

        Raises:
            PluginError: an answer is not a class number.
        """
        if is_module(self.given):
            return super().classify(clips)
        answer = np.asarray(self.given.classify(clips))
        n = len(self.task.classes)
        if answer.ndim != 1:
            return answer.astype(np.float64)
        named = np.asarray(answer[:, None] == np.arange(n))
        stray = answer[~named.any(axis=1)]
        if len(stray):
            raise PluginError(
                f"classify answered {stray[0]}, which is the number of no class: answer 0 to {n - 1}, in the order of task.classes "
                f"({', '.join(self.task.classes)}), or scores (n_clips, n_classes)"
            )
        return named.astype(np.float64)


FACTS = ("classes", "kinds", "shapes", "timing")
"""Arguments that a function may take to make an object."""


def _numbers_of_timing(timing: Timing) -> torch.Tensor:
    """A timing as numbers: frames per second, k, and k' of each kind, 0 where it has none."""
    lengths = [timing.k_prime.get(kind, 0) for kind in KINDS]
    return torch.tensor([timing.fps, timing.k, *lengths], dtype=torch.float64)


def _timing_of_numbers(numbers: torch.Tensor) -> Timing:
    """The timing that `_numbers_of_timing` wrote."""
    fps, k, *lengths = numbers.tolist()
    return Timing(fps, int(k), {kind: int(length) for kind, length in zip(KINDS, lengths) if length})


def is_factory(given: Any) -> bool:
    """Whether the object is a function that makes one."""
    return inspect.isroutine(given) or isinstance(given, functools.partial)


def facts_of(factory: Callable[..., Any]) -> list[str]:
    """The arguments that a function takes to make an object.

    Raises:
        ConfigError: it needs another one.
    """
    parameters = inspect.signature(factory).parameters.values()
    asked = [one.name for one in parameters if one.default is one.empty or one.name in FACTS]
    strange = [name for name in asked if name not in FACTS]
    if strange:
        raise ConfigError(
            f"a function that makes the object takes {', '.join(FACTS)} by name, not {strange[0]!r}: give the others defaults, or "
            "fix them with functools.partial"
        )
    return asked


def make_given(
    factory: Callable[..., Any],
    features: Any,
    classes: Sequence[str],
    kinds: Sequence[str],
    timing: Timing = NOMINAL,
) -> Any:
    """The object that a function makes.

    Args:
        factory: function of any of `FACTS`, by their names.
        features: chains of the object, as `chains_of` takes them.
        classes: names of the classes.
        kinds: kinds that are spotted.
        timing: timing of the fold, of its first dataset.

    Raises:
        ConfigError: it takes other arguments.
    """
    shapes = {name: shape_of_feature(chain) for name, chain in chains_of(features, timing).items()}
    facts = {"classes": tuple(classes), "kinds": tuple(kinds), "shapes": shapes, "timing": timing}
    return factory(**{name: facts[name] for name in facts_of(factory)})


def is_module(given: Any) -> bool:
    """Whether Lightning trains an object: a LightningModule without `score_frames` or `classify`."""
    return isinstance(given, L.LightningModule) and not _answers(given)


def make_probe_batch(features: Any) -> Any:
    """Two empty samples of clips, to try a module with; None if their shape is unknown.

    Args:
        features: chains, as `chains_of` takes them.
    """
    batch = {}
    for name, chain in chains_of(features, NOMINAL).items():
        shape = shape_of_feature(chain) if chain.scope == "clips" else None
        if shape is None:
            return None
        sample = tensor_of(np.zeros(shape))
        batch[name] = torch.stack([sample, sample])
    return batch if len(batch) > 1 else next(iter(batch.values()), None)


def count_scores(module: L.LightningModule, batch: Any) -> int | None:
    """The number of scores that a module gives a sample, tried on a copy; None if it gives no table of scores.

    A module that fails is not refused here: its training says why.
    """
    tried = copy.deepcopy(module).eval()
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            scores = tried.predict_step(batch, 0)
    except Exception:  # each fails in its own way
        return None
    is_table = isinstance(scores, torch.Tensor) and scores.ndim == 2
    return int(scores.shape[1]) if is_table else None


def is_estimator(given: Any) -> bool:
    """Whether an object is a scikit-learn estimator, which learns from rows of numbers."""
    return hasattr(given, "fit") and hasattr(given, "predict") and not _answers(given)


def tasks_of(given: Any, features: Any) -> tuple[str, ...]:
    """The tasks of an object: an estimator or a module spots on chains of frames, and recognizes on chains of clips.

    Raises:
        ConfigError: a regressor is given for clips, which have classes.
    """
    if is_estimator(given) or is_module(given):
        scopes = {chain.scope for chain in chains_of(features, NOMINAL).values()}
        regresses = hasattr(given, "__sklearn_tags__") and given.__sklearn_tags__().estimator_type == "regressor"
        if "clips" in scopes and regresses:
            raise ConfigError(f"{type(given).__name__} predicts numbers, and clips have classes: give a classifier")
        return tuple(task for task, scope in (("recognize", "clips"), ("spot", "frames")) if scope in scopes)
    return _answers(given)


def _answers(given: Any) -> tuple[str, ...]:
    """The tasks for which an object has a function."""
    needed = {"recognize": "classify", "spot": "score_frames"}
    return tuple(task for task, name in needed.items() if callable(getattr(given, name, None)))


def chains_of(features: Any, timing: Timing) -> dict[str, Chain]:
    """Chains by the names under which the object reads them: the keys of a map, else the chains' own.

    Args:
        features: one chain, several, a map of them, or a function of the timing that returns any of these; None for
            none.
        timing: timing of the videos.

    Raises:
        ConfigError: something else is given, or two chains of one name.

    >>> timing = Timing(30.0, 3, {"micro": 5})
    >>> list(chains_of({"lips": Chain("flow", ())}, timing)), list(chains_of([Chain("flow", ())], timing))
    (['lips'], ['flow'])
    """
    chains = features(timing) if callable(features) else features
    given = _listed_chains(chains)
    strange = [one for one in given if not isinstance(one, Chain)]
    if strange:
        raise ConfigError(
            f"features are chains of mebench.core (Chain), not {type(strange[0]).__name__}: give one, several, a map of names to "
            "chains, or a function of the timing that answers with them"
        )
    if isinstance(chains, Mapping):
        return dict(chains)
    names = [chain.name for chain in given]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(f"features hold two chains named {twice[0]!r}: rename one, or give a map of names to chains")
    return dict(zip(names, given))


def _listed_chains(chains: Any) -> tuple[Any, ...]:
    """What is given as chains, one by one: none, a single one, several, or the values of a map."""
    if chains is None:
        return ()
    if isinstance(chains, Mapping):
        return tuple(chains.values())
    return tuple(chains) if isinstance(chains, Iterable) else (chains,)


def _names(chains: Mapping[str, Chain], scope: str) -> list[str]:
    """The names of the chains of a scope."""
    return [name for name, chain in chains.items() if chain.scope == scope]


class Estimator:
    """A scikit-learn estimator on the features of chains, flattened and concatenated.

    A classifier of clips learns their classes. On frames an estimator of each kind learns 1 for a frame inside an expression and 0
    for others; the row of frame i holds what a chain computes of i and, with flow, i + k. Scores are probabilities, else the
    decision function, else what it predicts.
    """

    def __init__(self, given: Any, features: Any, seed: int) -> None:
        self.given = given
        self.features = features
        self.seed = seed
        self.task = Task(frozenset(), (), ())
        self.of_clips: Callable[[Any], Floats] | None = None
        self.of_frames: list[Callable[[Any], Floats]] = []

    def fit(self, train: Sequence[LabelledVideo], task: Task) -> None:
        """Fit the object to the training videos."""
        self.task = task
        clips = all_clips(train) if "recognize" in task.tasks else []
        if clips:
            labels_of_clips = np.array([clip.label for clip in clips])
            self.of_clips = self.learn_scores(self._rows_of_clips(clips), labels_of_clips)
        if "spot" in task.tasks:
            rows = [self.rows_of_frames(video) for video in train]
            labels = [window_labels(len(row), video.expressions, 1, task.kinds) for row, video in zip(rows, train)]
            for column in np.concatenate(labels).astype(np.float64).T:
                self.of_frames.append(self.learn_scores(np.concatenate(rows), column))

    def score_frames(self, video: VideoView) -> Floats:
        """(n_frames, n_kinds); NaN for the last frames, which have no partner."""
        scores = np.full((video.n_frames, len(self.task.kinds)), np.nan)
        rows = self.rows_of_frames(video)
        if len(rows):
            scores[: len(rows)] = np.stack([learnt(rows)[:, -1] for learnt in self.of_frames], axis=1)
        return scores

    def classify(self, clips: Sequence[ClipView]) -> Floats:
        """(n_clips, n_classes); a class without training clips scores below all others."""
        if self.of_clips is None:
            return np.zeros((len(clips), len(self.task.classes)))
        return self.of_clips(self._rows_of_clips(clips))

    def learn_scores(self, rows: Floats, labels: NDArray[Any]) -> Callable[[Any], Floats]:
        """A fitted copy as a function from rows to scores of classes."""
        from sklearn.base import clone  # which an object of another library does without

        seen = np.unique(labels)
        n = max(len(self.task.classes), 2) if labels.dtype.kind == "i" else 2
        if len(seen) == 1:  # a single class needs no fit
            return lambda rows: np.tile(np.arange(n) == seen[0], (len(rows), 1)).astype(np.float64)
        fresh = clone(self.given) if hasattr(self.given, "get_params") else copy.deepcopy(self.given)
        if getattr(fresh, "random_state", self) is None and hasattr(fresh, "set_params"):
            fresh.set_params(random_state=self.seed)
        fresh.fit(rows, labels)
        if _predicts_numbers(fresh, labels):
            return lambda rows: np.asarray(fresh.predict(rows), dtype=np.float64)[:, None]
        return lambda rows: scores_of_classes(fresh, rows, seen.astype(int), n)

    def _rows_of_clips(self, clips: Sequence[ClipView]) -> Floats:
        """The features of clips, a row for each."""
        names = _names(chains_of(self.features, clips[0].video.timing), "clips")
        return np.concatenate([stack(clips, name).reshape(len(clips), -1) for name in names], axis=1).astype(np.float64)

    def rows_of_frames(self, video: VideoView) -> Floats:
        """The features of all chains for each frame that has them, (n_rows, n_features)."""
        names = _names(chains_of(self.features, video.timing), "frames")
        parts = [np.asarray(video.features(name), dtype=np.float64) for name in names]
        n = min(map(len, parts))
        return np.concatenate([part[:n].reshape(n, int(np.prod(part.shape[1:]))) for part in parts], axis=1)


def _predicts_numbers(estimator: Any, labels: NDArray[Any]) -> bool:
    """Whether what an estimator predicts are scores, not class numbers."""
    if hasattr(estimator, "__sklearn_tags__"):
        from sklearn.base import is_regressor

        return bool(is_regressor(estimator))
    # Predicted numbers can be taken for scores of 0 and 1, where an object of no library has no better ones.
    has_scores = hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")
    return labels.dtype.kind == "f" and not has_scores


def scores_of_classes(fitted: Any, rows: Floats, seen: NDArray[Any], n: int) -> Floats:
    """A score for each of n classes; the estimator was trained on `seen`."""
    if hasattr(fitted, "predict_proba"):
        known = np.asarray(fitted.predict_proba(rows))
        absent = 0.0
    else:
        known = np.asarray(np.asarray(fitted.predict(rows))[:, None] == seen, dtype=np.float64)
        if hasattr(fitted, "decision_function"):
            decided = np.asarray(fitted.decision_function(rows), dtype=np.float64)
            both = np.stack([-decided, decided], axis=1) if decided.ndim == 1 else decided
            # Some decide between each pair of classes: of three they answer as many columns as of one class against the rest.
            alike = both.shape == known.shape and (both.argmax(axis=1) == known.argmax(axis=1)).all()
            known = both if decided.ndim == 1 or alike else known
        absent = float(known.min()) - 1
    scores = np.full((len(rows), n), absent)
    scores[:, seen] = known
    return scores


def takes_task(fit: Callable[..., Any]) -> bool:
    """Whether the function takes a second argument: a required one, or one named `task`."""
    try:
        _, *others = inspect.signature(fit).parameters.values()
    except (TypeError, ValueError):
        return False
    by_place = [one for one in others if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return any(one.default is one.empty or one.name == "task" for one in by_place[:1])
