"""Parameters of `folder`."""

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError

Face = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class Params:
    """The place of the videos.

    Attributes:
        root: folder with video files or folders of images, at any depth; or one folder of images, or one video file.
        fps: frames per second of all of them. Video files contain it; images do not, and it is not guessed.
        follow_links: follow links that lead out of the root, for example to another disk.
        videos: video files and folders of images at any place, instead of a root.
        damaged: `accept` takes what can be decoded of a video file that was cut off or is damaged; `refuse` leaves it out, by name.
        faces: parts of the pictures with one face each, as (name of the video, x0, y0, x1, y1) in pixels, the last two
            exclusive: each becomes a video of its own, `NAME_face1` and so on.
    """

    root: str | None = None
    fps: float | None = None
    follow_links: bool = False
    videos: tuple[str, ...] = ()
    damaged: Literal["refuse", "accept"] = "refuse"
    faces: tuple[Face, ...] = ()

    def __post_init__(self) -> None:
        """Check the range."""
        if self.fps is not None and not 0 < self.fps < 100_000:
            raise ConfigError(f"dataset.fps must be a number of frames per second above 0, not {self.fps}")
        for name, x0, y0, x1, y1 in self.faces:
            if not (0 <= x0 < x1 and 0 <= y0 < y1):
                raise ConfigError(
                    f"dataset.faces of {name!r} must be x0, y0, x1, y1 with 0 <= x0 < x1 and 0 <= y0 < y1, not {[x0, y0, x1, y1]}"
                )
