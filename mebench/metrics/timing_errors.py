"""Metrics of the time of true positives: errors of apex and ends. It imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.metrics.metric import Metric, Pairs

if TYPE_CHECKING:
    from mebench.metrics.ratios import Floats


def apex_error_ms(pairs: Pairs) -> Floats:
    """Distances of apexes in milliseconds, 0 or more; NaN where one is not marked or the frame rate is unknown."""
    return abs(pairs.late("apex")) * pairs.ms


def apex_error_frames(pairs: Pairs) -> Floats:
    """Distances of apexes in frames, 0 or more; NaN where one is not marked."""
    return abs(pairs.late("apex"))


def onset_delay_ms(pairs: Pairs) -> Floats:
    """Milliseconds by which spotted intervals begin late; NaN where the frame rate is unknown."""
    return pairs.late("onset") * pairs.ms


def offset_delay_ms(pairs: Pairs) -> Floats:
    """Milliseconds by which spotted intervals end late; NaN where the frame rate is unknown."""
    return pairs.late("offset") * pairs.ms


TIMING = (
    Metric(
        "apex_mae_ms",
        "apex error, ms",
        "mean distance of spotted from true apexes",
        "mean over true positives with a marked apex of |spotted apex - true apex| / frames per second x 1000",
        direction="lower",
        scale="positive",
        unit="milliseconds",
        kind="mean",
        of_pairs=apex_error_ms,
    ),
    Metric(
        "apex_mae_frames",
        "apex error, frames",
        "the same in frames of the video",
        "mean over true positives with a marked apex of |spotted apex - true apex|",
        direction="lower",
        scale="positive",
        unit="frames",
        kind="mean",
        of_pairs=apex_error_frames,
    ),
    Metric(
        "onset_bias_ms",
        "onset bias, ms",
        "how late spotted intervals begin on average",
        "mean over true positives of (spotted onset - true onset) / frames per second x 1000",
        direction="zero",
        scale="any",
        unit="milliseconds",
        kind="mean",
        of_pairs=onset_delay_ms,
    ),
    Metric(
        "offset_bias_ms",
        "offset bias, ms",
        "how late spotted intervals end on average",
        "mean over true positives of (spotted offset - true offset) / frames per second x 1000",
        direction="zero",
        scale="any",
        unit="milliseconds",
        kind="mean",
        of_pairs=offset_delay_ms,
    ),
)
