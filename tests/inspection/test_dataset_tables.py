"""Annotations of a dataset as tables with a description in Croissant."""

import csv
import hashlib

import pytest

from mebench.config import registry
from mebench.inspection.dataset_tables import write_described_tables
from tests.helpers.croissant import check_description, load_with_mlcroissant
from tests.helpers.empty_trees import write_empty_tree


def open_empty(id_, folder):
    """The stand-in of a dataset without pictures."""
    plugin = registry.load_plugin("dataset", id_)
    return plugin(plugin.Params(root=write_empty_tree(id_, folder)))


@pytest.mark.parametrize("id_", ["casme2", "samm_lv"])
def test_write_described_tables_hold_all_annotations(id_, tmp_path):
    dataset = open_empty(id_, tmp_path / "tree")
    files = write_described_tables(id_, dataset, tmp_path / "described")
    with files[1].open(newline="") as file:
        rows = [*csv.DictReader(file)]
    every = [(video.key, one.onset, one.offset, one.kind) for video in dataset.videos() for one in video.expressions]
    assert [(row["video"], int(row["onset"]), int(row["offset"]), row["kind"]) for row in rows] == every
    content = check_description(files[2])
    assert content["name"] == f"{id_}_annotations"
    assert {entry["@id"]: entry["sha256"] for entry in content["distribution"]} == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files[:2]
    }


def test_write_described_tables_cite_paper_of_dataset(tmp_path):
    paper = registry.list_plugins("dataset")["casme2"].config["paper"]
    files = write_described_tables("casme2", open_empty("casme2", tmp_path / "tree"), tmp_path)
    content = check_description(files[2])
    assert content["citeAs"] == paper
    assert content["url"] == "https://doi.org/10.1371/journal.pone.0086041"


def test_write_described_tables_can_be_loaded(tmp_path):
    dataset = open_empty("casme2", tmp_path / "tree")
    files = write_described_tables("casme2", dataset, tmp_path)
    first = next(one for video in dataset.videos() for one in video.expressions)
    assert load_with_mlcroissant(files[2], "expressions")["expressions/onset"] == first.onset
