"""Pseudo-labels and sampling, against their definitions in MEAN (Liong, See and Chan 2023)."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mebench.core import Expression
from mebench.training import Samples, sample_negatives, window_labels

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
def test_at_most_ratio_negatives_for_each_positive(flags, ratio, seed):
    labels = np.array(flags, np.float32)
    kept = sample_negatives(labels, ratio, np.random.default_rng(seed))
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert labels[kept].sum() == positives
    expected = min(negatives, int(ratio * positives)) if positives else negatives
    assert len(kept) - positives == expected


def test_which_negatives_stay_is_drawn_evenly():
    labels = np.array([1] * 10 + [0] * 90, np.float32)
    counts = np.zeros(100)
    for seed in range(2000):
        counts[sample_negatives(labels, 3.0, np.random.default_rng(seed))] += 1
    assert (counts[:10] == 2000).all()
    assert np.abs(counts[10:] / 2000 - 30 / 90).max() < 0.05


def test_a_batch_is_the_rows_that_were_asked_for():
    x, y = torch.arange(12.0).view(6, 2), torch.arange(6)
    samples = Samples(x, y)
    assert len(samples) == 6
    for indices in ([2, 3, 4], [4, 1, 1], [5], [3, 5]):
        batch = samples.__getitems__(indices)
        for got, want in zip(batch, zip(*(samples[i] for i in indices))):
            assert torch.equal(got, torch.stack(want))


def test_a_batch_of_images_keeps_their_memory_layout():
    images = torch.rand(6, 3, 5, 4).contiguous(memory_format=torch.channels_last)
    for indices in ([2, 3, 4], [4, 1, 1]):
        (batch,) = Samples(images).__getitems__(indices)
        assert torch.equal(batch, images[torch.tensor(indices)])
        assert batch.is_contiguous(memory_format=torch.channels_last)


def test_samples_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"\[3, 2\]"):
        Samples(torch.zeros(3), torch.zeros(2))
