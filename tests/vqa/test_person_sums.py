"""Sums of people give the scores again."""

import numpy as np
import pytest

from mebench.vqa.marking import score_answers
from mebench.vqa.person_sums import counts_of_score, score_from_counts, sum_by_person
from tests.vqa.test_marking import drawn, long_questions, questions


@pytest.mark.parametrize("asked", [questions, long_questions])
def test_sum_by_person_gives_scores_again(asked):
    rows = asked()
    given = drawn(rows, np.random.default_rng(3))
    summary = score_answers(rows, given, "megc2025_b")["scores"]
    sums = sum_by_person(rows, [row["answer"] for row in given])
    names = [name for name in summary if name.endswith(("_uf1", "_uar", "_accuracy", "_mae")) or name == "units_f1"]
    assert len(names) >= 5
    for name in names:
        counts = counts_of_score(sums, name)
        assert len(counts) == len(sums["people"])
        assert score_from_counts(name, counts.sum(axis=0)) == pytest.approx(summary[name]["value"], abs=1e-12)
    assert counts_of_score(sums, "smell_accuracy") is None
