"""`mebench cache info|verify|prune`: look after the feature store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mebench import config, console, features
from mebench.cli.option_types import Json, verbs
from mebench.errors import ConfigError, DataError
from mebench.progress import Progress

app = verbs("Look after the store of computed features.")

Cache = Annotated[str | None, typer.Option("--cache", metavar="FOLDER", help="Where the computed features are.")]


@app.command("info", epilog="Example: mebench cache info")
def info(cache: Cache = None, json: Json = None) -> None:
    """Show entries and bytes by dataset and stage."""
    store = _store(cache)
    found = features.store.info(store)
    whole = sum(found.values(), features.store.StoreInfo())
    parts = [
        {"dataset": dataset or None, "stage": stage, "entries": part.entries, "bytes": part.bytes}
        for (dataset, stage), part in found.items()
    ]
    report = {"folder": str(store.root), "entries": whole.entries, "bytes": whole.bytes, "parts": parts}
    if console.write_json(report, json):
        rows = [(dataset or "-", stage, f"{p.entries}", console.size(p.bytes)) for (dataset, stage), p in found.items()]
        console.print_table(
            ("dataset", "stage", "entries", "size"), [*rows, ("all", "", f"{whole.entries}", console.size(whole.bytes))]
        )
        console.print_lines(f"feature store: {store.root}")


@app.command("verify", epilog="Example: mebench cache verify --deep")
def verify(
    cache: Cache = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte and compare its hash.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove damaged entries.")] = False,
    json: Json = None,
) -> None:
    """Look for damaged entries by headers and sizes. The exit code is 1 if there are any."""
    store = _store(cache)
    n_entries, damaged, removed = sum(1 for _ in store.entries()), [], 0
    with Progress().stage("verify", n_entries, "entries") as advance:
        for damage in features.store.verify(store, deep):
            advance()
            if damage is not None:
                damaged.append(damage)
                removed += remove and features.store.remove(damage.files)
    lines = [{"entry": str(d.files.stem.relative_to(store.root)), "reason": d.reason} for d in damaged]
    report = {"folder": str(store.root), "entries": n_entries, "deep": deep, "damaged": lines, "removed": removed}
    if console.write_json(report, json):
        for line in lines:
            console.print_lines(f"{line['entry']}: {line['reason']}")
        entries = console.plural(n_entries, "entry", "entries")
        console.print_lines(f"{store.root}: {entries}, {len(damaged)} damaged, {removed} removed")
        if len(damaged) > removed:
            console.print_lines(
                "A damaged entry is never read: it is computed anew when it is next asked for, or removed with --remove"
            )
    if len(damaged) > removed:
        raise typer.Exit(1)


@app.command("prune", epilog="Example: mebench cache prune --older-than 30d --dry-run")
def prune(
    cache: Cache = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Also what nobody read for 12h, 30d, 2w ….")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="ID", help="Also that of a dataset; with --older-than, both.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only tell.")] = False,
    json: Json = None,
) -> None:
    """Remove what no run can use. That is damaged entries, leftovers of killed runs, entries of other OpenCV or dlib versions."""
    if everything and (older_than is not None or dataset is not None):
        raise ConfigError("--all removes every entry: leave --older-than and --dataset out, or leave --all out")
    store = _store(cache)
    days = None if older_than is None else console.days_of(older_than)
    gone = features.store.prune(store, days, dataset, everything, dry_run)
    report = {"folder": str(store.root), "entries": gone.entries, "bytes": gone.bytes, "dry_run": dry_run}
    if console.write_json(report, json):
        what = f"{console.plural(gone.entries, 'entry', 'entries')}, {console.size(gone.bytes)}"
        console.print_lines(f"{store.root}: {'would remove' if dry_run else 'removed'} {what}")


def _store(cache: str | None) -> features.FeatureStore:
    if cache is not None and not Path(cache).expanduser().is_dir():
        raise DataError(f"there is no folder {cache}: give the one that a run names with cache=, or leave --cache out")
    return features.FeatureStore(Path(cache or config.user_setting("cache", config.RunSettings().cache)).expanduser())
