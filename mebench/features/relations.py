"""Relations that need no label: changes of a video that should not alter a method's answers, and how many they altered.

`mebench.features.degradation` holds the changes themselves.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mebench.core.peaks import hits
from mebench.features.degradation import Degradation
from mebench.grouping import group_by

Answers = Sequence[Sequence[Any]]
"""Intervals, rows or `Prediction`s, and named clips, rows or `ClipPrediction`s."""


def concerns_tasks(how: Degradation, tasks: Collection[str]) -> bool:
    """Whether a change says something about a method of some tasks: a video without motion only about spotting."""
    return not how.about.empties or "spot" in tasks


def count_violations_of_run(
    clean: Answers, changed: Answers, how: Degradation, fps: Mapping[str, float | None]
) -> dict[str, int]:
    """Count the answers that a change altered although it should not: `n`, and all answers, `of`.

    Intervals must be found again at IoU .5 or more, at the frames to which the change moved them, and no others; clips
    keep their class. A video without motion counts if an interval is spotted in it.

    Args:
        clean: answers for the original videos.
        changed: answers for them after the change.
        how: relation, see `relation_names`.
        fps: frame rate of each clean video, by its key.
    """
    if how.about.empties:
        return {"n": len({interval.video for interval in changed[0]}), "of": len(fps)}

    def moved(answer: Any) -> tuple[int, int]:
        """Onset and offset of a clean answer in the changed video."""
        return how.new_index(answer.onset, fps[answer.video]), how.new_index(answer.offset, fps[answer.video])

    clean_intervals, clean_clips = clean
    changed_intervals, changed_clips = changed
    before = [((p.video, p.kind), moved(p)) for p in clean_intervals if not p.draw]
    after = [((p.video, p.kind), (p.onset, p.offset)) for p in changed_intervals if not p.draw]
    n_lost = _count_unmatched(before, after)
    n_new = _count_unmatched(after, before)
    classes = {(clip.video, *moved(clip)): clip.predicted for clip in clean_clips}
    n_kept = sum(classes.get((clip.video, clip.onset, clip.offset)) == clip.predicted for clip in changed_clips)
    n_violations = n_lost + n_new + len(classes) - n_kept
    return {"n": n_violations, "of": len(before) + len(after) + len(classes)}


_Placed = tuple[tuple[str, str], tuple[int, int]]
"""Video and kind of an interval, and its ends."""


def _count_unmatched(intervals: Sequence[_Placed], others: Sequence[_Placed]) -> int:
    """Number of intervals that no other one of their video and kind hits."""
    by_place = group_by(others, key=lambda placed: placed[0])
    unmatched = 0
    for key, ends in intervals:
        candidates = [other_ends for _, other_ends in by_place.get(key, ())]
        if not any(hits(ends, other_ends) for other_ends in candidates):
            unmatched += 1
    return unmatched
