"""Three videos of two people, and a row that has no interval."""

from collections.abc import Sequence

from mebench.core import Dataset, Expression, Scheme, Video
from mebench.core.types import Unplaced

from .params import Params as _Params

SCHEMES = {
    "native": Scheme.native(["happiness", "disgust"]),
    "one": Scheme("one", ("good",), {"happiness": "good"}),
    "objective": Scheme("objective", ("I", "VII"), {"i": "I", "vii": "VII"}, by="objective"),
}


class Small(Dataset):
    """Labels in several spellings, action units of one side, a label that no scheme knows."""

    id = "small"
    Params = _Params
    params: _Params
    schemes = SCHEMES

    def videos(self) -> Sequence[Video]:
        """Two rates, both kinds, and a video without any expression."""
        first = (
            Expression(0, 9, emotion="happiness", action_units=("6", "L12"), objective="I"),
            Expression(20, 39, emotion="Disgust", action_units=("R12A",), objective="VII"),
            Expression(50, 149, kind="macro", emotion="happiness"),
        )
        return [
            Video("small", "a", "1", 100.0, 200, first),
            Video("small", "b", "1", 50.0, 200, (Expression(0, 24, emotion="puzzled"),)),
            Video("small", "b", "2", 50.0, 200),
        ]

    def unplaced(self) -> Sequence[Unplaced]:
        """The row without an interval."""
        return [Unplaced("c", "9", "micro", "disgust", 7, "no onset is given")]


Plugin = Small
