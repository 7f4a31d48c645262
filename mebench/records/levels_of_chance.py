"""Levels of chance of a record's clips and emotions: they follow from its truth, so that records of one truth share them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from mebench.files import file_hash
from mebench.metrics import own_metrics
from mebench.metrics.chance import recognition_chance
from mebench.metrics.tables import Tables
from mebench.records.record_files import OF_SCORES
from mebench.result_cache import cached_result
from mebench.runs import RunFolder
from mebench.runs.chance_levels import chance_of_analysis

TRUTH = ("videos.parquet", "truth.parquet")
"""The tables of a record that its levels of chance depend on."""


def add_levels_of_record(
    summary: Mapping[str, Any], folder: RunFolder, tables: Tables, about: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """A record's summary with the levels of chance.

    That of clips' names is left out: it takes as long as all else of a record's page.

    Args:
        summary: summary of the record.
        folder: folder of the record.
        tables: its tables, as scoring reads them.
        about: content of its `folds.json`.
        seed: seed of the run.
    """
    stored = dict(summary.get("chance", {}))
    convention = summary["convention"]
    truth = [file_hash(folder.path / name) for name in TRUTH]
    common = [truth, about["classes"], convention]
    if "recognition" in summary:
        # Where each fold is scored by itself, its clips are lines of their own.
        folds = about["folds"] if about.get("scored_each") else []
        level = partial(recognition_chance, tables, about["classes"], convention)
        key = [*common, folds, own_metrics.own_codes()]
        stored["recognition"] = cached_result(level, OF_SCORES, "chance of recognition", *key)
    if "analysis" in summary:
        of_analysis = partial(chance_of_analysis, about, tables, seed, convention)
        key = [*common, about["k_prime"], seed, about.get("one_per_video", False)]
        stored |= cached_result(of_analysis, OF_SCORES, "chance of analysis", *key)
    return {**summary, "chance": stored} if stored else dict(summary)
