"""The network of SFAMNet: three streams with attention, two heads."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILTERS, FLAT = 3, 8 * 7 * 7
CLASSES = {
    4: ("negative", "positive", "surprise", "others"),
    7: ("disgust", "surprise", "others", "fear", "anger", "sad", "happy"),
}
"""The order in which the public program numbers its emotions."""


class Attention(nn.Module):
    """Weighs channels, then places, by their maximum and mean (CBAM), as in the public code, without normalisation.

    Shape: (N, 3, H, W), and so is the result.
    """

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(FILTERS, 1), nn.Linear(1, FILTERS)
        self.places = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh a batch of maps."""
        pooled = torch.stack([x.mean((2, 3)), x.amax((2, 3))])
        x = x * self.excite(self.squeeze(pooled).relu()).sum(0).sigmoid()[:, :, None, None]
        weights: Tensor = self.places(torch.stack([x.amax(1), x.mean(1)], dim=1)).sigmoid()
        return x * weights


class Stream(nn.Module):
    """Two convolutions, attention, and the input as a shortcut.

    Shape: (N, 1, 42, 42) to (N, 3, 14, 14).
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, FILTERS, 5, padding=2, bias=False)
        self.second = nn.Conv2d(FILTERS, FILTERS, 5, padding=2, bias=False)
        self.beside = nn.Conv2d(1, FILTERS, 1, bias=False)
        self.attention = Attention()

    def forward(self, x: Tensor) -> Tensor:
        """Maps of a batch of one component."""
        y = self.attention(self.second(self.first(x).relu()))
        return F.max_pool2d((y + self.beside(x)).relu(), 3)


class SceneFlowNetwork(nn.Module):
    """A separate stream for each component of the motion, then a head for each task.

    With four emotions 7,207 numbers, with seven 8,386; the public program counts 42 more, of normalisations that it never calls.

    Args:
        outputs: of the second head: the emotions, and "neutral" after them.

    Shape: (N, 3, 42, 42) to scores (N,), from 0 to 1, and raw answers (N, outputs).
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(Stream() for _ in range(3))
        self.spot, self.name = (nn.Conv2d(3 * FILTERS, 8, 5, padding=2) for _ in range(2))
        self.score, self.answer = nn.Linear(FLAT, 1), nn.Linear(FLAT, outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and answers of a batch of maps."""
        maps = torch.cat([stream(x[:, i : i + 1]) for i, stream in enumerate(self.streams)], dim=1)
        spot, name = (F.max_pool2d(head(maps), 3, 2, 1).flatten(1) for head in (self.spot, self.name))
        return self.score(spot).sigmoid()[:, 0], self.answer(name)


def of_authors(weights: Mapping[str, Tensor], classes: Sequence[str]) -> dict[str, Tensor]:
    """The weights of the authors' program by the names that this network has, its emotions in the order of `classes`.

    Weights for another number of emotions, or of another program, are returned unchanged, and then refused by shape or
    name.
    """
    of_stream = {
        "first.weight": "conv1.weight",
        "second.weight": "conv2.weight",
        "beside.weight": "downsample.0.weight",
        "attention.places.weight": "cbam.SpatialGate.spatial.conv.weight",
        **{f"attention.squeeze.{n}": f"cbam.ChannelGate.mlp.1.{n}" for n in ("weight", "bias")},
        **{f"attention.excite.{n}": f"cbam.ChannelGate.mlp.3.{n}" for n in ("weight", "bias")},
    }
    heads = {"spot": "conv1", "name": "conv2", "score": "fc_spot", "answer": "fc_recog"}
    names = {f"streams.{i}.{own}": f"c{i + 1}.0.{theirs}" for i in range(3) for own, theirs in of_stream.items()}
    names |= {f"{own}.{n}": f"{theirs}.{n}" for own, theirs in heads.items() for n in ("weight", "bias")}
    found = {own: weights[theirs] for own, theirs in names.items() if theirs in weights}
    short = [{"happiness": "happy", "sadness": "sad"}.get(name, name) for name in classes]
    order = CLASSES.get(len(short), ())
    if set(short) == set(order) and all(
        len(found.get(f"answer.{n}", ())) == len(order) + 1 for n in ("weight", "bias")
    ):
        rows = [*map(order.index, short), len(order)]
        found |= {f"answer.{n}": found[f"answer.{n}"][rows] for n in ("weight", "bias")}
    return found
