"""A dataset of a sheet and folders: what it finds, and what it says when it does not."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest

from mebench.annotations import Cleaning, Header, Layout, SheetDataset, SheetParams, by_name
from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import write_csv, write_xlsx
from mebench.core import Scheme
from mebench.errors import DataError
from mebench.exchange import answers
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks

HEAD = ("Subject", "Filename", "Onset", "Apex", "Offset", "Emotion", "AU")
ROWS = [("1", "a", 2, 3, 5, "Fear", "4"), ("1", "b", 1, 2, 4, "fear", "6+12"), ("02", "a", 3, 4, 6, "anger", "L4?")]


class Small(SheetDataset):
    id = "small"
    revision = "1"
    files = ("codes*.xlsx", "codes*.csv")
    forms = (Header(required=("subject", "video", "onset", "offset"), sheet="codes"),)
    cleaning = Cleaning(subject_digits=2, subject_prefix="sub")
    layout = Layout("faces/sub01/a/img1.jpg", "sub{subject}/{video}", homes=("faces",))
    fps = 100.0
    short_videos = True
    schemes = by_name(Scheme.native(["fear", "anger"]))


class Long(Small):
    short_videos = False


def write_tree(root, rows=ROWS, n=8):
    root.mkdir(exist_ok=True)
    write_csv(root / "codes.csv", [HEAD, *rows])
    for subject, video in {(r[0].replace("sub", "").zfill(2), r[1]) for r in rows}:
        folder = root / "faces" / f"sub{subject}" / video
        folder.mkdir(parents=True)
        for number in range(1, n + 1):
            cv2.imwrite(str(folder / f"img{number}.jpg"), np.full((8, 8), number, np.uint8))
    return root


def small(root=None, cls=Small, **params):
    return cls(SheetParams(None if root is None else str(root), **params))


def spans(videos):
    return {v.key: [(e.onset, e.apex, e.offset) for e in v.expressions] for v in videos}


def test_SheetDataset_joins_videos_frames_and_labels(tmp_path):
    dataset = small(write_tree(tmp_path))
    videos = dataset.videos()
    assert spans(videos) == {"small/01/a": [(1, 2, 4)], "small/01/b": [(0, 1, 3)], "small/02/a": [(2, 3, 5)]}
    assert [v.n_frames for v in videos] == [8, 8, 8]
    assert dataset.one_per_video
    expressions = [e for v in videos for e in v.expressions]
    assert [e.objective for e in expressions] == ["III", "I", "III"]
    assert [e.emotion for e in expressions] == ["fear", "fear", "anger"]
    frames = dataset.frames(videos[0])
    assert len(frames) == 8
    assert abs(int(frames[4].mean()) - 5) <= 1


def test_SheetDataset_reads_annotations_without_frames(tmp_path):
    write_tree(tmp_path)
    with_frames, alone = small(tmp_path), small(annotations=str(tmp_path / "codes.csv"))
    assert spans(alone.videos()) == spans(with_frames.videos())
    assert alone.videos()[0].n_frames is None
    with pytest.raises(DataError, match=r"small/01/a has no frames: .*below dataset.root, which is not given"):
        alone.frames(alone.videos()[0])


def test_ground_truth_hash_depends_on_the_truth_alone(tmp_path):
    one, two, three = (tmp_path / name for name in "abc")
    for folder in (one, two, three):
        folder.mkdir()
    write_tree(one)
    write_xlsx(two / "my own codes.xlsx", {"note": [("hello",)], "s": [("a preamble",), HEAD, *reversed(ROWS)]})
    changed = [*ROWS[:2], ("02", "a", 3, 4, 7, "anger", "L4?")]
    write_csv(three / "codes.csv", [HEAD, *changed])
    hashes = [ground_truth_hash(small(folder).as_annotated()) for folder in (one, two, three)]

    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64


def test_SheetDataset_counts_every_row(tmp_path):
    rows = [*ROWS, ("2", "a", "", "/", 9, "fear", ""), ("2", "", 1, 2, 3, "fear", ""), ("Sum", "", "", "", "", "", "")]
    dataset = small(write_tree(tmp_path, ROWS), annotations=None)
    write_csv(tmp_path / "codes.csv", [HEAD, *rows])
    assert [len(v.expressions) for v in dataset.videos()] == [1, 1, 1]
    assert [(u.row, u.emotion, u.reason) for u in dataset.unplaced()] == [
        (5, "fear", "neither onset nor apex is given"),
        (6, "fear", "no video is named"),
    ]
    repairs = [str(r) for r in dataset.repair_rows()]
    assert any("row 7" in s and "'Sum': a remark, not an annotation: skipped" in s for s in repairs)
    assert [str(r) for r in dataset.repair_rows()] == list(dataset.repairs())


def test_SheetDataset_repairs_name_row_column_and_reason(tmp_path):
    rows = [
        ("sub01", " a", "02", "/", 0, "Fear", "4"),
        ("1", "b", 9, 5, 1, "fear", "talk"),
        ("1", "b", 9, 5, 1, "fear", ""),
    ]
    dataset = small(write_tree(tmp_path, [("1", "a", 2, 3, 5), ("1", "b", 1, 2, 4)]))
    write_csv(tmp_path / "codes.csv", [HEAD, *rows])
    found = [(r.row, r.column, r.found, r.taken) for r in dataset.repair_rows()]

    assert found == [
        (None, "Emotion", "Fear, fear", "fear"),
        (2, "Onset", "02", "2"),
        (2, "Apex", "/", "none"),
        (2, "Offset", "0", "2"),
        (2, "Subject", "sub01", "01"),
        (2, "Filename", " a", "a"),
        (3, "Onset, Offset", "9, 1", "1, 9"),
        (3, "AU", "TALK", None),
        (3, "Subject", "1", "01"),
        (4, "Onset, Offset", "9, 1", "1, 9"),
        (4, "Subject", "1", "01"),
        (4, "all columns", "01/b", None),
        (3, "offset", "9", "8"),
        (4, "offset", "9", "8"),
        (None, "onset, apex, offset", "file numbers", "positions from 0"),
    ]
    assert not dataset.one_per_video  # clip b is named twice


def test_SheetDataset_reports_equal_rows_of_two_sheets(tmp_path):
    class Sheets(Small):
        def read(self, sheets, log):
            return [a for sheet in sheets for a in super(Sheets, self).read([sheet], log)]

    write_xlsx(tmp_path / "codes.xlsx", {name: [HEAD, ROWS[0]] for name in ("train", "test")})
    (repair,) = (r for r in small(tmp_path, Sheets).repair_rows() if r.column == "all columns")
    assert (repair.row, repair.found, repair.reason) == (2, "01/a", "the same interval as in row 2")


def test_SheetDataset_adds_unnamed_videos_if_recordings_are_long(tmp_path):
    write_tree(tmp_path, [*ROWS, ("3", "c", 1, 2, 3, "fear", "")])
    write_csv(tmp_path / "codes.csv", [HEAD, *ROWS])
    assert [v.key for v in small(tmp_path).videos()] == ["small/01/a", "small/01/b", "small/02/a"]
    assert [(s, v) for s, v, _ in small(tmp_path).unannotated()] == [("03", "c")]
    extra = small(tmp_path, Long).videos()[-1]
    assert (extra.key, extra.n_frames, extra.expressions) == ("small/03/c", 8, ())
    assert "small/03/c" not in spans(small(tmp_path, Long).as_annotated())


class Plain(Long):
    """Names as they stand, in folders of the same names."""

    cleaning = Cleaning()
    layout = Layout("faces/s01/a/img1.jpg", "{subject}/{video}", homes=("faces",))


def draw(root, *videos):
    for video in videos:
        folder = root / "faces" / video
        folder.mkdir(parents=True)
        for number in range(1, 9):
            cv2.imwrite(str(folder / f"img{number}.jpg"), np.full((8, 8), number, np.uint8))


@pytest.mark.parametrize(
    ("folders", "names", "people"),
    [
        (
            ("01/a", "02/a", "01/b"),
            ("1", "2", "2"),
            {"1": ["a", "b"], "2": ["a"]},
        ),  # zeros that a spreadsheet took away
        (("s01/a", "s02/a"), ("s01", "S02", "s1"), {"s01": ["a"], "S02": ["a"]}),
    ],
)
def test_SheetDataset_gives_one_person_one_name(tmp_path, folders, names, people):
    """Two would be trained on and tested at once."""
    draw(tmp_path, *folders)
    write_csv(
        tmp_path / "codes.csv", [HEAD, *((name, "a", 2, 3, 4 + row, "fear", "4") for row, name in enumerate(names))]
    )
    dataset, alone = small(tmp_path, Plain), small(None, Plain, annotations=str(tmp_path / "codes.csv"))
    found = {}
    for video in dataset.videos():
        found.setdefault(video.subject, []).append(video.id)
        assert len(dataset.frames(video)) == 8
    assert found == people
    assert ground_truth_hash(dataset.as_annotated()) == ground_truth_hash(alone.as_annotated())
    again = [r for r in dataset.repair_rows() if r.column == "subject"]
    assert [(r.row, r.found, r.taken) for r in again] == ([(4, "s1", "s01")] if "s1" in names else [])


def test_SheetDataset_marks_two_videos_in_one_folder(tmp_path):
    draw(tmp_path, "s01/a")
    write_csv(tmp_path / "codes.csv", [HEAD, ("s01", "a", 2, 3, 4, "fear", "4"), ("s01", "A", 5, 6, 7, "fear", "4")])
    (one,) = [r for r in small(tmp_path, Plain).repair_rows() if r.altered]
    assert (one.found, one.reason) == (
        "s01/A",
        "has the frames of s01/a: if they are one video, give it one name in the sheet",
    )


def test_SheetDataset_takes_folder_without_name_of_its_video(tmp_path):
    class Flat(Plain):
        layout = replace(Plain.layout, also=("{subject}/color?",))

    draw(tmp_path, "01/color", "02/color", "3")
    write_csv(tmp_path / "codes.csv", [HEAD, ("01", "a", 2, 3, 4, "fear", "4")])
    assert {v.key: len(v.expressions) for v in small(tmp_path, Flat).videos()} == {
        "small/01/a": 1,
        "small/02/a": 0,
        "small/3/a": 0,
    }


def test_SheetDataset_takes_first_frame_0(tmp_path):
    write_csv(tmp_path / "codes.csv", [(*HEAD, "First"), ("1", "a", 10, 14, 19, "fear", "4", 0)])
    (video,) = small(None, annotations=str(tmp_path / "codes.csv")).videos()
    assert (video.first, spans([video])) == (0, {"small/01/a": [(10, 14, 19)]})


def test_SheetDataset_reads_frame_rates_and_marks_others(tmp_path):
    """The dataset's, 100 a second, taken in silence would make k and k' wrong by the ratio."""
    cells = {"a": "200 fps", "b": "200,0", "c": "200.0", "d": "", "e": "fast", "f": "-30", "h": "1,000"}
    rows = [("1", video, 2, 3, 4, "fear", "4", cell) for video, cell in cells.items()]
    rows += [("1", "g", 2, 3, 4, "fear", "4", 50), ("1", "g", 6, 7, 8, "fear", "4", 25)]
    write_csv(tmp_path / "codes.csv", [(*HEAD, "FPS"), *rows])
    dataset = small(None, Long, annotations=str(tmp_path / "codes.csv"))
    rates = {"a": 200.0, "b": 200.0, "c": 200.0, "d": 100.0, "e": 100.0, "f": 100.0, "h": 100.0, "g": 100.0}
    assert {video.id: video.fps for video in dataset.videos()} == rates
    repairs = [(r.row, r.found, r.taken, r.altered) for r in dataset.repair_rows() if r.column.casefold() == "fps"]
    assert repairs == [
        (2, "200 fps", "200", False),
        (3, "200,0", "200", False),
        (6, "fast", None, True),
        (7, "-30", None, True),
        (8, "1,000", None, True),
        (10, "25, 50", None, True),
    ]


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", r"..\x"])
def test_SheetDataset_refuses_names_that_leave_the_root(tmp_path, name):
    write_csv(tmp_path / "codes.csv", [HEAD, ("1", name, 1, 2, 3, "fear", "")])
    with pytest.raises(DataError, match=r"codes.csv, row 2, Filename: .* must not lead anywhere else"):
        small(tmp_path).videos()


def test_SheetDataset_needs_permission_for_linked_frames(tmp_path, tmp_path_factory):
    write_tree(tmp_path)
    secret = tmp_path_factory.mktemp("other") / "x.jpg"
    (tmp_path / "faces/sub01/a/img3.jpg").rename(secret)
    (tmp_path / "faces/sub01/a/img3.jpg").symlink_to(secret)
    dataset = small(tmp_path)
    with pytest.raises(DataError, match=r"img3.jpg is a link to .*dataset.follow_links=true"):
        dataset.frames(dataset.videos()[0])
    assert len(small(tmp_path, follow_links=True).frames(dataset.videos()[0])) == 8


def test_SheetDataset_hints_at_linked_folders(tmp_path, tmp_path_factory):
    other = write_tree(tmp_path_factory.mktemp("disk2"))
    write_csv(tmp_path / "codes.csv", [HEAD, *ROWS])
    (tmp_path / "faces").symlink_to(other / "faces")
    dataset = small(tmp_path)
    with pytest.raises(
        DataError, match=r"a link out of the root was not followed, dataset.follow_links=true allows it"
    ):
        dataset.frames(dataset.videos()[0])

    assert len(small(tmp_path, follow_links=True).frames(dataset.videos()[0])) == 8


def no_root(folder):
    several = r"\(of several datasets dataset\.small\.root=PATH\)"
    return {}, rf"give dataset\.root=PATH {several}, the folder that holds faces/sub01/a/img1\.jpg"


def not_a_folder(folder):
    return {"root": str(folder / "gone")}, "gone is not a folder: expected the one that holds"


def an_archive(folder):
    archive = folder / "faces.zip"
    archive.write_bytes(b"PK")
    return {"root": str(archive)}, r"is an archive: unpack it with: mebench data unpack \S+faces\.zip -o FOLDER"


def no_sheet(folder):
    return {"root": str(folder)}, r"no annotations under dataset.root=.*expected codes\*.xlsx next to"


def a_folder_of_archives(folder):
    (folder / "faces.zip").write_bytes(b"PK")
    way = r"There lies faces\.zip: unpack it with: mebench data unpack \S+faces\.zip -o FOLDER, and give dataset\.root=FOLDER"
    return {"root": str(folder)}, way


def no_such_file(folder):
    return {"annotations": str(folder / "my.csv")}, "my.csv is not a file"


def other_columns(folder):
    write_csv(folder / "codes.csv", [("Subject", "Filename", "Onset"), (1, "a", 2)])
    return {"root": str(folder)}, "row 1 of 'codes.csv' has no Offset"


def no_rows(folder):
    write_csv(folder / "codes.csv", [HEAD])
    return {"root": str(folder)}, "has a header but no annotation"


@pytest.mark.parametrize(
    "fault",
    [no_root, not_a_folder, an_archive, no_sheet, a_folder_of_archives, no_such_file, other_columns, no_rows],
)
def test_SheetDataset_names_what_is_missing(tmp_path, fault):
    params, reason = fault(tmp_path)
    with pytest.raises(DataError, match=reason) as error:
        Small(SheetParams(**params)).videos()
    assert "\n" not in str(error.value)


def test_SheetDataset_finds_a_sheet_above_the_root(tmp_path):
    write_tree(tmp_path)
    assert len(small(tmp_path / "faces").videos()) == 3


def test_SheetDataset_takes_the_fitting_of_two_sheets(tmp_path):
    write_tree(tmp_path)
    write_xlsx(tmp_path / "codes_legend.xlsx", {"s": [("nothing",)]})
    assert small(tmp_path).annotation_file.name == "codes.csv"
    write_xlsx(tmp_path / "codes_v2.xlsx", {"s": [HEAD, *ROWS]})
    dataset = small(tmp_path)
    assert dataset.annotation_file.name == "codes_v2.xlsx"
    assert any(r.found == "codes.csv" and "dataset.annotations=FILE" in r.reason for r in dataset.repair_rows())


def test_Scheme_leaves_out_flags_and_maps_objective_classes(tmp_path):
    dataset = small(write_tree(tmp_path, [*ROWS[:1], ("1", "b", 1, 9, 4, "fear", "6+12")]))
    plain, doubtful = (v.expressions[0] for v in dataset.videos())
    scheme = Scheme.native(["fear"])
    assert [scheme.of(e) for e in (plain, doubtful)] == [0, 0]
    strict = replace(scheme, excluded=frozenset({"apex_outside"}))
    assert [strict.class_of(e) for e in (plain, doubtful)] == ["fear", None]
    objective = Scheme("objective", ("I", "III"), {"i": "I", "iii": "III"}, by="objective")
    assert [objective.class_of(e) for e in (plain, doubtful)] == ["III", "I"]


def test_SheetDataset_reads_later_of_two_versions(tmp_path):
    write_tree(tmp_path)
    (tmp_path / "codes.csv").rename(tmp_path / "codes_v1.csv")
    write_csv(tmp_path / "codes_v10.csv", [HEAD, *ROWS[:2]])
    write_csv(tmp_path / "codes_v9.csv", [HEAD, *ROWS[1:], ("2", "a", 2, 3, 5, "Fear", "4")])
    dataset = small(tmp_path)
    assert dataset.annotation_file.name == "codes_v10.csv"
    assert len(dataset.videos()) == 2
    reason_of = {r.found: r.reason for r in dataset.repair_rows() if r.column == "file"}
    assert list(reason_of) == ["codes_v9.csv", "codes_v1.csv"]
    assert (
        "with 3 rows; codes_v10.csv is read, with 2 rows: dataset.annotations=FILE chooses" in reason_of["codes_v1.csv"]
    )
    (tmp_path / "old").mkdir()
    alike = (tmp_path / "codes_v1.csv").rename(tmp_path / "old" / "codes_v10.csv")
    dataset = small(tmp_path)
    (other,) = {alike, tmp_path / "codes_v10.csv"} - {dataset.annotation_file}
    reason_of = {r.found: r.reason for r in dataset.repair_rows() if r.column == "file"}
    assert f"{dataset.annotation_file} is read" in reason_of[str(other)]  # names that are alike come with their folders


def test_SheetDataset_tells_renumbered_frames_once(tmp_path):
    """The sheet has the numbers of a long recording, and the files begin with 1."""
    dataset = small(
        write_tree(tmp_path, [(s, v, on + 5000, on + 5001, on + 5003, e, u) for s, v, on, _, _, e, u in ROWS])
    )
    assert not dataset.videos()
    assert len(dataset.unplaced()) == len(ROWS)
    found = [r.reason for r in dataset.repair_rows() if "renumbered" in r.reason]
    assert len(found) == 1
    assert found[0].startswith("the files of 3 of 3 videos are numbered from 1")
    assert not any("renumbered" in text for text in small(write_tree(tmp_path / "right")).repairs())


def test_SheetDataset_counts_a_picture_in_two_formats_once(tmp_path):
    write_tree(tmp_path)
    before = small(tmp_path).videos()
    clip = tmp_path / "faces/sub01/a"
    for number in range(1, 9):
        (clip / f"img{number}.bmp").write_bytes((clip / f"img{number}.jpg").read_bytes())
    assert [video.n_frames for video in small(tmp_path).videos()] == [video.n_frames for video in before]


def test_SheetDataset_tells_files_out_of_order(tmp_path):
    """Each frame under another name, too: position 4 is no longer the image that the sheet calls 5."""
    write_tree(tmp_path)
    clip = tmp_path / "faces/sub01/a"
    for number in range(1, 9):
        (clip / f"img{number}-5.jpg").write_bytes((clip / f"img{number}.jpg").read_bytes())
    (repair,) = (r for r in small(tmp_path).repair_rows() if r.altered)
    assert repair.found == "01/a"
    assert repair.reason.startswith("file number 1 comes after 5: frames are counted along the names")


def test_SheetDataset_searches_five_levels_but_no_person(tmp_path, monkeypatch):
    write_tree(tmp_path / "flat")
    deep = tmp_path / "deep" / "a" / "b" / "c" / "d" / "faces"
    deep.parent.mkdir(parents=True)
    (tmp_path / "flat" / "faces").rename(deep)
    (tmp_path / "flat" / "codes.csv").rename(tmp_path / "deep" / "codes.csv")
    walk = os.walk
    listed = []
    monkeypatch.setattr(os, "walk", lambda folder, *how: listed.append(Path(folder)) or walk(folder, *how))

    dataset = small(tmp_path / "deep")

    assert [v.n_frames for v in dataset.videos()] == [8, 8, 8]
    assert dataset.folder(dataset.videos()[0]).is_relative_to(deep)
    assert deep in listed
    assert not any(folder.name == "a" and folder.parent.name.startswith("sub") for folder in listed)


def reasons(dataset):
    return [(r.row, r.reason) for r in dataset.repair_rows()]


def test_SheetDataset_takes_repeated_row_once(tmp_path):
    write_csv(tmp_path / "codes.csv", [HEAD, *ROWS, ROWS[0], (*ROWS[1][:5], "anger", "6+12")])
    dataset = small(annotations=str(tmp_path / "codes.csv"))
    assert [len(v.expressions) for v in dataset.videos()] == [1, 2, 1]
    assert (5, "equals row 2 in every cell: one expression, left out") in reasons(dataset)
    assert (6, "the same interval as in row 3") in reasons(dataset)


def test_SheetDataset_repeats_values_of_merged_cells(tmp_path):
    book = openpyxl.Workbook()
    for row in (HEAD, ROWS[0], (None, *ROWS[1][1:]), ROWS[2]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "codes.xlsx")
    dataset = small(annotations=str(tmp_path / "codes.xlsx"))
    assert [v.key for v in dataset.videos()] == ["small/01/a", "small/01/b", "small/02/a"]
    assert (3, "merged with the cell above") in reasons(dataset)


def test_SheetDataset_lists_sums_unread_columns_and_hidden_signs(tmp_path):
    rows = [
        (*HEAD, "Coder"),
        *((*row, "x") for row in ROWS[:2]),
        ("02\u200b", *ROWS[2][1:], "y"),
        ("Total", "", 6, 9, 15, "", "", ""),
    ]
    write_csv(tmp_path / "codes.csv", rows)
    dataset = small(annotations=str(tmp_path / "codes.csv"))
    assert len(dataset.annotations) == 3
    assert dataset.annotations[2].subject == "02"
    found = reasons(dataset)
    assert (4, "1 sign that is not shown (U+200B) left out") in found
    assert (5, "a remark, not an annotation: skipped") in found
    of_columns = [r for r in dataset.repair_rows() if r.column == "columns"]
    assert [(r.found, r.reason) for r in of_columns] == [("Coder", "not read")]


def test_SheetDataset_reports_lacking_names_once_a_column(tmp_path):
    rows = [("1" if n == 0 else "", f"v{n}", 2, 3, 5, "fear", "4") for n in range(9)]
    write_csv(tmp_path / "codes.csv", [HEAD, *rows])
    dataset = small(annotations=str(tmp_path / "codes.csv"))
    (repair,) = [r for r in dataset.repair_rows() if r.column == "Subject" and r.taken is None]
    assert repair.altered
    assert repair.row is None
    assert repair.reason.startswith("8 of 9 rows name none")
    assert len(dataset.unplaced()) == 8


@pytest.mark.parametrize(("onset", "offset", "placed"), [(7, 12, False), (5, 10, True), (1, 900, False), (8, 9, True)])
def test_SheetDataset_refuses_marks_mostly_outside_the_video(tmp_path, onset, offset, placed):
    """Of 8 frames. SMIC's third movements stand in the columns of the first and last frame in a copy that is in circulation."""
    dataset = small(write_tree(tmp_path, [("1", "a", onset, "", offset, "fear", "")]))
    assert bool(dataset.videos()) == placed
    assert [u.reason for u in dataset.unplaced()] == ([] if placed else ["most of the interval lies outside the video"])


def test_SheetDataset_and_read_truth_tell_the_same(tmp_path):
    path = tmp_path / "codes.xlsx"
    write_xlsx(
        path, {"codes": [("note",), (*HEAD, "Coder"), *((*row, "x") for row in [*ROWS, ROWS[0]]), ("Sum", "", 9, 9, 9)]}
    )
    dataset = small(annotations=str(path))
    remarks = Remarks()
    truth, _ = answers.read_truth(path, Rules(), remarks, [dataset])
    rows = [(v.subject, v.id, e.onset + 1, e.offset + 1) for v in dataset.videos() for e in v.expressions]
    assert sorted(truth.intervals[["subject", "video", "onset", "offset"]].itertuples(index=False, name=None)) == rows
    repaired = [line.removeprefix("truth: ") for line in remarks.repaired]
    assert {str(repair) for repair in dataset.sheet_repairs} <= set(repaired)


def test_SheetDataset_marks_action_units_turned_into_dates(tmp_path):
    write_csv(tmp_path / "codes.csv", [HEAD, (*ROWS[0][:6], "2024-04-12T00:00:00")])
    dataset = small(annotations=str(tmp_path / "codes.csv"))
    assert dataset.annotations[0].units == ()
    (repair,) = [r for r in dataset.repair_rows() if r.column == "AU"]
    assert repair.altered
    assert repair.reason.startswith("a date, which a spreadsheet program made of action units")


@pytest.mark.parametrize(("first", "n", "numbered"), [(0, 8, True), (1, 8, False), (0, 7, False)])
def test_SheetDataset_reads_images_that_count_from_0(tmp_path, first, n, numbered):
    """The release counts from 1: a picture 0 says that the files were renumbered, unless an expression ends beyond their number."""
    root = write_tree(tmp_path, [("1", "a", 3, 5, 8, "fear", "")], n=0)
    for number in range(first, first + n):
        cv2.imwrite(str(root / f"faces/sub01/a/img{number}.jpg"), np.full((8, 8), 20 * number, np.uint8))
    dataset = small(root)
    (video,) = dataset.videos()
    (expression,) = video.expressions
    found = [r.reason for r in dataset.repair_rows() if "numbered from 0, and those of the release from 1" in r.reason]
    assert len(found) == numbered
    if n == 8:  # the release's third picture, whatever it is called
        assert (expression.onset, expression.offset) == (2, 7)
        assert round(dataset.frames(video)[expression.onset].mean() / 20) == first + 2
