"""STSTNet as one would write it from the paper, without mebench: the other side of the comparison in `folds.py`.

    python plain_ststnet.py ROOT [--subjects sub01,006,...] [--epochs 800] [--seed 0]

ROOT holds `<subject>/u_test/<0|1|2>/*.png`. One subject after another is left out; three separate streams are trained
on all the others with a DataLoader and PyTorch's default threads. The last line of the output is JSON: folds, seconds,
UF1 and UAR.

Liong et al.: Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression Recognition, FG 2019, arXiv
1902.03634.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.metrics import f1_score, recall_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = 3
BATCH_SIZE = 256
LEARNING_RATE = 5e-5


def stream(filters: int) -> nn.Sequential:
    """(N, 3, 28, 28) to (N, filters, 10, 10)."""
    return nn.Sequential(
        nn.Conv2d(3, filters, kernel_size=3, padding=2),
        nn.ReLU(),
        nn.BatchNorm2d(filters),
        nn.MaxPool2d(kernel_size=3, stride=3, padding=1),
        nn.Dropout(0.5),
    )


class PlainSTSTNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = stream(3), stream(5), stream(8)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)
        self.classify = nn.Linear(16 * 5 * 5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat((self.first(x), self.second(x), self.third(x)), dim=1)
        outputs: Tensor = self.classify(self.pool(joined).flatten(start_dim=1))
        return outputs


def read_clips(root: Path) -> tuple[np.ndarray, Tensor, Tensor]:
    """Subjects (n,), maps (n, 3, 28, 28) with values 0 to 255, classes (n,)."""
    files = sorted(root.glob("*/u_test/[012]/*.png"))
    maps = np.array([cv2.imread(str(file)) for file in files]).transpose(0, 3, 1, 2)
    subjects = np.array([file.parents[2].name for file in files])
    classes = torch.tensor([int(file.parent.name) for file in files])
    return subjects, torch.from_numpy(maps.astype(np.float32)), classes


def train(maps: Tensor, classes: Tensor, epochs: int) -> PlainSTSTNet:
    network = PlainSTSTNet().to(maps.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(maps, classes), batch_size=BATCH_SIZE, shuffle=False)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(network(x), y).backward()
            optimizer.step()
    return network.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description="STSTNet, plainly: leave one subject out.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--subjects", help="who is left out, separated by commas; everybody by default")
    parser.add_argument("--epochs", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    subjects, maps, classes = read_clips(args.root)
    left_out = args.subjects.split(",") if args.subjects else sorted(set(subjects))
    start = time.perf_counter()
    truth, answers = [], []
    for subject in left_out:
        test = torch.from_numpy(subjects == subject)
        network = train(maps[~test], classes[~test], args.epochs)
        with torch.inference_mode():
            answers.append(network(maps[test]).argmax(dim=1))
        truth.append(classes[test])
    seconds = time.perf_counter() - start

    y, guess = torch.cat(truth).numpy(), torch.cat(answers).numpy()
    pooled = {"labels": np.unique(y), "average": "macro", "zero_division": 0}
    scores = {"uf1": f1_score(y, guess, **pooled), "uar": recall_score(y, guess, **pooled)}
    print(json.dumps({"folds": len(left_out), "seconds": seconds, **scores}))


if __name__ == "__main__":
    main()
