"""How like real motion the injected displacements are: a linear classifier between real and injected maps of motion.

    python benchmarks/injected_realism.py MAPS

MAPS is the folder of the 442 maps of MEGC 2019 (`dataset=megc2019_flow`). Injected maps are the fields of `mebench.features.injection` at
drawn people's landmarks, with head motion and noise of a flow, no film between. Maps of each clip have their own scale, as the real ones
do. Printed are the area under the curve of held-out people (.5 if nothing tells them apart) with a 95 % interval over people, and how the
strain is spread: its median and 95th percentile, as shares of the clip's largest. `--smooth` leaves out what makes the fields narrow and
uneven.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from mebench.datasets.synthetic.anatomy import make_anatomy
from numpy.typing import NDArray
from scipy.stats import rankdata

from mebench.features import injection
from mebench.features.injection import CANVAS, EXPRESSIONS, WIDTH, FaceCourse, Injection, PersonFields

SIDE = 28
PEOPLE = 24
HEAD_MOTION = 0.3
"""Standard deviation of the head's own motion, shift, turn and stretch, in largest displacements."""
NOISE = 0.06
"""Standard deviation of the noise of a flow, in largest displacements."""
PENALTY = 300.0
FOLDS = 5
Maps = NDArray[np.float32]


def read_real(folder: Path) -> tuple[Maps, list[str]]:
    """The real maps, (n, 28, 28, 3): strain, vertical and horizontal flow, from 0 to 1; and their people."""
    files = sorted(folder.glob("*/u_test/*/*.png"))
    if not files:
        raise SystemExit(f"{folder} holds no maps: name the folder of dataset=megc2019_flow")
    maps = [np.asarray(cv2.imread(str(file)), np.float32) / 255 for file in files]
    return np.stack(maps), [file.parts[-4] for file in files]


def draw_injected(count: int) -> tuple[Maps, list[str]]:
    """Maps of injected fields, as many as there are real ones."""
    random = np.random.default_rng(0)
    people = [
        PersonFields(FaceCourse(make_anatomy(9, n).points[None] * WIDTH, np.ones(1, np.bool_)), f"person{n}")
        for n in range(PEOPLE)
    ]
    maps, names = [], []
    for number in range(count):
        person = int(random.integers(PEOPLE))
        expression = str(random.choice(list(EXPRESSIONS)))
        side = int(random.integers(2)) if "side" in expression else None
        field = people[person].field(Injection(expression, side, 8.0, number, number + 4, number + 9))
        maps.append(map_of(field.push, people[person].course, random))
        names.append(f"injected {person}")
    return np.stack(maps), names


def map_of(push: NDArray[np.float32], course: FaceCourse, random: np.random.Generator) -> Maps:
    """The map of a field in a crop of the face, with head motion and noise."""
    x0, y0 = course.own_points.min(0)
    x1, y1 = course.own_points.max(0)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    x = (x0 + (columns + 0.5) / SIDE * (x1 - x0)).astype(np.float32)
    y = (y0 - 0.1 + (rows + 0.5) / SIDE * (y1 - y0 + 0.1)).astype(np.float32)
    columns_seen, rows_seen = ((axis * WIDTH + (CANVAS - 1) / 2).astype(np.float32) for axis in (x, y))
    seen = cv2.remap(cv2.GaussianBlur(push, (0, 0), 2.5), columns_seen, rows_seen, cv2.INTER_LINEAR)
    shift, across, down = (HEAD_MOTION * random.standard_normal(2) for _ in range(3))
    noise = np.stack([cv2.GaussianBlur(random.standard_normal((SIDE, SIDE)), (0, 0), 1.0) for _ in range(2)], axis=-1)
    flow = seen + shift + x[..., None] * across + y[..., None] * down + NOISE * noise / noise.std()
    (u_down, u_across), (v_down, v_across) = (np.gradient(flow[..., axis]) for axis in (0, 1))
    strain = np.sqrt(u_across**2 + v_down**2 + (u_down + v_across) ** 2 / 2)
    return np.stack([to_unit(strain), to_unit(flow[..., 1]), to_unit(flow[..., 0])], axis=-1)


def to_unit(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values from 0 to 1."""
    return np.asarray((values - values.min()) / (np.ptp(values) + 1e-9), np.float32)


def linear_scores(maps: Maps, is_injected: NDArray[np.bool_], people: list[str]) -> NDArray[np.float64]:
    """The score of each map by ridge regression on the maps of other people."""
    values = maps.reshape(len(maps), -1).astype(np.float64)
    names = np.unique(people)
    fold_of = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS))
    folds = np.array([fold_of[name] for name in people])
    scores = np.zeros(len(maps))
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        mean, spread = values[train].mean(0), values[train].std(0) + 1e-6
        x = (values - mean) / spread
        targets = (
            np.where(is_injected[train], 1 / is_injected[train].sum(), -1 / (~is_injected[train]).sum()) * train.sum()
        )
        kernel = x[train] @ x[train].T
        weights = x[train].T @ np.linalg.solve(kernel + PENALTY * np.eye(train.sum()), targets)
        scores[test] = x[test] @ weights
    return scores


def area(scores: NDArray[np.float64], is_injected: NDArray[np.bool_]) -> float:
    """Area under the curve: how often an injected map scores above a real one."""
    ranks = rankdata(scores)
    n, m = int(is_injected.sum()), int((~is_injected).sum())
    return float((ranks[is_injected].sum() - n * (n + 1) / 2) / (n * m))


def area_with_interval(scores: NDArray[np.float64], is_injected: NDArray[np.bool_], people: list[str]) -> str:
    """The area and its 95 % interval over people."""
    random = np.random.default_rng(0)
    rows = {name: np.flatnonzero(np.array(people) == name) for name in np.unique(people)}
    groups = [[name for name in rows if is_injected[rows[name][0]] == injected] for injected in (False, True)]
    draws = []
    for _ in range(300):
        chosen = [name for group in groups for name in random.choice(group, len(group))]
        drawn = np.concatenate([rows[name] for name in chosen])
        draws.append(area(scores[drawn], is_injected[drawn]))
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{area(scores, is_injected):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="How like real motion the injected displacements are.")
    parser.add_argument("maps", type=Path)
    parser.add_argument("--smooth", action="store_true", help="broad and even fields, as on drawn faces")
    args = parser.parse_args()
    if args.smooth:
        injection.NARROW, injection.UNEVEN, injection.ASTRAY = 1.0, 0.0, 0.0
    real, people = read_real(args.maps)
    injected, names = draw_injected(len(real))
    is_injected = np.repeat([False, True], [len(real), len(injected)])
    everyone = [*people, *names]
    scores = linear_scores(np.concatenate([real, injected]), is_injected, everyone)
    print(f"area under the curve, real against injected: {area_with_interval(scores, is_injected, everyone)}")
    for name, maps in (("real", real), ("injected", injected)):
        print(
            f"strain of {name} maps: median {np.median(maps[..., 0]):.2f}, 95th percentile {np.quantile(maps[..., 0], 0.95):.2f}"
        )


if __name__ == "__main__":
    main()
