"""`mebench features explain|compute` and `cache info|verify|prune`: a method's features, computed before a run, and
their store.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from mebench import config, core, features, json_output, runner, terminal
from mebench.cli.option_checks import days_of
from mebench.cli.option_types import Files, Json, Plugins, Words, checked, configured, verbs
from mebench.errors import ConfigError, DataError, SomeFailedError, check_known
from mebench.progress import Progress

app = verbs("Explain features and compute them ahead of a run.")


@app.command("explain", epilog="Example: mebench features explain method=mean dataset=synthetic")
def features_explain_command(
    words: Words = None, files: Files = None, plugins: Plugins = None, json: Json = None
) -> None:
    """Print the features of a method, step by step. The text fits a paper's appendix."""
    plan = runner.plan.make_plan(configured(words, files, plugins))
    cards = {group: [_card(plan, group, c) for c in chains] for group, chains in sorted(plan.chains.items())}
    if json_output.write_json(
        {"method": plan.config.method, "revision": plan.dataset.revision, "datasets": cards}, json
    ):
        if not any(cards.values()):
            terminal.print_lines(f"method {plan.config.method} reads no features")
        for dataset, card in ((dataset, card) for dataset, of_dataset in cards.items() for card in of_dataset):
            title = f"{plan.config.method} on {dataset} (revision {plan.dataset.revision})"
            terminal.print_lines(title, *card["text"].split("\n"), "")


@app.command("compute", epilog="Example: mebench features compute method=mean dataset=synthetic workers=2")
def features_compute_command(
    words: Words = None, files: Files = None, plugins: Plugins = None, json: Json = None
) -> None:
    """Compute the features of all videos and store them. Stored features stay, and Ctrl-C keeps the finished ones."""
    settings, started, progress = checked(words, files, plugins), time.perf_counter(), Progress()
    with runner.execute.stoppable(), runner.execute.worker_pool(settings) as pool:
        try:
            plan = runner.plan.make_plan(settings)
            done = runner.prepare.prepare([plan], pool, progress)
        except KeyboardInterrupt as stop:
            raise runner.execute.InterruptedRunError(
                f"stopped: computed features stay in {settings.cache}. Give the same command again to continue", stop
            ) from None
    skipped, others = done.failed(settings.no_face == "skip")
    failed = {key: failure.reason for key, failure in others.items()}
    seconds, computed = time.perf_counter() - started, len(done.seconds)
    report = {"videos": len(plan.videos), "computed": computed, "frames": done.frames}
    json_output.write_json(
        report | {"seconds": round(seconds, 3), "skipped": skipped, "failed": failed},
        json,
        f"{settings.cache}: features of {computed} videos ({done.frames} frames) computed in "
        f"{seconds:.0f} s, {len(plan.videos) - computed - len(done.failures)} were there",
    )
    progress.notify(
        *(f"skipped: {key}: {reason}" for key, reason in skipped.items()),
        *(f"failed: {key}: {reason}" for key, reason in failed.items()),
    )
    if failed:
        raise (SomeFailedError if len(failed) < len(plan.videos) else DataError)(
            f"the features of {len(failed)} of {len(plan.videos)} videos failed, for the reasons above"
            f"{'; the others are stored' if len(failed) < len(plan.videos) else ''}. Fix those videos and give the same command again"
        )


def _card(plan: runner.plan.Plan, group: str, chain: core.Chain) -> dict[str, Any]:
    """The card of a chain as plain data and, under `text`, in words."""
    video = next(v for v in plan.videos if plan.groups[v.key] == group)
    if plan.dataset.provided(video, chain.name) is not None:
        text = f"{chain.name}: ready-made in the dataset; nothing is computed."
        return {"chain": chain.name, "provided": True, "text": text}
    crop = features.pipeline.route_of(chain).crop
    file = features.landmarks.find_predictor(crop.landmarks)
    if plan.dataset.landmarks(video) is not None and not crop.needs_predictor:
        landmarks = f"68 points, from the dataset {video.dataset}."
    elif file is None:
        landmarks = "68 points, from neither the dataset nor an installed landmark file."
    else:
        landmarks = (
            f"68 points, found by dlib with {file.name} (blake2b {features.landmarks.predictor_identity(file)})."
        )
    return {**features.explain.explain_chain(chain, landmarks), "provided": False}


cache_app = verbs("Inspect and clean the store of computed features.")

Cache = Annotated[str | None, typer.Option("--cache", metavar="FOLDER", help="The folder of the computed features.")]


@cache_app.command("info", epilog="Example: mebench cache info")
def cache_info_command(cache: Cache = None, json: Json = None) -> None:
    """Show entries and bytes by dataset and stage."""
    store = _store(cache)
    by_stage = features.store.store_contents(store)
    total = sum(by_stage.values(), features.store.StoreInfo())
    parts = [
        {"dataset": dataset or None, "stage": stage, "entries": part.entries, "bytes": part.bytes}
        for (dataset, stage), part in by_stage.items()
    ]
    report = {"folder": str(store.root), "entries": total.entries, "bytes": total.bytes, "parts": parts}
    if json_output.write_json(report, json):
        lines = {**by_stage, ("all", ""): total}
        rows = [
            (dataset or "-", stage, f"{p.entries}", terminal.format_size(p.bytes))
            for (dataset, stage), p in lines.items()
        ]
        terminal.print_table(("dataset", "stage", "entries", "size"), rows)
        terminal.print_lines(f"feature store: {store.root}")


@cache_app.command("verify", epilog="Example: mebench cache verify --deep")
def cache_verify_command(
    cache: Cache = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte and compare its hash.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove damaged entries.")] = False,
    json: Json = None,
) -> None:
    """Find damaged entries by headers and sizes. The exit code is 1 if there are any."""
    store = _store(cache)
    n_entries, damaged, removed = sum(1 for _ in store.entries()), [], 0
    with Progress().stage("verify", n_entries, "entries") as advance:
        for files, reason in features.store.verify_entries(store, deep):
            advance()
            if reason:
                damaged.append({"entry": str(files.stem.relative_to(store.root)), "reason": reason})
                removed += remove and files.remove()
    report = {"folder": str(store.root), "entries": n_entries, "deep": deep, "damaged": damaged, "removed": removed}
    then = "A damaged entry is never read: it is computed again when it is next needed, or removed with --remove"
    json_output.write_json(
        report,
        json,
        *(f"{line['entry']}: {line['reason']}" for line in damaged),
        f"{store.root}: {terminal.format_count(n_entries, 'entry', 'entries')}, {len(damaged)} damaged, {removed} removed",
        *([then] if len(damaged) > removed else []),
    )
    if len(damaged) > removed:
        raise typer.Exit(1)


@cache_app.command("prune", epilog="Example: mebench cache prune --older-than 30d --dry-run")
def cache_prune_command(
    cache: Cache = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="TIME", help=("Also entries that were not read for 12h, 30d, 2w ….")),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", metavar="ID", help=("Also entries of this dataset; with --older-than, both must hold.")
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage", metavar="STAGE", help="Also crops, flow or feature entries; stored features need no flow."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only list.")] = False,
    json: Json = None,
) -> None:
    """Remove entries that no run can use. These are damaged, left by killed runs, or of other OpenCV or dlib versions."""
    if everything and (older_than, dataset, stage) != (None, None, None):
        raise ConfigError(
            "--all removes every entry: leave --older-than and --dataset out, and --stage, or leave --all out"
        )
    if stage is not None:
        check_known("--stage", stage, get_args(features.store.Stage))
    store = _store(cache)
    days = None if older_than is None else days_of(older_than)
    gone = features.store.prune_entries(store, days, dataset, everything, dry_run, cast("features.store.Stage", stage))
    report = {"folder": str(store.root), "entries": gone.entries, "bytes": gone.bytes, "dry_run": dry_run}
    entries, did = terminal.format_count(gone.entries, "entry", "entries"), "would remove" if dry_run else "removed"
    json_output.write_json(report, json, f"{store.root}: {did} {entries}, {terminal.format_size(gone.bytes)}")


def _store(cache: str | None) -> features.FeatureStore:
    if cache is not None and not Path(cache).expanduser().is_dir():
        raise DataError(f"there is no folder {cache}: name the folder of a run's setting cache=, or leave --cache out")
    return features.FeatureStore(Path(cache or config.user_setting("cache", config.RunSettings().cache)).expanduser())
