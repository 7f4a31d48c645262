"""k parts, lists of subjects, one video out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.core import SubjectKey
from mebench.errors import ConfigError
from mebench.protocols import People
from mebench.protocols.within import HoldoutParams, KFoldParams, holdout, kfold, lovo
from tests.protocols.drawn import datasets, same_face, video

FOUR = [video("casme2", s, 1) for s in ("01", "02", "03")] + [video("samm", "01", 1)]


@given(datasets(), st.integers(2, 6))
def test_parts_are_as_equal_as_can_be_and_keep_people_whole(videos, k):
    people = People(videos, person=same_face)
    if len(people.persons) < k:
        with pytest.raises(ConfigError, match=f"{k} parts need at least {k} subjects"):
            kfold(people, KFoldParams(k))
        return
    parts = [{same_face(s) for s in fold.test} for fold in kfold(people, KFoldParams(k))]
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1 and sum(sizes) == len(set().union(*parts)) == len(people.persons)


def test_parts_resemble_each_other():
    """Three people of each of four emotions in three parts: each part gets one of each."""
    videos = [video("d", f"{s:02d}", s % 4) for s in range(12)]
    for seed in range(5):
        found = kfold(People(videos), KFoldParams(3, seed))
        labels = [sorted(int(s.subject) % 4 for s in fold.test) for fold in found]
        assert sum(sorted(set(part)) == part for part in labels) >= 2, labels


def test_other_seeds_of_the_run_share_the_parts():
    videos = [video("d", s, 1) for s in range(20)]
    one, two = kfold(People(videos, seed=0)), kfold(People(videos, seed=1))
    assert (
        [f.test for f in one] == [f.test for f in two] != [f.test for f in kfold(People(videos), KFoldParams(seed=1))]
    )


def test_a_list_names_who_is_tested():
    (fold,) = holdout(People(FOUR), HoldoutParams(("02", "samm/01"), valid=("casme2/03",)))
    assert fold.test == (SubjectKey("casme2", "02"), SubjectKey("samm", "01"))
    assert (fold.valid, fold.train) == ((SubjectKey("casme2", "03"),), (SubjectKey("casme2", "01"),))


def test_a_list_may_name_who_trains():
    (fold,) = holdout(People(FOUR), HoldoutParams(("02",), train=("casme2/01", "03"), valid=()))
    assert [s.subject for s in fold.train] == ["01", "03"] and not fold.valid


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({"test": ("04",)}, "unknown subject of protocol.test '04'"),
        ({"test": ("01",)}, "'01', which is casme2/01 and samm/01: write one of these"),
        ({"test": ("02",), "valid": ("casme2/01", "03", "samm/01")}, "leave somebody to train"),
        ({"test": ("02",), "train": ("casme2/02", "03")}, "casme2/02 is named on two sides"),
    ],
)
def test_lists_that_cannot_work(lists, reason):
    with pytest.raises(ConfigError, match=reason.replace(".", r"\.")):
        holdout(People(FOUR), HoldoutParams(**lists))


def test_a_list_that_names_somebody_twice():
    with pytest.raises(ConfigError, match="name '02' more than once"):
        HoldoutParams(("02",), train=("02", "03"))
    with pytest.raises(ConfigError, match="must name at least one subject"):
        HoldoutParams(())


def test_somebody_who_is_tested_under_another_id_cannot_train():
    people = People([video(d, s, 1) for d in ("smic_hs", "smic_vis") for s in "123"], person=same_face)
    (fold,) = holdout(people, HoldoutParams(("smic_hs/1",)))
    assert "1" not in {s.subject for s in (*fold.train, *fold.valid)}
    with pytest.raises(ConfigError, match="smic_vis/1 is a person who is tested under another id"):
        holdout(people, HoldoutParams(("smic_hs/1",), train=("smic_vis/1", "smic_vis/2")))


def test_one_video_out_trains_on_the_others_of_the_same_person():
    videos = [video("d", s, n) for s in "12" for n in (1, 2)] + [video("d", "3", 1)]
    found = {fold.key: fold for fold in lovo(People(videos))}
    assert list(found) == [v.key for v in sorted(videos, key=lambda v: v.key)]
    train, valid, test = found["d/1/v01"].split(videos)
    assert [v.key for v in test] == ["d/1/v01"] and "d/1/v02" in {v.key for v in train}
    assert {v.subject for v in valid}.isdisjoint({"1"}) and len(train) + len(valid) == 4
    assert not found["d/3/v01"].videos  # whoever has one video is held out as a subject
    with pytest.raises(ConfigError, match="at least 2 videos"):
        lovo(People(videos[:1]))
