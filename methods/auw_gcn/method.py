"""AUW-GCN behind the contract."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset as TorchDataset

from mebench.core import LabelledVideo
from mebench.training.boundaries import BoundaryNetwork

from .network import UnitGraph, graph_of_units
from .params import Params as _Params


class AUWGCN(BoundaryNetwork):
    """A graph convolution over twelve regions before the convolutions along time."""

    Params = _Params
    network: UnitGraph

    def build(self) -> UnitGraph:
        """The network of the public code."""
        return UnitGraph()

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """The samples of the family; the graph follows from the action units of the training subjects."""
        units = [e.action_units for video in train for e in video.expressions]
        self.network.graph.copy_(torch.from_numpy(graph_of_units(units)))
        return super().samples(stage, train, valid)


Plugin = AUWGCN
