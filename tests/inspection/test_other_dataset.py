"""A folder of another dataset is recognised, whichever was asked for; one's own and the right one are not refused."""

from itertools import permutations

import pytest

from mebench.annotations import SheetDataset
from mebench.config.registry import find_plugin, load_plugin
from mebench.errors import DataError
from mebench.inspection.dataset_summary import open_members
from mebench.inspection.other_dataset import refuse_other_dataset
from tests.helpers.empty_trees import write_empty_tree

IDS = ("casme", "casme2", "cas_me2", "casme3", "samm", "samm_lv", "mmew", "four_dme", "dfme", "meview")


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return {id_: write_empty_tree(id_, tmp_path_factory.mktemp("copy") / "root") for id_ in IDS}


def params_of(id_, root, **others):
    return load_plugin("dataset", id_).Params(root=str(root), **others)


def test_other_dataset_is_recognised_in_all_pairs(trees):
    found = {}
    for asked, given in permutations(IDS, 2):
        with pytest.raises(DataError) as refused:
            open_members({asked: params_of(asked, trees[given])})
        found[asked, given] = f"Give dataset={given}, or the folder of " in str(refused.value)
    assert [pair for pair, is_named in found.items() if not is_named] == []


def test_own_dataset_is_opened(trees):
    for id_ in IDS:
        (dataset,) = open_members({id_: params_of(id_, trees[id_])}).values()
        assert dataset.id == id_
        (inner,) = open_members({id_: params_of(id_, trees[id_].parent)}).values()
        assert inner.id == id_


def test_folder_of_several_datasets_is_opened(trees, tmp_path):
    for id_ in ("casme2", "cas_me2", "samm"):
        (tmp_path / id_).symlink_to(trees[id_])
        open_members({id_: params_of(id_, tmp_path)})


def test_named_sheet_is_not_questioned(trees):
    sheet = next(trees["casme2"].glob("*.xlsx"))
    open_members({"casme": params_of("casme", trees["casme2"], annotations=str(sheet))})


def test_dataset_of_somebody_else_may_read_known_frames(trees):
    class Mine(SheetDataset):
        id = "mine"
        files = ("mine.csv",)
        layout = load_plugin("dataset", "casme2").layout
        Params = load_plugin("dataset", "casme2").Params

    refuse_other_dataset(Mine(Mine.Params(root=str(trees["casme2"]))))


def test_refusal_names_both_datasets_and_what_was_found(trees):
    with pytest.raises(DataError) as refused:
        open_members({"casme2": params_of("casme2", trees["cas_me2"])})
    title, asked = (find_plugin("dataset", id_).title for id_ in ("cas_me2", "casme2"))
    assert f"looks like {title}, not {asked}: it holds CAS(ME)^2code_final.xlsx and the folder rawpic" in str(
        refused.value
    )
