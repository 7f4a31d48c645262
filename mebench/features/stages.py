"""What each step of a chain makes of one clip or frame: arrays to look at, with their unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain
from mebench.errors import ConfigError
from mebench.features.base import Image, VolumeStep
from mebench.features.encoder_step import Encode
from mebench.features.flow import Flow
from mebench.features.pipeline import Clip, Route, VideoSource, route_of


@dataclass(frozen=True)
class Stage:
    """The array behind one step.

    Attributes:
        step: its name; `frames` for those of the video.
        array: numbers that it made, frames or maps first where there are several.
        unit: unit of the numbers, empty if the step does not say.
        over_time: whether the first axis is time.
    """

    step: str
    array: NDArray[Any]
    unit: str
    over_time: bool = False


def list_stages(source: VideoSource, chain: Chain, clip: Clip) -> list[Stage]:
    """The stages of a chain. A chain of scope `frames` is shown for the onset of the clip.

    A feature that the dataset has ready-made is the only stage.

    Args:
        source: video of the clip.
        chain: its steps.
        clip: onset, apex and offset.

    Raises:
        ConfigError: it runs a program that a user names, which needs a sandbox.
        DataError, ConfigError: as for `VideoSource.compute`.
    """
    ready_made = source.provided(chain)
    if ready_made is not None:
        feature = ready_made[clip[0]] if chain.scope == "frames" else ready_made
        return [Stage("ready-made in the dataset", np.asarray(feature), "")]
    route = route_of(chain)
    foreign = [step for step in chain.steps if step.is_foreign]
    if foreign:
        raise ConfigError(
            f"the chain {chain.name!r} runs a program of yours, which works only in the sandbox of a run: "
            "mebench features explain describes it"
        )
    crops = source.make_crops(chain).array
    shown = _frames_read(route, chain, clip, len(crops))
    frames = source.frames()
    pictures = np.stack([np.asarray(frames[frame]) for frame in shown])
    stages = [
        Stage("frames", pictures, "gray levels, 0 to 255", over_time=True),
        Stage(type(route.crop).__name__, np.asarray(crops[shown]), route.crop.output_unit, over_time=True),
    ]
    stages += _stages_after_crops(source, chain, route, clip, np.asarray(crops[shown]))
    return stages


def _frames_read(route: Route, chain: Chain, clip: Clip, n_frames: int) -> list[int]:
    """The frames of a clip, or of its onset, that a chain reads."""
    onset, apex, offset = clip
    if chain.scope == "frames":
        first = min(onset, max(n_frames - 1 - route.gap, 0))
        gaps = [one.k or 0 for one in route.core.gaps] if isinstance(route.core, Flow) else []
        return [first, *(min(first + gap, n_frames - 1) for gap in gaps)]
    if isinstance(route.core, Flow) and not route.sequence:
        return [onset, apex]
    if isinstance(route.core, VolumeStep | Encode) or route.sequence:
        return list(range(onset, offset + 1))
    return [apex]


def _stages_after_crops(source: VideoSource, chain: Chain, route: Route, clip: Clip, crops: Image) -> Iterator[Stage]:
    """The stages behind the crops of a clip or frame."""
    for step in route.sequence:
        crops = step.apply(crops, source.video.fps)
        yield Stage(type(step).__name__, crops, step.output_unit or route.crop.output_unit, over_time=True)
    core = route.core
    onset, apex, offset = clip
    if isinstance(core, Encode):
        of_frames = chain.scope == "frames"
        made = (
            next(iter(core.encode_video(crops)))
            if of_frames
            else core.encode_clip(crops, 0, apex - onset, offset - onset)
        )
    elif isinstance(core, Flow):
        ends = [apex - onset] if route.sequence else range(1, len(crops))
        made = np.concatenate([core.between(crops, 0, end) for end in ends], axis=-1)
    elif isinstance(core, VolumeStep):
        made = core.apply(crops)
    else:
        made = core.apply(crops[apex - onset if route.sequence else 0])
    unit = core.output_unit
    yield Stage(type(core).__name__, made, unit, over_time=made.ndim == 4)
    landmarks = source.crop_landmarks(chain, route)
    for map_step in route.maps:
        made = map_step.apply(made, landmarks)
        unit = map_step.output_unit or unit
        yield Stage(type(map_step).__name__, made, unit)
