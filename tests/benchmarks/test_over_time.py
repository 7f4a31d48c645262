"""The comparison of networks for the included model: its table, its parts against plain counts."""

import json
from types import SimpleNamespace

import numpy as np
import over_time
import pytest
import torch

from mebench.core import Expression, Prediction


def test_page_has_the_table_of_its_file():
    page = over_time.PAGE.read_text("utf-8")
    written = over_time.with_table(page, json.loads(over_time.DATA.read_text("utf-8")))
    assert written == page, "run: python benchmarks/over_time.py FOLDER --real FILMS --write"


def test_mirrored_exchanges_columns_and_the_sign_of_u():
    motion = torch.randn(2, over_time.CHANNELS, 5)
    turned = over_time.mirrored(motion)
    blocks = motion[:, :-2].reshape(2, over_time.BLOCKS, over_time.BLOCKS, 2, 5)
    row, column = 2, 1
    place = 2 * (row * over_time.BLOCKS + column)
    partner = blocks[:, row, over_time.BLOCKS - 1 - column]
    torch.testing.assert_close(turned[:, place], -partner[:, 0])
    torch.testing.assert_close(turned[:, place + 1], partner[:, 1])
    torch.testing.assert_close(over_time.mirrored(turned), motion)


def test_OverTime_sees_half_a_network_reach_to_both_sides():
    network = over_time.OverTime(dropout=0.0).eval()
    motion = torch.zeros(1, over_time.CHANNELS, 101, requires_grad=True)
    network(motion)[0, 0, 50].backward()
    (seen,) = np.nonzero(motion.grad.abs().sum((0, 1)).numpy())
    assert (seen.min(), seen.max()) == (50 - 32, 50 + 32)


def test_peaks_in_people_counts_each_expression_once():
    video = SimpleNamespace(expressions=(Expression(10, 19), Expression(50, 59, "macro")))
    seen = SimpleNamespace(video=video, n_frames=1500, fps=25.0)
    spans = [(10, 19, 0.9), (11, 20, 0.8), (50, 59, 0.7), (70, 79, 0.2)]
    found = SimpleNamespace(predictions=[Prediction("v", "micro", a, a, b, c) for a, b, c in spans])
    peaks = over_time.peaks_in_people([seen], [found])
    assert peaks.is_right.tolist() == [True, False, False, False]
    assert (peaks.n_truths, peaks.minutes) == (1, 1.0)
    assert peaks.rates_at(0.75) == (1.0, 1.0)
    assert peaks.level_for(2.0) == pytest.approx(0.7)


@pytest.mark.parametrize("fps", [12.5, 25.0, 30.0, 50.0])
def test_score_over_time_gives_a_score_for_each_pair(fps):
    n = round(4 * fps)
    seen = SimpleNamespace(
        fps=fps, n_frames=n, motion=np.random.default_rng(0).normal(0, 0.2, (n - over_time.pair_gap(fps), 6, 6, 2))
    )
    scores = over_time.score_over_time([over_time.OverTime().eval()], seen)
    assert np.isnan(scores).sum() == over_time.pair_gap(fps)
    assert ((scores > 0) & (scores < 1))[~np.isnan(scores)].all()
