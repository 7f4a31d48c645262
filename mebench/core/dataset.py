"""The contract of a dataset plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from mebench.core.types import Kind, Published, Repair, Scheme, SubjectKey, Unplaced, Video
from mebench.errors import DataError

if TYPE_CHECKING:  # `mebench list` needs no NumPy
    import numpy as np
    from numpy.typing import NDArray


class Frames(Protocol):
    """The frames of one video, decoded when asked for."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Frame `index` as (H, W) gray or (H, W, 3) in B, G, R order."""
        ...

    def fingerprint(self) -> str:
        """Changes when the frames do; cheap: no need to decode every frame."""
        ...


class Dataset:
    """One dataset: annotations always, frames where they are there.

    A subclass sets the class attributes, takes its `Params` (a dataclass with checked ranges) and answers the questions
    below. It is built anew in every worker process from its id and parameters, so `__init__` must be cheap.

    Attributes:
        Params: dataclass of the parameters, in `params.py`.
        revision: changes when the numbers of the dataset do; part of every cache key and of the key of a run.
        tasks: what it can serve: `spot`, `recognize`.
        kinds: the kinds it annotates.
        schemes: emotion schemes by name; the first is the default.
        one_per_video: True for short videos of exactly one expression each; may be a property of the parameters.
        comparable: False where scores say nothing about published ones, with the reason in `remark`.
        remark: one sentence shown beside every result, or empty.
        published: what the authors say that the dataset holds, to compare with; None where there is nothing to compare.
    """

    Params: ClassVar[type]
    revision: str
    tasks: frozenset[str] = frozenset({"spot", "recognize"})
    kinds: tuple[Kind, ...] = ("micro",)
    schemes: Mapping[str, Scheme]
    one_per_video: bool = False
    comparable: bool = True
    remark: str = ""
    published: Published | None = None

    def __init__(self, params: Any) -> None:
        self.params = params

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key, from the annotations alone.

        Raises:
            DataError: the root or the annotations are missing or wrong; the sentence says what to do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define videos()")

    def person(self, key: SubjectKey) -> SubjectKey:
        """Who a subject is beyond this dataset: equal keys of two datasets are one person, who stays on one side of a fold.

        By default nobody appears in two datasets.
        """
        return key

    def frames(self, video: Video) -> Frames:
        """The frames of a video.

        Raises:
            DataError: this dataset has no frames, or they are missing.
        """
        raise DataError(
            f"the dataset of {video.key} has no frames, only ready-made features: choose a recognition method that takes them"
        )

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """68 points (x, y) in pixels of the first frame, shape (68, 2), or None."""
        return None

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made feature for the chain called `name` (one map per clip), or None."""
        return None

    def repair_rows(self) -> Sequence[Repair]:
        """What was mended in the annotations, cell by cell."""
        return ()

    def repairs(self) -> Sequence[str]:
        """What was mended in the annotations, one sentence each."""
        return tuple(map(str, self.repair_rows()))

    def as_annotated(self) -> Sequence[Video]:
        """The videos as the annotations alone give them, whether or not the frames are there.

        What is counted and hashed: two laboratories get the same, also where one of them holds no frames. File numbers
        become positions by the numbering that the dataset documents, and videos that no annotation names are missing.
        """
        return self.videos()

    def unplaced(self) -> Sequence[Unplaced]:
        """Annotated expressions without a usable interval, which `videos` cannot hold."""
        return ()

    @classmethod
    def write_fake_tree(cls, folder: Path) -> None:
        """Draw a small tree with this dataset's layout, sheets and quirks, on drawn faces, into an empty folder.

        Raises:
            DataError: this dataset has none.
        """
        raise DataError(f"{cls.__name__} has no drawn stand-in: choose another dataset")
