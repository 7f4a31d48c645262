"""One fold in a process without the labels of the tested subjects: fit on the training subjects, predict the tested ones. Each
method has its own views of the videos.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from mebench._fast_imports import L  # before its parts

# isort: split
import numpy as np
import torch
from lightning.pytorch.utilities.seed import isolate_rng
from numpy.typing import NDArray
from safetensors.torch import load, save, save_file

from mebench.config.trainer import with_number_keys
from mebench.config.trainer_objects import with_copies
from mebench.core import (
    Chain,
    ClipView,
    Dataset,
    Kind,
    LabelledClip,
    LabelledVideo,
    Method,
    Prediction,
    Video,
    VideoView,
    all_clips,
    stable_seed,
)
from mebench.core.peaks import Curve
from mebench.errors import PluginError, check_known
from mebench.features import FeatureStore
from mebench.features.pipeline import video_source
from mebench.runner.deferred import DeferredItems
from mebench.runner.fold_source import HostedStore, RemoteDataset, content_seed
from mebench.runner.inputs import code_of, instructions_of_torch, refuse_other_code, refuse_other_processor
from mebench.runner.job import FoldJob, FoldOrder, Job, MethodJob
from mebench.runs import ClipPrediction, FoldResult
from mebench.sandbox.isolation import Request
from mebench.system import peak_memory
from mebench.training import fit
from mebench.training.adaptation import adapt_features

MOST_SENT = 4 << 20
"""Bytes of weights that a fold sends to its host; larger ones go through a file."""
Home = Callable[[Video], tuple[Dataset, str]]
"""Where a video is read: its dataset, and the dataset's id."""


def fit_and_predict(
    order: FoldOrder, model: bytes, known: Mapping[str, NDArray[np.float64]] | None, names: bool, request: Request
) -> FoldResult:
    """Fit and predict one fold in a process without labels; the intervals went to the host before.

    Args:
        order: the fold.
        model: trained weights, as safetensors, which the result then leaves out; empty to train.
        known: stored frame scores of each tested video, from which only intervals are made; None to predict all.
        names: whether a method that recognizes names the emotion of what is spotted.
        request: asks the host.

    Raises:
        RunError: the code or PyTorch's processor instructions differ from the plan's.
    """
    job = order.open()
    refuse_other_processor("a worker was given a run that", job.instructions, instructions_of_torch())
    refuse_other_code(partial(code_of, [part.plugin for part in job.parts]), job.code)
    started = time.perf_counter()
    fitted = _fit_methods(job, request, trained=bool(model))
    methods = methods_by_prefix([part.method for part in fitted])
    if model:
        restore_methods(methods, load(model))
    fitted_at = time.perf_counter()
    spotter = fitted[0]
    namer = fitted[-1]  # the same where the run has one method
    if job.spots:
        request("spot", *_spot_tested_videos(job, spotter, namer if names else None, known))
    answers = namer.clip_predictions() if job.names and known is None else []
    for part in fitted:
        part.views.close()
    costs = {
        "fit_seconds": fitted_at - started,
        "predict_seconds": time.perf_counter() - fitted_at,
        "peak_memory_mib": peak_memory(),
        "parameters": sum(map(count_parameters, methods.values())),
    }
    epochs = [
        replace(e, stage=prefix + e.stage) for prefix, method in methods.items() for e in method.history.list_epochs()
    ]
    notes = {prefix + name: value for prefix, method in methods.items() for name, value in method.notes.items()}
    weights = b""
    if order.keeps_model and not model:
        weights = hand_over_weights(methods, Path(job.folder, order.weights) if order.weights else None)
    return FoldResult(
        key=job.key,
        predictions=[],
        clips=answers,
        frame_scores={},
        timings=dict(job.timings),
        seed=job.seed,
        costs=costs,
        model=weights,
        history=epochs,
        notes=notes,
        epoch_predictions=namer.epoch_predictions,
    )


def _fit_methods(job: FoldJob, request: Request, trained: bool) -> list[FittedMethod]:
    """The methods of the job, one after the other: each draws from its own seed, in a pair as alone.

    Args:
        job: the fold.
        request: asks the host.
        trained: whether their weights are there already, so that nothing is fitted.
    """
    members = {id_: RemoteDataset(request, revision) for id_, revision in job.revisions.items()}

    def home(video: Video) -> tuple[Dataset, str]:
        id_ = job.homes[video.key]
        return members[id_], id_

    fitted = []
    for part in job.parts:
        method = FittedMethod(job, part, home, request)
        folder = Path(job.folder, part.plugin.id if len(job.parts) > 1 else "")
        folder.mkdir(exist_ok=True)
        if not trained:
            method.fit(job, folder)
        fitted.append(method)
    return fitted


def _spot_tested_videos(
    job: FoldJob, spotter: FittedMethod, namer: FittedMethod | None, known: Mapping[str, NDArray[np.float64]] | None
) -> tuple[list[Prediction], dict[str, NDArray[np.float64]], dict[str, dict[Kind, Curve]]]:
    """Intervals, frame scores and curves of the tested videos.

    Args:
        job: the fold.
        spotter: the method that spots.
        namer: the method that names what is spotted; None to leave it unnamed.
        known: stored frame scores of each tested video; None to compute them.
    """
    predictions: list[Prediction] = []
    all_scores = {}
    curves = {}
    for video in job.test:
        view = spotter.views.hide_labels(video)
        scores = spotter.frame_scores(view) if known is None else known[video.key]
        spotted = spotter.propose(view, scores)
        predictions += spotted if namer is None else namer.name_emotions(video, spotted)
        all_scores[video.key] = scores
        curves[video.key] = dict(spotter.method.curves)
    return predictions, all_scores, curves


def count_parameters(method: Method) -> int:
    """The number of parameters and running statistics of a model."""
    return sum(t.numel() for name, t in method.state_dict().items() if not name.endswith("num_batches_tracked"))


def methods_by_prefix(methods: Sequence[Method]) -> dict[str, Method]:
    """Methods by the prefix of their weights: none for one method, `method.` and `recognizer.` for a pair."""
    prefixes = ("method.", "recognizer.") if len(methods) > 1 else ("",)
    return dict(zip(prefixes, methods))


def restore_methods(parts: Mapping[str, Method], weights: Mapping[str, Any]) -> None:
    """Load the weights of a fold into methods, ready to predict; further weights are ignored."""
    for prefix, method in parts.items():
        method.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
        method.eval()


def hand_over_weights(parts: Mapping[str, Method], file: Path | None) -> bytes:
    """The models of a fold as safetensors, for `safetensors.torch.load` and `restore_methods`.

    Args:
        parts: the methods by the prefix of their weights.
        file: file for weights that are too large for a message; None to return them all.

    Returns:
        the bytes; none where they are in the file.
    """
    tensors = {
        prefix + name: tensor.detach().cpu().contiguous()
        for prefix, method in parts.items()
        for name, tensor in method.state_dict().items()
    }
    n_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if file is None or n_bytes <= MOST_SENT:
        return bytes(save(tensors))
    try:
        save_file(tensors, file)
    except Exception:  # a full disk, of which the host speaks when it writes them
        file.unlink(missing_ok=True)
        return bytes(save(tensors))
    return b""


class Views:
    """The views of one fold.

    While it is fitted, a method reads the videos of this fold only. A view ends with its fold: one that a method keeps
    for later raises an error.
    """

    def __init__(self, job: Job, method: Method, home: Home, request: Request | None = None) -> None:
        self.job = job
        self.home = home
        self.store = FeatureStore(Path(job.cache)) if request is None else HostedStore(job.cache, request)
        self.chains = {group: method.adjusted_chains(timing) for group, timing in job.timings.items()}
        self._readable: Callable[[], frozenset[str]] | None = None  # None stands for all
        self._adapted: dict[tuple[Any, ...], NDArray[np.float32]] = {}

    def hide_labels(self, video: Video) -> VideoView:
        """A video as `score_frames`, `propose` and `classify` see it."""
        return VideoView(**self._common(video))

    def show_labels(self, video: Video) -> LabelledVideo:
        """A video to train or validate on."""
        return LabelledVideo(
            **self._common(video),
            expressions=video.expressions,
            labels=tuple(self.job.scheme.of(e) for e in video.expressions),
        )

    @contextmanager
    def limited_to(self, *sides: Sequence[Video]) -> Iterator[None]:
        """A context in which only these videos' features can be read."""
        before = self._readable
        self._readable = cache(lambda: frozenset(video.key for side in sides for video in side))
        try:
            yield
        finally:
            self._readable = before

    def adapt(self, how: str, train: Sequence[LabelledClip], test: Sequence[ClipView]) -> None:
        """Adapt the features of training and tested clips to each other; the method reads the adapted ones from now
        on.
        """
        adapted = {}
        labels = [clip.label for clip in train]
        every_chain = [chain for chains in self.chains.values() for chain in chains.values()]
        for name in {chain.name for chain in every_chain if chain.scope == "clips"}:
            of_train = np.stack([clip.feature(name) for clip in train])
            of_test = np.stack([clip.feature(name) for clip in test])
            train_rows, test_rows = adapt_features(how, _as_rows(of_train), _as_rows(of_test), labels)
            features = [
                *train_rows.astype(np.float32).reshape(of_train.shape),
                *test_rows.astype(np.float32).reshape(of_test.shape),
            ]
            for clip, feature in zip((*train, *test), features):
                adapted[clip.video.key, name, clip.onset, clip.apex, clip.offset] = feature
        self._adapted = adapted

    def close(self) -> None:
        """The fold is over."""
        self._readable = frozenset

    def _common(self, video: Video) -> dict[str, Any]:
        """What every view of a video has, labelled or not."""
        blind = replace(video, expressions=())
        return {
            "key": video.key,
            "subject": video.subject_key,
            "fps": video.fps,
            "n_frames": len(self.home(video)[0].frames(video)) if video.n_frames is None else video.n_frames,
            "timing": self.job.timings[self.job.groups[video.key]],
            "_frames": partial(self._frames, blind),
            "_clip": partial(self._clip, blind),
            "_seed": partial(self._seed, blind),
        }

    def _seed(self, video: Video) -> int:
        """The seed of a video's random numbers, from the fold's and its content."""
        dataset, _ = self.home(video)
        if isinstance(dataset, RemoteDataset):
            return stable_seed(self.job.seed, dataset.content_seed(video))
        return stable_seed(self.job.seed, content_seed(dataset, video))

    def _frames(self, video: Video, chain: str) -> NDArray[Any]:
        """The features of a video's frames."""
        return video_source(self.store, *self.home(video), video).frame_features(self._chain(video, chain))

    def _clip(self, video: Video, chain: str, onset: int, apex: int, offset: int) -> NDArray[Any]:
        """A feature of a clip, adapted to the tested database where the run does so.

        Raises:
            PluginError: adaptation does not know this part of a clip.
        """
        known = self._chain(video, chain)
        if not self._adapted:
            return video_source(self.store, *self.home(video), video).clip_feature(known, onset, apex, offset)
        feature = self._adapted.get((video.key, chain, onset, apex, offset))
        if feature is None:
            raise PluginError(
                "adaptation changes what clip.feature gives, and this method reads parts of clips: choose another method"
            )
        return feature

    def _chain(self, video: Video, name: str) -> Chain:
        """The steps of a feature by its name.

        Raises:
            PluginError: the video must not be read now, or the method names no such feature.
        """
        readable = None if self._readable is None else self._readable()
        if readable is not None and video.key not in readable:
            why = "while it is fitted on other subjects" if readable else "after the fold of that view was over"
            raise PluginError(f"the method reads {video.key} {why}: that is a leak, so keep no views beyond a fold")
        chains = self.chains[self.job.groups[video.key]]
        check_known("feature", name, chains, "A method reads the features that its chains() name", PluginError)
        return chains[name]


def _as_rows(features: NDArray[Any]) -> NDArray[np.float64]:
    """Features as one row of numbers for each clip."""
    return features.reshape(len(features), -1).astype(np.float64)


def best_epoch_check(method: Method, score: Callable[[], float], rule: str) -> Callable[[], bool]:
    """Whether an epoch is the best of its stage so far; under `leak_last` an equal score is better, too.

    Since no score exceeds 1, nothing beats an epoch without mistakes, as `leak_stop` asks.
    """
    highest: dict[str, float] = {}

    def better() -> bool:
        before = highest.get(method.stage, float("-inf"))
        now = score()
        highest[method.stage] = max(before, now)
        return now >= before if rule == "leak_last" else now > before

    return better


class FittedMethod:
    """One method at work in a fold: fitted on the training subjects, with its own views of all videos.

    Args:
        job: the videos and the folds, without labels of tested videos.
        part: the method.
        home: the source of the videos.
        request: asks the host; None for a method that is neither fitted nor given annotated clips.

    Attributes:
        epoch_predictions: predictions for the tested subjects after each epoch, where the run keeps them: intervals of
            a spotter, else class scores of clips.
    """

    def __init__(self, job: Job, part: MethodJob, home: Home, request: Request | None = None) -> None:
        self.job = job
        self.task = part.task
        self._request: Any = request
        # Plugins may draw from torch, NumPy or Python; their draws must not depend on earlier work of this process.
        L.seed_everything(job.seed, verbose=False)
        self.method = part.new_method(job.seed)
        self._name = f"method {part.plugin.id!r}"
        self.views = Views(job, self.method, home, request)
        self.epoch_predictions: list[list[Prediction | ClipPrediction]] = []

    def fit(self, job: FoldJob, folder: Path | None = None) -> None:
        """Train on the training subjects, and validate on the inner ones if there are any.

        Features are adapted first, if the run asks for it. A run that leaks also scores the tested subjects after each
        epoch; in any other they are hidden meanwhile.

        Args:
            job: the fold.
            folder: see `mebench.training.fit`.
        """
        train = DeferredItems(lambda: [*map(self.views.show_labels, job.train)], len(job.train))
        valid = DeferredItems(lambda: [*map(self.views.show_labels, job.valid)], len(job.valid))
        if job.adaptation != "none":
            tested = self.clips_to_classify()
            if tested:
                self.views.adapt(job.adaptation, all_clips([*train, *valid]), tested)
        train_method = partial(
            fit,
            self.method,
            train,
            valid,
            job.accelerator,
            precision=job.precision,
            options=with_copies(with_number_keys(job.trainer)),
            folder=folder,
        )
        if job.leaks:

            def score() -> float:
                """The score on the tested subjects after an epoch."""
                return float(self._request("score", *epoch_answers(self)))

            train_method(after_epoch=None if job.selects else best_epoch_check(self.method, score, job.audit))
        else:
            with self.views.limited_to(job.train, job.valid):
                train_method(after_epoch=self._keep_epoch_predictions if job.epoch_predictions else None)
        self._check_weights()

    def _check_weights(self) -> None:
        """Stop where a training has diverged: a network without numbers would spot nothing, and say nothing of it.

        Raises:
            PluginError: weights are not finite.
        """
        weights = dict(self.method.named_parameters())
        diverged = [name for name, numbers in weights.items() if not torch.isfinite(numbers).all()]
        if diverged:
            raise PluginError(
                f"{self._name}: its training has diverged: {len(diverged)} of its {len(weights)} arrays of weights hold numbers that are "
                f"not finite, {diverged[0]!r} first; a lower learning rate or precision=32-true may help"
            )

    def _keep_epoch_predictions(self) -> bool:
        """Keep the predictions for the tested subjects after an epoch of the last stage; no epoch is selected by
        them.
        """
        if self.method.stage == self.method.stages()[-1].name:
            with _as_found(self.method), self.views.limited_to(self.job.test):
                self.epoch_predictions.append(self._predict_tested())
        return False

    def _predict_tested(self) -> list[Prediction | ClipPrediction]:
        """Intervals of a spotter in the tested videos, else class scores of their clips."""
        if "spot" not in self.task.tasks:
            return list[Prediction | ClipPrediction](self.clip_predictions())
        spotted: list[tuple[Video, list[Prediction]]] = []
        for video in self.job.test:
            view = self.views.hide_labels(video)
            spotted.append((video, self.propose(view, self.frame_scores(view))))
        return [p for video, intervals in spotted for p in self.name_emotions(video, intervals)]

    def clips_to_classify(self) -> list[ClipView]:
        """The annotated clips of the tested videos that the scheme scores; the labels stay with the host."""
        views = {video.key: self.views.hide_labels(video) for video in self.job.test}
        return [
            views[key].clip(onset, apex, offset, spotted=False) for key, onset, apex, offset in self._request("clips")
        ]

    def clip_predictions(self) -> list[ClipPrediction]:
        """The answers to the clips that are to be classified."""
        clips = self.clips_to_classify()
        return [ClipPrediction(c.video.key, c.onset, c.offset, *a) for c, a in zip(clips, self.answers(clips))]

    def answers(self, clips: Sequence[ClipView]) -> list[tuple[str, tuple[float, ...]]]:
        """The class of each clip, see `Task.called`, and a number for each class."""
        rows = self.class_scores(clips) if clips else ()
        return [(self.task.called(row.tolist()), tuple(map(float, row))) for row in rows]

    def name_emotions(self, video: Video, spotted: list[Prediction]) -> list[Prediction]:
        """The spotted intervals of a video, with emotions if the method names them."""
        if "recognize" not in self.task.tasks:
            return spotted
        view = self.views.hide_labels(video)
        answers = self.answers([view.clip(p.onset, p.apex, p.offset) for p in spotted])
        return [replace(p, emotion=emotion, probabilities=numbers) for p, (emotion, numbers) in zip(spotted, answers)]

    def class_scores(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """The checked answer of `classify`: (n_clips, n_classes)."""
        rows = np.asarray(self.method.classify(clips), dtype=np.float64)
        expected = (len(clips), len(self.task.classes))
        if rows.shape != expected:
            raise PluginError(
                f"{self._name}: classify gave shape {rows.shape}, expected (n_clips, n_classes) = {expected}"
            )
        if not np.isfinite(rows).all():
            row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
            raise PluginError(
                f"{self._name}: classify gave {rows[row].tolist()} for {clips[row].video.key}, expected a finite number for each class"
            )
        return rows

    def frame_scores(self, view: VideoView) -> NDArray[np.float64]:
        """The checked answer of `score_frames`: (n_frames, n_kinds), undefined at the ends only."""
        scores = np.asarray(self.method.score_frames(view), dtype=np.float64)
        expected = (view.n_frames, len(self.task.kinds))
        if scores.shape != expected:
            raise PluginError(
                f"{self._name}: score_frames gave shape {scores.shape} for {view.key}, "
                f"expected (n_frames, n_kinds) = {expected}"
            )
        for column in scores.T:
            defined = np.flatnonzero(~np.isnan(column))
            if np.isinf(column).any() or (len(defined) and np.ptp(defined) >= len(defined)):
                wrong = "an infinite score" if np.isinf(column).any() else "NaN between scores"
                raise PluginError(
                    f"{self._name}: score_frames gave {wrong} for {view.key}, expected numbers, and NaN at the ends only"
                )
        return scores

    def propose(self, view: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """The checked answer of `propose`: an impossible interval stops the first fold."""
        self.method.curves.clear()
        proposed = self.method.propose(view, scores)
        for kind, curve in self.method.curves.items():
            end = curve.first + len(curve.heights)
            if kind not in self.task.kinds or not 0 <= curve.first <= end <= view.n_frames:
                raise PluginError(
                    f"{self._name}: propose kept a curve of {kind!r} from frame {curve.first} to {end} for {view.key}, expected one of "
                    f"the kinds {list(self.task.kinds)} and frames of the video, of which there are {view.n_frames}"
                )
        for p in proposed:
            if not (
                p.video == view.key
                and p.kind in self.task.kinds
                and p.onset <= p.apex <= p.offset
                and np.isfinite(p.confidence)
            ):
                raise PluginError(
                    f"{self._name}: propose gave {p} for {view.key}, expected that video, one of the kinds "
                    f"{list(self.task.kinds)}, onset <= apex <= offset and a finite confidence"
                )
        return proposed


def epoch_answers(fitted: FittedMethod) -> tuple[list[Any], bool]:
    """Predictions for the tested subjects in training, and whether they name clips.

    They are class numbers of clips in the last stage of a recognizer, else intervals.

    The method and the random number generators are left unchanged.
    """
    method = fitted.method
    tasks = fitted.task.tasks
    stages = method.stages()
    only_recognizes = "recognize" in tasks and "spot" not in tasks
    is_in_stage_of_recognition = "recognize" in tasks and len(stages) > 1 and method.stage == stages[-1].name
    with _as_found(method):
        if only_recognizes or is_in_stage_of_recognition:
            clips = fitted.clips_to_classify()
            rows = fitted.class_scores(clips) if clips else ()
            return [int(row.argmax()) for row in rows], True
        views = [fitted.views.hide_labels(video) for video in fitted.job.test]
        intervals = [p for view in views for p in fitted.propose(view, fitted.frame_scores(view))]
        return intervals, False


@contextmanager
def _as_found(method: Method) -> Iterator[None]:
    """A context in evaluation mode without gradients, which restores the former state."""
    modes = {module: module.training for module in method.modules()}
    try:
        with isolate_rng(include_cuda=False), torch.no_grad():
            method.eval()
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
