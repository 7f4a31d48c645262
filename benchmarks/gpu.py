"""What a GPU gives: one program that measures in some ten minutes on a borrowed machine all that needs one.

    python benchmarks/gpu.py [--parts training plain features folds repeats ddp] [--methods mean htnet] [--maps MAPS]
                             [--epochs 5] [--workers 4] [--subjects 8] [--frames 200] [--minutes 10]

A row of Markdown is printed as soon as it is known; each part ends by itself, and none begins after so many minutes. The parts:

- `training`: seconds of training and of prediction of a fold, the mean over folds, by one core of the processor and by the GPU; the most
  memory that the GPU gave meanwhile, and the main score. MAPS holds the flow maps of `megc2019_flow`: with it methods that recognise train
  on them, and what all 68 people and 800 epochs of `htnet` would take is computed from the seconds of an epoch. Without MAPS all is drawn.
- `plain`: seconds of an epoch of MEAN and STSTNet written plainly (`plain_mean.py`, `plain_ststnet.py`) on drawn numbers.
- `features`: frames a second of decoder, crop and flow on this machine (`features.py`); the GPU takes no part.
- `folds`: seconds of a run with 1, 2, 4 … folds at once on the one device.
- `repeats`: whether two runs of the same seed give equal bits, and how far the GPU's class probabilities or scores of frames are from the
  processor's.
- `ddp`: seconds of a fold that two devices share, where there are two; on a processor, two of its processes.

Where PyTorch finds no GPU the program says so, and measures the processor alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

sys.path.append(str(Path(__file__).parent))

import plain_mean
import plain_ststnet

import mebench
from mebench.output.progress import Silent

FOLDS = {"name": "kfold", "folds": 2}
METHODS = ("mean", "ststnet", "htnet", "causalnet", "spotformer")
RECOGNIZERS = frozenset({"ststnet", "htnet", "causalnet"})
RELEASED_EPOCHS, PEOPLE = 800, 68
"""HTNet's training as released, for each of the people of MEGC 2019."""
SAMPLES = 442
"""Clips of MEGC 2019: as many drawn ones are learnt from plainly."""
SIDE_OF_STSTNET, SIDE_OF_MEAN = 28, 42
"""Pixels of a side of the maps of both networks."""
MIB = 1 << 20
WATCH_SECONDS = 0.05


@dataclass(frozen=True)
class Setup:
    """What is measured, and on what.

    Attributes:
        methods: methods to train.
        drawn: settings of the drawn dataset.
        maps: folder of flow maps, or None.
        epochs: epochs of each training.
        workers: most folds at once.
        runs: folder of the runs.
    """

    methods: Sequence[str]
    drawn: dict[str, object]
    maps: Path | None
    epochs: int
    workers: int
    runs: str

    def data(self, method: str) -> dict[str, object]:
        """The dataset of a method."""
        if self.maps is not None and method in RECOGNIZERS:
            return {"name": "megc2019_flow", "root": str(self.maps.resolve())}
        return self.drawn

    def run(self, method: str, **settings: Any) -> mebench.Run:
        """A finished run, always a new one."""
        return mebench.run(
            method=method,
            dataset=self.data(method),
            runs=tempfile.mkdtemp(dir=self.runs),
            tracking="off",
            bootstrap=0,
            progress=Silent(),
            **{"protocol": FOLDS, "trainer": {"max_epochs": self.epochs}, "workers": 1, **settings},
        )


class MemoryWatch:
    """The most memory that all programs take from the GPU within the block, beyond that before it; None without CUDA.

    Attributes:
        mib: the memory in MiB, after the block.
    """

    mib: float | None = None

    def __enter__(self) -> MemoryWatch:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        if torch.cuda.is_available():
            self._before = used_memory()
            self.mib = 0.0
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            self.mib = max(self.mib or 0.0, (used_memory() - self._before) / MIB)


def used_memory() -> int:
    """Bytes that all programs take from the GPU."""
    free, whole = torch.cuda.mem_get_info()
    return whole - free


def accelerators() -> list[str]:
    """The processor, and a GPU where PyTorch finds one."""
    has_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    return ["cpu", "gpu"] if has_gpu else ["cpu"]


def devices() -> list[str]:
    """The same as devices of PyTorch."""
    gpu = "cuda" if torch.cuda.is_available() else "mps"
    return ["cpu" if name == "cpu" else gpu for name in accelerators()]


def wait_for_device(device: str) -> None:
    """Let a GPU end what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()
    if device == "mps":
        torch.mps.synchronize()


def main_scores(run: mebench.Run) -> str:
    """F1 of spotting and UF1 of recognition of a run, as far as it has them."""
    words = []
    if "spotting" in run.summary:
        words.append(f"F1 {run.summary['spotting']['micro']['scores']['f1']['value']:.4f}")
    if "recognition" in run.summary:
        words.append(f"UF1 {run.summary['recognition']['scores']['uf1']['value']:.4f}")
    return ", ".join(words)


def measure_training(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """Seconds, memory and score of each method by processor and by GPU."""
    for method in setup.methods:
        for accelerator in accelerators():
            with MemoryWatch() as memory:
                run = setup.run(method, accelerator=accelerator)
            fit, predict = (float(run.folds[f"{stage}_seconds"].mean()) for stage in ("fit", "predict"))
            words = f"{fit:.2f} s of training, {predict:.2f} s of prediction, {main_scores(run)}"
            if memory.mib is not None:
                words += f", {memory.mib:.0f} MiB of the GPU"
            yield method, accelerator, words
            if method == "htnet" and setup.maps is not None:
                hours = fit / setup.epochs * RELEASED_EPOCHS * PEOPLE / 3600
                yield "htnet as released", accelerator, f"{hours:.1f} h for {RELEASED_EPOCHS} epochs of {PEOPLE} folds"


def measure_plain(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """Seconds of an epoch of two networks, written plainly."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(SAMPLES, 3, SIDE_OF_STSTNET, SIDE_OF_STSTNET, generator=generator)
    classes = torch.randint(0, plain_ststnet.CLASSES, (SAMPLES,), generator=generator)
    for device in devices():
        on_device = maps.to(device), classes.to(device)
        plain_ststnet.train(*on_device, 1)  # the first step prepares the device
        yield "STSTNet, plainly", device, per_epoch(device, setup.epochs, partial(plain_ststnet.train, *on_device))
    for device in devices():
        yield "MEAN's spotting, plainly", device, per_epoch(device, setup.epochs, partial(train_plain_mean, device))


def train_plain_mean(device: str, epochs: int) -> None:
    """Train the plain MEAN to spot in drawn numbers."""
    torch.manual_seed(0)
    trunk = plain_mean.Trunk().to(device)
    head = plain_mean.Head(1).to(device)
    x = torch.rand(SAMPLES, 3, SIDE_OF_MEAN, SIDE_OF_MEAN, device=device)
    y = torch.rand(SAMPLES, device=device)

    def step(some: Tensor, answers: Tensor) -> Tensor:
        return nn.functional.mse_loss(head(trunk(some)).squeeze(1), answers)

    plain_mean.train(x, y, epochs, 32, step, [*trunk.parameters(), *head.parameters()])


def per_epoch(device: str, epochs: int, train: Callable[[int], object]) -> str:
    """Seconds of an epoch on a device, in words."""
    wait_for_device(device)
    begin = time.perf_counter()
    train(epochs)
    wait_for_device(device)
    return f"{(time.perf_counter() - begin) / epochs:.3f} s an epoch"


def measure_features(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """What `features.py` prints of two videos."""
    program = Path(__file__).with_name("features.py")
    words = ["--videos", "2", "--frames", str(setup.drawn["frames"]), "--workers", "1"]
    done = subprocess.run([sys.executable, program, *words], capture_output=True, text=True)
    if done.returncode:
        yield "features", "cpu", f"failed: {done.stderr.strip().splitlines()[-1]}"
    for line in done.stdout.splitlines():
        yield "features", "cpu", line.replace("|", " ").strip()


def measure_folds(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """Seconds of a run whose folds share the device."""
    method = setup.methods[0]
    accelerator = accelerators()[-1]
    setup.run(method, accelerator=accelerator)  # so that no run below computes features
    workers = 1
    while workers <= setup.workers:
        begin = time.perf_counter()
        with MemoryWatch() as memory:
            setup.run(method, accelerator=accelerator, workers=workers, protocol={**FOLDS, "folds": setup.workers})
        words = f"{time.perf_counter() - begin:.1f} s, {workers} of {setup.workers} folds at once"
        if memory.mib is not None:
            words += f", {memory.mib:.0f} MiB of the GPU"
        yield method, accelerator, words
        workers *= 2


def measure_repeats(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """Whether a run repeats itself, and how far GPU and processor differ."""
    for method in setup.methods:
        answers = {}
        for accelerator in accelerators():
            first, second = (answers_of(setup.run(method, accelerator=accelerator)) for _ in range(2))
            equal = (
                "equal bits" if np.array_equal(first, second, equal_nan=True) else f"{distance(first, second)} apart"
            )
            yield method, accelerator, f"two runs: {equal}"
            answers[accelerator] = first
        if len(answers) > 1:
            yield method, "gpu beside cpu", f"{distance(*answers.values())} apart at most"


def answers_of(run: mebench.Run) -> np.ndarray:
    """Scores of frames, or class probabilities of clips."""
    if len(run.frame_scores):
        return run.frame_scores["score"].to_numpy(np.float64)
    return np.stack([np.asarray(one, np.float64) for one in run.clips["probabilities"]])


def distance(one: np.ndarray, other: np.ndarray) -> str:
    """The largest difference of two answers in words."""
    if one.shape != other.shape:
        return f"{len(one)} and {len(other)} answers, so not comparable,"
    return f"{np.nanmax(np.abs(one - other)):.2g}"


def measure_ddp(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """Seconds of a fold that two devices share."""
    accelerator = accelerators()[-1]
    method = setup.methods[0]
    if accelerator == "gpu" and torch.cuda.device_count() < 2:
        accelerator = "cpu"  # two processes of the processor show at least that it works
    for count in (1, 2):
        trainer = {"max_epochs": setup.epochs, "devices": count}
        try:
            run = setup.run(method, accelerator=accelerator, sandbox="off", trainer=trainer)
        except mebench.MebenchError as error:
            yield method, f"{count} {accelerator}", f"refused: {error}"
            continue
        fit = float(run.folds["fit_seconds"].mean())
        yield method, f"{count} {accelerator}", f"{fit:.2f} s of training, {main_scores(run)}"


PARTS: dict[str, Callable[[Setup], Iterator[tuple[str, str, str]]]] = {
    "training": measure_training,
    "plain": measure_plain,
    "features": measure_features,
    "folds": measure_folds,
    "repeats": measure_repeats,
    "ddp": measure_ddp,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What a GPU gives.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--maps", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--subjects", type=int, default=8)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    asked = parser.parse_args()

    drawn: dict[str, object] = {"name": "synthetic", "subjects": asked.subjects, "videos": 2, "frames": asked.frames}
    ends = time.monotonic() + 60 * asked.minutes
    if accelerators() == ["cpu"]:
        print(f"PyTorch {torch.__version__} finds no GPU here, so only the processor is measured", flush=True)
    else:
        name = torch.cuda.get_device_name() if torch.cuda.is_available() else "Apple's GPU"
        print(f"PyTorch {torch.__version__}, {name}", flush=True)
    print("| part | what | device | measured |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="mebench-gpu-") as runs:
        setup = Setup(asked.methods, drawn, asked.maps, asked.epochs, asked.workers, runs)
        for part in asked.parts:
            if time.monotonic() > ends:
                print(f"| {part} | not begun: the {asked.minutes:g} minutes are over | | |", flush=True)
                continue
            for what, device, measured in PARTS[part](setup):
                print(f"| {part} | {what} | {device} | {measured} |", flush=True)


if __name__ == "__main__":
    main()
