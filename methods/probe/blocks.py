"""The last blocks of an encoder, trained further with the linear head on them."""

from typing import Any

import torch
from torch import Tensor, nn

from mebench.features.encoder_loading import open_network, pool_output
from mebench.features.encoder_step import Encode
from mebench.features.network_cut import first_tuned_block, run_front, run_tail, tuned_parameters


class TunedBlocks(nn.Module):
    """From what reaches the last blocks to vectors. Only these blocks are its parameters; the front is read from its file.

    The network stays in evaluation: dropout is off, and statistics of normalisations are those of its own training.

    Args:
        step: step of the encoder, whose `tuned_blocks` says how many blocks are trained.
    """

    network: Any
    block: Any

    def __init__(self, step: Encode) -> None:
        super().__init__()
        self.step = step
        network = open_network(step.encoder, step.weights)
        block = first_tuned_block(network, step.tuned_blocks, step.encoder)
        tuned = tuned_parameters(network, block)
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        for parameter in tuned.values():
            parameter.requires_grad_(True)
        # Not a submodule: what is not trained is no part of the state.
        object.__setattr__(self, "network", network)
        object.__setattr__(self, "block", block)
        self.tuned = nn.ParameterDict({name.replace(".", "__"): parameter for name, parameter in tuned.items()})
        self.example = torch.from_numpy(step.input.arrange(step.drawn(1)))
        with torch.no_grad():
            self.shape = tuple(run_front(network, block, self.example).shape[1:])

    def forward(self, reached: Tensor) -> Tensor:
        """A vector for each clip, (n, numbers).

        Args:
            reached: what reaches the blocks, (n, pictures, numbers of a picture).
        """
        n, pictures, _ = reached.shape
        activation = reached.reshape(n * pictures, *self.shape)
        output = run_tail(self.network, self.block, activation, self.example.to(activation.device))
        pooled: Tensor = pool_output(output, n * pictures, self.step.encoder, self.step.pool)
        vectors = pooled.reshape(n, pictures, -1)
        if self.step.reads == "difference":
            return vectors[:, 1] - vectors[:, 0]
        return vectors.mean(dim=1)

    def _apply(self, fn: Any, recurse: bool = True) -> "TunedBlocks":
        """Move the whole network with the blocks."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.network._apply(fn)
        return self
