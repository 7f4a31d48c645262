"""Expressions put into videos, found there and at the same places untouched, against a plain count."""

import numpy as np
import pandas as pd
import pytest

from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables

PEOPLE = ("d/1", "d/2", "d/3")
ACTIVITIES = ("still", "speech", "turning")
KEYS = ("apex_inside", "apex_before", *(f"apex_inside_{activity}" for activity in ACTIVITIES))


def random_tables(seed, draws=1):
    """Three people, each with an untouched video and two copies, and intervals at random."""
    random = np.random.default_rng(seed)
    videos, truths, spotted = [], [], []
    for person in PEOPLE:
        for name in ("before", "copy1", "copy2"):
            video = f"{person}/{name}"
            videos.append((video, person, "d", 400, 25.0))
            if name != "before":
                truths += [(video, onset, onset + 9, random.choice(ACTIVITIES)) for onset in range(30, 330, 60)]
            for draw in range(draws):
                spotted += [(video, int(apex), draw, random.random()) for apex in random.integers(20, 380, 12)]
    truths = pd.DataFrame(truths, columns=["video", "onset", "offset", "flags"])
    truths = truths.assign(kind="micro", apex=truths["onset"] + 4, emotion=None)
    truths["untouched"] = truths["video"].str.replace(r"copy\d", "before", regex=True)
    spotted = pd.DataFrame(spotted, columns=["video", "apex", "draw", "confidence"])
    spotted = spotted.assign(kind="micro", onset=spotted["apex"] - 3, offset=spotted["apex"] + 3, emotion=None)
    videos = pd.DataFrame(videos, columns=["video", "subject", "dataset", "n_frames", "fps"])
    return Tables(videos, truths, spotted)


def count_plainly(tables, column, flags, draw=0):
    """The share of truths in which an apex lies, one truth after the other."""
    found = []
    for truth in tables.truths.itertuples():
        if truth.flags in flags:
            spotted = tables.predictions
            of_video = spotted[(spotted["video"] == getattr(truth, column)) & (spotted["draw"] == draw)]
            found.append(any(truth.onset - 1 <= apex <= truth.offset + 1 for apex in of_video["apex"]))
    return np.mean(found)


@pytest.mark.parametrize("draws", [1, 3])
def test_summarize_counts_apexes_beside_untouched_copies(draws):
    tables = random_tables(draws, draws)
    scores = summarize(tables, kinds=["micro"], classes=[], seed=0, draws=0)["spotting"]["micro"]["scores"]
    for key in KEYS:
        column = "untouched" if key == "apex_before" else "video"
        flags = [activity for activity in ACTIVITIES if key.endswith(activity)] or ACTIVITIES
        expected = np.mean([count_plainly(tables, column, flags, draw) for draw in range(draws)])
        assert scores[key]["value"] == pytest.approx(expected), key
        assert 0 < expected < 1


def test_summarize_has_no_such_score_of_other_tables():
    tables = random_tables(0)
    tables = Tables(tables.videos, tables.truths.drop(columns=["untouched", "flags"]), tables.predictions)
    assert not {*KEYS} & {
        *summarize(tables, kinds=["micro"], classes=[], seed=0, draws=0)["spotting"]["micro"]["scores"]
    }
