"""What a leak buys: a run with `audit=leak` beside the honest run of the same words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.config import RunConfig, from_plain
from mebench.progress import Progress
from mebench.runner.execute import run
from mebench.runner.folder import RunFolder
from mebench.runner.plan import make_plan
from mebench.runner.session import finished_run

SHOWN = ("strs", "f1", "asr", "uf1", "uar", "accuracy")
"""Scores that are compared, in every section that has them."""


def bought(config: RunConfig, summary: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Scores of a leaking run beside those of the honest run of the same words, which is executed if it is not there.

    Args:
        config: of the leaking run.
        summary: its scores.
        progress: where to tell how the honest run goes.

    Returns:
        `honest`: id of the honest run; `scores`: for each path (`spotting.micro.f1`) `honest`, `leak` and the `points`
        that the leak bought, 100 times their difference; None where a score is undefined.

    Raises:
        MebenchError: the honest run cannot be executed.
    """
    folder, honest = _honest(config, progress)
    clean, dirty = _scores(honest), _scores(summary)
    return {
        "honest": folder.id,
        "scores": {
            path: {"honest": clean[path], "leak": value, "points": _points(clean[path], value)}
            for path, value in dirty.items()
            if path in clean
        },
    }


def _honest(config: RunConfig, progress: Progress) -> tuple[RunFolder, Mapping[str, Any]]:
    honest = from_plain({**config.values, "audit": "guard"}, config.origins)
    folder = finished_run(make_plan(honest))
    if folder is not None:
        return folder, folder.read_json("summary.json")
    progress.say("audit=leak: now the same run without the leak, to compare with")
    outcome = run(honest, progress)
    return outcome.folder, outcome.summary


def _scores(summary: Mapping[str, Any]) -> dict[str, float | None]:
    """The values of all sections by path; members and folds are left out."""
    found: dict[str, float | None] = {}
    for section in ("spotting", "analysis", "recognition"):
        parts = summary.get(section) or {}
        if "strs" in parts:
            found[f"{section}.strs"] = parts["strs"]["value"]
        for name, part in {"": parts, **parts}.items():
            scores = part.get("scores", {}) if isinstance(part, Mapping) else {}
            path = ".".join(filter(None, (section, name)))
            found |= {f"{path}.{score}": scores[score]["value"] for score in SHOWN if score in scores}
    return found


def _points(honest: float | None, leak: float | None) -> float | None:
    return None if honest is None or leak is None else round(100 * (leak - honest), 6)
