"""Several runs as one, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mebench.api.run_results import Run, runs_folder
from mebench.api.tracked_runs import send_runs
from mebench.lazy_imports import lazy_imports
from mebench.output.progress import Progress

with lazy_imports():
    from mebench.combination import combined_run, rules as combination_rules
    from mebench.config import sources
    from mebench.runs import folder as run_folder


def combine(
    members: Sequence[str | Path | Run],
    *,
    classes: str = "mean",
    intervals: str = "weighted",
    weights: str | Sequence[float] = "equal",
    overlap: float = 0.5,
    agreement: float = 0.5,
    name: str = "combination",
    runs: str = "",
    progress: Progress | None = None,
) -> Run:
    """Combine the stored predictions of several runs into one run, as `mebench combine` does.

        mebench.combine([first, second], weights="chosen").scores

    The runs test the same people in the same folds; nothing is computed but answers and scores. What all of them do is combined:
    classes of clips, spotted intervals, or both. The combination has a folder and a record of its own, which name the members, and
    boards take it like any run.

    Args:
        members: runs, by their ids, the beginnings of these, their folders, or as objects; a committed record by its folder.
        classes: `mean` of the class probabilities, or a `vote` of the classes.
        intervals: ends of a group of overlapping intervals: their `weighted` mean, or `merged`, from the first onset to the last offset.
        weights: `equal`; `chosen`, for each fold on the people who train in it; or a number for each member.
        overlap: least intersection over union of an interval and the group that it joins.
        agreement: least share of the weights in a group that is kept.
        name: name in tables and of the run.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        progress: see `run`.

    Raises:
        ConfigError: the runs test other people or folds, or do nothing in common; a rule is unknown.
        RunError: there is no such run, or it is not finished.
    """
    place = runs_folder(runs)
    words: list[str] = []
    for member in members:
        path = member.path if isinstance(member, Run) else member
        words.append(str(path))
    folders = [run_folder.RunFolder.open_finished(place, word) for word in words]
    given = weights if isinstance(weights, str) else tuple(map(float, weights))
    rules = combination_rules.CombinationRules(classes, intervals, given, overlap, agreement, name)  # type: ignore[arg-type]
    reporter = progress or Progress()
    made = combined_run.combine_runs(folders, rules, place)
    reporter.notify(*made.remarks)
    tracker = sources.user_setting("tracking", "") or None
    sent = send_runs([made.folder], tracker, reporter)
    return Run(made.folder, made.summary, sent.shown_at, made.fresh, sent.title)
