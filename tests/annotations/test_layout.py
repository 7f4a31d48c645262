"""Names from a sheet as folders below the root, from whatever level the user calls the root."""

from dataclasses import replace

import pytest

from mebench.annotations import Layout
from mebench.annotations.layout import Tree, check_name, fold
from mebench.errors import DataError

LAYOUT = Layout("RAW/sub01/EP02/img1.jpg", "sub{subject}/{video}", homes=("RAW",))
VIDEOS = {("01", "EP02"), ("02", "EP05_3f")}


def tree(root, layout=LAYOUT, follow_links=False):
    return Tree(root, layout, follow_links)


@pytest.fixture
def disk(tmp_path):
    for place in (
        "CASME2/RAW/sub01/EP02",
        "CASME2/RAW/sub02/EP05_3f",
        "CASME2/Cropped/sub01/EP02",
        "CASME2/.git/sub01/EP02",
    ):
        (tmp_path / place).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("level", [".", "CASME2", "CASME2/RAW"])
def test_Tree_homes_takes_any_level_as_root(disk, level):
    t = tree(disk / level)
    home = t.homes(VIDEOS)[0]
    assert home.resolve() == disk / "CASME2/RAW"
    assert t.folder(home, "02", "EP05_3f").resolve() == disk / "CASME2/RAW/sub02/EP05_3f"
    assert t.folder(home, "02", "EP99") is None


def test_Tree_homes_takes_another_copy_as_root(disk):
    assert tree(disk / "CASME2/Cropped").homes(VIDEOS)[0] == disk / "CASME2/Cropped"


def test_Tree_homes_is_empty_without_frames(tmp_path):
    (tmp_path / "docs").mkdir()
    assert tree(tmp_path).homes(VIDEOS) == []


def test_Tree_folder_ignores_case_blanks_and_zeros(disk):
    (disk / "CASME2/RAW/sub02").rename(disk / "CASME2/RAW/Sub 2")
    t = tree(disk)
    assert t.folder(t.homes(VIDEOS)[0], "02", "ep05_3F").name == "EP05_3f"


def test_Tree_folder_refuses_two_folders_of_one_name(disk):
    (disk / "CASME2/RAW/SUB03/EP1").mkdir(parents=True)
    (disk / "CASME2/RAW/Sub3/EP1").mkdir(parents=True)
    t = tree(disk)
    with pytest.raises(DataError, match="several folders for 'sub03': SUB03 and Sub3"):
        t.folder(t.homes(VIDEOS)[0], "03", "EP1")


def test_Tree_all_folders_lets_names_go_on_without_a_digit(tmp_path):
    layout = Layout("s15/15_0101x", "{subject}/{video}*", video_name=r"\d+_\d{4}")
    for name in ("15_0101disgust", "15_01012", "15_0102happy", "notes"):
        (tmp_path / "rawpic/s15" / name).mkdir(parents=True)
    t = tree(tmp_path, layout)
    home = t.homes({("s15", "15_0101")})[0]

    assert t.folder(home, "s15", "15_0101").name == "15_0101disgust"
    assert t.folder(home, "s15", "15_010") is None
    assert [(s, v, p.name) for s, v, p in t.all_folders(home)] == [
        ("s15", "15_0101", "15_0101disgust"),
        ("s15", "15_0102", "15_0102happy"),
    ]


def test_Tree_all_folders_takes_subject_from_name_of_video(tmp_path):
    layout = Layout("006_1/x.jpg", "{video}", video_name=r"(?P<subject>\d+)_\d+")
    (tmp_path / "006_1").mkdir()
    assert tree(tmp_path, layout).all_folders(tmp_path) == [("006", "006_1", tmp_path / "006_1")]


@pytest.mark.parametrize("name", ["..", ".", "../secret", "/etc", "a/../../b", r"..\secret", "C:evil", "a\0b"])
def test_check_name_refuses_paths(name):
    with pytest.raises(DataError, match=r"row 7: .* must not lead anywhere else"):
        check_name(name, "row 7")


@pytest.mark.parametrize("name", ["EP02_01f", "006_1_2", "name 123", "spNO.1", "..a"])
def test_check_name_passes_plain_names(name):
    check_name(name, "row 7")


def test_Tree_folder_follows_links_out_of_root_if_allowed(disk, tmp_path_factory):
    other = tmp_path_factory.mktemp("disk2")
    (other / "EP07").mkdir()
    (disk / "CASME2/RAW/sub01/EP07").symlink_to(other / "EP07")
    t = tree(disk / "CASME2")
    with pytest.raises(DataError, match=r"EP07 is a link to .*outside .*dataset.follow_links=true"):
        t.folder(t.homes(VIDEOS)[0], "01", "EP07")
    allowed = tree(disk / "CASME2", follow_links=True)
    assert allowed.folder(allowed.homes(VIDEOS)[0], "01", "EP07").is_dir()


def test_Tree_folder_follows_links_within_root(disk):
    (disk / "CASME2/RAW/sub01/EP08").symlink_to(disk / "CASME2/RAW/sub01/EP02")
    t = tree(disk)
    assert t.folder(t.homes(VIDEOS)[0], "01", "EP08").is_dir()


def test_Tree_homes_remembers_a_linked_home(disk, tmp_path_factory):
    root = tmp_path_factory.mktemp("links")
    (root / "RAW").symlink_to(disk / "CASME2/RAW")
    t = tree(root)
    assert t.homes(VIDEOS) == []
    assert t.aside == [root / "RAW"]
    assert tree(root, follow_links=True).homes(VIDEOS)[0] == root / "RAW"


def test_Tree_root_may_be_a_link(disk, tmp_path_factory):
    root = tmp_path_factory.mktemp("links") / "mine"
    root.symlink_to(disk / "CASME2")
    t = tree(root)
    assert t.folder(t.homes(VIDEOS)[0], "01", "EP02").is_dir()


def test_fold_keeps_different_names_apart():
    assert len({fold(n) for n in ("EP02_01f", "EP02_01", "EP02_10f", "EP03_01f")}) == 4
    assert fold("EP" + "9" * 5000) != fold("EP" + "9" * 5001)


COPIES = replace(LAYOUT, homes=("CASME2-RAW",), also=("{subject}/{video}", "sub{subject}_{video}", "{video}"))


def made(root, *folders):
    for folder in folders:
        (root / folder).mkdir(parents=True)
    return Tree(root, COPIES, follow_links=False)


@pytest.mark.parametrize("shape", ["frames/{0}/{1}", "frames/sub{0}_{1}", "frames/{1}", "{1}"])
def test_Tree_homes_finds_copies_with_other_folder_names(tmp_path, shape):
    videos = {("01", "EP02"), ("02", "EP05")}
    t = made(tmp_path, *(shape.format(*video) for video in videos))
    home = t.homes(videos)[0]
    for video in videos:
        assert t.folder(home, *video) == tmp_path / shape.format(*video)
    assert len(t.all_folders(home)) == 2


def test_Tree_homes_prefers_the_documented_layout(tmp_path):
    t = made(tmp_path, "raw/sub01/EP02", "other/01/EP02")
    assert t.folder(t.homes({("01", "EP02")})[0], "01", "EP02") == tmp_path / "raw/sub01/EP02"


def test_Tree_joins_clips_sorted_by_emotion(tmp_path):
    t = made(tmp_path, "all/disgust/sub01/EP02", "all/surprise/sub01/EP03", "all/surprise/sub02/EP05")
    videos = {("01", "EP02"), ("01", "EP03"), ("02", "EP05")}
    (home,) = t.homes(videos)
    assert {str(t.folder(home, *v).relative_to(tmp_path / "all")) for v in videos} == {
        "disgust/sub01/EP02", "surprise/sub01/EP03", "surprise/sub02/EP05"
    }  # fmt: skip
    assert len(t.all_folders(home)) == 3
    assert t.whole(home) == tmp_path / "all"


def test_Tree_homes_mixes_no_second_copy(tmp_path):
    t = made(tmp_path, "CASME2-RAW/sub01/EP02", "faces/sub01/EP02", "faces/sub02/EP05")
    videos = {("01", "EP02"), ("02", "EP05")}
    home, other = t.homes(videos)
    assert (home.name, other.name) == ("CASME2-RAW", "faces")
    assert t.folder(home, "02", "EP05") is None  # rather than from a copy of another kind


def test_Tree_allows_missing_last_folder_if_layout_says_so(tmp_path):
    layout = Layout("part_A/spNO.1/a/color/1.jpg", "{subject}/{video}/color?", video_name="[a-z]+")
    for folder in ("part_A/spNO.1/a", "part_A/spNO.2/b/color"):
        (tmp_path / folder).mkdir(parents=True)
    t = Tree(tmp_path, layout, follow_links=False)
    (home,) = t.homes({("spNO.1", "a"), ("spNO.2", "b")})
    assert t.folder(home, "spNO.1", "a") == tmp_path / "part_A/spNO.1/a"
    assert t.folder(home, "spNO.2", "b") == tmp_path / "part_A/spNO.2/b/color"
    assert [entry[:2] for entry in t.all_folders(home)] == [("spNO.1", "a"), ("spNO.2", "b")]
