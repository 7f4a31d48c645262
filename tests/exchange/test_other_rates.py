"""Intervals at another rate than the truth: carried over, refused, or warned of, by names and by values."""

import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError

TRUTH = pd.DataFrame(
    [(str(n // 2), f"v{n}", 20 + n * 9 % 50, 34 + n * 9 % 50) for n in range(8)],
    columns=["subject", "video", "onset", "offset"],
)
TWICE = TRUTH.assign(onset=2 * TRUTH["onset"] + 1, offset=2 * TRUTH["offset"] + 1)
"""The same moments at twice the rate."""


def hits(predictions, truth=TRUTH, **options):
    scores = score(predictions, truth, bootstrap=0, **options)
    return scores.summary["spotting"]["micro"]["tp"], scores


@pytest.mark.parametrize("name", ["Hz", "sampling_rate", "camera fps", "frames/s", "Bildfrequenz", "rate"])
def test_rate_under_other_names_is_carried_over(name):
    found, scores = hits(TWICE.assign(**{name: 50}), TRUTH.assign(fps=25))
    assert found == 8
    assert any("carried over by time" in line for line in scores.warnings)


def test_column_called_rate_that_holds_shares_is_none():
    assert hits(TRUTH.assign(rate=0.5))[0] == 8


@pytest.mark.parametrize("truth", [TRUTH.assign(fps=25), TRUTH.assign(x1=25)], ids=["rate is known", "same column"])
def test_judge_rates_refuses_unknown_column_that_explains(truth):
    with pytest.raises(DataError, match="'x1' is 50 where the truth counts at 25 a second"):
        hits(TWICE.assign(x1=50), truth)
    assert hits(TWICE.assign(x1=50), truth, fps=25)[0] == 0


def test_judge_rates_leaves_columns_that_explain_nothing():
    assert hits(TRUTH.assign(x1=50), TRUTH.assign(fps=25))[0] == 8


def test_judge_rates_refuses_milliseconds_without_a_word():
    with pytest.raises(DataError, match="name their columns onset_ms"):
        hits(TRUTH.assign(onset=TRUTH["onset"] * 40, offset=TRUTH["offset"] * 40))


def test_judge_rates_warns_of_rate_that_nothing_names():
    found, scores = hits(TWICE, TRUTH.assign(fps=25))
    assert found == 0
    assert any("counted at 50 frames a second, and the truth at 25" in line for line in scores.warnings)
