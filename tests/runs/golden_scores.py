"""Scores of made-up runs, kept in a file: they change with the version of scoring alone."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from mebench.runs.scoring import SCORER, score_run
from tests.helpers.drawn_once import draw_once
from tests.helpers.run_folders import make_run

GOLDEN = Path(__file__).with_name("golden_scores.json")
"""Scores of made-up runs under a version of scoring. `python -m tests.runs.golden_scores` writes them again."""


def golden_scores(room: Path) -> dict:
    """The version of scoring, and what it gives for a run with both kinds, and for one of false alarms alone."""
    run = make_run(room / "runs", kinds=("micro", "macro"), shift=4)
    alarms = make_run(room / "alarms", kinds=("micro", "macro"), shift=4)
    truths = alarms.read_table("truth.parquet")
    alarms.write_table("truth.parquet", truths[truths["kind"] == "macro"])
    scored = {"run": score_run(run, seed=0, draws=20), "alarms": score_run(alarms, seed=0, draws=20)}
    parts = ("spotting", "analysis", "recognition", "chance")
    return {
        "scorer": SCORER,
        **{
            name: rounded({part: summary[part] for part in parts if part in summary})
            for name, summary in scored.items()
        },
    }


def rounded(value):
    """Scores with the digits that every machine has alike."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 6) if isinstance(value, float) else value


if __name__ == "__main__":
    draw_once()
    with TemporaryDirectory() as room:
        GOLDEN.write_text(json.dumps(golden_scores(Path(room)), indent=1) + "\n")
