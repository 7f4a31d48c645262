"""The host of a fold: it keeps the labels of the tested subjects and answers the requests of the fold's process."""

from __future__ import annotations

import hashlib
import secrets
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mebench.core import Prediction, Scheme, Task, Video
from mebench.core.peaks import hits
from mebench.core.types import Fold
from mebench.errors import DataError, MebenchError, PluginError, RunError, describe_error
from mebench.files import file_hash
from mebench.grouping import group_by
from mebench.lazy_imports import lazy_imports
from mebench.runner.choices import home_of_video
from mebench.runner.fold_check import Expected, check_fold
from mebench.runner.fold_setup import FoldSetup, FoldSpec, pack_bits
from mebench.runner.fold_source import FrameSource
from mebench.runner.fold_videos import FoldVideos
from mebench.runner.job import FoldJob, FoldOrder, MethodJob
from mebench.runner.plan import Plan
from mebench.runner.video_table import VideoMasks, select_videos
from mebench.runner.workers import WorkerTask
from mebench.runs import FoldResult
from mebench.runs.fold_files import MODEL, RECORD, Curves, WrittenFold, read_fold, whole_fold, write_fold_files
from mebench.runs.folder import TRAINING, RunFolder
from mebench.runs.weights_file import copy_weights, new_weights_name
from mebench.sandbox.aliases import NOBODY, Aliases
from mebench.sandbox.grant import Grant
from mebench.sandbox.isolation import Failure, fold_scratch

with lazy_imports():
    from mebench.runner import fold as fold_process

CLOCKS = 1.0
"""Seconds by which the clocks of a fold and its host may differ."""
WEIGHTS = ".weights"
"""Name of the file in which the process of a fold leaves large weights."""


class FoldProcess(Protocol):
    """A process for a fold, such as `Worker`, or a stand-in for one."""

    def call(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        answer: Callable[..., Any],
        plugins: Iterable[str],
        timeout: float | None,
        grant: Grant | None,
        /,
    ) -> Any:
        """The answer of a function there, see `Worker.call`."""

    def scratch_folder(self) -> AbstractContextManager[str]:
        """A folder for the files of one call."""

    @property
    def printed(self) -> str:
        """The beginning of what the process has printed."""

    @property
    def left_files(self) -> Path | None:
        """Folder for files that outlast the call, on a machine without the run's folder."""


@dataclass
class FoldHost:
    """The host of a fold: it knows the labels of the tested subjects and answers the process that trains. Called with a
    process, it lets the process fit and predict the fold, or only turn stored scores into intervals.

    It accepts each answer once: intervals must come before it reveals where the clips to be classified are, and cannot
    change afterwards.

    Attributes:
        videos: the videos of the run.
        setup: facts that all folds of the run have in common.
        spec: the fold.
        spotted: intervals, frame scores and curves of the tested videos; None before anything was spotted.
    """

    videos: FoldVideos
    setup: FoldSetup
    spec: FoldSpec
    spotted: tuple[list[Prediction], dict[str, NDArray[np.float64]], Curves] | None = None

    @classmethod
    def for_fold(
        cls,
        plan: Plan,
        fold: Fold,
        stored: Path | FoldResult | None = None,
        names: bool = True,
        run: Path | None = None,
        keeps_model: bool = True,
    ) -> FoldHost:
        """The host of a fold.

        Args:
            plan: plan of the run, once its features are stored and the videos without a face are known.
            fold: one of the plan's.
            stored: see `FoldSpec`.
            names: see `FoldSpec`.
            run: folder of the run, if it has one.
            keeps_model: see `FoldSpec`.
        """
        spec = spec_of_fold(plan, fold, stored, names, run, keeps_model)
        return cls(plan.data.fold_videos, plan.fold_setup, spec)

    @cached_property
    def chosen(self) -> VideoMasks:
        """The videos of the fold, chosen from those of the run.

        Raises:
            DataError: nobody is left to train on.
        """
        chosen = self.spec.choose_videos(self.setup, self.videos)
        if self.setup.skipped and self.spec.stored is None and not chosen.train.any():
            raise DataError(
                f"fold {self.spec.key!r} has nothing to train on: no video of its training subjects shows a face"
            )
        return chosen

    @cached_property
    def aliases(self) -> Aliases:
        """The names that videos and people bear in the process. The tested videos with all that is annotated are there, too."""
        learnt = self.videos.learnt
        valid = self.videos.videos if self.setup.chooses_on_tested else learnt
        learning = [*select_videos(learnt, self.chosen.train), *select_videos(valid, self.chosen.valid)]
        tested = select_videos(self.videos.videos, self.chosen.test)
        return Aliases(f"{self.setup.secret} {self.spec.key}", learning, tested)

    @cached_property
    def order(self) -> FoldOrder:
        """The job for the process: drawn names everywhere, and no label of a tested video."""
        videos = self.videos
        chosen = self.chosen
        aliases = self.aliases
        position_of = videos.table.position_of
        hidden = {video.key: aliases.hide(video) for video in aliases.tested}
        places = {hidden[key].key: position_of[key] for key in hidden}
        template = self.setup.job
        homes = videos.homes_of(chosen.train | chosen.valid | chosen.test)
        job = replace(
            template,
            seed=self.spec.seed,
            parts=tuple(_with_one_per_video(part, self.spec.one_per_video) for part in template.parts),
            test=tuple(replace(video, expressions=(), distractors=()) for video in hidden.values()),
            groups={key: videos.groups[place] for key, place in places.items()},
            timings=dict(self.spec.timings),
            homes={key: videos.homes[place] for key, place in places.items()},
            revisions={id_: revision for id_, revision in template.revisions.items() if id_ in homes},
        )
        valid = videos.packed if self.setup.chooses_on_tested else videos.packed_learnt
        return FoldOrder(
            job=job,
            names=aliases.learning,
            n_train=int(chosen.train.sum()),
            train=videos.packed_learnt.choose(chosen.train),
            valid=valid.choose(chosen.valid),
            keeps_model=self.spec.keeps_model,
        )

    @cached_property
    def job(self) -> FoldJob:
        """The job as the process opens it."""
        return self.order.open()

    def __call__(self, worker: FoldProcess) -> FoldResult | Failure:
        """The results of the fold, or the reason for its failure.

        Args:
            worker: the process, which has never seen a label and ends with the fold.

        Raises:
            RunError: the inputs here differ from those of the plan.
        """
        self.setup.open_dataset(self.videos)
        stored = self._read_stored()
        if self.setup.degraded:
            if stored is None or not stored.model:
                raise RunError(
                    f"the clean run keeps no model of fold {self.spec.key!r} any more: compute it again with mebench run"
                )
            return self._predict(worker, stored.model)
        if stored is not None:
            return self._spot_again(worker, stored)
        return self._predict(worker)

    def answer(self, word: str, *of: Any) -> Any:
        """Answer a request of the process.

        Raises:
            PluginError: the request is unknown, or comes too early.
            DataError: a picture is missing.
        """
        match word, *of:
            case "spot", predictions, scores, curves:
                self.spotted = self.spotted or (predictions, scores, curves)
                return None
            case ("clips",):
                return self._clips_to_classify()
            case "score", answers, names:
                return self._score_epoch(answers, names)
            case "stored", key if self._would_reveal_clips(key):
                return None
        return self._frames.answer(word, *of)

    def _read_stored(self) -> FoldResult | None:
        """The stored result of the fold; None where there is none, or its folder is missing on this machine."""
        stored = self.spec.stored
        if not isinstance(stored, Path):
            return stored
        if whole_fold(stored) != self.spec.key or not (stored / MODEL).is_file():
            return None
        result = read_fold(stored, self.setup.job.parts[0].task.kinds)
        run = stored.parent.parent
        return replace(result, trained_in=result.trained_in or run.name)

    def _predict(self, worker: FoldProcess, model: bytes = b"") -> FoldResult | Failure:
        """The results of the fold, by a trained model or by training one."""
        began = time.monotonic()
        result = self._call(worker, self.order, model)
        if isinstance(result, Failure):
            return result
        self._check(result, began, has_model=not model and self.spec.keeps_model, answers_clips=self.setup.job.names)
        real = self.aliases.real_tested_key
        spotted, frame_scores, curves = self.spotted or ([], {}, {})
        return replace(
            result,
            key=self.spec.key,
            seed=self.spec.seed,
            timings=dict(self.spec.timings),
            predictions=self.aliases.restore_predictions(spotted),
            curves={real(video): kinds for video, kinds in curves.items()},
            frame_scores={real(video): rows for video, rows in frame_scores.items()},
            clips=[replace(clip, video=real(clip.video)) for clip in result.clips],
            epoch_predictions=[[replace(p, video=real(p.video)) for p in epoch] for epoch in result.epoch_predictions],
            printed=worker.printed,
        )

    def _spot_again(self, worker: FoldProcess, stored: FoldResult) -> FoldResult | Failure:
        """A stored result with its intervals made again from its frame scores."""
        order = replace(self.order, names=NOBODY, n_train=0, train=b"", valid=b"")
        frame_scores = {self.aliases.key(video): rows for video, rows in stored.frame_scores.items()}
        began = time.monotonic()
        result = self._call(worker, order, stored.model, frame_scores)
        if isinstance(result, Failure):
            return result
        self._check(result, began, has_model=False, answers_clips=False)
        spotted, _, curves = self.spotted or ([], {}, {})
        kept = stored if self.spec.keeps_model else replace(stored, model=b"")
        return replace(
            kept,
            predictions=self.aliases.restore_predictions(spotted),
            curves={self.aliases.real_tested_key(video): kinds for video, kinds in curves.items()},
        )

    def _check(self, result: Any, began: float, has_model: bool, answers_clips: bool) -> None:
        """Refuse what no method can give.

        Args:
            result: result of the fold.
            began: beginning of the fold, by the monotonic clock.
            has_model: whether the fold trained a model.
            answers_clips: whether the fold answers the annotated clips.

        Raises:
            PluginError: there is something.
        """
        job = self.order.job
        clips = (
            [(video, onset, offset) for video, onset, _, offset in self._clips_to_classify()] if answers_clips else None
        )
        expected = Expected(
            job.parts[0].task if job.spots else None,
            job.parts[-1].task if job.names else None,
            {video.key: video.n_frames for video in job.test},
            clips,
            time.monotonic() - began + CLOCKS,
            has_model,
        )
        check_fold(result, self.spotted, expected)

    def _call(
        self,
        worker: FoldProcess,
        order: FoldOrder,
        model: bytes,
        frame_scores: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> FoldResult | Failure:
        """The answer of the process to `fit_and_predict`, which gets a temporary folder."""
        with worker.scratch_folder() as scratch:
            grant = self.setup.grant
            leaves_nothing = grant is not None and grant.view and not self.setup.trains
            shared = None if leaves_nothing else self.spec.shared_place
            place = shared or Path(scratch, "training")
            place.mkdir(parents=True, exist_ok=True)
            left_files = worker.left_files if shared is None else place.parent
            if grant is not None:
                grant = grant._replace(write=(Path(scratch), place), in_memory=shared is not None or leaves_nothing)
            order = replace(
                order,
                job=replace(order.job, cache=scratch, folder=str(place)),
                weights="" if left_files is None else WEIGHTS,
            )
            try:
                outcome = worker.call(
                    fold_process.fit_and_predict,
                    (order, model, frame_scores, self.spec.names),
                    self.aliases.hide_names(self.answer),
                    order.job.plugins,
                    self.setup.timeout,
                    grant,
                )
                result: FoldResult | Failure = self.aliases.restore_names(outcome)
            except MebenchError as error:  # of this process, where there is no other
                raise self.aliases.error(error) from error
            if isinstance(result, FoldResult):
                result = replace(result, weights=None)  # whatever the process says
                if left_files is not None and not result.model and (place / WEIGHTS).is_file():
                    result = _with_weights(result, place / WEIGHTS, left_files)
        return result

    def _clips_to_classify(self) -> list[tuple[str, int, int, int]]:
        """The places of the tested clips, which nobody may know before everything is spotted."""
        job = self.setup.job
        if job.spots and self.spotted is None and not job.leaks:
            raise PluginError(
                "a fold asked for the places of the tested clips before it had spotted them: that is a leak"
            )
        return [
            (self.aliases.key(video.key), e.onset, e.peak, e.offset)
            for video in self.aliases.tested
            for e in job.scheme.scored(video)
        ]

    def _score_epoch(self, answers: list[Any], names: bool) -> float:
        """The score of an epoch on the tested videos, where a run may leak."""
        job = self.setup.job
        if not job.leaks:
            raise PluginError("a fold asked how good an epoch is on the tested subjects: that is a leak")
        if names:
            return clip_accuracy(job.scheme, self.aliases.tested, answers)
        return interval_f1(job.parts[0].task, self.aliases.tested, self.aliases.restore_predictions(answers))

    def _would_reveal_clips(self, key: Mapping[str, Any]) -> bool:
        """Whether a stored entry would tell the places of tested clips too early."""
        is_tested = any(video.key == key["video"] for video in self.order.job.test)
        of_clip = bool(key["clip"])  # the clips that are stored are those that are annotated
        return is_tested and of_clip and self.setup.job.spots and self.spotted is None

    @cached_property
    def _frames(self) -> FrameSource:
        """The source of frames that this fold may read, by drawn names."""
        dataset = self.setup.open_dataset(self.videos)
        return FrameSource(
            self.aliases.videos,
            lambda video: home_of_video(dataset, self.setup.dataset_id, video),
            self.setup.store,
        )


def _with_weights(result: FoldResult, written: Path, folder: Path) -> FoldResult:
    """A result with the large weights that its process has written.

    They are in memory if the folder for them is full: whoever keeps the fold then reports it.

    Args:
        result: result of the process.
        written: file that it has written.
        folder: folder for a copy that the process cannot change.
    """
    try:
        return replace(result, weights=copy_weights(written, folder / new_weights_name()))
    except OSError:
        return replace(result, model=written.read_bytes())


def _with_one_per_video(part: MethodJob, one_per_video: bool) -> MethodJob:
    """A method whose task says what the tested videos are. It says whether they are short ones of one expression each."""
    return replace(part, task=replace(part.task, one_per_video=one_per_video))


def spec_of_fold(
    plan: Plan,
    fold: Fold,
    stored: Path | FoldResult | None = None,
    names: bool = True,
    run: Path | None = None,
    keeps_model: bool = True,
    mark: str = "",
) -> FoldSpec:
    """A fold of a plan for its host, see `FoldHost.for_fold` and `FoldSpec`."""
    data = plan.data
    train, valid, test = (
        pack_bits(data.fold_videos.table.find_people(side)) for side in (fold.train, fold.valid, fold.test)
    )
    return FoldSpec(
        key=fold.key,
        seed=plan.fold_seed(fold),
        train=train,
        valid=valid,
        test=test,
        tested_videos=fold.videos,
        timings=data.find_timings(fold),
        one_per_video=all(data.short[subject.dataset] for subject in fold.test),
        stored=stored,
        names=names,
        place=None if run is None else place_of(run, plan, fold),
        keeps_model=keeps_model,
        mark=mark,
    )


def place_of(run: Path, plan: Plan, fold: Fold) -> Path:
    """The folder for the files of a fold's training while it lasts, see `FoldSpec.place`."""
    return run.resolve() / TRAINING / hashlib.sha256(f"{plan.secret} {fold.key}".encode()).hexdigest()[:16]


def host_fold(
    videos: FoldVideos, setup: FoldSetup, spec: FoldSpec, worker: FoldProcess
) -> FoldResult | WrittenFold | Failure:
    """Host one fold, see `FoldHost`. The host is made late, since a thousand hosts would fill the memory.

    Another machine that shares the folder of the run writes the files of the fold there.
    """
    result = FoldHost(videos, setup, spec)(worker)
    if isinstance(result, Failure) or not spec.mark or spec.shared_place is None:
        return result
    return write_fold_there(result, spec.shared_place.parents[1], setup.job.parts[0].task.kinds)


def write_fold_there(result: FoldResult, run: Path, kinds: Sequence[str]) -> FoldResult | WrittenFold | Failure:
    """Write the files of a fold into the folder of its run, which takes them.

    Args:
        result: result of the fold.
        run: folder of the run, which this machine shares.
        kinds: see `write_fold_files`.

    Returns:
        the fold as written; the result itself where the disk refuses it, which the run's own machine then reports.
    """
    folder = run / TRAINING / f"{secrets.token_hex(8)}.fold"
    unscored = result.list_unscored_videos()
    try:
        folder.mkdir()
        write_fold_files(folder, result, kinds, RunFolder(run).key)
        return WrittenFold(folder, file_hash(folder / RECORD), unscored)
    except (ValueError, TypeError, OverflowError) as error:
        return unstorable(error)
    except OSError:
        weights = result.weights
        if weights is None or weights.path.is_file():
            return result
        return replace(result, weights=replace(weights, path=folder / MODEL))


def unstorable(error: Exception) -> Failure:
    """The failure of a fold whose answers no column takes, such as half a frame."""
    reason = f"the answers of its method cannot be stored ({describe_error(error)})"
    return Failure(reason, f"{''.join(traceback.format_exception(error))}{reason}", PluginError(reason))


def fold_task(
    key: Any,
    plan: Plan,
    fold: Fold,
    stored: Path | FoldResult | None = None,
    run: Path | None = None,
    keeps_model: bool = True,
    mark: str = "",
) -> WorkerTask:
    """A fold for a pool of workers.

    Args:
        key: key of the task.
        plan: see `FoldHost.for_fold`, as the rest.
        fold: the fold.
        stored: where only intervals are made.
        run: folder of the run, if it has one.
        keeps_model: see `FoldSpec`.
        mark: see `FoldSpec`.
    """
    spec = spec_of_fold(plan, fold, stored, run=run, keeps_model=keeps_model, mark=mark)
    shared = (plan.data.fold_videos, plan.fold_setup)
    files = None if run is None else run.resolve() / TRAINING
    return WorkerTask(key, host_fold, (spec,), plan.config.plugins, plan.imports, shared, files)


class ThisProcess:
    """A stand-in for the process that runs its calls in this process: labels are hidden as well, but module state
    persists, and there is no timeout.
    """

    printed = ""
    left_files = None

    def scratch_folder(self) -> AbstractContextManager[str]:
        """A new folder for the files of one call, removed afterwards."""
        return fold_scratch()

    def call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], answer: Callable[..., Any], *_: object
    ) -> Any:
        """The answer of the function, see `Worker.call`; what it raises is raised."""
        return function(*arguments, answer)


def execute_fold(plan: Plan, fold: Fold, stored: FoldResult | None = None, names: bool = True) -> FoldResult:
    """Fit and predict one fold in this process, with labels hidden as in another; or only make its
    intervals again.

    Args:
        plan: plan of the run, once its features are stored.
        fold: one of its folds.
        stored: frame scores and models of the fold from a run that differs in spotting alone (not checked): only
            intervals are made.
        names: whether a method that recognizes names the emotions of these intervals.

    Raises:
        MebenchError: the method failed.
    """
    result = FoldHost.for_fold(plan, fold, stored, names)(ThisProcess())
    assert isinstance(result, FoldResult)
    return result


def clip_accuracy(scheme: Scheme, videos: Sequence[Video], answers: Sequence[int]) -> float:
    """The share of scored clips that are classified right; 0 without clips."""
    labels = [scheme.of(e) for video in videos for e in scheme.scored(video)]
    if not labels:
        return 0.0
    return float(np.mean([answer == label for answer, label in zip(answers, labels)]))


def interval_f1(task: Task, videos: Sequence[Video], spotted: Sequence[Prediction]) -> float:
    """2 TP / (spotted + truths) at IoU 0.5; what anything hits is found; 0 where nothing is there."""
    spotted_of = group_by(spotted, key=lambda p: (p.video, p.kind))
    n_truths = n_found = 0
    for video in videos:
        for truth in video.expressions:
            if truth.kind in task.kinds:
                candidates = spotted_of.get((video.key, truth.kind), ())
                n_truths += 1
                n_found += any(hits((p.onset, p.offset), (truth.onset, truth.offset)) for p in candidates)
    return 2 * n_found / max(len(spotted) + n_truths, 1)
