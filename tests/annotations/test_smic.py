"""What the three recordings of SMIC share, on a drawn SMIC-HS."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from mebench.datasets.smic_hs import dataset as smic_hs
from mebench.datasets.smic_vis import dataset as smic_vis

from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import write_csv, write_xlsx
from mebench.core import Expression, SubjectKey
from mebench.errors import ConfigError, DataError
from tests.helpers.empty_trees import write_empty_tree

HEAD = ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "LastF", "Emotion")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("hs") / "tree"
    write_empty_tree("smic_hs", root)
    return root


def smic(root, **params):
    return smic_hs.SmicHs(smic_hs.SmicHs.Params(None if root is None else str(root), **params))


def test_Smic_short_clip_is_its_movement(root):
    set_ = smic(root)
    assert set_.tasks == {"recognize"}
    assert set_.one_per_video
    video = next(v for v in set_.videos() if v.id == "s11_po_01")
    assert (video.key, video.fps, video.n_frames) == ("smic_hs/11/s11_po_01", 100.0, 32)
    assert video.expressions == (Expression(0, 31, emotion="positive"),)  # files 99985 to 100016, in their order


def test_Smic_reads_apex_sheet_beside_short_clips(root, tmp_path):
    head = (None, "Subject", "Filename", "Label", "OnsetFrame", "ApexFrame")
    write_xlsx(tmp_path / "smic_apex.xlsx", {"Sheet1": [head, (0, 11, "s11_po_01", 1, 99990, 100000)]})
    (tmp_path / "SMIC").symlink_to(root)
    repairs = smic(tmp_path, follow_links=True).repairs()
    assert any("smic_apex.xlsx': a sheet of apex frames, not read" in text for text in repairs)
    set_ = smic(root, annotations=str(tmp_path / "smic_apex.xlsx"))
    (video,) = set_.videos()
    assert (video.key, video.n_frames) == ("smic_hs/11/s11_po_01", 32)  # files 99985 to 100016
    assert video.expressions == (Expression(5, 31, apex=15, emotion="positive"),)
    assert any("the last image of the clip is used" in str(r) for r in set_.repair_rows())


def test_Smic_counts_empty_clips_and_marks_gaps(root):
    set_ = smic(root)
    assert [(u.video, u.emotion) for u in set_.unplaced()] == [("s18_sur_03", "surprise")]
    marked = {r.found.rsplit("/", 1)[-1]: r.reason for r in set_.repair_rows()}
    assert marked["s14_ne_01"].startswith("1 of the numbers from 310 to 341")
    folders = {path.name for path in root.rglob("s*_*_*") if path.is_dir()}
    by_person = sorted(folders, key=lambda name: (name.partition("_")[0][1:], name))
    rows = {r.found.rsplit("/", 1)[-1]: r.row for r in set_.repair_rows()}  # of no sheet: folders, counted from 1
    assert rows["s14_ne_01"] == by_person.index("s14_ne_01") + 1
    assert str(root) not in " ".join(set_.repairs())


def test_Smic_takes_emotion_from_name_and_marks_other_folders(root, tmp_path):
    shutil.copytree(root, tmp_path / "tree")
    (clip,) = (tmp_path / "tree").rglob("positive/s11_po_01")
    wrong = clip.rename(clip.parents[1] / "negative" / clip.name)
    before, after = smic(root), smic(tmp_path / "tree")
    (mark,) = (r for r in after.repair_rows() if r.column == "emotion")
    assert (mark.found, mark.reason) == (
        "negative",
        f"the name of {wrong.relative_to(tmp_path / 'tree')} says positive, which is taken",
    )
    assert not [r for r in before.repair_rows() if r.column == "emotion"]
    one, other = (next(v for v in set_.videos() if v.id == clip.name).expressions for set_ in (before, after))
    assert one == other


def test_Smic_places_long_clips_by_numbers_of_files(root):
    set_ = smic(root, extended=True)
    assert set_.tasks == {"spot", "recognize"}
    assert set_.one_per_video
    assert {v.n_frames for v in set_.videos()} == {92}
    expressions = [e for v in set_.videos() for e in v.expressions]
    assert {(e.onset, e.offset) for e in expressions} == {(30, 61)}


def test_Smic_without_frames_places_long_clips_by_first_frame(root):
    whole = smic(root, extended=True)
    alone = smic(None, extended=True, annotations=str(whole.annotation_file))
    assert [v.expressions for v in alone.videos()] == [v.expressions for v in whole.videos()]
    assert ground_truth_hash(alone.as_annotated()) == ground_truth_hash(whole.as_annotated())


def test_Smic_reads_further_movements_only_if_asked(root):
    first, every = smic(root, extended=True), smic(root, extended=True, every_interval=True)
    assert any("dataset.every_interval=true" in text for text in first.repairs())
    (video,) = (v for v in every.videos() if len(v.expressions) == 2)
    assert (video.id, video.expressions[1].flags) == ("s12_sur_01", ("further_interval",))
    assert not every.one_per_video
    scheme = every.schemes["mean2022"]
    assert [scheme.class_of(e) for e in video.expressions] == ["surprise", None]


def test_Smic_takes_clips_without_person_or_emotion(tmp_path):
    rows = [
        ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF"),
        (1, "ne_01", 110, 130, 100),
        (12, "s12_sur_02", 5, 9, 1),
    ]
    write_csv(tmp_path / "sheet.csv", rows)
    set_ = smic(None, extended=True, annotations=str(tmp_path / "sheet.csv"))
    assert [(v.key, v.expressions[0].emotion, v.expressions[0].onset) for v in set_.videos()] == [
        ("smic_hs/01/s1_ne_01", "negative", 10),
        ("smic_hs/12/s12_sur_02", "surprise", 4),
    ]


@pytest.mark.parametrize("level", ["SMIC_all_raw", "SMIC_all_raw/HS", "."])
def test_Smic_takes_any_level_as_root(root, level):
    assert len(smic(root / level).videos()) == 7


def test_Smic_tells_recordings_and_versions_apart(tmp_path):
    """SMIC unpacked whole: clips of one name lie in four folders, and the sheets have the same columns."""
    for recording in (smic_hs.SmicHs, smic_vis.SmicVis):
        write_empty_tree(recording.id, tmp_path / recording.id)
    whole = tmp_path / "SMIC"
    whole.mkdir()

    for recording in ("smic_hs", "smic_vis"):
        for part in filter(Path.is_dir, (tmp_path / recording).iterdir()):
            (whole / part.name).mkdir(exist_ok=True)
            for folder in part.iterdir():
                folder.rename(whole / part.name / folder.name)
    for dataset, length in ((smic_hs.SmicHs, 92), (smic_vis.SmicVis, 57)):
        long = dataset(smic_hs.SmicHs.Params(str(whole), extended=True))
        assert long.annotation_file.name == f"SMIC-{dataset.recording}-E_annotation.xlsx"
        assert {v.n_frames for v in long.videos()} == {length}
        assert {v.n_frames for v in dataset(smic_hs.SmicHs.Params(str(whole))).videos()} == (
            {31, 32} if dataset is smic_hs.SmicHs else {8, 9}
        )

    nothing = tmp_path / "only_vis"
    nothing.mkdir()
    (whole / "SMIC_all_raw" / "VIS").rename(nothing / "VIS")
    with pytest.raises(DataError, match=r"no clips of SMIC-HS.*s1_ne_01.*dataset\.extended=true"):
        smic(nothing).videos()


def test_Smic_refuses_cropped_faces_as_raw_clips(root, tmp_path):
    """The same names in another folder; a run on them must not go on with one on the raw clips."""
    shutil.copytree(root / "SMIC_all_raw", tmp_path / "SMIC_all_raw")
    cropped = tmp_path / "SMIC_all_cropped"
    shutil.copytree(tmp_path / "SMIC_all_raw", cropped)
    raw, asked = smic(tmp_path), smic(cropped)
    assert (raw.revision, raw.remark, raw.frame_folders()) == ("1", "", (tmp_path, cropped))
    assert all("SMIC_all_raw" in raw.folder(v).parts for v in raw.videos())
    assert len(asked.videos()) == 7
    assert asked.revision == "1-cropped"
    assert "cropped by the authors" in asked.remark
    shutil.rmtree(tmp_path / "SMIC_all_raw")
    with pytest.raises(
        DataError, match=rf"no clips of SMIC-HS.* cropped by the authors: read them with dataset\.root={cropped}"
    ):
        smic(tmp_path).videos()
    with pytest.raises(DataError) as error:  # those of another recording are none of SMIC-VIS
        smic_vis.SmicVis(smic_hs.SmicHs.Params(str(tmp_path))).videos()
    assert "read them with" not in str(error.value)


def published_sheet(file, counts):
    codes = {"negative": "ne", "positive": "po", "surprise": "sur"}
    labels = list(Counter(counts).elements())
    rows = [(n % 16 + 1, f"s{n % 16 + 1}_{codes[e]}_{n}", 200, 240, 101, 900, e) for n, e in enumerate(labels)]
    write_xlsx(file, {"Sheet1": [HEAD, *rows, (), ("Total", len(labels))]})


def test_Smic_published_counts_give_classes_of_mean(tmp_path):
    """Table 1 of MEAN: 157 clips, 66, 51 and 40."""
    published_sheet(tmp_path / "SMIC-HS-E_annotation.xlsx", {"negative": 66, "positive": 51, "surprise": 40})
    set_ = smic(None, extended=True, annotations=str(tmp_path / "SMIC-HS-E_annotation.xlsx"))
    found = Counter(set_.schemes["mean2022"].class_of(e) for v in set_.videos() for e in v.expressions)
    assert found == set_.published.emotions
    assert sum(found.values()) == set_.published.expressions["micro"] == 157
    assert len({v.subject for v in set_.videos()}) == set_.published.subjects == 16


def test_Smic_recordings_share_their_people(root):
    key = smic(root).videos()[0].subject_key
    assert key == SubjectKey("smic_hs", "11")
    assert smic(root).person(key) == smic_vis.SmicVis(smic_hs.SmicHs.Params(str(root))).person(
        SubjectKey("smic_vis", "11")
    )


def test_Smic_names_what_is_missing():
    with pytest.raises(ConfigError, match=r"every_interval=true reads the sheet of SMIC-E: add dataset\.extended=true"):
        smic(None, every_interval=True)
    with pytest.raises(DataError, match=r"smic_hs needs its folder.*dataset\.root=PATH.*SMIC_all_raw/HS"):
        smic(None).videos()
    with pytest.raises(DataError, match=r"SMIC-E_raw image/HS_long.*SMIC-HS-E_annotation"):
        smic(None, extended=True).videos()
