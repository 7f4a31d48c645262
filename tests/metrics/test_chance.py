"""The level of chance against probabilities that can be counted by hand."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from mebench.errors import DataError
from mebench.metrics import Tables, chance, spotting_chance
from mebench.metrics.chance import analysis_chance
from mebench.metrics.summary import summarize


def videos(*lengths: int, fps: float = 30.0, dataset: str = "d") -> pd.DataFrame:
    names = [f"{dataset}/1/{n}" for n in range(len(lengths))]
    return pd.DataFrame(
        {"video": names, "subject": f"{dataset}/1", "dataset": dataset, "n_frames": list(lengths), "fps": fps}
    )


def truths(*spans: tuple[int, int], video: str = "d/1/0", kind: str = "micro") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "video": video,
            "kind": kind,
            "onset": [a for a, _ in spans],
            "apex": None,
            "offset": [b for _, b in spans],
            "emotion": None,
        }
    )


def test_spotting_chance_of_one_interval_is_its_probability() -> None:
    """With one of each, expected F1 is the share of places whose interval of 2k' frames reaches an IoU of a half."""
    truth = set(range(40, 53))

    def hits(centre: int) -> bool:
        spotted = set(range(centre - 5, centre + 5))
        return 2 * len(spotted & truth) >= len(spotted | truth)

    q = sum(hits(centre) for centre in range(5, 96)) / 91 / 2  # the second video is as long and holds no truth
    chance = spotting_chance(videos(100, 100), truths((40, 52)), {"d": 5}, "micro", seed=0, draws=20000)
    assert chance["as_many"]["f1"]["value"] == pytest.approx(q, abs=4 * np.sqrt(q / 20000))


def test_spotting_chance_best_rate_is_best_of_all_numbers() -> None:
    """All truths have one probability q: E F1(n) = 2 M (1 - (1 - q)^n) / (n + M) is maximised by trying every n."""
    spans = [(start, start + 9) for start in range(20, 980, 60)]  # ten frames, as the intervals
    m = len(spans)
    # An interval shifted by s overlaps 10 - |s| frames; 991 places in this video, and the other is three times as long.
    q = sum(2 * (10 - abs(s)) >= 10 + abs(s) for s in range(-9, 10)) / 991 / 4
    expected = [2 * m * (1 - (1 - q) ** n) / (n + m) for n in range(1, 3000)]
    chance = spotting_chance(videos(1000, 3000), truths(*spans), {"d": 5}, "micro", seed=0, draws=2000)["best_rate"]
    placed = chance["rate_per_minute"] * 4000 / 30 / 60

    assert placed == pytest.approx(1 + int(np.argmax(expected)), rel=0.05)
    assert chance["f1"]["value"] == pytest.approx(max(expected), rel=0.02)
    assert chance["f1"]["low"] < chance["f1"]["value"] < chance["f1"]["high"]


def test_spotting_chance_matches_one_to_one() -> None:
    """In a video of two frames every interval hits every truth: two find both truths, but none counts twice."""
    two = spotting_chance(videos(2), truths((0, 1), (0, 1)), {"d": 1}, "micro", seed=0, draws=5)
    assert two["as_many"]["f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    one = spotting_chance(videos(2), truths((0, 1)), {"d": 1}, "micro", seed=0, draws=5)["best_rate"]
    assert one["f1"]["value"] == 1.0
    assert one["rate_per_minute"] == pytest.approx(30 * 60 / 2)


def test_spotting_chance_draws_videos_by_duration() -> None:
    """100 frames at 100 fps last a tenth of 100 frames at 10 fps, so a truth there is hit ten times as rarely."""
    both = pd.concat([videos(100, fps=10.0), videos(100, fps=100.0, dataset="e")])
    k_prime = {"d": 5, "e": 5}
    slow = spotting_chance(both, truths((40, 50)), k_prime, "micro", seed=0, draws=8000)
    fast = spotting_chance(both, truths((40, 50), video="e/1/0"), k_prime, "micro", seed=0, draws=8000)
    ratio = slow["as_many"]["f1"]["value"] / fast["as_many"]["f1"]["value"]
    assert ratio == pytest.approx(10, rel=0.25)


def test_spotting_chance_depends_on_the_seed_alone() -> None:
    rows = truths((40, 52), (60, 70))
    first = spotting_chance(videos(100, 300), rows, {"d": 5}, "micro", seed=3)
    assert spotting_chance(videos(100, 300)[::-1], rows[::-1], {"d": 5}, "micro", seed=3) == first
    assert spotting_chance(videos(100, 300), rows, {"d": 5}, "micro", seed=4) != first


def test_spotting_chance_of_a_long_video_takes_little_memory() -> None:
    """Each of 200 draws places 100 to 800 intervals among 100 truths: 18 million pairs, nearly all far apart."""
    spans = [(start, start + 12) for start in range(100, 30_000, 300)]
    tracemalloc.start()
    try:
        spotting_chance(videos(30_000), truths(*spans), {"d": 6}, "micro", seed=1)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 200 * 2**20


def test_spotting_chance_without_truths_is_None() -> None:
    chance = spotting_chance(videos(100), truths((40, 52)), {"d": 5}, "macro", seed=0)
    assert chance["as_many"]["f1"] == {"value": None, "low": None, "high": None}
    assert chance["best_rate"]["rate_per_minute"] is None


def test_spotting_chance_asks_for_k_prime_and_lengths() -> None:
    with pytest.raises(DataError, match="needs k' of every dataset, and 'd' has none"):
        spotting_chance(videos(100), truths((40, 52)), {}, "micro", seed=0)
    with pytest.raises(DataError, match="needs n_frames and fps of every video"):
        spotting_chance(videos(100).assign(fps=None), truths((40, 52)), {"d": 5}, "micro", seed=0)


def test_analysis_chance_equals_scores_of_random_predictions() -> None:
    """As many intervals as chance places, at frames and with classes drawn here, scored as a run of many draws."""
    generator = np.random.default_rng(1)
    spans = [(start, start + 9) for start in range(20, 980, 60)]
    labels = ["joy"] * 10 + ["fear"] * 6
    true = truths(*spans).assign(emotion=labels)
    both = videos(1000, 3000)
    found = analysis_chance(both, true, {"d": 5}, ["fear", "joy"], seed=0, draws=1500)
    rate = spotting_chance(both, true, {"d": 5}, "micro", seed=0, draws=1)["best_rate"]["rate_per_minute"]
    n = round(rate * 4000 / 30 / 60)
    rows = []
    for draw in range(300):
        for _ in range(n):
            video = 0 if generator.random() < 0.25 else 1
            centre = int(generator.integers(5, (1000, 3000)[video] - 4))
            rows.append((f"d/1/{video}", centre - 5, centre + 4, draw, str(generator.choice(labels))))
    spotted = pd.DataFrame(rows, columns=["video", "onset", "offset", "draw", "emotion"]).assign(
        kind="micro", apex=np.nan, confidence=np.nan
    )
    drawn = summarize(Tables(both, true, spotted), kinds=["micro"], classes=["fear", "joy"], seed=0, draws=0)
    expected = {"strs": drawn["analysis"]["strs"], **drawn["analysis"]["true_positives"]["scores"]}
    for name in ("strs", "f1", "uf1", "accuracy"):
        assert found[name]["value"] == pytest.approx(expected[name]["value"], rel=0.06), name
    assert found["strs"]["low"] < found["strs"]["value"] < found["strs"]["high"]


def test_analysis_chance_without_a_named_expression_is_unknown() -> None:
    assert analysis_chance(videos(100), truths((40, 52)), {"d": 5}, ["joy"], seed=0) == {}


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_spotting_chance_is_the_same_in_blocks(monkeypatch, at_once) -> None:
    lines = videos(100, 300, 40, 80)
    true = truths((10, 20), (15, 25), (30, 39), video="d/1/1").assign(emotion="a")

    def found() -> object:
        spotting = spotting_chance(lines, true, {"d": 5}, "micro", seed=1, draws=20)
        return spotting, analysis_chance(lines, true, {"d": 5}, ["a", "b"], seed=1, draws=20)

    whole = found()
    monkeypatch.setattr(chance, "AT_ONCE", at_once)
    assert found() == whole
