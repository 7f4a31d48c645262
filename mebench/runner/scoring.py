"""The scores of a run from its folder alone: predictions and truth, no model."""

from __future__ import annotations

from typing import Any

from mebench.metrics.chance import spotting_chance
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables
from mebench.runner.folder import RunFolder


def tables_of(folder: RunFolder) -> Tables:
    """The tables that scoring reads.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    about = folder.read_json("folds.json")
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    predictions = folder.read_table("predictions.parquet") if "spot" in about["tasks"] else None
    clips = None
    if "recognize" in about["tasks"]:
        asked = truths[(truths["kind"] == "micro") & truths["emotion"].notna()].rename(columns={"emotion": "truth"})
        answers = folder.read_table("clips.parquet").drop_duplicates(["video", "onset", "offset"])
        clips = asked.merge(answers, on=["video", "onset", "offset"], how="left").merge(
            videos[["video", "subject", "dataset"]], on="video"
        )[["video", "subject", "dataset", "truth", "predicted"]]
    return Tables(videos, truths, predictions, clips)


def score(folder: RunFolder, seed: int, draws: int) -> dict[str, Any]:
    """The summary of a run, and beside its spotting the level of chance for each kind.

    Args:
        folder: a run whose folds are merged, or the record of one.
        seed: of the run; bootstrap and chance draw from it.
        draws: of the bootstrap.
    """
    about, tables = folder.read_json("folds.json"), tables_of(folder)
    summary = summarize(tables, kinds=about["kinds"], classes=about["classes"], seed=seed, draws=draws)
    if tables.predictions is not None:
        summary["chance"] = {
            kind: spotting_chance(
                tables.videos,
                tables.truths,
                {name: k[kind] for name, k in about["k_prime"].items()},
                kind,
                seed,
                one_per_video=about.get("one_per_video", False),
            )
            for kind in about["kinds"]
        }
    return summary
