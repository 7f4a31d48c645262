"""What a run reaches with content that was fitted on the tested people outside, on the maps of `megc2019_flow`.

    python benchmarks/brought.py MAPS

A linear head is fitted on all clips, those of the tested people included, with the samples of `MEDataModule(…, test_labels=True)`. It is
given to `mebench.evaluate` fitted, which a run takes; and unfitted, as it should be. Printed are UF1 under LOSO, and what the row says.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import mebench
from mebench.features.maps import ONSET_APEX, MapParams
from mebench.output.progress import Silent
from mebench.records.record import read_record


class Flat:
    """A linear head over the pixels of a map.

    Attributes:
        head: fitted outside; None for one that each fold fits.
    """

    def __init__(self, head: LogisticRegression | None = None) -> None:
        self.head = head

    def fit(self, train: list[Any]) -> None:
        """Fit the head, unless it came fitted."""
        if self.head is None:
            clips = [clip for video in train for clip in mebench.core.all_clips([video])]
            x = flat_maps(clips)
            self.head = new_head().fit(x, [clip.label for clip in clips])

    def classify(self, clips: list[Any]) -> NDArray[np.float64]:
        """Probabilities of the classes."""
        assert self.head is not None
        return np.asarray(self.head.predict_proba(flat_maps(clips)))


def flat_maps(clips: list[Any]) -> NDArray[np.float64]:
    """The maps of clips, a row for each, in the order of the samples of `MEDataModule`: channels first."""
    return np.stack([np.ravel(np.moveaxis(clip.feature(ONSET_APEX), -1, 0)) for clip in clips]).astype(np.float64)


def new_head() -> LogisticRegression:
    """A head that is not fitted."""
    return LogisticRegression(C=1.0, max_iter=300)


def main() -> None:
    parser = argparse.ArgumentParser(description="What weights of tested people reach.")
    parser.add_argument("maps", type=Path)
    args = parser.parse_args()
    data = {"name": "megc2019_flow", "root": str(args.maps.resolve())}
    module = mebench.MEDataModule(data, test_labels=True, validation=0, progress=Silent())
    sides = [module.samples(side) for side in ("train", "test")]
    pairs = [samples[index] for samples in sides for index in range(len(samples))]
    x, y = (np.stack([np.ravel(item[part]) for item in pairs]) for part in (0, 1))
    fitted = new_head().fit(x, y.ravel())
    print(f"fitted outside on {len(y)} clips")
    with tempfile.TemporaryDirectory(prefix="mebench-brought-") as scratch:
        for name, head in (("fitted outside on everybody", fitted), ("fitted in each fold", None)):
            run = mebench.evaluate(
                Flat(head),
                data,
                features=MapParams().maps(ONSET_APEX),
                name=name,
                tracking="off",
                bootstrap=0,
                runs=f"{scratch}/runs",
                cache=f"{scratch}/cache",
                progress=Silent(),
            )
            uf1 = run.summary["recognition"]["scores"]["uf1"]["value"]
            record = read_record(run.folder)
            print(
                f"| {name} | {uf1:.4f} | loaded: {record.loaded or '-'}; pretrained: {record.pretrained or '-'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
