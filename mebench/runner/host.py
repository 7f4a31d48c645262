"""The host of a fold: it keeps the labels of the tested subjects and answers the requests of the fold's process."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mebench.atomic import scratch_folder
from mebench.config import trainer, trainer_objects
from mebench.core import Dataset, Prediction, Scheme, Task, Video
from mebench.core.peaks import hits
from mebench.core.types import Fold
from mebench.errors import DataError, MebenchError, PluginError, RunError
from mebench.features import FeatureStore
from mebench.grouping import group_by
from mebench.lazy_imports import lazy_imports
from mebench.runner.choices import home_of_video
from mebench.runner.fold_check import Expected, check_fold
from mebench.runner.fold_source import DatasetSource, FrameSource, open_source
from mebench.runner.inputs import instructions_of_torch, refuse_other
from mebench.runner.job import FoldJob, method_jobs, reads_of
from mebench.runner.plan import Plan
from mebench.runner.workers import WorkerTask
from mebench.runs import FoldResult
from mebench.runs.fold_files import Curves, read_fold, whole_fold
from mebench.runs.folder import TRAINING
from mebench.sandbox.aliases import Aliases
from mebench.sandbox.confinement import gives_view, grant_access
from mebench.sandbox.grant import Grant
from mebench.sandbox.isolation import SCRATCH, Failure

with lazy_imports():
    from mebench.runner import fold as fold_process

CLOCKS = 1.0
"""Seconds by which the clocks of a fold and its host may differ."""


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


@dataclass
class FoldHost:
    """The host of a fold: it knows the labels of the tested subjects and answers the process that trains. Called with a
    process, it lets the process fit and predict the fold, or only turn stored scores into intervals.

    It accepts each answer once: intervals must come before it reveals where the clips to be classified are, and cannot
    change afterwards. It can be pickled for another machine, where it opens the dataset itself.

    Attributes:
        key: key of the fold.
        job: job of the process.
        aliases: the names that videos and people bear in the process, and the tested videos with all that is annotated.
        dataset_id: id of the dataset, see `RunData`.
        store: store of features.
        degraded: whether the tested frames are degraded ones, so that only a stored model may predict.
        timeout: seconds after which the process counts as hung; None for no limit.
        dataset: opened; or where it is, for another machine.
        stored: the result, or the folder, of a run that differs in spotting alone: only the intervals are made again.
            Where the folder is missing on this machine, the fold is trained.
        names: whether a method that recognizes names the emotion of what is spotted from stored scores.
        grant: the access of the process, see `mebench.sandbox.confinement`; None where it is not confined.
        place: folder for the files and the state of its training, with a meaningless name; None for one that is deleted
            with the fold.
        spotted: intervals, frame scores and curves of the tested videos; None before anything was spotted.
    """

    key: str
    job: FoldJob
    aliases: Aliases
    dataset_id: str
    store: FeatureStore
    degraded: bool
    timeout: float | None
    dataset: Dataset | DatasetSource
    stored: Path | FoldResult | None = None
    names: bool = True
    spotted: tuple[list[Prediction], dict[str, NDArray[np.float64]], Curves] | None = None
    grant: Grant | None = None
    place: Path | None = None

    @classmethod
    def for_fold(
        cls,
        plan: Plan,
        fold: Fold,
        stored: Path | FoldResult | None = None,
        names: bool = True,
        run: Path | None = None,
    ) -> FoldHost:
        """The host of a fold.

        Args:
            plan: plan of the run, once its features are stored and the videos without a face are known.
            fold: one of the plan's.
            stored: see the attributes.
            names: see the attributes.
            run: folder of the run, if it has one.

        Raises:
            DataError: nobody is left to train on.
        """
        data = plan.data
        train, valid, test = ([v for v in side if v.key not in data.skipped] for side in data.split_videos(fold))
        if not train and data.skipped and stored is None:
            raise DataError(
                f"fold {fold.key!r} has nothing to train on: no video of its training subjects shows a face"
            )
        if data.leak and data.selects:  # it is chosen on the tested videos, which then keep their labels
            valid = test
        learning = {video.key: video for video in (*train, *valid)}
        aliases = Aliases(f"{plan.secret} {fold.key}", list(learning.values()), test)
        return cls(
            fold.key,
            _job_of(plan, fold, aliases, train, valid),
            aliases,
            data.id,
            plan.features.store,
            plan.config.degrade != "none",
            plan.config.fold_timeout,
            data.dataset,
            stored,
            names,
            grant=plan.grant,
            place=None if run is None else place_of(run, plan, fold),
        )

    def __call__(self, worker: FoldProcess) -> FoldResult | Failure:
        """The results of the fold, or the reason for its failure.

        Args:
            worker: the process, which has never seen a label and ends with the fold.

        Raises:
            RunError: the inputs here differ from those of the plan.
        """
        if isinstance(self.dataset, DatasetSource):
            self._open_dataset(self.dataset)
        stored = self._read_stored()
        if self.degraded:
            if stored is None or not stored.model:
                raise RunError(
                    f"the clean run keeps no model of fold {self.key!r} any more: compute it again with mebench run"
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

    def _open_dataset(self, source: DatasetSource) -> None:
        """On another machine: open the dataset. Its annotations are not used, but must equal those of the run."""
        self.dataset = open_source(source)
        known = {self.aliases.real_key(video.key): video.expressions for video in (*self.job.train, *self.job.valid)}
        known |= {video.key: video.expressions for video in self.aliases.tested}
        annotated = {video.key: video.expressions for video in self.dataset.videos()}
        refuse_other(repr({key: annotated.get(key) for key in known}), repr(known))
        if self.grant is not None:
            job = self.job
            plugins = [part.plugin for part in job.parts]
            here = grant_access(plugins, reads_of(job.parts), trainer.user_modules(job.trainer), job.accelerator)
            self.grant = here._replace(lacks=self.grant.lacks, view=gives_view(job.accelerator))

    def _read_stored(self) -> FoldResult | None:
        """The stored result of the fold; None where there is none, or its folder is missing on this machine."""
        if not isinstance(self.stored, Path):
            return self.stored
        if whole_fold(self.stored) != self.key:
            return None
        result = read_fold(self.stored, self.job.parts[0].task.kinds)
        run = self.stored.parent.parent
        return replace(result, trained_in=result.trained_in or run.name)

    def _predict(self, worker: FoldProcess, model: bytes = b"") -> FoldResult | Failure:
        """The results of the fold, by a trained model or by training one."""
        began = time.monotonic()
        result = self._call(worker, self.job, model)
        if isinstance(result, Failure):
            return result
        self._check(result, began, has_model=not model, answers_clips=self.job.names)
        real = self.aliases.real_tested_key
        spotted, frame_scores, curves = self.spotted or ([], {}, {})
        return replace(
            result,
            key=self.key,
            seed=self.job.seed,
            timings=dict(self.job.timings),
            predictions=self.aliases.restore_predictions(spotted),
            curves={real(video): kinds for video, kinds in curves.items()},
            frame_scores={real(video): rows for video, rows in frame_scores.items()},
            clips=[replace(clip, video=real(clip.video)) for clip in result.clips],
            epoch_predictions=[[replace(p, video=real(p.video)) for p in epoch] for epoch in result.epoch_predictions],
            printed=worker.printed,
        )

    def _spot_again(self, worker: FoldProcess, stored: FoldResult) -> FoldResult | Failure:
        """A stored result with its intervals made again from its frame scores."""
        job = replace(self.job, train=(), valid=())
        frame_scores = {self.aliases.key(video): rows for video, rows in stored.frame_scores.items()}
        began = time.monotonic()
        result = self._call(worker, job, stored.model, frame_scores)
        if isinstance(result, Failure):
            return result
        self._check(result, began, has_model=False, answers_clips=False)
        spotted, _, curves = self.spotted or ([], {}, {})
        return replace(
            stored,
            predictions=self.aliases.restore_predictions(spotted),
            curves={self.aliases.real_tested_key(video): kinds for video, kinds in curves.items()},
        )

    def _check(self, result: Any, began: float, has_model: bool, answers_clips: bool) -> None:
        """Refuse what no method can give.

        Args:
            result: result of the fold.
            began: beginning of the fold, by the monotonic clock.
            has_model: whether it trained a model.
            answers_clips: whether it answers the annotated clips.

        Raises:
            PluginError: there is something.
        """
        job = self.job
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
        job: FoldJob,
        model: bytes,
        frame_scores: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> FoldResult | Failure:
        """The answer of the process to `fit_and_predict`, which gets a temporary folder."""
        with worker.scratch_folder() as scratch:
            place = self.place
            if place is None or not place.parents[1].is_dir():
                place = Path(scratch, "training")
            place.mkdir(parents=True, exist_ok=True)
            grant = self.grant
            if grant is not None:
                grant = grant._replace(write=(Path(scratch), place))
            try:
                outcome = worker.call(
                    fold_process.fit_and_predict,
                    (replace(job, cache=scratch, folder=str(place)), model, frame_scores, self.names),
                    self.aliases.hide_names(self.answer),
                    job.plugins,
                    self.timeout,
                    grant,
                )
                result: FoldResult | Failure = self.aliases.restore_names(outcome)
            except MebenchError as error:  # of this process, where there is no other
                raise self.aliases.error(error) from error
        return result

    def _clips_to_classify(self) -> list[tuple[str, int, int, int]]:
        """The places of the tested clips, which nobody may know before everything is spotted."""
        if self.job.spots and self.spotted is None and not self.job.leaks:
            raise PluginError(
                "a fold asked for the places of the tested clips before it had spotted them: that is a leak"
            )
        return [
            (self.aliases.key(video.key), e.onset, e.peak, e.offset)
            for video in self.aliases.tested
            for e in self.job.scheme.scored(video)
        ]

    def _score_epoch(self, answers: list[Any], names: bool) -> float:
        """The score of an epoch on the tested videos, where a run may leak."""
        if not self.job.leaks:
            raise PluginError("a fold asked how good an epoch is on the tested subjects: that is a leak")
        if names:
            return clip_accuracy(self.job.scheme, self.aliases.tested, answers)
        return interval_f1(self.job.parts[0].task, self.aliases.tested, self.aliases.restore_predictions(answers))

    def _would_reveal_clips(self, key: Mapping[str, Any]) -> bool:
        """Whether a stored entry would tell the places of tested clips too early."""
        is_tested = any(video.key == key["video"] for video in self.job.test)
        of_clip = bool(key["clip"])  # the clips that are stored are those that are annotated
        return is_tested and of_clip and self.job.spots and self.spotted is None

    @cached_property
    def _frames(self) -> FrameSource:
        """The source of frames that this fold may read, by drawn names."""
        dataset = self.dataset
        assert isinstance(dataset, Dataset)
        return FrameSource(
            self.aliases.videos,
            lambda video: home_of_video(dataset, self.dataset_id, video),
            self.store,
        )


def _job_of(plan: Plan, fold: Fold, aliases: Aliases, train: Sequence[Video], valid: Sequence[Video]) -> FoldJob:
    """The job of a fold's process: drawn names everywhere, and no label of a tested video."""
    config = plan.config
    data = plan.data
    homes = {key: data.find_home(video) for key, video in aliases.videos.items()}
    blind = [replace(video, expressions=(), distractors=()) for video in aliases.tested]
    short = all(data.short[subject.dataset] for subject in fold.test)
    return FoldJob(
        key="fold",
        seed=plan.fold_seed(fold),
        # New objects: attributes that a plugin's code added to those of the plan stay here.
        parts=method_jobs(config.methods, replace(data.task, one_per_video=short)),
        scheme=data.scheme,
        train=tuple(map(aliases.hide, train)),
        valid=tuple(map(aliases.hide, valid)),
        test=tuple(map(aliases.hide, blind)),
        groups={key: data.groups[video.key] for key, video in aliases.videos.items()},
        timings=data.find_timings(fold),
        homes={key: id_ for key, (_, id_) in homes.items()},
        revisions={id_: dataset.revision for dataset, id_ in homes.values()},
        cache="",
        plugins=config.plugins,
        audit=config.audit,
        adaptation=config.adaptation,
        selects=data.selects,
        epoch_predictions=plan.keeps_epochs,
        accelerator=config.accelerator,
        precision=config.precision,
        trainer=trainer_objects.with_contents(trainer.options_in_fold(config.trainer), config.runs),
        instructions=instructions_of_torch(),
        code=plan.code,
    )


def place_of(run: Path, plan: Plan, fold: Fold) -> Path:
    """The folder for the files of a fold's training while it lasts, see `FoldHost.place`."""
    return run.resolve() / TRAINING / hashlib.sha256(f"{plan.secret} {fold.key}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FoldTask:
    """A fold that waits for its turn. Its host is made late, since a thousand hosts would fill the memory.

    Attributes: see `FoldHost.for_fold`.
    """

    plan: Plan
    fold: Fold
    stored: Path | FoldResult | None = None
    run: Path | None = None

    def __call__(self, worker: FoldProcess) -> FoldResult | Failure:
        """See `FoldHost`."""
        return FoldHost.for_fold(self.plan, self.fold, self.stored, run=self.run)(worker)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the host without the plan and the dataset, for another machine."""
        host = FoldHost.for_fold(self.plan, self.fold, self.stored, run=self.run)
        return replace, (replace(host, dataset=self.plan.feature_needs.source),)


def fold_task(
    key: Any,
    plan: Plan,
    fold: Fold,
    stored: Path | FoldResult | None = None,
    run: Path | None = None,
) -> WorkerTask:
    """A fold for a pool of workers.

    Args:
        key: key of the task.
        plan: see `FoldHost.for_fold`, as the rest.
        fold: the fold.
        stored: where only intervals are made.
        run: folder of the run, if it has one.
    """
    return WorkerTask(key, FoldTask(plan, fold, stored, run), (), plan.config.plugins, plan.imports)


class ThisProcess:
    """A stand-in for the process that runs its calls in this process: labels are hidden as well, but module state
    persists, and there is no timeout.
    """

    printed = ""

    @contextmanager
    def scratch_folder(self) -> Iterator[str]:
        """A new folder for the files of one call, removed afterwards."""
        with scratch_folder(SCRATCH) as folder:
            yield str(folder)

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
