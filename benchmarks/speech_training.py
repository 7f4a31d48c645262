"""Whether `block_motion` finds more while people talk if running speech and injected films of real people train it.

    python benchmarks/speech_training.py FOLDER --train FILMS... --test FILMS [--write]

FILMS are folders of films of real people, others for training than for the test; none is part of the repository. Micro-expressions are put
into copies of them (`dataset=injected`). Each network has the included one's form. It learns from drawn people who hardly speak, from drawn
ones who talk most of the time, also during expressions (`dataset.talking`), from injected films, or from all. Its level gives at most five
alarms a minute in the untouched test films; counted is what it finds of 8 % of the distance between the eyes and more. FOLDER keeps
features. `--write` writes `speech_training.json` and the table in `own_video.md`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mebench.methods.block_motion.method import BlockMotion
from mebench.methods.block_motion.windows import MotionWindows
from over_time import FIELD, K_PRIME, OVER_TIME, Candidate, Seen, answer, pair_gap, score_over_time, see_films
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from mebench.core import Expression, Task, Timing
from mebench.features.activity import ACTIVITIES
from mebench.features.store import FeatureStore
from mebench.inference.models import find_model_file, read_model
from mebench.inference.predict import fitted_method
from mebench.inference.recovery import Share

DATA, PAGE = Path(__file__).with_suffix(".json"), Path(__file__).with_name("own_video.md")
BEGIN, END = "<!-- speech training -->\n", "<!-- end speech training -->\n"
TALKING = ("dataset.seed=5", "dataset.subjects=24", "dataset.talking=0.7", "dataset.micros=8")
STEPS = 960
MOST_ALARMS = 5.0
"""Alarms a minute in the untouched test films."""
STRONG = 0.075
"""Least strength that is counted, in distances between the eyes: of 8 %, what folds the skin is weakened a little."""
UNTOUCHED = "_untouched"


def view_of(seen: Seen) -> Any:
    """What `block_motion` gets of a film that trains it."""
    timing = Timing(seen.fps, pair_gap(seen.fps), {"micro": K_PRIME})
    expressions = seen.video.expressions
    return SimpleNamespace(
        n_frames=seen.n_frames, timing=timing, expressions=expressions, features=lambda chain: seen.motion
    )


def is_untouched(seen: Seen) -> bool:
    """Whether nothing was put into a film."""
    return seen.video.key.endswith(UNTOUCHED)


def injected_words(folder: Path, copies: int) -> list[str]:
    """The dataset of a folder of films with micro-expressions put in."""
    return ["dataset=injected", f"dataset.root={folder}", f"dataset.copies={copies}"]


def fit_block_motion(films: Sequence[Seen], seed: int = 0) -> BlockMotion:
    """A network of the included one's form, learnt in `STEPS` steps as its stage does."""
    torch.manual_seed(seed)
    params = BlockMotion.Params()
    method = BlockMotion(params, Task(frozenset({"spot"}), ("micro",)), seed)
    method.stage = "spotting"
    samples = []
    for seen in films:
        video = view_of(seen)
        motion = method._motion(video)
        samples.append((motion, method._labels(video, video.expressions, motion.shape[1])))
    windows = MotionWindows(samples, params.blocks, params.window, params.mixed)
    optimizer = torch.optim.AdamW(method.parameters(), lr=params.lr, weight_decay=params.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, params.lr, total_steps=STEPS, pct_start=0.1)
    weights = torch.tensor([params.inside, 1.0])[:, None]
    shares = torch.tensor([1.0, params.macro_weight])
    method.train()
    for _ in range(STEPS):
        motion, labels = windows.__getitems__(range(params.batch_size))
        losses = F.binary_cross_entropy_with_logits(
            method.members[0](motion), labels, reduction="none", pos_weight=weights
        )
        optimizer.zero_grad()
        (losses.mean((0, 2)) * shares).sum().backward()
        clip_grad_norm_(method.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    method.eval()
    return method


def peaks_of(method: BlockMotion, seen: Seen) -> list[tuple[int, float]]:
    """Apex and height of each peak where a face is seen, each part between cuts by itself."""
    candidate = Candidate("", partial(score_over_time, method), OVER_TIME, 0)
    return [(peak.apex, peak.confidence) for peak in answer(candidate, seen).predictions]


def level_of(method: BlockMotion, untouched: Sequence[Seen]) -> float:
    """The lowest level with at most `MOST_ALARMS` peaks a minute."""
    heights = sorted((height for seen in untouched for _, height in peaks_of(method, seen)), reverse=True)
    minutes = sum(seen.n_frames / seen.fps for seen in untouched) / 60
    allowed = int(MOST_ALARMS * minutes)
    return heights[allowed] if allowed < len(heights) else 0.0


def is_found(expression: Expression, peaks: Iterable[tuple[int, float]], level: float) -> bool:
    """Whether a peak above the level lies in an expression."""
    return any(height > level and expression.onset <= apex <= expression.offset for apex, height in peaks)


def count_found(method: BlockMotion, test: Sequence[Seen]) -> dict[str, Any]:
    """The level, and by activity how many strong expressions are found of how many."""
    level = level_of(method, [seen for seen in test if is_untouched(seen)])
    found: dict[str, list[bool]] = {activity: [] for activity in ACTIVITIES}
    for seen in test:
        peaks = peaks_of(method, seen)
        for expression in seen.video.expressions:
            if (expression.intensity or 0.0) >= STRONG:
                found[expression.flags[0]].append(is_found(expression, peaks, level))
    counts = {activity: {"found": sum(hits), "of": len(hits)} for activity, hits in found.items()}
    return {"level": level, **counts}


def table_of(record: dict[str, Any]) -> str:
    """The record as Markdown."""
    lines = ["| learnt from | films | still | speech | turning |", "|---|---|---|---|---|"]
    for row in record["rows"]:
        shares = [Share(row[activity]["found"], row[activity]["of"]).describe() for activity in ACTIVITIES]
        lines.append(f"| {row['name']} | {row['films']} | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Whether running speech and injected films make block_motion find more."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=Path, nargs="+", required=True, help="folders of films that train")
    parser.add_argument("--test", type=Path, required=True, help="folder of films of other people")
    parser.add_argument("--people", type=int, default=60, help="drawn people who hardly speak")
    parser.add_argument("--write", action="store_true", help="write the file and the table of the page")
    args = parser.parse_args()
    torch.set_num_threads(1)
    store = FeatureStore(args.folder / "cache")
    test = see_films(injected_words(args.test, 3), "test", store, True, with_maps=False)
    quiet = see_films([*FIELD, f"dataset.subjects={args.people}"], "quiet", store, True, with_maps=False)
    talking = see_films([*FIELD, *TALKING], "talking", store, True, with_maps=False)
    real = []
    for folder in args.train:
        real += see_films(injected_words(folder, 3), "real", store, True, with_maps=False)
    sets = {
        "drawn people who hardly speak": quiet,
        "and drawn people who talk": [*quiet, *talking],
        "injected films of real people": real,
        "all of them": [*quiet, *talking, *real],
    }
    included = fitted_method(read_model(find_model_file("block_motion")))
    assert isinstance(included, BlockMotion)
    rows = [{"name": "`block_motion`, included before", "films": 74, **count_found(included, test)}]
    rows += [
        {"name": name, "films": len(films), **count_found(fit_block_motion(films), test)}
        for name, films in sets.items()
    ]
    untouched = [seen for seen in test if is_untouched(seen)]
    seconds = sum(seen.n_frames / seen.fps for seen in untouched)
    record = {"rows": rows, "test_films": len(untouched), "seconds": round(seconds)}
    print(table_of(record))
    if args.write:
        DATA.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        text = PAGE.read_text("utf-8")
        start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        PAGE.write_text(text[:start] + table_of(record) + text[end:], "utf-8")


if __name__ == "__main__":
    main()
