"""What the hosts of a run's folds have in common. The few facts that make one fold of it stand here, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import trainer
from mebench.core import Dataset, Timing
from mebench.features import FeatureStore
from mebench.runner.fold_source import DatasetSource, open_source
from mebench.runner.fold_videos import FoldVideos
from mebench.runner.inputs import refuse_other
from mebench.runner.job import FoldJob, reads_of
from mebench.runner.run_features import FeatureNeeds
from mebench.runner.video_table import VideoMasks
from mebench.runs import FoldResult
from mebench.sandbox.confinement import gives_view, grant_access
from mebench.sandbox.grant import Grant


@dataclass(frozen=True, kw_only=True)
class FoldSetup:
    """What all folds of a run have in common besides its videos. It can be pickled for another machine, which opens the
    dataset itself.

    Attributes:
        job: the job of each fold, without videos, seed and timings.
        needs: features of the run, with its dataset; None on another machine.
        source: the dataset for another machine; None where it is open.
        dataset_id: id of the dataset, see `RunData`.
        store: store of features.
        degraded: whether the tested frames are degraded ones, so that only a stored model may predict.
        timeout: seconds after which the process of a fold counts as hung; None for no limit.
        trains: whether a method is trained in stages, whose state and logs reach the disk while it lasts.
        planned_grant: the access of the process where the run is planned; None where it is not confined.
        secret: seed of drawn names, see `Plan`.
        skipped: keys of the videos without a face.
        chooses_on_tested: whether the run leaks by choosing on its tested videos, which then keep their labels.
    """

    job: FoldJob
    needs: FeatureNeeds | None
    source: DatasetSource | None = None
    dataset_id: str
    store: FeatureStore
    degraded: bool
    timeout: float | None
    trains: bool
    planned_grant: Grant | None
    secret: str
    skipped: frozenset[str]
    chooses_on_tested: bool

    def __getstate__(self) -> dict[str, Any]:
        """For another machine: without the dataset and what follows from the fields."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.needs is not None:
            state |= {"source": self.needs.source, "needs": None}
        return state

    def open_dataset(self, videos: FoldVideos) -> Dataset:
        """The dataset; on another machine it is opened once.

        Its annotations are not used there, but must equal those of the run.

        Args:
            videos: the videos of the run.

        Raises:
            RunError: the inputs there differ from those of the plan.
        """
        if self.needs is not None:
            return self.needs.features.data.dataset
        assert self.source is not None
        return _open_checked(self.source, videos)

    @cached_property
    def grant(self) -> Grant | None:
        """The access of the process on this machine; None where it is not confined."""
        planned = self.planned_grant
        if planned is None or self.needs is not None:
            return planned
        job = self.job
        plugins = [part.plugin for part in job.parts]
        here = grant_access(plugins, reads_of(job.parts), trainer.user_modules(job.trainer), job.accelerator)
        return here._replace(lacks=planned.lacks, view=gives_view(job.accelerator))


@lru_cache(maxsize=4)  # of a sweep, whose folds come run by run
def _open_checked(source: DatasetSource, videos: FoldVideos) -> Dataset:
    """The dataset of a run on another machine. Its annotations have to be those of the run.

    Raises:
        RunError: something differs.
    """
    dataset = open_source(source)
    known = {video.key: video.expressions for video in videos.videos}
    annotated = {video.key: video.expressions for video in dataset.videos()}
    refuse_other(repr({key: annotated.get(key) for key in known}), repr(known))
    return dataset


@dataclass(frozen=True)
class FoldSpec:
    """One fold of a run: sets of its people, and a few numbers. Its size does not follow the number of videos.

    Attributes:
        key: key of the fold.
        seed: seed of everything random in it.
        train: the people to train on, a bit for each of the run.
        valid: the people for selection.
        test: the people to test.
        tested_videos: keys of the tested videos where other videos of the same people train, see `Fold`.
        timings: timing of each group.
        one_per_video: whether all tested videos are short ones of one expression each.
        stored: the result, or the folder, of a run that differs in spotting alone: only the intervals are made again.
            Where the folder is missing on this machine, the fold is trained.
        names: whether a method that recognizes names the emotion of what is spotted from stored scores.
        place: folder for the files and the state of its training, with a meaningless name; None for one that is deleted
            with the fold.
        keeps_model: whether the weights are part of the result; those that are not stay in the process.
        mark: name of a file beside `place`, which a machine sees if it shares the folder of the run: then it writes the files of the
            fold there. Empty where the run's own machine computes the fold.
    """

    key: str
    seed: int
    train: bytes
    valid: bytes
    test: bytes
    tested_videos: tuple[str, ...]
    timings: Mapping[str, Timing]
    one_per_video: bool
    stored: Path | FoldResult | None = None
    names: bool = True
    place: Path | None = None
    keeps_model: bool = True
    mark: str = ""

    @property
    def shared_place(self) -> Path | None:
        """`place`, on a machine that sees the folder of the run."""
        place = self.place
        if place is None:
            return None
        is_shared = (place.parent / self.mark).is_file() if self.mark else place.parents[1].is_dir()
        return place if is_shared else None

    def choose_videos(self, setup: FoldSetup, videos: FoldVideos) -> VideoMasks:
        """The videos to fit, to choose and to test on. Those that are skipped are left out, see `RunData.choose_videos`."""
        table = videos.table
        people = [unpack_bits(side, len(table.subjects)) for side in (self.train, self.valid, self.test)]
        train, valid, test = table.split_people(people[0], people[1], people[2], self.tested_videos)
        used = ~table.has_keys(setup.skipped)
        train, valid, test = train & used, valid & used, test & used
        if setup.chooses_on_tested:
            valid = test
        if not setup.job.selects:
            train, valid = train | valid, np.zeros_like(valid)
        return VideoMasks(train, valid, test)


def pack_bits(is_chosen: NDArray[np.bool_]) -> bytes:
    """Truth values, eight in a byte."""
    return np.packbits(is_chosen).tobytes()


def unpack_bits(packed: bytes, n: int) -> NDArray[np.bool_]:
    """The n truth values that `pack_bits` has packed."""
    return np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=n).astype(bool)
