"""Data that are not those that a dataset is called by: drawn stand-ins, and copies of other numbers than the authors publish."""

import dataclasses

import pytest

from mebench.annotations.drawn import empty_folder
from mebench.config.registry import load_plugin
from mebench.core import Published
from mebench.core.dataset import MARK_OF_DRAWN, Composite, Renamed
from tests.helpers.empty_trees import write_empty_tree


@pytest.fixture
def drawn(tmp_path):
    write_empty_tree("cas_me2", tmp_path / "drawn")
    return tmp_path / "drawn"


def opened(root):
    plugin = load_plugin("dataset", "cas_me2")
    return plugin(plugin.Params(root=str(root)))


def test_Dataset_remark_marks_a_stand_in_at_any_inner_folder(drawn):
    for root in (drawn, drawn / "rawpic"):
        dataset = opened(root)
        assert dataset.remark.startswith("drawn stand-in: ")
        assert not dataset.comparable
        assert Renamed(dataset, "other").remark == dataset.remark
        assert dataset.unlike_published() == ""  # one remark is enough


def test_unlike_published_names_differing_counts(drawn):
    (drawn / MARK_OF_DRAWN).unlink()
    dataset = opened(drawn)
    assert dataset.remark == ""
    assert dataset.comparable
    sentence = dataset.unlike_published()
    people = len({video.subject for video in dataset.videos() if video.expressions})
    assert sentence.startswith(f"not the published dataset: subjects {people} instead of 22, micro-expressions ")
    micro = sum(e.kind == "micro" for video in dataset.videos() for e in video.expressions)
    macro = sum(e.kind == "macro" for video in dataset.videos() for e in video.expressions)
    dataset.published = Published("a paper", people, {"micro": micro, "macro": macro})
    assert dataset.unlike_published() == ""
    dataset.published = dataclasses.replace(dataset.published, subjects=None, expressions={"micro": micro + 1})
    whole = Composite({"one": dataset, "two": opened(drawn)})
    assert (
        whole.unlike_published()
        == f"not the published dataset: micro-expressions {micro} instead of {micro + 1} (a paper); {sentence}"
    )


def test_empty_folder_is_marked_as_drawn(tmp_path):
    assert (empty_folder(tmp_path / "new") / MARK_OF_DRAWN).is_file()
