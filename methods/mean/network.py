"""The network of MEAN (section 3.3): three streams, two heads."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.training.layers import as_one, conv_relu_norm_pool, dropout as dropout_of, paired_conv2d
from mebench.training.released import keras_layers, of_keras

STREAMS = (3, 3, 8)
"""Filters of the streams for horizontal flow, vertical flow and strain."""

SHARED_SIZE = (sum(STREAMS), 14, 14)
FLAT = 8 * 7 * 7


class Shared(nn.Module):
    """The shared layers: a convolution for each channel, normalised, pooled, and concatenated.

    The three convolutions run as one with zero weights between different channels: the same sums in one call.

    420 numbers: 78 + 78 + 208 of the convolutions, 56 of the normalisation, running statistics counted.

    Shape: (N, 3, 42, 42) to (N, 14, 14, 14).
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.horizontal, self.vertical, self.strain = (nn.Conv2d(1, filters, 5, padding=2) for filters in STREAMS)
        # Keras' defaults, with which the authors trained: epsilon .001, momentum .99 (.01 in PyTorch's counting).
        self.norm = nn.BatchNorm2d(sum(STREAMS), eps=1e-3, momentum=0.01)
        self.dropout = dropout_of(dropout)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps of a batch."""
        weight, bias = as_one(self._streams())  # (14, 3, 5, 5) and (14,)
        if not self.training:
            return self._quickly(x, weight, bias)
        weight = weight.contiguous(memory_format=torch.channels_last)
        pooled: Tensor = self.dropout(conv_relu_norm_pool(x, weight, bias, self.norm, 3, conv_padding=2))
        return pooled

    def _quickly(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The same numbers for prediction: pooled first, so that a ninth of them is rectified and normalised.

        A non-decreasing function commutes with the maximum, a non-increasing one with the minimum: filters whose
        normalisation inverts the sign are inverted before and after.
        """
        sign = torch.where(self.norm.weight < 0, -1.0, 1.0)
        turned = (weight * sign.view(-1, 1, 1, 1)).contiguous(memory_format=torch.channels_last)
        pooled = F.max_pool2d(F.conv2d(x, turned, bias * sign, padding=2), 3)
        maps: Tensor = self.norm(torch.relu(pooled * sign.view(1, -1, 1, 1)))
        return maps

    def by_stream(self, x: Tensor) -> Tensor:
        """The same maps, one convolution for each channel: as the paper draws them, and without sums over zeros."""
        maps = [torch.relu(stream(x[:, i : i + 1])) for i, stream in enumerate(self._streams())]
        pooled: Tensor = self.dropout(F.max_pool2d(self.norm(torch.cat(maps, dim=1)), 3))
        return pooled

    def penalty(self) -> Tensor:
        """Sum of the squared kernels."""
        return torch.stack([s.weight.square().sum() for s in self._streams()]).sum()

    def _streams(self) -> tuple[nn.Conv2d, ...]:
        return self.horizontal, self.vertical, self.strain


class Head(nn.Module):
    """One task's layers: conv2(8) - pool2(2, 2) - flat - linear.

    Shape: (N, 14, 14, 14) to (N, outputs).
    """

    def __init__(self, outputs: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(SHARED_SIZE[0], 8, 5, padding=2)
        self.dropout = dropout_of(dropout)
        self.linear = nn.Linear(FLAT, outputs)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Raw outputs of a batch of shared feature maps."""
        weight, bias = self.conv.weight, self.conv.bias
        assert bias is not None
        on_stored_maps = self.training and not x.requires_grad
        x = paired_conv2d(x, weight, bias, padding=2) if on_stored_maps else self.conv(x)
        x = torch.relu(F.max_pool2d(x, 2))  # the maximum first: a quarter is left to rectify
        outputs: Tensor = self.linear(self.dropout(x.flatten(1)))
        return outputs

    def penalty(self) -> Tensor:
        """Sum of the squared kernel of the convolution."""
        return self.conv.weight.square().sum()


class Answering(nn.Module):
    """Shared layers and one head, as the paper draws them: (N, 3, 42, 42) to the head's raw outputs."""

    def __init__(self, shared: Shared, head: Head) -> None:
        super().__init__()
        self.shared, self.head = shared, head

    def forward(self, x: Tensor) -> Tensor:
        """Raw outputs of a batch."""
        outputs: Tensor = self.head(self.shared.by_stream(x))
        return outputs


class Joint(nn.Module):
    """The network as drawn in the paper, only for prediction: scores and probabilities from the same maps (equation 4).

    Shape: (N, 3, 42, 42) to (N,) if it spots, and (N, classes) if it recognises.

    Args:
        shared: the shared layers; those of spotting if there are two.
        spotting: its head, or None.
        recognition: its head, or None.
        own: shared layers of recognition if it was learnt without transfer.
        sigmoid: the spotting head gives logits.
    """

    def __init__(
        self, shared: Shared, spotting: Head | None, recognition: Head | None, own: Shared | None, sigmoid: bool
    ) -> None:
        super().__init__()
        self.shared, self.spotting, self.recognition, self.own = shared, spotting, recognition, own
        self.sigmoid = sigmoid

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Spotting score and class probabilities, of those that there are."""
        maps, answers = self.shared.by_stream(x), []
        if self.spotting is not None:
            scores = self.spotting(maps)[:, 0]
            answers.append(scores.sigmoid() if self.sigmoid else scores)
        if self.recognition is not None:
            own = maps if self.own is None else self.own.by_stream(x)
            answers.append(self.recognition(own).softmax(1))
        return tuple(answers)


CLASSES = {
    5: ("disgust", "happiness", "others", "surprise", "repression"),
    4: ("negative", "positive", "surprise", "others"),
    3: ("negative", "positive", "surprise"),
}
"""The outputs of the authors' networks by their number (`training_utils.py` of the released code)."""


def of_authors(weights: Mapping[str, Any], tasks: frozenset[str], classes: Sequence[str]) -> dict[str, Tensor]:
    """The weights of the authors' program, by the names that this method's have; what its file lacks is left out.

    Args:
        weights: of a Keras file.
        tasks: the requested tasks.
        classes: in the order of the outputs that are wanted.
    """
    convolutions, norms = keras_layers(weights, "conv2d"), keras_layers(weights, "batch_normalization")
    streams = [layer for layer in convolutions if layer["kernel"].shape[2] == 1]
    heads = [layer for layer in convolutions if layer["kernel"].shape[2] == SHARED_SIZE[0]]
    found: dict[str, Tensor] = {}
    for name, layer in zip(("horizontal", "vertical", "strain"), streams):
        found[f"shared.{name}.weight"], found[f"shared.{name}.bias"] = of_keras(layer["kernel"], layer["bias"])
    ours = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    if norms:
        found |= {
            f"shared.norm.{own}": torch.cat([torch.from_numpy(n[theirs]) for n in norms])
            for own, theirs in ours.items()
        }
    parts = {part: keras_layers(weights, word) for part, word in (("spotting", "spot"), ("recognition", "recog"))}
    there = [part for part, dense in parts.items() if dense]  # the head of spotting is created first
    for part, head in zip(there, heads):
        if (part == "spotting") not in {task == "spot" for task in tasks}:
            continue
        found[f"{part}.conv.weight"], found[f"{part}.conv.bias"] = of_keras(head["kernel"], head["bias"])
        weight, bias = of_keras(parts[part][0]["kernel"], parts[part][0]["bias"], (8, 7, 7))
        if part == "recognition":
            theirs = CLASSES.get(len(bias), ())
            order = [theirs.index(name) for name in classes if name in theirs]
            weight, bias = weight[order], bias[order]
        found[f"{part}.linear.weight"], found[f"{part}.linear.bias"] = weight, bias
    return found


def _initialise(module: nn.Module) -> None:
    """Glorot uniform weights and zero biases, as the authors' framework draws them."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
