"""Files of OpenFace: whose each one is, what is read, and how wrong ones are reported."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mebench.datasets.cas_me2 import dataset as cas_me2

from mebench.annotations import ACTION_UNITS, UNITS, SheetParams, openface
from mebench.core import Video
from mebench.errors import DataError


def write(path, n=5, seed=0, drop=(), **columns):
    """What FeatureExtraction writes, a few of its 700 columns: names and numbers after comma and space."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"frame": range(1, n + 1), "confidence": 0.98, "success": 1, "pose_Tx": 0.5})
    for unit in UNITS:
        table[unit] = rng.uniform(0, 5, n).round(2)
    table = table.assign(AU45_c=0, **columns).drop(columns=list(drop))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(", ".join(map(str, row)) for row in [table.columns, *table.to_numpy()]) + "\n")
    return None if columns else table[[u for u in UNITS if u not in drop]].to_numpy(np.float32)


def units(folder, subject, id_, n_frames=5, images=(), name=None):
    """Of a video whose frames lie in a folder of that name."""
    video = Video("d", subject, id_, 30.0, n_frames)
    return openface.OpenFaceFiles(str(folder)).read_units(video, None if name is None else Path("/data") / name, images)


def test_OpenFaceFiles_intensities_keep_the_order(tmp_path):
    written = write(tmp_path / "s15" / "15_0401girlcrashing.csv")
    found = units(tmp_path, "s15", "15_0401", name="15_0401girlcrashing")
    np.testing.assert_array_equal(found, written)
    assert found.shape == (5, 17)
    assert found.dtype == np.float32


def test_OpenFaceFiles_finds_videos_by_folder_or_id(tmp_path):
    first, second = (write(tmp_path / f"{name}.csv", seed=i) for i, name in enumerate(("006_1", "006_10")))
    np.testing.assert_array_equal(units(tmp_path, "006", "006_1"), first)
    np.testing.assert_array_equal(units(tmp_path, "006", "006_10", None), second)


def test_OpenFaceFiles_tells_equal_names_apart_by_subject(tmp_path):
    own = [write(tmp_path / f"sub0{i}" / "EP02_01f.csv", seed=i) for i in (1, 2)]
    for i, written in zip((1, 2), own):
        for subject in (f"sub0{i}", f"0{i}", f"{i}"):
            np.testing.assert_array_equal(units(tmp_path, subject, "EP02_01f"), written)
    with pytest.raises(DataError, match="d/03/EP02_01f has no file below"):  # neither is theirs
        units(tmp_path, "03", "EP02_01f")
    write(tmp_path / "copy" / "sub01" / "EP02_01f.csv")
    with pytest.raises(
        DataError, match=r"copy/sub01/EP02_01f.csv, sub01/EP02_01f.csv below .* name its file 01/EP02_01f.csv"
    ):
        units(tmp_path, "01", "EP02_01f")


def test_OpenFaceFiles_tells_equal_folders_apart_by_parents(tmp_path):
    """CAS(ME)3 has its frames in spNO.1/a/color."""
    own = {id_: write(tmp_path / "spNO.1" / id_ / "color.csv", seed=seed) for seed, id_ in enumerate("abc")}
    write(tmp_path / "spNO.11" / "a" / "color.csv", seed=9)
    for id_, written in own.items():
        np.testing.assert_array_equal(units(tmp_path, "spNO.1", id_, name="color"), written)


def test_OpenFaceFiles_refuses_names_sorted_otherwise(tmp_path):
    """It sorts them as words."""
    write(tmp_path / "v.csv", n=3)
    assert len(units(tmp_path, "s", "v", 3, ["img01.jpg", "img02.jpg", "img10.jpg"])) == 3
    with pytest.raises(DataError, match=r"img10.jpg would come first, not img2.jpg. Give copies numbers of one length"):
        units(tmp_path, "s", "v", 3, ["img2.jpg", "img3.jpg", "img10.jpg"])


def test_OpenFaceFiles_takes_first_face_and_zeros_gaps(tmp_path):
    written = write(tmp_path / "v.csv", n=4)
    lines = (tmp_path / "v.csv").read_text().splitlines()
    cells = lines[2].split(", ")
    cells[4] = "nan"
    (tmp_path / "v.csv").write_text("\n".join([*lines[:2], ", ".join(cells), lines[2], *lines[3:]]))
    written[1, 0] = 0
    np.testing.assert_array_equal(units(tmp_path, "s", "v", 4), written)


def test_OpenFaceFiles_fingerprint_holds_names_and_numbers(tmp_path):
    write(tmp_path / "a" / "v.csv")
    first = openface.OpenFaceFiles(str(tmp_path)).fingerprint()
    assert openface.OpenFaceFiles(str(tmp_path)).fingerprint() == first
    write(tmp_path / "a" / "v.csv", seed=1)
    second = openface.OpenFaceFiles(str(tmp_path)).fingerprint()
    (tmp_path / "a" / "v.csv").rename(tmp_path / "a" / "w.csv")
    assert len({first, second, openface.OpenFaceFiles(str(tmp_path)).fingerprint()}) == 3


def test_OpenFaceFiles_names_wrong_folders_and_files(tmp_path):
    with pytest.raises(DataError, match=r"dataset.openface=\S+/none is not a folder: expected one file"):
        openface.OpenFaceFiles(str(tmp_path / "none"))
    with pytest.raises(DataError, match="holds no CSV file"):
        openface.OpenFaceFiles(str(tmp_path))
    write(tmp_path / "short.csv", n=3)
    write(tmp_path / "lacks.csv", drop=["AU09_r"])
    write(tmp_path / "word.csv", AU04_r="often")
    write(tmp_path / "gap.csv", frame=[1, 2, 4, 5, 6])
    (tmp_path / "empty.csv").write_text("")
    for name, message in {
        "short": r"short.csv has 3 frames, and d/s/short has 5",
        "gap": r"gap.csv has frame 4 after frame 2: expected one row for each",
        "lacks": r"lacks.csv has no column AU09_r: expected what OpenFace's FeatureExtraction writes",
        "word": r"word.csv has an intensity that is not a number",
        "empty": r"empty.csv cannot be read as OpenFace's CSV",
        "gone": r"d/s/gone has no file below dataset.openface=\S+: expected s/gone.csv",
    }.items():
        with pytest.raises(DataError, match=message):
            units(tmp_path, "s", name)


def test_OpenFaceFiles_enter_dataset_and_its_revision(tmp_path):
    """And they are part of what it is: other files, another revision, another run."""
    drawn, faces = tmp_path / "drawn", tmp_path / "faces"
    cas_me2.CasMe2.write_fake_tree(drawn)
    without = cas_me2.CasMe2(SheetParams(str(drawn)))
    written = {
        video.key: write(faces / video.subject / f"{without.folder(video).name}.csv", video.n_frames, seed)
        for seed, video in enumerate(without.videos())
    }
    dataset = cas_me2.CasMe2(SheetParams(str(drawn), openface=str(faces)))
    for video in dataset.videos():
        np.testing.assert_array_equal(dataset.provided(video, ACTION_UNITS), written[video.key])
        assert dataset.provided(video, "motion_of_regions") is without.provided(video, ACTION_UNITS) is None
    assert dataset.revision.startswith(f"{without.revision}-openface-")
