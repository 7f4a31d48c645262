"""Several runs as one, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mebench.api.run_results import Run, Sweep, runs_folder
from mebench.api.tracked_runs import send_runs
from mebench.errors import ConfigError
from mebench.lazy_imports import lazy_imports
from mebench.output.progress import Progress

with lazy_imports():
    from mebench.combination import combined_run, rules as combination_rules
    from mebench.config import sources
    from mebench.records import method_result
    from mebench.reports import sweep_scores
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
) -> Run | Sweep:
    """Combine the stored predictions of several runs into one run, as `mebench combine` does.

        mebench.combine([first, second], weights="chosen").scores

    The runs test the same people in the same folds; nothing is computed but answers and scores. What all of them do is combined:
    classes of clips, spotted intervals, or both. The combination has a folder and a record of its own, which name the members, and
    boards take it like any run. Members with several seeds, named by the beginning of their ids, are combined seed with seed.

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

    Returns:
        The combination; of members with several seeds all combinations as one.

    Raises:
        ConfigError: the runs test other people or folds, have other seeds, or do nothing in common; a rule is unknown.
        RunError: there is no such run, or it is not finished.
    """
    words = [str(member.path if isinstance(member, Run) else member) for member in members]
    given = weights if isinstance(weights, str) else tuple(map(float, weights))
    rules = combination_rules.CombinationRules(classes, intervals, given, overlap, agreement, name)  # type: ignore[arg-type]
    made = combine_seeds(words, rules, runs, progress)
    if len(made) == 1:
        return made[0]
    seeds = [{"seed": str(run.config["seed"])} for run in made]
    rows = sweep_scores.sweep_rows([(words, run.folder, run.summary) for words, run in zip(seeds, made)])
    return Sweep(made, rows, failures=(), words=seeds, tracked=made[0].tracked or "")


def combine_seeds(
    members: Sequence[str], rules: combination_rules.CombinationRules, runs: str = "", progress: Progress | None = None
) -> list[Run]:
    """Combine several results over all their seeds: a combination for each seed.

    Args:
        members: ids of runs, the beginnings of these for all their seeds, or folders of records.
        rules: rules of the combination.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        progress: see `run`.

    Raises:
        ConfigError: the members have other seeds, people or folds.
        RunError: there is no such run, or it is not finished.
    """
    place = runs_folder(runs)
    results = [method_result.open_result(place, word) for word in members]
    reporter = progress or Progress()
    told: set[str] = set()
    return [_combine_folders(folders, rules, place, reporter, told) for folders in _pair_seeds(members, results)]


def _pair_seeds(
    words: Sequence[str], results: Sequence[method_result.MethodResult]
) -> list[list[run_folder.RunFolder]]:
    """The runs of each seed, one of each result. Single runs go together whatever their seeds are.

    Raises:
        ConfigError: some results have other seeds.
    """
    are_single = all(len(result.folders) == 1 for result in results)
    if not are_single and any(result.seeds != results[0].seeds for result in results):
        seeds = "; ".join(f"{word}: {', '.join(map(str, result.seeds))}" for word, result in zip(words, results))
        raise ConfigError(
            f"the runs have other seeds ({seeds}), and a seed is combined with the same seed: name results of the same seeds, "
            "or give more of the ids to name one run of each"
        )
    n_seeds = max((len(result.folders) for result in results), default=0)
    return [[result.folders[number] for result in results] for number in range(n_seeds)]


def _combine_folders(
    folders: Sequence[run_folder.RunFolder],
    rules: combination_rules.CombinationRules,
    place: str,
    progress: Progress,
    told: set[str],
) -> Run:
    """The combination of some runs, sent to the user's tracker; `told` are remarks that need no repetition."""
    made = combined_run.combine_runs(folders, rules, place)
    progress.notify(*(remark for remark in made.remarks if remark not in told))
    told.update(made.remarks)
    tracker = sources.user_setting("tracking", "") or None
    sent = send_runs([made.folder], tracker, progress)
    return Run(made.folder, made.summary, sent.shown_at, made.fresh, sent.title)
