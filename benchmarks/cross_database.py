"""The loss of a method on another database: the synthetic faces at 30 and at 200 frames per second, other people in each.

    python benchmarks/cross_database.py [FOLDER]

Runs and features go into FOLDER, and features that are there are not computed again. README.md beside this file holds the numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mebench.config import resolve
from mebench.output.number_format import format_score
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from mebench.runner.session import Outcome
from mebench.score_type import Score

DATABASES = "dataset=[slow:synthetic,fast:synthetic]"
PRESETS = ("dataset.subjects=8", "dataset.slow.seed=0", "dataset.fast.preset=fps200", "dataset.fast.seed=1")
"""The presets as they are: 73 micro-expressions at 30 frames per second, 24 at 200."""
ALIKE = (
    *("dataset.slow.fps=30", "dataset.slow.frames=150", "dataset.fast.frames=1000"),
    *("dataset.slow.videos=6", "dataset.fast.videos=6", "dataset.slow.micro_max=3", "dataset.fast.micro_max=3"),
)
"""Six videos of 5 seconds of each person in both: 67 micro-expressions at 30 frames per second, 62 at 200."""
RECOGNIZER = ("method=bi_woof", "method.flow=dis")
UNITS = ("AU1", "AU4", "AU12", "AU17")
"""Inner brow raiser, brow lowerer, lip corner puller, chin raiser: eyes and mouth, each shown by many clips."""
SPOTTER = (
    *("method=optical_strain", "method.variant=peaks", "method.threshold=absolute", "method.flow=dis"),
    *("kinds=[micro]", "validation=0.5"),  # half of those who train choose the threshold
)


def main() -> None:
    """Run, and print for each database the scores of clips, and those of spotting with what was learnt for it."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

    def executed(*words: str) -> Outcome:
        return execute_run(
            resolve([*words, f"runs={home / 'runs'}", f"cache={home / 'cache'}", "bootstrap=200"]), Progress()
        )

    def result(*words: str) -> Outcome:
        return executed(DATABASES, *PRESETS, *words)

    for as_many in ((), ALIKE):
        for name in ("fast", "slow"):
            found = executed("dataset=synthetic", *of_one(name, *PRESETS, *as_many), *RECOGNIZER).summary["recognition"]
            print(
                f"recognition, its other people train, tested {name}: {found['n']} clips, {scores(found, 'uf1', 'uar')}"
            )
        for trains, protocol in (("other people of both", "loso"), ("only the other database", "lodo")):
            found = result(*RECOGNIZER, *as_many, f"protocol={protocol}").summary["recognition"]
            for name, part in {**found["members"], "both": found}.items():
                print(f"recognition, {trains} train, tested {name}: {part['n']} clips, {scores(part, 'uf1', 'uar')}")
    for unit in UNITS:
        for trains, protocol in (("other people of both", "loso"), ("only the other database", "lodo")):
            outcome = result(*RECOGNIZER, *ALIKE, f"protocol={protocol}", f"scheme={unit}")
            found = outcome.summary["recognition"]
            truth = outcome.folder.read_table("truth.parquet")["emotion"].dropna()
            print(
                f"{unit}, {trains} train: {found['n']} clips, always yes {always_yes((truth == unit).mean()):.3f}, "
                + "; ".join(
                    f"{name} {scores(part, 'unit_f1')}" for name, part in {**found["members"], "both": found}.items()
                )
            )
    for trains, protocol in (("its other people", "megc_spotting"), ("only the other database", "lodo")):
        outcome = result(*SPOTTER, *ALIKE, f"protocol={protocol}")
        for name, part in outcome.summary["members"].items():
            micro = part["spotting"]["micro"]
            counts = ", ".join(f"{micro[count]} {count.upper()}" for count in ("tp", "fp", "fn"))
            print(
                f"spotting, {trains} train, tested {name}: {counts}, {scores(micro, 'f1', 'precision', 'recall')}; "
                f"{learnt(outcome, name)}"
            )


def of_one(name: str, *words: str) -> list[str]:
    """The words about one of the two databases, for a run on it alone."""
    parts = [word.split(".", 2) for word in words]
    return [f"dataset.{part[-1]}" for part in parts if len(part) == 2 or part[1] == name]


def always_yes(share: float) -> float:
    """F1 of saying that every clip shows what this share of them shows."""
    return 2 * share / (1 + share)


def learnt(outcome: Outcome, name: str) -> str:
    """Threshold and k' of the folds that test a database."""
    values = outcome.folder.read_json("audit.json")["values"]
    of = {value["name"]: value["folds"] for value in values if "folds" in value}
    folds = [fold for fold in of["k_prime"] if fold.split("/")[0] == name]
    levels = [of["threshold_micro"][fold] for fold in folds]
    spans = sorted({of["k_prime"][fold][name]["micro"]["ms"] for fold in folds})
    return f"threshold {min(levels):.4f} to {max(levels):.4f}, k' {' or '.join(f'{ms:g}' for ms in spans)} ms"


def scores(part: Mapping[str, Any], *names: str) -> str:
    """Scores with their 95 % intervals over subjects, where there are any."""
    found = {name.upper(): Score.from_plain(part["scores"][name]) for name in names if name in part["scores"]}
    return ", ".join(f"{name} {format_score(score, 3)}" for name, score in found.items())


if __name__ == "__main__":
    main()
