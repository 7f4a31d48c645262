"""Leave one subject out: nobody on two sides, everybody tested once, whatever the order of the rows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.core import SubjectKey, stable_seed
from mebench.errors import ConfigError
from mebench.protocols import People, within
from mebench.protocols.known import folds
from tests.helpers.drawn_people import datasets, same_face, video


@given(datasets(), st.integers(0, 99), st.floats(0, 0.9))
def test_loso_puts_every_subject_on_exactly_one_side(videos, seed, validation):
    subjects = {v.subject_key for v in videos}
    for fold in within.loso(People(videos, seed, validation)):
        assert Counter([*fold.train, *fold.valid, *fold.test]) == Counter(subjects)
        assert len(fold.test) == 1
        assert len(fold.train) >= 1
        assert len(fold.valid) >= (len(subjects) > 2)


def test_loso_keeps_equal_ids_of_two_datasets_apart():
    both = within.loso(People([video("casme2", "01", 1), video("samm", "01", 1), video("samm", "02", 1)]))
    assert [f.key for f in both] == ["casme2/01", "samm/01", "samm/02"]
    assert all(len(f.train) + len(f.valid) == 2 for f in both)


def test_loso_sorts_folds_by_names_of_people():
    videos = [video("samm", "01", 1), *(video(d, "2", 1) for d in ("smic_hs", "smic_vis"))]
    person = {s.subject_key: SubjectKey("everywhere", "2") for s in videos[1:]}
    found = within.loso(People(videos, person=lambda subject: person.get(subject, subject)))
    assert [f.key for f in found] == ["everywhere/2", "samm/01"]


def test_loso_tests_one_person_of_two_datasets_at_once():
    videos = [video(d, s, 1) for d in ("smic_hs", "smic_vis") for s in ("1", "2", "3")]
    found = within.loso(People(videos, person=same_face))
    assert [(f.key, *map(str, f.test)) for f in found] == [
        (f"everywhere/{s}", f"smic_hs/{s}", f"smic_vis/{s}") for s in "123"
    ]
    for fold in found:
        sides = [{same_face(s) for s in side} for side in (fold.train, fold.valid, fold.test)]
        assert not (sides[0] & sides[1])
        assert not (sides[0] & sides[2])
        assert not (sides[1] & sides[2])


@pytest.mark.parametrize(
    ("subjects", "share", "expected"), [(6, 0.2, 1), (11, 0.2, 2), (69, 0.2, 14), (3, 0.9, 1), (2, 0.2, 0), (6, 0.0, 1)]
)
def test_loso_rounds_the_validating_share_to_one_or_more(subjects, share, expected):
    videos = [video("d", f"{s:02d}", 1) for s in range(subjects)]
    assert {len(f.valid) for f in within.loso(People(videos, 0, share))} == {expected}


def test_loso_seed_draws_validating_people_alone():
    videos = [video("d", f"{s:02d}", 1) for s in range(20)]
    one, two = within.loso(People(videos, 0)), within.loso(People(videos, 1))
    assert [f.test for f in one] == [f.test for f in two]
    assert [f.valid for f in one] != [f.valid for f in two]
    assert len({f.valid for f in one}) > 1  # each fold draws its own


def test_loso_validating_people_resemble_the_others():
    """Of 12 people half belong to one dataset, and a third shows each of three emotions; a quarter of them validates."""
    videos = [video(("casme2", "samm")[s % 2], f"{s:02d}", s % 3) for s in range(13)]
    drawn = [{v.subject_key: v for v in videos}[s] for f in within.loso(People(videos, 0, 0.25)) for s in f.valid]
    shares = Counter(v.dataset for v in drawn), Counter(v.expressions[0].emotion for v in drawn)
    by_chance = 0.25  # of three people drawn blindly all show one emotion with 6 %, three different ones with 29 %
    three = [{v.expressions[0].emotion for v in drawn[i : i + 3]} for i in range(0, len(drawn), 3)]
    assert sum(len(emotions) == 3 for emotions in three) / len(three) > 2 * by_chance
    assert min(shares[0].values()) > 0.35 * len(drawn)


@given(datasets(), st.integers(0, 99), st.data())
def test_People_draw_as_the_plain_rule_says(videos, seed, data):
    """In random order, sorted by dataset, rarest label and number of expressions, then at equal steps from a random start."""
    people = People(videos, seed)
    known = sorted(data.draw(st.sets(st.sampled_from(people.subjects), min_size=1)))
    n = data.draw(st.integers(1, len(known)))
    shown = {
        s: Counter(str(e.emotion or "") for v in videos if v.subject_key == s for e in v.expressions) for s in known
    }
    total = sum(shown.values(), Counter())

    def traits(number):
        counts = shown[known[number]]
        return known[number].dataset, min((total[name], name) for name in counts), counts.total()

    rng = np.random.default_rng(stable_seed(seed, "a purpose"))
    order = sorted(rng.permutation(len(known)).tolist(), key=traits)
    start = rng.random()
    expected = {known[order[int((number + start) * len(order) / n)]] for number in range(n)}
    assert people.draw_persons(known, n, "a purpose") == sorted(expected)


@pytest.mark.parametrize("videos", [[], [video("d", "07", 1), video("d", "07", 2)]])
def test_loso_refuses_a_single_subject(videos):
    with pytest.raises(ConfigError, match=r"at least 2 subjects, and this dataset has [01] \((nobody|d/07)\)"):
        within.loso(People(videos))


def test_folds_names_nearest_of_unknown_protocols():
    with pytest.raises(ConfigError, match=r"'losso'\. Did you mean 'loso'"):
        folds("losso", People([]))
