"""Detect that two files seem to count frames differently. The user is warned; nothing is shifted."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mebench.core.peaks import overlap, overlap_ratio
from mebench.exchange.text_table import Remarks
from mebench.lazy_imports import load_lazily
from mebench.metrics.matching import same_group
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.tables import number_groups
from mebench.terminal import format_count

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

TRIED = 20
"""Number of shifts that are tried: the most frequent differences of ends."""
MOST_PAIRS = 5_000_000
"""Most pairs of a prediction and a truth of one video; with more, the check would take too long."""
LEVEL = 0.001
"""Level of significance, divided by the number of candidate shifts."""
FEWEST, FEWEST_EXACT, FEWEST_VIDEOS = 10, 3, 5
"""Fewest truths for a test of overlaps, truths hit to the frame, and videos on one side, for a warning."""


def note_shift(truths: pd.DataFrame, spotted: pd.DataFrame, remarks: Remarks) -> None:
    """Warn if the predictions seem shifted against the truth: all by one number of frames, or each video by its own.

    A constant shift is reported if undoing it would hit at least half of the truths to the frame, or would raise each
    truth's best IoU by more than chance explains (a t test, corrected for the number of candidate shifts). Otherwise a
    shift that differs between videos, as between positions and file numbers, is reported if in some videos all
    predictions lie far from all truths, always on the same side.

    Args:
        truths: `video`, `kind`, `onset`, `offset`.
        spotted: the same and `line`, of one draw.
        remarks: gets the warning.
    """
    of_truths, of_spotted = number_groups(["video", "kind"], truths, spotted)
    if not 0 < np.bincount(of_truths, minlength=of_spotted.max(initial=-1) + 1)[of_spotted].sum() < MOST_PAIRS:
        return
    prediction, truth = same_group(of_spotted, of_truths)
    shift, before, after = _best_shift(truths, spotted, prediction, truth)
    if shift:
        way = "earlier" if shift > 0 else "later"
        remarks.warn(
            f"the predictions look shifted by {shift:+d} {'frame' if abs(shift) == 1 else 'frames'} against the "
            f"truth: {format_count(abs(shift), 'frame')} {way} they would overlap it by an IoU of {after:.2f} on "
            f"average instead of {before:.2f}. If one file counts from 0 and the other from 1 or by file "
            f"number, number both in the same way; otherwise the method itself is {'late' if shift > 0 else 'early'}. "
            "Nothing was shifted here"
        )
        return
    # Otherwise: videos whose predictions all lie far from all truths, if they are many and all on one side.
    spans = [
        pd.DataFrame({"first": rows["onset"].min(), "last": rows["offset"].max()})
        for rows in (truths.groupby("video"), spotted.groupby("video"))
    ]
    both = spans[0].add_suffix("_true").join(spans[1].add_suffix("_said"), how="inner")
    longest = np.maximum(both["last_true"] - both["first_true"], both["last_said"] - both["first_said"])
    sides: dict[str, Bools] = {
        "before": (both["first_true"] - both["last_said"] > 2 * longest).to_numpy(),
        "after": (both["first_said"] - both["last_true"] > 2 * longest).to_numpy(),
    }
    for side, other in (("before", "after"), ("after", "before")):
        far = int(sides[side].sum())
        if far < FEWEST_VIDEOS or sides[other].any():
            continue
        row = both[sides[side]].iloc[0]
        line = spotted.loc[spotted["video"] == row.name, "line"].min()
        remarks.warn(
            f"in {far} of {format_count(len(both), 'video')} all predictions lie far {side} all truths, such as in "
            f"{str(row.name).partition('/')[2]} (line {line} of the predictions: frames {row['first_said']} to {row['last_said']}; "
            f"truth {row['first_true']} to {row['last_true']}). If one file counts from 0 and the other by file number, write "
            "both alike. Nothing was shifted here"
        )


def _best_shift(
    truths: pd.DataFrame, spotted: pd.DataFrame, prediction: Indices, truth: Indices
) -> tuple[int, float, float]:
    """The likely shift, 0 for none, and the truths' mean best IoU before and after."""
    (a, b), (c, d) = (
        (table["onset"].to_numpy(np.int64)[rows], table["offset"].to_numpy(np.int64)[rows])
        for table, rows in ((truths, truth), (spotted, prediction))
    )
    _, of_truth = np.unique(truth, return_inverse=True)
    n = int(of_truth.max()) + 1

    def best(shift: int) -> Floats:
        ious = np.zeros(n)
        np.maximum.at(ious, of_truth, overlap_ratio(*overlap((c - shift, d - shift), (a, b))))
        return ious

    seen, counts = np.unique(np.concatenate([c - a, d - b]), return_counts=True)
    # Annotators and methods agree on ends to a few frames at best, so neighbouring shifts count too.
    first = np.searchsorted(seen, seen - 2, side="left")
    last = np.searchsorted(seen, seen + 2, side="right")
    total = np.concatenate([[0], counts.cumsum()])
    likely = seen[np.argsort(total[first] - total[last], kind="stable")[:TRIED]]
    tried = sorted({*likely.tolist(), -1, 1}, key=lambda shift: (abs(shift), shift))
    now, others = best(0), [best(shift) for shift in tried]
    chosen = int(np.argmax([other.sum() for other in others]))
    then = others[chosen]
    gain = then - now
    exact = int((then == 1).sum())
    if gain.sum() <= 0:
        return 0, 0.0, 0.0
    hit = exact >= max(FEWEST_EXACT, n / 2) and exact > 2 * int((now == 1).sum())
    error = gain.std(ddof=1) / np.sqrt(n) if n >= FEWEST else np.inf
    among = 2 if abs(tried[chosen]) == 1 else len(seen)  # prefer the shift between counting from 0 and from 1
    surprising = error == 0 or scipy.special.stdtr(n - 1, -gain.mean() / error) * among < LEVEL
    return (tried[chosen] if hit or surprising else 0), float(now.mean()), float(then.mean())
