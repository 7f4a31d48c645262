"""Wide tables of frame scores, with a column for each video or each frame, give what long ones do."""

import numpy as np
import pandas as pd
import pytest

from mebench.api.score_files import score

APEXES = {"01_a": 20, "01_b": 31, "02_a": 26}
LENGTHS = {"01_a": 60, "01_b": 70, "02_a": 64}
TRUTH = pd.DataFrame(
    [(*name.split("_"), apex - 6, apex + 6) for name, apex in APEXES.items()],
    columns=["subject", "video", "onset", "offset"],
)
LONG = pd.concat(
    pd.DataFrame(
        {"video": name, "frame": range(n), "score": np.exp(-(((np.arange(n) - APEXES[name]) / 4) ** 2)).round(6)}
    )
    for name, n in LENGTHS.items()
)
BY_FRAME = LONG.pivot(index="video", columns="frame", values="score").reset_index()
BY_VIDEO = LONG.pivot(index="frame", columns="video", values="score").reset_index()
WIDE = {
    "a column for each frame": BY_FRAME,
    "frames with a name": BY_FRAME.rename(columns=lambda name: f"frame_{name}" if isinstance(name, int) else name),
    "subject beside video": BY_FRAME.assign(subject=BY_FRAME["video"].str[:2], video=BY_FRAME["video"].str[3:]).rename(
        columns=str
    ),
    "a column for each video": BY_VIDEO,
    "no column of frames": BY_VIDEO.drop(columns="frame"),
}


def spotted(table, write, **options):
    file = str(write(table.to_csv(index=False, **options), "scores.csv"))
    found = score(truth=TRUTH, predictions=file, what="frame scores", k_prime=6, bootstrap=0)
    return found.tables.predictions[["video", "onset", "offset"]].sort_values("video").to_numpy().tolist(), found


@pytest.mark.parametrize("name", WIDE)
def test_wide_scores_are_read_like_long_ones(write, name):
    long, _ = spotted(LONG, write)
    wide, found = spotted(WIDE[name], write, sep=";")
    assert wide == long
    assert len(long) == 3
    assert any("is read as a row for each" in line for line in found.repaired)


def test_long_scores_are_not_reshaped(write):
    long, found = spotted(LONG.assign(**{str(n): 1 for n in range(12)}), write)
    assert len(long) == 3
    assert not any("is read as a row for each" in line for line in found.repaired)
