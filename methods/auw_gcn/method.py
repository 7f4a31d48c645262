"""AUW-GCN behind the contract."""

from collections.abc import Sequence

import torch

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

    def learn_from(self, videos: Sequence[LabelledVideo]) -> None:
        """The graph, from the action units of the training subjects."""
        units = [e.action_units for video in videos for e in video.expressions]
        self.network.graph.copy_(torch.from_numpy(graph_of_units(units)))


Plugin = AUWGCN
