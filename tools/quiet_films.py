"""Films in which no expression happens, drawn: stills, lamps, codecs, camera, cuts, speech, blinks, heads.

    python tools/quiet_films.py FOLDER [--seconds 20] [--seed 11]

Each kind lies in a folder of its own. All that a spotter finds there is a false alarm; `tools/operating_point.py` sets the level
of a model by them. Nobody in them is among the people that models are trained or scored on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.config import registry, resolve_dataset
from mebench.core import Dataset
from mebench.frames.videofile import write_video

FPS = 25.0
CODECS = {"sharp": 1, "good": 18, "usual": 23, "poor": 28}
"""Constant rate factors of H.264: hardly lossy, and three that cameras and phones use."""
LAMPS_HZ = (0.5, 1.3, 3.0, 7.0)
"""Frequencies of lamps, as a camera sees those that it samples."""
LAMP = 0.06
"""Strength of a lamp's flicker, relative."""
STEP = 0.12
"""Strength of a lamp that goes on or off, relative."""
CUT_SECONDS = 4.0
"""Seconds from one cut to the next."""
Picture = NDArray[np.uint8]
Film = Callable[[int], Picture]


def draw_people(seed: int, people: int, frames: int, *words: str) -> Dataset:
    """People who show no expression and do nothing else that `words` do not ask for."""
    settings = resolve_dataset(
        [
            "dataset=synthetic",
            "dataset.preset=field",
            f"dataset.seed={seed}",
            f"dataset.subjects={people}",
            "dataset.videos=1",
            f"dataset.frames={frames}",
            "dataset.expressions=apart",
            "dataset.micros=null",
            "dataset.micro_max=0",
            "dataset.macros=0",
            "dataset.twitches=0",
            "dataset.crf=0",
            *words,
        ]
    )
    dataset: Dataset = registry.load_plugin("dataset", "synthetic")(settings.dataset_params["synthetic"])
    return dataset


STILL = tuple(f"dataset.{name}=0" for name in ("blinks", "speech", "head", "rotation", "yaw", "noise", "flicker"))
CALM_HEAD = ("dataset.head=0.2", "dataset.rotation=0.05", "dataset.yaw=0.1")
LIVELY_HEAD = ("dataset.head=1.35", "dataset.rotation=0.45", "dataset.yaw=0.9")
"""Twice the movements of the head in `dataset.preset=field`."""
MOVING = {
    "blinks": ("dataset.blinks=20", "dataset.speech=0", *CALM_HEAD),
    "head": ("dataset.speech=0", *LIVELY_HEAD),
    "speech": ("dataset.speech=1",),
    "restless": ("dataset.speech=1", "dataset.flicker=0.04", "dataset.twitches=4", *LIVELY_HEAD),
}
"""What people do who show no expression."""


def still_pictures(seed: int, people: int) -> list[Picture]:
    """A picture of each person."""
    dataset = draw_people(seed, people, 50, *STILL)
    return [np.asarray(dataset.frames(video)[0]) for video in dataset.videos()]


def lit(picture: Picture, gain: float | NDArray[np.float64]) -> Picture:
    """A picture in another light; `gain` may differ from column to column."""
    return np.asarray(np.clip(np.rint(picture * np.reshape(gain, (1, -1, 1))), 0, 255), np.uint8)


def standing(picture: Picture) -> Film:
    """A still face in steady light."""
    return lambda i: picture


def flickering(picture: Picture, hertz: float) -> Film:
    """A still face under a lamp that flickers."""
    return lambda i: lit(picture, 1 + LAMP * np.sin(2 * np.pi * hertz * i / FPS))


def switched(picture: Picture, seconds: float) -> Film:
    """A still face in a room whose lamp goes on and off."""
    return lambda i: lit(picture, 1 + STEP * (int(i / FPS / seconds) % 2))


def sideways(picture: Picture, hertz: float) -> Film:
    """A still face, from whose left to whose right the light moves and back."""
    across = np.linspace(-1, 1, picture.shape[1])
    return lambda i: lit(picture, 1 + LAMP * across * np.sin(2 * np.pi * hertz * i / FPS))


def shaken(picture: Picture, seed: int, noise: float, pixels: float) -> Film:
    """A still face in front of a camera that is noisy and held by hand."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 4)

    def frame(i: int) -> Picture:
        x = round(pixels * np.sin(2 * np.pi * 1.1 * i / FPS + phases[0]) + pixels * np.sin(2.3 * i / FPS + phases[1]))
        y = round(pixels * np.sin(2 * np.pi * 0.9 * i / FPS + phases[2]) + pixels * np.sin(2.9 * i / FPS + phases[3]))
        grain = np.random.default_rng((seed, i)).normal(0, noise, picture.shape)
        return np.asarray(np.clip(np.roll(picture, (y, x), (0, 1)) + grain, 0, 255), np.uint8)

    return frame


def cut_together(pictures: list[Picture]) -> Film:
    """Still faces, one after the other."""
    return lambda i: pictures[int(i / FPS / CUT_SECONDS) % len(pictures)]


def people_films(dataset: Dataset) -> list[Film]:
    """Films of drawn people, as they move."""
    stored = [dataset.frames(video) for video in dataset.videos()]
    return [lambda i, frames=frames: np.asarray(frames[i]) for frames in stored]  # type: ignore[misc]


def quiet_films(seed: int, n_frames: int) -> Iterator[tuple[str, str, Film, int]]:
    """Kind, name, film and constant rate factor of each."""
    pictures = still_pictures(seed, 4)
    for (name, crf), picture in zip(CODECS.items(), pictures):
        yield "still", name, standing(picture), crf
    for hertz, picture in zip(LAMPS_HZ, pictures):
        yield "lamp", f"{hertz:g}_hz".replace(".", "_"), flickering(picture, hertz), CODECS["usual"]
    yield "lamp", "switched", switched(pictures[0], 2.0), CODECS["usual"]
    yield "lamp", "sideways", sideways(pictures[1], 0.7), CODECS["usual"]
    yield "camera", "noise", shaken(pictures[2], seed, 3.0, 0.0), CODECS["usual"]
    yield "camera", "shake", shaken(pictures[3], seed, 1.2, 1.5), CODECS["usual"]
    for number in range(2):
        yield "cuts", f"cuts{number}", cut_together(pictures[number:] + pictures[:number]), CODECS["usual"]
    for number, (kind, words) in enumerate(MOVING.items()):
        crf = CODECS["poor"] if kind == "restless" else CODECS["usual"]
        for person, film in enumerate(people_films(draw_people(seed + 1 + number, 3, n_frames, *words))):
            yield kind, f"person{person}", film, crf


def write_quiet_films(folder: Path, seconds: float, seed: int) -> dict[str, list[Path]]:
    """Write the films, and return their files by kind."""
    n_frames = round(seconds * FPS)
    files: dict[str, list[Path]] = {}
    for kind, name, film, crf in quiet_films(seed, n_frames):
        path = folder / kind / f"{kind}_{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, (film(i) for i in range(n_frames)), np.arange(n_frames) / FPS, crf)
        files.setdefault(kind, []).append(path)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description="Films in which no expression happens, drawn.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each film")
    parser.add_argument("--seed", type=int, default=11)
    args = parser.parse_args()
    for kind, files in write_quiet_films(args.folder, args.seconds, args.seed).items():
        print(f"{kind}: {len(files)} films of {args.seconds:g} s")


if __name__ == "__main__":
    main()
