"""Films with injections as a dataset, on a drawn film whose face is known."""

import numpy as np
import pytest
from mebench.datasets.injected import dataset as injected, public_films

from mebench.config import registry, resolve_dataset
from mebench.errors import ConfigError, DataError, MebenchError
from mebench.features.faces import HEAD
from mebench.features.injection import FaceCourse
from mebench.frames.videofile import write_video

FPS = 25.0
N = 250


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two people's films: one who speaks, one who is still."""
    root = tmp_path_factory.mktemp("films")
    picture = np.full((128, 128, 3), 120, np.uint8)
    picture[::7] = 180
    for name in ("anna/talks", "bert/rests"):
        (root / name).parent.mkdir()
        write_video(root / f"{name}.mp4", iter([picture] * N), np.arange(N) / FPS)
    return root


@pytest.fixture
def opened(films, monkeypatch):
    """A dataset of these films, whose faces are given, not searched."""

    def course_of(frames, fps, label, cache):
        if label == "faceless":
            raise DataError("no face")
        activities = ((0, N - 1, "speech"),) if label == "talks" else ()
        points = np.repeat((HEAD[:, :2] / 2 + (64, 50))[None], N, axis=0)
        return FaceCourse(points, np.ones(N, np.bool_), activities)

    monkeypatch.setattr(injected, "keep_course", course_of)

    def make(**settings):
        words = {"dataset": "injected", "dataset.root": str(films)} | {f"dataset.{k}": v for k, v in settings.items()}
        return registry.load_plugin("dataset", "injected")(resolve_dataset(words).dataset_params["injected"])

    return make


def test_videos_are_copies_beside_an_untouched_one(opened):
    videos = {video.key: video for video in opened(copies=2).videos()}
    names = [
        f"injected/{film}_{copy}" for film in ("anna/talks", "bert/rests") for copy in ("copy1", "copy2", "untouched")
    ]
    assert sorted(videos) == names
    assert not videos["injected/anna/talks_untouched"].expressions
    first = videos["injected/anna/talks_copy1"]
    assert [e.kind for e in first.expressions] == ["micro"] * len(first.expressions) != []
    assert {e.flags for e in first.expressions} == {("speech",)}
    assert [(d.kind, d.onset, d.offset) for d in first.distractors] == [("speech", 0, N - 1)]
    assert max(e.intensity for e in first.expressions) <= 0.16


def test_videos_without_untouched_copies(opened):
    assert [video.id for video in opened(copies=1, untouched=False).videos()] == ["talks_copy1", "rests_copy1"]


def test_frames_differ_only_inside_the_truth(opened):
    dataset = opened(copies=1)
    videos = {video.id: video for video in dataset.videos()}
    copy, clean = (dataset.frames(videos[f"rests_{name}"]) for name in ("copy1", "untouched"))
    inside = {n for e in videos["rests_copy1"].expressions for n in range(e.onset + 1, e.offset)}
    some = [*sorted(inside)[:6], 0, min(inside) - 1, N - 1]
    assert all(np.array_equal(copy[n], clean[n]) for n in some if n not in inside)
    assert any(not np.array_equal(copy[n], clean[n]) for n in some if n in inside)
    assert copy.fingerprint() != clean.fingerprint()


def test_videos_of_one_activity_or_none(opened):
    speaking = opened(activity="speech").videos()
    assert {video.subject for video in speaking} == {"anna"}
    with pytest.raises(DataError, match="none is mostly turning"):
        opened(activity="turning").videos()


def test_videos_of_a_sham_have_no_truth(opened):
    dataset = opened(sham=True, copies=1)
    assert all(not video.expressions for video in dataset.videos())
    assert dataset.injections_of("injected/bert/rests_copy1")


def test_untouched_names_the_copy_without_injections(opened):
    dataset = opened(copies=1)
    names = {video.id: dataset.untouched(video) for video in dataset.videos()}
    assert names == {
        "talks_copy1": "talks_untouched",
        "talks_untouched": "",
        "rests_copy1": "rests_untouched",
        "rests_untouched": "",
    }
    alone = opened(copies=1, untouched=False)
    assert {alone.untouched(video) for video in alone.videos()} == {""}


def test_films_of_a_list_are_taken_unchanged_or_not_at_all(opened, tmp_path, monkeypatch):
    """`git hash-object` says `ce013625…` of a line `hello`."""
    list_file = tmp_path / "list.csv"
    list_file.write_text(
        "person,repository,commit,path,blob\np1,owner/films,abcdef0123456,a/one.mp4,ce013625030ba8dba906f756967f9e9ca394464a\n"
    )
    monkeypatch.setitem(public_films.LISTS, "public", list_file)
    with pytest.raises(
        DataError, match=r"git clone https://github.com/owner/films .*films && git -C .*films checkout abcdef0123"
    ):
        opened(films="public", root=str(tmp_path)).check()
    film = tmp_path / "films/a/one.mp4"
    film.parent.mkdir(parents=True)
    film.write_text("hello\n")
    assert public_films.find_public_films("public", tmp_path) == {("p1", "one"): film}
    film.write_text("hello!\n")
    with pytest.raises(DataError, match="has the content 4effa19f4f, not ce01362503"):
        opened(films="public", root=str(tmp_path)).check()


def test_seed_gives_other_places(opened):
    placed = [[e.onset for video in opened(seed=seed).videos() for e in video.expressions] for seed in (0, 0, 1)]
    assert placed[0] == placed[1] != placed[2]


@pytest.mark.parametrize(
    ("setting", "value"), [("copies", 0), ("strengths", [0.0]), ("activity", "asleep"), ("seed", -1), ("apart", 0.1)]
)
def test_params_refuse_what_cannot_be(setting, value, opened):
    with pytest.raises(ConfigError):
        opened(**{setting: value})


def test_dataset_needs_films():
    with pytest.raises(MebenchError, match="injected needs films of faces"):
        registry.load_plugin("dataset", "injected")(
            resolve_dataset({"dataset": "injected"}).dataset_params["injected"]
        ).videos()
