"""Files of OpenFace: which is whose, what is read, and what is said of wrong ones."""

import numpy as np
import pandas as pd
import pytest
from mebench.datasets.cas_me2.dataset import CasMe2

from mebench.annotations import ACTION_UNITS, UNITS, SheetParams
from mebench.annotations.openface import OpenFaceFiles
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


def test_intensities_are_read_in_openfaces_order(tmp_path):
    units = write(tmp_path / "s15" / "15_0401girlcrashing.csv")
    found = OpenFaceFiles(str(tmp_path)).units("s15", ["15_0401girlcrashing", "15_0401"], 5)
    np.testing.assert_array_equal(found, units)
    assert found.shape == (5, 17) and found.dtype == np.float32


def test_a_video_is_found_by_folder_or_id_but_by_no_longer_number(tmp_path):
    first, second = (write(tmp_path / f"{name}.csv", seed=i) for i, name in enumerate(("006_1", "006_10")))
    files = OpenFaceFiles(str(tmp_path))
    np.testing.assert_array_equal(files.units("006", ["006_1"], 5), first)
    np.testing.assert_array_equal(files.units("006", ["006_10"], None), second)
    write(tmp_path / "15_0401girlcrashing.csv", seed=2)
    assert len(OpenFaceFiles(str(tmp_path)).units("s15", ["15_0401"], 5)) == 5


def test_clips_of_one_name_are_told_apart_by_their_subjects(tmp_path):
    own = [write(tmp_path / f"sub0{i}" / "EP02_01f.csv", seed=i) for i in (1, 2)]
    files = OpenFaceFiles(str(tmp_path))
    for i, units in zip((1, 2), own):
        for subject in (f"sub0{i}", f"0{i}", f"{i}"):
            np.testing.assert_array_equal(files.units(subject, ["EP02_01f"], 5), units)
    with pytest.raises(DataError, match=r"sub01/EP02_01f.csv, sub02/EP02_01f.csv .* could all be 03/EP02_01f"):
        files.units("03", ["EP02_01f"], 5)


def test_of_several_faces_the_first_counts_and_what_is_missing_is_zero(tmp_path):
    units = write(tmp_path / "v.csv", n=4)
    lines = (tmp_path / "v.csv").read_text().splitlines()
    cells = lines[2].split(", ")
    cells[4] = "nan"
    (tmp_path / "v.csv").write_text("\n".join([*lines[:2], ", ".join(cells), lines[2], *lines[3:]]))
    found = OpenFaceFiles(str(tmp_path)).units("s", ["v"], 4)
    units[1, 0] = 0
    np.testing.assert_array_equal(found, units)


def test_the_fingerprint_knows_names_and_numbers(tmp_path):
    write(tmp_path / "a" / "v.csv")
    first = OpenFaceFiles(str(tmp_path)).fingerprint()
    assert OpenFaceFiles(str(tmp_path)).fingerprint() == first
    write(tmp_path / "a" / "v.csv", seed=1)
    second = OpenFaceFiles(str(tmp_path)).fingerprint()
    (tmp_path / "a" / "v.csv").rename(tmp_path / "a" / "w.csv")
    assert len({first, second, OpenFaceFiles(str(tmp_path)).fingerprint()}) == 3


def test_wrong_folders_and_files_are_told(tmp_path):
    with pytest.raises(DataError, match=r"dataset.openface=\S+/none is no folder: expected one file"):
        OpenFaceFiles(str(tmp_path / "none"))
    with pytest.raises(DataError, match="holds no CSV file"):
        OpenFaceFiles(str(tmp_path))
    write(tmp_path / "short.csv", n=3)
    write(tmp_path / "lacks.csv", drop=["AU09_r"])
    write(tmp_path / "word.csv", AU04_r="often")
    (tmp_path / "empty.csv").write_text("")
    files = OpenFaceFiles(str(tmp_path))
    for name, said in {
        "short": r"short.csv has 3 frames, and the video s/short has 5",
        "lacks": r"lacks.csv has no column AU09_r: expected what OpenFace's FeatureExtraction writes",
        "word": r"word.csv has an intensity that is no number",
        "empty": r"empty.csv cannot be read as OpenFace's CSV",
        "gone": r"s/gone has no file below dataset.openface=\S+: expected gone.csv",
    }.items():
        with pytest.raises(DataError, match=said):
            files.units("s", [name], 5)


def test_a_dataset_brings_them_for_its_frames(tmp_path):
    """And they are part of what it is: other files, another revision, another run."""
    drawn, faces = tmp_path / "drawn", tmp_path / "faces"
    CasMe2.write_fake_tree(drawn)
    without = CasMe2(SheetParams(str(drawn)))
    units = {
        video.key: write(faces / video.subject / f"{without.folder(video).name}.csv", video.n_frames, seed)
        for seed, video in enumerate(without.videos())
    }
    dataset = CasMe2(SheetParams(str(drawn), openface=str(faces)))
    for video in dataset.videos():
        np.testing.assert_array_equal(dataset.provided(video, ACTION_UNITS), units[video.key])
        assert dataset.provided(video, "motion_of_regions") is without.provided(video, ACTION_UNITS) is None
    assert dataset.revision.startswith(f"{without.revision}-openface-")
