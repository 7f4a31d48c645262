"""Parameters of `folder`."""

from dataclasses import dataclass

from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    """Where the videos are.

    Attributes:
        root: folder with video files or folders of images, at any depth; or one folder of images, or one video file.
        fps: frames per second of all of them. Video files say theirs; images cannot, and nothing is guessed.
        follow_links: follow links that lead out of the root, for example to another disk.
    """

    root: str | None = None
    fps: float | None = None
    follow_links: bool = False

    def __post_init__(self) -> None:
        """Check the range."""
        if self.fps is not None and not 0 < self.fps < 100_000:
            raise ConfigError(f"dataset.fps must be a number of frames per second above 0, not {self.fps}")
