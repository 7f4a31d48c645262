"""The protocols that are defined on certain databases: numbers of folds and clips, and what they refuse."""

from types import SimpleNamespace

import pytest

from mebench.core import SubjectKey
from mebench.errors import ConfigError
from mebench.protocols import PROTOCOLS, People, challenges
from mebench.protocols.across import CdmerParams, CrossSpottingParams
from mebench.protocols.known import folds
from mebench.runner.choices import choose_scheme
from tests.helpers.drawn_people import same_face, video
from tests.helpers.outside import flow_maps

SMIC = ("smic_hs", "smic_vis", "smic_nir")
MEGC2019 = {"smic_hs": (16, 164), "casme2": (24, 145), "samm": (28, 133)}
"""Subjects and clips of See et al. 2019, Table II."""


def composite(sizes):
    """Clips of several datasets, dealt to their subjects in turn; ids collide."""
    return [video(name, n % s, n // s) for name, (s, clips) in sizes.items() for n in range(clips)]


def two(*names):
    return [video(name, s, 1) for name in names for s in "12"]


def test_megc2019_cde_has_442_clips_and_68_folds():
    videos = composite(MEGC2019)
    found = folds("megc2019_cde", People(videos))
    assert (len(videos), len(found)) == (442, 68) == PROTOCOLS["megc2019_cde"].expects(None)
    assert sum(len(fold.split(videos)[2]) for fold in found) == 442
    assert all(len(fold.train) + len(fold.valid) == 67 for fold in found)


def test_megc2019_cde_folds_of_the_maps_are_the_same():
    from mebench.config.registry import find_plugin, load_plugin, params_class

    dataset = load_plugin("dataset", "megc2019_flow")(
        params_class(find_plugin("dataset", "megc2019_flow"))(str(flow_maps()))
    )
    videos = dataset.videos()
    found = folds("megc2019_cde", People(videos))
    tested = {name: {f.key for f in found if f.key.startswith(name)} for name in ("smic", "casme2", "samm")}
    assert (len(videos), len(found)) == (442, 68)
    assert {name: len(keys) for name, keys in tested.items()} == {"smic": 16, "casme2": 24, "samm": 28}


def test_megc2018_goes_there_and_back_or_leaves_one_out():
    videos = composite({"casme2": (26, 185), "samm": (21, 68)})
    there, back = folds("megc2018", People(videos))
    assert (there.key, back.key) == ("casme2-to-samm", "samm-to-casme2")
    assert (len(there.test), len(back.test)) == (21, 26)
    assert {s.dataset for s in (*there.train, *there.valid)} == {"casme2"}
    assert len(folds("megc2018", People(videos), challenges.Megc2018Params("composite"))) == 47


def test_cdmer_tasks_are_all_ordered_pairs():
    people = People(two(*SMIC), person=same_face)
    assert [fold.key for fold in folds("cdmer", people)] == [
        "smic_hs-to-smic_vis",
        "smic_hs-to-smic_nir",
        "smic_vis-to-smic_hs",
        "smic_vis-to-smic_nir",
        "smic_nir-to-smic_hs",
        "smic_nir-to-smic_vis",
    ]
    second = folds("cdmer", People(two(*SMIC, "casme2")), CdmerParams("II"))
    both_ways = [f"casme2-to-{name}" for name in SMIC] + [f"{name}-to-casme2" for name in SMIC]
    assert sorted(fold.key for fold in second) == sorted(both_ways)


def test_pairs_hold_those_of_megc2018_and_cdmer():
    found = {fold.key: fold for fold in folds("pairs", People(two("casme2", "samm", "smic_hs")))}
    same = [*folds("megc2018", People(two("casme2", "samm")))]
    same += folds("cdmer", People(two("casme2", "smic_hs")), CdmerParams("II"))
    assert all((found[fold.key].test, found[fold.key].train) == (fold.test, fold.train) for fold in same)
    assert found.keys() - {fold.key for fold in same} == {"samm-to-smic_hs", "smic_hs-to-samm"}


def test_cdmer_type_i_alone_trains_on_tested_people():
    people = People(two("smic_hs", "smic_vis", "casme2"), person=lambda k: same_face(k) if k.dataset != "casme2" else k)
    for params, alike in (
        (CdmerParams("I"), True),
        (CdmerParams("II"), False),
    ):
        chosen = People(
            [v for v in people.videos if params.type == "II" or v.dataset != "casme2"], person=people.person
        )
        for fold in folds("cdmer", chosen, params):
            trained = {people.person(s) for s in (*fold.train, *fold.valid)}
            assert bool(trained & {people.person(s) for s in fold.test}) == alike


def test_lodo_leaves_people_of_the_dataset_out_of_others():
    videos = [*two("smic_hs", "smic_vis"), video("smic_vis", "3", 1), *two("samm")]
    people = People(videos, person=lambda k: same_face(k) if k.dataset != "samm" else k)
    trained = {f.key: {str(s) for s in (*f.train, *f.valid)} for f in folds("lodo", people)}
    assert trained["smic_hs"] == {"smic_vis/3", "samm/1", "samm/2"}
    not_of_samm = {str(v.subject_key) for v in videos if v.dataset != "samm"}
    assert trained["samm"] == not_of_samm
    with pytest.raises(ConfigError, match="no person is left for training, because all others are tested"):
        folds("lodo", People(two("smic_hs", "smic_vis"), person=same_face))


def test_megc_spotting_trains_within_each_dataset():
    found = folds("megc_spotting", People(two("cas_me2", "samm_lv")))
    assert [(f.key, *map(str, (*f.train, *f.valid))) for f in found] == [
        ("cas_me2/1", "cas_me2/2"),
        ("cas_me2/2", "cas_me2/1"),
        ("samm_lv/1", "samm_lv/2"),
        ("samm_lv/2", "samm_lv/1"),
    ]


def test_cd6me_leaves_out_each_of_its_six_datasets():
    """The clips of Varanka et al. 2022, Table 4, and the units whose F1 they average."""
    sizes = {"casme": 189, "casme2": 256, "samm": 159, "four_dme": 267, "mmew": 300, "casme3": 860}
    videos = composite({name: (20, clips) for name, clips in sizes.items()})
    found = {fold.key: len(fold.split(videos)[2]) for fold in folds("cd6me", People(videos))}
    assert found == sizes
    assert sum(sizes.values()) == 2031
    units = [f"AU{n}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)]
    assert list(PROTOCOLS["cd6me"].schemes) == [*units, "AUs"]
    several = choose_scheme(SimpleNamespace(schemes={}), "", [], "AUs", PROTOCOLS["cd6me"])
    assert several.classes == tuple(units)
    assert several.several
    card = PROTOCOLS["cd6me"].describe()
    assert all(f"{n}" in card for n in sizes.values())


def test_dfme_tests_each_set_by_itself():
    videos = [video("dfme", n, 0) for n in range(9)]
    parts = {"0": "test_A", "1": "test_A", "2": "test_B"}
    people = People(videos, split=lambda key: parts.get(key.subject, "train"))
    a, b = folds("dfme", people)
    assert ([s.subject for s in a.test], [s.subject for s in b.test]) == (["0", "1"], ["2"])
    for_training = {s for s in people.subjects if s.subject not in parts}
    assert {*a.train, *a.valid} == {*b.train, *b.valid} == for_training
    assert [fold.key for fold in folds("dfme", people, challenges.DfmeParams("B"))] == ["test_B"]


def test_meview_tests_alone_or_unseen():
    assert len(folds("meview", People(two("meview")))) == 2
    (fold,) = folds("meview", People(two("casme2", "samm", "meview")))
    assert fold.key == "casme2+samm-to-meview"
    assert fold.test == (SubjectKey("meview", "1"), SubjectKey("meview", "2"))


def across(train, test):
    return CrossSpottingParams(tuple(train), tuple(test))


@pytest.mark.parametrize(
    ("protocol", "names", "params", "reason"),
    [
        (
            "megc2019_cde",
            ["casme2", "samm"],
            None,
            "defined on dataset=[smic_hs,casme2,samm], dataset=megc2019_flow or ",
        ),
        ("megc2018", ["casme2"], None, "defined on dataset=[casme2,samm], not on dataset=casme2"),
        ("cdmer", ["casme2", "smic_hs"], None, "defined on smic_hs, smic_vis, smic_nir, not on casme2"),
        ("cdmer", ["smic_hs"], None, "has no such pair: choose dataset=[smic_hs,smic_vis,smic_nir]"),
        ("cdmer", ["smic_hs", "smic_vis"], CdmerParams("II"), "choose dataset=[smic_hs,smic_vis,smic_nir,casme2]"),
        ("pairs", ["casme2"], None, "needs at least 2 datasets, and this run has dataset=casme2"),
        ("cd6me", ["casme2", "samm"], None, "defined on dataset=[casme,casme2,samm,mmew,four_dme,casme3], not on"),
        ("casme3", ["casme2"], None, "defined on dataset=casme3"),
        ("dfme", ["dfme"], None, "needs the set train of DFME, and there is none: put the sheet of each set below"),
        ("lodo", ["casme2"], None, "needs at least 2 datasets, and this run has dataset=casme2"),
        ("meview", ["casme2"], None, "lacks it: take dataset=meview, or add it to those that train"),
        ("megc_spotting", ["casme2"], None, "casme2 holds short ones of one expression each: choose among cas_me2"),
        ("cross_spotting", ["cas_me2", "casme2"], across(["cas_me2"], ["casme2"]), "casme2 holds short ones"),
        ("cross_spotting", ["cas_me2"], across(["cas_me2"], ["samm_lv"]), "for example dataset=[cas_me2,samm_lv]"),
        ("cross_spotting", ["a", "b", "c"], across(["a"], ["b"]), "c is in neither protocol.train nor protocol.test"),
    ],
)
def test_folds_refuse_what_they_cannot_serve(protocol, names, params, reason):
    people = People(two(*names), short={"casme2": True})
    with pytest.raises(ConfigError) as error:
        folds(protocol, people, params)
    assert reason in str(error.value)


def test_across_refuses_a_dataset_on_both_sides():
    with pytest.raises(ConfigError, match="both name 'cas_me2'"):
        across(["cas_me2"], ["cas_me2"])
