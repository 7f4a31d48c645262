"""A recognizer whose step looks for labels while features are computed, and writes how many it found into the feature."""

import gc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, Dataset, Expression, Method, Timing, Video
from mebench.features import FaceCrop, Flow, MapStep
from mebench.features.base import Landmarks

from .params import Params as _Params


@dataclass(frozen=True)
class Tell(MapStep):
    """Gives the number of labels that this process knows, plus one if an attribute came along from whoever plans."""

    def apply(self, x: NDArray[np.float32], landmarks: Landmarks | None) -> NDArray[np.float32]:
        """A map of one pixel."""
        labels = [e.emotion for e in expressions_in_memory() if e.emotion]
        return np.full((1, 1, 1), len(labels) + hasattr(self, "labels"), np.float32)


def expressions_in_memory() -> Iterator[Expression]:
    """Expressions of all videos and datasets that the garbage collector knows."""
    for thing in gc.get_objects():
        if type(thing) is Video:
            yield from thing.expressions
    for thing in gc.get_objects():
        if issubclass(type(thing), Dataset):
            with suppress(Exception):  # a dataset may refuse its videos
                for video in thing.videos():
                    yield from video.expressions


class TellingMethod(Method):
    """Learns nothing: its feature is looked at."""

    Params = _Params
    tasks = frozenset({"recognize"})

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """A feature with the step that tells; the step bears an attribute of the process that plans."""
        step = Tell()
        object.__setattr__(step, "labels", "of whoever plans")
        return {"told": Chain("told", (FaceCrop(), Flow("farneback"), step), scope="clips")}


Plugin = TellingMethod
