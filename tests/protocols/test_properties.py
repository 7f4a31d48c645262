"""What holds for every protocol, whatever the data."""

from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from mebench.protocols import ADDED, PROTOCOLS, People, across, challenges, within
from mebench.protocols.known import folds
from mebench.protocols.within import KFoldParams
from tests.helpers.drawn_people import datasets, same_face, video
from tests.helpers.nightly import NIGHTLY

SMIC = ("smic_hs", "smic_vis", "smic_nir")


def every(videos, names):
    """Beside the drawn videos one of each of two more people in each dataset."""
    return [*videos, *(video(name, person, n) for n, name in enumerate(names) for person in ("zy", "zz"))]


CASES = {
    "loso": (("casme2", "samm"), None),
    "loso_named": (("casme2", "samm"), within.LosoNamedParams(("casme2/zz", "samm/zy"))),
    "kfold": (("casme2", "samm"), KFoldParams(2)),
    "holdout": (("casme2", "samm"), within.HoldoutParams(("casme2/zz",))),
    "holdout drawn": (("casme2", "samm"), within.HoldoutParams(share=0.3)),
    "lovo": (("casme2", "samm"), None),
    "macro_to_micro": (("cas_me2", "casme3"), within.MacroToMicroParams()),
    "lodo": (("casme2", "samm", "meview"), None),
    "pairs": (("casme2", "samm", "mmew"), None),
    "megc2019_cde": (("smic_hs", "casme2", "samm"), None),
    "megc2018": (("casme2", "samm"), challenges.Megc2018Params()),
    "megc2018 composite": (("casme2", "samm"), challenges.Megc2018Params("composite")),
    "cdmer": (SMIC, None),
    "cdmer II": ((*SMIC, "casme2"), across.CdmerParams("II")),
    "megc_spotting": (("cas_me2", "samm_lv"), None),
    "cross_spotting": (
        ("cas_me2", "samm_lv", "casme3"),
        across.CrossSpottingParams(("cas_me2", "casme3"), ("samm_lv",)),
    ),
    "meview": (("casme2", "meview"), None),
    "meview alone": (("meview",), None),
    "cd6me": (("casme", "casme2", "samm", "mmew", "four_dme", "casme3"), None),
    "casme3": (("casme3",), None),
    "dfme": (("dfme",), None),
}


def test_PROTOCOLS_are_all_among_the_cases():
    assert PROTOCOLS.keys() - ADDED == {case.split()[0] for case in CASES}


ONCE = (
    *(
        "loso",
        "kfold",
        "lovo",
        "macro_to_micro",
        "lodo",
        "megc2019_cde",
        "megc2018",
        "megc2018 composite",
        "megc_spotting",
    ),
    *("meview alone", "cd6me", "casme3"),
)
"""Everything is tested, each expression exactly once."""


def made(case, videos, seed=0, **people):
    names, params = CASES[case]
    return folds(case.split()[0], People(every(videos, names), seed, split=split, **people), params)


def split(key):
    """Parts of a dataset's own split, each with somebody in it."""
    return {"zy": "test_A", "zz": "test_B"}.get(key.subject, "train")


def same_number(key):
    """People whose ids are numbers appear in every dataset; all others in one."""
    return same_face(key) if key.subject.isdigit() else key


@st.composite
def drawn(draw, case):
    return draw(datasets(CASES[case][0], most=25))


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
def test_PROTOCOLS_test_all_once_with_nobody_on_two_sides(case, data):
    """Unless videos are split, or parts of the data tested; and folds have keys of their own."""
    some = data.draw(drawn(case))
    videos = every(some, CASES[case][0])
    found = made(case, some)
    for fold in found:
        sides = [set(fold.train), set(fold.valid), set(fold.test)]
        assert not sides[0] & sides[1]
        assert fold.train
        assert fold.test
        if not fold.videos:
            assert not sides[2] & (sides[0] | sides[1])
        train, valid, test = fold.split(videos)
        keys = [v.key for v in (*train, *valid, *test)]
        assert len(keys) == len(set(keys))
        assert train
        assert test
    assert len({fold.key for fold in found}) == len(found)
    if case in ONCE:
        tested: Counter[str] = Counter()
        for fold in found:
            _, _, test = fold.split(videos)
            tested.update(v.key for v in test)
        assert tested == Counter({v.key: 1 for v in videos})


@pytest.mark.parametrize("case", [case for case in CASES if case not in ("lovo", "cdmer")])
@given(data=st.data())
def test_PROTOCOLS_put_no_person_on_two_sides_by_another_id(case, data):
    for fold in made(case, data.draw(drawn(case)), person=same_number):
        sides = [{same_number(s) for s in side} for side in (fold.train, fold.valid, fold.test)]
        assert not (sides[0] & sides[1])
        assert not (sides[0] & sides[2])
        assert not (sides[1] & sides[2])


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=300 if NIGHTLY else 7)  # most orders show it
@given(data=st.data())
def test_PROTOCOLS_ignore_the_order_of_rows(case, data):
    videos, seed = data.draw(drawn(case)), data.draw(st.integers(0, 9))
    shuffled = data.draw(st.permutations(videos))
    assert made(case, shuffled, seed) == made(case, videos, seed)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_PROTOCOLS_describe_themselves_completely(name):
    lines = PROTOCOLS[name].describe().splitlines()
    headings = [line.partition(":")[0] for line in lines[1:]]
    assert lines[0].startswith(f"protocol {name}: ")
    assert headings[:8] == ["needs", "trains", "validates", "tests", "scores", "classes", "convention", "source"]
    assert ("marks" in headings) == PROTOCOLS[name].subject_dependent
