"""The gain of a GPU: each method that is trained, on drawn videos, by one core of the processor and by the GPU.

    python benchmarks/gpu.py [--methods mean softnet] [--epochs 5] [--workers 4] [--subjects 8] [--frames 200]

Printed are the seconds of training of a fold (`fit_seconds`, the mean over folds) and of the whole run; on the GPU with one worker, and
with several that share it. Where PyTorch finds no GPU the program says so, and measures the processor alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Any

import torch

import mebench
from mebench.config import registry
from mebench.core import Method
from mebench.progress import Silent

FOLDS = {"name": "kfold", "folds": 2}


def trained() -> list[str]:
    """The methods with something to learn by gradient descent."""
    found = {
        name: registry.plugin_class(info) for name, info in registry.list_plugins("method").items() if not info.broken
    }
    return [name for name, method in found.items() if issubclass(method, Method) and method.stages is not Method.stages]


def measure(method: str, data: dict[str, object], runs: str, epochs: int, **how: Any) -> tuple[float, float]:
    """Seconds of training of a fold, and of the run."""
    start = time.perf_counter()
    run = mebench.run(
        method=method, dataset=data, protocol=FOLDS, runs=runs, tracking="off", bootstrap=0, progress=Silent(),
        trainer={"max_epochs": epochs}, **how,
    )  # fmt: skip
    return float(run.folds["fit_seconds"].mean()), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--methods", nargs="*", default=None)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--subjects", type=int, default=8)
    parser.add_argument("--frames", type=int, default=200)
    asked = parser.parse_args()
    data = {"name": "synthetic", "subjects": asked.subjects, "videos": 2, "frames": asked.frames}
    ways: dict[str, dict[str, object]] = {"one core": {"accelerator": "cpu", "workers": 1}}
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        ways["GPU"] = {"accelerator": "gpu", "workers": 1}
        ways[f"GPU, {asked.workers} folds at once"] = {"accelerator": "gpu", "workers": asked.workers}
    else:
        print(
            f"PyTorch {torch.__version__} finds no GPU here, so only one core of the processor is measured", flush=True
        )
    with tempfile.TemporaryDirectory() as runs:
        for method in asked.methods or trained():
            for name, how in ways.items():
                fit, whole = measure(method, data, runs, asked.epochs, **how)
                print(f"{method:<20} {name:<22} {fit:8.2f} s a fold {whole:8.2f} s", flush=True)


if __name__ == "__main__":
    main()
