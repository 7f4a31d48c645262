"""The features that runs read, computed by workers that load neither PyTorch nor Lightning."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.atomic import scratch_folder
from mebench.core import Chain, Video
from mebench.features import FeatureStore
from mebench.features.encoder_step import Encode
from mebench.features.face_detection import NoFaceError
from mebench.features.flow import OWN
from mebench.features.pipeline import Clip, ComputeCost, video_source
from mebench.features.store import Key, Stage
from mebench.output.progress import Progress, Show
from mebench.runner.choices import home_of_video
from mebench.runner.fold_source import DatasetSource, FrameSource, HostedStore, RemoteDataset, open_source
from mebench.runner.progress_board import new_board, row_of_board
from mebench.runner.run_data import RunData
from mebench.runner.run_features import FLOW, FeatureNeeds, RunFeatures
from mebench.runner.workers import Workers, WorkerTask
from mebench.sandbox.aliases import Aliases
from mebench.sandbox.confinement import imports_before
from mebench.sandbox.grant import Grant
from mebench.sandbox.isolation import Failure, Request, Worker

SharedVideo = tuple[str, str]
"""A video of a dataset with its settings and store, and its key."""
CUT_AHEAD = 64
"""Videos whose faces are cut, at most, while the flow is compiled."""


@dataclass(frozen=True)
class Wanted:
    """The features that one run needs of one video.

    Attributes:
        reader: number of the run, among all whose features are computed together.
        source: dataset of the run; None for a process that must not know it.
        store: store of the features.
        id: id of the video's dataset.
        revision: revision of that dataset.
        chains: whose features are wanted.
        clips: whose clip features are wanted.
        grant: access of plugins' steps; None where they are not confined.
    """

    reader: int
    source: DatasetSource | None
    store: FeatureStore
    id: str
    revision: str
    chains: tuple[Chain, ...]
    clips: tuple[Clip, ...]
    grant: Grant | None


def clips_of(data: RunData, video: Video) -> list[Clip]:
    """(onset, apex, offset) of the clips of the run; an unmarked apex is the middle."""
    videos = (video, data.with_learnt_kinds(video)) if "recognize" in data.task.tasks else ()
    return [*dict.fromkeys((e.onset, e.peak, e.offset) for v in videos for e in data.scheme.scored(v))]


def features_of(features: RunFeatures, video: Video) -> tuple[tuple[Chain, ...], tuple[Clip, ...]]:
    """The chains that the run reads of a video, and its clips: those of scope `clips` also without one where clips are spotted."""
    chains = features.chains_of(video)
    clips = tuple(clips_of(features.data, video))
    spots = "spot" in features.data.task.tasks
    return tuple(c for c in chains if clips or c.scope == "frames" or spots), clips


def missing_videos(features: RunFeatures) -> list[Video]:
    """The videos for which the store lacks a feature that the run reads."""
    store = features.store
    home = features.data.find_home
    return [
        video
        for video in features.data.videos
        if not video_source(store, *home(video), video, again=True).is_ready(*features_of(features, video))
    ]


def feature_task(
    wanted: tuple[Wanted, ...], video: Video, board: str | None, place: int, request: Request | None = None
) -> list[ComputeCost]:
    """Compute in a worker the missing features of one video for several runs; the cost of those of each.

    What several runs read is computed for the first of them.

    Args:
        wanted: the features that each run needs.
        video: the same for all.
        board: file whose row `place` holds the progress; None for none.
        place: row of the board.
        request: in a process that must not know the dataset: asks the host for the pictures of the video.
    """
    costs: list[ComputeCost] = []
    errors: list[Exception] = []
    flows: dict[Key, NDArray[Any]] | None = {} if len(wanted) > 1 else None
    row = row_of_board(board, place)
    for number, run in enumerate(wanted):

        def update(frames: int, share: float, _: Stage, number: int = number) -> None:
            row[:2] = frames, (number + share) / len(wanted)

        try:
            source = _source_in_worker(run, video, request)
            costs.append(source.compute(run.chains, run.clips, update, flows))
        except Exception as error:  # the features of the other runs may still work
            errors.append(error)
    if errors:
        raise errors[0]
    return costs


def compile_flow() -> None:
    """Compile the flow in a worker, unless a process of this machine has done so."""
    from mebench.features.tvl1 import load_compiled_flow

    load_compiled_flow()


def cut_while_compiling(wanted: tuple[Wanted, ...], video: Video) -> list[ComputeCost]:
    """Cut in a worker the faces of one video for each run. Features begin with these; nothing is cut once the flow has been compiled."""
    from mebench.features.tvl1 import is_flow_compiled

    if is_flow_compiled():
        return [ComputeCost() for _ in wanted]
    return [_source_in_worker(run, video, None).cut_faces(run.chains) for run in wanted]


def _source_in_worker(run: Wanted, video: Video, request: Request | None) -> Any:
    """The source of a video's features: its dataset, or the host where this process must not know it."""
    if request is not None:
        store = HostedStore(run.store.root, request)
        remote = RemoteDataset(request, run.revision)
        return video_source(store, remote, run.id, video, again=True)
    assert run.source is not None
    dataset, _ = home_of_video(open_source(run.source), run.id, video)
    return video_source(run.store, dataset, run.id, video, again=True)


def blind_feature_task(
    wanted: tuple[Wanted, ...], video: Video, board: str | None, place: int, request: Request
) -> tuple[list[ComputeCost], list[list[NDArray[Any]]]]:
    """`feature_task` in a process that must not know the dataset; also returns the features of each run."""
    costs = feature_task(wanted, video, board, place, request)
    features = []
    for run in wanted:
        store = HostedStore(run.store.root, request)
        remote = RemoteDataset(request, run.revision)
        features.append(video_source(store, remote, run.id, video).computed_features(run.chains, run.clips))
    return costs, features


def hosted_feature_task(
    wanted: tuple[Wanted, ...], video: Video, board: str | None, place: int, worker: Worker
) -> list[ComputeCost] | Failure:
    """`feature_task` with steps of plugins: these run in a confined process, which sees the pictures under a drawn
    name. Its final features are stored; its crops and flow, which other chains would share, are not.
    """
    source = wanted[0].source
    assert source is not None
    home = home_of_video(open_source(source), wanted[0].id, video)
    dataset, _ = home
    aliases = Aliases(secrets.token_hex(), [], [video])
    frames = FrameSource(aliases.videos, lambda _: home, wanted[0].store)
    costs = [ComputeCost() for _ in wanted]
    for number, run in enumerate(wanted):
        if not run.clips:  # crops are cut by the suite's own step, for the clips that a spotter will choose
            cut = [chain for chain in run.chains if chain.scope == "clips"]
            costs[number] += video_source(run.store, dataset, run.id, video).compute(cut, ())
    with scratch_folder("mebench-features-") as scratch:
        grant = _common_grant(wanted, scratch, board)
        for scope in ("frames", "clips"):  # features of all frames are kept before the places of clips are revealed
            of_scope = [_only_scope(run, scope) for run in wanted]
            if not any(run.chains for run in of_scope):
                continue
            blind = tuple(replace(run, source=None, store=FeatureStore(scratch), grant=None) for run in of_scope)
            outcome = worker.call(
                blind_feature_task,
                (blind, aliases.hide(video), board, place),
                aliases.hide_names(frames.answer),
                source.plugins,
                None,
                grant,
            )
            result: Any = aliases.restore_names(outcome)
            if isinstance(result, Failure):
                return result
            costs_of_scope, features = result
            for run, computed in zip(of_scope, features, strict=True):
                video_source(run.store, dataset, run.id, video).adopt(run.chains, run.clips, computed)
            costs = [before + own for before, own in zip(costs, costs_of_scope, strict=True)]
    return costs


def _common_grant(wanted: Sequence[Wanted], scratch: Path, board: str | None) -> Grant | None:
    """The access of all runs that need these features; None where one of them is not confined."""
    write = (scratch,) if board is None else (scratch, Path(board))
    grants = [run.grant._replace(write=write) for run in wanted if run.grant is not None]
    if len(grants) < len(wanted):
        return None
    merged = {
        name: tuple(dict.fromkeys(chain.from_iterable(getattr(grant, name) for grant in grants)))
        for name in Grant._fields
        if name not in ("in_memory", "view", "seatbelt")
    }
    view = all(grant.view for grant in grants)
    seatbelt = all(grant.seatbelt for grant in grants)
    return Grant(**merged, in_memory=False, view=view, seatbelt=seatbelt)


def _only_scope(run: Wanted, scope: str) -> Wanted:
    """The chains of one scope, with the clips that they need: those of scope `clips` only where there are clips."""
    if scope == "frames":
        return replace(run, chains=tuple(c for c in run.chains if c.scope == "frames"), clips=())
    chains = tuple(c for c in run.chains if c.scope == "clips") if run.clips else ()
    return replace(run, chains=chains)


@dataclass(frozen=True)
class Prepared:
    """The outcome of computing features.

    Attributes:
        frames: number of frames of the finished videos.
        seconds: seconds of work, by video, and by the number of the run that reads the features; what several runs read is
            counted for the first of them.
        failures: by video.
    """

    frames: int
    seconds: Mapping[SharedVideo, Mapping[int, float]]
    failures: Mapping[SharedVideo, Failure]

    def failed(self, skips: bool) -> tuple[dict[str, str], dict[str, Failure]]:
        """The reasons of videos that are left out, and the failures of others, by key.

        Args:
            skips: whether videos without a face are left out.
        """
        by_key = {key: failure for (_, key), failure in self.failures.items()}
        faceless = {key: f.reason for key, f in by_key.items() if skips and isinstance(f.error, NoFaceError)}
        return faceless, {key: failure for key, failure in by_key.items() if key not in faceless}


def prepare_features(needs: Sequence[FeatureNeeds], pool: Workers, progress: Progress) -> Prepared:
    """Compute the missing features, one task per video; those that several runs read are computed once.

    A video that fails does not stop the others.

    Args:
        needs: features of each run, see `Plan.feature_needs`.
        pool: the workers.
        progress: reports the progress.

    Raises:
        MebenchError: an encoder cannot be used, as a try with drawn pictures shows.
    """
    # The longest first: one at the end would leave the other workers idle. Those of one length come in an order that is drawn, or the
    # times of the stored files would tell a method the order of names.
    jobs = sorted(video_jobs(needs), key=lambda job: (-(job.video.n_frames or 0), secrets.token_bytes()))
    if not jobs:
        return Prepared(0, {}, {})
    _try_encoders(jobs)
    lengths = [job.video.n_frames or 0 for job in jobs]
    n_frames = sum(lengths) if all(lengths) else 0
    begins = "workers start and compile the flow"
    with (
        scratch_folder("mebench-progress-") as place,
        progress.frames("features", len(jobs), begins=begins, of_frames=n_frames) as show,
    ):
        return _compute_videos(jobs, pool, place / "board", show)


def _compute_videos(jobs: Sequence["VideoJob"], pool: Workers, file: Path, show: Show) -> Prepared:
    """Compute the features of all videos.

    Args:
        jobs: the videos, in the order in which they are begun.
        pool: the workers.
        file: a new file, which all processes map: it holds for each video the frames done so far, and their share of its work.
        show: function that shows the progress: finished videos, frames, share of the work.
    """
    board = new_board(file, len(jobs))
    weights = np.array([job.video.n_frames or 0 for job in jobs], dtype=float)
    weights = weights if weights.all() else np.ones(len(jobs))
    done = 0
    frames = 0
    seconds = dict[SharedVideo, dict[int, float]]()
    failures = dict[SharedVideo, Failure]()

    def update() -> None:
        show(done, int(board[:, 0].sum()), float(weights @ board[:, 1] / weights.sum()))

    costs_ahead = dict[SharedVideo, list[ComputeCost]]()
    tasks = [*_tasks_while_compiling(jobs), *_feature_tasks(jobs, file)]
    for task, outcome in pool.run(tasks, update):
        if task.function in (compile_flow, cut_while_compiling):
            if task.function is cut_while_compiling and not isinstance(outcome, Failure):
                costs_ahead[task.key] = outcome
            continue
        job = jobs[task.key]
        done += 1
        if isinstance(outcome, Failure):
            failures[job.shared] = outcome
            board[task.key, :2] = 0, 1
        else:
            n_frames = max(cost.n_frames for cost in outcome)
            frames += n_frames
            seconds[job.shared] = _seconds_of_readers(job.wanted, outcome, costs_ahead.get(job.shared, ()))
            board[task.key, :2] = n_frames, 1
        update()
    return Prepared(frames, seconds, dict(sorted(failures.items())))


def _seconds_of_readers(
    wanted: Sequence[Wanted], costs: Sequence[ComputeCost], costs_ahead: Sequence[ComputeCost]
) -> dict[int, float]:
    """The seconds that the features of one video took. They stand by the number of the run that reads them.

    Args:
        wanted: features of each run.
        costs: cost of those of each.
        costs_ahead: cost of what was cut before; empty if nothing was.
    """
    seconds = {run.reader: cost.seconds for run, cost in zip(wanted, costs, strict=True)}
    for run, cost in zip(wanted, costs_ahead):
        seconds[run.reader] += cost.seconds
    return seconds


def _tasks_while_compiling(jobs: Sequence["VideoJob"]) -> list[WorkerTask]:
    """Tasks before those of the videos: one worker compiles the flow, if need be, and the others need not wait for it.

    What fails here fails again, and is told, as the task of its video.
    """
    with_flow = [job for job in jobs if FLOW in job.imports and not job.brought]
    if not with_flow:
        return []
    cuts = [
        WorkerTask(job.shared, cut_while_compiling, (tuple(job.wanted), job.video), tuple(sorted(job.plugins)))
        for job in with_flow[:CUT_AHEAD]
    ]
    return [WorkerTask(None, compile_flow, ()), *cuts]


def _feature_tasks(jobs: Sequence["VideoJob"], file: Path) -> list[WorkerTask]:
    """A task for each video, which notes its progress in a file."""
    tasks = []
    for place, job in enumerate(jobs):
        function = hosted_feature_task if job.brought else feature_task
        arguments = (tuple(job.wanted), job.video, str(file), place)
        plugins = tuple(sorted(job.plugins))
        imports = tuple(sorted(job.imports)) if job.brought else None
        tasks.append(WorkerTask(place, function, arguments, plugins, imports))
    return tasks


def _try_encoders(jobs: Sequence["VideoJob"]) -> None:
    """Give each encoder two drawn inputs, before a video is read.

    Raises:
        MebenchError: one cannot be loaded, fails, or gives no vectors.
    """
    runs = [run for job in jobs for run in job.wanted]
    chains = {chain for run in runs for chain in run.chains}
    steps = [step for chain in chains for step in chain.steps]
    encoders = {replace(step, stride=1, spacing=1) for step in steps if isinstance(step, Encode)}
    for encoder in encoders:
        encoder.probe()


def shared_video(needs: FeatureNeeds, video: Video) -> SharedVideo:
    """The values that two runs share if their videos are the same, under one degradation."""
    return f"{needs.settings} {needs.features.store.root}", video.key


@dataclass
class VideoJob:
    """One video and the runs whose features it lacks.

    Attributes:
        shared: identity of the video over several runs.
        video: the video, without its annotations.
        wanted: the features that each run needs.
        names: the wanted features, as chain and clip.
        plugins: folders with more plugins.
        brought: whether plugins bring steps of their own, or a user an encoder.
        imports: modules that these steps import.
    """

    shared: SharedVideo
    video: Video
    wanted: list[Wanted] = field(default_factory=list)
    names: set[tuple[str, Clip | None]] = field(default_factory=set)
    plugins: set[str] = field(default_factory=set)
    brought: bool = False
    imports: set[str] = field(default_factory=set)

    def add(self, reader: int, needs: FeatureNeeds, video: Video) -> None:
        """Add the features that a run lacks of this video; runs of one method with other seeds lack the same."""
        chains, clips = features_of(needs.features, video)
        # Steps with their parameters alone: other attributes that a plugin added to them stay here.
        chains = tuple(replace(chain, steps=tuple(map(replace, chain.steps))) for chain in chains)
        names = {name for chain in chains for name in _names_of(chain, clips)}
        if names <= self.names:
            return
        dataset, id_ = needs.features.data.find_home(video)
        self.names |= names
        store = needs.features.store
        grant = needs.grant
        self.wanted.append(Wanted(reader, needs.source, store, id_, dataset.revision, chains, clips, grant))
        self.plugins.update(needs.plugins)
        self.imports.update(imports_before(needs.method_folder))
        steps = [step for chain in chains for step in chain.steps]
        for step in steps:
            self.brought |= step.is_foreign or not type(step).__module__.startswith("mebench.features.")
            if step.is_foreign:
                self.imports.add("torch")
            if not {*OWN}.isdisjoint(map(str, vars(step).values())):  # a plugin's step may compute this flow, too
                self.imports.add(FLOW)


def _names_of(chain: Chain, clips: Sequence[Clip]) -> list[tuple[str, Clip | None]]:
    """The features that a chain gives: one of all frames, or one of each clip."""
    name = chain.fingerprint() + chain.name
    if chain.scope == "frames" or not clips:
        return [(name, None)]
    return [(name, clip) for clip in clips]


def video_jobs(needs: Sequence[FeatureNeeds]) -> list[VideoJob]:
    """The videos that lack features of some runs; a video of several runs once."""
    jobs: dict[SharedVideo, VideoJob] = {}
    for reader, of_run in enumerate(needs):
        missing = missing_videos(of_run.features)
        if missing:
            of_run.features.store.check_writable()  # before the first video is computed
        for video in missing:
            key = shared_video(of_run, video)
            job = jobs.setdefault(key, VideoJob(key, replace(video, expressions=(), distractors=())))
            job.add(reader, of_run, video)
    return list(jobs.values())
