"""The contract of a method, as checks."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mebench import core, heavy
from mebench.config import RunConfig, registry, resolve
from mebench.config.registry import PluginKind
from mebench.core import ClipView, Expression, Prediction, Video, VideoView
from mebench.errors import ConfigError
from mebench.runner.fitted import Views
from mebench.runner.fold import restore
from mebench.runner.host import FoldHost, propose_again
from mebench.runner.host import execute as execute_fold
from mebench.runner.plan import Plan, make_plan, new_method
from mebench.runs.fold_result import FoldResult
from mebench.testing.checks import TINY, Check, collect, promise, run_all, scratch
from mebench.testing.plugins import COMMON, Owner, cut_down, declares


def method_checks(id_: str, data: Sequence[str] = TINY) -> list[Check]:
    """The checks of a method; nothing is imported or trained before the first one runs.

    Args:
        id_: of the method.
        data: words of the dataset it is tried on, and of its own parameters if they need it, for example
            `(*TINY, "method.p=0.6")`. Parameters called `epochs…` or `draws…` are set to 1 first, and those of a preset called
            `contract`, which a large network has for this alone, are taken.
    """
    return collect(id_, _Trial(id_, tuple(data)), (*COMMON, *_CHECKS))


def check_method(id_: str, data: Sequence[str] = TINY) -> list[str]:
    """Run all checks of a method; answers which could not be told.

    Raises:
        AssertionError: some failed; one line for each.
    """
    return run_all(method_checks(id_, data))


@dataclasses.dataclass
class _Trial(Owner):
    """A method on tiny data; one fold of it is trained when a check first asks."""

    id: str
    data: tuple[str, ...]
    kind: PluginKind = "method"

    @cached_property
    def words(self) -> tuple[str, ...]:
        info = registry.find("method", self.id)
        settled = ("protocol=loso", "seed=0", "scheme=null", "kinds=null", "accelerator=cpu", f"cache={scratch()}")
        return (f"method={self.id}", *settled, *cut_down(info), *self.data)

    @cached_property
    def config(self) -> RunConfig:
        return resolve(self.words)

    @cached_property
    def plan(self) -> Plan:
        return make_plan(self.config)

    @cached_property
    def result(self) -> FoldResult:
        return self.execute(self.plan)

    def execute(self, plan: Plan) -> FoldResult:
        """The first fold, with one thread, as in a worker process."""
        torch = heavy.torch
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return execute_fold(plan, self.plan.folds[0])
        finally:
            torch.set_num_threads(threads)

    @cached_property
    def reloaded(self) -> _Reloaded:
        return _Reloaded(self.plan, self.result)

    def does(self, task: str) -> bool:
        return task in self.plan.task.tasks

    @property
    def test_videos(self) -> list[Video]:
        tested = set(self.plan.folds[0].test)
        return [v for v in self.plan.videos if v.subject_key in tested]


class _Reloaded:
    """The fitted method as its saved state alone gives it back, and its views of the test videos."""

    def __init__(self, plan: Plan, result: FoldResult) -> None:
        from safetensors.torch import load

        self.method = new_method(plan, result.seed)
        restore({"": self.method}, load(result.model))
        host = FoldHost.of(plan, plan.folds[0])  # whose job bears drawn names, where this looks at real ones
        job = dataclasses.replace(host.job, groups=plan.groups, cache=host.cache)
        self.views, self.aliases = Views(job, self.method, plan.home), host.aliases

    def view(self, video: Video) -> VideoView:
        """A tested video under the name that it bore in the fold."""
        hidden = self.aliases.hide(video)
        return dataclasses.replace(self.views.unlabelled(video), key=hidden.key, subject=hidden.subject_key)

    def scores(self, video: Video) -> NDArray[np.float64]:
        return np.asarray(self.method.score_frames(self.view(video)), dtype=np.float64)

    def propose(self, video: Video, scores: NDArray[np.float64]) -> list[Prediction]:
        return self.aliases.predictions(self.method.propose(self.view(video), scores))

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        return np.asarray(self.method.classify(clips), dtype=np.float64)


@promise(
    "Let Plugin be a subclass of mebench.core.Method with Params = that of params.py, tasks and kinds as config.yaml says",
    after="class_pickles",
)
def class_is_a_method(trial: _Trial) -> None:
    """The class is a `Method` whose tasks and parameters are the declared ones."""
    declares(trial, core.Method)
    plugin = trial.plan.method_class
    assert plugin.transductive in ("none", "video"), f"transductive must be none or video, not {plugin.transductive!r}"


@promise(
    "Correct that; with MEBENCH_DEBUG=1 mebench check shows the whole traceback",
    after="class_is_a_method",
)
def a_fold_fits_and_predicts(trial: _Trial) -> None:
    """One fold trains and predicts, and gives every test video (n_frames, n_kinds), NaN at the ends only, every clip (n_classes,)."""
    result, videos = trial.result, trial.test_videos
    if trial.does("spot"):
        silent = {v.key for v in videos} - set(result.frame_scores)
        assert not silent, f"no frame of {sorted(silent)} has a score"
    if trial.does("recognize"):
        asked = sum(len(trial.plan.scheme.scored(video)) for video in videos)
        assert len(result.clips) == asked, f"{asked} clips were to be named, {len(result.clips)} were"


@promise(
    "Leave propose out, which takes mebench.spotting, or clip what it gives to the video",
    after="a_fold_fits_and_predicts",
)
def proposals_are_intervals(trial: _Trial) -> None:
    """`propose` gives intervals of its video around an apex inside it, for its own scores and for a clear peak."""
    if not trial.does("spot"):
        return
    for video in trial.test_videos:
        scores = trial.result.frame_scores[video.key]
        peak = np.exp(-(((np.arange(len(scores)) - len(scores) / 2) / 5) ** 2))
        clear = np.repeat(peak[:, None], len(trial.plan.task.kinds), 1)
        for p in [*trial.reloaded.propose(video, scores), *trial.reloaded.propose(video, clear)]:
            assert p.video == video.key, f"{p} is no interval of {video.key}"
            assert p.kind in trial.plan.task.kinds, f"{p}: its kind was not asked for"
            assert p.onset <= p.apex <= p.offset, f"{p}: onset <= apex <= offset must hold"
            assert 0 <= p.apex < (video.n_frames or 0), f"{p}: its apex lies outside the video"
            assert np.isfinite(p.confidence), f"{p}: its confidence must be a number"


@promise(
    "Where self.task.one_per_video, propose the highest peak alone, as mebench.spotting.spot(..., highest_only=True) does",
    after="a_fold_fits_and_predicts",
)
def one_interval_in_short_videos(trial: _Trial) -> None:
    """Where every video holds exactly one expression, a spotter names at most one interval a video and draw."""
    if not trial.does("spot"):
        return
    plan = dataclasses.replace(trial.plan, task=dataclasses.replace(trial.plan.task, one_per_video=True))
    found = [(p.video, p.kind, p.draw) for p in trial.execute(plan).predictions]
    assert len(found) == len(set(found)), f"several intervals in one short video: {found}"


@promise(
    "Let classify answer each clip by itself, with numbers; in evaluation mode (self.eval()) a network does",
    after="a_fold_fits_and_predicts",
)
def classes_have_finite_scores(trial: _Trial) -> None:
    """`classify` gives a finite score for each clip and class, also for spotted clips that begin before the video."""
    if not trial.does("recognize"):
        return
    clips = []
    for view in map(trial.reloaded.views.unlabelled, trial.test_videos):
        last = view.n_frames - 1
        known, early, late = (0, last // 2, last), (-3, 2, 6), (last - 4, last - 1, last + 3)
        clips += [view.clip(*known, spotted=False), *(view.clip(*where) for where in (known, early, late))]
    rows = trial.reloaded.classify(clips)
    assert rows.shape == (len(clips), len(trial.plan.task.classes)), f"shape {rows.shape} for {len(clips)} clips"
    assert np.isfinite(rows).all(), "a class score is not finite"
    alone = np.allclose(trial.reloaded.classify(clips[:1]), rows[:1], rtol=1e-3, atol=1e-5)
    assert alone, "a clip's scores depend on the clips beside it"


@promise(
    "Draw random numbers from np.random.default_rng(self.seed), and let neither clock nor order of a set count",
    after="a_fold_fits_and_predicts",
)
def same_seed_same_predictions(trial: _Trial) -> None:
    """The same fold with the same seed gives the same answers bit for bit: no clock, no global state, no set order."""
    again = trial.execute(trial.plan)
    _same(trial.result, again, "the same fold twice")
    assert again.model == trial.result.model, "the same fold twice: other weights"


@promise(
    "Use what the views give: features, frame rate, timing",
    after="same_seed_same_predictions",
)
def predictions_do_not_depend_on_test_labels(trial: _Trial) -> None:
    """Other emotions, units and places of the test subject's expressions change none of its predictions."""
    scheme = trial.plan.scheme
    labels = sorted(scheme.mapping)

    def rename(video: Video, e: Expression) -> Expression:
        if scheme.of(e) is None:
            return e
        after = labels[(labels.index(str(scheme.native_label(e))) + 1) % len(labels)]
        named = (None, after.upper()) if scheme.by == "objective" else (after, None)
        return dataclasses.replace(e, emotion=named[0], action_units=(), objective=named[1])

    _same(trial.result, trial.execute(_relabelled(trial, rename)), "other emotions of the test subject")
    if trial.does("spot"):
        moved = trial.execute(_relabelled(trial, _move))
        assert trial.result.frame_scores.keys() == moved.frame_scores.keys(), "other videos have scores"
        spotted = dataclasses.replace(moved, clips=trial.result.clips)  # annotated clips are given, and have moved
        _same(trial.result, spotted, "other places of the test subject's expressions")


def _relabelled(trial: _Trial, change: Callable[[Video, Expression], Expression]) -> Plan:
    tested = set(trial.plan.folds[0].test)
    videos = tuple(
        dataclasses.replace(v, expressions=tuple(change(v, e) for e in v.expressions)) if v.subject_key in tested else v
        for v in trial.plan.videos
    )
    return dataclasses.replace(trial.plan, videos=videos)


def _move(video: Video, e: Expression) -> Expression:
    onset = 0 if e.onset else 1
    last = (video.n_frames or onset + e.length) - 1
    return dataclasses.replace(e, onset=onset, apex=None, offset=min(onset + e.length // 2, last))


def _same(a: FoldResult, b: FoldResult, what: str) -> None:
    for key, scores in a.frame_scores.items():
        np.testing.assert_array_equal(scores, b.frame_scores[key], err_msg=f"{what}: frame scores of {key} differ")
    assert a.predictions == b.predictions, f"{what}: other intervals"
    assert a.clips == b.clips, f"{what}: other classes of clips"


@promise(
    "Keep what is learnt in parameters, or in buffers (self.register_buffer) whose shapes __init__ knows",
    after="same_seed_same_predictions",
)
def state_is_saved_whole(trial: _Trial) -> None:
    """What the safetensors file holds is all that prediction needs; so nothing is unpickled on loading."""
    for video in trial.test_videos if trial.does("spot") else ():
        scores = trial.result.frame_scores[video.key]
        np.testing.assert_array_equal(
            trial.reloaded.scores(video), scores, err_msg="the loaded method scores frames differently"
        )
        kept = [p for p in trial.result.predictions if p.video == video.key]
        spotted, loaded = (
            [dataclasses.replace(p, emotion=None, probabilities=None) for p in found]
            for found in (kept, trial.reloaded.propose(video, scores))
        )
        assert loaded == spotted, "the loaded method proposes other intervals"
    if trial.does("recognize") and trial.result.clips:
        apex = {(v.key, e.onset, e.offset): e.peak for v in trial.test_videos for e in v.expressions}
        views = {v.key: trial.reloaded.view(v) for v in trial.test_videos}
        asked = [
            views[c.video].clip(c.onset, apex[c.video, c.onset, c.offset], c.offset, spotted=False)
            for c in trial.result.clips
        ]
        rows, expected = trial.reloaded.classify(asked), [c.probabilities for c in trial.result.clips]
        np.testing.assert_array_equal(rows, expected, err_msg="the loaded method classifies differently")


@promise(
    "In config.yaml let search say `acts: postprocess` of parameters that propose reads, and nothing before it",
    after="same_seed_same_predictions",
)
def what_acts_on_scores_trains_nothing(trial: _Trial) -> None:
    """From the frame scores and weights of a training come the answers of any other with other values of what acts on `postprocess`."""
    words = list(trial.words)
    for name, said in registry.find("method", trial.id).acting("postprocess").items() if trial.does("spot") else ():
        values = said["choices"] if isinstance(said.get("choices"), list) else [said.get("low"), said.get("high")]
        own = trial.config.values["method"].get(name)
        other = [f"method.{name}={json.dumps(value)}" for value in values if value is not None and value != own]
        with contextlib.suppress(ConfigError):  # such a value does nothing here
            resolve([*words, *other[:1]])
            words += other[:1]
    if words != list(trial.words):
        plan = make_plan(resolve(words))
        what = f"with {' '.join(words[len(trial.words) :])}"
        again = trial.execute(plan)
        _same(propose_again(plan, plan.folds[0], trial.result), again, what)
        assert again.model == trial.result.model, f"{what} other weights are learnt"


_CHECKS = (
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
