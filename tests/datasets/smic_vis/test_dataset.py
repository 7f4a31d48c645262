"""SMIC-VIS: short and long clips of a drawn tree. What the recordings share is tested in tests/annotations/test_smic.py."""

import pytest
from mebench.datasets.smic_vis import dataset

from mebench.config import resolve
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("smic_vis") / "tree"
    dataset.SmicVis.write_fake_tree(root)
    return root


@pytest.mark.parametrize("extended", [False, True])
def test_SmicVis_keeps_contract(root, extended):
    assert check_dataset("smic_vis", root=str(root), extended=extended) == []


def test_SmicVis_has_published_counts():
    short = dataset.SmicVis(dataset.SmicVis.Params()).published
    long = dataset.SmicVis(dataset.SmicVis.Params(extended=True)).published
    assert (short.subjects, short.expressions["micro"]) == (8, 71)
    assert list(long.emotions.values()) == [24, 28, 19]
    assert sum(long.emotions.values()) == long.expressions["micro"]


def test_method_runs_on_long_clips(root, tmp_path):
    words = ["method=random", "dataset=smic_vis", f"dataset.root={root}", "dataset.extended=true", f"cache={tmp_path}"]
    plan = make_plan(resolve(words))
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (3, 7, True)
    assert {p.video for p in host.execute_fold(plan, plan.data.folds[0]).predictions} == {
        f"smic_vis/11/s11_{clip}" for clip in ("ne_01", "ne_02", "po_01")
    }
