"""Movements without meaning: of the head and the light."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .params import Params
from .speech import talk
from .streams import Purpose, stream

Course = NDArray[np.float64]

REFERENCE_WIDTH = 115.2
"""Width of the face, in pixels, that the parameter `head` is given for."""


@dataclass(frozen=True)
class Head:
    """The head's pose in every frame, each (n,): pixels, radians, and a factor for the distance."""

    x: Course
    y: Course
    roll: Course
    yaw: Course
    pitch: Course
    scale: Course

    def matrix(self, frame: int, size: int) -> NDArray[np.float64]:
        """The similarity, (2, 3), that takes the neutral pose to the frame; yaw and pitch come before it."""
        cos, sin = self.scale[frame] * np.cos(self.roll[frame]), self.scale[frame] * np.sin(self.roll[frame])
        middle = (size - 1) / 2
        x, y = middle + self.x[frame], middle + self.y[frame]
        return np.array([[cos, -sin, x - (cos - sin) * middle], [sin, cos, y - (sin + cos) * middle]])


TURNED = 0.006
"""Share of the face's width, 0.7 px of 115: movement within a tenth of a second from which head motion is recorded. At
the default strength that is 4 % of the frames, 13 times a minute; a micro-expression moves the skin by 1 to 2 px.
"""


def head_motion(params: Params, subject: int, video: int) -> NDArray[np.bool_]:
    """Whether the head of one video really moves in each frame, (n,): by `TURNED` of the face's width in a tenth of a
    second.

    At most: translation, and the way of points half a face's width from its middle by rotation and distance, and of points as deep
    as a fifth of the width by turning and nodding.
    """
    head, width = move_head(params, subject, video), params.face * params.size
    steps = max(1, round(0.1 * params.fps))
    far = 0.5 * width * np.hypot(*(_way(course, steps) for course in (head.roll, head.scale)))
    deep = 0.2 * width * np.hypot(*(_way(course, steps) for course in (head.yaw, head.pitch)))
    moved = np.hypot(_way(head.x, steps), _way(head.y, steps)) + far + deep >= TURNED * width
    noted = np.zeros(params.frames, np.bool_)
    for start in np.flatnonzero(moved).tolist():
        noted[start : start + steps + 1] = True
    return noted


def _way(course: Course, steps: int) -> Course:
    return np.asarray(course[steps:] - course[:-steps])


@dataclass(frozen=True)
class Light:
    """Brightness, (n,), and its relative slope from left to right, (n,)."""

    gain: Course
    tilt: Course


@lru_cache(maxsize=64)
def move_head(params: Params, subject: int, video: int) -> Head:
    """Slow drift and a weak fast tremor of the head of one video, and nods while the person speaks."""
    random = stream(Purpose.HEAD, params.seed, subject, video)
    pixels = params.face * params.size / REFERENCE_WIDTH

    def drift(seconds: float, rms: float) -> Course:
        return wander(random, params.frames, params.fps, seconds, rms)

    start = random.uniform(-4, 4, 2) * pixels
    rms = params.head * pixels
    nods = np.deg2rad(params.yaw) * talk(params, subject, video).nods
    return Head(
        x=start[0] + drift(1.2, rms) + drift(0.15, 0.08 * rms),
        y=start[1] + drift(1.2, 0.8 * rms) + drift(0.15, 0.08 * rms),
        roll=np.deg2rad(drift(1.5, params.rotation)),
        yaw=np.deg2rad(drift(1.5, params.yaw)) + nods[:, 1],
        pitch=np.deg2rad(drift(1.2, params.yaw)) + nods[:, 0],
        scale=1 + drift(2.0, 0.003 * params.head),
    )


@lru_cache(maxsize=64)
def change_light(params: Params, subject: int, video: int) -> Light:
    """Slow drift of brightness and direction, and the flicker of lamps on 50 Hz mains as the camera samples it."""
    random = stream(Purpose.LIGHT, params.seed, subject, video)
    seconds = np.arange(params.frames) / params.fps
    lamps = 0.5 * params.flicker * np.sin(2 * np.pi * 100 * seconds + random.uniform(0, 2 * np.pi))
    gain = 1 + wander(random, params.frames, params.fps, 2.0, 2 * params.flicker) + lamps
    return Light(gain, wander(random, params.frames, params.fps, 3.0, 2 * params.flicker))


def wander(random: np.random.RandomState, n: int, fps: float, seconds: float, rms: float) -> Course:
    """An Ornstein-Uhlenbeck walk, (n,), with the given time constant, smoothed over 0.12 s, scaled to `rms`."""
    keep = float(np.exp(-1 / (fps * seconds)))
    step = float(np.sqrt(1 - keep * keep))
    at, walk = 0.0, np.empty(n)
    for frame, push in enumerate(random.standard_normal(n).tolist()):
        walk[frame] = at = step * push + keep * at
    reach = max(1, int(0.12 * fps))
    smooth = np.convolve(np.pad(walk, reach, mode="edge"), np.ones(reach) / reach, "same")[reach:-reach]
    course: Course = rms * smooth / (smooth.std() + 1e-9)
    return course
