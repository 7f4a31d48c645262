"""The comparison of networks for the included model: its table, its parts against plain counts."""

import json
from types import SimpleNamespace

import over_time
import pytest

from mebench.core import Expression, Prediction


def test_page_has_the_table_of_its_file():
    page = over_time.PAGE.read_text("utf-8")
    written = over_time.with_table(page, json.loads(over_time.DATA.read_text("utf-8")))
    assert written == page, "run: python benchmarks/over_time.py FOLDER --real FILMS --write"


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
