"""k parts, lists of subjects, one video out."""

from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from mebench.config import resolve
from mebench.core import KINDS, Expression, SubjectKey
from mebench.errors import ConfigError
from mebench.protocols import People, within
from mebench.protocols.within import KFoldParams
from mebench.runner.choices import open_dataset
from tests.helpers.drawn_people import EMOTIONS, datasets, same_face, video
from tests.helpers.outside import flow_maps

FOUR = [video("casme2", s, 1) for s in ("01", "02", "03")] + [video("samm", "01", 1)]


@given(datasets(), st.integers(2, 6))
def test_kfold_parts_are_equal_and_keep_people_whole(videos, k):
    people = People(videos, person=same_face)
    if len(people.persons) < k:
        with pytest.raises(ConfigError, match=f"{k} parts need at least {k} subjects"):
            within.kfold(people, KFoldParams(k))
        return
    parts = [{same_face(s) for s in fold.test} for fold in within.kfold(people, KFoldParams(k))]
    sizes = [len(part) for part in parts]

    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == len(set().union(*parts)) == len(people.persons)


def test_kfold_parts_resemble_each_other():
    """Three people of each of four emotions in three parts: each part gets one of each."""
    videos = [video("d", f"{s:02d}", s % 4) for s in range(12)]
    for seed in range(5):
        found = within.kfold(People(videos), KFoldParams(3, seed))
        emotions = [sorted(int(s.subject) % 4 for s in fold.test) for fold in found]
        assert emotions == [[0, 1, 2, 3]] * 3


def test_kfold_parts_are_more_alike_than_of_scikit_learn():
    """People who show 1 to 20 clips of three emotions, each some of them more often."""
    unlike = {"ours": [], "theirs": []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        shown = [rng.multinomial(rng.integers(1, 21), rng.dirichlet([0.7] * 3)) for _ in range(40)]
        videos = [
            video("d", f"{s:02d}", len(EMOTIONS) * n + e)
            for s, counts in enumerate(shown)
            for n, e in enumerate(np.repeat(range(3), counts).tolist())
        ]
        groups, labels = [v.subject for v in videos], [v.expressions[0].emotion for v in videos]
        split = StratifiedGroupKFold(4, shuffle=True, random_state=seed).split(videos, labels, groups)
        theirs = [[videos[i] for i in test] for _, test in split]
        ours = [fold.split(videos)[2] for fold in within.kfold(People(videos), KFoldParams(4, seed))]
        for name, parts in (("ours", ours), ("theirs", theirs)):
            counts = [[sum(v.expressions[0].emotion == e for v in part) for e in EMOTIONS[:3]] for part in parts]
            unlike[name].append(np.ptp(np.sum(counts, axis=1)) + np.ptp(counts, axis=0).sum())
    assert all(own <= other for own, other in zip(*unlike.values())), unlike


def test_kfold_parts_hold_as_many_expressions_and_videos():
    """Long videos without emotions, of one to four micro- and none to nine macro-expressions."""
    rng = np.random.default_rng(0)
    videos = []
    for s in range(22):
        for n in range(int(rng.integers(2, 9))):
            kinds = ["micro"] * int(rng.integers(1, 5)) + ["macro"] * int(rng.integers(10))
            shown = [Expression(50 * i, 50 * i + 9, kind=kind) for i, kind in enumerate(kinds)]
            videos.append(video("cas_me2", f"s{s:02d}", n, *shown, n_frames=1000))
    for seed in range(3):
        tested = [fold.split(videos)[2] for fold in within.kfold(People(videos), KFoldParams(4, seed))]
        for counts in (
            [len(part) for part in tested],
            *([sum(e.kind == kind for v in part for e in v.expressions) for part in tested] for kind in KINDS),
        ):
            assert max(counts) <= 1.1 * min(counts), counts


def jaccard(splits):
    """The pairs of people together in both of two splits by those together in one, the mean over all pairs of splits."""
    together = [{pair for part in split for pair in combinations(sorted(part), 2)} for split in splits]
    return fmean(len(a & b) / len(a | b) for a, b in combinations(together, 2))


def test_kfold_parts_of_the_maps_are_those_of_the_card():
    videos = open_dataset(
        resolve(["method=majority", "dataset=megc2019_flow", f"dataset.root={flow_maps()}"]).dataset_params
    ).videos()
    people = People(videos)
    rng = np.random.default_rng(0)
    splits, sizes, shares, tests = [], [], [], []

    for seed in range(20):
        tested = [fold.split(videos)[2] for fold in within.kfold(people, KFoldParams(5, seed))]
        splits.append([{v.subject_key for v in part} for part in tested])
        sizes.append([len(part) for part in tested])
        shares.append([fmean(v.expressions[0].emotion == "negative" for v in part) for part in tested])
        (held_out,) = within.holdout(people, within.HoldoutParams(share=0.2, seed=seed))
        tests.append(held_out.split(videos)[2])
    assert all(max(size) <= 1.1 * min(size) for size in sizes)
    assert all(max(share) - min(share) <= 0.05 for share in shares)

    random = [np.array_split(rng.permutation(len(people.subjects)), 5) for _ in range(20)]
    assert jaccard(splits) <= jaccard(random) + 0.05
    assert (min(map(min, sizes)), max(map(max, sizes)), int(100 * min(map(min, shares)))) == (87, 91, 54)
    assert round(100 * max(map(max, shares))) == 58
    assert f"{jaccard(splits):.2f} {jaccard(random):.2f}" == "0.12 0.10"

    negative = [fmean(v.expressions[0].emotion == "negative" for v in test) for test in tests]
    assert min(map(len, tests)) >= 82
    assert max(map(len, tests)) <= 100
    assert max(negative) - min(negative) <= 0.05

    drawn = [[{v.subject_key for v in test}] for test in tests]
    assert jaccard(drawn) <= 0.02 + 0.05  # 14 of 68 at random: .020


def test_kfold_parts_are_shared_by_seeds_of_the_run():
    videos = [video("d", s, 1) for s in range(20)]
    one, two = within.kfold(People(videos, seed=0)), within.kfold(People(videos, seed=1))
    assert (
        [f.test for f in one]
        == [f.test for f in two]
        != [f.test for f in within.kfold(People(videos), KFoldParams(seed=1))]
    )


def test_holdout_draws_a_share_by_its_own_seed():
    videos = [video("d", f"{s:02d}", n) for s in range(20) for n in range(3)]
    one, two, other = (
        within.holdout(People(videos, seed=run), within.HoldoutParams(share=share, seed=seed))[0].test
        for run, share, seed in ((0, 0.25, 0), (1, 0.25, 0), (0, 0.25, 1))
    )
    assert one == two != other
    assert len(one) == len(other) == 5
    assert len(within.holdout(People(videos), within.HoldoutParams(share=0.9))[0].test) == 18
    assert len(within.holdout(People(videos[:6]), within.HoldoutParams(share=0.01))[0].test) == 1


def test_holdout_draws_a_single_person_at_random():
    """Not always the one who is most like the rest."""
    videos = [video("d", str(s), n) for s in range(5) for n in range(s + 1)]
    assert (
        len({within.holdout(People(videos), within.HoldoutParams(share=0.2, seed=seed))[0].test for seed in range(40)})
        == 5
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"test": ("01",), "share": 0.2}, "both are there, give one"),
        ({"share": 0.2, "train": ("01",)}, "protocol.share draws the tested people, and protocol.train names people"),
        ({"share": 1.0}, "protocol.share must lie between 0 and 1, not 1"),
    ],
)
def test_HoldoutParams_refuse_impossible_shares(words, reason):
    with pytest.raises(ConfigError, match=reason):
        within.HoldoutParams(**words)


def test_holdout_list_names_tested_people():
    (fold,) = within.holdout(People(FOUR), within.HoldoutParams(("02", "samm/01"), valid=("casme2/03",)))
    assert fold.test == (SubjectKey("casme2", "02"), SubjectKey("samm", "01"))
    assert (fold.valid, fold.train) == ((SubjectKey("casme2", "03"),), (SubjectKey("casme2", "01"),))


def test_holdout_list_may_name_training_people():
    (fold,) = within.holdout(People(FOUR), within.HoldoutParams(("02",), train=("casme2/01", "03"), valid=()))
    assert [s.subject for s in fold.train] == ["01", "03"]
    assert not fold.valid


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({"test": ("04",)}, "unknown subject of protocol.test '04'"),
        ({"test": ("01",)}, "'01', which is casme2/01 and samm/01: write one of these"),
        ({"test": ("02",), "valid": ("casme2/01", "03", "samm/01")}, "leave some for training"),
        ({"test": ("02",), "train": ("casme2/02", "03")}, "casme2/02 is named on two sides"),
    ],
)
def test_holdout_refuses_impossible_lists(lists, reason):
    with pytest.raises(ConfigError, match=reason.replace(".", r"\.")):
        within.holdout(People(FOUR), within.HoldoutParams(**lists))


def test_HoldoutParams_refuse_a_name_twice():
    with pytest.raises(ConfigError, match="name '02' more than once"):
        within.HoldoutParams(("02",), train=("02", "03"))
    with pytest.raises(ConfigError, match="must name at least one subject"):
        within.HoldoutParams(())


def test_holdout_never_trains_on_another_id_of_the_tested():
    people = People([video(d, s, 1) for d in ("smic_hs", "smic_vis") for s in "123"], person=same_face)
    (fold,) = within.holdout(people, within.HoldoutParams(("smic_hs/1",)))
    assert "1" not in {s.subject for s in (*fold.train, *fold.valid)}
    with pytest.raises(ConfigError, match="smic_vis/1 is tested under another id"):
        within.holdout(people, within.HoldoutParams(("smic_hs/1",), train=("smic_vis/1", "smic_vis/2")))


def test_lovo_trains_on_other_videos_of_the_person():
    videos = [video("d", s, n) for s in "12" for n in (1, 2)] + [video("d", "3", 1)]
    found = {fold.key: fold for fold in within.lovo(People(videos))}
    assert list(found) == [v.key for v in sorted(videos, key=lambda v: v.key)]
    train, valid, test = found["d/1/v01"].split(videos)
    assert [v.key for v in test] == ["d/1/v01"]
    assert "d/1/v02" in {v.key for v in train}
    assert {v.subject for v in valid}.isdisjoint({"1"})
    assert len(train) + len(valid) == 4
    assert not found["d/3/v01"].videos  # whoever has one video is held out as a subject
    with pytest.raises(ConfigError, match="at least 2 videos"):
        within.lovo(People(videos[:1]))


def test_lovo_never_validates_on_another_id_of_the_tested():
    videos = [video(d, s, n) for d in ("smic_hs", "smic_vis") for s in "12" for n in (1, 2)]
    for fold in within.lovo(People(videos, person=same_face)):
        assert {s.subject for s in fold.valid}.isdisjoint(s.subject for s in fold.test)
