"""Whether a network over time makes a better included model than MEAN, which sees a single pair of frames.

    python benchmarks/over_time.py FOLDER [--real FILMS] [--people 60] [--write]

The network is the included `block_motion`: it reads how 36 blocks of the face move against their median block. It learnt from people
of `dataset.preset=field` and from others who speak under a flickering lamp and a poor codec (`.ci/models`). `mean` is learnt again
from these people with light, still maps and less weight decay. Both are compared with the included `mean` on people and quiet films
that trained nothing (`tools/quiet_films.py`), at levels by false alarms, and on films of real people (`--real`), which only report.
Another model becomes the default only if its recall on unseen people at 5 false positives a minute exceeds .20 while real films stay at
or below 5 alarms a minute. FOLDER keeps films and features. `--write` writes `over_time.json` and the table in `own_video.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from mebench.methods.block_motion.method import BlockMotion
from mebench.methods.mean.method import MEAN
from numpy.typing import NDArray

from mebench.config import resolve_dataset
from mebench.core import Chain, Prediction, SpottingParams, Task, Timing, Video
from mebench.core.peaks import ScoreCurve, hits, iou, spot
from mebench.errors import MebenchError
from mebench.features import BlockMeans, EyesAndMouth, FaceCrop, Flow, MinMax, Strain
from mebench.features.pipeline import VideoSource
from mebench.features.store import FeatureStore
from mebench.frames.videofile import SUFFIXES
from mebench.inference.alarm_rates import poisson_interval
from mebench.inference.film import Film, look_at_film
from mebench.inference.models import find_model_file, read_model
from mebench.inference.operating_point import choose_level, quiet_films, seen_seconds
from mebench.inference.predict import Answer, fitted_method
from mebench.runner.choices import home_of_video, open_dataset
from mebench.training import sample_negatives, window_labels

sys.path.append(str(Path(__file__).parents[1] / "tools"))
from quiet_films import write_quiet_films

DATA, PAGE = Path(__file__).with_suffix(".json"), Path(__file__).with_name("own_video.md")
BEGIN, END = "<!-- over time -->\n", "<!-- end -->\n"
RATE = 25.0
"""Frames a second at which the network reads motion, and those of drawn people."""
K_PRIME = 5
"""Half the mean length of a micro-expression of drawn people, in frames."""
BLOCKS = 6
QUIET_SEED = 11
MOST_FALSE = 5.0
"""False positives a minute on unseen people at which recall is compared."""
MOST_QUIET = 1.0
"""False alarms a minute in the worst kind of quiet film, by which levels are chosen."""

FIELD = ("dataset=synthetic", "dataset.preset=field", "dataset.videos=1")
RESTLESS = ("dataset.seed=3", "dataset.subjects=20", "dataset.speech=1", "dataset.flicker=0.04", "dataset.crf=28")
RESTLESS_PEOPLE = tuple(f"s{number:03d}" for number in (1, 2, 3, 4, 5, 7, 9, 10, 12, 13, 14, 17, 19))
"""Those of the twenty who were drawn when the page was made."""
UNSEEN = ("dataset.seed=1", "dataset.subjects=16")

BY_MEAN = SpottingParams(threshold="absolute", interval="score_curve", anchor="middle", baseline=2.0)
OVER_TIME = SpottingParams(threshold="absolute", interval="score_curve", smoothing="gaussian_3", baseline=2.0)
Scores = NDArray[np.float64]


# -- films ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A film with its features.

    Attributes:
        video: the film, with its expressions if it has any.
        kind: kind of quiet film, or the set that the film belongs to.
        fps: frames a second.
        n_frames: number of frames.
        motion: mean flow of each block over k frames, (n, blocks, blocks, 2).
        maps: maps of MEAN, (n, 42, 42, 3); none where only the motion was asked for.
        film: cuts, and stretches without a face.
    """

    video: Video
    kind: str
    fps: float
    n_frames: int
    motion: NDArray[Any]
    maps: NDArray[Any]
    film: Film


def pair_gap(fps: float) -> int:
    """Frames in a tenth of a second, rounded up."""
    return max(1, math.ceil(0.1 * fps - 1e-9))


def chains_at(fps: float) -> tuple[Chain, Chain]:
    """The chains of MEAN's maps and of the motion of blocks, from one flow."""
    face = FaceCrop(track="frame")
    flow = Flow("tvl1_eps05", k=pair_gap(fps), stride=3, light="gain")
    maps = Chain("mean_frames", (face, flow, Strain("backward"), MinMax(still="middle"), EyesAndMouth("box")))
    return maps, Chain("block_motion", (face, flow, BlockMeans(BLOCKS, BLOCKS)))


def see_films(
    words: Sequence[str] | dict[str, Any],
    kind: str,
    store: FeatureStore,
    search: bool = False,
    only: Sequence[str] = (),
    with_maps: bool = True,
) -> list[Seen]:
    """The films of a dataset with their features; a film without a face is left out.

    Args:
        words: the dataset, as on the command line.
        kind: name of the set.
        store: store of features.
        search: whether to search stretches without a face.
        only: people to see; all of them if none are named.
        with_maps: whether to compute the maps of MEAN, too.
    """
    chosen = resolve_dataset(words)
    dataset = open_dataset(chosen.dataset_params, "none")
    seen = []
    for video in sorted(dataset.videos(), key=lambda video: video.key):
        if only and video.subject not in only:
            continue
        source = VideoSource(store, *home_of_video(dataset, chosen.dataset, video), video)
        try:
            seen.append(see_film(source, video, kind, search, with_maps))
        except MebenchError as error:
            print(f"{video.key} is left out: {error}", file=sys.stderr)
    return seen


def see_film(source: VideoSource, video: Video, kind: str, search: bool, with_maps: bool) -> Seen:
    """A film with its features."""
    fps = video.fps or RATE
    maps, motion = chains_at(fps)
    source.compute([maps, motion] if with_maps else [motion], [])
    n_frames = len(source.frames())
    film = look_at_film(source, [motion], video, n_frames, pair_gap(fps), search)
    moved = source.frame_features(motion)
    return Seen(video, kind, fps, n_frames, moved, source.frame_features(maps) if with_maps else moved[:0], film)


def see_quiet_films(folder: Path, store: FeatureStore) -> list[Seen]:
    """Drawn films in which no expression happens, by their kind."""
    seen = []
    for kind, files in write_quiet_films(folder, 20.0, QUIET_SEED).items():
        seen += see_films({"dataset": "folder", "dataset.videos": [str(file) for file in files]}, kind, store)
    return seen


def see_real_films(folder: Path, store: FeatureStore) -> list[Seen]:
    """Films of real people, each by itself, so that one that cannot be read costs no other."""
    seen = []
    for file in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        seen += see_films({"dataset": "folder", "dataset.videos": [str(file)]}, "real", store, search=True)
    return seen


# -- the network over time --------------------------------------------------------------------------------------------------


def score_over_time(method: BlockMotion, seen: Seen) -> Scores:
    """Scores of the network over time, (n_frames,)."""
    timing = Timing(seen.fps, pair_gap(seen.fps), {"micro": K_PRIME})
    view: Any = SimpleNamespace(n_frames=seen.n_frames, timing=timing, features=lambda chain: seen.motion)
    return np.asarray(method.score_frames(view)[:, 0])


# -- MEAN -------------------------------------------------------------------------------------------------------------------


def fit_mean(films: Sequence[Seen], epochs: int = 8, l2_head: float = 0.001) -> MEAN:
    """The spotting network of MEAN, learnt as its stage does: eight frames outside expressions for each inside."""
    params = MEAN.Params(regions="box", stride=3, epochs_spot=epochs, l2_head=l2_head)
    torch.manual_seed(0)
    method = MEAN(params, Task(frozenset({"spot"}), ("micro",)))
    method.stage = "spotting"
    labels = np.concatenate([window_labels(len(s.maps), s.video.expressions, K_PRIME, ("micro",)) for s in films])
    kept = sample_negatives(labels, params.ratio, np.random.default_rng(0))
    ends = np.cumsum([0, *(len(s.maps) for s in films)])
    own = [kept[(kept >= first) & (kept < last)] - first for first, last in pairwise(ends)]
    maps = torch.from_numpy(np.concatenate([s.maps[rows] for s, rows in zip(films, own)]))
    targets = torch.from_numpy(labels[kept])
    optimizer = method.configure_optimizers()
    method.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(kept)).split(params.batch_size):
            x = maps[rows].float().permute(0, 3, 1, 2)
            loss = method.training_step((x, targets[rows]), 0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    method.eval()
    return method


def score_mean(method: MEAN, seen: Seen) -> Scores:
    """Scores of MEAN's spotting network, (n_frames,)."""
    timing = Timing(seen.fps, pair_gap(seen.fps), {"micro": K_PRIME})
    view: Any = SimpleNamespace(n_frames=seen.n_frames, timing=timing, features=lambda chain: seen.maps)
    return np.asarray(method.score_frames(view)[:, 0])


# -- comparison -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """A way to score frames, and how its scores become intervals.

    Attributes:
        name: name in the table.
        score: scores of the frames of a film.
        options: rules for intervals.
        lead: frames by which a score sees an expression before its onset, at `RATE`.
    """

    name: str
    score: Callable[[Seen], Scores]
    options: SpottingParams
    lead: int


def answer(candidate: Candidate, seen: Seen) -> Answer:
    """All peaks of a film, each part between cuts spotted in by itself."""
    k_prime = max(1, round(K_PRIME * seen.fps / RATE))
    lead = round(candidate.lead * seen.fps / RATE)
    scores = candidate.score(seen)
    scores[seen.film.blind] = np.nan
    found = []
    for first, last in seen.film.parts:
        own = np.full_like(scores, np.nan)
        own[first : last + 1] = scores[first : last + 1]
        spotted = spot(own, k_prime, options=candidate.options, level=-np.inf, lead=lead, fps=seen.fps)
        visible = [one for one in spotted if not seen.film.blind[min(max(one.apex, 0), seen.n_frames - 1)]]
        found += [Prediction(seen.video.key, "micro", *one) for one in visible]
    timing = Timing(seen.fps, pair_gap(seen.fps), {"micro": k_prime})
    return Answer(found, {"micro": ScoreCurve(scores)}, timing, seen.film.unseen)


@dataclass(frozen=True)
class Peaks:
    """The peaks in people with expressions, the highest first.

    Attributes:
        heights: heights of the peaks.
        is_right: whether a peak finds an expression of its own.
        n_truths: number of micro-expressions.
        minutes: length of the films.
    """

    heights: Scores
    is_right: NDArray[np.bool_]
    n_truths: int
    minutes: float

    def rates_at(self, level: float) -> tuple[float, float]:
        """Recall and false positives a minute at a level."""
        above = self.heights >= level
        n_right = int((above & self.is_right).sum())
        return n_right / self.n_truths, (int(above.sum()) - n_right) / self.minutes

    def level_for(self, false_per_minute: float) -> float:
        """The lowest level with at most so many false positives a minute."""
        false = np.cumsum(~self.is_right) / self.minutes
        allowed = np.flatnonzero(false <= false_per_minute)
        return float(self.heights[allowed[-1]]) if len(allowed) else math.inf


def peaks_in_people(people: Sequence[Seen], answers: Sequence[Answer]) -> Peaks:
    """Peaks in all films, each of which may find one free expression."""
    heights, right = [], []
    for seen, found in zip(people, answers):
        spans = [(e.onset, e.offset) for e in seen.video.expressions if e.kind == "micro"]
        free = np.array(spans, np.int64).reshape(-1, 2).T
        for one in sorted(found.predictions, key=lambda one: -one.confidence):
            is_right = bool(hits((one.onset, one.offset), free).any())
            if is_right:
                free = np.delete(free, iou((one.onset, one.offset), free).argmax(), axis=1)
            heights.append(one.confidence)
            right.append(is_right)
    order = np.argsort(heights)[::-1]
    n_truths = sum(e.kind == "micro" for seen in people for e in seen.video.expressions)
    minutes = sum(seen.n_frames / seen.fps for seen in people) / 60
    return Peaks(np.array(heights)[order], np.array(right)[order], n_truths, minutes)


def compare(
    candidate: Candidate, people: Sequence[Seen], quiet: Sequence[Seen], real: Sequence[Seen]
) -> dict[str, Any]:
    """A candidate's recall and alarms at two levels: that of `MOST_FALSE`, and that of quiet films."""
    peaks = peaks_in_people(people, [answer(candidate, seen) for seen in people])
    films = {}
    for kind in sorted({seen.kind for seen in quiet}):
        films[kind] = quiet_films([answer(candidate, seen) for seen in quiet if seen.kind == kind], "micro")
    of_real = [answer(candidate, seen) for seen in real]
    seconds = sum(map(seen_seconds, of_real))
    row: dict[str, Any] = {
        "name": candidate.name,
        "people": len(people),
        "micros": peaks.n_truths,
        "real_seconds": seconds,
    }
    for title, level in (("false", peaks.level_for(MOST_FALSE)), ("quiet", choose_level(films, MOST_QUIET))):
        recall, false = peaks.rates_at(level)
        alarms = sum(one.confidence >= level for found in of_real for one in found.predictions)
        rates = {kind: of_kind.rate(level) for kind, of_kind in films.items()}
        row[title] = {
            "level": level,
            "recall": recall,
            "false": false,
            "real": alarms,
            "worst_quiet": max(rates.values()),
        }
    return row


def table_of(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| network | level chosen by | recall | false positives a minute | alarms a minute, worst kind of quiet film | of real people |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        for title, words in (
            ("false", "at most 5 false positives a minute"),
            ("quiet", "at most 1 alarm a minute in quiet films"),
        ):
            at = row[title]
            low, high = poisson_interval(at["real"])
            minutes = row["real_seconds"] / 60
            real = f"{at['real'] / minutes:.1f} [{low / minutes:.1f}, {high / minutes:.1f}]"
            lines.append(
                f"| {row['name']} | {words} | {at['recall']:.2f} | {at['false']:.1f} | {at['worst_quiet']:.1f} | {real} |"
            )
    return "\n".join(lines) + "\n"


def with_table(page: str, rows: Iterable[dict[str, Any]]) -> str:
    """The page with its table made again."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table_of(rows)}{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether a network over time makes a better included model.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--real", type=Path, help="folder of films of real people")
    parser.add_argument("--people", type=int, default=60, help="drawn people to learn from")
    parser.add_argument("--write", action="store_true", help="write the file and the table of the page")
    args = parser.parse_args()
    torch.set_num_threads(1)
    store = FeatureStore(args.folder / "cache")
    people = see_films([*FIELD, f"dataset.subjects={args.people}"], "people", store)
    restless = see_films([*FIELD, *RESTLESS], "restless", store, only=RESTLESS_PEOPLE)
    unseen = see_films([*FIELD, *UNSEEN], "unseen", store)
    quiet = see_quiet_films(args.folder / "quiet", store)
    real = see_real_films(args.real, store) if args.real else []
    again = fit_mean([*people, *restless])
    included = fitted_method(read_model(find_model_file("mean")))
    over_time = fitted_method(read_model(find_model_file("block_motion")))
    assert isinstance(included, MEAN)
    assert isinstance(over_time, BlockMotion)
    candidates = [
        Candidate("`mean`, included", lambda seen: score_mean(included, seen), BY_MEAN, K_PRIME - 1),
        Candidate("`mean`, learnt again", lambda seen: score_mean(again, seen), BY_MEAN, K_PRIME - 1),
        Candidate("`block_motion`, included", lambda seen: score_over_time(over_time, seen), OVER_TIME, 0),
    ]
    rows = [compare(candidate, unseen, quiet, real) for candidate in candidates]
    print(table_of(rows))
    if args.write:
        DATA.write_text(json.dumps(rows, indent=1) + "\n")
        PAGE.write_text(with_table(PAGE.read_text("utf-8"), rows))


if __name__ == "__main__":
    main()
