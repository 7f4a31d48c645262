"""Two videos a subject, each one expression, for recognition alone; no frames."""

from collections.abc import Sequence

from mebench.core import Dataset, Expression, Scheme, Video

from .params import Params as _Params

LABELS = ("fear", "disgust")
SCHEMES = {"native": Scheme.native(LABELS)}


class ToyClips(Dataset):
    """Clips of ten frames."""

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})
    revision = "1"
    kinds = ("micro",)
    schemes = SCHEMES

    def videos(self) -> Sequence[Video]:
        """Videos at 30 frames per second."""
        return [self._video(s, v) for s in range(1, self.params.subjects + 1) for v in (1, 2)]

    def _video(self, s: int, v: int) -> Video:
        e = Expression(10, 19, "micro", 15, LABELS[(s * v) % 2])
        return Video("toy_clips", f"{s:02d}", f"v{v}", 30.0, 100 + 10 * s + v, (e,))


Plugin = ToyClips
