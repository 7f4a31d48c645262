"""The host of a fold: it keeps the labels of the tested subjects and answers the requests of the fold's process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench import runner
from mebench.config import RunConfig, trainer
from mebench.core import Dataset, Fold, Prediction, Scheme, Task, Video, hits
from mebench.errors import DataError, MebenchError, PluginError, RunError
from mebench.grouping import grouped
from mebench.runner.aliases import Aliases
from mebench.runner.choices import home_of_video
from mebench.runner.fold_source import FrameSource, Source, opened
from mebench.runner.inputs import instructions_of_torch, refuse_other
from mebench.runner.isolation import Failure, Worker
from mebench.runner.job import FoldJob, parts_for, reads_of
from mebench.runner.plan import Plan
from mebench.runner.prepare import FLOW, store_of
from mebench.runner.sandbox import Grant, granted, imports_before
from mebench.runner.workers import Task as PoolTask
from mebench.runs import TRAINING, Curves, FoldResult, read_fold, whole_fold


def imports_of(plan: Plan) -> tuple[str, ...]:
    """The modules that the folds of a run import, for a `ForkServer`, without the plugins' own code."""
    # What takes a second where a fold finds peaks.
    peaks = ["scipy.signal"] if "spot" in plan.task.tasks else []
    flow = [FLOW] if {"spot", "recognize"} <= plan.task.tasks else []
    libraries = (name for part in plan.parts for name in imports_before(part.plugin.folder))
    # What every fold imports.
    return *("mebench.runner.fold", "mebench.training", "safetensors.torch"), *libraries, *peaks, *flow


@dataclass
class FoldHost:
    """The host of a fold: it knows the labels of the tested subjects and answers the process that trains. Called with a
    process, it lets the process fit and predict the fold, or only turn stored scores into intervals.

    It accepts each answer once: intervals must come before it reveals where the clips to be classified are, and cannot
    change afterwards. It can be pickled for another machine, where it opens the dataset itself.

    Attributes:
        key: of the fold.
        job: what the process gets.
        aliases: the names that videos and people bear in the process, and the tested videos with all that is annotated.
        config: of the run.
        dataset: opened; or where it is, for another machine.
        stored: the result, or the folder, of a run that differs in spotting alone: only the intervals are made again.
            Where the folder is missing on this machine, the fold is trained.
        names: whether a method that recognizes names the emotion of what is spotted from stored scores.
        grant: the access of the process, see `mebench.runner.sandbox`; None where it is not confined.
        place: folder for the files and the state of its training, with a meaningless name; None for one that is deleted
            with the fold.
        spotted: intervals, frame scores and curves of the tested videos; None before anything was spotted.
    """

    key: str
    job: FoldJob
    aliases: Aliases
    config: RunConfig
    dataset: Dataset | Source
    stored: Path | FoldResult | None = None
    names: bool = True
    spotted: tuple[list[Prediction], dict[str, NDArray[np.float64]], Curves] | None = None
    grant: Grant | None = None
    place: Path | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        fold: Fold,
        stored: Path | FoldResult | None = None,
        names: bool = True,
        run: Path | None = None,
    ) -> FoldHost:
        """The host of a fold.

        Args:
            plan: of the run, once its features are stored and the videos without a face are known.
            fold: one of the plan's.
            stored: see the attributes.
            names: likewise.
            run: folder of the run, if it has one.

        Raises:
            DataError: nobody is left to train on.
        """
        config, short = plan.config, all(plan.short[subject.dataset] for subject in fold.test)
        train, valid, test = (tuple(v for v in side if v.key not in plan.skipped) for side in plan.sides(fold))
        if not train and plan.skipped and stored is None:
            raise DataError(
                f"fold {fold.key!r} has nothing to train on: no video of its training subjects shows a face"
            )
        if plan.leaks and plan.selects:  # it is chosen on the tested videos, which then keep their labels
            valid = test
        aliases = Aliases(f"{plan.secret} {fold.key}", list({v.key: v for v in (*train, *valid)}.values()), test)
        homes = {key: plan.home(video) for key, video in aliases.videos.items()}
        job = FoldJob(
            key="fold",
            seed=plan.fold_seed(fold),
            # New objects: attributes that a plugin's code added to those of the plan stay here.
            parts=parts_for(config, replace(plan.task, one_per_video=short)),
            scheme=plan.scheme,
            train=tuple(map(aliases.hide, train)),
            valid=tuple(map(aliases.hide, valid)),
            test=tuple(aliases.hide(replace(video, expressions=(), distractors=())) for video in aliases.tested),
            groups={key: plan.groups[video.key] for key, video in aliases.videos.items()},
            timings=plan.timings(fold),
            homes={key: id_ for key, (_, id_) in homes.items()},
            revisions={id_: dataset.revision for dataset, id_ in homes.values()},
            cache="",
            plugins=config.plugins,
            audit=config.audit,
            adaptation=config.adaptation,
            selects=plan.selects,
            epoch_predictions=config.looks and plan.leaks_by_epoch_choice_only,
            accelerator=config.accelerator,
            precision=config.precision,
            trainer=trainer.in_fold(config.trainer),
            instructions=instructions_of_torch(),
            code=plan.code,
        )
        return cls(
            fold.key,
            job,
            aliases,
            config,
            plan.dataset,
            stored,
            names,
            grant=plan.grant,
            place=None if run is None else place_of(run, plan, fold),
        )

    def __call__(self, worker: Worker | Here) -> FoldResult | Failure:
        """The results of the fold, or the reason for its failure.

        Args:
            worker: the process, which has never seen a label and ends with the fold.

        Raises:
            RunError: the inputs here differ from those of the plan.
        """
        job, stored = self.job, self.stored
        if isinstance(self.dataset, Source):
            # On another machine; its annotations are not used, but must equal those of the run.
            self.dataset = opened(self.dataset)
            annotated = {video.key: video.expressions for video in self.dataset.videos()}
            learning = [(self.aliases.real(video.key), video) for video in (*job.train, *job.valid)]
            known = {
                key: v.expressions for key, v in [*learning, *((video.key, video) for video in self.aliases.tested)]
            }
            refuse_other(repr({key: annotated.get(key) for key in known}), repr(known))
            if self.grant is not None:
                plugins, modules = [part.plugin for part in job.parts], trainer.modules(job.trainer)
                here = granted(plugins, reads_of(job.parts), modules, job.accelerator)
                self.grant = here._replace(lacks=self.grant.lacks)
        if isinstance(stored, Path):
            folder, stored = stored, None
            if whole_fold(folder) == self.key:
                stored = read_fold(folder, job.parts[0].task.kinds)
                stored = replace(stored, trained_in=stored.trained_in or folder.parent.parent.name)
        scores, model = None, b"" if stored is None else stored.model
        if self.config.degrade != "none" and not model:
            raise RunError(
                f"the clean run keeps no model of fold {self.key!r} any more: compute it again with mebench run"
            )
        if stored is not None and self.config.degrade == "none":  # with other frames only its models count
            job = replace(job, train=(), valid=())
            scores = {self.aliases.key(video): rows for video, rows in stored.frame_scores.items()}
        with TemporaryDirectory(prefix="mebench-fold-") as scratch:
            place = (
                Path(scratch, "training") if self.place is None or not self.place.parents[1].is_dir() else self.place
            )
            place.mkdir(parents=True, exist_ok=True)
            arguments = replace(job, cache=scratch, folder=str(place)), model, scores, self.names
            grant = None if self.grant is None else self.grant._replace(write=(Path(scratch), place))
            try:
                result: FoldResult | Failure = self.aliases.restored(
                    worker.call(
                        runner.fold.fit_and_predict,
                        arguments,
                        self.aliases.answering(self.answer),
                        job.plugins,
                        self.config.fold_timeout,
                        grant,
                    )
                )
            except MebenchError as error:  # of this process, where there is no other
                raise self.aliases.error(error) from error
        if isinstance(result, Failure):
            return result
        real, (spotted, frame_scores, curves) = self.aliases.answered, self.spotted or ([], {}, {})
        intervals: dict[str, Any] = {
            "predictions": self.aliases.predictions(spotted),
            "curves": {real(video): kinds for video, kinds in curves.items()},
        }
        if stored is not None and scores is not None:
            return replace(stored, **intervals)
        return replace(
            result,
            **intervals,
            key=self.key,
            seed=job.seed,
            timings=dict(job.timings),
            frame_scores={real(video): rows for video, rows in frame_scores.items()},
            clips=[replace(clip, video=real(clip.video)) for clip in result.clips],
            epoch_predictions=[[replace(p, video=real(p.video)) for p in epoch] for epoch in result.epoch_predictions],
        )

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
                if self.job.spots and self.spotted is None and not self.job.leaks:
                    raise PluginError(
                        "a fold asked for the places of the tested clips before it had spotted them: that is a leak"
                    )
                return [
                    (self.aliases.key(video.key), e.onset, e.peak, e.offset)
                    for video in self.aliases.tested
                    for e in self.job.scheme.scored(video)
                ]
            case "score", answers, names:
                if not self.job.leaks:
                    raise PluginError("a fold asked how good an epoch is on the tested subjects: that is a leak")
                if names:
                    return accuracy(self.job.scheme, self.aliases.tested, answers)
                return f1(self.job.parts[0].task, self.aliases.tested, self.aliases.predictions(answers))
            case "stored", key:
                tested = any(video.key == key["video"] for video in self.job.test)
                if tested and key["clip"] and self.job.spots and self.spotted is None:
                    return None  # the clips that are stored are those that are annotated
        return self._frames.answer(word, *of)

    @cached_property
    def _frames(self) -> FrameSource:
        dataset = self.dataset
        assert isinstance(dataset, Dataset)
        return FrameSource(
            self.aliases.videos,
            lambda video: home_of_video(dataset, self.config.dataset, video),
            store_of(self.config),
        )


def place_of(run: Path, plan: Plan, fold: Fold) -> Path:
    """The folder for the files of a fold's training while it lasts, see `FoldHost.place`."""
    return run.absolute() / TRAINING / hashlib.sha256(f"{plan.secret} {fold.key}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FoldTask:
    """A fold that waits for its turn. Its host is made late, since a thousand hosts would fill the memory.

    Attributes: see `FoldHost.of`.
    """

    plan: Plan
    fold: Fold
    stored: Path | FoldResult | None = None
    run: Path | None = None

    def __call__(self, worker: Worker | Here) -> FoldResult | Failure:
        """See `FoldHost`."""
        return FoldHost.of(self.plan, self.fold, self.stored, run=self.run)(worker)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the host without the plan and the dataset, for another machine."""
        source = Source.of(self.plan.config, self.plan.dataset)
        host = FoldHost.of(self.plan, self.fold, self.stored, run=self.run)
        return replace, (replace(host, dataset=source, config=source.config),)


def fold_task(
    key: Any,
    plan: Plan,
    fold: Fold,
    stored: Path | FoldResult | None = None,
    run: Path | None = None,
) -> PoolTask:
    """A fold for a pool of workers.

    Args:
        key: of the task.
        plan: see `FoldHost.of`, as the rest.
        fold: the fold.
        stored: where only intervals are made.
        run: folder of the run, if it has one.
    """
    return PoolTask(key, FoldTask(plan, fold, stored, run), (), plan.config.plugins, imports_of(plan))


class Here:
    """A stand-in for the process that runs its calls in this process: labels are hidden as well, but module state
    persists, and there is no timeout.
    """

    def call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], answer: Callable[..., Any], *_: object
    ) -> Any:
        """The answer of the function, see `Worker.call`; what it raises is raised."""
        return function(*arguments, answer)


def execute(plan: Plan, fold: Fold, stored: FoldResult | None = None, names: bool = True) -> FoldResult:
    """Fit and predict one fold in this process, with labels hidden as in a process of its own; or only make its
    intervals again.

    Args:
        plan: of the run, once its features are stored.
        fold: of it.
        stored: frame scores and models of the fold from a run that differs in spotting alone (not checked): only
            intervals are made.
        names: whether a method that recognizes names the emotions of these intervals.

    Raises:
        MebenchError: the method failed.
    """
    result = FoldHost.of(plan, fold, stored, names)(Here())
    assert isinstance(result, FoldResult)
    return result


def accuracy(scheme: Scheme, videos: Sequence[Video], answers: Sequence[int]) -> float:
    """The share of scored clips that are classified right; 0 without clips."""
    labels = [scheme.of(e) for video in videos for e in scheme.scored(video)]
    return float(np.mean([answer == label for answer, label in zip(answers, labels)])) if labels else 0.0


def f1(task: Task, videos: Sequence[Video], spotted: Sequence[Prediction]) -> float:
    """2 TP / (spotted + truths) at IoU 0.5, a truth being found if anything hits it; 0 where nothing is there."""
    groups = grouped(spotted, key=lambda p: (p.video, p.kind))
    truths = [(video.key, e) for video in videos for e in video.expressions if e.kind in task.kinds]
    n_found = sum(
        any(hits((p.onset, p.offset), (e.onset, e.offset)) for p in groups.get((key, e.kind), ())) for key, e in truths
    )
    return 2 * n_found / max(len(spotted) + len(truths), 1)
