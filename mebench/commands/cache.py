"""`mebench cache info|verify|prune`: look after the feature store."""

import re
from pathlib import Path

from mebench import console
from mebench.config import user_setting
from mebench.config.settings import RunSettings
from mebench.errors import ConfigError, DataError
from mebench.features import FeatureStore
from mebench.progress import Progress

_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}


def info_command(cache: str | None, json: str | None) -> None:
    """Print entries and bytes by dataset and stage, and all together."""
    from mebench.features import store as feature_store

    store = _store(cache)
    found = feature_store.info(store)
    whole = sum(found.values(), feature_store.StoreInfo())
    if json is not None:
        parts = [
            {"dataset": dataset or None, "stage": stage, "entries": part.entries, "bytes": part.bytes}
            for (dataset, stage), part in found.items()
        ]
        report = {"folder": str(store.root), "entries": whole.entries, "bytes": whole.bytes, "parts": parts}
        console.write_json(report, json)
    if json != "-":
        rows = [(dataset or "-", stage, f"{p.entries}", console.size(p.bytes)) for (dataset, stage), p in found.items()]
        console.print_table(
            ("dataset", "stage", "entries", "size"), [*rows, ("all", "", f"{whole.entries}", console.size(whole.bytes))]
        )
        print(f"feature store: {store.root}")


def verify_command(cache: str | None, deep: bool, remove: bool, json: str | None) -> int:
    """Print a line for each damaged entry; the exit code, 1 if there is one that stays."""
    from mebench.features import store as feature_store

    store = _store(cache)
    n_entries, damaged, removed = sum(1 for _ in store.entries()), [], 0
    with Progress().stage("verify", n_entries, "entries") as advance:
        for damage in feature_store.verify(store, deep):
            advance()
            if damage is not None:
                damaged.append(damage)
                removed += remove and feature_store.remove(damage.files)
    lines = [{"entry": str(d.files.stem.relative_to(store.root)), "reason": d.reason} for d in damaged]
    if json is not None:
        report = {"folder": str(store.root), "entries": n_entries, "deep": deep, "damaged": lines, "removed": removed}
        console.write_json(report, json)
    if json != "-":
        for line in lines:
            print(f"{line['entry']}: {line['reason']}")
        print(
            f"{store.root}: {console.plural(n_entries, 'entry', 'entries')}, {len(damaged)} damaged, {removed} removed"
        )
        if len(damaged) > removed:
            print(
                "A damaged entry is never read: it is computed anew when it is next asked for, or removed with --remove"
            )
    return int(len(damaged) > removed)


def prune_command(
    cache: str | None, older_than: str | None, dataset: str | None, everything: bool, dry_run: bool, json: str | None
) -> None:
    """Remove what no run can use and what the filters name, and say how much that was.

    Raises:
        ConfigError: `older_than` is no time, or stands beside `everything`.
    """
    from mebench.features import store as feature_store

    if everything and (older_than is not None or dataset is not None):
        raise ConfigError("--all removes every entry: leave --older-than and --dataset out, or leave --all out")
    store = _store(cache)
    days = None if older_than is None else days_of(older_than)
    gone = feature_store.prune(store, days, dataset, everything, dry_run)
    if json is not None:
        report = {"folder": str(store.root), "entries": gone.entries, "bytes": gone.bytes, "dry_run": dry_run}
        console.write_json(report, json)
    if json != "-":
        what = f"{console.plural(gone.entries, 'entry', 'entries')}, {console.size(gone.bytes)}"
        print(f"{store.root}: {'would remove' if dry_run else 'removed'} {what}")


def days_of(text: str) -> float:
    """A time such as `12h`, `30d` or `2w` in days.

    Raises:
        ConfigError: it is none.

    >>> days_of("30d"), days_of("12h"), days_of("2w")
    (30.0, 0.5, 14.0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip().lower())
    if match is None:
        raise ConfigError(f"--older-than must be a number of hours, days or weeks such as 12h, 30d or 2w, not {text!r}")
    return float(match[1]) * _DAYS[match[2]]


def _store(cache: str | None) -> FeatureStore:
    if cache is not None and not Path(cache).expanduser().is_dir():
        raise DataError(f"there is no folder {cache}: give the one that a run names with cache=, or leave --cache out")
    return FeatureStore(Path(cache or user_setting("cache", RunSettings().cache)).expanduser())
