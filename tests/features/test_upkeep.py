"""What a store holds, whether it is sound, and what goes when it is pruned."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from mebench.features.base import dlib_version, opencv_version
from mebench.features.store import LEFTOVER, Draft, Key, StoreInfo, prune_entries, store_contents, verify_entries

KEY = Key("flow", "casme2", "1", "casme2/s1/v1", "frames", "steps", opencv_version(), dlib_version())
CROPS = replace(KEY, stage="crops")
SAMM = replace(KEY, dataset="samm", video="samm/1/1")
ARRAY = np.arange(60, dtype=np.float16).reshape(5, 4, 3)


def draft():
    return Draft(ARRAY.shape, ARRAY.dtype, [ARRAY])


@pytest.fixture
def filled(store):
    for key in (KEY, CROPS, SAMM):
        store.fetch(key, draft)
    return store


def age(store, key, days):
    then = time.time() - days * 24 * 3600
    os.utime(store.files(key).marker, (then, then))


def kept(store):
    return {key for key in (KEY, CROPS, SAMM) if store.holds_entry(key)}


def leave_half_an_entry(store):
    files = store.files(replace(KEY, video="killed"))
    files.stem.parent.mkdir(parents=True, exist_ok=True)
    half = files.stem.with_name(f"{files.stem.name}.4711.tmp")
    half.write_bytes(b"half an array")
    return half


def bytes_on_disk(store):
    return sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())


def test_store_contents_counts_by_dataset_and_stage(filled):
    leave_half_an_entry(filled)
    found = store_contents(filled)
    assert {part: about.entries for part, about in found.items()} == {
        ("casme2", "crops"): 1,
        ("casme2", "flow"): 1,
        ("samm", "flow"): 1,
        LEFTOVER: 1,
    }
    assert sum(about.bytes for about in found.values()) == bytes_on_disk(filled)
    assert list(found)[-1] == LEFTOVER


def test_store_contents_and_prune_entries_of_empty_store(store):
    assert store_contents(store) == {}
    assert prune_entries(store, everything=True) == StoreInfo()
    assert list(verify_entries(store)) == []


def test_verify_entries_finds_cut_arrays_and_flipped_bits(filled):
    os.truncate(filled.files(SAMM).data, 100)
    data = filled.files(KEY).data
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)

    def damaged(deep):
        return {files.stem for files, reason in verify_entries(filled, deep) if reason}

    assert damaged(deep=False) == {filled.files(SAMM).stem}
    assert damaged(deep=True) == {filled.files(SAMM).stem, filled.files(KEY).stem}
    assert len(list(verify_entries(filled))) == 3


def test_prune_entries_removes_only_what_no_run_can_use(filled):
    half = leave_half_an_entry(filled)
    marked = filled.files(replace(KEY, video="no marker"))
    marked.stem.parent.mkdir(parents=True, exist_ok=True)
    marked.data.write_bytes(b"12345")
    for old in (replace(KEY, opencv="3.4.0"), replace(KEY, dlib="19.0")):
        filled.fetch(old, draft)
    before = bytes_on_disk(filled)
    gone = prune_entries(filled)

    assert gone == StoreInfo(4, before - bytes_on_disk(filled))
    assert kept(filled) == {KEY, CROPS, SAMM}
    assert not half.exists()


@pytest.mark.parametrize(
    ("filters", "stay"),
    [
        ({"unused_days": 7}, {KEY, CROPS}),
        ({"dataset": "casme2"}, {SAMM}),
        ({"dataset": "casme2", "unused_days": 7}, {KEY, CROPS, SAMM}),
        ({"dataset": "samm", "unused_days": 7}, {KEY, CROPS}),
        ({"dataset": "nobody"}, {KEY, CROPS, SAMM}),
        ({"stage": "flow"}, {CROPS}),
        ({"stage": "flow", "dataset": "samm"}, {KEY, CROPS}),
        ({"stage": "crops", "unused_days": 7}, {KEY, CROPS, SAMM}),
        ({"everything": True}, set()),
    ],
)
def test_prune_entries_follows_filters(filled, filters, stay):
    age(filled, SAMM, days=30)
    announced = prune_entries(filled, **filters, dry_run=True)
    assert kept(filled) == {KEY, CROPS, SAMM}
    assert prune_entries(filled, **filters) == announced == StoreInfo(3 - len(stay), announced.bytes)
    assert kept(filled) == stay


def test_prune_entries_counts_reading_as_use(filled):
    age(filled, KEY, days=30)
    filled.read(KEY)
    assert prune_entries(filled, unused_days=1).entries == 0


def test_prune_entries_leaves_what_is_being_computed(store):
    def build():
        store.files(KEY).stem.with_name(f"{KEY.digest()}.1.tmp").touch()
        assert prune_entries(store, everything=True, dry_run=True).entries == 0
        assert prune_entries(store, everything=True).entries == 0
        assert not store.files(KEY).remove()
        return draft()

    np.testing.assert_array_equal(store.fetch(KEY, build).array, ARRAY)
