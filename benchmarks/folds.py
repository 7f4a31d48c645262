"""Seconds that mebench and a plain program take for the same folds, in turn on one machine, stage by stage.

    python benchmarks/folds.py ROOT [--folds 5] [--epochs 800] [--epochs-spot 24] [--epochs-recognition 800] [--rounds 1]

ROOT holds the flow maps of the MEGC 2019 composite (`mebench info megc2019_flow`); without it only MEAN is measured. Each
round runs STSTNet, then the first and then the second stage of MEAN on the synthetic dataset, the plain program and mebench one
after the other, each as a whole process: imports, reading, training, predicting, scoring and writing count. The features of
MEAN are computed before, for both. Then: what a step costs, by operation, and how near training comes to the machine's
measured peak of matrix multiplication. README.md says what is equal and what is not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Result:
    """One program in one round.

    Attributes:
        seconds: wall time of its process.
        training: seconds of training alone, over all workers divided by their number.
        scores: by name.
    """

    seconds: float
    training: float
    scores: dict[str, float]

    def __str__(self) -> str:
        scores = "   ".join(f"{name} {value:.4f}" for name, value in self.scores.items())
        return f"{self.seconds:8.1f} s ({self.training:.1f} s of training)   {scores}"


def timed(command: Sequence[str], folder: Path) -> tuple[float, str]:
    """Wall seconds and standard output of a process; its messages pass through."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def spread(names: Sequence[str], count: int) -> list[str]:
    """`count` names at even distances in the sorted list, so that all members of a composite take part."""
    if not 1 <= count <= len(names):
        raise SystemExit(f"--folds must lie between 1 and the {len(names)} subjects, not {count}")
    return [sorted(names)[i * len(names) // count] for i in range(count)]


def mebench(folder: Path, subjects: Sequence[str], words: Sequence[str], workers: int) -> tuple[float, float, Path]:
    """A run of some folds: wall seconds, seconds of training, and its folder."""
    program = [sys.executable, str(HERE / "mebench_folds.py"), ",".join(subjects)]
    begin = time.time()
    seconds, _ = timed([*program, *words, f"workers={workers}", "tracking=sqlite:///mlflow.db"], folder)
    (run,) = (file.parent for file in folder.glob("runs/*/DONE") if file.stat().st_mtime > begin)
    lines = [line.split(",") for line in (run / "costs.csv").read_text().splitlines()]
    column = lines[0].index("fit_seconds")
    return seconds, sum(float(line[column]) for line in lines[1:]) / min(workers, len(lines) - 1), run


# -- STSTNet ----------------------------------------------------------------------------------------------------------------


def ststnet(root: Path, count: int, epochs: int, seed: int, workers: int) -> tuple[Result, Result]:
    """The plain program and mebench on the same folds of the real flow maps."""
    subjects = spread([folder.name for folder in root.iterdir() if (folder / "u_test").is_dir()], count)
    command = [sys.executable, str(HERE / "plain_ststnet.py"), str(root), f"--subjects={','.join(subjects)}"]
    seconds, output = timed([*command, f"--epochs={epochs}", f"--seed={seed}"], HERE)
    scores = json.loads(output.splitlines()[-1])
    plain = Result(seconds, scores["seconds"], {"UF1": scores["uf1"], "UAR": scores["uar"]})
    with tempfile.TemporaryDirectory() as scratch:
        words = ["method=ststnet", "dataset=megc2019_flow", f"dataset.root={root}", f"method.epochs={epochs}"]
        seconds, training, run = mebench(Path(scratch), subjects, [*words, f"seed={seed}", "cache=cache"], workers)
        scores = answered(run)
    return plain, Result(seconds, training, scores)


def answered(run: Path) -> dict[str, float]:
    """UF1 and UAR over the clips that the folds of a run answered."""
    import pandas as pd
    from sklearn.metrics import f1_score, recall_score

    clips = pd.read_parquet(run / "clips.parquet")[["video", "onset", "offset", "predicted"]]
    both = clips.merge(pd.read_parquet(run / "truth.parquet"), on=["video", "onset", "offset"])
    kinds = {"labels": sorted(set(both["emotion"])), "average": "macro", "zero_division": 0}
    return {
        "UF1": float(f1_score(both["emotion"], both["predicted"], **kinds)),
        "UAR": float(recall_score(both["emotion"], both["predicted"], **kinds)),
    }


# -- MEAN -------------------------------------------------------------------------------------------------------------------

MEAN = ("method=mean", "dataset=synthetic", "cache=cache")


def prepare_mean(folder: Path, count: int) -> list[str]:
    """Compute the features, and write them for the plain program; who is tested."""
    subprocess.run(["mebench", "features", "compute", *MEAN], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with contextlib.chdir(folder):  # where the store of its configuration is
        return written(folder, count)


def written(folder: Path, count: int) -> list[str]:
    """Features, labels and folds as files that the plain program reads; who is tested."""
    import numpy as np
    from mebench.methods.mean.chains import CLIPS, FRAMES

    from mebench.config import resolve
    from mebench.runner import Views
    from mebench.runner.host import FoldHost
    from mebench.runner.plan import make_plan

    plan = make_plan(resolve(MEAN))
    subjects = spread([fold.test[0].subject for fold in plan.data.folds], count)
    data = folder / "data"
    data.mkdir()
    fold = plan.data.folds[0]
    job, videos = replace(FoldHost.for_fold(plan, fold).job, groups=plan.data.groups), []
    views = Views(job, job.parts[0].new_method(), plan.data.find_home)
    for number, video in enumerate(plan.data.videos):
        view = views.show_labels(video)
        np.save(data / f"frames{number}.npy", view.features(FRAMES))
        clips = view.clips()
        if clips:
            np.save(data / f"clips{number}.npy", np.stack([clip.feature(CLIPS) for clip in clips]))
        videos.append(
            {
                "key": video.key,
                "subject": video.subject,
                "frames": f"frames{number}.npy",
                "clips": f"clips{number}.npy",
                "micro": [(e.onset, e.offset) for e in video.expressions if e.kind == "micro"],
                "classes": [clip.label for clip in clips],
            }
        )
    params = {name: getattr(plan.config.method_params, name) for name in ("ratio", "batch_size", "l2", "l2_head")}
    folds = [
        {"test": [f.test[0].subject], "k_prime": plan.data.find_timings(f)["synthetic"].k_prime["micro"]}
        for f in plan.data.folds
        if f.test[0].subject in subjects
    ]
    about = {"videos": videos, "folds": folds, "classes": plan.data.task.classes, "params": params}
    (data / "about.json").write_text(json.dumps(about))
    return subjects


def mean(
    folder: Path, subjects: Sequence[str], epochs: tuple[int, int], seed: int, workers: int
) -> tuple[Result, Result]:
    """The plain program and mebench on the same folds of drawn videos, for some epochs of both stages."""
    numbers = [f"--epochs-spot={epochs[0]}", f"--epochs-recognition={epochs[1]}", f"--seed={seed}"]
    seconds, output = timed([sys.executable, str(HERE / "plain_mean.py"), "data", "plain", *numbers], folder)
    plain = Result(seconds, sum(json.loads(output.splitlines()[-1]).values()), plain_scores(folder))
    words = [*MEAN, f"method.epochs_spot={epochs[0]}", f"method.epochs_recognition={epochs[1]}", f"seed={seed}"]
    seconds, training, run = mebench(folder, subjects, words, workers)
    return plain, Result(seconds, training, mebench_scores(folder, run))


def alone(both: tuple[Result, Result], neither: tuple[Result, Result]) -> tuple[Result, Result]:
    """The cost of the further epochs of a stage: a run minus a run with a single epoch of each stage."""
    plain, ours = (
        Result(whole.seconds - rest.seconds, whole.training - rest.training, whole.scores)
        for whole, rest in zip(both, neither)
    )
    return plain, ours


def plain_scores(folder: Path) -> dict[str, float]:
    """How well frames of expressions are told from others, and clips named, by the plain program."""
    import numpy as np

    about, scores, answers = json.loads((folder / "data" / "about.json").read_text()), {}, {}
    for video in about["videos"]:
        file = folder / "plain" / f"{video['frames'].removesuffix('.npy')}.npz"
        if file.is_file():
            found = np.load(file)
            scores[video["key"]], answers[video["key"]] = found["scores"], found["answers"].tolist()
    return judged(about, scores, answers)


def mebench_scores(folder: Path, run: Path) -> dict[str, float]:
    """The same from the tables of a run."""
    import pandas as pd

    about = json.loads((folder / "data" / "about.json").read_text())
    frames, clips = pd.read_parquet(run / "frame_scores.parquet"), pd.read_parquet(run / "clips.parquet")
    scores = {key: table.sort_values("frame")["score"].dropna().to_numpy() for key, table in frames.groupby("video")}
    numbers = {name: number for number, name in enumerate(about["classes"])}
    answers = {
        key: [numbers[name] for name in table.sort_values("onset")["predicted"]]
        for key, table in clips.groupby("video")
    }
    return judged(about, scores, answers)


def judged(about: dict[str, Any], scores: dict[Any, Any], answers: dict[Any, list[int]]) -> dict[str, float]:
    """Area under the curve of all frames, and the mean F1 of the classes that occur."""
    import numpy as np
    from sklearn.metrics import f1_score, roc_auc_score

    truth, guess, inside, level = [], [], [], []
    for video in about["videos"]:
        if video["key"] not in scores:
            continue
        marks = np.zeros(len(scores[video["key"]]))
        for onset, offset in video["micro"]:
            marks[onset : offset + 1] = 1
        inside.append(marks)
        level.append(scores[video["key"]])
        truth += video["classes"]
        guess += answers.get(video["key"], [])
    uf1 = f1_score(truth, guess, labels=sorted(set(truth)), average="macro", zero_division=0)
    return {"AUC of frames": float(roc_auc_score(np.concatenate(inside), np.concatenate(level))), "UF1": float(uf1)}


# -- where the time goes ----------------------------------------------------------------------------------------------------


def peak_gflops(workers: int) -> float:
    """The speed of all cores together at multiplying matrices of 1024x1024 numbers, one thread each, in 1e9 operations a second."""
    code = (
        "import torch, time; torch.set_num_threads(1); a = torch.randn(1024, 1024); best = 1e9\n"
        "for _ in range(12):\n    t = time.perf_counter(); a @ a; a @ a; best = min(best, time.perf_counter() - t)\n"
        "print(2 * 2 * 1024**3 / best / 1e9)"
    )
    programs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(workers)
    ]
    return sum(float(program.communicate()[0]) for program in programs)


def dissect(name: str, step: Callable[[], object], useful: float, peak: float, workers: int) -> None:
    """Print what a training step costs by operation, and how near it comes to the peak.

    Args:
        name: of the network.
        step: one training step with one thread.
        useful: multiplications and additions that its convolutions and products need.
        peak: of all cores.
        workers: cores.
    """
    from torch.profiler import ProfilerActivity, profile

    for _ in range(5):
        step()
    begin, n = time.perf_counter(), 20
    for _ in range(n):
        step()
    seconds = (time.perf_counter() - begin) / n
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(n):
            step()
    averages = sorted(profiler.key_averages(), key=lambda e: -e.self_cpu_time_total)
    whole = sum(e.self_cpu_time_total for e in averages)
    shares = ", ".join(f"{e.key.removeprefix('aten::')} {e.self_cpu_time_total / whole:.0%}" for e in averages[:8])
    speed = useful / seconds / 1e9
    print(
        f"{name}: {1000 * seconds:.2f} ms a step, {speed:.1f} GFLOP/s a core, {speed * workers / peak:.0%} of the peak"
    )
    print(f"  {shares}")


def dissect_all(peak: float, workers: int) -> None:
    import torch
    from mebench.methods.mean.network import Head, Shared
    from mebench.methods.ststnet.network import STSTNet
    from torch.nn import functional as F
    from torch.utils.flop_counter import FlopCounterMode

    sys.path.insert(0, str(HERE))
    from plain_mean import Head as PlainHead, Trunk
    from plain_ststnet import PlainSTSTNet

    torch.set_num_threads(1)

    def a_step(forward: Callable[[], torch.Tensor], weights: list[torch.nn.Parameter]) -> Callable[[], None]:
        optimizer = torch.optim.Adam(weights)

        def step() -> None:
            optimizer.zero_grad()
            forward().backward()
            optimizer.step()

        return step

    def flops(forward: Callable[[], torch.Tensor]) -> float:
        with FlopCounterMode(display=False) as counter:
            forward().backward()
        return float(counter.get_total_flops())

    maps = torch.rand(256, 3, 28, 28).contiguous(memory_format=torch.channels_last)
    classes, net, plain = torch.randint(3, (256,)), STSTNet(3).to(memory_format=torch.channels_last), PlainSTSTNet()  # type: ignore[call-overload]
    dissect(
        "STSTNet, 256 clips",
        a_step(lambda: F.cross_entropy(net(maps), classes), [*net.parameters()]),
        flops(lambda: F.cross_entropy(plain(maps), classes)),
        peak,
        workers,
    )
    frames = torch.rand(32, 3, 42, 42).contiguous(memory_format=torch.channels_last)
    labels, shared, head = torch.rand(32), Shared(0.3).to(memory_format=torch.channels_last), Head(1, 0.2)  # type: ignore[call-overload]
    trunk, spot = Trunk(), PlainHead(1)
    dissect(
        "MEAN's spotting, 32 frames",
        a_step(lambda: F.mse_loss(head(shared(frames)).squeeze(1), labels), [*shared.parameters(), *head.parameters()]),
        flops(lambda: F.mse_loss(spot(trunk(frames)).squeeze(1), labels)),
        peak,
        workers,
    )
    stored = torch.rand(32, 14, 14, 14).contiguous(memory_format=torch.channels_last)
    answers, namer, other = torch.randint(3, (32,)), Head(3, 0.2), PlainHead(3)
    dissect(
        "MEAN's recognition, 32 clips",
        a_step(lambda: F.cross_entropy(namer(stored), answers), [*namer.parameters()]),
        flops(lambda: F.cross_entropy(other(stored), answers)),
        peak,
        workers,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="mebench against plain programs, in turn.")
    parser.add_argument("root", type=Path, nargs="?", help="folder with <subject>/u_test/<0|1|2>/*.png")
    parser.add_argument("--folds", type=int, default=5, help="subjects left out, the same for both")
    parser.add_argument("--epochs", type=int, default=800, help="of STSTNet")
    parser.add_argument("--epochs-spot", type=int, default=24, help="of MEAN's first stage")
    parser.add_argument("--epochs-recognition", type=int, default=800, help="of MEAN's second stage")
    parser.add_argument("--rounds", type=int, default=1, help="round n uses seed n - 1")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()

    root = args.root.expanduser().resolve() if args.root else None
    print(f"{platform.machine()}, {args.workers} cores, {args.folds} folds", flush=True)
    ratios: dict[str, list[float]] = {}

    def report(name: str, number: int, pair: tuple[Result, Result]) -> None:
        plain, ours = pair
        ratios.setdefault(name, []).append(plain.seconds / ours.seconds)
        training = plain.training / ours.training
        print(f"{name}, round {number + 1}: plain    {plain}")
        print(
            f"{name}, round {number + 1}: mebench  {ours}   {ratios[name][-1]:.2f} times as fast ({training:.2f} in training)"
        )
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subjects = prepare_mean(folder, args.folds)
        for number in range(args.rounds):
            if root is not None:
                report("STSTNet", number, ststnet(root, args.folds, args.epochs, number, args.workers))
            neither, first, second = (
                mean(folder, subjects, epochs, number, args.workers)
                for epochs in ((1, 1), (args.epochs_spot, 1), (1, args.epochs_recognition))
            )
            report("MEAN, stage 1", number, alone(first, neither))
            report("MEAN, stage 2", number, alone(second, neither))
    for name, found in ratios.items():
        print(f"{name}: {statistics.median(found):.2f} times as fast as the plain program (median of {len(found)})")
    peak = peak_gflops(args.workers)
    print(f"peak of {args.workers} cores: {peak:.0f} GFLOP/s at multiplying matrices")
    dissect_all(peak, args.workers)


if __name__ == "__main__":
    main()
