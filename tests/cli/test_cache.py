"""`mebench cache`: what is in the store, whether it is sound, and what goes."""

import json
import os

import numpy as np
import pytest

from mebench.cli.option_checks import days_of
from mebench.errors import ConfigError
from mebench.features import FeatureStore
from mebench.features.base import dlib_version, opencv_version
from mebench.features.store import Draft, Key

KEYS = [
    Key(stage, dataset, "1", f"{dataset}/1/1", "frames", "steps", opencv_version(), dlib_version())
    for dataset, stage in (("casme2", "crops"), ("casme2", "flow"), ("samm", "flow"))
]


@pytest.fixture
def store(tmp_path):
    store = FeatureStore(tmp_path / "store")
    for key in KEYS:
        store.fetch(key, lambda: Draft((100, 8), np.float16, [np.ones((100, 8))]))
    return store


def test_cache_info_counts_entries_and_bytes(mebench, store, tmp_path):
    code, out, _ = mebench("cache", "info", "--cache", store.root, "--json", tmp_path / "info.json")
    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [line[:3] for line in lines[:5]] == [
        ["dataset", "stage", "entries"],
        ["casme2", "crops", "1"],
        ["casme2", "flow", "1"],
        ["samm", "flow", "1"],
        ["all", "", "3"],
    ]
    report = json.loads((tmp_path / "info.json").read_text())
    assert report["entries"] == 3
    assert report["bytes"] == sum(p.stat().st_size for p in store.root.rglob("*") if p.is_file())
    assert {"dataset": "samm", "stage": "flow"}.items() <= report["parts"][2].items()


def test_cache_info_defaults_to_the_store_of_the_config(mebench, store, tmp_path, monkeypatch):
    (tmp_path / "mebench.yaml").write_text(f"cache: {store.root}\n")
    monkeypatch.setenv("MEBENCH_CONFIG", str(tmp_path / "mebench.yaml"))
    code, out, _ = mebench("cache", "info", "--json", "-")
    assert code == 0
    assert json.loads(out)["folder"] == str(store.root)


def test_cache_verify_finds_damage_and_exits_so(mebench, store):
    assert mebench("cache", "verify", "--deep", "--cache", store.root)[0] == 0
    data = store.files(KEYS[2]).data
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    assert mebench("cache", "verify", "--cache", store.root)[0] == 0  # sizes and headers are right
    code, out, _ = mebench("cache", "verify", "--deep", "--cache", store.root)
    assert code == 1
    assert f"{KEYS[2].digest()}: its array is damaged" in out
    code, out, _ = mebench("cache", "verify", "--deep", "--remove", "--cache", store.root, "--json", "-")
    assert code == 0
    assert json.loads(out)["removed"] == 1
    assert not store.holds_entry(KEYS[2])


def test_cache_prune_shows_before_it_removes(mebench, store):
    old = store.files(KEYS[0]).marker
    os.utime(old, (0, 0))
    words = ("cache", "prune", "--cache", store.root, "--older-than", "30d")
    assert "would remove 1 entry" in mebench(*words, "--dry-run")[1]
    assert old.exists()
    assert "removed 1 entry" in mebench(*words)[1]
    assert [store.holds_entry(key) for key in KEYS] == [False, True, True]
    assert "removed 1 entry" in mebench("cache", "prune", "--cache", store.root, "--dataset", "samm")[1]
    code, out, _ = mebench("cache", "prune", "--cache", store.root, "--all", "--json", "-")
    assert (code, json.loads(out)["entries"]) == (0, 1)
    assert not any(map(store.holds_entry, KEYS))


def test_cache_counts_plans_of_dry_runs_and_prunes_them(mebench, store):
    plan = store.root / "plans" / "a.json"
    plan.parent.mkdir()
    plan.write_text("{}")
    parts = json.loads(mebench("cache", "info", "--cache", store.root, "--json", "-")[1])["parts"]
    assert {"dataset": None, "stage": "plans", "entries": 1, "bytes": 2} in parts
    words = ("cache", "prune", "--cache", store.root)
    assert "removed 0 entries" in mebench(*words)[1]
    assert plan.exists()
    os.utime(plan, (0, 0))
    assert "would remove 1 entry" in mebench(*words, "--older-than", "30d", "--dry-run")[1]
    assert plan.exists()
    assert "removed 1 entry" in mebench(*words, "--older-than", "30d")[1]
    assert not plan.exists()


@pytest.mark.parametrize("verb", ["info", "verify", "prune"])
def test_cache_verbs_name_a_missing_store(mebench, tmp_path, verb):
    code, _, err = mebench("cache", verb, "--cache", tmp_path / "stroe")
    assert code == 3
    assert f"there is no folder {tmp_path / 'stroe'}" in err


def test_cache_prune_removes_flow_alone_and_refuses_other_stages(mebench, store):
    words = ("cache", "prune", "--cache", store.root, "--stage")
    code, _, err = mebench(*words, "flwo")
    assert code == 2
    assert "unknown --stage 'flwo'. Did you mean 'flow'?" in err
    flow = [key for key in KEYS if key.stage == "flow"]
    assert f"removed {len(flow)} entr" in mebench(*words, "flow")[1]
    assert [key for key in KEYS if not store.holds_entry(key)] == flow


def test_cache_prune_refuses_all_beside_a_filter(mebench, store):
    code, _, err = mebench("cache", "prune", "--cache", store.root, "--all", "--dataset", "samm")
    assert code == 2
    assert "leave --older-than and --dataset out" in err
    assert all(map(store.holds_entry, KEYS))


@pytest.mark.parametrize("text", ["30", "d", "-1d", "3 months", ""])
def test_days_of_refuses_other_times(text):
    with pytest.raises(ConfigError, match="12h, 30d or 2w"):
        days_of(text)
