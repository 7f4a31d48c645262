"""`mebench runs list|show|verify|prune` and `track sync`: list, check and remove runs, and send them to MLflow."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.cli.option_checks import days_of
from mebench.cli.option_types import Json, Plugins, RunId, Runs, Tracking, Verbose, add_plugins
from mebench.cli.verbs import verb_group
from mebench.errors import RunError, check_known, list_first, refuse_if
from mebench.files import WRITING
from mebench.grouping import group_by
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.catalogue import SECTIONS
from mebench.output import json_output, terminal
from mebench.output.number_format import format_number
from mebench.output.progress import Progress

with lazy_imports():
    from mebench.api import run_results
    from mebench.config import sources
    from mebench.records import method_result
    from mebench.reports import result_scores, scores as score_report
    from mebench.runner import selection_worth
    from mebench.runs import access_text, chance_levels, folder as run_folder, scoring

if TYPE_CHECKING:
    from mebench.tracking import send
else:
    send = load_lazily("mebench.tracking.send")

app = verb_group("runs")
track_app = verb_group("track")


def _status(run: dict[str, Any]) -> str:
    """The status of a run with the folds concerned."""
    if run["status"] == "finished":
        return "finished"
    if run["damaged"]:
        return f"{run['status']}: {list_first(run['damaged'])}"
    failed = f", {run['failed']} failed" if run["failed"] else ""
    return f"{run['status']}, {run['done']} of {run['folds']} folds{failed}"


@app.command("list", epilog="Example: mebench runs list --runs runs")
def runs_list_command(runs: Runs = "", json: Json = None) -> None:
    """List the runs with status, scores, age and size. The latest is first."""
    listed = [run for _, run in _described_runs(runs)]
    if not json_output.write_json(listed, json):
        return
    rows = [_cells_of(run) for run in listed]
    if terminal.at_terminal():
        _print_for_people(rows, runs, sum(run["bytes"] for run in listed))
    else:
        terminal.print_table(("run", "status", "scores", "age", "size"), rows)


def _cells_of(run: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Id, status, scores, age and size of a run, in words."""
    scores = ", ".join(f"{name} {format_number(value)}" for name, value in run["scores"].items()) or "-"
    return run["id"], _status(dict(run)), scores, _age(run["days"]), terminal.format_size(run["bytes"])


def _print_for_people(rows: Sequence[tuple[str, str, str, str, str]], runs: str, n_bytes: int) -> None:
    """Print two lines for each run, and the sum of all."""
    if not rows:
        terminal.print_lines(f"no runs in {runs}")
        return
    for run_id, status, scores, age, size in rows:
        known = [scores] if scores != "-" else []
        terminal.print_lines(run_id, f"    {'; '.join([status, *known, f'{age} old', size])}")
    terminal.print_lines("", f"{terminal.format_count(len(rows), 'run')}, {terminal.format_size(n_bytes)}")


@app.command("show", epilog="Example: mebench runs show mean-synthetic")
def runs_show_command(
    run: RunId, runs: Runs = "", verbose: Verbose = False, json: Json = None, plugins: Plugins = None
) -> None:
    """Show a run, finished or not. It lists status, scores, reasons of failed folds, and costs of each fold.

    All seeds, by the beginning of their ids, are shown as one: their means, and each seed beside them.
    """
    add_plugins(plugins)
    seeds = method_result.find_seeds(runs, run)
    if seeds is not None:
        _show_seeds(seeds, json)
        return
    folder = run_folder.RunFolder.open(runs, run)
    facts = _describe(folder)
    stored = folder.read_json("config.json")
    costs = _costs_of_folds(folder)
    access = access_text.access_of_run(folder)
    report = {**facts, "key": stored["key"], "config": stored["config"], "costs": costs, "sandbox": access}
    scores = None
    if folder.done and not facts["damaged"]:
        scores = chance_levels.with_levels_of_chance(scoring.current_summary(folder), folder)
    if not json_output.write_json(report | ({} if scores is None else {"summary": scores}), json):
        return
    terminal.print_lines(
        f"{facts['id']}: {_status(facts)}, {_age(facts['days'])} old, {terminal.format_size(facts['bytes'])}"
    )
    if scores is not None:
        score_report.print_outcome(folder, scores, None, verbose)
    _print_failures(folder)
    if costs:
        _print_costs(costs)
    if access is not None:
        terminal.print_lines(access_text.describe_access(access))
        terminal.print_lines(*(access_text.describe_grants(folder, access) if verbose else ()))
    if facts["damaged"]:
        terminal.print_lines(f"run {folder.id} {folder.describe_damage(facts['damaged'])}")
    elif not folder.done:
        terminal.print_lines(f"continue with: {folder.resume_hint}")


def _show_seeds(result: method_result.MethodResult, json: str | None) -> None:
    """Print the scores of a result over its seeds, or write them."""
    summaries = [scoring.current_summary(folder) for folder in result.folders]
    summaries[0] = chance_levels.with_levels_of_chance(summaries[0], result.folders[0])
    scores = result_scores.scores_of_result(result.folders, summaries)
    sentence = result_scores.sentence_of_runs(result.folders, scores)
    ids = [folder.id for folder in result.folders]
    plain = {one.label: {**one.score.plain_over_seeds(), "chance": one.chance.value} for one in scores.stated}
    if not json_output.write_json({"runs": ids, "seeds": result.seeds, "result": sentence, "scores": plain}, json):
        return
    terminal.print_report(sentence, result_scores.table_of_seeds(result.seeds, scores))
    terminal.print_lines(f"a seed with its folds: mebench runs show {result.folders[0].quoted_name}")


def _print_failures(folder: run_folder.RunFolder) -> None:
    """Print the last line of the reason of each failed fold."""
    for file in sorted((folder.path / "failed").glob("[!.]*")):
        reason = file.read_text(encoding="utf-8").strip().splitlines()
        terminal.print_lines(f"failed: {file.name}: {reason[-1] if reason else 'no reason was kept'}")


def _print_costs(costs: Sequence[Mapping[str, Any]]) -> None:
    """Print the costs of folds as a table."""
    decimals = {name: 1 for name in costs[0] if name != "fold"}
    if "parameters" in decimals:
        decimals["parameters"] = 0
    rows = []
    for fold in costs:
        numbers = [f"{fold[name]:,.{n}f}" for name, n in decimals.items()]
        rows.append((str(fold["fold"]), *numbers))
    terminal.print_table(("fold", *(name.replace("_", " ") for name in decimals)), rows, title="costs")


def _costs_of_folds(folder: run_folder.RunFolder) -> list[dict[str, Any]]:
    """The costs of each fold: as the finished run lists them, else of the folds that are done."""
    if (folder.path / "costs.csv").is_file():
        rows: list[Any] = folder.read_costs().to_dict("records")
        return rows
    finished = folder.finished_folds()
    keys = (fold["fold"] for fold in folder.read_json("folds.json")["folds"] if fold["fold"] in finished)
    return [{"fold": key, **folder.fold_record(key)["costs"]} for key in keys]


@app.command("verify", epilog="Example: mebench runs verify mean-synthetic")
def runs_verify_command(run: RunId, runs: Runs = "", json: Json = None) -> None:
    """Check that a finished run is unchanged. The exit code is 4 if files differ."""
    folder = run_folder.RunFolder.open(runs, run)
    refuse_if(
        (not folder.done, f"run {folder.id!r} is not finished: continue it with {folder.resume_hint}"), error=RunError
    )
    changed = folder.list_changed_files()
    if not changed:
        folder.check_values()
    sealed = 0 if "DONE" in changed else len(folder.seal)
    sound = f"{folder.id}: {sealed} files and their folds are unchanged since the run was finished"
    if not sealed:
        sound = f"{folder.id} was finished by a version that kept no hashes, so it cannot be verified"
    json_output.write_json(
        {"run_id": folder.id, "files": sealed, "changed": changed}, json, *([] if changed else [sound])
    )
    if changed:
        raise RunError(f"run {folder.id} {folder.describe_damage(changed)}")


@app.command("prune", epilog="Example: mebench runs prune --unfinished --older-than 30d --dry-run")
def runs_prune_command(
    runs: Runs = "",
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only runs that are not finished.")] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Only runs unchanged for 12h, 30d, 2w ….")
    ] = None,
    keep_best: Annotated[
        int | None,
        typer.Option(
            "--keep-best", metavar="N", help="Only finished runs, without the N best of each dataset and protocol."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="The score of --keep-best, such as STRS or UF1.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only list.")] = False,
    json: Json = None,
) -> None:
    """Remove the runs that meet all given conditions. Their copies in MLflow stay."""
    ranked = keep_best is not None
    refuse_if(
        (
            not (unfinished or older_than is not None or ranked),
            "name the runs with --unfinished, --older-than 30d, --keep-best N, or several of them",
        ),
        (unfinished and ranked, "--keep-best selects finished runs: leave --unfinished out, or prune twice"),
        (metric is not None and not ranked, "--metric ranks runs for --keep-best: add --keep-best N"),
        ((keep_best or 0) < 0, f"--keep-best must be 0 or more runs, not {keep_best}"),
    )
    days = None if older_than is None else days_of(older_than)
    found = _described_runs(runs)
    best = None if keep_best is None else _best_runs([run for _, run in found], keep_best, metric)

    is_chosen = partial(_meets_conditions, unfinished=unfinished, days=days, best=best)
    gone = []
    for folder, run in _without_needed_runs(found, is_chosen):
        if dry_run or _remove(folder):
            gone.append(run)
    n_bytes = sum(run["bytes"] for run in gone)
    action = "would remove" if dry_run else "removed"
    json_output.write_json(
        {"runs": [run["id"] for run in gone], "bytes": n_bytes, "dry_run": dry_run},
        json,
        *(f"{action} {run['id']} ({_status(run)}, {_age(run['days'])} old)" for run in gone),
        f"{runs}: {action} {len(gone)} of {len(found)} runs, {terminal.format_size(n_bytes)}",
    )


def _without_needed_runs(
    found: Sequence[tuple[run_folder.RunFolder, dict[str, Any]]], is_chosen: Callable[[Mapping[str, Any]], bool]
) -> list[tuple[run_folder.RunFolder, dict[str, Any]]]:
    """The chosen runs, without the honest runs of leaking ones that stay: these are of use only together."""
    kept_honest = {run["honest"] for _, run in found if not is_chosen(run)}
    return [(folder, run) for folder, run in found if is_chosen(run) and run["id"] not in kept_honest]


def _meets_conditions(run: Mapping[str, Any], unfinished: bool, days: float | None, best: Set[str] | None) -> bool:
    """Whether a run meets all given conditions of removal; one in progress meets none.

    Args:
        run: the run, as `_describe` gives it.
        unfinished: the run must not be finished.
        days: days for which the run must be unchanged; by default it may be new.
        best: ids of the best runs; with them the run must be finished and none of them.
    """
    if run["status"] == "running":
        return False
    if unfinished and run["status"] in ("finished", "damaged"):
        return False
    if days is not None and run["days"] <= days:
        return False
    if best is None:
        return True
    return run["status"] == "finished" and run["id"] not in best


def _remove(folder: run_folder.RunFolder) -> bool:
    """Remove a run, and return whether no process was working on it."""
    lock = folder.lock()
    if lock is None:
        return False
    try:  # from now on it does not count as a run
        (folder.path / "DONE").unlink(missing_ok=True)
        (folder.path / "config.json").unlink(missing_ok=True)
        shutil.rmtree(folder.path)
    finally:
        lock.release()
    return True


@track_app.command("sync", epilog="Example: mebench track sync --tracking http://localhost:5000")
def track_sync_command(
    run: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Ids of runs; by default all finished runs."),
    ] = None,
    runs: Runs = "",
    uri: Tracking = None,
    leaderboards: Annotated[
        str, typer.Option("--leaderboards", metavar="FOLDER", help="The folder with tables of leaderboard build.")
    ] = "leaderboards",
    folds: Annotated[
        bool | None, typer.Option("--folds/--no-folds", help="Send a nested run for each fold, or none.")
    ] = None,
    models: Annotated[bool | None, typer.Option("--models/--no-models", help="Send weights, or none.")] = None,
    figures: Annotated[bool | None, typer.Option("--figures/--no-figures", help="Send figures, or none.")] = None,
    json: Json = None,
) -> None:
    """Send runs and leaderboard tables that MLflow lacks. Its server may have been down."""
    progress = Progress()
    boards = list[Path]()
    if run:
        named = (run_folder.RunFolder.open_finished(runs, word) for word in run)
        folders = list({folder.path: folder for folder in named}.values())
    else:
        folders = [folder for folder in run_folder.RunFolder.list_runs(runs) if folder.done]
        home = Path(leaderboards).expanduser()
        boards = _tables_in(home / "tables") or _tables_in(home)  # up to version 0.2 they lay in the folder itself
    n = len(folders) + len(boards)
    if not n:
        raise RunError(
            f"there is no finished run in {runs} and no table in {leaderboards} to send: choose other places with --runs DIR, "
            "--leaderboards FOLDER"
        )
    with progress.waiting("tracking"):
        address = uri or sources.user_setting("tracking", "") or None
        synced = send.send_all(folders, address, progress, folds, models, figures, boards)
    json_output.write_json({name: list(getattr(synced, name)) for name in ("sent", "there", "failed")}, json)
    refuse_if(
        (
            synced.failed,
            f"{len(synced.failed)} of {n} were not sent, for the reason above: fix it, then give the same command again",
        ),
        (not synced.title, "tracking is off, so nothing is sent: name a tracker with --tracking"),
        error=RunError,
    )
    if json != "-":
        terminal.print_lines(
            f"{len(synced.sent)} sent, {terminal.format_count(len(synced.there), 'was', 'were')} there already. "
            f"{synced.title}: {synced.opening}"
        )


def _tables_in(folder: Path) -> list[Path]:
    """The tables of leaderboards in a folder, as JSON, by task."""
    return [file for task in SECTIONS for file in sorted(folder.glob(f"{task}-*.json"))]


def _described_runs(runs: str) -> list[tuple[run_folder.RunFolder, dict[str, Any]]]:
    """All runs, the latest first; a damaged one is reported in a sentence.

    Raises:
        RunError: a folder was named that does not exist.
    """
    if runs != run_results.runs_folder("") and not Path(runs).expanduser().is_dir():
        raise RunError(f"there is no folder {runs}: name the folder of your runs with --runs")
    described = []
    for folder in run_folder.RunFolder.list_runs(runs):
        try:
            described.append((folder, _describe(folder)))
        except OSError as refusal:
            Progress().notify(f"left out: {run_folder.refusal_of(Path(refusal.filename or folder.path), refusal)}")
        except (RunError, KeyError, TypeError) as error:
            is_refused = isinstance(error.__cause__, OSError) and run_folder.is_refusal(error.__cause__)
            what = "left out" if is_refused else f"run {folder.id} is damaged and left out"
            Progress().notify(f"{what}: {error}")
    for reason in run_folder.RunFolder.list_broken_runs(runs).values():
        Progress().notify(f"left out: {reason}")
    return sorted(described, key=lambda pair: (pair[1]["days"], pair[1]["id"]))


def _describe(folder: run_folder.RunFolder) -> dict[str, Any]:
    """A run as a line of a list.

    Returns:
        `id`; `method` and `dataset`, joined by `+` if there are several; `protocol`, `seed`; `status`: `finished`,
        `damaged` (files are missing or have changed since it was finished; `damaged` names them, `lost` the missing
        ones), `running` (a process works on it), `failed` or `unfinished`; the numbers of `folds`, of those `done` and of
        those `failed`; `audit`, its setting; `honest`: for a run that keeps the best epoch on the tested subjects, the id
        of the honest run of the same training; the main `scores`, if it is finished; `days` since the last change;
        `bytes` on disk.
    """
    values = sources.flatten_keys(folder.read_json("config.json")["config"])
    n_folds = len(folder.read_json("folds.json")["folds"]) if (folder.path / "folds.json").is_file() else 0
    n_done = len([*folder.path.glob("folds/[!.]*")])
    n_failed = len([*folder.path.glob("failed/[!.]*")])
    lost = folder.lost
    damaged = folder.list_damaged_files(only_newer=True)
    audit = str(values.get("audit", "guard"))
    worth = None if audit == "guard" else selection_worth.worth_of(folder)
    summary = folder.read_json("summary.json") if folder.done and not damaged else {}
    stats = _stats_of_files(folder)
    newest = max((stat.st_mtime for stat in stats), default=folder.path.stat().st_mtime)
    return {
        "id": folder.id,
        "method": "+".join(filter(None, [str(values["method"]), values.get("recognizer")])),
        "dataset": values["dataset"] if isinstance(values["dataset"], str) else "+".join(values["dataset"]),
        "protocol": str(values["protocol"]),
        "seed": int(values["seed"]),
        "status": "damaged" if damaged else _status_word(folder, n_failed),
        "folds": n_folds,
        "done": n_done,
        "failed": n_failed,
        "lost": lost,
        "damaged": damaged,
        "audit": audit,
        "honest": "" if worth is None else str(worth["honest"]),
        "scores": {name: score.value for name, score in score_report.main_scores(summary).items()},
        "days": max(time.time() - newest, 0.0) / 86400.0,
        "bytes": sum(stat.st_size for stat in stats),
    }


def _stats_of_files(folder: run_folder.RunFolder) -> list[os.stat_result]:
    """Size and time of each file of a run.

    Left out are the lock, which inspecting a run takes, partial files, and files that a process removes meanwhile.
    """
    stats = []
    for path, subfolders, files in os.walk(folder.path):
        subfolders[:] = [name for name in subfolders if not name.startswith(WRITING)]
        for name in files:
            if name == ".lock" or name.startswith(WRITING):
                continue
            with suppress(FileNotFoundError):
                stats.append(Path(path, name).stat())
    return stats


def _status_word(folder: run_folder.RunFolder, n_failed: int) -> str:
    """The status of a run that is not damaged in a word, see `_describe`."""
    if folder.done:
        return "finished"
    if _is_running(folder):
        return "running"
    return "failed" if n_failed else "unfinished"


def _is_running(folder: run_folder.RunFolder) -> bool:
    """Whether a process is working on a run; False if the folder is not writable."""
    try:
        lock = folder.lock()
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return False
    if lock is None:
        return True
    lock.release()
    return False


def _best_runs(runs: Sequence[dict[str, Any]], keep: int, metric: str | None) -> set[str]:
    """Ids of the best finished runs of each dataset and protocol; runs that leak on purpose come after all others."""
    finished = [run for run in runs if run["status"] == "finished"]
    every = sorted({name for run in finished for name in run["scores"]})
    if metric is not None and finished:
        check_known("score", metric, every)
    groups = group_by(  # runs of different tasks are not comparable, so each task has its best
        finished,
        key=lambda run: (
            run["dataset"],
            run["protocol"],
            metric if metric in run["scores"] else next(iter(run["scores"]), ""),
        ),
    )
    best: set[str] = set()
    for (_, _, name), group in groups.items():
        values = {run["id"]: run["scores"].get(name) for run in group}
        defined = {id_: value for id_, value in values.items() if value is not None}
        undefined_last = {id_: defined.get(id_, -inf) for id_ in values}
        group.sort(key=lambda run: (run["audit"] != "guard", -undefined_last[run["id"]], run["days"]))
        best |= {run["id"] for run in group[:keep]}
    return best


def _age(days: float) -> str:
    """Time in one unit.

    >>> [_age(d) for d in (0.0001, 0.02, 0.5, 3.2)]
    ['0 min', '29 min', '12 h', '3 d']
    """
    if days < 1 / 24:
        return f"{days * 24 * 60:.0f} min"
    return f"{days * 24:.0f} h" if days < 2 else f"{days:.0f} d"
