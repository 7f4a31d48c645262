"""False alarms where nobody expresses anything.

    python benchmarks/quiet.py RUN... [--people 12] [--workers 2] [--table TABLE.md]

RUN are finished runs on the board. The models of the first fold of each spot in drawn videos of other people, made as those of the board
are but for the expressions: people blink, speak and move their heads, and whatever is spotted is wrong. The interval is that of a bootstrap
over people (BCa); where nothing is spotted its upper end is that of a Poisson number.

Rows of a TABLE that is there already stay.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from grown_table import rows_of, write
from scipy import stats

from mebench.config import resolve_dataset
from mebench.inference.models import models_of_run
from mebench.inference.predict import predict_all
from mebench.output.progress import Progress
from mebench.records.record import read_record
from mebench.runs.folder import RunFolder

STILL = ("dataset=synthetic", "dataset.preset=board", "dataset.seed=1", "dataset.micro_max=0", "dataset.macros=0")
HEAD = """# Where nobody expresses anything

False positives a minute in drawn videos made as those of `board` are, but of other people and without any expression, by models
that were trained on 54 people of the board, not the same in all rows. Methods that set a threshold for each video have a second
row, with one learnt on those people (`threshold=absolute`); the others have one for all videos, or none to learn: their cards
say which. Made by `python benchmarks/quiet.py`, whose first lines say how.

"""
TITLES = ["method", "seed", "minutes", "false positives", "a minute", "95 % interval"]
KEY = (0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="False alarms where nobody expresses anything.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--table", type=Path, help="to write, as Markdown; rows that it holds already stay")
    options = parser.parse_args()
    words = [*STILL, f"dataset.subjects={options.people}"]
    told = rows_of(options.table, TITLES, KEY)
    for run in options.runs:
        folder = RunFolder.open_finished("", str(run))
        record = read_record(folder)
        name = " ".join(filter(None, [record.method, record.settings]))
        counts, minutes = alarms(folder, words, options.workers)
        cells = [name, str(record.seed), f"{minutes:.1f}", str(sum(counts)), *rate(counts, minutes)]
        told[name, str(record.seed)] = cells
        write(options.table, HEAD, TITLES, told)  # what is measured is kept, whatever comes
    print(write(options.table, HEAD, TITLES, told))


def alarms(folder: RunFolder, words: Sequence[str], workers: int | None) -> tuple[list[int], float]:
    """Micro-expressions that the first fold's models spot in each person, and the minutes of all."""
    found = predict_all(models_of_run(folder)[:1], resolve_dataset(words), workers, Progress())
    if found.failed:
        raise SystemExit(f"{next(iter(found.failed))}: {next(iter(found.failed.values()))}")
    by_person = Counter[str]()
    for video in found.job.test:
        spotted = found.answers[video.key].predictions
        by_person[video.subject] += sum(one.kind == "micro" and one.draw == 0 for one in spotted)
    minutes = sum((video.n_frames or 0) / (video.fps or np.nan) for video in found.job.test) / 60
    return list(by_person.values()), float(minutes)


def rate(counts: Sequence[int], minutes: float) -> tuple[str, str]:
    """A minute, with its interval over people."""
    if not any(counts):
        return "0.00", f"0.00 to {-np.log(0.025) / minutes:.2f}"
    per_person = np.asarray(counts) * len(counts) / minutes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        low, high = stats.bootstrap((per_person,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    return f"{per_person.mean():.2f}", f"{low:.2f} to {high:.2f}"


if __name__ == "__main__":
    main()
