"""Whether methods leave the band of chance where there is nothing to find.

    python benchmarks/null_control.py FOLDER... [--draws 10000] [--level 0.05] [--table TABLE.md]

FOLDER are run folders or records of runs with `dataset.amplitude=0`: the labels of the synthetic dataset without the
movement. Runs that differ in their seed alone are pooled. Spotting: a method's own intervals are turned round in each video by
a random number of frames, the same for all seeds, so that their number, lengths and distances stay. Recognition: the labels of
each subject's clips are dealt anew among them, alike for all seeds. The band holds the middle 1 - level / M of these draws
(Bonferroni over the M rows), and p is two-sided. Of a method that draws by itself the first draw counts.

Rows of a TABLE that is there already stay, and count among the M. Their band was drawn for the rows of its day: fewer make it narrower,
so that who is inside it is inside that of all.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from grown_table import rows_of, write
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from mebench.intake.collect import unique_records
from mebench.metrics.conventions import find_convention
from mebench.metrics.matching import match_one_to_one
from mebench.records.record import Record, read_record
from mebench.runs.folder import RunFolder

Floats = NDArray[np.float64]
HEAD = """# Null control

The synthetic dataset with `dataset.amplitude=0`: the labels of its micro-expressions without their movement.
[null_control.md](null_control.md) is of 10 people of the default preset (the 60 of `board` would take twelve times as long),
[null_control_field.md](null_control_field.md) of 20 people of `field` in two folds. No method should leave the band of
chance. Who spots nothing there, n = 0, is not tested by it. Made by `python benchmarks/null_control.py`, whose first lines
say how the band is drawn.

"""
TITLES = ["method", "seeds", "score", "n", "value", "band of chance", "which holds", "p", "where it lies"]
KEY = (0, 2)
CHUNK = 1000
"""Draws matched at once."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Methods where there is nothing to find.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument(
        "--table", type=Path, help="to write, as Markdown; rows that it holds already stay beside those of FOLDER"
    )
    options = parser.parse_args()
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in unique_records(read_record(RunFolder(folder)) for folder in options.folders):
        amplitude = record.config["dataset.amplitude"]
        if float(amplitude) != 0:
            parser.error(f"{record.id} has dataset.amplitude={amplitude}: give runs with dataset.amplitude=0")
        groups[" ".join(filter(None, [record.method, record.settings]))].append(record)
    rows = []
    for name, records in sorted(groups.items()):
        rows += [(name, len(records), row) for test in (spotting, recognition) for row in test(records, options.draws)]
    told = rows_of(options.table, TITLES, KEY)
    each = options.level / max(len(told.keys() | {(name, row[0]) for name, _, row in rows}), 1)
    told |= {(name, row[0]): as_cells(name, seeds, *row, each) for name, seeds, row in rows}
    print(write(options.table, HEAD, TITLES, told))


def spotting(records: list[Record], draws: int) -> list[tuple[str, int, float, Floats]]:
    """Score, number of intervals, F1 over all seeds, and F1 of each draw."""
    spotted = [pd.read_parquet(r.folder / "predictions.parquet") for r in records if "spotting" in r.summary]
    if not spotted:
        return []
    spotted = [table[(table["kind"] == "micro") & (table["draw"] == 0)] for table in spotted]
    if not sum(map(len, spotted)):  # who claims nothing hits nothing, wherever it is turned
        return [("F1, micro", 0, 0.0, np.zeros(draws))]
    truths = pd.read_parquet(records[0].folder / "truth.parquet")
    truths = truths[truths["kind"] == "micro"].sort_values(["video", "onset"], ignore_index=True)
    frames = pd.read_parquet(records[0].folder / "videos.parquet").set_index("video")["n_frames"]
    generator = np.random.default_rng(0)
    placed, true = sum(map(len, spotted)), len(truths) * len(spotted)

    def f1(turns: NDArray[np.int64]) -> Floats:
        """Of turns (draws, videos)."""
        found = sum(true_positives(truths, table, frames, turns) for table in spotted)
        return 2 * np.asarray(found, dtype=np.float64) / (placed + true)

    drawn = [generator.integers(0, frames.to_numpy(), (CHUNK, len(frames))) for _ in range(-(-draws // CHUNK))]
    observed = f1(np.zeros((1, len(frames)), dtype=np.int64))[0]
    return [("F1, micro", placed, float(observed), np.concatenate([f1(turns) for turns in drawn])[:draws])]


def true_positives(
    truths: pd.DataFrame, table: pd.DataFrame, frames: pd.Series, turns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Of intervals turned round in their videos, for each row of `turns` (draws, videos in the order of `frames`)."""
    table = table.sort_values("confidence", ascending=False, kind="stable")
    length = (table["offset"] - table["onset"] + 1).to_numpy()
    places = np.maximum(frames.loc[table["video"]].to_numpy() - length + 1, 1)
    onset = (table["onset"].to_numpy() + turns[:, frames.index.get_indexer(pd.Index(table["video"]))]) % places
    turned = pd.DataFrame(
        {
            "video": np.tile(table["video"].to_numpy(), len(turns)),
            "kind": "micro",
            "onset": onset.ravel(),
            "offset": (onset + length - 1).ravel(),
            "draw": np.repeat(np.arange(len(turns)), len(table)),
        }
    )
    found = match_one_to_one(truths, turned, find_convention("strict")) >= 0
    return np.bincount(turned["draw"].to_numpy()[found], minlength=len(turns))


def recognition(records: list[Record], draws: int) -> list[tuple[str, int, float, Floats]]:
    """Score, number of clips, UAR over all seeds, and UAR of each draw."""
    clips_of_records = [with_truth(record) for record in records]
    named_clips = [clips for clips in clips_of_records if len(clips)]
    if not named_clips:
        return []
    truth = named_clips[0]["emotion"].to_numpy(str)
    subject = named_clips[0]["video"].str.rsplit("/", n=1).str[0].to_numpy(str)
    members = [np.flatnonzero(subject == one) for one in np.unique(subject)]
    classes, codes = np.unique(
        np.concatenate([truth, *(c["predicted"].to_numpy(str) for c in named_clips)]), return_inverse=True
    )
    codes = codes.reshape(1 + len(named_clips), -1)
    generator = np.random.default_rng(0)

    def uar(labels: NDArray[np.int64]) -> float:
        table = np.zeros((len(classes), len(classes)))
        np.add.at(table, (np.tile(labels, len(named_clips)), codes[1:].ravel()), 1)
        there = table.sum(axis=1) > 0
        return float((np.diag(table)[there] / table.sum(axis=1)[there]).mean())

    def dealt() -> NDArray[np.int64]:
        labels: NDArray[np.int64] = codes[0].copy()
        for clips in members:
            labels[clips] = generator.permutation(labels[clips])
        return labels

    observed = uar(codes[0])
    again = balanced_accuracy_score(
        np.tile(truth, len(named_clips)), np.concatenate([c["predicted"].to_numpy(str) for c in named_clips])
    )
    if not np.isclose(observed, again):
        raise SystemExit(f"UAR {observed} and scikit-learn's {again} differ")
    return [
        (
            "UAR, annotated clips",
            len(truth) * len(named_clips),
            observed,
            np.array([uar(dealt()) for _ in range(draws)]),
        )
    ]


def with_truth(record: Record) -> pd.DataFrame:
    """The answers of a run, in the order of the annotated clips, with their `emotion`."""
    clips = pd.read_parquet(record.folder / "clips.parquet").drop_duplicates(["video", "onset", "offset"])
    truths = pd.read_parquet(record.folder / "truth.parquet")
    truths = truths[(truths["kind"] == "micro") & truths["emotion"].notna()]
    found = truths.merge(clips, on=["video", "onset", "offset"], validate="one_to_one") if len(clips) else truths[:0]
    return found.sort_values(["video", "onset"], ignore_index=True)


def as_cells(name: str, seeds: int, score: str, n: int, value: float, draws: Floats, each: float) -> list[str]:
    """A row whose band leaves out the share `each` of the draws."""
    low, high = np.quantile(draws, [each / 2, 1 - each / 2])
    above = (np.sum(draws >= value) + 1) / (len(draws) + 1)
    below = (np.sum(draws <= value) + 1) / (len(draws) + 1)
    p = min(1.0, 2 * min(above, below))
    where = "inside" if low <= value <= high else "OUTSIDE"
    if not n:
        where = "spots nothing"
    return [
        name,
        str(seeds),
        score,
        str(n),
        f"{value:.4f}",
        f"{low:.4f} to {high:.4f}",
        f"{1 - each:.2%}",
        f"{p:.4f}",
        where,
    ]


if __name__ == "__main__":
    main()
