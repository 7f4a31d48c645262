"""One fold as data for the user's own Trainer, and the scores of its predictions."""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from mebench._fast_imports import L
from mebench.api.run_results import Names, list_paths
from mebench.api.score_files import Scores
from mebench.config.resolving import resolve
from mebench.config.settings import RunConfig
from mebench.core.chain import Chain
from mebench.core.method import Method
from mebench.core.types import KINDS, Fold, Timing
from mebench.core.views import all_clips
from mebench.errors import ConfigError, DataError, unknown
from mebench.exchange.answers import Answers
from mebench.exchange.text_table import Remarks
from mebench.features.maps import ONSET_APEX, MapParams
from mebench.inspection.dataset_summary import check_needs
from mebench.output.progress import Progress
from mebench.output.terminal import format_count
from mebench.runner.choices import find_abilities
from mebench.runner.describe import describe_run, truth_tables
from mebench.runner.execute import worker_pool
from mebench.runner.fold import Views
from mebench.runner.job import Job
from mebench.runner.plan import Plan, create_weightless, make_plan
from mebench.runner.prepare import prepare_features
from mebench.runs.fold_files import ClipPrediction, FoldResult
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import read_tables, score_run
from mebench.spotting import SpottingParams
from mebench.training.adapter import chains_of
from mebench.training.layers import balanced_weights
from mebench.training.samples import ClipSamples, Transform, ViewSamples, WindowSamples

LIKELY_TIMING = Timing(30.0, 3, {"micro": 5, "macro": 20})
"""A timing to ask chains for before that of a fold is known."""


class MEDataModule(L.LightningDataModule):  # type: ignore[misc]
    """The samples of one fold: batches (x, y) of its training and inner validation people, and x alone of the tested
    people.

        dm = mebench.MEDataModule({"name": "megc2019_flow", "root": PATH}, fold=0)
        trainer.fit(model, datamodule=dm)
        dm.score(trainer.predict(model, datamodule=dm)).scores

    Features of clips are samples of recognition, y a class number (int64, in the order of `classes`); features of
    frames are samples of spotting, y a number for each of `kinds` (float32). See `mebench.training.samples` for
    shapes; units are those of the chain, see `mebench features explain`. Labels of tested people are given only with
    `test_labels`.

    Args:
        dataset: id of the dataset, or a map with its `name` and settings.
        protocol: its name, or a map with its `name` and settings.
        fold: its number among `folds`, or its name.
        features: a `Chain`, several, a map of them, or a function of the timing; by default the flow map between onset and apex.
        method: alternatively, a method with these features: its id, or a map with its `name` and settings.
        task: `recognize` or `spot`, if a method's features serve both.
        window: frames of a sample of spotting.
        batch_size: samples of a batch.
        transform: function of each x, as read.
        train_transform: function of x in training, instead.
        test_labels: whether `test_dataloader` gives the labels of tested people.
        num_workers: processes that read samples, as of a `DataLoader`.
        config: YAML files of settings.
        plugins: folders with more plugins.
        progress: see `mebench.run`.
        settings: settings of a run, such as `seed`, `scheme`, `workers`, and `validation`, the share of training people held
            out; 0 for none.

    Attributes:
        folds: names of the folds.
        fold: the name of this one.
        classes: classes of the emotion scheme, in the order of class numbers.
        kinds: the spotted kinds, in the order of columns.

    Raises:
        ConfigError: there is no such fold, or the features do not fit the task.
        MebenchError: see `mebench.run`.
    """

    def __init__(
        self,
        dataset: str | dict[str, Any],
        protocol: str | dict[str, Any] = "loso",
        fold: int | str = 0,
        *,
        features: Any = None,
        method: str | dict[str, Any] | None = None,
        task: str | None = None,
        window: int = 1,
        batch_size: int = 32,
        transform: Transform | None = None,
        train_transform: Transform | None = None,
        test_labels: bool = False,
        num_workers: int = 0,
        config: Names = (),
        plugins: Names = (),
        progress: Progress | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        # The method of a plan whose features are given: it is never asked.
        values = {"dataset": dataset, "protocol": protocol, "method": method or "majority", **settings}
        settled = resolve(values, list_paths(config), list_paths(plugins))
        check_needs([settled])
        self.window = window
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.test_labels = test_labels
        self.transforms = {"train": train_transform or transform, "valid": transform, "test": transform}
        self.progress = progress or Progress()
        self._samples: dict[str, ViewSamples] = {}
        if features is None and method is None:
            features = MapParams().maps(ONSET_APEX)
        if features is None:
            self.plan = _plan_for_method(settled, task)
            self._reader: Any = create_weightless(self.plan.methods[0])  # it names the chains
        else:
            read_chains = partial(chains_of, features)
            self._reader = SimpleNamespace(chains=read_chains, adjusted_chains=read_chains)
            self.plan = _plan_for_features(settled, self._reader.chains, task)
        self.folds = [one.key for one in self.plan.data.folds]
        self._fold = _find_fold(self.plan.data.folds, fold)
        self.fold = self._fold.key
        self._scope = "frames" if "spot" in self.plan.data.task.tasks else "clips"
        self.classes = self.plan.data.task.classes
        self.kinds = self.plan.data.task.kinds
        if any(self.plan.features.computed.values()):
            self.plan.data.dataset.frames(self.plan.data.videos[0])  # or it says that there are none

    def prepare_data(self) -> None:
        """Compute and store missing features.

        Raises:
            DataError: those of a video cannot be computed.
        """
        with worker_pool(self.plan.config) as pool:
            prepared = prepare_features([self.plan.feature_needs], pool, self.progress)
        for (_, video), failure in prepared.failures.items():
            raise failure.error or DataError(f"the features of {video} failed: {failure.reason}")

    def setup(self, stage: str | None = None) -> None:
        """Prepare the samples; features are read batch by batch."""
        if self._samples:
            return
        self.prepare_data()
        plan = self.plan
        job = Job(
            key="",
            seed=0,
            parts=(),
            scheme=plan.data.scheme,
            test=(),
            cache=str(Path(plan.config.cache).expanduser()),
            groups=plan.data.groups,
            timings=plan.data.find_timings(self._fold),
        )
        views = Views(job, self._reader, plan.data.find_home)
        names = [name for name, chain in next(iter(views.chains.values())).items() if chain.scope == self._scope]
        if not names:
            raise ConfigError(
                f"method={plan.config.method} asks for no features of {self._scope}: name another one, or give features"
            )
        for side, videos in zip(("train", "valid", "test"), plan.data.split_videos(self._fold)):
            labelled = side != "test" or self.test_labels
            known = [views.show_labels(video) for video in videos]
            self._views = known if labelled else [views.hide_labels(video) for video in videos]
            transform = self.transforms[side]
            if self._scope == "clips":
                clips = all_clips(known)
                views_of_clips = clips if labelled else [clip.unlabelled() for clip in clips]
                self._samples[side] = ClipSamples(views_of_clips, names, labelled, transform)
            else:
                self._samples[side] = WindowSamples(self._views, names, labelled, transform, self.window, self.kinds)

    @property
    def weights(self) -> torch.Tensor:
        """Class weights for `cross_entropy`: number of all training clips over number of the class's; 0 for a class without clips."""
        return balanced_weights(self.samples("train").labels, len(self.classes))

    def samples(self, side: str) -> ViewSamples:
        """The torch dataset of `train`, `valid` or `test`."""
        self.setup()
        return self._samples[side]

    def to_hugging_face(self, side: str = "train") -> Any:
        """The samples of one side as a `datasets.Dataset` of Hugging Face.

        Its columns are `x` and `y` (tensors). The side is `train`, `valid` or `test`.

        Raises:
            ConfigError: that package is not installed.
        """
        samples = self.samples(side)
        items = [samples[index] for index in range(len(samples))]
        rows = [{"x": item} for item in items]
        if samples.labelled:
            rows = [{"x": features, "y": label} for features, label in items]
        try:
            return import_module("datasets").Dataset.from_list(rows).with_format("torch")
        except (ImportError, AttributeError):
            raise ConfigError("to_hugging_face needs the package of Hugging Face: pip install datasets") from None

    def train_dataloader(self) -> Any:
        """Batches (x, y) of the training people, shuffled."""
        return self._loader(self.samples("train"), shuffle=True)

    def val_dataloader(self) -> Any:
        """Batches (x, y) of the inner validation people."""
        return self._loader(self.samples("valid"))

    def test_dataloader(self) -> Any:
        """Batches (x, y) of the tested people.

        Raises:
            ConfigError: `test_labels` is off.
        """
        if not self.test_labels:
            raise ConfigError(
                "the labels of tested people are hidden: score predictions, dm.score(trainer.predict(model, datamodule=dm)), or ask for "
                "them with MEDataModule(..., test_labels=True)"
            )
        return self._loader(self.samples("test"))

    def predict_dataloader(self) -> Any:
        """Batches x of the tested people."""
        unlabelled = copy.copy(self.samples("test"))
        unlabelled.labelled = False
        return self._loader(unlabelled)

    def _loader(self, samples: ViewSamples, shuffle: bool = False) -> Any:
        return DataLoader(
            samples,
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            pin_memory=torch.cuda.is_available(),
        )

    def score(self, predictions: Any, convention: str | None = None) -> Scores:
        """Scores of this fold alone, as a run with the same predictions has them.

        Args:
            predictions: a score for each sample of `predict_dataloader` and class or kind, (n, n_classes) or (n,
                n_kinds), higher is likelier; as a tensor, an array, or the batches that `Trainer.predict` returns.
            convention: other rules of scoring than those of the settings.

        Raises:
            DataError: their number differs from that of the samples, or they are no finite numbers.
        """
        return score_folds([(self, predictions)], convention)

    def answered(self, predictions: Any) -> FoldResult:
        """Predictions in the form of a fold's result."""
        parts = predictions if isinstance(predictions, list | tuple) else [predictions]
        scores = np.concatenate([_as_array(part) for part in parts])
        samples = self.samples("test")
        columns = self.classes if self._scope == "clips" else self.kinds
        if scores.shape != (len(samples), len(columns)) or not np.isfinite(scores).all():
            raise DataError(
                f"predictions of fold {self.fold!r} have the shape {scores.shape} (or numbers that are not finite), expected "
                f"({len(samples)}, {len(columns)}): a row for each sample of predict_dataloader, a column for each of {', '.join(columns)}"
            )
        result = FoldResult(self.fold, [], [], {}, self.plan.data.find_timings(self._fold), 0, {})
        if isinstance(samples, ClipSamples):
            answers = []
            for clip, row in zip(samples.clips, scores):
                likeliest = self.classes[int(row.argmax())]
                answers.append(
                    ClipPrediction(clip.video.key, clip.onset, clip.offset, likeliest, tuple(map(float, row)))
                )
            return replace(result, clips=answers)
        assert isinstance(samples, WindowSamples)
        scores_of = dict(zip((view.key for view in self._views), samples.of_frames(scores, self._views)))
        spotter = Method(SpottingParams(), self.plan.data.task)
        proposed = [spotted for view in self._views for spotted in spotter.propose(view, scores_of[view.key])]
        return replace(result, predictions=proposed, frame_scores=scores_of)


def _plan_for_method(settled: RunConfig, task: str | None) -> Plan:
    """The plan of a run whose features are those of its method."""
    ability = find_abilities(settled.methods, settled.trainer)[0]
    tasks = _chosen_task(ability.tasks, task)
    return make_plan(settled, [ability._replace(tasks=tasks, selects=settled.validation > 0)])


def _plan_for_features(settled: RunConfig, chains: Callable[[Timing], Mapping[str, Chain]], task: str | None) -> Plan:
    """The plan of a run whose features are given."""
    ability = find_abilities(settled.methods, settled.trainer)[0]
    task_of_scope = {"clips": "recognize", "frames": "spot"}
    served = {task_of_scope[chain.scope] for chain in chains(LIKELY_TIMING).values()}
    tasks = _chosen_task(served, task)
    plan = make_plan(settled, [ability._replace(tasks=tasks, selects=settled.validation > 0, kinds=KINDS)])
    timings = [pair for fold in plan.data.folds for pair in plan.data.find_timings(fold).items()]
    return replace(plan, known={group: tuple(chains(timing).values()) for group, timing in timings})


def _chosen_task(served: Collection[str], task: str | None) -> frozenset[str]:
    """The one task that features serve, or that was chosen of both."""
    chosen = frozenset(served) & {task} if task else frozenset(served)
    if len(chosen) != 1:
        raise ConfigError(
            f"task={task} is for features of clips (recognize) or frames (spot), and these serve "
            f"{' and '.join(sorted(served)) or 'nothing'}: name one of them"
        )
    return chosen


def _find_fold(folds: Sequence[Fold], fold: int | str) -> Fold:
    """The fold with a name, or of a number from 0."""
    keys = [one.key for one in folds]
    if isinstance(fold, str) and fold in keys:
        return folds[keys.index(fold)]
    if isinstance(fold, int) and 0 <= fold < len(folds):
        return folds[fold]
    raise ConfigError(unknown("fold", str(fold), keys, f"Or give its number, 0 to {len(folds) - 1}"))


def _as_array(scores: Any) -> NDArray[np.float64]:
    """A tensor, or anything like an array, as an array."""
    if isinstance(scores, torch.Tensor):
        scores = scores.detach().cpu().double()
    return np.asarray(scores, np.float64)


def score_folds(answers: Any, convention: str | None = None) -> Scores:
    """Pooled scores of several folds of one dataset and protocol: what a run with the same predictions would score.

    Args:
        answers: pairs of an `MEDataModule` and its predictions, see `MEDataModule.score`.
        convention: other rules of scoring than those of the settings.

    Raises:
        DataError: there are more or fewer predictions than samples, no folds, one fold twice, or folds of several plans.
    """
    keys = [module.fold for module, _ in answers]
    plans = {(module.plan.config.dataset, module.classes, module.kinds, *module.folds) for module, _ in answers}
    is_twice = len(keys) > len(set(keys))
    if len(plans) != 1 or is_twice:
        raise DataError(
            f"the folds are {', '.join(keys) or 'none'}, expected different ones of one dataset and protocol"
        )
    results = [module.answered(predictions) for module, predictions in answers]
    plan = answers[0][0].plan
    folds = tuple(fold for fold in plan.data.folds if fold.key in keys)
    plan = replace(plan, data=replace(plan.data, folds=folds))
    config = plan.config
    with TemporaryDirectory(prefix="mebench-score-") as place:
        folder = RunFolder(Path(place))
        describe_run(folder, plan, truth_tables(plan.data), "")
        for result in results:
            folder.write_fold(result, plan.data.task.kinds)
        folder.merge_folds([fold.key for fold in plan.data.folds])
        tables = read_tables(folder)
        summary = score_run(folder, config.seed, config.bootstrap, convention or config.convention)
    given = Answers(tables, list(plan.data.task.kinds), list(plan.data.task.classes))
    title = f"predictions of {format_count(len(results), 'fold')} of {config.dataset}"
    return Scores(summary, given, Remarks(), title)
