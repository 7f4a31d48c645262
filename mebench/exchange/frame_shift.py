"""Detect that two files seem to count frames differently. The user is warned; nothing is shifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mebench.core.peaks import overlap, overlap_ratio
from mebench.exchange.text_table import Remarks
from mebench.lazy_imports import load_lazily
from mebench.metrics.matching import same_group
from mebench.metrics.ratios import Floats, Indices
from mebench.metrics.tables import group_rows, number_groups
from mebench.output.terminal import format_count

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
FEWEST = 10
"""Fewest truths for a test of overlaps."""
FEWEST_EXACT = 3
"""Fewest truths that a shift must hit to the frame, for a warning."""
FEWEST_VIDEOS = 5
"""Fewest videos whose predictions lie on one side, for a warning."""
CLOSE_FRAMES = 2
"""Frames to which annotators and methods agree on ends at best."""


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
    n_truths_of_group = np.bincount(of_truths, minlength=of_spotted.max(initial=-1) + 1)
    n_pairs = n_truths_of_group[of_spotted].sum()
    if not 0 < n_pairs < MOST_PAIRS:
        return
    prediction, truth = same_group(of_spotted, of_truths)
    shift, before, after = _best_shift(_FramePairs.of_rows(truths, spotted, truth, prediction))
    if shift:
        remarks.warn(_shift_in_words(shift, before, after))
    else:
        _warn_of_far_videos(truths, spotted, remarks)


def _shift_in_words(shift: int, before: float, after: float) -> str:
    """A constant shift as a sentence, with the mean IoU before and after."""
    frames = "frame" if abs(shift) == 1 else "frames"
    back = "earlier" if shift > 0 else "later"
    side = "late" if shift > 0 else "early"
    return (
        f"the predictions look shifted by {shift:+d} {frames} against the "
        f"truth: {format_count(abs(shift), 'frame')} {back} they would overlap it by an IoU of {after:.2f} on "
        f"average instead of {before:.2f}. If one file counts from 0 and the other from 1 or by file "
        f"number, number both in the same way; otherwise the method itself is {side}. "
        "Nothing was shifted here"
    )


def _warn_of_far_videos(truths: pd.DataFrame, spotted: pd.DataFrame, remarks: Remarks) -> None:
    """Warn of videos whose predictions all lie far from all truths. They must be many, and on one side."""
    true_spans, spotted_spans = _spans_of_videos(truths), _spans_of_videos(spotted)
    shared = sorted(true_spans.keys() & spotted_spans.keys())
    sides: dict[str, list[str]] = {"before": [], "after": []}
    for video in shared:
        side = _far_side(true_spans[video], spotted_spans[video])
        if side:
            sides[side].append(video)
    far_before, far_after = sides.values()
    if far_before and far_after:
        return
    for side, far in sides.items():
        if len(far) < FEWEST_VIDEOS:
            continue
        first_true, last_true = true_spans[far[0]]
        first_spotted, last_spotted = spotted_spans[far[0]]
        line = spotted["line"].to_numpy()[spotted["video"] == far[0]].min()
        remarks.warn(
            f"in {len(far)} of {format_count(len(shared), 'video')} all predictions lie far {side} all truths, such as in "
            f"{far[0].partition('/')[2]} (line {line} of the predictions: frames {first_spotted} to {last_spotted}; "
            f"truth {first_true} to {last_true}). If one file counts from 0 and the other by file number, write "
            "both alike. Nothing was shifted here"
        )


def _spans_of_videos(intervals: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """The first onset and the last offset of each video."""
    videos = group_rows(intervals, ["video"])
    order = np.argsort(videos.number, kind="stable")
    starts = np.searchsorted(videos.number[order], np.arange(len(videos.cells)))
    if not len(starts):
        return {}
    first = np.minimum.reduceat(intervals["onset"].to_numpy(np.int64)[order], starts)
    last = np.maximum.reduceat(intervals["offset"].to_numpy(np.int64)[order], starts)
    return {video: span for (video,), span in zip(videos.cells, zip(first.tolist(), last.tolist()))}


def _far_side(true: tuple[int, int], spotted: tuple[int, int]) -> str:
    """Whether all predictions of a video lie far `before` or `after` all truths; empty if neither.

    Args:
        true: first onset and last offset of the truths.
        spotted: the same of the predictions.
    """
    first_true, last_true = true
    first_spotted, last_spotted = spotted
    longest = max(last_true - first_true, last_spotted - first_spotted)
    if first_true - last_spotted > 2 * longest:
        return "before"
    return "after" if first_spotted - last_true > 2 * longest else ""


@dataclass(frozen=True)
class _FramePairs:
    """Each prediction beside each truth of its video and kind.

    Attributes:
        true_onset: (n_pairs,) onsets of truths.
        true_offset: (n_pairs,) offsets of truths.
        onset: (n_pairs,) onsets of predictions.
        offset: (n_pairs,) offsets of predictions.
        truth: (n_pairs,) number of the truth, from 0, among those with a prediction.
    """

    true_onset: Indices
    true_offset: Indices
    onset: Indices
    offset: Indices
    truth: Indices

    @classmethod
    def of_rows(cls, truths: pd.DataFrame, spotted: pd.DataFrame, truth: Indices, prediction: Indices) -> _FramePairs:
        """The pairs, from the rows of their truths and predictions."""
        _, number_of_truth = np.unique(truth, return_inverse=True)
        return cls(
            true_onset=truths["onset"].to_numpy(np.int64)[truth],
            true_offset=truths["offset"].to_numpy(np.int64)[truth],
            onset=spotted["onset"].to_numpy(np.int64)[prediction],
            offset=spotted["offset"].to_numpy(np.int64)[prediction],
            truth=number_of_truth,
        )

    def best_ious(self, shift: int) -> Floats:
        """(n_truths,) best IoU of each truth after a shift of the predictions is undone."""
        ious = np.zeros(int(self.truth.max()) + 1)
        moved_back = (self.onset - shift, self.offset - shift)
        np.maximum.at(ious, self.truth, overlap_ratio(*overlap(moved_back, (self.true_onset, self.true_offset))))
        return ious


def _best_shift(pairs: _FramePairs) -> tuple[int, float, float]:
    """The likely shift, 0 for none, and the truths' mean best IoU before and after."""
    shifts, n_candidates = _shifts_to_try(pairs)
    before = pairs.best_ious(0)
    ious_of_shifts = [pairs.best_ious(shift) for shift in shifts]
    best = int(np.argmax([ious.sum() for ious in ious_of_shifts]))
    shift = shifts[best]
    after = ious_of_shifts[best]
    if (after - before).sum() <= 0:
        return 0, 0.0, 0.0
    n_compared = 2 if abs(shift) == 1 else n_candidates  # prefer the shift between counting from 0 and from 1
    is_likely = _hits_to_the_frame(before, after) or _exceeds_chance(after - before, n_compared)
    return (shift if is_likely else 0), float(before.mean()), float(after.mean())


def _shifts_to_try(pairs: _FramePairs) -> tuple[list[int], int]:
    """The most frequent differences of ends, the smallest first, always with -1 and 1; and the number of all differences."""
    differences = np.concatenate([pairs.onset - pairs.true_onset, pairs.offset - pairs.true_offset])
    distinct, counts = np.unique(differences, return_counts=True)
    # Neighbouring differences count too.
    first = np.searchsorted(distinct, distinct - CLOSE_FRAMES, side="left")
    last = np.searchsorted(distinct, distinct + CLOSE_FRAMES, side="right")
    total = np.concatenate([[0], counts.cumsum()])
    n_close = total[last] - total[first]
    frequent = distinct[np.argsort(-n_close, kind="stable")[:TRIED]]
    return sorted({*frequent.tolist(), -1, 1}, key=lambda shift: (abs(shift), shift)), len(distinct)


def _hits_to_the_frame(before: Floats, after: Floats) -> bool:
    """Whether a shift hits half of the truths exactly, twice as many as before."""
    n_exact = int((after == 1).sum())
    n_exact_before = int((before == 1).sum())
    return n_exact >= max(FEWEST_EXACT, len(after) / 2) and n_exact > 2 * n_exact_before


def _exceeds_chance(gains: Floats, n_compared: int) -> bool:
    """Whether gains in IoU are more than chance explains: a t test, corrected for the number of compared shifts."""
    n_truths = len(gains)
    if n_truths < FEWEST:
        return False
    error = gains.std(ddof=1) / np.sqrt(n_truths)
    if error == 0:
        return True
    return bool(scipy.special.stdtr(n_truths - 1, -gains.mean() / error) * n_compared < LEVEL)
