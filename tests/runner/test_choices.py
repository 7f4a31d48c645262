"""What a protocol, a dataset and a method cannot do together, answered with what would work."""

import pytest

from mebench.config import resolve
from mebench.core import SubjectKey
from mebench.errors import ConfigError
from mebench.runner import make_plan
from mebench.runner.describe import truth_tables
from tests.helpers.empty_trees import write_empty_tree


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    home = tmp_path_factory.mktemp("trees")
    for name in ("smic_hs", "smic_vis", "smic_nir", "cas_me2", "samm", "samm_lv"):
        write_empty_tree(name, home / name)
    return home


@pytest.fixture
def plan(trees):
    def make(dataset, *words):
        roots = [f"dataset.{name}.root={trees / name}" for name in dataset.strip("[]").split(",")]
        if not dataset.startswith("["):
            roots = [f"dataset.root={trees / dataset}"]
        return make_plan(resolve([f"dataset={dataset}", *roots, *words]))

    return make


@pytest.mark.parametrize(
    ("dataset", "words", "reason"),
    [
        (
            "smic_hs",
            ["method=random"],
            "'random' can spot, but dataset 'smic_hs' serves only recognize: choose a method that recognizes",
        ),
        (
            "cas_me2",
            ["method=majority", "protocol=megc_spotting"],
            "protocol 'megc_spotting' needs a method that spots, but method 'majority' can only recognize",
        ),
        (
            "cas_me2",
            ["method=random", "protocol=megc2019_cde"],
            "protocol 'megc2019_cde' needs a method that recognizes, but method 'random' can only spot",
        ),
        ("smic_hs", ["method=majority", "protocol=megc_spotting"], "needs a method that spots"),
        (
            "smic_hs",
            ["method=majority", "protocol=megc2018"],
            "defined on dataset=[casme2,samm], not on dataset=smic_hs",
        ),
        (
            "[smic_hs,smic_vis]",
            ["method=majority", "protocol=cdmer", "scheme=native"],
            "scores its own classes (negative, positive, surprise), not scheme=native: leave the scheme out",
        ),
        (
            "cas_me2",
            ["method=random", "recognizer=majority", "protocol=megc_spotting"],
            "no person names emotions under protocol 'megc_spotting', so recognizer=majority has no effect: leave it out",
        ),
        (
            "samm",
            ["method=random", "recognizer=majority", "protocol=megc2018"],
            "no person spots under protocol 'megc2018', so method=random has no effect: write method=majority alone",
        ),
        (
            "cas_me2",
            ["method=majority", "protocol=megc2019_cde"],
            "defined on dataset=[smic_hs,casme2,samm], dataset=megc2019_flow or dataset=megc2019_two_phase, not on dataset=cas_me2",
        ),
        (
            "[cas_me2,samm_lv]",
            ["method=random", "protocol=cross_spotting", "protocol.train=[casme3]", "protocol.test=[samm_lv]"],
            "unknown dataset of protocol.train 'casme3'",
        ),
    ],
)
def test_make_plan_refuses_other_choices_in_a_sentence(plan, dataset, words, reason):
    with pytest.raises(ConfigError) as error:
        plan(dataset, *words)
    assert reason in str(error.value)


@pytest.mark.parametrize("dataset", ["[smic_hs,smic_nir,smic_vis]", "[samm,samm_lv]"])
def test_make_plan_tests_a_person_under_all_ids_at_once(plan, dataset):
    made = plan(dataset, "method=majority")
    shown = {v.subject_key for v in made.data.videos}
    numbers = {s.subject for s in shown}
    assert len(made.data.folds) == len(numbers) < len(shown)
    for fold in made.data.folds:
        (number,) = {s.subject for s in fold.test}
        ids_of_person = {s for s in shown if s.subject == number}
        assert set(fold.test) == ids_of_person
        assert {s.subject for s in (*fold.train, *fold.valid)} == numbers - {number}


def test_truth_tables_name_people_of_several_ids(plan):
    both = truth_tables(plan("[smic_hs,smic_vis]", "method=majority").data).videos
    assert set(both["subject"].str.rpartition("/")[0]) == {"smic_hs", "smic_vis"}
    assert both["person"].tolist() == ["smic/" + subject.rpartition("/")[2] for subject in both["subject"]]
    assert "person" not in truth_tables(plan("smic_hs", "method=majority").data).videos
    assert "person" not in truth_tables(plan("[smic_hs,samm]", "method=majority", "scheme=megc2019").data).videos


def test_make_plan_keeps_equal_ids_of_other_people_apart(plan):
    """Subject 006 of SAMM and subject s1 of SMIC are nobody else, whatever the other dataset calls its own."""
    made = plan("[smic_hs,samm]", "method=majority", "scheme=megc2019")
    assert all(len(fold.test) == 1 for fold in made.data.folds)
    other = SubjectKey("smic_hs", "006")
    assert made.data.dataset.person(other) != made.data.dataset.person(SubjectKey("samm", "006"))


def test_make_plan_spots_all_kinds_if_the_protocol_asks(plan):
    assert plan("cas_me2", "method=random").data.task.kinds == ("micro",)
    assert plan("cas_me2", "method=random", "protocol=megc_spotting").data.task.kinds == ("micro", "macro")
    assert plan("cas_me2", "method=random", "protocol=megc_spotting", "kinds=[macro]").data.task.kinds == ("macro",)


def test_make_plan_converts_k_prime_between_frame_rates(plan):
    """CAS(ME)2 has 30 frames per second, SAMM Long Videos 200."""
    words = ["method=random", "protocol=cross_spotting", "protocol.train=[cas_me2]", "protocol.test=[samm_lv]"]
    made = plan("[cas_me2,samm_lv]", *words)
    (fold,) = made.data.folds
    spans = [e.offset - e.onset for v in made.data.split_videos(fold).train for e in v.expressions if e.kind == "micro"]
    seconds = sum(spans) / len(spans) / 30
    timings = made.data.find_timings(fold)

    assert timings["samm_lv"].k_prime["micro"] == int((200 * seconds + 1) / 2)
    assert timings["cas_me2"].k_prime["micro"] == int((30 * seconds + 1) / 2)
    assert (timings["cas_me2"].k, timings["samm_lv"].k) == (3, 20)
    of_samm_lv = {v.key for v in made.data.videos if v.dataset == "samm_lv"}
    assert made.data.tested == of_samm_lv


PRESETS = [
    "dataset=[slow:synthetic,fast:synthetic]",
    "dataset.subjects=3",
    "dataset.fast.preset=fps200",
    "dataset.slow.seed=0",
    "protocol=lodo",
    "method=random",
]


def test_make_plan_takes_two_presets_of_a_dataset_as_two():
    made = make_plan(resolve([*PRESETS, "dataset.fast.seed=1"]))
    assert [fold.key for fold in made.data.folds] == ["fast", "slow"]
    assert not made.data.subject_dependent
    for fold in made.data.folds:
        timings = made.data.find_timings(fold)
        assert [(timings[name].fps, timings[name].k) for name in ("slow", "fast")] == [(30.0, 3), (200.0, 20)]
        spans = [timings[name].k_prime["micro"] / timings[name].fps for name in ("slow", "fast")]
        assert spans[0] == pytest.approx(spans[1], abs=1 / 30)  # one duration, in whole frames of each rate


def test_make_plan_takes_faces_of_one_seed_as_one_person():
    with pytest.raises(ConfigError, match="no person is left for training, because all others are tested"):
        make_plan(resolve([*PRESETS, "dataset.fast.seed=0"]))
