"""Your own objects and videos: evaluate an object like any method, and spot in videos with trained models."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from mebench.api.carried_data import carries_data
from mebench.api.pickling import with_own_code
from mebench.api.result import notebook_html, one_of
from mebench.api.run_results import Names, Run, execute_config, list_paths, refuse_code_of_others
from mebench.api.trainer_objects import store_trainer_objects
from mebench.errors import (
    ConfigError,
    DataError,
    RunError,
    check_known,
    refuse_if,
    refused_by_plugin,
    refused_by_system,
)
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.progress import Progress
from mebench.output.table import Column, Table
from mebench.output.terminal import format_count

with lazy_imports():
    from mebench.config import resolving, sources, trainer_objects
    from mebench.core import types as core_types
    from mebench.features import maps
    from mebench.inspection import dataset_summary
    from mebench.reports import plots
    from mebench.runner import plan as run_plan
    from mebench.training import adapter

if TYPE_CHECKING:
    import cloudpickle
    import numpy as np
    import pandas as pd
    import torch
    from matplotlib.figure import Figure

    from mebench import atomic
    from mebench.config.settings import RunConfig
    from mebench.core import Chain, Kind
    from mebench.inference import alarm_rates, default_models, models as trained_models, spotted as spotted_videos
    from mebench.inference.models import ModelHeader
    from mebench.inference.spotted import SpottedVideo, SpottedVideos
else:
    atomic = load_lazily("mebench.atomic")
    np = load_lazily("numpy")
    torch = load_lazily("torch")
    cloudpickle = load_lazily("cloudpickle")
    pd = load_lazily("pandas")
    alarm_rates = load_lazily("mebench.inference.alarm_rates")
    default_models = load_lazily("mebench.inference.default_models")
    trained_models = load_lazily("mebench.inference.models")
    spotted_videos = load_lazily("mebench.inference.spotted")

CONFIG = """title: {title}
summary: an object that was given to mebench.evaluate
tasks: [{tasks}]
{pretrained}"""
PARAMS = '''"""Parameters of the object's spotting."""

from mebench.spotting import SpottingParams as Params

__all__ = ["Params"]
'''
PARAMS_OF_MODULE = '''"""Parameters of a module's training and spotting."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams):
    """Samples of a batch, and frames of a sample of spotting."""

    batch_size: int = 32
    window: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, at_least_one=("batch_size", "window"))
'''
CODE = '''"""An object that was given to mebench.evaluate: {what}."""

from pathlib import Path

from mebench.training.adapter import Own

from .params import Params as _Params


class Plugin(Own):
    """Asks the object."""

    Params = _Params
    tasks = frozenset({tasks})
    kinds = {kinds}
    model = Path(__file__).with_name("object")
    sha256 = "{sha256}"
'''


def evaluate(
    model: Any,
    dataset: str | dict[str, Any],
    protocol: str | dict[str, Any] = "loso",
    *words: str,
    features: Any = None,
    name: str | None = None,
    config: Names = (),
    plugins: Names = (),
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """Evaluate your own object under a protocol, without a plugin.

        mebench.evaluate(LinearSVC(), "synthetic")             # scikit-learn, on the flow between onset and apex
        mebench.evaluate(MySpotter(), "synthetic", features=lambda timing: Chain("flow", (FaceCrop(), Flow(k=timing.k), ...)))

    Each fold fits a fresh copy of the object on its training subjects, with the same guard as any method. The object is

    - anything with `score_frames(video)`, answering a score for each frame, `(n_frames,)` or `(n_frames, n_kinds)`, NaN
      where undefined, or `classify(clips)`, answering a score for each class, `(n_clips, n_classes)`, or class numbers,
      `(n_clips,)`; or both. It is trained by `fit(train)`, or by `fit(train, task)` if it needs `task.classes` and
      `task.kinds`. `video`, `clips` and `train` are the `VideoView`, `ClipView` and `LabelledVideo` of `mebench.core`:
      `video.features(name)` and `clip.feature(name)` give the features of the chain of that name,
      `train[0].expressions` and `mebench.core.all_clips(train)` the labels;
    - or a `LightningModule` that takes the samples of `mebench.MEDataModule`, (x, y) in training and x in
      `predict_step`, and returns a score for each class or kind. Each fold trains a copy, for `trainer={"max_epochs":
      …}`, with batches of `method.batch_size`; other options of the trainer, and callbacks, loggers and the like as objects, as in
      `docs/how_to/lightning.md`;
    - or an estimator of scikit-learn (`fit` and `predict`): on a chain of clips it classifies emotions, on a chain of
    frames it separates frames inside an expression from others. Its randomness follows from the run's seed;
    - or a function that makes any of these in each fold, with fresh weights: `lambda classes: Small(len(classes))`. It takes by name
      what it needs of `classes` (their names), `kinds`, `shapes` (shape of each chain's feature, None where it is unknown) and
      `timing` (`fps`, `k`, and `k_prime` by kind, of the fold; of several datasets those of the first). It is also called
      before the folds, with a made-up timing, to see what it makes.

    The object is pickled for other processes, with the code of the file that defines it, and kept beside the run
    folders so that the run can be resumed; it is trusted like any code of yours.

    Args:
        model: the object, not fitted. One that holds weights, arrays, or a table of a hundred entries is marked as *pretrained on
            unknown data*, unless `pretrained` says on what: names of data, or `none`.
        dataset: id of the dataset, or a map with its `name` and settings.
        protocol: its name, or a map with its `name` and settings.
        words: further `key=value` words of the run, such as `method.p=0.6` for the threshold of a spotter.
        features: a `Chain`, several, or a function of the timing that answers with them; the object asks for each under its name, or
            under its key in a map. An object with `chains(timing)` names its own. For an estimator by default the flow map between
            onset and apex.
        name: name in tables and of the run; the class or function of the object by default.
        config: YAML files of settings.
        plugins: folders with more datasets and protocols.
        progress: see `run`.
        settings: further settings of the run, such as `seed=1`.

    Raises:
        ConfigError: the object supports none of the requested tasks or cannot be pickled; features are no chains, or
            two have one name.
        MebenchError: see `run`.
    """
    config_files = list_paths(config)
    settings = store_trainer_objects(words, settings, config_files)
    stated = sources.settings_of(words, {"dataset": dataset, "protocol": protocol, **settings})
    runs_folder = Path(sources.user_setting("runs", "runs", stated, config_files)).expanduser().absolute()
    # Next to the runs, which name the object as their plugin and need it to be resumed.
    objects_folder = runs_folder / trainer_objects.OWN_OBJECTS
    method = store_object(model, features, objects_folder, name)
    settled = resolving.resolve({**stated, "method": method}, config_files, [*list_paths(plugins), objects_folder])
    _check_epochs(model, features, settled)
    _check_with_timing(model, features, settled)
    _check_outputs(model, features, settled)
    dataset_summary.check_needs([settled])
    return execute_config(settled, progress)


def store_object(model: Any, chains: Any, place: Path, title: str | None = None) -> str:
    """Write an object as a plugin, unless it is stored already, and return its name.

    Args:
        model: the object.
        chains: chains of its features, in any form that `evaluate` takes; None for the usual ones.
        place: folder of evaluated objects.
        title: name that the user gives; None takes that of its class or function.

    Raises:
        ConfigError: it is a class, can do nothing, cannot be pickled, or its name has no letter or digit.
    """
    if isinstance(model, type):
        raise ConfigError(f"{model.__name__} is a class: give an object of it, {model.__name__}(...)")
    what = _kind_of(model)
    example = _example_of(model, chains)
    is_module = adapter.is_module(example)
    chains = _usual_chains(example) if chains is None else chains
    tasks, kinds = _abilities_of(example, chains)
    content = _pickled(model, chains)
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"own_{_in_snake_case(what)}_{sha256[:8]}" if title is None else f"{_name_of_title(title)}_{sha256[:8]}"
    texts = {
        "__init__.py": f'"""{what}, as it was given to mebench.evaluate."""\n',
        "config.yaml": CONFIG.format(
            title=what if title is None else json.dumps(title),
            tasks=", ".join(tasks),
            pretrained="pretrained: unknown\n" if carries_data(model, chains) else "",
        ),
        "params.py": PARAMS_OF_MODULE if is_module else PARAMS,
        "method.py": CODE.format(what=what, tasks=set(tasks), kinds=kinds, sha256=sha256),
    }
    files = {file: text.encode() for file, text in texts.items()} | {"object": content}
    folder = place / "methods" / name
    with refused_by_system(f"{what} cannot be stored in {folder}", "choose another place with runs=DIR", RunError):
        for file, data in files.items():
            path = folder / file
            if not path.is_file() or path.read_bytes() != data:  # folds of another run may be reading it
                atomic.replace_file(path, data)
    return name


def _kind_of(model: Any) -> str:
    """The class of an object, or the name of a function that makes one."""
    if not adapter.is_factory(model):
        return str(type(model).__qualname__)
    return str(getattr(model, "__qualname__", None) or _kind_of(model.func)).replace("<lambda>", "made")


def _example_of(model: Any, chains: Any) -> Any:
    """The object itself; of a function an object of two classes, which shows what it can do.

    Raises:
        ConfigError: the function fails.
    """
    if not adapter.is_factory(model):
        return model
    with refused_by_plugin(f"{_kind_of(model)} makes no object for two classes", error=ConfigError):
        return adapter.make_given(model, _chains_of_factory(chains), ("first", "second"), ("micro",))


def _chains_of_factory(chains: Any) -> Any:
    """The chains of what a function makes: the given ones, or the flow map between onset and apex."""
    return maps.MapParams().maps(maps.ONSET_APEX) if chains is None else chains


def _name_of_title(title: str) -> str:
    """A title as a name of plugins.

    Raises:
        ConfigError: it does not begin with a letter from a to z.
    """
    name = _in_snake_case(title.replace(".", " ")).lower()
    if not name[:1].isalpha() or not name.isascii():
        raise ConfigError(f"name={title!r} must begin with a letter from a to z, such as name='small net'")
    return name


def _usual_chains(model: Any) -> dict[str, Chain] | None:
    """The flow map between onset and apex for a module or an estimator; other objects name their chains."""
    if adapter.is_module(model) or adapter.is_estimator(model):
        return maps.MapParams().maps(maps.ONSET_APEX)
    return None


def _check_epochs(model: Any, chains: Any, settled: RunConfig) -> None:
    """Refuse a module without a number of epochs.

    Raises:
        ConfigError: it is missing.
    """
    if adapter.is_module(_example_of(model, chains)) and "max_epochs" not in settled.trainer:
        raise ConfigError(
            f"the number of epochs of {_kind_of(model).rpartition('.')[2]} in each fold is missing: add "
            'trainer={"max_epochs": 20}, or another number'
        )


def _check_with_timing(model: Any, chains: Any, settled: RunConfig) -> None:
    """Refuse a function that makes nothing for the timing of the first fold.

    Raises:
        ConfigError: it fails.
    """
    if not adapter.is_factory(model) or "timing" not in adapter.facts_of(model):
        return
    data = run_plan.make_plan(settled).data
    timing = next(iter(data.find_timings(data.folds[0]).values()))
    task = data.task
    with refused_by_plugin(f"{_kind_of(model)} makes no object for the first fold, whose {timing}", error=ConfigError):
        adapter.make_given(model, _chains_of_factory(chains), task.classes, task.kinds, timing)


def _check_outputs(model: Any, chains: Any, settled: RunConfig) -> None:
    """Refuse a module that does not give a score for each class.

    It is tried with one batch, before any feature is computed, if the shape of its features is known.
    """
    module = _example_of(model, chains)
    if not adapter.is_module(module):
        return
    chains = _usual_chains(module) if chains is None else chains
    batch = adapter.make_probe_batch(chains)
    n_scores = None if batch is None else adapter.count_scores(module, batch)
    if n_scores is None:
        return
    classes = run_plan.make_plan(settled).data.task.classes
    if adapter.is_factory(model):
        module = adapter.make_given(model, chains, classes, ("micro",))
        n_scores = adapter.count_scores(module, batch) or 0
    if n_scores != len(classes):
        raise ConfigError(
            f"the module gives {format_count(n_scores, 'score')}, the dataset has {len(classes)} classes: {', '.join(classes)}. Give it "
            f"{format_count(len(classes), 'output')}, or choose other classes with scheme=NAME"
        )


def _abilities_of(model: Any, chains: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tasks that an object can do, and the kinds that it spots."""
    what = type(model).__qualname__
    if chains is not None and callable(getattr(model, "chains", None)):
        raise ConfigError(
            f"{what} names its chains itself, in chains(timing): leave features out, or remove chains from it"
        )
    with refused_by_plugin(f"{what} does not give its features and kinds", error=ConfigError):
        adapter.chains_of(getattr(model, "chains", chains), core_types.Timing(30.0, 3, {"micro": 5, "macro": 20}))
        tasks = tuple(adapter.tasks_of(model, chains))
        kinds = tuple(getattr(model, "kinds", ("micro", "macro")))
    if not tasks:
        raise ConfigError(
            f"{what} can neither spot nor recognize: give it score_frames(video) or classify(clips), or take an estimator of "
            "scikit-learn (fit and predict)"
        )
    return tasks, kinds


def _pickled(model: Any, chains: Any) -> bytes:
    """An object with its chains as bytes, from which each fold makes its copy."""
    try:
        named = getattr(model, "func", model) if adapter.is_factory(model) else type(model)
        module = sys.modules.get(named.__module__)
        with with_own_code(() if module is None else (module,)):
            return bytes(cloudpickle.dumps((model, chains)))
    except Exception as error:  # each library refuses in its own way
        raise ConfigError(
            f"{_kind_of(model)} cannot be pickled ({type(error).__name__}: {error}), and each fold needs a copy of it: leave "
            "out open files, locks and the like, or make them in fit"
        ) from error


def _in_snake_case(name: str) -> str:
    """The last part of a class's name as a name of plugins.

    >>> _in_snake_case("Lab.<locals>.MySpotter")
    'my_spotter'
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()
    return re.sub(r"\W+|_+", "_", words).strip("_")


class TrainedModel:
    """A trained model read from its file. No code in the file is run, so that it may come from anyone.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, header: ModelHeader) -> None:
        self.path = path
        self._header = header

    @property
    def name(self) -> str:
        """The model's name."""
        return self._header.name

    @property
    def about(self) -> dict[str, Any]:
        """Method, task, versions and scores, as `mebench model info --json` writes them."""
        return self._header.model_dump()

    @property
    def card(self) -> str:
        """The model card in Markdown: training data, scores, and limits of use."""
        return self._header.card

    def spot(self, videos: Names, **options: Any) -> Spottings:
        """See `mebench.spot`."""
        return spot(videos, self, **options)

    def _table(self) -> Table:
        """The method, and what the model does."""
        task = self._header.task
        abilities = [f"spots {kind}" for kind in task.kinds]
        if task.classes:
            abilities.append("names emotions")
        row = [str(self._header.method["name"]), ", ".join(abilities)]
        return Table([Column("method", "method"), Column("does", "does")], [row])

    def _repr_html_(self) -> str:
        return notebook_html(f"model {self.name}", self._table(), [self.card])

    def __str__(self) -> str:
        where = (
            f"what it learnt from, how good it is and what it is not good for: .card, or mebench model info {self.name}"
        )
        return "\n".join([f"model {self.name}", self._table().to_plain_text(), where])

    def __repr__(self) -> str:
        return f"<TrainedModel {self.name}: {self.path}>"


def load_model(name: str | Path | None = None) -> TrainedModel:
    """A trained model that came with a method, or from a file.

    Args:
        name: a name of `mebench model list`, or a file that ends with `.safetensors`. By default the included model
            that finds most in films of real people with few alarms, by its card.

    Raises:
        RunError: there is no such model, or the file is no model.
        PluginError: its method is not installed.
    """
    path = default_models.default_spotter_file() if name is None else trained_models.find_model_file(str(name))
    header = trained_models.read_model(path.resolve()).header
    assert header is not None  # a file says what it holds
    return TrainedModel(path.resolve(), header)


class Spottings:
    """Intervals spotted in videos, without truth or scores.

    Attributes:
        spotted: each face of each video with its curves, and the failures of other videos.
    """

    def __init__(self, spotted: SpottedVideos) -> None:
        self.spotted = spotted

    @property
    def summary(self) -> dict[str, Any]:
        """All of it as plain data, as `mebench spot --json` writes it."""
        return self.spotted.plain()

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """A row for each interval: `video`, `face`, `kind`, `onset`, `apex`, `offset` (both ends belong to it; frames
        as image files are numbered, else from 0), the same in seconds (`onset_s` …), `confidence`, `emotion`.
        """
        return self.spotted.intervals

    @cached_property
    def frame_scores(self) -> pd.DataFrame:
        """A row for each frame and kind: `video`, `face`, `frame` (from 0), `kind`, `score` (NaN where undefined)."""
        parts = [
            pd.DataFrame(
                {
                    "video": video.name,
                    "face": video.face,
                    "frame": range(len(curve.scores)),
                    "kind": kind,
                    "score": curve.scores,
                }
            )
            for video in self.spotted.videos
            for kind, curve in video.answer.curves.items()
        ]
        return pd.concat(parts, ignore_index=True)

    @property
    def failed(self) -> dict[str, str]:
        """Reasons of failure, by video."""
        return dict(self.spotted.failed)

    def plot_timeline(self, video: str | None = None) -> Figure:
        """The frame scores of one video over time, and spotted intervals as bars.

        Args:
            video: its name (with several faces, `clip, face2`), or a part of it that occurs in one name only; the first
                by default.

        Raises:
            DataError: there is no such video.
        """
        videos = {shown.title: shown for shown in self.spotted.videos}
        title = next(iter(videos)) if video is None else one_of(video, list(videos))
        return plots.notebook_figure(plots.draw_timeline(videos[title].make_timeline()))

    def plot_recovery(self, video: str | None = None) -> Figure:
        """The share of micro-expressions put into one video that was found, by their strength; see `recovery` of `spot`.

        Args:
            video: see `plot_timeline`.

        Raises:
            DataError: there is no such video, or nothing was put into it.
        """
        videos = {shown.title: shown for shown in self.spotted.videos}
        title = next(iter(videos)) if video is None else one_of(video, list(videos))
        recovery = videos[title].recovery
        if recovery is None or not recovery.trials:
            raise DataError(f"nothing was put into {title}: spot it with recovery=True (--recovery)")
        points = [(strength, share.found / share.of, *share.interval) for strength, share in recovery.curve()]
        return plots.notebook_figure(plots.draw_found_shares(points, title))

    def write(self, folder: str | Path, overlay: bool = False, progress: Progress | None = None) -> list[Path]:
        """Write tables, files for ELAN and a page with the timelines; see `mebench spot`.

        Args:
            folder: created if missing; its files are replaced.
            overlay: also write the videos with curve and intervals drawn in, which show the faces.
            progress: progress of the work; standard error by default.

        Raises:
            DataError: a file cannot be written.
        """
        return self.spotted.write(Path(folder).expanduser(), overlay, progress)

    def _table(self) -> Table:
        """A row for each video: its title, seconds, and the number of intervals of each kind."""
        kinds = list(dict.fromkeys(kind for v in self.spotted.videos for kind in v.answer.curves))
        columns = [Column("video", "video"), Column("seconds", "seconds", right=True)]
        columns += [Column(kind, kind, right=True) for kind in kinds]
        return Table(columns, [row_of_spotted_video(v, kinds) for v in self.spotted.videos])

    def _notes(self) -> list[str]:
        """Lines below the intervals: notes on videos, failures, and the caution."""
        notes = [f"{v.title}: {note}" for v in self.spotted.videos for note in v.notes]
        failed = [f"{name} could not be predicted: {reason}" for name, reason in self.failed.items()]
        return [*notes, *failed, spotted_videos.CAUTION]

    def _repr_html_(self) -> str:
        return notebook_html(f"spotted by {self.spotted.model}", self._table(), self._notes())

    def __str__(self) -> str:
        return "\n".join([f"spotted by {self.spotted.model}", self._table().to_plain_text(), *self._notes()])

    def __repr__(self) -> str:
        found = format_count(len(self.predictions), "interval")
        return f"<Spottings: {found} in {format_count(len(self.spotted.videos), 'video')}, by {self.spotted.model}>"


def row_of_spotted_video(video: SpottedVideo, kinds: Sequence[Kind]) -> list[str]:
    """A row for a video: its title, seconds, and the number of intervals of each kind."""
    spotted = [prediction.kind for prediction in video.answer.predictions]
    return [video.title, f"{video.seconds:.1f}", *(str(spotted.count(kind)) for kind in kinds)]


def videos_at(videos: Names) -> list[Path]:
    """The videos at some paths, found before heavy imports.

    Raises:
        DataError: one does not exist.
    """
    paths = [Path(video).expanduser() for video in list_paths(videos)]
    hint = "expected a video file, or a folder of images"
    refuse_if(*((not path.exists(), f"there is no video {path}: {hint}") for path in paths), error=DataError)
    return paths


def spot(
    videos: Names,
    model: str | Path | TrainedModel | Run | None = None,
    *,
    fold: str | None = None,
    faces: spotted_videos.Faces = "largest",
    fps: float | None = None,
    damaged: str = "refuse",
    emotions: bool = False,
    neutral: str | Path | None = None,
    recovery: bool | int = False,
    workers: int | None = None,
    progress: Progress | None = None,
    trusted: bool = False,
) -> Spottings:
    """Spot in your own videos, as `mebench spot` does.

        mebench.spot("my.mp4", mebench.load_run("mean-casme2")).predictions

    Args:
        videos: a video file or a folder of images, or several.
        model: the name or the file of a model, a loaded model, or a run, whose folds predict together; by default that
            of `load_model`.
        fold: one fold of a run instead of all together.
        faces: `largest`, or `all`, each separately.
        fps: frames per second, for images or files with a wrong rate.
        damaged: `accept` takes the readable part of a damaged file, which otherwise fails.
        emotions: name emotions; an included model names them if this one only spots.
        neutral: stretch of each video in which nothing happened, such as `0-20s`, or another film of the person: its highest
            peak sets the level.
        recovery: put micro-expressions into copies of each video, and count how many of them are found; a number is that of
            the copies. It takes some minutes.
        workers: processes; all cores if left out.
        progress: see `run`.
        trusted: agreement to the plugins that somebody else's run names.

    Raises:
        ConfigError: `faces` is unknown, or `all` with `recovery`; `fold` is given without a run; `neutral` is no stretch and no film;
            somebody else began the run and it is not `trusted`.
        RunError: there is no such model or fold, or it only recognizes.
        DataError: no video can be read.
    """
    paths = videos_at(videos)
    check_known("faces", faces, get_args(spotted_videos.Faces))
    if isinstance(model, Run):
        if not trusted:
            refuse_code_of_others(model.folder, "spot with trusted=True", trains=False)
        models = trained_models.models_of_run(model.folder, fold)
    elif fold is None:
        known = model if isinstance(model, TrainedModel) else load_model(model)
        models = (trained_models.read_model(known.path),)
    else:
        raise ConfigError(f"fold {fold!r}: a model has none; only runs have folds")
    known_rates = None
    if isinstance(model, Run):
        known_rates = alarm_rates.rates_of_summary(model.summary, alarm_rates.are_of_drawings(models))
    return Spottings(
        spotted_videos.spot_videos(
            paths,
            models,
            faces=faces,
            fps=fps,
            damaged=damaged,
            emotions=emotions,
            neutral=neutral,
            recovery=recovery,
            known_rates=known_rates,
            workers=workers,
            progress=progress,
        )
    )
