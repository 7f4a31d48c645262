"""The contracts of plugins, as checks: first those of all plugins, then those of datasets and of methods."""

import contextlib
import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
import unittest
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load

from mebench.config import parameter_types, registry, resolve, user_setting
from mebench.config.registry import PluginInfo, PluginKind
from mebench.config.typed_values import type_values
from mebench.core import KINDS, Dataset, Expression, Frames, Kind, Method, Prediction, Scheme, Video, VideoView
from mebench.errors import ConfigError, DataError
from mebench.features import relations
from mebench.features.degradation import RELATION_STRENGTH, Degradation, relation_names
from mebench.features.pipeline import video_source
from mebench.runner import FittedMethod, host, make_plan, restore_methods
from mebench.runner.host import FoldHost
from mebench.runner.plan import Plan
from mebench.runner.prepare import features_of, missing_videos
from mebench.runs import FoldResult
from mebench.sandbox.process import one_thread
from mebench.testing.checks import TINY, Check, collect_checks, promise, run_all, scratch_folder

HEAVY = ("torch", "lightning", "mlflow", "pandas", "scipy", "sklearn", "cv2")
"""Packages that import slowly: `mebench list`, `info` and completion must not wait for them."""


class Owner:
    """The plugin under check, by kind and id, with its files."""

    kind: PluginKind
    id: str

    def owns_file(self, file: Path) -> bool:
        """Whether a file belongs to the plugin."""
        info = registry.list_plugins(self.kind).get(self.id)
        return info is not None and file.resolve().is_relative_to(info.folder)


@promise("Write config.yaml as `mebench new` does: title, summary, tasks, and sections of params.py's keys alone")
def config_is_complete(subject: Owner) -> None:
    """`config.yaml` holds title, summary and tasks; the folder has the plugin's name and contains its modules."""
    info = registry.list_plugins(subject.kind).get(subject.id)
    assert info is not None, f"no {subject.kind} is called {subject.id!r}: its folder must have that name"
    assert info.broken is None, info.broken
    assert "\n" not in info.summary.strip(), f"the summary in {info.where}/config.yaml must be one line"
    preset = info.config.get("preset")
    presets = info.read_section("presets")
    assert preset is None or preset in presets, (
        f"{info.where}/config.yaml: preset {preset!r} is not among {list(presets)}"
    )


@promise("Give every field a default, and write @dataclass(frozen=True)", after="config_is_complete")
def params_are_a_frozen_dataclass(subject: Owner) -> None:
    """`Params` can be built without arguments, is frozen, and equal parameters are equal objects."""
    params = registry.params_class(registry.find_plugin(subject.kind, subject.id))
    assert getattr(params, "__dataclass_params__").frozen, "Params must be frozen: @dataclass(frozen=True)"  # noqa: B009
    assert params() == params() and hash(params()) == hash(params()), "two Params() must be equal and hashable"


@promise(
    "Import in params.py and __init__.py only the standard library, mebench.errors, mebench.features and mebench.spotting",
    after="params_are_a_frozen_dataclass",
)
def params_import_nothing_heavy(subject: Owner) -> None:
    """A fresh Python imports `params.py` without torch and similar packages; so listing and completion stay quick."""
    info = registry.find_plugin(subject.kind, subject.id)
    package = f"mebench.{subject.kind}s"
    code = (
        f"import importlib, json, sys, {package}\n"
        f"{package}.__path__.extend(json.loads(sys.argv[1]))\n"
        f"importlib.import_module('{info.module}.params')\n"
        f"print(json.dumps([n for n in {HEAVY} if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([str(info.folder.parent)])],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (
        f"{info.where}/params.py cannot be imported alone: {done.stderr.strip().splitlines()[-1]}"
    )
    heavy = json.loads(done.stdout.splitlines()[-1])
    assert not heavy, (
        f"{info.where}/params.py (or its package's __init__.py) imports {', '.join(heavy)}: move it to {subject.kind}.py"
    )


@promise("Make config.yaml and params.py agree", after="params_are_a_frozen_dataclass")
def presets_and_settings_are_valid(subject: Owner) -> None:
    """`params`, presets, settings for datasets and values of other inputs give valid `Params`."""
    info = registry.find_plugin(subject.kind, subject.id)
    presets = info.read_section("presets")
    base = info.read_section("params")
    build_params(info, base, "params")
    for name, values in presets.items():
        build_params(info, base | (values or {}), f"presets.{name}")
    for name, values in info.read_section("datasets").items():
        settings = dict(values or {})
        preset = settings.pop("preset", info.config.get("preset"))
        assert preset is None or preset in presets, f"datasets.{name}: preset {preset!r} is not among {list(presets)}"
        build_params(info, base | (presets.get(preset) or {}) | settings, f"datasets.{name}")
    for name, alternatives in info.read_section("other_input").items():
        for value in alternatives or {}:
            build_params(info, base | {name: value}, f"other_input.{name}")


def build_params(info: PluginInfo, values: Mapping[str, Any], where: str) -> Any:
    """An instance of the plugin's `Params`.

    Raises:
        AssertionError: a key is unknown, or a value has the wrong type or range.
    """
    origin = f"{info.where}/config.yaml: {where}"
    kind = info.kind
    try:
        typed_values = type_values(
            {f"{kind}.{name}": (value, origin) for name, value in values.items()},
            {f"{kind}.{name}": hint for name, hint in parameter_types(info).items()},
        )
    except ConfigError as error:
        raise AssertionError(str(error)) from error
    try:
        return registry.params_class(info)(
            **{name.removeprefix(f"{kind}."): value for name, value in typed_values.items()}
        )
    except (ConfigError, ValueError) as error:
        raise AssertionError(f"{origin}: {error}") from error


@promise(
    "Describe the plugin in README.md, and cite the paper that config.yaml names",
    after="config_is_complete",
)
def card_names_the_paper(subject: Owner) -> None:
    """A `README.md` cites the paper of `config.yaml`, at least by first author and year."""
    info = registry.find_plugin(subject.kind, subject.id)
    card = info.folder / "README.md"
    assert card.is_file(), f"{info.where} has no card: write README.md"
    text = card.read_text(encoding="utf-8")
    paper = str(info.config.get("paper") or "")
    author = re.match(r"[^\W\d_]+", paper)
    year = re.search(r"\b(19|20)\d\d\b", paper)
    for word in (match.group() for match in (author, year) if match):
        assert word in text, (
            f"{info.where}/README.md does not cite the paper of config.yaml ({paper}): {word!r} is missing"
        )


@promise("Define the class at the top of its module, and Plugin = that class", after="presets_and_settings_are_valid")
def class_pickles(subject: Owner) -> None:
    """The plugin's class can be found by module and name."""
    plugin = registry.load_plugin(subject.kind, subject.id)
    assert pickle.loads(pickle.dumps(plugin)) is plugin, (
        f"{plugin.__qualname__} must be defined at the top of its module"
    )


def check_declaration(subject: Owner, base: type) -> None:
    """The class is a subclass of `base`, and agrees with `config.yaml` and `params.py`."""
    info = registry.find_plugin(subject.kind, subject.id)
    plugin = registry.load_plugin(subject.kind, subject.id)
    assert issubclass(plugin, base), f"Plugin must be a {base.__name__}, not {plugin.__mro__[1].__name__}"
    tasks = getattr(plugin, "tasks", None)
    assert tasks == frozenset(info.tasks), (
        f"the class says tasks {tasks}, config.yaml says {info.tasks}: they must be the same"
    )
    params = registry.params_class(info)
    assert getattr(plugin, "Params", None) is params, "the class attribute Params must be the dataclass of params.py"
    kinds = getattr(plugin, "kinds")  # noqa: B009
    assert kinds and set(kinds) <= set(KINDS), f"kinds must be some of {KINDS}, not {kinds}"


COMMON = (
    config_is_complete,
    params_are_a_frozen_dataclass,
    params_import_nothing_heavy,
    presets_and_settings_are_valid,
    card_names_the_paper,
    class_pickles,
)


def cut_down(info: PluginInfo) -> list[str]:
    """Settings for short training and few random draws.

    They are the preset `contract`, if there is one, and 1 for every parameter called `epochs…` or `draws…`.
    """
    settings = []
    if "contract" in info.read_section("presets"):
        settings.append(f"{info.kind}.preset=contract")
    for parameter in dataclasses.fields(registry.params_class(info)):
        is_number = isinstance(parameter.default, int)
        if is_number and parameter.name.startswith(("epochs", "draws")):
            settings.append(f"{info.kind}.{parameter.name}=1")
    return settings


LOOKED_AT = 3
"""Number of videos whose frames are opened."""


def dataset_checks(id_: str, **params: Any) -> list[Check]:
    """The checks of a dataset.

    If the data are absent, the checks that need them are skipped with the dataset's own reason.

    Args:
        id_: id of the dataset.
        params: parameters, for example `root="/data/casme2"`. The root defaults to the one in the user's file.
    """
    return collect_checks(id_, _DatasetTrial(id_, params), (*COMMON, *_OF_DATASETS))


def check_dataset(id_: str, **params: Any) -> list[str]:
    """Run all checks of a dataset, and return their outcomes.

    Raises:
        AssertionError: some failed; one line for each.
    """
    return run_all(dataset_checks(id_, **params))


@dataclasses.dataclass
class _DatasetTrial(Owner):
    """A dataset whose annotations are read once."""

    id: str
    params: Mapping[str, Any]
    kind: PluginKind = "dataset"

    def make(self, **params: Any) -> Dataset:
        """A dataset with some settings in place of those of its preset."""
        info = registry.find_plugin("dataset", self.id)
        preset = info.read_section("presets").get(info.config.get("preset", "")) or {}
        plugin: type[Dataset] = registry.load_plugin("dataset", self.id)  # type: ignore[assignment]
        return plugin(build_params(info, info.read_section("params") | preset | params, "params"))

    @property
    def has_root(self) -> bool:
        """Whether the dataset lies in a folder."""
        return "root" in parameter_types(registry.find_plugin("dataset", self.id))

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, in the folder that the user has set."""
        root = {"root": user_setting(f"roots.{self.id}", "") or None} if self.has_root else {}
        return self.make(**root | dict(self.params))

    @cached_property
    def videos(self) -> list[Video]:
        """Its videos; the trial is skipped where they cannot be read."""
        try:
            return list(self.dataset.videos())
        except DataError as error:
            raise unittest.SkipTest(str(error)) from None

    @property
    def some(self) -> list[Video]:
        """A few videos, spread over the dataset."""
        return self.videos[:: max(1, len(self.videos) // LOOKED_AT)][:LOOKED_AT]

    def frames(self, video: Video) -> Frames:
        """The frames of a video; the trial is skipped where they cannot be read."""
        try:
            return self.dataset.frames(video)
        except DataError as error:
            raise unittest.SkipTest(str(error)) from None


@promise(
    "Let Plugin be a subclass of mebench.core.Dataset with Params = that of params.py, tasks as config.yaml says",
    after="class_pickles",
)
def class_is_a_dataset(trial: _DatasetTrial) -> None:
    """The class is a `Dataset` whose tasks and parameters are the declared ones."""
    check_declaration(trial, Dataset)
    assert trial.dataset.comparable or trial.dataset.remark, "a dataset that is not comparable must say why in `remark`"


@promise(
    "In videos(), raise DataError with a sentence that says what to set: dataset.root=PATH",
    after="class_is_a_dataset",
)
def a_missing_root_is_one_sentence(trial: _DatasetTrial) -> None:
    """Without its right folder, a dataset raises a `DataError` that names the setting."""
    for root in (None, str(Path("/nowhere") / trial.id)) if trial.has_root else ():
        try:
            trial.make(**{**trial.params, "root": root}).videos()
        except DataError as error:
            assert "dataset.root" in str(error), f"the sentence must name dataset.root: {error}"
            assert root is None or root in str(error), f"the sentence must name the folder {root}: {error}"
            assert "\n" not in str(error), f"one sentence, not several lines: {error}"
        else:
            raise AssertionError(f"dataset.root={root} is not refused")


@promise(
    "Return sorted(videos, key=lambda video: video.key), and set revision",
    after="class_is_a_dataset",
)
def videos_are_sorted_and_unique(trial: _DatasetTrial) -> None:
    """`videos` is sorted by unique keys, and a second call gives the same."""
    names = [v.key for v in trial.videos]
    assert names, "there is no video"
    revision = trial.dataset.revision
    assert isinstance(revision, str) and revision, "revision must be a text that is not empty"
    assert len(names) == len(set(names)), f"two videos are called {max(names, key=names.count)}"
    assert names == sorted(names), "videos must be sorted by key"
    assert list(trial.dataset.videos()) == trial.videos, "a second call gives other videos"


@promise(
    "Count frames as positions from 0, both ends included, and sort expressions by onset",
    after="videos_are_sorted_and_unique",
)
def expressions_lie_inside_their_videos(trial: _DatasetTrial) -> None:
    """Expressions are sorted by onset, end inside the video, and have declared kinds."""
    for video in trial.videos:
        onsets = [e.onset for e in video.expressions]
        assert onsets == sorted(onsets), f"{video.key}: expressions must be sorted by onset"
        assert not video.numbers or (video.numbers[0], len(video.numbers)) == (video.first, video.n_frames), (
            f"{video.key}: numbers must have one entry for each of its {video.n_frames} frames, beginning with "
            f"{video.first}"
        )
        for expression in video.expressions:
            _assert_fits_video(expression, video, trial.dataset.kinds)
        assert not trial.dataset.one_per_video or len(video.expressions) == 1, (
            f"{video.key}: one_per_video, but {len(onsets)}"
        )
        assert "spot" not in trial.dataset.tasks or video.fps, f"{video.key}: spotting needs its frames per second"


def _assert_fits_video(expression: Expression, video: Video, kinds: Sequence[Kind]) -> None:
    """Assert that an expression fits its video, the declared kinds and the form of labels."""
    assert video.n_frames is None or expression.offset < video.n_frames, (
        f"{video.key} has {video.n_frames} frames, but {expression}"
    )
    assert expression.kind in kinds, f"{video.key}: {expression.kind} is not among the kinds {kinds}"
    label = expression.emotion
    assert label is None or label == label.lower(), f"{video.key}: emotions are lower case, not {label}"


@promise(
    "Build schemes with mebench.annotations.by_name(Scheme.native(LABELS))",
    after="videos_are_sorted_and_unique",
)
def schemes_are_valid(trial: _DatasetTrial) -> None:
    """Schemes bear their keys, map lower-case labels to their classes, and score something."""
    assert trial.dataset.schemes, "there must be an emotion scheme"
    for name, scheme in trial.dataset.schemes.items():
        assert isinstance(scheme, Scheme) and scheme.name == name, f"the scheme {scheme} has the key {name!r}"
        assert scheme.classes and len(scheme.classes) == len(set(scheme.classes)), f"{name}: classes must be distinct"
        assert all(label == label.lower() for label in scheme.mapping), f"{name}: its labels must be lower case"
    if "recognize" in trial.dataset.tasks:
        every = [e for v in trial.videos for e in v.expressions]
        for name, scheme in trial.dataset.schemes.items():
            assert any(map(scheme.scores, every)), (
                f"{name} scores none of the labels {set(map(scheme.native_label, every))}"
            )


@promise(
    "Return mebench.frames.FolderFrames(folder), or an object like it",
    after="videos_are_sorted_and_unique",
)
def frames_are_images(trial: _DatasetTrial) -> None:
    """First and last frame are uint8 images of one size; their number is as declared."""
    for video in trial.some:
        frames = trial.frames(video)
        assert video.n_frames in (None, len(frames)), f"{video.key}: {len(frames)} frames, {video.n_frames} announced"
        first = frames[0]
        last = frames[len(frames) - 1]
        assert first.dtype == np.uint8, f"{video.key}: frames must be uint8, not {first.dtype}"
        assert first.ndim == 2 or first.shape[2:] == (3,), f"{video.key}: a frame of shape {first.shape}"
        assert first.shape == last.shape, f"{video.key}: its first frame is {first.shape}, its last {last.shape}"
        np.testing.assert_array_equal(first, frames[0], err_msg=f"{video.key}: frame 0 read twice differs")


@promise(
    "Compute the fingerprint from names, sizes and the content of a few frames, like mebench.frames.FolderFrames",
    after="frames_are_images",
)
def fingerprints_are_stable(trial: _DatasetTrial) -> None:
    """A new instance gives the same fingerprints, and no two videos share one."""
    prints = [trial.frames(video).fingerprint() for video in trial.some]
    copy = pickle.loads(pickle.dumps(trial.dataset))
    assert prints == [copy.frames(video).fingerprint() for video in trial.some], "a fingerprint changed without cause"
    assert len(prints) == len(set(prints)), "two videos have one fingerprint: the store would mix their features"


@promise(
    "Return (68, 2) points x, y of the first frame, or None",
    after="videos_are_sorted_and_unique",
)
def landmarks_are_68_points(trial: _DatasetTrial) -> None:
    """`landmarks` gives (68, 2) finite numbers, or None."""
    for video in trial.some:
        points = trial.dataset.landmarks(video)
        if points is not None:
            assert points.shape == (68, 2), f"{video.key}: landmarks of shape {points.shape}"
            assert np.isfinite(points).all(), f"{video.key}: landmarks that are not finite"


@promise(
    "List each repair as one sentence: the row, the old value, the new value",
    after="videos_are_sorted_and_unique",
)
def repairs_are_sentences(trial: _DatasetTrial) -> None:
    """`repairs` lists what was repaired, one sentence each."""
    for sentence in trial.dataset.repairs():
        assert isinstance(sentence, str) and sentence.strip(), f"{sentence!r} is not a sentence"


_OF_DATASETS = (
    class_is_a_dataset,
    a_missing_root_is_one_sentence,
    videos_are_sorted_and_unique,
    expressions_lie_inside_their_videos,
    schemes_are_valid,
    frames_are_images,
    fingerprints_are_stable,
    landmarks_are_68_points,
    repairs_are_sentences,
)


def method_checks(id_: str, data: Sequence[str] = TINY) -> list[Check]:
    """The checks of a method; nothing is imported or trained before the first one runs.

    Args:
        id_: id of the method.
        data: settings of the test dataset, and of the method if needed, for example `(*TINY, "method.p=0.6")`. Before
            them, parameters called `epochs…` or `draws…` are set to 1, and the preset `contract` applies, which a large
            network has only for these checks.
    """
    return collect_checks(id_, _MethodTrial(id_, tuple(data)), (*COMMON, *_OF_METHODS))


def check_method(id_: str, data: Sequence[str] = TINY) -> list[str]:
    """Run all checks of a method, and return their outcomes.

    Raises:
        AssertionError: some failed; one line for each.
    """
    return run_all(method_checks(id_, data))


def count_method_violations(id_: str, data: Sequence[str] = TINY) -> dict[str, dict[str, int]]:
    """Count how often a method breaks relations that need no label: a change of the video that should not alter the
    answer.

    Args:
        id_: id of the method.
        data: see `method_checks`.

    Returns:
        For each relation that says something about the method, the number of altered answers, `n`, and of all answers, `of`.
    """
    trial = _MethodTrial(id_, tuple(data))
    counts = {}
    clean = (trial.result.predictions, trial.result.clips)
    fps = {v.key: v.fps for v in trial.test_videos}
    for relation in relation_names():
        how = Degradation(relation, RELATION_STRENGTH)
        plan = make_plan(resolve([*trial.words, f"degrade={how.kind}:{how.strength}"]))
        if relations.concerns_tasks(how, plan.data.task.tasks):
            with one_thread():
                changed = host.execute_fold(plan, plan.data.folds[0], trial.result)
            answers = changed.predictions, changed.clips
            counts[relation] = relations.count_violations_of_run(clean, answers, how, fps)
    return counts


@dataclasses.dataclass(eq=False)
class _MethodTrial(Owner):
    """A method on tiny data; one fold is trained when a check first needs it, and kept until another method's is."""

    id: str
    data: tuple[str, ...]
    kind: PluginKind = "method"

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The settings of a small run."""
        info = registry.find_plugin("method", self.id)
        settled = (
            "protocol=loso",
            "seed=0",
            "scheme=null",
            "kinds=null",
            "accelerator=cpu",
            f"cache={scratch_folder()}",
        )
        return (f"method={self.id}", *settled, *cut_down(info), *self.data)

    @cached_property
    def plan(self) -> Plan:
        """The plan of that run."""
        return make_plan(resolve(self.words))

    @property
    @lru_cache(maxsize=1)  # noqa: B019  (a session that checks all methods would keep all their models)
    def result(self) -> FoldResult:
        """The result of its first fold."""
        return self.execute(self.plan)

    def execute(self, plan: Plan) -> FoldResult:
        """The first fold, with one thread, as in a worker process; its features are stored before, as in a run, so that
        all trainings read them.
        """
        with one_thread():
            for video in missing_videos(plan.features):
                video_source(plan.features.store, *plan.data.find_home(video), video).compute(
                    *features_of(plan.features, video)
                )
            return host.execute_fold(plan, self.plan.data.folds[0])

    @cached_property
    def reworded(self) -> list[str]:
        """The settings, with another value of each parameter that acts on stored frame scores."""
        words = list(self.words)
        for name, spec in (
            registry.find_plugin("method", self.id).search_of_step("postprocess").items()
            if self.does_task("spot")
            else ()
        ):
            values = spec["choices"] if isinstance(spec.get("choices"), list) else [spec.get("low"), spec.get("high")]
            own = self.plan.config.values["method"].get(name)
            other = [f"method.{name}={json.dumps(value)}" for value in values if value is not None and value != own]
            with contextlib.suppress(ConfigError):  # this value has no effect here
                resolve([*words, *other[:1]])
                words += other[:1]
        return words

    @cached_property
    def repeated(self) -> bool:
        """Whether a second training gives the same answers.

        Its settings are `reworded` and the test subject has other labels: one training for three promises, which are
        checked one by one if it does not.
        """
        with contextlib.suppress(Exception):
            plan = make_plan(resolve(self.reworded))
            fold = self.plan.data.folds[0]
            again = self.execute(_relabelled(self, plan))
            if self.does_task("spot"):
                _same(host.execute_fold(plan, fold, self.result), again, "stored scores")
                again = host.execute_fold(self.plan, fold, again)
            _same(self.result, again, "the same settings")
            return True
        return False

    @property
    @lru_cache(maxsize=1)  # noqa: B019  (as above)
    def reloaded(self) -> "_Reloaded":
        """The method as it is loaded from its stored fold."""
        return _Reloaded(self.plan, self.result)

    def does_task(self, task: str) -> bool:
        """Whether the run does a task."""
        return task in self.plan.data.task.tasks

    @property
    def test_videos(self) -> list[Video]:
        """The tested videos of the first fold."""
        return self.plan.data.folds[0].split(self.plan.data.videos)[2]


class _Reloaded(FittedMethod):
    """The fitted method, restored from its saved state alone."""

    def __init__(self, plan: Plan, result: FoldResult) -> None:
        fold = FoldHost.for_fold(plan, plan.data.folds[0])  # its job has drawn names, but these checks use real ones
        job = dataclasses.replace(fold.job, groups=plan.data.groups, cache=str(plan.features.store.root))
        super().__init__(job, job.parts[0], plan.data.find_home)
        restore_methods({"": self.method}, load(result.model))
        self.aliases = fold.aliases

    def view(self, video: Video) -> VideoView:
        """A tested video under its name in the fold."""
        hidden = self.aliases.hide(video)
        return dataclasses.replace(self.views.hide_labels(video), key=hidden.key, subject=hidden.subject_key)

    def spotted(self, video: Video, scores: NDArray[np.float64]) -> list[Prediction]:
        """Its intervals under the video's own name."""
        return self.aliases.restore_predictions(self.propose(self.view(video), scores))


@promise(
    "Let Plugin be a subclass of mebench.core.Method with Params = that of params.py, tasks and kinds as config.yaml says",
    after="class_pickles",
)
def class_is_a_method(trial: _MethodTrial) -> None:
    """The class is a `Method` whose tasks and parameters are the declared ones."""
    check_declaration(trial, Method)
    transductive = trial.plan.methods[0].method_class.transductive
    assert transductive in ("none", "video"), f"transductive must be none or video, not {transductive!r}"


@promise(
    "Correct that; with MEBENCH_DEBUG=1 mebench check shows the whole traceback",
    after="class_is_a_method",
)
def a_fold_fits_and_predicts(trial: _MethodTrial) -> None:
    """One fold trains and predicts: scores for every test video and clip, NaN at the ends only."""
    result = trial.result
    videos = trial.test_videos
    if trial.does_task("spot"):
        silent = {v.key for v in videos} - set(result.frame_scores)
        assert not silent, f"no frame of {sorted(silent)} has a score"
    if trial.does_task("recognize"):
        expected = sum(len(trial.plan.data.scheme.scored(video)) for video in videos)
        assert len(result.clips) == expected, f"{expected} clips were to be named, {len(result.clips)} were"


@promise(
    "Remove propose to use mebench.spotting, or clip its intervals to the video",
    after="a_fold_fits_and_predicts",
)
def proposals_are_intervals(trial: _MethodTrial) -> None:
    """`propose` gives intervals around an apex inside the video, also for a clear peak."""
    for video in trial.test_videos if trial.does_task("spot") else ():
        scores = trial.result.frame_scores[video.key]
        peak = np.exp(-(((np.arange(len(scores)) - len(scores) / 2) / 5) ** 2))
        clear = np.repeat(peak[:, None], len(trial.plan.data.task.kinds), 1)
        for p in [*trial.reloaded.spotted(video, scores), *trial.reloaded.spotted(video, clear)]:
            assert 0 <= p.apex < (video.n_frames or 0), f"{p}: its apex lies outside the video"


@promise(
    "If self.task.one_per_video, propose only the highest peak, as mebench.spotting.spot(..., highest_only=True) does",
    after="a_fold_fits_and_predicts",
)
def one_interval_in_short_videos(trial: _MethodTrial) -> None:
    """In videos of one expression, a spotter proposes at most one interval."""
    if not trial.does_task("spot"):
        return
    task = dataclasses.replace(trial.plan.data.task, one_per_video=True)
    result = trial.result
    if task != trial.plan.data.task:
        data = dataclasses.replace(trial.plan.data, task=task)
        result = trial.execute(dataclasses.replace(trial.plan, data=data))
    spotted = [(p.video, p.kind, p.draw) for p in result.predictions]
    assert len(spotted) == len(set(spotted)), f"several intervals in one short video: {spotted}"


@promise(
    "Let classify treat each clip separately and return numbers, like a network in evaluation mode (self.eval())",
    after="a_fold_fits_and_predicts",
)
def classes_have_finite_scores(trial: _MethodTrial) -> None:
    """`classify` gives finite scores, also for clips that begin before the video."""
    if not trial.does_task("recognize"):
        return
    clips = []
    for view in map(trial.reloaded.views.hide_labels, trial.test_videos):
        last = view.n_frames - 1
        known, early, late = (0, last // 2, last), (-3, 2, 6), (last - 4, last - 1, last + 3)
        clips += [view.clip(*known, spotted=False), *(view.clip(*where) for where in (known, early, late))]
    rows = trial.reloaded.class_scores(clips)
    assert np.allclose(trial.reloaded.class_scores(clips[:1]), rows[:1], rtol=1e-3, atol=1e-5), (
        "a clip's scores depend on the other clips"
    )


@promise(
    "Draw random numbers from np.random.default_rng(self.seed), and use neither the clock nor the order of a set",
    after="a_fold_fits_and_predicts",
)
def same_seed_same_predictions(trial: _MethodTrial) -> None:
    """The same fold with the same seed gives the same answers bit for bit: no clock, no global state, no set order."""
    if not trial.repeated:
        _same(trial.result, trial.execute(trial.plan), "the same fold twice")


@promise(
    "Use only the features, frame rate and timing of the views",
    after="same_seed_same_predictions",
)
def predictions_do_not_depend_on_test_labels(trial: _MethodTrial) -> None:
    """Predictions for the test subject do not depend on its annotations."""
    if not trial.repeated:
        again = trial.execute(_relabelled(trial, trial.plan))
        _same(trial.result, again, "other labels of the test subject's expressions")
    if trial.does_task("spot") and trial.does_task("recognize"):
        moved = trial.execute(_relabelled(trial, trial.plan, move_expression))
        spotted = dataclasses.replace(moved, clips=trial.result.clips)  # annotated clips are inputs, and have moved
        _same(trial.result, spotted, "other places of the test subject's expressions")


def _relabelled(
    trial: _MethodTrial, plan: Plan, change: Callable[[Video, Expression], Expression] | None = None
) -> Plan:
    """The plan with a change of the test subject's expressions: by default other emotions, of a method that only spots
    other places.
    """
    change = change or (
        lambda v, e: _rename(plan.data.scheme, e if trial.does_task("recognize") else move_expression(v, e))
    )
    videos: list[Video] = []
    for video in plan.data.videos:
        if video in trial.test_videos:
            changed = tuple(change(video, expression) for expression in video.expressions)
            videos.append(dataclasses.replace(video, expressions=changed))
        else:
            videos.append(video)
    return dataclasses.replace(plan, data=dataclasses.replace(plan.data, videos=tuple(videos)))


def _rename(scheme: Scheme, e: Expression) -> Expression:
    """An expression with the next label of its scheme; unchanged if it has none."""
    if scheme.of(e) is None:
        return e
    labels = sorted(scheme.mapping)
    after = labels[(labels.index(str(scheme.native_label(e))) + 1) % len(labels)]
    named = (None, after.upper()) if scheme.by == "objective" else (after, None)
    return dataclasses.replace(e, emotion=named[0], action_units=(), objective=named[1])


def move_expression(video: Video, e: Expression) -> Expression:
    """The expression with another onset, half as long and without an apex."""
    onset = 0 if e.onset else 1
    last = (video.n_frames or onset + e.length) - 1
    return dataclasses.replace(e, onset=onset, apex=None, offset=min(onset + e.length // 2, last))


def _same(a: FoldResult, b: FoldResult, what: str) -> None:
    """Check that two results of a fold are equal."""
    assert a.frame_scores.keys() == b.frame_scores.keys(), f"{what}: other videos have scores"
    for key, scores in a.frame_scores.items():
        np.testing.assert_array_equal(scores, b.frame_scores[key], err_msg=f"{what}: frame scores of {key} differ")
    assert a.predictions == b.predictions, f"{what}: other intervals"
    assert a.clips == b.clips, f"{what}: other classes of clips"
    assert a.model == b.model, f"{what}: other weights"


@promise(
    "Keep learnt values in parameters, or in buffers (self.register_buffer) whose shapes __init__ knows",
    after="same_seed_same_predictions",
)
@one_thread()  # as in the fold: convolutions of one small clip differ by threads in their last digits
def state_is_saved_whole(trial: _MethodTrial) -> None:
    """The safetensors file holds everything that prediction needs, so nothing is unpickled on loading."""
    for video in trial.test_videos if trial.does_task("spot") else ():
        scores = trial.result.frame_scores[video.key]
        np.testing.assert_array_equal(
            trial.reloaded.frame_scores(trial.reloaded.view(video)),
            scores,
            err_msg="the loaded method scores frames differently",
        )
        kept = [p for p in trial.result.predictions if p.video == video.key]
        spotted, loaded = (
            [dataclasses.replace(p, emotion=None, probabilities=None) for p in predictions]
            for predictions in (kept, trial.reloaded.spotted(video, scores))
        )
        assert loaded == spotted, "the loaded method proposes other intervals"
    if trial.does_task("recognize") and trial.result.clips:
        apex = {(v.key, e.onset, e.offset): e.peak for v in trial.test_videos for e in v.expressions}
        views = {v.key: trial.reloaded.view(v) for v in trial.test_videos}
        clips = [
            views[c.video].clip(c.onset, apex[c.video, c.onset, c.offset], c.offset, spotted=False)
            for c in trial.result.clips
        ]
        np.testing.assert_array_equal(
            trial.reloaded.class_scores(clips),
            [c.probabilities for c in trial.result.clips],
            err_msg="the loaded method classifies differently",
        )


@promise(
    "In config.yaml, set `acts: postprocess` under search only for parameters that propose alone reads",
    after="same_seed_same_predictions",
)
def what_acts_on_scores_trains_nothing(trial: _MethodTrial) -> None:
    """A changed parameter with `acts: postprocess` needs no training: stored frame scores and weights give the new
    answers.
    """
    if not trial.repeated and trial.reworded != list(trial.words):
        plan = make_plan(resolve(trial.reworded))
        added = trial.reworded[len(trial.words) :]
        _same(host.execute_fold(plan, plan.data.folds[0], trial.result), trial.execute(plan), f"with {' '.join(added)}")


_OF_METHODS = (
    class_is_a_method,
    a_fold_fits_and_predicts,
    proposals_are_intervals,
    one_interval_in_short_videos,
    classes_have_finite_scores,
    same_seed_same_predictions,
    predictions_do_not_depend_on_test_labels,
    state_is_saved_whole,
    what_acts_on_scores_trains_nothing,
)
