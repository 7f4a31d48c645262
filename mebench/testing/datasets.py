"""The contract of a dataset, as checks."""

import dataclasses
import pickle
import unittest
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mebench.config import registry, user_setting
from mebench.config.parts import keys
from mebench.config.registry import PluginKind
from mebench.core import Dataset, Frames, Scheme, Video
from mebench.errors import DataError
from mebench.testing.checks import Check, collect, promise, run_all
from mebench.testing.plugins import COMMON, Owner, build, declares

LOOKED_AT = 3
"""Videos whose frames are opened."""


def dataset_checks(id_: str, **params: Any) -> list[Check]:
    """The checks of a dataset.

    Where the data are absent the checks that need them are skipped with the dataset's own reason.

    Args:
        id_: of the dataset.
        params: parameters, for example `root="/data/casme2"`. A root that is not given is taken from the user's file.
    """
    return collect(id_, _Trial(id_, params), (*COMMON, *_CHECKS))


def check_dataset(id_: str, **params: Any) -> list[str]:
    """Run all checks of a dataset; answers which could not be told.

    Raises:
        AssertionError: some failed; one line for each.
    """
    return run_all(dataset_checks(id_, **params))


@dataclasses.dataclass
class _Trial(Owner):
    """A dataset, its annotations read once."""

    id: str
    params: Mapping[str, Any]
    kind: PluginKind = "dataset"

    def make(self, **params: Any) -> Dataset:
        info = registry.find("dataset", self.id)
        preset = info.section("presets").get(info.config.get("preset", "")) or {}
        plugin: type[Dataset] = registry.load("dataset", self.id)  # type: ignore[assignment]
        return plugin(build(info, info.section("params") | preset | params, "params"))

    @property
    def has_root(self) -> bool:
        return "root" in keys(registry.find("dataset", self.id))

    @cached_property
    def dataset(self) -> Dataset:
        params = dict(self.params)
        if self.has_root and "root" not in params:
            params["root"] = user_setting(f"roots.{self.id}", "") or None
        return self.make(**params)

    @cached_property
    def videos(self) -> list[Video]:
        try:
            return list(self.dataset.videos())
        except DataError as error:
            raise unittest.SkipTest(str(error)) from None

    @property
    def some(self) -> list[Video]:
        """A few videos, from all over the dataset."""
        return self.videos[:: max(1, len(self.videos) // LOOKED_AT)][:LOOKED_AT]

    def frames(self, video: Video) -> Frames:
        try:
            return self.dataset.frames(video)
        except DataError as error:
            raise unittest.SkipTest(str(error)) from None


@promise(
    "Let Plugin be a subclass of mebench.core.Dataset with Params = that of params.py, tasks as config.yaml says",
    after="class_pickles",
)
def class_is_a_dataset(trial: _Trial) -> None:
    """The class is a `Dataset` whose tasks and parameters are the declared ones."""
    declares(trial, Dataset)
    assert trial.dataset.comparable or trial.dataset.remark, "a dataset that is not comparable must say why in `remark`"


@promise(
    "In videos(), raise DataError with a sentence that says what to set: dataset.root=PATH",
    after="class_is_a_dataset",
)
def a_missing_root_is_one_sentence(trial: _Trial) -> None:
    """Without its folder, or with a wrong one, a dataset answers with a `DataError` that says what to set."""
    if not trial.has_root:
        return
    for root in (None, str(Path("/nowhere") / trial.id)):
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
def videos_are_sorted_and_unique(trial: _Trial) -> None:
    """`videos` is sorted by key, and no key occurs twice; a second look gives the same."""
    names = [v.key for v in trial.videos]
    assert names, "there is no video"
    revision = trial.dataset.revision
    assert isinstance(revision, str) and revision, "revision must be a text that is not empty"
    assert len(names) == len(set(names)), f"two videos are called {max(names, key=names.count)}"
    assert names == sorted(names), "videos must be sorted by key"
    assert list(trial.dataset.videos()) == trial.videos, "asking twice gives other videos"


@promise(
    "Count frames as positions from 0, both ends included, and sort expressions by onset",
    after="videos_are_sorted_and_unique",
)
def expressions_lie_inside_their_videos(trial: _Trial) -> None:
    """Expressions are sorted by onset, end inside the video, and are of the kinds that the dataset declares."""
    for video in trial.videos:
        onsets = [e.onset for e in video.expressions]
        assert onsets == sorted(onsets), f"{video.key}: expressions must be sorted by onset"
        assert not video.numbers or (video.numbers[0], len(video.numbers)) == (video.first, video.n_frames), (
            f"{video.key}: numbers must hold one for each of its {video.n_frames} frames, from {video.first}"
        )
        for e in video.expressions:
            assert video.n_frames is None or e.offset < video.n_frames, (
                f"{video.key} has {video.n_frames} frames, but {e}"
            )
            assert e.kind in trial.dataset.kinds, f"{video.key}: {e.kind} is not among the kinds {trial.dataset.kinds}"
            assert e.emotion is None or e.emotion == e.emotion.lower(), (
                f"{video.key}: emotions are lower case, not {e.emotion}"
            )
        assert not trial.dataset.one_per_video or len(video.expressions) == 1, (
            f"{video.key}: one_per_video, but {len(onsets)}"
        )
        assert "spot" not in trial.dataset.tasks or video.fps, f"{video.key}: spotting needs its frames per second"


@promise(
    "Build schemes with mebench.annotations.by_name(Scheme.native(LABELS))",
    after="videos_are_sorted_and_unique",
)
def schemes_are_valid(trial: _Trial) -> None:
    """Schemes are named like their keys, map lower-case labels onto their own classes, and score some expression."""
    assert trial.dataset.schemes, "there must be an emotion scheme"
    for name, scheme in trial.dataset.schemes.items():
        assert isinstance(scheme, Scheme) and scheme.name == name, f"the scheme {scheme} is filed under {name!r}"
        assert scheme.classes and len(scheme.classes) == len(set(scheme.classes)), f"{name}: classes must be distinct"
        assert all(label == label.lower() for label in scheme.mapping), f"{name}: its labels must be lower case"
    if "recognize" in trial.dataset.tasks:
        every = [e for v in trial.videos for e in v.expressions]
        for name, scheme in trial.dataset.schemes.items():
            assert any(map(scheme.scores, every)), (
                f"{name} scores none of the labels {set(map(scheme.native_label, every))}"
            )


@promise(
    "Return mebench.frames.FolderFrames(folder, files), or an object like it",
    after="videos_are_sorted_and_unique",
)
def frames_are_images(trial: _Trial) -> None:
    """The first and the last frame are (H, W) or (H, W, 3) uint8 of one size, and there are as many as announced."""
    for video in trial.some:
        frames = trial.frames(video)
        assert video.n_frames in (None, len(frames)), f"{video.key}: {len(frames)} frames, {video.n_frames} announced"
        first, last = frames[0], frames[len(frames) - 1]
        assert first.dtype == np.uint8, f"{video.key}: frames must be uint8, not {first.dtype}"
        assert first.ndim == 2 or first.shape[2:] == (3,), f"{video.key}: a frame of shape {first.shape}"
        assert first.shape == last.shape, f"{video.key}: its first frame is {first.shape}, its last {last.shape}"
        np.testing.assert_array_equal(first, frames[0], err_msg=f"{video.key}: frame 0 read twice differs")


@promise(
    "Make the fingerprint of names, sizes and the content of a few frames, as mebench.frames.FolderFrames does",
    after="frames_are_images",
)
def fingerprints_are_stable(trial: _Trial) -> None:
    """A fingerprint is the same for a dataset built anew, and no two videos share one."""
    found = [trial.frames(video).fingerprint() for video in trial.some]
    anew = pickle.loads(pickle.dumps(trial.dataset))
    assert found == [anew.frames(video).fingerprint() for video in trial.some], "a fingerprint changed without cause"
    assert len(found) == len(set(found)), "two videos have one fingerprint: the store would mix their features"


@promise(
    "Return (68, 2) points x, y of the first frame, or None",
    after="videos_are_sorted_and_unique",
)
def landmarks_are_68_points(trial: _Trial) -> None:
    """`landmarks` gives (68, 2) finite numbers, or None."""
    for video in trial.some:
        points = trial.dataset.landmarks(video)
        if points is not None:
            assert points.shape == (68, 2), f"{video.key}: landmarks of shape {points.shape}"
            assert np.isfinite(points).all(), f"{video.key}: landmarks that are not finite"


@promise(
    "List each repair as one sentence: the row, what stood there, what it is now",
    after="videos_are_sorted_and_unique",
)
def repairs_are_sentences(trial: _Trial) -> None:
    """`repairs` lists what was repaired, one sentence each."""
    assert trial.videos, "there is no video"
    for sentence in trial.dataset.repairs():
        assert isinstance(sentence, str) and sentence.strip(), f"{sentence!r} is no sentence"


_CHECKS = (
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
