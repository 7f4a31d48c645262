"""How good a method is on the tested subjects while it trains: for runs that leak on purpose, and no others."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mebench.core.method import Method
from mebench.core.types import Video
from mebench.spotting import hits

if TYPE_CHECKING:
    from mebench.runner.fold import Hand


def judge(hand: Hand, videos: Sequence[Video]) -> float:
    """The score of an epoch: accuracy in the last stage of a method that recognizes, else F1 of spotting.

    The method is left as it was found, and so are the generators of random numbers.

    Args:
        hand: the method in training.
        videos: what it is tested on.
    """
    method = hand.method
    tasks, stages = hand.plan.task.tasks, method.stages()
    names = "recognize" in tasks and ("spot" not in tasks or (len(stages) > 1 and method.stage == stages[-1].name))
    with _as_found(method):
        return _accuracy(hand, videos) if names else _f1(hand, videos)


def _accuracy(hand: Hand, videos: Sequence[Video]) -> float:
    scheme = hand.plan.scheme
    clips = hand.asked(videos)
    if not clips:
        return 0.0
    labels = [scheme.of(e) for video in videos for e in scheme.scored(video)]
    return float(np.mean(hand.class_scores(clips).argmax(axis=1) == labels))


def _f1(hand: Hand, videos: Sequence[Video]) -> float:
    """2 TP / (spotted + truths) at IoU 0.5, a truth being found if anything hits it; 0 where nothing is there."""
    found = spotted = truths = 0
    for video in videos:
        view = hand.views.unlabelled(video)
        intervals = hand.propose(view, hand.frame_scores(view))
        true = [e for e in video.expressions if e.kind in hand.plan.task.kinds]
        spotted, truths = spotted + len(intervals), truths + len(true)
        for e in true:
            own = [(p.onset, p.offset) for p in intervals if p.kind == e.kind]
            found += any(hits(interval, (e.onset, e.offset)) for interval in own)
    return 2 * found / max(spotted + truths, 1)


@contextlib.contextmanager
def _as_found(method: Method) -> Iterator[None]:
    """Meanwhile the method is in evaluation mode, without gradients; afterwards everything is as before."""
    import torch

    modes = {module: module.training for module in method.modules()}
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            method.eval()
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        random.setstate(states[0])
        np.random.set_state(states[1])
