"""Two videos a subject, each with one micro-expression at a place of its own; no frames."""

from collections.abc import Sequence
from pathlib import Path

from mebench.core import Dataset, Expression, Scheme, Video

from .params import Params as _Params

LABELS = ("fear", "disgust")
SCHEMES = {"native": Scheme.native(LABELS)}


class ToyPlaces(Dataset):
    """Video `v` of subject `s` has 100 + 10 s + v frames, by which methods know which one it is."""

    Params = _Params
    params: _Params
    revision = "1"
    kinds = ("micro",)
    schemes = SCHEMES

    def videos(self) -> Sequence[Video]:
        """Videos at 30 frames per second."""
        later = int(Path(self.params.later).read_text()) if self.params.later else 0
        return [self._video(s, v, later) for s in range(1, self.params.subjects + 1) for v in (1, 2)]

    def _video(self, s: int, v: int, later: int) -> Video:
        onset = later + 10 + (37 * s + 23 * v) % 60
        e = Expression(onset, onset + 9, "micro", onset + 5, LABELS[(s * v) % 2])
        return Video("toy_places", f"{s:02d}", f"v{v}", 30.0, 100 + 10 * s + v, (e,))


Plugin = ToyPlaces
