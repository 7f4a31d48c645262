"""Jobs of methods and their parts: frozen plain data, which travels between processes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.config import registry
from mebench.config.registry import PluginInfo
from mebench.config.settings import ChosenMethod
from mebench.core import Scheme, Task, Timing, Video
from mebench.features.landmarks import VARIABLE
from mebench.runner.deferred import DeferredEntries, DeferredItems
from mebench.runner.fold_videos import HomedVideo, open_videos
from mebench.sandbox.aliases import LearningNames
from mebench.sandbox.grant import Isolation

if TYPE_CHECKING:
    from mebench.core.method import Method


@dataclass(frozen=True)
class MethodJob:
    """One of the methods of a run, and its task."""

    plugin: PluginInfo
    params: Any
    task: Task

    @property
    def method_class(self) -> type[Method]:
        """The class of the method, whose import brings PyTorch; where folds run elsewhere it is never needed."""
        return registry.plugin_class(self.plugin)

    @property
    def declared(self) -> tuple[Path, ...]:
        """The files that the method's `config.yaml` names under `reads`."""
        return tuple(self.plugin.folder / Path(place).expanduser() for place in self.plugin.config.get("reads", ()))

    def new_method(self, seed: int = 0) -> Method:
        """The method, not fitted yet; its initial weights follow torch's seed."""
        return self.method_class(self.params, self.task, seed)


@dataclass(frozen=True, kw_only=True)
class Job:
    """The job of methods on some videos.

    Attributes:
        key: for example the key of a fold.
        seed: seed of everything random.
        parts: the method, or the spotter and the recognizer.
        scheme: the emotion scheme.
        test: the tested videos, without their expressions.
        groups: for each video, by its key, its group of equal timing.
        timings: timing of each group.
        cache: folder of the computed features.
        plugins: folders with more plugins.
    """

    key: str
    seed: int
    parts: tuple[MethodJob, ...]
    scheme: Scheme
    test: tuple[Video, ...]
    groups: Mapping[str, str]
    timings: Mapping[str, Timing]
    cache: str
    plugins: tuple[str, ...] = ()

    @property
    def spots(self) -> bool:
        """Whether the job predicts intervals."""
        return "spot" in self.parts[0].task.tasks

    @property
    def names(self) -> bool:
        """Whether the job predicts emotions."""
        return "recognize" in self.parts[-1].task.tasks


@dataclass(frozen=True, kw_only=True)
class FoldJob(Job):
    """The job of a fold's process: a method can reach only this and the answers of `FoldHost`.

    Attributes:
        train: the training videos with their annotations.
        valid: the validation videos with theirs.
        homes: for each video, by its key, the id of its dataset.
        revisions: revision of each dataset.
        audit: see `RunSettings`, as `adaptation`, `accelerator` and `precision`.
        trainer: options of Lightning's Trainer, see `RunConfig`.
        selects: whether the method chooses something on the videos of `valid`.
        epoch_predictions: whether the predictions for the tested clips after each epoch are kept.
        instructions: instructions that PyTorch chose for the processor where the run was planned.
        code: hashes of the code that the fold must run, see `Plan.code`.
        folder: for the files and the state of trainings; empty before the host knows it.
    """

    train: Sequence[Video]
    valid: Sequence[Video]
    homes: Mapping[str, str]
    revisions: Mapping[str, str]
    audit: str
    selects: bool
    epoch_predictions: bool
    accelerator: str
    precision: str
    trainer: Mapping[str, Any]
    instructions: str
    code: tuple[str, str]
    adaptation: str = "none"
    folder: str = ""

    @property
    def leaks(self) -> bool:
        """Whether the run leaks on purpose, see `RunData.leak`."""
        return self.audit != "guard"


@dataclass(frozen=True, kw_only=True)
class FoldOrder:
    """The job of a fold on its way to the fold's process: those who train or validate are packed, since they are many.

    Attributes:
        job: the job without the videos that train or validate.
        names: the drawn names of these, those that train first.
        n_train: number of the training videos.
        train: the training videos, see `PackedVideos`.
        valid: the validation videos.
        keeps_model: see `FoldSpec`.
        weights: name, in the folder of the job, of a file for weights that are too large for a message; empty for none.
    """

    job: FoldJob
    names: LearningNames
    n_train: int
    train: bytes
    valid: bytes
    keeps_model: bool
    weights: str = ""

    def open(self) -> FoldJob:
        """The job, with all its videos under their drawn names. Those that learn are opened when a method asks for them."""

        @cache
        def learning() -> list[HomedVideo]:
            """The videos that train, then those that validate."""
            train = open_videos(self.train, self.names, 0)
            return train + open_videos(self.valid, self.names, len(train))

        n_train = self.n_train
        n_valid = len(self.names.ids) - n_train
        return replace(
            self.job,
            train=DeferredItems(lambda: [homed.video for homed in learning()[:n_train]], n_train),
            valid=DeferredItems(lambda: [homed.video for homed in learning()[n_train:]], n_valid),
            groups=DeferredEntries(self.job.groups, lambda: {homed.video.key: homed.group for homed in learning()}),
            homes=DeferredEntries(self.job.homes, lambda: {homed.video.key: homed.home for homed in learning()}),
        )


def method_jobs(methods: Sequence[ChosenMethod], task: Task) -> tuple[MethodJob, ...]:
    """The methods of a run: one, or a spotter and a recognizer, each with its share of the task; without the one of a pair
    that has no share in it.
    """
    shares = [task]
    if len(methods) == 2:
        shares = [replace(task, tasks=frozenset({one})) for one in ("spot", "recognize")]
    return tuple(
        renew_job(registry.find_plugin("method", method.id), method.params, share)
        for method, share in zip(methods, shares)
        if share.tasks <= task.tasks
    )


@dataclass(frozen=True)
class MethodFiles:
    """The files and folders that a method reads.

    Attributes:
        plugin: the method.
        of_settings: those among its settings, by the name of the setting.
        landmarks: names of these settings whose file belongs to the preparation of the dataset.
        declared: those that its `config.yaml` names under `reads`, such as pretrained weights, from its own folder on.
        pretrained: names of the data on which what its settings load was trained; None where they do not say.
        predictor: landmark file that a setting or the environment names, for faces without published landmarks. Where
            it matters, its content is part of the features.
    """

    plugin: PluginInfo
    of_settings: Mapping[str, Path]
    landmarks: frozenset[str]
    declared: tuple[Path, ...]
    pretrained: tuple[str, ...] | None = None
    predictor: Path | None = None


@dataclass(frozen=True)
class Access:
    """The files that the methods of a run ask to read in their folds.

    Attributes:
        sandbox: the setting, see `ScoringSettings`.
        methods: files of each method.
        view: whether other files do not exist there, see `mebench.sandbox.file_view`.
        isolation: kind of their isolation, and its missing parts; None where they shall have none.
    """

    sandbox: str
    methods: tuple[MethodFiles, ...]
    view: bool = False
    isolation: Isolation | None = None

    @property
    def reads(self) -> tuple[Path, ...]:
        """All files and folders that methods may read in a fold, sorted."""
        of_settings = [place.absolute() for files in self.methods for place in files.of_settings.values()]
        predictors = [files.predictor.absolute() for files in self.methods if files.predictor is not None]
        declared = [place for files in self.methods for place in files.declared]
        return tuple(sorted({*of_settings, *predictors, *declared}))


def access_of(
    sandbox: str, methods: Sequence[MethodJob], view: bool = False, isolation: Isolation | None = None
) -> Access:
    """The files that methods ask to read, and what isolates their folds."""
    return Access(sandbox, tuple(map(files_of_method, methods)), view, isolation)


def files_of_method(method: MethodJob) -> MethodFiles:
    """The files of a method."""
    settings = {field.name: field for field in fields(method.params)}
    values = {name: getattr(method.params, name) for name in settings}
    files = {name: value for name, value in values.items() if isinstance(value, Path)}
    landmarks = frozenset(name for name in files if settings[name].metadata.get("place"))
    files |= getattr(method.params, "package_files", {})  # of an encoder that a package brings
    pretrained = getattr(method.params, "pretrained", None)
    predictor = _predictor_of(method.params)
    return MethodFiles(method.plugin, files, landmarks, method.declared, pretrained, predictor)


def _predictor_of(params: Any) -> Path | None:
    """The landmark file that parameters or the environment name; None where faces are not cropped."""
    names_file = any(field.name == "landmarks" and field.metadata.get("place") for field in fields(params))
    if not names_file:
        return None
    named = params.landmarks or os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else None


def reads_of(methods: Sequence[MethodJob]) -> tuple[Path, ...]:
    """Files and folders that methods may read in a fold, see `Access.reads`."""
    return access_of("", methods).reads


def renew_job(plugin: PluginInfo, params: Any, task: Task) -> MethodJob:
    """A method with parameters made again from their fields, paths of files absolute: attributes that a plugin's code
    added to them are left behind.
    """
    places = {field.name: getattr(params, field.name) for field in fields(params) if field.metadata.get("place")}
    absolute = {name: str(Path(file).absolute()) for name, file in places.items() if file is not None}
    return MethodJob(plugin, replace(params, **absolute), task)
