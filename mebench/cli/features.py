"""`mebench features explain|show|compute` and `cache info|verify|prune`: a method's features, computed before a run, and
their store.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from mebench.cli.option_checks import check_file, days_of
from mebench.cli.option_types import Files, Json, Plugins, Words, config_from_words, config_with_inputs
from mebench.cli.verbs import verb_group
from mebench.errors import ConfigError, DataError, SomeFailedError, check_known
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, format_size, print_lines, print_table

with lazy_imports():
    from mebench.config import settings as run_settings, sources, trainer
    from mebench.features import (
        explain,
        landmarks as face_landmarks,
        pipeline,
        stages as chain_stages,
        store as feature_store,
    )
    from mebench.reports import feature_pictures, score_plots
    from mebench.runner import execute, plan as run_plan, prepare

if TYPE_CHECKING:
    from mebench.core import Video
    from mebench.core.chain import Chain
    from mebench.features.pipeline import Clip
    from mebench.runner.plan import Plan

app = verb_group("features")


@app.command("explain", epilog="Example: mebench features explain method=mean dataset=synthetic")
def features_explain_command(
    words: Words = None, files: Files = None, plugins: Plugins = None, json: Json = None
) -> None:
    """Print the features of a method, step by step. The text fits a paper's appendix."""
    plan = run_plan.make_plan(config_from_words(words, files, plugins))
    method = plan.config.method
    revision = plan.data.dataset.revision
    cards = {group: [_card(plan, group, c) for c in chains] for group, chains in sorted(plan.features.chains.items())}
    if not write_json({"method": method, "revision": revision, "datasets": cards}, json):
        return
    if not any(cards.values()):
        print_lines(f"method {method} reads no features")
    for dataset, cards_of_dataset in cards.items():
        for card in cards_of_dataset:
            print_lines(f"{method} on {dataset} (revision {revision})", *card["text"].split("\n"), "")


@app.command("show", epilog="Example: mebench features show method=mean dataset=synthetic clip=1")
def features_show_command(
    words: Words = None,
    files: Files = None,
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="FILE", help="The figure: .png, .svg or .pdf.")
    ] = "features.png",
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Draw what each step of a chain makes of one clip.

    The word clip=N chooses the clip, or clip= with a part of a video's name. The last picture is what a method gets.
    """
    chosen = [word.partition("=")[2] for word in words or () if word.startswith("clip=")]
    settings = [word for word in words or () if not word.startswith("clip=")]
    check_file("-o", out)
    score_plots.check_figure("-o", out)
    plan = run_plan.make_plan(config_from_words(settings, files, plugins))
    video, clip = _find_clip(plan, chosen[-1] if chosen else "1")
    chains = plan.features.chains_of(video)
    if not chains:
        raise ConfigError(f"method {plan.config.method} reads no features, so there is nothing to show")
    rows: list[dict[str, Any]] = []
    files_written = []
    for number, chain in enumerate(chains, 1):
        dataset, id_ = plan.data.find_home(video)
        source = pipeline.video_source(plan.features.store, dataset, id_, video)
        stages = chain_stages.list_stages(source, chain, clip)
        title = f"{chain.name} of {video.key}, frames {clip[0]} to {clip[2]}, apex {clip[1]}"
        file = Path(out).with_stem(f"{Path(out).stem}_{number}") if number > 1 else Path(out)
        files_written.append(str(score_plots.save_figure(feature_pictures.draw_stages(stages, title), file)))
        rows += [
            {
                "chain": chain.name,
                "step": stage.step,
                "shape": list(stage.array.shape),
                "unit": stage.unit,
                "range": feature_pictures.range_text(stage.array),
            }
            for stage in stages
        ]
    report = {"video": video.key, "clip": list(clip), "stages": rows, "files": files_written}
    if not write_json(report, json):
        return
    print_lines(f"{video.key}: onset {clip[0]}, apex {clip[1]}, offset {clip[2]}")
    print_table(
        ("chain", "step", "shape", "range", "unit"),
        [
            (row["chain"], row["step"], " x ".join(map(str, row["shape"])), row["range"], row["unit"] or "-")
            for row in rows
        ],
    )
    print_lines("A network gets the last array of a chain with its channels first: (channels, rows, cols), or")
    print_lines("(time, channels, rows, cols).", *files_written)


def _find_clip(plan: Plan, chosen: str) -> tuple[Video, Clip]:
    """The clip of that number, or the first of a video so named."""
    places = [
        (video, (expression.onset, expression.peak, expression.offset))
        for video in plan.data.videos
        for expression in video.expressions
    ]
    if chosen.isdecimal():
        if not 1 <= int(chosen) <= len(places):
            raise ConfigError(f"clip={chosen}: the dataset has the clips 1 to {len(places)}")
        return places[int(chosen) - 1]
    named = [place for place in places if chosen in place[0].key]
    if not named:
        keys = [video.key for video, _ in places]
        raise ConfigError(
            f"clip={chosen}: no video with an expression has this in its name; the first is {keys[0] if keys else '-'}"
        )
    return named[0]


@app.command("compute", epilog="Example: mebench features compute method=mean dataset=synthetic workers=2")
def features_compute_command(
    words: Words = None, files: Files = None, plugins: Plugins = None, json: Json = None
) -> None:
    """Compute the features of all videos and store them. Stored features stay, and Ctrl-C keeps the finished ones."""
    with trainer.without_foreign_code():
        settings = config_with_inputs(words, files, plugins)
    started = time.perf_counter()
    progress = Progress()
    with execute.stopped_by_signals(), execute.worker_pool(settings) as pool:
        try:
            plan = run_plan.make_plan(settings)
            done = prepare.prepare_features([plan.feature_needs], pool, progress)
        except KeyboardInterrupt as stop:
            raise execute.InterruptedRunError(
                f"stopped: computed features stay in {settings.cache}. Give the same command again to continue", stop
            ) from None
    seconds = time.perf_counter() - started
    skipped, failures = done.failed(settings.no_face == "skip")
    failed = {key: failure.reason for key, failure in failures.items()}
    n_videos = len(plan.data.videos)
    n_computed = len(done.seconds)
    n_there = n_videos - n_computed - len(done.failures)
    report = {
        "videos": n_videos,
        "computed": n_computed,
        "frames": done.frames,
        "seconds": round(seconds, 3),
        "skipped": skipped,
        "failed": failed,
    }
    computed = f"features of {n_computed} videos ({done.frames} frames) computed in {seconds:.0f} s"
    write_json(report, json, f"{settings.cache}: {computed}, {n_there} stored before")
    progress.notify(*(f"skipped: {key}: {reason}" for key, reason in skipped.items()))
    progress.notify(*(f"failed: {key}: {reason}" for key, reason in failed.items()))
    if not failed:
        return
    lost = f"the features of {len(failed)} of {n_videos} videos failed, for the reasons above"
    again = "Fix those videos and give the same command again"
    if len(failed) == n_videos:
        raise DataError(f"{lost}. {again}")
    raise SomeFailedError(f"{lost}; the others are stored. {again}")


def _card(plan: Plan, group: str, chain: Chain) -> dict[str, Any]:
    """The card of a chain as plain data and, under `text`, in words."""
    video = next(v for v in plan.data.videos if plan.data.groups[v.key] == group)
    if plan.data.dataset.provided(video, chain.name) is not None:
        text = f"{chain.name}: ready-made in the dataset; nothing is computed."
        return {"chain": chain.name, "provided": True, "text": text}
    crop = pipeline.route_of(chain).crop
    file = face_landmarks.find_predictor(crop.landmarks)
    if plan.data.dataset.landmarks(video) is not None and not crop.needs_predictor:
        landmarks = f"68 points, from the dataset {video.dataset}."
    elif file is None:
        landmarks = "68 points, from neither the dataset nor an installed landmark file."
    else:
        landmarks = f"68 points, found by dlib with {file.name} (blake2b {face_landmarks.predictor_identity(file)})."
    return {**explain.explain_chain(chain, landmarks), "provided": False}


cache_app = verb_group("cache")

Cache = Annotated[str | None, typer.Option("--cache", metavar="FOLDER", help="The folder of the computed features.")]


@cache_app.command("info", epilog="Example: mebench cache info")
def cache_info_command(cache: Cache = None, json: Json = None) -> None:
    """Show entries and bytes by dataset and stage."""
    store = _store(cache)
    by_stage = feature_store.store_contents(store)
    total = sum(by_stage.values(), feature_store.StoreInfo())
    parts = [
        {"dataset": dataset or None, "stage": stage, "entries": part.entries, "bytes": part.bytes}
        for (dataset, stage), part in by_stage.items()
    ]
    report = {"folder": str(store.root), "entries": total.entries, "bytes": total.bytes, "parts": parts}
    if write_json(report, json):
        rows = [
            (dataset or "-", stage, f"{part.entries}", format_size(part.bytes))
            for (dataset, stage), part in by_stage.items()
        ]
        rows.append(("all", "", f"{total.entries}", format_size(total.bytes)))
        print_table(("dataset", "stage", "entries", "size"), rows)
        print_lines(f"feature store: {store.root}")


@cache_app.command("verify", epilog="Example: mebench cache verify --deep")
def cache_verify_command(
    cache: Cache = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte and compare its hash.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove damaged entries.")] = False,
    json: Json = None,
) -> None:
    """Find damaged entries by headers and sizes. The exit code is 1 if there are any."""
    store = _store(cache)
    n_entries = sum(1 for _ in store.list_entries())
    n_removed = 0
    damaged = []
    with Progress().stage("verify", n_entries, "entries") as advance:
        for files, reason in feature_store.verify_entries(store, deep):
            advance()
            if not reason:
                continue
            damaged.append({"entry": str(files.stem.relative_to(store.root)), "reason": reason})
            if remove:
                n_removed += files.remove()
    n_left = len(damaged) - n_removed
    report = {"folder": str(store.root), "entries": n_entries, "deep": deep, "damaged": damaged, "removed": n_removed}
    lines = [f"{entry['entry']}: {entry['reason']}" for entry in damaged]
    found = f"{len(damaged)} damaged, {n_removed} removed"
    lines.append(f"{store.root}: {format_count(n_entries, 'entry', 'entries')}, {found}")
    if n_left > 0:
        lines.append(
            "A damaged entry is never read: it is computed again when it is next needed, or removed with --remove"
        )
    write_json(report, json, *lines)
    if n_left > 0:
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
        check_known("--stage", stage, get_args(feature_store.Stage))
    store = _store(cache)
    days = None if older_than is None else days_of(older_than)
    gone = feature_store.prune_entries(store, days, dataset, everything, dry_run, cast("feature_store.Stage", stage))
    report = {"folder": str(store.root), "entries": gone.entries, "bytes": gone.bytes, "dry_run": dry_run}
    action = "would remove" if dry_run else "removed"
    entries = format_count(gone.entries, "entry", "entries")
    write_json(report, json, f"{store.root}: {action} {entries}, {format_size(gone.bytes)}")


def _store(cache: str | None) -> feature_store.FeatureStore:
    """The store in the named folder, or in that of the settings."""
    if cache is not None and not Path(cache).expanduser().is_dir():
        raise DataError(f"there is no folder {cache}: name the folder of a run's setting cache=, or leave --cache out")
    return feature_store.FeatureStore(
        Path(cache or sources.user_setting("cache", run_settings.RunSettings().cache)).expanduser()
    )
