"""Two videos a subject, with one micro- and one macro-expression each; no frames."""

from collections.abc import Sequence

from mebench.core import Dataset, Expression, Scheme, Video

from .params import Params as _Params

LABELS = ("fear", "disgust", "others")
SCHEMES = {
    "native": Scheme.native(("fear", "disgust")),
    "coarse": Scheme("coarse", ("negative",), {"fear": "negative", "disgust": "negative"}),
    "empty": Scheme("empty", ("joy",), {"happiness": "joy"}),
}


class Toy(Dataset):
    """The expressions of subject `s` last 9 + s frames (micro) and 26 + s frames (macro)."""

    Params = _Params
    params: _Params
    revision = "1"
    kinds = ("micro", "macro")
    schemes = SCHEMES

    def videos(self) -> Sequence[Video]:
        """Videos of 100 frames at 30 frames per second."""
        return [self._video(s, v) for s in range(1, self.params.subjects + 1) for v in (1, 2)]

    def _video(self, s: int, v: int) -> Video:
        expressions = [Expression(20 * v, 20 * v + 8 + s, "micro", 20 * v + 4, LABELS[(s + v) % 3])]
        if self.params.macro:
            expressions.append(Expression(60, 85 + s, "macro", 70, LABELS[s % 2]))
        if str(s) == self.params.silent:
            expressions = []
        return Video("toy", str(s), f"v{v}", 30.0, 100, tuple(expressions))


Plugin = Toy
