"""Videos below any number of folders."""

from dataclasses import replace

import pytest

from mebench.annotations import Layout, nested
from mebench.errors import DataError

PAIRS = Layout(example="raw/sub01/EP1/img1.jpg", folder="sub{subject}/{video}", homes=("raw",), video_name=r"EP\d+")


def tree(root, *folders, ours=lambda names: True):
    for folder in folders:
        (root / folder).mkdir(parents=True)
    return nested.NestedTree(root, PAIRS, follow_links=False, ours=ours)


def test_NestedTree_finds_videos_below_any_folders(tmp_path):
    found = tree(tmp_path, "a/b/sub01/EP1", "sub02/EP1", "sub02/other")
    assert found.folder(tmp_path, "01", "EP1") == tmp_path / "a/b/sub01/EP1"
    assert found.folder(tmp_path, "02", "EP1") == tmp_path / "sub02/EP1"
    assert found.folder(tmp_path, "03", "EP1") is None
    assert [entry[:2] for entry in found.all_folders(tmp_path)] == [("01", "EP1"), ("02", "EP1")]


def test_NestedTree_ignores_archive_folders_of_macos(tmp_path):
    found = tree(tmp_path, "data/sub01/EP1", "__MACOSX/data/sub01/EP1", "data/__MACOSX/sub02/EP1")
    assert found.folder(tmp_path, "01", "EP1") == tmp_path / "data/sub01/EP1"
    assert len(found.all_folders(tmp_path)) == 1


def test_NestedTree_ignores_case_and_zeros_unless_one_is_exact(tmp_path):
    found = tree(tmp_path, "Sub1/ep1", "sub02/EP1", "sub02/EP01")
    assert found.folder(tmp_path, "01", "EP1") == tmp_path / "Sub1/ep1"
    assert found.folder(tmp_path, "02", "EP01") == tmp_path / "sub02/EP01"


def test_NestedTree_prefers_a_home_and_refuses_equal_copies(tmp_path):
    found = tree(tmp_path, "cropped/sub01/EP1", "raw/sub01/EP1", "x/sub02/EP1", "y/sub02/EP1")
    assert found.folder(tmp_path, "01", "EP1") == tmp_path / "raw/sub01/EP1"
    assert ("01", "EP1", tmp_path / "raw/sub01/EP1") in found.all_folders(tmp_path)
    with pytest.raises(DataError, match=r"several folders for sub02/EP1.*x/sub02.*y/sub02"):
        found.folder(tmp_path, "02", "EP1")


def test_NestedTree_takes_most_preferred_home_around_a_video(tmp_path):
    """`cropped` comes before `raw`, wherever on the way it stands."""
    layout = replace(PAIRS, homes=("cropped", "raw"))
    for folder in ("raw/sub01/EP1", "raw/cropped/sub01/EP1", "cropped/raw/sub02/EP1", "raw/sub02/EP1", "sub02/EP1"):
        (tmp_path / folder).mkdir(parents=True)
    found = nested.NestedTree(tmp_path, layout, follow_links=False)
    assert found.folder(tmp_path, "01", "EP1") == tmp_path / "raw/cropped/sub01/EP1"
    assert found.folder(tmp_path, "02", "EP1") == tmp_path / "cropped/raw/sub02/EP1"


def test_NestedTree_searches_no_folders_of_images(tmp_path):
    found = tree(tmp_path, "sub01/EP1/sub09/EP9")
    assert found.folder(tmp_path, "09", "EP9") is None
    assert tmp_path / "sub01/EP1" not in [folder for _, folder in found.walk(9)]


def test_NestedTree_takes_only_folders_of_the_dataset(tmp_path):
    found = tree(tmp_path, "VIS/sub01/EP1", "HS/sub01/EP1", ours=lambda names: "HS" in names)
    assert found.folder(tmp_path, "01", "EP1") == tmp_path / "HS/sub01/EP1"
    nothing = tree(tmp_path / "empty", "VIS/sub01/EP1", ours=lambda names: False)
    assert nothing.homes([]) == []


def test_NestedTree_leaves_links_out_of_root_aside(tmp_path):
    (tmp_path / "disk/sub01/EP1").mkdir(parents=True)
    root = tmp_path / "root"
    root.mkdir()
    (root / "raw").symlink_to(tmp_path / "disk")
    closed = nested.NestedTree(root, PAIRS, follow_links=False)
    assert closed.folder(root, "01", "EP1") is None
    assert closed.aside == [root / "raw"]
    assert nested.NestedTree(root, PAIRS, follow_links=True).folder(root, "01", "EP1") == root / "raw/sub01/EP1"
