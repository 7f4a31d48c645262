"""The level of chance as rows of a table: intervals placed at random, as the runs' summaries give them."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.leaderboard.record import Record
from mebench.leaderboard.rows import NOTHING, Row

BLIND = "not a method: intervals of mean length at random places; 95 % of single draws lie in the interval"
CHANCE = {"as_many": "random (as many as truths)", "best_rate": "random (best rate)"}


def chance_rows(kind: str, metrics: Sequence[str], records: Sequence[Record]) -> list[Row]:
    """The level of chance, from the run of the lowest seed: between methods it differs by noise alone."""
    able = sorted((r for r in records if kind in r.summary.get("chance", {})), key=lambda r: (r.seed, r.id))
    if not able:
        return []
    source = able[0]
    counts = source.summary["spotting"][kind]
    rows = []
    for rule, name in CHANCE.items():
        level = source.summary["chance"][kind][rule]
        rate = level.get("rate_per_minute")
        scores = dict.fromkeys(metrics, NOTHING)
        for metric in metrics:
            if metric in level:
                value = level[metric]["value"]
                scores[metric] = {**level[metric], "min": value, "max": value}
        rows.append(
            Row(
                method=name,
                settings="" if rate is None else f"{rate:.1f} intervals per minute",
                member="",
                provenance="chance",
                seeds=(source.seed,),
                n=float(counts["tp"] + counts["fn"]),
                scores=scores,
                convention=source.convention,
                selection="fixed",
                transductive="none",
                costs={},
                versions={"mebench": source.versions["mebench"]},
                runs=(),
                remark=BLIND,
            )
        )
    return rows
