"""`mebench features explain|compute`: what the features of a method are, and computing them ahead of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mebench import console
from mebench.config import resolve
from mebench.errors import DataError
from mebench.progress import Progress

if TYPE_CHECKING:
    from mebench.core.chain import Chain
    from mebench.core.types import Video
    from mebench.runner.plan import Plan


def explain_command(words: Sequence[str], files: Sequence[str], plugins: Sequence[str], json: str | None) -> None:
    """Print a card for each chain that the method reads on the dataset."""
    from mebench.runner.plan import make_plan

    console.check_target(json)
    plan = make_plan(resolve(words, files, plugins))
    cards = {group: [_card(plan, group, c) for c in chains] for group, chains in sorted(plan.chains().items())}
    if json is not None:
        console.write_json({"method": plan.config.method, "revision": plan.dataset.revision, "datasets": cards}, json)
    if json != "-":
        if not any(cards.values()):
            print(f"method {plan.config.method} reads no features")
        for dataset, found in cards.items():
            for card in found:
                print(f"{plan.config.method} on {dataset} (revision {plan.dataset.revision})\n{card.pop('text')}\n")


def compute_command(words: Sequence[str], files: Sequence[str], plugins: Sequence[str], json: str | None) -> None:
    """Compute what the store lacks of the features that a run of these words reads.

    Raises:
        DataError: some videos failed, each told on its line; the others are stored. With `no_face=skip` a video without a
            face is told, but is no failure.
        InterruptedRunError: Ctrl-C or SIGTERM; what is computed is stored.
    """
    from mebench.features import NoFaceError
    from mebench.runner.execute import InterruptedRunError, stoppable, worker_pool
    from mebench.runner.plan import make_plan
    from mebench.runner.tasks import prepare

    console.check_target(json)
    config, progress, started = resolve(words, files, plugins), Progress(), time.perf_counter()
    with stoppable(), worker_pool(config) as pool:
        try:
            plan = make_plan(config)
            done = prepare([plan], pool, progress)
        except KeyboardInterrupt as stop:
            raise InterruptedRunError(
                f"stopped: what is computed stays in {config.cache}. Go on with the same command", stop
            ) from None
    reasons = {key: failure.reason for (_, key), failure in done.failures.items()}
    faceless = {
        key
        for (_, key), failure in done.failures.items()
        if isinstance(failure.error, NoFaceError) and config.no_face == "skip"
    }
    failed = {key: reason for key, reason in reasons.items() if key not in faceless}
    seconds = time.perf_counter() - started
    if json is not None:
        report = {"videos": len(plan.videos), "computed": done.videos - len(reasons), "frames": done.frames}
        skipped = {key: reason for key, reason in reasons.items() if key in faceless}
        console.write_json(report | {"seconds": round(seconds, 3), "skipped": skipped, "failed": failed}, json)
    if json != "-":
        there = len(plan.videos) - done.videos
        print(
            f"{plan.config.cache}: features of {done.videos - len(reasons)} videos ({done.frames} frames) computed in "
            f"{seconds:.0f} s, {there} were there"
        )
    for key, reason in reasons.items():
        progress.say(f"{'skipped' if key in faceless else 'failed'}: {key}: {reason}")
    if failed:
        raise DataError(
            f"the features of {len(failed)} of {len(plan.videos)} videos failed, for the reasons above; the others are "
            "stored. Mend those videos and give the same command again"
        )


def _card(plan: Plan, group: str, chain: Chain) -> dict[str, Any]:
    """The card of a chain as plain data and, under `text`, in words."""
    from mebench.features.explain import explain

    video = next(v for v in plan.videos if plan.groups[v.key] == group)
    if plan.dataset.provided(video, chain.name) is not None:
        said = f"{chain.name}: ready-made, as the dataset provides it; nothing is computed."
        return {"chain": chain.name, "provided": True, "text": said}
    card = explain(chain, _landmarks(plan, chain, video))
    return {**card.plain(), "provided": False, "text": card.text()}


def _landmarks(plan: Plan, chain: Chain, video: Video) -> str:
    """Where the landmarks of a chain come from, in words, as the first video of its dataset shows."""
    from mebench.features.landmarks import find_predictor, predictor_identity
    from mebench.features.source import route_of

    crop = route_of(chain).crop
    if plan.dataset.landmarks(video) is not None and not crop.needs_predictor:
        return f"68 points, from the dataset {video.dataset}."
    file = find_predictor(crop.landmarks)
    if file is None:
        return "68 points, which neither the dataset nor an installed landmark file gives."
    return f"68 points, found by dlib with {file.name} (blake2b {predictor_identity(file)})."
