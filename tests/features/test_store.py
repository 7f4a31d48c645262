"""An entry is valid or absent, whatever happens to its files or to the process that writes it."""

import json
import logging.handlers
import os
import pickle
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.features import FeatureStore, store as module
from mebench.features.base import opencv_version
from mebench.features.store import Draft, Key

KEY = Key("flow", "casme2", "1", "casme2/s1/v1", "frames", "steps", opencv_version())
VALUES = [KEY.stage, KEY.dataset, KEY.revision, KEY.video, KEY.frames, KEY.steps, KEY.opencv]
ARRAY = np.arange(60, dtype=np.float16).reshape(5, 4, 3)


def draft(array=ARRAY, extra=None):
    return Draft(array.shape, array.dtype, (row[None] for row in array), extra or {})


def never():
    pytest.fail("it is there, so there is nothing to build")


@pytest.fixture
def filled(store):
    store.fetch(KEY, draft)
    return store


@pytest.fixture
def warnings():
    """What the store logs."""
    handler = logging.handlers.BufferingHandler(capacity=1000)
    logger = logging.getLogger("mebench.features.store")
    logger.addHandler(handler)
    yield handler.buffer
    logger.removeHandler(handler)


@pytest.mark.skipif(not hasattr(os, "O_NOATIME"), reason="this system keeps times of reading")
def test_read_leaves_no_time_at_an_entry(filled):
    """Folds that are handed the open file would see who has asked for it before."""
    data = filled.files(KEY).data
    os.utime(data, (0, data.stat().st_mtime))
    assert FeatureStore(filled.root).read(KEY).array.sum() == ARRAY.sum()
    assert data.stat().st_atime == 0


def test_fetch_builds_an_entry_once(store):
    cold = store.fetch(KEY, lambda: draft(extra={"box": [1, 2, 3, 4]}))
    warm = FeatureStore(store.root).fetch(KEY, never)
    for array, extra in (cold, warm):
        assert isinstance(array, np.memmap)
        assert array.dtype == np.float16
        np.testing.assert_array_equal(array, ARRAY)
        assert extra == {"box": [1, 2, 3, 4]}
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_fetch_stores_a_plain_npy_file(filled):
    np.testing.assert_array_equal(np.load(filled.files(KEY).data), ARRAY)


@pytest.mark.parametrize("shape", [(0, 42, 42, 3), (3, 0), ()])
def test_fetch_takes_arrays_without_rows_or_axes(store, shape):
    array = store.fetch(KEY, lambda: Draft(shape, np.float16, [np.ones(shape)])).array
    assert array.shape == shape
    np.testing.assert_array_equal(array, np.ones(shape))


def test_read_depends_on_every_part_of_the_key(filled):
    for field in ("dataset", "revision", "video", "frames", "steps", "opencv", "dlib", "landmarks", "clip"):
        assert filled.read(replace(KEY, **{field: "other"})) is None
    assert filled.read(replace(KEY, fps=30.0)) is None
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
    other["check"] = module.hash_facts(other["about"])
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
def test_fetch_rebuilds_damaged_entries_with_a_warning(filled, damage, warnings):
    damage(filled.files(KEY))
    assert not filled.holds_entry(KEY)
    assert filled.read(KEY) is None
    again = filled.fetch(KEY, draft).array
    (warning,) = [record.getMessage() for record in warnings]
    assert warning.startswith("the stored flow of casme2/s1/v1 is damaged (")
    assert "\n" not in warning
    np.testing.assert_array_equal(again, ARRAY)
    assert filled.holds_entry(KEY)
    assert not any(reason for _, reason in module.verify_entries(filled, deep=True))


@pytest.mark.parametrize("position", [200, -1])
def test_read_refuses_flipped_bits(filled, position, warnings):
    """Neither by a process that opens the entry later nor by one that had it open before."""
    files = filled.files(KEY)
    flip(files.data, position)
    for store in (FeatureStore(filled.root), filled):
        assert store.read(KEY) is None
    np.testing.assert_array_equal(FeatureStore(filled.root).fetch(KEY, draft).array, ARRAY)
    assert any("its array is damaged" in record.getMessage() for record in warnings)
    np.testing.assert_array_equal(filled.fetch(KEY, never).array, ARRAY)


def test_read_hashes_an_array_once_a_process(filled, monkeypatch):
    looks = []
    check = module.EntryFiles.check
    monkeypatch.setattr(
        module.EntryFiles, "check", lambda files, key=None, deep=False: (looks.append(deep), check(files, key, deep))[1]
    )
    store = FeatureStore(filled.root)
    for _ in range(3):
        store.read(KEY)
    assert looks == [True, False, False]


def leftovers(store):
    return [path.name for path in store.root.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_fetch_on_a_full_disk_leaves_nothing(store, monkeypatch):
    real = module.write_all
    written = []

    class Full:
        def write(self, piece):
            raise OSError(28, "No space left on device")

    def full_after_two_rows(file, folder, piece):
        written.append(piece)
        real(Full() if len(written) == 4 else file, folder, piece)

    monkeypatch.setattr(module, "write_all", full_after_two_rows)
    with pytest.raises(DataError, match=r"No space left on device.*cache=DIR") as error:
        store.fetch(KEY, draft)
    assert str(store.root) in str(error.value)
    assert leftovers(store) == []
    assert not store.files(KEY).lock.exists()
    monkeypatch.undo()
    np.testing.assert_array_equal(store.fetch(KEY, draft).array, ARRAY)


@pytest.mark.parametrize("limit", [100, 300])  # in the header of the array; in the marker
def test_fetch_says_so_where_the_system_refuses_a_write(store, limit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(DataError, match="cache=DIR"):
            store.fetch(KEY, draft)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert leftovers(store) == []
    assert not store.holds_entry(KEY)


def test_fetch_names_a_store_in_place_of_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write to the feature store"):
        FeatureStore(tmp_path / "file").fetch(KEY, draft)


def test_fetch_leaves_nothing_after_an_error_in_building(store):
    def rows():
        yield ARRAY[:1]
        raise DataError("frame 1 is unreadable")

    with pytest.raises(DataError, match="frame 1 is unreadable"):
        store.fetch(KEY, lambda: Draft(ARRAY.shape, ARRAY.dtype, rows()))
    assert leftovers(store) == []


def test_fetch_refuses_too_few_blocks(store):
    with pytest.raises(ValueError, match="bytes"):
        store.fetch(KEY, lambda: Draft((6, 4, 3), ARRAY.dtype, [ARRAY]))
    assert not store.holds_entry(KEY)


SLOW_WRITER = """
import sys, time
import numpy as np
from mebench.features import FeatureStore
from mebench.features.store import Draft, Key
key, array = Key(*sys.argv[2:9]), np.arange(60, dtype=np.float16).reshape(5, 4, 3)

def rows():
    for row in array:
        yield row[None]
        print("row", flush=True)
        time.sleep(60 if row[0, 0] > 20 else 0)

FeatureStore(sys.argv[1]).fetch(key, lambda: Draft(array.shape, array.dtype, rows()))
"""


def test_fetch_killed_while_writing_leaves_nothing_readable(store):
    command = [sys.executable, "-c", SLOW_WRITER, str(store.root), *VALUES]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert [writer.stdout.readline() for _ in range(3)] == ["row\n"] * 3
    finally:
        writer.kill()
        writer.communicate()
    assert [Path(name).suffix for name in leftovers(store)] == [".tmp"]
    assert store.read(KEY) is None
    np.testing.assert_array_equal(store.fetch(KEY, draft).array, ARRAY)  # the lock died with its holder
    assert sorted(Path(name).suffix for name in leftovers(store)) == [".json", ".npy"]
    assert not any(reason for _, reason in module.verify_entries(store, deep=True))


WRITER = """
import sys, time
import numpy as np
from mebench.features import FeatureStore
from mebench.features.store import Draft, Key
key, array = Key(*sys.argv[2:9]), np.arange(60, dtype=np.float16).reshape(5, 4, 3)

def build():
    print("built", flush=True)
    time.sleep(0.5)  # long enough for the others to ask
    return Draft(array.shape, array.dtype, [array])

assert (FeatureStore(sys.argv[1]).fetch(key, build).array == array).all()
"""


def test_fetch_at_once_in_processes_computes_once(store):
    command = [sys.executable, "-c", WRITER, str(store.root), *VALUES]
    askers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [asker.communicate(timeout=60)[0] for asker in askers]
    assert [asker.returncode for asker in askers] == [0, 0, 0]
    assert "".join(printed) == "built\n"
    np.testing.assert_array_equal(store.fetch(KEY, never).array, ARRAY)
    assert not any(reason for _, reason in module.verify_entries(store, deep=True))


@pytest.mark.parametrize("keep_flow", [False, True])
def test_FeatureStore_pickles_as_its_folder(filled, keep_flow):
    filled.keep_flow = keep_flow
    there = pickle.loads(pickle.dumps(filled))
    assert (there.root, there.keep_flow) == (filled.root, keep_flow)
    assert there.holds_entry(KEY)


@pytest.mark.parametrize("shape", [(5, 4, 3), (0, 4, 3)])
def test_unnamed_array_is_in_no_file_left(store, shape):
    wanted = np.resize(ARRAY, shape)
    found = store.map_unnamed_file(Draft(shape, np.float32, (row[None] for row in wanted)))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)
    assert list(store.root.iterdir()) == []
    assert isinstance(found, np.memmap) == bool(found.size)


def test_unnamed_on_a_full_disk_says_so(store):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        with pytest.raises(DataError, match="cache=DIR"):
            store.map_unnamed_file(draft())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def temporary(store):
    return [path.name for path in store.root.rglob("*") if path.suffix in (".tmp", ".lock")]


def test_fetch_computes_again_if_the_store_vanishes(store):
    """Somebody removes the whole store twice while an array is written."""
    removed = []

    def draft_and_remove():
        def blocks():
            if len(removed) < 2:
                removed.append(shutil.rmtree(store.root))
            yield ARRAY

        return Draft(ARRAY.shape, ARRAY.dtype, blocks())

    np.testing.assert_array_equal(store.fetch(KEY, draft_and_remove).array, ARRAY)
    assert len(removed) == 2
    assert temporary(store) == []


def test_fetch_gives_up_if_the_store_keeps_vanishing(store):
    def draft_and_remove():
        shutil.rmtree(store.root)
        return draft()

    with pytest.raises(DataError, match="was removed again and again while it was written to: leave it there"):
        store.fetch(KEY, draft_and_remove)


def test_fetch_names_temporary_files_by_machine(store, monkeypatch):
    """Though their processes have one number."""
    names = []
    replace_path = Path.replace

    def noted(path, target):
        names.append(path.name)
        return replace_path(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    monkeypatch.setattr(module.socket, "gethostname", lambda: "cluster-7.example")
    for steps in "ab":
        store.fetch(replace(KEY, steps=steps), draft)
    assert len(set(names)) == 4
    assert all(f".cluster-7.example-{os.getpid()}-" in name for name in names)
    assert temporary(store) == []
