"""A hash of the ground truth: two laboratories that get the same one scored against the same annotations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from mebench.core.types import Video


def ground_truth_hash(videos: Iterable[Video]) -> str:
    """SHA-256 over all expressions: who, where, interval, apex, kind, emotion, action units, objective class.

    Hash `Dataset.as_annotated()`, which does not depend on the frames that lie on a machine. Order, frame counts, frame
    rates, flags and the name of the dataset do not enter.

    Returns:
        64 hexadecimal digits; the first 12 are enough to compare by eye.
    """
    lines = sorted(
        json.dumps(
            [v.subject, v.id, e.onset, e.offset, e.apex, e.kind, e.emotion, list(e.action_units), e.objective],
            ensure_ascii=True,
        )
        for v in videos
        for e in v.expressions
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
