"""What ABPN and AUW-GCN share, against plain readings of what their public programs do."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from sklearn.metrics import log_loss

from mebench.core import Expression
from mebench.training import boundaries

MICRO = Expression(20, 29, apex=24)


def test_boundary_labels_surround_three_frames_of_an_expression():
    bounds, apex, action = boundaries.boundary_labels(50, [MICRO], around=1)
    assert np.flatnonzero(bounds == boundaries.START).tolist() == [19, 20, 21]
    assert np.flatnonzero(bounds == boundaries.END).tolist() == [28, 29, 30]
    assert apex[23:26] == pytest.approx([np.exp(-1 / 32), 1, np.exp(-1 / 32)])
    assert apex.sum() == apex[23:26].sum()
    assert np.flatnonzero(action).tolist() == list(range(20, 30))


def test_boundary_labels_take_every_seventh_frame():
    bounds, apex, action = boundaries.boundary_labels(20, [Expression(70, 90, apex=83)], around=0, step=7)
    assert (bounds[10], bounds[12], apex[11], action.tolist()) == (
        boundaries.START,
        boundaries.END,
        1,
        [*[0] * 10, 1, 1, 1, *[0] * 7],
    )


def test_boundary_labels_reach_to_either_end():
    bounds, apex, action = boundaries.boundary_labels(
        10, [Expression(0, 2, apex=0), Expression(8, 20, apex=12)], around=3
    )
    assert bounds.tolist() == [boundaries.END] * 6 + [boundaries.START] * 4
    assert apex[9] == pytest.approx(np.exp(-9 / 32))
    assert action.tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 1, 1]


def test_boundaries_segments_keep_surroundings_of_action():
    n, length = 70, 32
    x = np.arange(1, n + 1, dtype=np.float32)[:, None, None] * np.ones((1, 12, 2), np.float32)
    bounds, apex, action = (part[:, None] for part in boundaries.boundary_labels(n, [Expression(66, 69)], around=1))
    ((series, *labels),) = boundaries.cut_segments(x, bounds, apex, action, length)

    assert series.shape == (length + 2 * boundaries.CONTEXT, 12, 2)
    assert series[:, 0, 0].tolist() == [
        *range(64 - boundaries.CONTEXT + 1, 71),
        *[0] * (length + boundaries.CONTEXT - 6),
    ]
    assert [len(part) for part in labels] == [length] * 3
    assert labels[0][6:, 0].tolist() == [boundaries.NEITHER] * 26
    assert labels[2][:, 0].tolist() == [
        0,
        0,
        1,
        1,
        1,
        1,
        *[0] * 26,
    ]


def plain_proposals(start, end, apex, reach, threshold):
    found = []
    for peak, value in enumerate(apex):
        if value <= threshold:
            continue
        before = [max(peak - d, 0) for d in range(reach[0], reach[1] + 1)]
        after = [min(peak + d, len(apex) - 1) for d in range(reach[0], reach[1] + 1)]
        first, last = max(before, key=lambda i: start[i]), max(after, key=lambda i: end[i])
        if start[first] > end[first] and start[last] < end[last]:
            found.append((first, peak, last, start[first] * end[last] * value))
    return found


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 4), st.integers(0, 6), st.floats(0, 0.9))
def test_boundaries_proposals_equal_a_plain_loop(seed, n, nearest, more, threshold):
    start, end, apex = np.random.default_rng(seed).random((3, n))
    reach = (nearest, nearest + more)
    found = boundaries.find_proposals(start, end, apex, reach, threshold)
    expected = plain_proposals(start, end, apex, reach, threshold)
    assert [tuple(s)[:3] for s in found] == [e[:3] for e in expected]
    assert [s.confidence for s in found] == pytest.approx([e[3] for e in expected])


def test_BoundaryNetwork_edges_loss_equals_cross_entropy():
    """(1 - p) is nearly 1 there; the classes weigh .45, .45 and .1."""
    outputs = torch.tensor([[[-9.0, 9, 9], [9.0, -9, 9], [9.0, 9, -9]]])
    classes = torch.tensor([[boundaries.START, boundaries.END, boundaries.NEITHER]])
    probabilities = outputs.softmax(1)[0].T.numpy()
    each = [log_loss([c], [p], labels=[0, 1, 2]) for c, p in zip(classes[0], probabilities)]
    assert float(boundaries.BoundaryNetwork.edges(outputs, classes)) == pytest.approx(
        np.mean(np.multiply(each, [0.45, 0.45, 0.1])), rel=1e-6
    )


def test_probability_loss_of_right_answers_is_its_smoothing():
    truth = torch.tensor([1.0, 0.0])
    assert float(boundaries.probability_loss(torch.tensor([40.0, -40.0]), truth, 0.9)) == pytest.approx(0, abs=1e-5)
    wrong = boundaries.probability_loss(torch.zeros(2), truth, 0.9)
    assert float(wrong) == pytest.approx(-np.log(0.5 + 1e-5) * (0.9 * 0.5 + 0.1 * 0.34) * -1 * -1 / 2)


def test_boundaries_head_reads_seven_frames_to_both_sides():
    layers = torch.nn.Sequential(*boundaries.head(24)).eval()
    x = torch.randn(1, 24, 41)
    moved = x.clone()
    moved[..., 20] += 1
    changed = (layers(moved) - layers(x)).abs().amax((0, 1)) > 0
    assert changed.nonzero().flatten().tolist() == list(range(15, 26))
