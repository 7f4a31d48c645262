"""MEAN as one would write it from the paper, without mebench: the other side of the comparison in `folds.py`.

    python plain_mean.py DATA OUT [--epochs-spot 8] [--epochs-recognition 100] [--seed 0]

DATA is the folder that `folds.py` writes: the feature maps of each video's frames and clips, and who is tested in which fold.
One fold after another, with three separate streams, a DataLoader that gathers sample by sample and PyTorch's default threads:
first the spotting network, then the recognition head on its frozen layers. OUT gets each fold's frame scores and answers; the
last line of the output is JSON: seconds of each stage.

Liong, See, Chan: Spot-then-Recognize: A Micro-Expression Analysis Network for Seamless Evaluation of Long Videos, Signal
Processing: Image Communication 110, 116875, 2023.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

STREAMS = (3, 3, 8)
Step = Callable[[Tensor, Tensor], Tensor]
Videos = list[dict[str, Any]]


class Trunk(nn.Module):
    """(N, 3, 42, 42) to (N, 14, 14, 14)."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: Any = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1, filters, 5, padding=2),
                nn.ReLU(),
                nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01),
                nn.MaxPool2d(3),
                nn.Dropout(0.3),
            )
            for filters in STREAMS
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([stream(x[:, n : n + 1]) for n, stream in enumerate(self.streams)], dim=1)

    def penalty(self) -> Tensor:
        return sum((stream[0].weight.square().sum() for stream in self.streams), torch.zeros(()))


class Head(nn.Module):
    """(N, 14, 14, 14) to (N, outputs)."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(14, 8, 5, padding=2)
        self.layers = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(392, outputs))

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.layers(self.conv(x))
        return outputs


def glorot(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def spotting_samples(
    videos: Videos, data: Path, k_prime: int, ratio: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    maps, labels = [], []
    for video in videos:
        x = np.load(data / video["frames"])
        y = np.zeros(len(x), np.float32)
        for onset, offset in video["micro"]:
            y[max(onset - k_prime + 1, 0) : offset + 1] = 1
        maps.append(x)
        labels.append(y)
    x, y = np.concatenate(maps), np.concatenate(labels)
    positive, negative = np.flatnonzero(y > 0), np.flatnonzero(y == 0)
    if len(negative) > ratio * len(positive):
        negative = rng.choice(negative, int(ratio * len(positive)), replace=False)
    kept = np.sort(np.concatenate([positive, negative]))
    return torch.from_numpy(x[kept].astype(np.float32)).permute(0, 3, 1, 2), torch.from_numpy(y[kept])


def clip_samples(videos: Videos, data: Path) -> tuple[Tensor, Tensor]:
    x = np.concatenate([np.load(data / video["clips"]) for video in videos if video["classes"]])
    y = torch.tensor([c for video in videos for c in video["classes"]])
    return torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2).contiguous(), y


def train(x: Tensor, y: Tensor, epochs: int, batch_size: int, step: Step, weights: list[nn.Parameter]) -> float:
    """Seconds of training."""
    optimizer = torch.optim.Adam(weights, lr=5e-4, eps=1e-7)
    loader = DataLoader(TensorDataset(x.contiguous(), y), batch_size=batch_size, shuffle=True)
    begin = time.perf_counter()
    for _ in range(epochs):
        for some, answers in loader:
            optimizer.zero_grad()
            step(some, answers).backward()
            optimizer.step()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description="MEAN, plainly: leave one subject out.")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs-spot", type=int, default=8)
    parser.add_argument("--epochs-recognition", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    about = json.loads((args.data / "about.json").read_text())
    p, rng = about["params"], np.random.default_rng(args.seed)
    l2, l2_head = float(p["l2"]), float(p["l2_head"])
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    seconds = {"spotting": 0.0, "recognition": 0.0}
    for fold in about["folds"]:
        training = [v for v in about["videos"] if v["subject"] not in fold["test"]]
        trunk, spot, name = Trunk(), Head(1), Head(len(about["classes"]))
        for module in (trunk, spot, name):
            module.apply(glorot)

        x, y = spotting_samples(training, args.data, fold["k_prime"], p["ratio"], rng)

        def spot_step(some: Tensor, answers: Tensor, trunk: Trunk = trunk, spot: Head = spot) -> Tensor:
            loss = F.mse_loss(spot(trunk(some)).squeeze(1), answers)
            return loss + l2 * trunk.penalty() + l2_head * spot.conv.weight.square().sum()

        weights = [*trunk.parameters(), *spot.parameters()]
        seconds["spotting"] += train(x, y, args.epochs_spot, p["batch_size"], spot_step, weights)

        trunk.eval().requires_grad_(False)
        x, y = clip_samples(training, args.data)

        def name_step(some: Tensor, answers: Tensor, trunk: Trunk = trunk, name: Head = name) -> Tensor:
            loss = F.cross_entropy(name(trunk(some)), answers)
            return loss + l2_head * name.conv.weight.square().sum()

        seconds["recognition"] += train(x, y, args.epochs_recognition, p["batch_size"], name_step, [*name.parameters()])

        spot.eval(), name.eval()
        with torch.inference_mode():
            for video in (v for v in about["videos"] if v["subject"] in fold["test"]):
                maps = torch.from_numpy(np.load(args.data / video["frames"]).astype(np.float32)).permute(0, 3, 1, 2)
                scores = spot(trunk(maps)).squeeze(1).numpy()
                answers = (
                    name(trunk(clip_samples([video], args.data)[0])).argmax(1).tolist() if video["classes"] else []
                )
                file = args.out / f"{video['frames'].removesuffix('.npy')}.npz"
                np.savez(file, scores=scores, answers=np.array(answers, int))
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
