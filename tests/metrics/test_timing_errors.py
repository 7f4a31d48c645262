import numpy as np
import pytest

from mebench.metrics.summary import summarize
from tests.helpers.plain_rules import rows, tables


def details(spotted: list[tuple[int, int]], **videos: object) -> dict[str, float]:
    run = tables([rows("d/1/a", [(100, 119), (200, 219)])], [rows("d/1/a", spotted)], ["d/1/a"], **videos)
    part = summarize(run, kinds=["micro"], classes=[], seed=0, draws=0)["spotting"]["micro"]
    return {name: score["value"] for name, score in {**part["scores"], **part["details"]["scores"]}.items()}


def test_timing_errors_of_late_intervals_are_positive() -> None:
    # 3 and 1 frames late at the onset, 3 and -1 at the offset, at 100 frames per second.
    found = details([(103, 122), (201, 218), (400, 419)])
    assert (found["onset_bias_ms"], found["offset_bias_ms"]) == pytest.approx((20, 10))
    assert (found["apex_mae_frames"], found["apex_mae_ms"]) == pytest.approx((1.5, 15))


def test_timing_errors_are_longer_at_a_slower_rate() -> None:
    assert details([(103, 122)], fps=25.0)["onset_bias_ms"] == pytest.approx(120)
    unknown = details([(103, 122)], fps=np.nan)
    assert unknown["onset_bias_ms"] is None
    assert unknown["apex_mae_frames"] == 3


def test_timing_errors_without_true_positive_are_None() -> None:
    assert details([(400, 419)])["onset_bias_ms"] is None
