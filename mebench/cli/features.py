"""`mebench features explain|compute`: what the features of a method are, and computing them ahead of a run."""

from __future__ import annotations

import time
from typing import Any

from mebench import console, core, features, runner
from mebench.cli.option_types import Files, Json, Plugins, Words, checked, configured, verbs
from mebench.errors import DataError
from mebench.progress import Progress

app = verbs("Explain features and compute them ahead of a run.")


@app.command("explain", epilog="Example: mebench features explain method=mean dataset=synthetic")
def explain(words: Words = None, files: Files = None, plugins: Plugins = None, json: Json = None) -> None:
    """Print the features that a method reads, step by step. A paper's appendix could carry them so."""
    plan = runner.plan.make_plan(configured(words, files, plugins))
    cards = {group: [_card(plan, group, c) for c in chains] for group, chains in sorted(plan.chains.items())}
    if console.write_json({"method": plan.config.method, "revision": plan.dataset.revision, "datasets": cards}, json):
        if not any(cards.values()):
            console.print_lines(f"method {plan.config.method} reads no features")
        for dataset, found in cards.items():
            for card in found:
                title = f"{plan.config.method} on {dataset} (revision {plan.dataset.revision})"
                console.print_lines(title, *card["text"].split("\n"), "")


@app.command("compute", epilog="Example: mebench features compute method=mean dataset=synthetic workers=2")
def compute(words: Words = None, files: Files = None, plugins: Plugins = None, json: Json = None) -> None:
    """Compute the features of all videos and store them. What is there stays, and Ctrl-C keeps what is done."""
    settings, started = checked(words, files, plugins), time.perf_counter()

    progress = Progress()
    with runner.execute.stoppable(), runner.execute.worker_pool(settings) as pool:
        try:
            plan = runner.plan.make_plan(settings)
            done = runner.prepare.prepare([plan], pool, progress)
        except KeyboardInterrupt as stop:
            raise runner.execute.InterruptedRunError(
                f"stopped: what is computed stays in {settings.cache}. Go on with the same command", stop
            ) from None
    reasons = {key: failure.reason for (_, key), failure in done.failures.items()}
    faceless = {k for (_, k), failure in done.failures.items() if isinstance(failure.error, features.NoFaceError)}
    skipped = {key: reasons[key] for key in reasons if settings.no_face == "skip" and key in faceless}
    failed = {key: reasons[key] for key in reasons if key not in skipped}
    seconds = time.perf_counter() - started
    report = {"videos": len(plan.videos), "computed": done.videos - len(reasons), "frames": done.frames}
    if console.write_json(report | {"seconds": round(seconds, 3), "skipped": skipped, "failed": failed}, json):
        there = len(plan.videos) - done.videos
        console.print_lines(
            f"{settings.cache}: features of {done.videos - len(reasons)} videos ({done.frames} frames) computed in "
            f"{seconds:.0f} s, {there} were there"
        )
    for key, reason in reasons.items():
        progress.notify(f"{'skipped' if key in skipped else 'failed'}: {key}: {reason}")
    if failed:
        raise DataError(
            f"the features of {len(failed)} of {len(plan.videos)} videos failed, for the reasons above; the others are "
            "stored. Fix those videos and give the same command again"
        )


def _card(plan: runner.plan.Plan, group: str, chain: core.Chain) -> dict[str, Any]:
    """The card of a chain as plain data and, under `text`, in words."""
    video = next(v for v in plan.videos if plan.groups[v.key] == group)
    if plan.dataset.provided(video, chain.name) is not None:
        said = f"{chain.name}: ready-made, as the dataset provides it; nothing is computed."
        return {"chain": chain.name, "provided": True, "text": said}
    crop = features.pipeline.route_of(chain).crop
    file = features.landmarks.find_predictor(crop.landmarks)
    if plan.dataset.landmarks(video) is not None and not crop.needs_predictor:
        landmarks = f"68 points, from the dataset {video.dataset}."
    elif file is None:
        landmarks = "68 points, which neither the dataset nor an installed landmark file gives."
    else:
        landmarks = (
            f"68 points, found by dlib with {file.name} (blake2b {features.landmarks.predictor_identity(file)})."
        )
    card = features.explain.explain(chain, landmarks)
    return {**card.plain(), "provided": False, "text": card.text()}
