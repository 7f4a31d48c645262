"""What a GPU is worth: each method that is trained, on drawn videos, by one core of the processor and by the GPU.

    python benchmarks/gpu.py [--methods mean softnet] [--workers 4]

Printed are the seconds of training of a fold (`fit_seconds`, the mean over folds) and of the whole run; on the GPU with one worker, and
with several that share it. Where PyTorch finds no GPU the first run says so.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import mebench
from mebench.progress import Silent

DATA = {"name": "synthetic", "subjects": 8, "videos": 2, "frames": 200}


def trained() -> list[str]:
    """The methods with something to learn by gradient descent."""
    from mebench.config import registry
    from mebench.core import Method

    found = {name: registry.plugin_class(info) for name, info in registry.plugins("method").items() if not info.broken}
    return [name for name, method in found.items() if method.stages is not Method.stages]


def measure(method: str, runs: str, **how: object) -> tuple[float, float]:
    """Seconds of training of a fold, and of the run."""
    start = time.perf_counter()
    run = mebench.run(
        method=method, dataset=DATA, runs=runs, tracking="off", bootstrap=0, progress=Silent(), plugins=(), **how
    )
    return float(run.folds["fit_seconds"].mean()), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--methods", nargs="*", default=None)
    parser.add_argument("--workers", type=int, default=4)
    asked = parser.parse_args()
    ways = {
        "GPU": {"accelerator": "gpu", "workers": 1},
        f"GPU, {asked.workers} folds at once": {"accelerator": "gpu", "workers": asked.workers},
        "one core": {"accelerator": "cpu", "workers": 1},
    }
    with tempfile.TemporaryDirectory() as runs:
        for method in asked.methods or trained():
            for name, how in ways.items():
                fit, whole = measure(method, runs, **how)
                print(f"{method:<20} {name:<22} {fit:8.2f} s a fold {whole:8.2f} s", flush=True)


if __name__ == "__main__":
    main()
