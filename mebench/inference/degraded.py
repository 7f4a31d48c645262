"""A finished run on degraded videos: its scores at each strength, and violations of relations that need no label."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from mebench.config import from_plain
from mebench.core import hits
from mebench.errors import ConfigError, MebenchError
from mebench.features.degradation import RELATIONS, Degradation
from mebench.grouping import grouped
from mebench.inference.models import of_run
from mebench.metrics import compare, scores_of as flat
from mebench.progress import Progress
from mebench.runner import read_skipped, sweep
from mebench.runs import RunFolder, scores_of, tables_of

PLACE = "degraded"
"""Subfolder of a run with the runs of its models on degraded videos."""


Answers = Sequence[Sequence[Any]]
"""Intervals, rows or `Prediction`s, and named clips, rows or `ClipPrediction`s."""


def answers_of(folder: RunFolder) -> Answers:
    """The answers of a run."""
    return [[*folder.read_table(f"{name}.parquet").itertuples()] for name in ("predictions", "clips")]


def applies(how: Degradation, tasks: Collection[str]) -> bool:
    """Whether a change says something about a method of some tasks: of a still video only what is spotted in it does."""
    return how.kind != "still" or "spot" in tasks


def violations(clean: Answers, changed: Answers, how: Degradation, fps: Mapping[str, float | None]) -> dict[str, int]:
    """The answers that a change altered although it should not: their number `n`, and the number of all answers, `of`.

    Intervals must be found again at IoU .5 or more, at the place to which the change moved them, and no others; clips
    keep their class. A still video counts if an interval is spotted in it.

    Args:
        clean: answers for the original videos.
        changed: answers for them after a change of `RELATIONS`.
        how: the change.
        fps: of each clean video, by its key.
    """
    if how.kind == "still":
        return {"n": len({p.video for p in changed[0]}), "of": len(fps)}

    def moved(answer: Any) -> tuple[int, int]:
        return how.place(answer.onset, fps[answer.video]), how.place(answer.offset, fps[answer.video])

    before = [((p.video, p.kind), moved(p)) for p in clean[0] if not p.draw]
    after = [((p.video, p.kind), (p.onset, p.offset)) for p in changed[0] if not p.draw]
    lost = 0
    for these, those in ((before, after), (after, before)):
        by_place = grouped(those, key=lambda interval: interval[0])
        lost += sum(not any(hits(own, other) for _, other in by_place.get(key, ())) for key, own in these)
    named = {(c.video, *moved(c)): c.predicted for c in clean[1]}
    kept = sum(named.get((c.video, c.onset, c.offset)) == c.predicted for c in changed[1])
    return {"n": lost + len(named) - kept, "of": len(before) + len(after) + len(named)}


def degrade(clean: RunFolder, words: Sequence[str], workers: int | None, progress: Progress) -> list[dict[str, Any]]:
    """Test the models of a run on degraded videos. Earlier results are reused.

    Args:
        clean: the run.
        words: degradations, `KIND:STRENGTH`.
        workers: processes; None for all cores.
        progress: reports the progress.

    Returns:
        For each word `kind`, `strength` and `run`, or the reason of a failure in `error`; `skipped`: number of videos
        whose face is no longer found; `scores`: for each main score its `score`, its `difference` from the clean one,
        paired over subjects, and the relative `drop`; for a relation, `violations` instead.

    Raises:
        ConfigError: no word says anything about what the run does, see `applies`.
        RunError: the run keeps no models.
        MebenchError: no word applies to its dataset, its data are missing, or all degradations failed.
    """
    of_run(clean)
    stored, summary, about = clean.read_json("config.json"), flat(scores_of(clean)), clean.read_json("folds.json")
    config = stored["config"] | {"runs": str(clean.path.absolute() / PLACE), "workers": workers, "looks": False}
    fps: dict[Any, Any] = clean.read_table("videos.parquet").set_index("video")["fps"].to_dict()
    hows = [(word, how) for word, how in zip(words, map(Degradation.of, words)) if applies(how, about["tasks"])]
    if not hows:
        raise ConfigError(
            f"{clean.id} spots nothing, so a still video says nothing about it: name another kind with --what"
        )
    configs = {word: from_plain({**config, "degrade": word}, stored["origins"]) for word, how in hows if how.strength}
    clean_answers, clean_tables = answers_of(clean), tables_of(clean)
    rules = {"kinds": about["kinds"], "classes": about["classes"], "convention": config.get("convention", "strict")}
    outcomes = dict(zip(configs, sweep([*configs.values()], progress, keep=True, clean=clean))) if configs else {}
    if outcomes and all(isinstance(outcome, MebenchError) for outcome in outcomes.values()):
        raise cast(MebenchError, outcomes[next(iter(outcomes))])
    rows = []
    for word, how in hows:
        row: dict[str, Any] = {"kind": how.kind, "strength": how.strength, "run": None, "error": None, "skipped": 0}
        rows.append(row)
        if isinstance(outcome := outcomes.get(word), MebenchError):
            row["error"] = str(outcome)
            continue
        folder = outcome.folder if outcome else clean
        row |= {"run": folder.id, "skipped": len(read_skipped(folder))}
        if how.kind in RELATIONS:
            row["violations"] = violations(clean_answers, answers_of(folder), how, fps)
            continue
        after, row["scores"] = flat(outcome.summary) if outcome else summary, {}
        for path, compared in compare(tables_of(folder), clean_tables, permutations=1, **rules).scores.items():
            lost: Any = {"value": 0.0, "low": None, "high": None} if folder is clean else compared.difference
            value = summary[path]["value"]
            drop = 0.0 - lost["value"] / value if value and lost["value"] is not None else None
            row["scores"][path] = {"score": after[path], "difference": lost, "drop": drop}
    return rows
