"""People who appear in several datasets."""

import pytest

from mebench.config import resolve
from mebench.config.registry import find_plugin, load_plugin, params_class
from mebench.core import SubjectKey
from mebench.protocols import People, within
from mebench.runner import make_plan


def dataset(id_):
    return load_plugin("dataset", id_)(params_class(find_plugin("dataset", id_))())


@pytest.mark.parametrize(("one", "other"), [("samm", "samm_lv"), ("smic_hs", "smic_vis"), ("smic_vis", "smic_nir")])
def test_person_of_two_recordings_is_one(one, other):
    keys = [dataset(id_).person(SubjectKey(id_, "006")) for id_ in (one, other)]
    assert keys[0] == keys[1]


MAPS = ("megc2019_flow", "megc2019_two_phase")


@pytest.mark.parametrize("maps", MAPS)
@pytest.mark.parametrize(
    ("member", "subject", "id_", "own"),
    [
        ("smic", "s11", "smic_hs", "11"),
        ("casme2", "sub02", "casme2", "02"),
        ("samm", "006", "samm", "006"),
    ],
)
def test_person_of_ready_made_maps_equals_frames(maps, member, subject, id_, own):
    """Or one would be trained on as a map and tested as a clip."""
    assert dataset(maps).person(SubjectKey(member, subject)) == dataset(id_).person(SubjectKey(id_, own))


@pytest.mark.parametrize("id_", MAPS)
def test_loso_validates_independently_of_ready_made_maps(id_, tmp_path):
    """Committed records rest on these folds."""
    load_plugin("dataset", id_).write_fake_tree(tmp_path / "tree")
    plan = make_plan(
        resolve(["method=majority", f"dataset={id_}", f"dataset.root={tmp_path / 'tree'}", f"cache={tmp_path}"])
    )
    assert list(plan.data.folds) == within.loso(People(plan.data.videos))
    assert {fold.valid for fold in plan.data.folds} != {()}


def test_person_of_equal_number_in_other_dataset_differs():
    keys = {dataset(id_).person(SubjectKey(id_, "06")) for id_ in ("casme2", "samm", "smic_hs", "cas_me2")}
    assert len(keys) == 4
