"""An entry is valid or absent, whatever happens to its files or to the process that writes it."""

import json
import os
import pickle
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.features import FeatureStore, entry
from mebench.features.entry import Draft, Key
from mebench.features.versions import opencv_version

KEY = Key("flow", "casme2", "1", "casme2/s1/v1", "frames", "steps", opencv_version())
ARRAY = np.arange(60, dtype=np.float16).reshape(5, 4, 3)


def draft(array=ARRAY, extra=None):
    return Draft(array.shape, array.dtype, (row[None] for row in array), extra or {})


def never():
    pytest.fail("it is there, so there is nothing to build")


@pytest.fixture
def filled(store):
    store.fetch(KEY, draft)
    return store


def test_an_entry_is_built_once_and_read_back(store):
    cold = store.fetch(KEY, lambda: draft(extra={"box": [1, 2, 3, 4]}))
    warm = FeatureStore(store.root).fetch(KEY, never)
    for array, extra in (cold, warm):
        assert isinstance(array, np.memmap)
        assert array.dtype == np.float16
        np.testing.assert_array_equal(array, ARRAY)
        assert extra == {"box": [1, 2, 3, 4]}
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_array_is_a_plain_npy_file(filled):
    np.testing.assert_array_equal(np.load(filled.files(KEY).data), ARRAY)


@pytest.mark.parametrize("shape", [(0, 42, 42, 3), (3, 0), ()])
def test_arrays_without_rows_or_axes(store, shape):
    array = store.fetch(KEY, lambda: Draft(shape, np.float16, [np.ones(shape)])).array
    assert array.shape == shape
    np.testing.assert_array_equal(array, np.ones(shape))


def test_every_part_of_the_key_matters(filled):
    for field in ("dataset", "revision", "video", "frames", "steps", "opencv", "landmarks", "clip"):
        assert filled.read(replace(KEY, **{field: "other"})) is None
    assert filled.read(replace(KEY, stage="crops")) is None


def truncate(files):
    os.truncate(files.data, files.data.stat().st_size - 1)


def flip_a_byte_of_the_header(files):
    flip(files.data, 60)


def lose_the_marker(files):
    files.marker.unlink()


def lose_the_array(files):
    files.data.unlink()


def cut_the_marker(files):
    os.truncate(files.marker, 40)


def change_a_number_of_the_marker(files):
    files.marker.write_text(files.marker.read_text().replace("[5, 4, 3]", "[4, 5, 3]"))


def swap_in_another_entry(files):
    other = json.loads(files.marker.read_text())
    other["about"]["key"]["video"] = "casme2/s1/v2"
    other["check"] = entry._hash(entry._canonical(other["about"]))
    files.marker.write_text(json.dumps(other))


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_byte_of_the_header,
        lose_the_marker,
        lose_the_array,
        cut_the_marker,
        change_a_number_of_the_marker,
        swap_in_another_entry,
    ],
)
def test_a_damaged_entry_is_absent_and_is_built_anew_with_a_warning(filled, damage):
    damage(filled.files(KEY))
    assert not filled.holds(KEY)
    assert filled.read(KEY) is None
    with pytest.warns(UserWarning, match="the stored flow of casme2/s1/v1 is damaged"):
        again = filled.fetch(KEY, draft).array
    np.testing.assert_array_equal(again, ARRAY)
    assert filled.holds(KEY)
    assert filled.verify(deep=True) == []


def test_only_a_deep_look_sees_a_flipped_number(filled):
    files = filled.files(KEY)
    flip(files.data, files.data.stat().st_size - 1)
    assert filled.verify() == []
    (damaged,) = filled.verify(deep=True, remove=True)
    assert KEY.digest() in damaged
    assert not filled.holds(KEY)


def leftovers(store):
    return [path.name for path in store.root.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_full_disk_is_told_and_leaves_nothing(store, monkeypatch):
    real = entry._write_all
    written = []

    def full_after_two_rows(file, piece):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(piece)
        real(file, piece)

    monkeypatch.setattr(entry, "_write_all", full_after_two_rows)
    with pytest.raises(DataError, match=r"No space left on device.*cache=DIR") as error:
        store.fetch(KEY, draft)
    assert str(store.root) in str(error.value)
    assert leftovers(store) == []
    monkeypatch.undo()
    np.testing.assert_array_equal(store.fetch(KEY, draft).array, ARRAY)


@pytest.mark.parametrize("limit", [100, 300])  # in the header of the array; in the marker
def test_when_the_system_refuses_a_write(store, limit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(DataError, match="cache=DIR"):
            store.fetch(KEY, draft)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert leftovers(store) == []
    assert not store.holds(KEY)


def test_a_store_in_the_place_of_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write to the feature store"):
        FeatureStore(tmp_path / "file").fetch(KEY, draft)


def test_an_error_while_building_leaves_nothing_and_passes_through(store):
    def rows():
        yield ARRAY[:1]
        raise DataError("frame 1 is unreadable")

    with pytest.raises(DataError, match="frame 1 is unreadable"):
        store.fetch(KEY, lambda: Draft(ARRAY.shape, ARRAY.dtype, rows()))
    assert leftovers(store) == []


def test_too_few_blocks_are_a_mistake_of_the_builder(store):
    with pytest.raises(ValueError, match="bytes"):
        store.fetch(KEY, lambda: Draft((6, 4, 3), ARRAY.dtype, [ARRAY]))
    assert not store.holds(KEY)


WRITER = """
import sys, time
import numpy as np
from mebench.features import FeatureStore
from mebench.features.entry import Draft, Key
key, array = Key(*sys.argv[2:9]), np.arange(60, dtype=np.float16).reshape(5, 4, 3)

def build():
    print("built", flush=True)
    time.sleep(0.5)  # long enough for the others to ask
    return Draft(array.shape, array.dtype, [array])

assert (FeatureStore(sys.argv[1]).fetch(key, build).array == array).all()
"""


def test_processes_that_ask_at_once_compute_it_once(store):
    values = [KEY.stage, KEY.dataset, KEY.revision, KEY.video, KEY.frames, KEY.steps, KEY.opencv]
    command = [sys.executable, "-c", WRITER, str(store.root), *values]
    askers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [asker.communicate(timeout=60)[0] for asker in askers]
    assert [asker.returncode for asker in askers] == [0, 0, 0]
    assert "".join(said) == "built\n"
    np.testing.assert_array_equal(store.fetch(KEY, never).array, ARRAY)
    assert store.verify(deep=True) == []


def test_what_a_killed_writer_left_is_pruned_and_valid_entries_stay(filled):
    files = filled.files(replace(KEY, video="killed"))
    files.stem.parent.mkdir(parents=True, exist_ok=True)
    half = files.stem.with_name(f"{files.stem.name}.4711.tmp")
    half.write_bytes(b"half an array")
    other = filled.files(replace(KEY, video="no marker"))
    other.stem.parent.mkdir(parents=True, exist_ok=True)
    other.data.write_bytes(b"12345")
    removed = filled.prune()
    assert (removed.entries, removed.bytes) == (1, 5)
    assert not half.exists()
    assert filled.holds(KEY)


def test_prune_removes_what_another_opencv_made_and_what_nobody_read(filled):
    filled.fetch(replace(KEY, opencv="3.4.0"), draft)
    old = replace(KEY, video="old")
    filled.fetch(old, draft)
    month_ago = time.time() - 30 * 24 * 3600
    os.utime(filled.files(old).marker, (month_ago, month_ago))
    assert filled.prune().entries == 1
    assert filled.holds(old)
    assert filled.prune(unused_days=7).entries == 1
    assert not filled.holds(old)
    assert filled.holds(KEY)


def test_reading_counts_as_use(filled):
    marker = filled.files(KEY).marker
    os.utime(marker, (0, 0))
    filled.read(KEY)
    assert filled.prune(unused_days=1).entries == 0


def test_prune_leaves_what_is_being_computed(store):
    def build():
        (store.files(KEY).stem.with_name(f"{KEY.digest()}.1.tmp")).touch()
        assert store.prune().entries == 0
        return draft()

    np.testing.assert_array_equal(store.fetch(KEY, build).array, ARRAY)


def test_info_counts_entries_and_bytes(store):
    assert (store.info().entries, store.info().bytes) == (0, 0)
    store.fetch(KEY, draft)
    store.fetch(replace(KEY, stage="crops"), draft)
    assert store.info().entries == 2
    on_disk = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    assert store.info().bytes == on_disk


def test_a_store_travels_to_workers_as_its_folder(filled):
    there = pickle.loads(pickle.dumps(filled))
    assert there.root == filled.root
    assert there.holds(KEY)
