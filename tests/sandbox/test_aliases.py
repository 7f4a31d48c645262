"""Drawn names: they hide what released names say, keep the order of those that train, and lead back."""

import random
import re

from hypothesis import given, strategies as st

from mebench.core import Expression, Prediction, Video
from mebench.errors import DataError, PluginError
from mebench.sandbox import isolation
from mebench.sandbox.aliases import Aliases

ALIAS = re.compile(r"\w+/[0-9a-f]{12}/[0-9a-f]{12}")


def video(subject, name="ne_01", dataset="smic", **more):
    return Video(dataset, subject, name, 100.0, 80, **more)


NAMES = st.lists(
    st.tuples(st.sampled_from("abc"), st.text("0123456789abz_-", min_size=1)), unique=True, min_size=2, max_size=12
)


@given(NAMES, st.integers(0, 12), st.text())
def test_Aliases_leave_nothing_of_a_name(names, n, secret):
    videos = sorted((video(*name, first=7, numbers=(7, 9)) for name in names), key=lambda v: v.key)
    train, test = videos[n:], videos[:n]
    aliases = Aliases(secret, train, test)
    hidden = [aliases.hide(v) for v in videos]
    assert all(ALIAS.fullmatch(v.key) and (v.first, v.numbers, v.fps, v.n_frames) == (0, (), 100.0, 80) for v in hidden)
    assert [aliases.real_key(v.key) for v in hidden] == [v.key for v in videos]
    assert [h.key for h in map(aliases.hide, train)] == sorted(h.key for h in map(aliases.hide, train))
    people = {(v.subject, h.subject) for v, h in zip(videos, hidden)}
    assert len(people) == len({real for real, _ in people}) == len({drawn for _, drawn in people})


def test_Aliases_rename_and_reorder_tested_videos_by_fold():
    test = [video(f"s{n:02}") for n in range(40)]
    one, two = Aliases("one", [], test), Aliases("two", [], test)
    order = [v.subject for v in one.videos.values()]
    assert order != sorted(order)
    assert sorted(order) == [v.subject for v in test]
    assert not set(one.videos) & set(two.videos)
    assert list(one.videos) == list(Aliases("one", [], random.sample(test, 40)).videos)


def test_Aliases_keep_labels_with_their_videos():
    shown = video("s01", expressions=(Expression(3, 9, apex=5, emotion="happy"),))
    assert Aliases("", [shown], []).hide(shown).expressions == shown.expressions


def test_Aliases_restore_real_names():
    here = video("s01")
    aliases = Aliases("secret", [], [here])
    drawn = aliases.hide(here)
    (back,) = aliases.restore_predictions([Prediction(drawn.key, "micro", 1, 2, 3, 0.5)])
    assert back == Prediction("smic/s01/ne_01", "micro", 1, 2, 3, 0.5)
    message = f"propose gave nothing for {drawn.key} of {drawn.subject_key}, nor for smic/0123456789ab/cdefcdefcdef"
    assert (
        aliases.restore(message)
        == "propose gave nothing for smic/s01/ne_01 of smic/s01, nor for smic/0123456789ab/cdefcdefcdef"
    )


def test_Aliases_hide_words_of_errors_from_the_process():
    aliases = Aliases("secret", [], [video("s01")])

    def missing(word, *of):
        raise DataError("smic/s01/ne_01.png is missing")

    try:
        aliases.hide_names(missing)("frame", "x", 0)
    except DataError as error:
        received = error
    assert "s01" not in str(received)
    found = aliases.restore_names(isolation.Failure(str(received), "", received))
    assert (found.reason, str(found.error)) == ("smic/s01/ne_01.png is missing",) * 2


def test_Aliases_name_the_video_in_failures_of_a_method():
    here = video("s01")
    aliases = Aliases("secret", [], [here])
    error = PluginError(f"score_frames gave shape (2,) for {aliases.hide(here).key}")
    assert "smic/s01/ne_01" in str(aliases.restore_names(isolation.Failure(str(error), "", error)).error)
