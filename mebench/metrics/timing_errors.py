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
        example=r"""
        The mean distance of the apexes of true positives from the true ones, as far as these are annotated. $r$ is the video's
        frames per second.

        $$
        \frac{1}{TP} \sum_{i=1}^{TP} |\hat a_i - a_i| \cdot \frac{1000}{r}
        $$

        ```python
        beside((abs(22 - 20) + abs(54 - 50)) / 2 * 1000 / 100, "spotting/micro/scores/apex_mae_ms")
        ```
        """,
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
        example=r"""
        The same in frames instead of milliseconds.

        $$
        \frac{1}{TP} \sum_{i=1}^{TP} |\hat a_i - a_i|
        $$

        ```python
        beside((abs(22 - 20) + abs(54 - 50)) / 2, "spotting/micro/details/scores/apex_mae_frames")
        ```
        """,
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
        example=r"""
        The mean delay of the onsets of true positives; negative if they begin early.

        $$
        \frac{1}{TP} \sum_{i=1}^{TP} (\hat o_i - o_i) \cdot \frac{1000}{r}, \qquad o \text{ the onset}
        $$

        ```python
        beside(((12 - 10) + (50 - 40)) / 2 * 1000 / 100, "spotting/micro/details/scores/onset_bias_ms")
        ```
        """,
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
        example=r"""
        The same for offsets.

        $$
        \frac{1}{TP} \sum_{i=1}^{TP} (\hat e_i - e_i) \cdot \frac{1000}{r}, \qquad e \text{ the offset}
        $$

        ```python
        beside(((30 - 29) + (59 - 59)) / 2 * 1000 / 100, "spotting/micro/details/scores/offset_bias_ms")
        ```
        """,
    ),
)
