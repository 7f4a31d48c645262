"""People who appear in several datasets."""

import pytest

from mebench.config.registry import find, load, params_class
from mebench.core import SubjectKey


def dataset(id_):
    return load("dataset", id_)(params_class(find("dataset", id_))())


@pytest.mark.parametrize(("one", "other"), [("samm", "samm_lv"), ("smic_hs", "smic_vis"), ("smic_vis", "smic_nir")])
def test_two_recordings_of_one_person_are_known(one, other):
    keys = [dataset(id_).person(SubjectKey(id_, "006")) for id_ in (one, other)]
    assert keys[0] == keys[1]


def test_equal_numbers_of_other_datasets_are_other_people():
    keys = {dataset(id_).person(SubjectKey(id_, "06")) for id_ in ("casme2", "samm", "smic_hs", "cas_me2")}
    assert len(keys) == 4
