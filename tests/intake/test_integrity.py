"""Scores in a record beside those of its tables."""

import pytest

from mebench.intake.integrity import compare_scores
from mebench.runs.scoring import SCORER


@pytest.mark.parametrize(("score", "almost", "other"), [(0.5, 0.5 + 7e-10, 0.5001), (250.0, 250.0 + 2e-7, 250.0001)])
def test_compare_scores_overlooks_the_last_digits_alone(score, almost, other):
    """Sums of another machine differ there, by a share of large numbers."""
    here = {"scorer": SCORER, "spotting": {"micro": {"mean_ms": score}}}
    for stored, sentences in (
        (almost, []),
        (other, [f"summary.spotting.micro.mean_ms is {other} in the record but {score} when scored again"]),
    ):
        found = compare_scores({"spotting": {"micro": {"mean_ms": stored}}}, here)
        assert found.changed == sentences
