import pytest

from mebench.score_type import UNDEFINED, Score, is_plain_score


@pytest.mark.parametrize(
    "plain",
    [
        {"value": 0.5, "low": 0.25, "high": 0.75},
        {"value": None, "low": None, "high": None},
        {"value": 1, "low": None, "high": None, "reason": "a single subject"},
    ],
)
def test_score_is_written_as_it_was_read(plain):
    written = Score.from_plain(plain).plain()
    assert written == plain
    assert [*written] == [*plain]


def test_score_over_seeds_is_written_as_it_was_read():
    plain = {"value": 0.5, "low": 0.25, "high": 0.75, "min": 0.4, "max": 0.6}
    assert Score.from_plain(plain).plain_over_seeds() == plain
    assert Score.from_plain(plain).lowest == 0.4


def test_score_has_ends_only_as_a_pair():
    assert Score(0.5, 0.25, 0.75).ends == (0.25, 0.75)
    assert UNDEFINED.ends is None


def test_is_plain_score_knows_bins_of_confidence_from_scores():
    assert is_plain_score(Score(0.5).plain())
    assert not is_plain_score({"low": 0.0, "high": 0.1, "n": 46, "confidence": 0.05, "right": 0.2})
    assert not is_plain_score(0.5)
