"""Two people, with faces of 60 by 80 pixels, on a texture that drifts; their clips have ready-made features, too."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, Scheme, Video

from .params import Params as _Params

N, HEIGHT, WIDTH = 40, 121, 100
"""Frames and their size in pixels: an odd height, which H.264 does not know."""


class Film:
    """A texture that drifts to the right by a third of a pixel a frame.

    Args:
        colors: number of colours; 0 for gray frames.
        seed: seed of the texture.
    """

    def __init__(self, colors: int, seed: int = 0) -> None:
        noise = np.random.default_rng(seed).random((HEIGHT + 20, WIDTH + 20, colors or 1))
        smooth = cv2.GaussianBlur(noise, (0, 0), 1.0)
        wide: Any = cv2.normalize(smooth, None, 20, 230, cv2.NORM_MINMAX)  # type: ignore[call-overload]
        self.wide: NDArray[np.float64] = wide if wide.ndim == 3 or not colors else wide[..., None]

    def __len__(self) -> int:
        """Number of frames."""
        return N

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """A frame."""
        if not 0 <= index < N:
            raise IndexError
        matrix = np.array([[1, 0, -10 + index / 3], [0, 1, -10.0]])
        moved: NDArray[np.float64] = cv2.warpAffine(self.wide, matrix, (WIDTH, HEIGHT))
        return moved.round().astype(np.uint8)

    def fingerprint(self) -> str:
        """Its name."""
        return "film"


class Lab(Dataset):
    """One clip of each person."""

    Params = _Params
    params: _Params
    revision = "3"
    kinds = ("micro",)
    schemes = {"native": Scheme.native(["a"])}  # noqa: RUF012  (as in other datasets)

    def videos(self) -> Sequence[Video]:
        """A clip of Ann and one of Ben."""
        clip = (Expression(8, 14, apex=10, emotion="a"),)
        return [Video("lab", person, "v", 10.0, N, clip) for person in ("ann", "ben")]

    def frames(self, video: Video) -> Film:
        """The drifting texture."""
        return Film(self.params.colors)

    def landmarks(self, video: Video | None) -> NDArray[np.float64]:
        """Points at random in the face, and two of its corners."""
        points = np.random.default_rng(1).uniform((20, 40), (80, 100), (68, 2))
        points[:2] = (20, 40), (80, 100)
        return points

    def provided(self, video: Video | None, name: str) -> NDArray[Any] | None:
        """A map and a histogram."""
        draw = np.random.default_rng(7)
        made: dict[str, NDArray[Any]] = {
            "map": draw.integers(0, 256, (28, 28, 3), np.uint8),
            "histogram": draw.random((1, 1, 9), np.float32),
        }
        return made.get(name)


Plugin = Lab
