"""Kinds that were matched together against each kind matched alone."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mebench.metrics.conventions import CONVENTIONS, find_convention
from mebench.metrics.interval_matches import IntervalMatches, kinds_match_apart, match_intervals
from mebench.metrics.tables import Tables

VIDEOS = [f"d/{person}/v{number}" for person in range(2) for number in range(2)]


def draw_tables(seed: int) -> Tables:
    """Crowded intervals of both kinds in four videos, some of them equal and equally sure, in two draws."""
    rng = np.random.default_rng(seed)

    def intervals(n: int) -> pd.DataFrame:
        onset = rng.integers(0, 60, n)
        length = rng.integers(0, 12, n)
        return pd.DataFrame(
            {
                "video": rng.choice(VIDEOS, n),
                "kind": rng.choice(["micro", "macro"], n),
                "onset": onset,
                "apex": onset + length // 2,
                "offset": onset + length,
                "emotion": "",
            }
        )

    subjects = [video.rpartition("/")[0] for video in VIDEOS]
    videos = pd.DataFrame({"video": VIDEOS, "subject": subjects, "dataset": "d", "n_frames": 100, "fps": 30.0})
    spotted = intervals(30).assign(confidence=rng.choice([0.2, 0.5, 0.9], 30), draw=rng.integers(0, 2, 30))
    return Tables(videos, intervals(15), spotted).put_in_order()


def plain(matches: IntervalMatches) -> dict[str, Any]:
    """The matches as plain values; over IoU any largest matching will do, so only its size in each video counts."""
    values: dict[str, Any] = {}
    for field in fields(matches):
        value = getattr(matches, field.name)
        if isinstance(value, pd.DataFrame):
            values[field.name] = value.to_dict("list")
        elif field.name == "over_iou":
            videos = matches.predictions["video"]
            values[field.name] = [(sorted(videos[rows]), weight.tolist()) for rows, weight in value]
        elif isinstance(value, tuple):
            values[field.name] = [part.tolist() for part in value]
        elif isinstance(value, np.ndarray):
            values[field.name] = value.tolist()
        else:
            values[field.name] = {name: array.tolist() for name, array in vars(value).items()}
    return values


RULES = [
    "strict, matching=next_free",
    "strict, matching=every_hit",
    "strict, matching=free_of_truth",
    "strict, order=rows",
]
RULES += ["strict, videos=with_truth", "strict, videos=of_spotted_subjects", "strict, asr=first, ties=later"]


APART = [name for name in [*CONVENTIONS, *RULES] if kinds_match_apart(find_convention(name))]


@pytest.mark.parametrize("name", APART)
def test_of_kind_equals_the_kind_matched_alone(name: str) -> None:
    convention = find_convention(name)
    for seed in range(2):
        tables = draw_tables(seed)
        pool = match_intervals(tables.truths, tables.spotted, convention, ["micro", "macro"])
        for kind in ("micro", "macro"):
            alone = match_intervals(tables.truths, tables.spotted, convention, [kind])
            assert plain(pool.of_kind(kind)) == plain(alone)


def test_kinds_match_apart_unless_other_kinds_matter() -> None:
    strict = CONVENTIONS["strict"]
    assert kinds_match_apart(strict)
    assert not kinds_match_apart(replace(strict, kinds="any"))
    assert not kinds_match_apart(replace(strict, silence="dummy"))
