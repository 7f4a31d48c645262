"""Leave one subject out: nobody on two sides, everybody tested once, whatever the order of the rows."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.core import Expression, Video
from mebench.errors import ConfigError
from mebench.protocols import folds
from mebench.protocols.loso import loso

keys = st.tuples(st.sampled_from(["casme2", "samm"]), st.sampled_from(["1", "2", "3", "01", "a/b"]), st.integers(0, 9))


def video(dataset, subject, number):
    return Video(dataset, subject, f"EP{number:02d}", 200.0, 90, (Expression(number, 20 + number),))


videos = st.lists(keys, min_size=2, max_size=40, unique=True).map(lambda ks: [video(*k) for k in ks])
several = videos.filter(lambda vs: len({v.subject_key for v in vs}) >= 2)


@given(several, st.integers(0, 99), st.floats(0, 0.9))
def test_no_subject_stands_on_two_sides_and_none_is_forgotten(clips, seed, validation):
    subjects = {v.subject_key for v in clips}
    for fold in loso(clips, seed, validation):
        assert Counter([*fold.train, *fold.valid, *fold.test]) == Counter(subjects)
        assert len(fold.test) == 1 and len(fold.train) >= 1
        assert len(fold.valid) >= (len(subjects) > 2)


@given(several)
def test_every_expression_is_tested_exactly_once(clips):
    tested = Counter(v.key for fold in loso(clips) for v in clips if v.subject_key in fold.test)
    assert tested == Counter(v.key for v in clips)


@given(several, st.randoms(), st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(clips, random, seed):
    shuffled = random.sample(clips, len(clips))
    assert loso(shuffled, seed) == loso(clips, seed)


def test_one_more_video_of_a_known_subject_changes_no_fold():
    clips = [video("casme2", s, 1) for s in "1234"]
    assert loso([*clips, video("casme2", "2", 9)]) == loso(clips)


def test_equal_ids_of_two_datasets_stay_apart():
    both = loso([video("casme2", "01", 1), video("samm", "01", 1), video("samm", "02", 1)])
    assert [f.key for f in both] == ["casme2/01", "samm/01", "samm/02"]
    assert all(len(f.train) + len(f.valid) == 2 for f in both)


@pytest.mark.parametrize(
    ("subjects", "share", "expected"), [(6, 0.2, 1), (11, 0.2, 2), (69, 0.2, 14), (3, 0.9, 1), (2, 0.2, 0), (6, 0.0, 1)]
)
def test_the_share_that_validates_is_rounded_at_least_one_and_never_all(subjects, share, expected):
    clips = [video("d", f"{s:02d}", 1) for s in range(subjects)]
    assert {len(f.valid) for f in loso(clips, 0, share)} == {expected}


def test_the_seed_draws_who_validates_and_nothing_else():
    clips = [video("d", f"{s:02d}", 1) for s in range(20)]
    one, two = loso(clips, 0), loso(clips, 1)
    assert [f.test for f in one] == [f.test for f in two]
    assert [f.valid for f in one] != [f.valid for f in two]
    assert len({f.valid for f in one}) > 1  # each fold draws its own


@pytest.mark.parametrize("clips", [[], [video("d", "07", 1), video("d", "07", 2)]])
def test_a_single_subject_is_refused_in_one_sentence(clips):
    with pytest.raises(ConfigError, match=r"at least 2 subjects, and this dataset has [01] \((nobody|d/07)\)"):
        loso(clips)


def test_an_unknown_protocol_answers_with_the_nearest():
    with pytest.raises(ConfigError, match=r"'losso'\. Did you mean 'loso'"):
        folds("losso", [], 0, 0.2)
