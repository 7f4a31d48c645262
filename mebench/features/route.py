"""The shapes that a chain may have: what stands between the face crops and the feature maps, and on which frames it looks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

from mebench.core.chain import Chain, Level
from mebench.errors import ConfigError
from mebench.features.base import ImageStep, MapStep, SequenceStep, VolumeStep
from mebench.features.faces import FaceCrop
from mebench.features.flow import Flow

Clip = tuple[int, int, int]
"""Onset, apex and offset in frames, all inside the video."""

_CLASSES: dict[Level, type[Any]] = {
    "video": FaceCrop,
    "sequence": SequenceStep,
    "image": ImageStep,
    "pair": Flow,
    "volume": VolumeStep,
    "map": MapStep,
}


@dataclass(frozen=True)
class Route:
    """The steps of a chain, sorted and checked.

    Attributes:
        crop: from frames to face crops.
        sequence: from the crops of a clip to other crops; empty in a chain for frames.
        core: from crops to the first map: flow of a pair, one image, or the volume of a clip.
        maps: from map to map.
    """

    crop: FaceCrop
    sequence: tuple[SequenceStep, ...]
    core: Flow | ImageStep | VolumeStep
    maps: tuple[MapStep, ...]

    @property
    def gap(self) -> int:
        """Frames at the end of a video that have no feature of their own: k of a flow, else 0."""
        return (self.core.k or 0) if isinstance(self.core, Flow) else 0

    @property
    def maps_need_landmarks(self) -> bool:
        """Whether a map step reads landmarks."""
        return any(step.needs_landmarks for step in self.maps)

    def frames_of(self, clip: Clip) -> tuple[int, ...]:
        """The frames of a clip that its feature depends on: clips that differ in other frames share what is stored."""
        onset, apex, offset = clip
        if isinstance(self.core, VolumeStep):
            return onset, offset
        if self.sequence:  # a magnified apex depends on all frames of its clip
            return clip
        return (onset, apex) if isinstance(self.core, Flow) else (apex,)


def route_of(chain: Chain) -> Route:
    """The steps of a chain, sorted.

    Raises:
        ConfigError: they do not fit together, or not to the chain's scope.
    """
    for step in chain.steps:
        expected = _CLASSES.get(step.level)
        if expected is None or not isinstance(step, expected):
            raise ConfigError(
                f"the chain {chain.name!r} holds {type(step).__name__} of level {step.level!r}, which must be one of "
                f"{', '.join(get_args(Level))} and fit its class"
            )
    cores = [*chain.at("pair"), *chain.at("image"), *chain.at("volume")]
    order: tuple[Level, ...] = ("video", "sequence", "pair", "image", "volume", "map")
    ranks = [order.index(step.level) for step in chain.steps]
    if len(chain.at("video")) != 1 or len(cores) != 1 or any(a > b for a, b in pairwise(ranks)):
        raise ConfigError(
            f"the chain {chain.name!r} must be FaceCrop, then sequence steps if any, then one of Flow, an image step or a "
            f"volume step, and then map steps, not {', '.join(type(step).__name__ for step in chain.steps) or 'empty'}"
        )
    route = Route(chain.at("video")[0], chain.at("sequence"), cores[0], chain.at("map"))  # type: ignore[arg-type]
    _check_scope(chain, route)
    return route


def _check_scope(chain: Chain, route: Route) -> None:
    name, core = chain.name, route.core
    if chain.scope == "frames":
        if route.sequence or isinstance(core, VolumeStep):
            step = route.sequence[0] if route.sequence else core
            raise ConfigError(
                f"the chain {name!r} of scope 'frames' cannot hold {type(step).__name__}, which works on a whole clip: "
                "give it the scope 'clips'"
            )
        if isinstance(core, Flow) and core.k is None:
            raise ConfigError(f"the chain {name!r} of scope 'frames' must say the gap of its flow: Flow(k=...)")
        return
    if isinstance(core, Flow) and (core.k is not None or core.stride != 1):
        raise ConfigError(
            f"the chain {name!r} of scope 'clips' takes the flow from onset to apex: leave k and stride out"
        )
    resampling = [step for step in route.sequence if not step.keeps_length]
    if resampling and not isinstance(core, VolumeStep):
        raise ConfigError(
            f"the chain {name!r} must not hold {type(resampling[0]).__name__} before {type(core).__name__}: it changes the "
            "number of frames, so that none is the apex any more; only a volume step can follow it"
        )
