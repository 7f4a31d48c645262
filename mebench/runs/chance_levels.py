"""Levels of chance beside the scores of recognition and analysis: they come from a run's truths, so records need not hold them."""

from collections.abc import Mapping
from typing import Any

from mebench.metrics.chance import analysis_chance, recognition_chance
from mebench.metrics.conventions import find_convention
from mebench.metrics.name_leak import names_chance
from mebench.metrics.tables import Tables
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import read_tables

LEVELS = ("recognition", "analysis")
"""The levels of chance that a run has beside those of spotting."""
MOST_NAMED = 5000
"""Most clips whose classes are also guessed from their names alone: with more it takes minutes."""


def add_levels_of_chance(
    summary: Mapping[str, Any], folder: RunFolder, tables: Tables, about: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A run's summary with the levels of chance. Those of recognition and analysis are added as far as it lacks them.

    Args:
        summary: summary of the run.
        folder: the run.
        tables: its tables, as scoring reads them.
        about: content of `folds.json`, if it is read already.
    """
    stored = dict(summary.get("chance", {}))
    about = folder.read_json("folds.json") if about is None else about
    if "recognition" in summary and "recognition" not in stored:
        stored["recognition"] = _chance_of_clips(about, tables, summary["convention"])
    if "analysis" in summary and "analysis" not in stored:
        seed = int(folder.read_json("config.json")["config"]["seed"])
        stored |= chance_of_analysis(about, tables, seed, summary["convention"])
    return {**summary, "chance": stored} if stored else dict(summary)


def with_levels_of_chance(
    summary: Mapping[str, Any], folder: RunFolder, about: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A finished run's or record's summary with these levels; tables are read only if it lacks them."""
    lacks_some = any(task in summary and task not in summary.get("chance", {}) for task in LEVELS)
    return add_levels_of_chance(summary, folder, read_tables(folder), about) if lacks_some else dict(summary)


def without_levels_of_chance(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary as records keep it."""
    levels = {kind: level for kind, level in summary.get("chance", {}).items() if kind not in LEVELS}
    rest = {name: part for name, part in summary.items() if name != "chance"}
    if not levels:
        return rest
    return {name: levels if name == "chance" else part for name, part in summary.items()}


def _chance_of_clips(about: Mapping[str, Any], tables: Tables, convention: str) -> dict[str, Any]:
    """The scores of always the most frequent class, and of names alone. The latter are there where people can be learnt from."""
    level = recognition_chance(tables, about["classes"], convention)
    assert tables.clips is not None
    trained_on = {who: [*fold["train"], *fold["valid"]] for fold in about["folds"] for who in fold["test"]}
    all_have_training = all(trained_on.get(subject) for subject in tables.clips["subject"])
    is_each_scored_once = "part" not in tables.clips and not about.get("subject_dependent")
    is_set = "+" in level["class"]
    if all_have_training and is_each_scored_once and not is_set and len(tables.clips) <= MOST_NAMED:
        clips_alone = Tables(tables.videos, tables.truths, None, tables.clips)
        by_name = names_chance(clips_alone, trained_on, about["classes"], (), convention)
        level["names"] = by_name["recognition"]["scores"]
    return level


def chance_of_analysis(about: Mapping[str, Any], tables: Tables, seed: int, convention: str) -> dict[str, Any]:
    """The scores of intervals placed and named at random, as a level of `analysis`; empty where they are unknown."""
    k_prime = {name: of_kinds["micro"] for name, of_kinds in about["k_prime"].items() if "micro" in of_kinds}
    is_known = tables.videos[["n_frames", "fps"]].notna().all(axis=None)
    if not k_prime or not is_known or not find_convention(convention).has_known_chance:
        return {}
    level = analysis_chance(
        tables.videos,
        tables.truths,
        k_prime,
        about["classes"],
        seed,
        convention=convention,
        one_per_video=about.get("one_per_video", False),
    )
    return {"analysis": {"random": level}} if level else {}
