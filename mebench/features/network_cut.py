"""A network in two parts: a front that stays as it is, and last blocks that are trained further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mebench.errors import ConfigError, PluginError
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
else:
    torch = load_lazily("torch")
    nn = load_lazily("torch.nn")

SAME = 1e-3
"""Difference of two outputs, relative to the largest number, up to which they are the same."""


class _ReachedError(Exception):
    """The first trained block has got its input."""

    def __init__(self, activation: Tensor) -> None:
        super().__init__()
        self.activation = activation


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """The blocks of a network in order: parts of its lists and sequences that hold layers, else its layers with weights.

    >>> layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
    >>> [tuple(block.weight.shape) for block in blocks_of(layers)]
    [(3, 2), (4, 3)]
    """
    children = list(network.children())
    if len(children) == 1 and not isinstance(network, nn.Sequential | nn.ModuleList):
        return blocks_of(children[0])
    parts: list[nn.Module] = []
    for child in children:
        parts += list(child.children()) if isinstance(child, nn.Sequential | nn.ModuleList) else [child]
    weighted = [part for part in parts if next(part.parameters(), None) is not None]
    composite = [part for part in weighted if next(part.children(), None) is not None]
    return composite or weighted


def first_tuned_block(network: Any, n_blocks: int, name: str) -> nn.Module:
    """The first of the last blocks of an encoder.

    Args:
        network: the encoder.
        n_blocks: number of last blocks.
        name: its name, for messages.

    Raises:
        ConfigError: it has fewer blocks, or is no network of PyTorch with blocks.
    """
    is_module = isinstance(network, nn.Module) and not isinstance(network, torch.jit.ScriptModule)
    if not is_module:
        raise ConfigError(
            f"method.tune_blocks={n_blocks}: the encoder {name} is a whole without blocks to train: take timm:NAME, "
            "MODULE:FUNCTION or fer_mini_xception, or leave method.tune_blocks out"
        )
    blocks = blocks_of(network)
    if n_blocks > len(blocks):
        raise ConfigError(
            f"method.tune_blocks={n_blocks}: the encoder {name} has {len(blocks)} blocks: give at most so many"
        )
    return blocks[-n_blocks]


def tuned_parameters(network: nn.Module, block: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters from a block on, by name."""
    named = dict(network.named_parameters())
    first = next(iter(block.parameters()))
    begin = next(number for number, parameter in enumerate(named.values()) if parameter is first)
    return dict(list(named.items())[begin:])


def run_front(network: nn.Module, block: nn.Module, x: Tensor) -> Tensor:
    """What reaches a block when a network reads a batch.

    Raises:
        PluginError: nothing does.
    """

    def stop(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        raise _ReachedError(inputs[0])

    handle = block.register_forward_pre_hook(stop)
    try:
        network(x)
    except _ReachedError as reached:
        return reached.activation
    finally:
        handle.remove()
    raise PluginError(f"the encoder does not use its block {type(block).__name__}: choose another method.tune_blocks")


def run_tail(network: nn.Module, block: nn.Module, activation: Tensor, example: Tensor) -> Any:
    """The output of a network for what reached a block.

    Args:
        network: the network.
        block: the block.
        activation: inputs of the block, (n, ...).
        example: a single input of the network, (1, ...), with which its front is passed.
    """

    def replace(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (activation, *inputs[1:])

    handle = block.register_forward_pre_hook(replace)
    try:
        return network(example)
    finally:
        handle.remove()


def are_same(first: Tensor, second: Tensor) -> bool:
    """Whether two outputs agree but for rounding."""
    if first.shape != second.shape:
        return False
    return bool((first - second).abs().max() <= SAME * first.abs().max().clamp(min=1e-6))
