"""The fitted methods of a run or a model file, and their predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.account import account_lines, plain_accounts
from mebench.annotations.accounting import accounts_of, notes_on_frames
from mebench.atomic import scratch_folder
from mebench.config import RunConfig
from mebench.config.resolving import DatasetConfig
from mebench.core import Dataset, Kind, Prediction, Scheme, SpottingParams, Task, Timing, Video, stable_seed
from mebench.core.peaks import Curve, ScoreCurve
from mebench.core.views import mean_over_scales
from mebench.errors import ConfigError, DataError, RunError
from mebench.features.activity import Activity
from mebench.features.faces import ADVICE_FOR_RUNS
from mebench.features.pipeline import video_source
from mebench.frames.videofile import FRAME_COUNTS
from mebench.inference.film import look_at_film, spot_between_cuts
from mebench.inference.film_progress import STAGES, FilmReport, FilmsProgress
from mebench.inference.models import Model
from mebench.inference.onnx_files import is_network, read_levels
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.progress import Progress
from mebench.output.terminal import format_count
from mebench.runner.choices import home_of_video, measure_videos, open_dataset
from mebench.runner.job import Job, method_jobs
from mebench.runner.timing import pair_gap, rate_groups
from mebench.runner.workers import WorkerPool, WorkerTask, default_workers
from mebench.runs import FoldResult
from mebench.sandbox.isolation import Failure, plain_data

with lazy_imports():
    from mebench.runner import describe, fold as fold_process
    from mebench.runs import fold_files, folder as run_folder

if TYPE_CHECKING:
    import safetensors.numpy as safetensors_numpy
    import torch

    from mebench.core.method import Method
    from mebench.metrics.tables import Tables
else:
    safetensors_numpy = load_lazily("safetensors.numpy")
    torch = load_lazily("torch")

Part = Literal["method", "recognizer"]


def fitted_method(model: Model, part: Part = "method") -> Method:
    """A trained method, ready to predict; the dataset is not needed.

    Args:
        model: model of a fold of a run, or of a file.
        part: name of the method's role in a pair.

    Raises:
        RunError: it has no such part, is damaged, or belongs to another version of the method.
        PluginError: the method is missing or broken.
    """
    pair = model.config.recognizer is not None
    if part == "recognizer" and not pair:
        raise RunError(f"{model.name} has no recognizer of its own: leave --part out")
    method = method_jobs(model.config.methods, task_of_model(model.about))[0 if part == "method" else 1].new_method()
    model.restore({f"{part}." if pair else "": method})
    return method


def task_of_model(about: Mapping[str, Any]) -> Task:
    """The task of a model, from `Model.about`."""
    short = bool(about["one_per_video"])
    several = bool(about.get("several", False))
    return Task(frozenset(about["tasks"]), tuple(about["kinds"]), tuple(about["classes"]), short, several)


@dataclass(frozen=True, kw_only=True)
class PredictJob(Job):
    """The job of models that predict videos together, without training or truth.

    Attributes:
        models: models of one run, or one.
        config: configuration of the first one, on the dataset of these videos.
        look: whether to search stretches without a visible face.
        emotions: whether to name emotions, if the models recognize.
        all_peaks: whether to give every peak, whatever the learnt level.
        namer: job of other models, which name the emotions of what these models spot; None if these do, or nobody.
    """

    models: tuple[Model, ...]
    config: RunConfig
    look: bool = False
    emotions: bool = True
    all_peaks: bool = False
    namer: PredictJob | None = None

    def without_videos(self) -> PredictJob:
        """The job without videos, and without facts about the models that no worker needs."""
        nothing: dict[str, Any] = {"about": {}, "timings": (), "trained_on": frozenset(), "header": None}
        models = tuple(replace(model, **nothing) for model in self.models)
        return replace(self, test=(), models=models, namer=None if self.namer is None else self.namer.without_videos())


@dataclass(frozen=True)
class Predicted:
    """Predictions of all videos.

    Attributes:
        job: job of the models.
        dataset: opened dataset.
        answers: answers by key of the video, sorted.
        failed: reasons of failed videos by key, sorted.
    """

    job: PredictJob
    dataset: Dataset
    answers: dict[str, Answer]
    failed: dict[str, str]

    def make_tables(self) -> Tables:
        """Tables for `mebench predictions export`, without truth and failed videos."""
        job = self.job
        intervals = [interval for answer in self.answers.values() for interval in answer.predictions]
        result = FoldResult(job.key, intervals, [], {}, dict(job.timings), 0, {})
        predictions = fold_files.tables_of_fold(result, job.parts[0].task.kinds)["predictions.parquet"].to_pandas()
        ordered = predictions.sort_values(run_folder.SORTED_BY["predictions.parquet"], kind="stable", ignore_index=True)
        videos = [video for video in job.test if video.key not in self.failed]
        return replace(describe.tables_of_videos(self.dataset, job.scheme, videos), predictions=ordered)


def plan_prediction(models: Sequence[Model], chosen: DatasetConfig, look: bool = False) -> tuple[PredictJob, Dataset]:
    """Plan a prediction: the job of the models, and the dataset of the videos.

    Timings are those of the models: k from each video's own frame rate, k' the mean of theirs at that rate, else in
    seconds. The weights are not loaded.

    Args:
        models: all of one run, or one.
        chosen: the dataset of the videos.
        look: whether to search stretches without a visible face.

    Raises:
        MebenchError: the models only recognize, or the videos cannot be read or have no frame rate.
    """
    first = models[0]
    about = first.about
    config = first.config
    if "spot" not in about["tasks"]:
        raise RunError(
            f"{first.name} names the emotions of annotated clips and spots nothing: use a run that spots, or a "
            f"pair, mebench run method=optical_strain recognizer={config.method} …"
        )
    config = replace(config, dataset=chosen.dataset, dataset_params=chosen.dataset_params)
    dataset = open_dataset(config.dataset_params, config.degrade)
    videos = measure_videos(dataset, sorted(dataset.videos(), key=lambda v: v.key))
    if not videos:
        raise DataError(f"dataset {chosen.dataset!r} holds no videos, so there is nothing to predict")
    task = replace(task_of_model(about), one_per_video=dataset.one_per_video)
    groups = rate_groups(videos)
    learnt = [timing for model in models for timing in model.timings]
    rates = {groups[video.key]: float(video.fps or 0) for video in videos}
    job = PredictJob(
        key="+".join(model.fold for model in models),
        seed=config.seed,
        parts=method_jobs(config.methods, task),
        scheme=Scheme(str(about["scheme"]), task.classes, {}),
        test=tuple(replace(video, expressions=(), distractors=()) for video in videos),
        groups=groups,
        timings={group: timing_at(learnt, fps, task.kinds) for group, fps in rates.items()},
        cache=str(Path(config.cache).expanduser().absolute()),
        plugins=tuple(dict.fromkeys((*config.plugins, *chosen.plugins))),
        models=tuple(models),
        config=config,
        look=look,
    )
    return job, dataset


def timing_at(learnt: Sequence[Mapping[str, Any]], fps: float, kinds: Sequence[Kind]) -> Timing:
    """Durations at a frame rate: those of the models trained at that rate, else the mean over all models in seconds."""
    at_this_rate = [timing for timing in learnt if timing["fps"] == fps]
    averaged = at_this_rate or [timing for timing in learnt if timing["fps"]]
    k_prime = {}
    for kind in kinds:
        seconds = [timing["k_prime"][kind] / timing["fps"] for timing in averaged if kind in timing["k_prime"]]
        k_prime[kind] = max(1, round(fps * sum(seconds) / len(seconds)))
    return Timing(fps, pair_gap(fps), k_prime)


@plain_data
@dataclass(frozen=True)
class Answer:
    """The models' answer for one video.

    Attributes:
        predictions: the spotted intervals, with emotions if the models recognize.
        curves: curves by kind.
        timing: durations at the video's frame rate.
        unseen: first and last frame, both inclusive, of stretches without a visible face, if searched; no peak lies
            there.
        faces: number of faces in the frame where the face was found; 0 if not searched.
        cuts: first frame after each cut; each part between them is spotted in as a film of its own.
        box: box (x0, y0, x1, y1) of the followed face in the frame where it was found, pixels; None for ready-made features.
        found: frame in which the face was found.
        activities: stretches in which the person speaks or turns the head, if searched; see `mebench.features.activity`.
    """

    predictions: list[Prediction]
    curves: dict[Kind, ScoreCurve]
    timing: Timing
    unseen: tuple[tuple[int, int], ...] = ()
    faces: int = 0
    cuts: tuple[int, ...] = ()
    box: tuple[int, int, int, int] | None = None
    found: int = 0
    activities: tuple[tuple[int, int, Activity], ...] = ()


class Ensemble:
    """Models that predict together.

    Frame scores, class scores and absolute thresholds are the means of theirs.
    Other values for intervals are those of the first model.

    Args:
        job: job of models and videos.

    Attributes:
        folds: methods of each model, the recognizer last.
        namer: models that name emotions: these, or others.

    Raises:
        RunError: a model is missing or damaged.
    """

    def __init__(self, job: PredictJob) -> None:
        self.job = job
        dataset = open_dataset(job.config.dataset_params, job.config.degrade)
        dataset.videos()  # a dataset may find the folders of the frames here
        self._home = partial(home_of_video, dataset, job.config.dataset)
        self.folds: list[list[fold_process.FittedMethod]] = []
        for model in job.models:
            of_model = replace(job, key=model.fold, seed=stable_seed(job.seed, "fold", model.fold))
            self.folds.append([fold_process.FittedMethod(of_model, part, self._home) for part in job.parts])
            model.restore(fold_process.methods_by_prefix([fitted.method for fitted in self.folds[-1]]))
        levels = [fitted[0].method.state_dict().get("thresholds") for fitted in self.folds]
        if len(levels) > 1 and levels[0] is not None:
            self.folds[0][0].method.thresholds = sum(levels[1:], levels[0]) / len(levels)
        if job.all_peaks and levels[0] is not None:
            self.folds[0][0].method.thresholds = torch.full_like(levels[0], -torch.inf)
        self.namer = self if job.namer is None else Ensemble(job.namer)

    def answer(self, video: Video, report: FilmReport) -> Answer:
        """The models' answer for a video; it reports how far it is."""
        spotters = [fold[0] for fold in self.folds]
        spotter = spotters[0]
        views = spotter.views
        view = views.hide_labels(video)
        source = video_source(views.store, *self._home(video), video)
        chains = [*views.chains[self.job.groups[video.key]].values()]
        source.compute(chains, (), report.report_features)
        report.begin("scoring frames")
        scores = mean_over_scales([s.frame_scores(s.views.hide_labels(video)) for s in spotters])
        report.begin("looking for cuts and hidden faces")
        film = look_at_film(
            source,
            chains,
            video,
            len(scores),
            view.timing.k,
            search_faces=self.job.look,
        )
        parts = spot_between_cuts(spotter, view, scores, film)
        spotted = [prediction for part in parts for prediction in part.predictions]
        baseline = SpottingParams.from_params(spotter.method.params).baseline
        curves: dict[Kind, ScoreCurve] = {}
        for column, kind in enumerate(spotter.task.kinds):
            curves_of_parts = [part.curves.get(kind) for part in parts]
            curve = _joined_curve(scores[:, column], curves_of_parts, film.blind)
            curves[kind] = replace(curve, baseline=baseline)
        if self.namer.job.names and self.job.emotions and spotted:
            report.begin("naming emotions")
            spotted = self.namer.named_intervals(spotted, video)
        cuts = tuple(first for first, _ in film.cuts)
        return Answer(
            spotted, curves, view.timing, film.unseen, film.faces, cuts, film.box, film.found, film.activities
        )

    def named_intervals(self, spotted: Sequence[Prediction], video: Video) -> list[Prediction]:
        """Spotted intervals with the emotion that the recognizers of all folds give them together."""
        namers = [fold[-1] for fold in self.folds]
        class_scores = []
        for namer in namers:
            view = namer.views.hide_labels(video)
            clips = [view.clip(p.onset, p.apex, p.offset) for p in spotted]
            class_scores.append(namer.class_scores(clips))
        named = []
        for prediction, row in zip(spotted, np.mean(class_scores, axis=0)):
            emotion = namers[0].task.called(row.tolist())
            named.append(replace(prediction, emotion=emotion, probabilities=tuple(map(float, row))))
        return named


def _joined_curve(scores: NDArray[np.float64], kept: Sequence[Curve | None], blind: NDArray[np.bool_]) -> ScoreCurve:
    """The curve of one kind, NaN in blind frames, joined from all parts.

    Args:
        scores: frame scores.
        kept: curve of each part between cuts, where there is one.
        blind: frames without a face or across a cut.
    """
    curve = ScoreCurve(np.where(blind, np.nan, scores))
    known = [part for part in kept if part is not None]
    if not known:
        return curve
    smoothed = np.full(len(scores), np.nan)
    for part in known:
        smoothed[part.first : part.first + len(part.heights)] = part.heights
    levels = {part.level for part in known}
    level = levels.pop() if len(levels) == 1 else None  # one relative to each part is no line
    return replace(curve, smoothed=np.where(blind, np.nan, smoothed), level=level)


_ENSEMBLE: list[Ensemble] = []
"""The models that this process used last."""


def predict_task(job: PredictJob, video: Video, counts: Mapping[Any, int], board: str, place: int) -> Answer:
    """The models' answer for one video, in a worker.

    Args:
        job: job of models and videos.
        video: the video.
        counts: numbers of frames of files.
        board: file that takes how far each video is.
        place: number of the video there.
    """
    FRAME_COUNTS.update(counts)
    if not (_ENSEMBLE and _ENSEMBLE[0].job == job):
        _ENSEMBLE[:] = [Ensemble(job)]
    return _ENSEMBLE[0].answer(video, FilmReport(board, place, video.n_frames or 0))


def predict_all(  # noqa: PLR0913  (each option of the command stands by itself)
    models: Sequence[Model],
    chosen: DatasetConfig,
    workers: int | None,
    progress: Progress,
    look: bool = False,
    emotions: bool = True,
    all_peaks: bool = False,
    namers: Sequence[Model] = (),
) -> Predicted:
    """Predict all videos of a dataset in worker processes.

    Args:
        models: those that predict together.
        chosen: the dataset of the videos.
        workers: processes; None for all cores.
        progress: progress of the work.
        look: whether to search stretches without a visible face.
        emotions: whether to name emotions, if the models recognize.
        all_peaks: whether to give every peak, whatever the learnt level.
        namers: other models, which name the emotions of what these spot, if `emotions` asks for them.

    Raises:
        ConfigError: there are fewer workers than one.
        MebenchError: the models cannot predict, or the videos cannot be read.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers must be 1 or more, or left out for all cores, not {workers}")
    job, dataset = plan_prediction(models, chosen, look)
    namer = plan_prediction(namers, chosen)[0] if namers and emotions else None
    job = replace(job, emotions=emotions, all_peaks=all_peaks, namer=namer)
    _notify_of_videos(dataset, job, progress)
    answers = dict[str, Answer]()
    failed = dict(getattr(dataset, "failed", {}))
    for key, outcome in _outcomes_of_videos(job, workers, progress):
        if isinstance(outcome, Failure):
            reason = outcome.reason.removesuffix(ADVICE_FOR_RUNS)
            failed[key] = reason.replace(key, _named_by_user(key)) if look else reason
        else:
            answers[key] = outcome
    if not answers:
        first = min(failed)
        raise RunError(f"no video could be predicted. {_named_by_user(first) if look else first}: {failed[first]}")
    return Predicted(job, dataset, dict(sorted(answers.items())), dict(sorted(failed.items())))


def _named_by_user(key: str) -> str:
    """The name of a video whose key nobody chose: that of its file.

    >>> _named_by_user("folder/my/my")
    'my'
    """
    return key.rpartition("/")[2]


def list_remarks(dataset: Dataset) -> tuple[str, ...]:
    """Remarks on films, each after its name; those that are left out are told as failures.

    >>> from mebench.core import Repair
    >>> class Films: repair_rows = staticmethod(lambda: [Repair(None, "video", "a.ts", None, "its time stamps begin again")])
    >>> list_remarks(Films)
    ('a.ts: its time stamps begin again',)
    """
    rows = [row for row in dataset.repair_rows() if not row.altered]
    sentences: list[str] = []
    for row in rows:
        sentence = f"{row.found}: {row.reason}" if row.taken is None else str(row)
        sentences.append(sentence)
    return tuple(sentences)


def _notify_of_videos(dataset: Dataset, job: PredictJob, progress: Progress) -> None:
    """Say what is special about the videos: repairs, files left out, people who trained the models."""
    remarks = list_remarks(dataset) if job.look else dataset.repairs()
    progress.notify(*remarks, *map(str, notes_on_frames(dataset, job.test)))
    progress.notify(*account_lines(plain_accounts(accounts_of(dataset))))
    trained_on = {subject for model in job.models for subject in model.trained_on}
    both = sorted({str(video.subject_key) for video in job.test} & trained_on)
    if both:
        progress.notify(
            f"{format_count(len(both), 'subject')} such as {both[0]} trained these models, so predictions for them "
            "are not a test"
        )


def _outcomes_of_videos(
    job: PredictJob, workers: int | None, progress: Progress
) -> Iterator[tuple[str, Answer | Failure]]:
    """The key and the outcome of each video, as they end; the longest is begun first."""
    lean_job = job.without_videos()
    videos = sorted(job.test, key=lambda video: (-(video.n_frames or 0), video.key))
    n_frames = sum(video.n_frames or 0 for video in videos)
    pool = WorkerPool(min(workers or default_workers(), len(videos)))
    try:
        with (
            scratch_folder("mebench-progress-") as folder,
            progress.frames("videos", len(videos), begins=STAGES[0], of_frames=n_frames) as show,
        ):
            board = folder / "board"
            films = FilmsProgress(board, videos, show)
            tasks = [
                WorkerTask(place, predict_task, (lean_job, video, FRAME_COUNTS, str(board), place), job.plugins)
                for place, video in enumerate(videos)
            ]
            for task, outcome in pool.run(tasks, films.update):
                yield videos[task.key].key, outcome
                films.finish(task.key)
    finally:
        pool.stop()


def levels_of(models: Sequence[Model]) -> dict[Kind, float]:
    """The absolute level of each kind, the mean over the models.

    Raises:
        RunError: the models have levels relative to each video.
    """
    first = models[0]
    kinds = task_of_model(first.about).kinds
    known = [_levels_of_model(model, kinds) for model in models]
    of_models = [levels for levels in known if levels is not None]
    if len(of_models) < len(known):
        raise RunError(
            f"{first.name} has no level of its own, but one relative to each video: --neutral needs a model trained with "
            "method.threshold=absolute"
        )
    return dict(zip(kinds, np.mean(of_models, axis=0).tolist()))


def _levels_of_model(model: Model, kinds: Sequence[Kind]) -> list[float] | None:
    """The absolute levels of a model, or None if they are relative to each video."""
    if is_network(model.file):
        levels = read_levels(model.file)
        if levels is None:
            return None
        return [levels[kind] for kind in kinds]
    weights = safetensors_numpy.load_file(model.file) if model.file.is_file() else {}
    name = "thresholds" if model.config.recognizer is None else "method.thresholds"
    if name not in weights:
        return None
    thresholds: list[float] = weights[name].astype(np.float64).tolist()
    return thresholds
