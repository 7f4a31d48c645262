"""Pseudo-labels and sampling, against their definitions in MEAN (Liong, See and Chan 2023)."""

import re
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from mebench.core import Expression
from mebench.errors import PluginError
from mebench.training import MappedSamples, Samples, sample_negatives, samples as module, window_labels

intervals = st.tuples(st.integers(0, 70), st.integers(0, 20)).map(lambda x: Expression(x[0], x[0] + x[1]))


def iou(a, b):
    return len(a & b) / len(a | b)


def labels_by_definition(n, expressions, k_prime):
    """Equations 5 and 6: frame i is positive if its window [i, i + k' - 1] overlaps an expression at all."""
    windows = [set(range(i, i + k_prime)) for i in range(n)]
    truths = [set(range(e.onset, e.offset + 1)) for e in expressions]
    return [float(any(iou(w, t) > 0 for t in truths)) for w in windows]


@given(st.integers(0, 80), st.lists(intervals, max_size=4), st.integers(1, 25))
def test_window_labels_follow_the_definition(n, expressions, k_prime):
    assert window_labels(n, expressions, k_prime).tolist() == labels_by_definition(n, expressions, k_prime)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.floats(0.1, 10), st.integers(0, 99))
def test_sample_negatives_keeps_at_most_ratio_a_positive(flags, ratio, seed):
    labels = np.array(flags, np.float32)
    kept = sample_negatives(labels, ratio, np.random.default_rng(seed))
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert labels[kept].sum() == positives
    expected = min(negatives, int(ratio * positives)) if positives else negatives
    assert len(kept) - positives == expected


def test_sample_negatives_of_several_kinds_follows_the_first():
    rng = np.random.default_rng(0)
    labels = (rng.random((200, 2)) < 0.1).astype(np.float32)
    alone, both = (sample_negatives(own, 2.0, np.random.default_rng(1)) for own in (labels[:, 0], labels))
    assert alone.tolist() == both.tolist() != sample_negatives(labels[:, 1], 2.0, np.random.default_rng(1)).tolist()


def test_window_labels_of_several_kinds_have_a_column_each():
    expressions = [Expression(2, 4), Expression(3, 9, kind="macro"), Expression(12, 12)]
    columns = window_labels(15, expressions, 3, ("macro", "micro")).T
    for own, kind in zip(columns, ("macro", "micro")):
        of_kind = [e for e in expressions if e.kind == kind]
        assert own.tolist() == window_labels(15, of_kind, 3).tolist()


def test_sample_negatives_draws_evenly():
    labels = np.array([1] * 10 + [0] * 90, np.float32)
    counts = np.zeros(100)
    for seed in range(2000):
        counts[sample_negatives(labels, 3.0, np.random.default_rng(seed))] += 1
    assert (counts[:10] == 2000).all()
    assert np.abs(counts[10:] / 2000 - 30 / 90).max() < 0.05


def test_Samples_batch_is_the_rows_asked_for():
    x = torch.arange(12.0).view(6, 2)
    y = torch.arange(6)
    samples = Samples(x, y)
    assert len(samples) == 6
    for indices in ([2, 3, 4], [4, 1, 1], [5], [3, 5]):
        batch = samples.__getitems__(indices)
        for got, want in zip(batch, zip(*(samples[i] for i in indices))):
            assert torch.equal(got, torch.stack(want))


def test_Samples_batch_keeps_memory_layout():
    images = torch.rand(6, 3, 5, 4).contiguous(memory_format=torch.channels_last)
    for indices in ([2, 3, 4], [4, 1, 1]):
        (batch,) = Samples(images).__getitems__(indices)
        assert torch.equal(batch, images[torch.tensor(indices)])
        assert batch.is_contiguous(memory_format=torch.channels_last)


def test_Samples_refuse_unequal_lengths():
    with pytest.raises(PluginError, match="as many in each"):
        Samples(torch.zeros(3), torch.zeros(2))


def arrays(*lengths):
    rng = np.random.default_rng(0)
    return [rng.random((n, 5, 4, 3)).astype(np.float16) for n in lengths]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.booleans(), st.data())
def test_MappedSamples_batch_is_the_rows_laid_end_to_end(lengths, copied, data):
    with mock.patch.object(module, "KEPT_BYTES", 1 << 20 if copied else 0):
        check_mapped_samples(lengths, data)


def check_mapped_samples(lengths, data):
    maps = arrays(*lengths)
    whole = np.concatenate(maps)
    rows = np.array(data.draw(st.lists(st.sampled_from(range(len(whole))), max_size=9)) if len(whole) else [], np.int64)
    samples = MappedSamples(maps, rows, torch.arange(len(rows)))
    assert len(samples) == len(rows)
    asked = data.draw(st.lists(st.sampled_from(range(len(rows))), min_size=1, max_size=9)) if len(rows) else []
    if asked:
        x, y = samples.__getitems__(asked)
        assert torch.equal(x, torch.from_numpy(whole[rows[asked]]).float().permute(0, 3, 1, 2))
        assert y.tolist() == asked
        assert x.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(samples[asked[0]][0], x[0])


def mapped_bytes(file):
    """Memory that a file takes in this process, which maps it."""
    of_file = re.findall(
        rf"{re.escape(str(file))}\n.*?^Rss:\s+(\d+)", Path("/proc/self/smaps").read_text(), re.MULTILINE | re.DOTALL
    )
    return sum(map(int, of_file)) * 1024


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells the memory of a process")
def test_MappedSamples_keep_a_batch_in_memory_alone(tmp_path, monkeypatch):
    n = 2000
    size = 42 * 42 * 3 * 2
    np.save(tmp_path / "maps.npy", np.ones((n, 42, 42, 3), np.float16))
    maps = np.load(tmp_path / "maps.npy", mmap_mode="r")
    monkeypatch.setattr(module, "RELEASE_BYTES", 4 << 20)
    monkeypatch.setattr(module, "KEPT_BYTES", 0)
    samples = MappedSamples([maps[: n // 2], maps[n // 2 :]], np.arange(n), torch.zeros(n))
    most = 0
    order = np.random.default_rng(0).permutation(n)
    for start in range(0, n, 100):
        x, _ = samples.__getitems__(order[start : start + 100])
        assert bool((x == 1).all())
        if start % 400 == 0:  # to ask takes longer than the batch
            most = max(most, mapped_bytes(tmp_path / "maps.npy"))
    assert most < n * size / 3  # 21 MB would be all of it
    assert np.shares_memory(samples.arrays[0], maps)


def test_MappedSamples_refuse_a_missing_target():
    with pytest.raises(ValueError, match="2 for 3"):
        MappedSamples(arrays(4), np.arange(3), torch.zeros(2))
