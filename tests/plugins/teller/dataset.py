"""Four videos of each of twelve people, one expression each; what tells the emotion is a parameter."""

from collections.abc import Sequence

from mebench.core import Dataset, Expression, Scheme, Video

from .params import Params as _Params

LABELS = ("negative", "positive", "surprise")
SCHEMES = {"native": Scheme.native(LABELS)}
PEOPLE, VIDEOS = 12, 4


class Teller(Dataset):
    """Videos of some hundred frames, without any."""

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})
    revision = "1"
    kinds = ("micro",)
    schemes = SCHEMES

    def videos(self) -> Sequence[Video]:
        """The videos, in an order that may tell the emotion."""
        drawn = [self._video(person, number) for person in range(PEOPLE) for number in range(VIDEOS)]
        if self.params.by == "order":
            return sorted(drawn, key=lambda video: LABELS.index(str(video.expressions[0].emotion)))
        return drawn

    def _video(self, person: int, number: int) -> Video:
        by = self.params.by
        label = person % 3 if by == "people" else (person * 7 + number * number + number // 2) % 3
        expression = Expression(10, 19, "micro", 15, LABELS[label])
        name = f"v{number}_{label}" if by == "name" else f"v{number}"
        fps = 30.0 + label if by == "rate" else 30.0
        n_frames = 99 + label if by == "length" else 99
        return Video("teller", f"{person:02d}", name, fps, n_frames, (expression,))


Plugin = Teller
