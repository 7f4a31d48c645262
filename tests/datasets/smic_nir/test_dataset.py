"""SMIC-NIR: short and long clips of a drawn tree. What the recordings share is tested in tests/annotations/test_smic.py."""

import pytest
from mebench.datasets.smic_nir import dataset

from mebench.config import resolve
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("smic_nir") / "tree"
    dataset.SmicNir.write_fake_tree(root)
    return root


@pytest.mark.parametrize("extended", [False, True])
def test_SmicNir_keeps_contract(root, extended):
    assert check_dataset("smic_nir", root=str(root), extended=extended) == []


def test_SmicNir_has_published_counts():
    short = dataset.SmicNir(dataset.SmicNir.Params()).published
    long = dataset.SmicNir(dataset.SmicNir.Params(extended=True)).published
    assert (short.subjects, short.expressions["micro"]) == (8, 71)
    assert list(long.emotions.values()) == [23, 28, 20]
    assert sum(long.emotions.values()) == long.expressions["micro"]


def test_method_runs_on_long_clips(root, tmp_path):
    words = ["method=random", "dataset=smic_nir", f"dataset.root={root}", "dataset.extended=true", f"cache={tmp_path}"]
    plan = make_plan(resolve(words))
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (3, 7, True)
    assert {p.video for p in host.execute_fold(plan, plan.data.folds[0]).predictions} == {
        f"smic_nir/11/s11_{clip}" for clip in ("ne_01", "ne_02", "po_01")
    }
