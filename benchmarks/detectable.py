"""The difference in F1 that each preset of the synthetic dataset can show at 80 % power.

    python benchmarks/detectable.py [--records leaderboards/records]

The spread comes from records on `default`: of every two trained or training-free spotters of one seed the standard error of the difference
in F1 of micro-expressions, paired over subjects (`mebench compare`). The pairs' median is a typical pair. On a set with n
micro-expressions it is taken sqrt(n of default / n) times as large: a truth is found or not, and subjects hold about
as many everywhere. A difference is shown with a probability of .8 if it is (t_.975 + t_.8) such errors, of subjects - 1 degrees of
freedom.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np

from mebench.config import resolve
from mebench.config.registry import find_plugin
from mebench.metrics.compared_tables import compare_tables, detectable_difference
from mebench.runner.choices import open_dataset
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import read_tables

SPOTTERS = ("mean", "softnet", "optical_strain", "lbp_chi2")
METRIC = "spotting.micro.f1"


def main() -> None:
    parser = argparse.ArgumentParser(description="Differences that presets of the synthetic dataset can show.")
    parser.add_argument("--records", type=Path, default=Path(__file__).parent.parent / "leaderboards" / "records")
    errors = pair_errors(parser.parse_args().records)
    sets = {name: size(name) for name in find_plugin("dataset", "synthetic").read_section("presets")}
    print(f"{len(errors)} pairs, standard error {np.median(errors):.3f} (from {min(errors):.3f} to {max(errors):.3f})")
    print("| preset | subjects | micro-expressions | difference in F1 at 80 % power |\n|---|---|---|---|")
    for name, (subjects, micro) in sets.items():
        error = float(np.median(errors)) * np.sqrt(sets["default"][1] / micro)
        print(f"| `{name}` | {subjects} | {micro} | {detectable_difference(error, subjects - 1):.2f} |")


def pair_errors(records: Path) -> list[float]:
    """Standard errors of the difference in F1 of every two spotters' records of one seed."""
    found = []
    for seed in range(3):
        runs = [RunFolder(f) for id_ in SPOTTERS for f in sorted(records.glob(f"{id_}-synthetic-loso-seed{seed}-*"))]
        for one, other in combinations(runs, 2):
            both = compare_tables(
                *(read_tables(r) for r in (one, other)),
                kinds=["micro"],
                classes=[],
                metrics=[METRIC],
                draws=0,
                permutations=2,
            )
            score = both.scores[METRIC]
            if score.detectable is not None:
                found.append(score.detectable / float(detectable_difference(1.0, both.subjects - 1) or 1))
    return found


def size(preset: str) -> tuple[int, int]:
    """Subjects and micro-expressions of a preset."""
    videos = open_dataset(
        resolve(["method=random", "dataset=synthetic", f"dataset.preset={preset}"]).dataset_params
    ).videos()
    return len({v.subject for v in videos}), sum(e.kind == "micro" for v in videos for e in v.expressions)


if __name__ == "__main__":
    main()
