"""A network in ONNX read back as a model, by the recipe beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.errors import ConfigError, RunError, refused_by_system
from mebench.files import read_plain
from mebench.lazy_imports import load_lazily
from mebench.limits import NETWORK_BYTES, RECIPE_BYTES

if TYPE_CHECKING:
    import torch

    from mebench.core import Method
else:
    torch = load_lazily("torch")

ONNX_ENDING = ".onnx"


def is_network(file: Path) -> bool:
    """Whether a file is a network in ONNX, by its name.

    >>> is_network(Path("mean.onnx")), is_network(Path("mean.safetensors"))
    (True, False)
    """
    return file.suffix.lower() == ONNX_ENDING


def name_recipe(network: Path) -> Path:
    """The file of the recipe beside a network.

    >>> str(name_recipe(Path("mean.onnx")))
    'mean.json'
    """
    return network.with_suffix(".json")


def read_recipe(network: Path) -> dict[str, Any]:
    """The recipe beside a network, whose `header` describes the model.

    Raises:
        RunError: network or recipe is missing, is none, or was written without a header.
    """
    recipe = name_recipe(network)
    again = f"mebench model export writes both: mebench model export NAME -o {network.name}"
    if not network.is_file():
        raise RunError(f"there is no network {network}: {again}")
    if not recipe.is_file():
        raise RunError(
            f"{network} is a network alone, and {recipe.name}, which must lie beside it, is missing: {again}"
        )
    with refused_by_system(f"the recipe {recipe} cannot be read", error=RunError):
        text = read_plain(recipe, RECIPE_BYTES)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("header"), dict):
        raise RunError(f"{recipe} does not describe the model of {network.name}: {again}")
    return values


def read_levels(network: Path) -> dict[str, float] | None:
    """The absolute level of each kind, or None if levels are relative to each film.

    Raises:
        RunError: the recipe is missing, or its levels are no numbers.
    """
    levels = read_recipe(network).get("levels")
    if levels is None:
        return None
    is_table = isinstance(levels, dict) and all(isinstance(level, int | float) for level in levels.values())
    if not is_table:
        raise RunError(f"the levels in {name_recipe(network)} are no numbers by kind: export the model again")
    return {kind: float(level) for kind, level in levels.items()}


def read_network(network: Path, method: Method) -> dict[str, torch.Tensor]:
    """The state of a method by its network in ONNX and the recipe.

    Args:
        network: file that `mebench model export` wrote.
        method: method of the recipe, with any weights.

    Raises:
        ConfigError: the package that reads ONNX is not installed.
        RunError: the file is no such network, or was changed by another program.
    """
    stored = _stored_tensors(network)
    module, _, _ = method.exportable()
    state = dict(method.state_dict())
    names = {_memory_of(tensor): name for name, tensor in state.items() if tensor.numel()}
    for name, tensor in module.state_dict().items():
        own_name = names.get(_memory_of(tensor))
        if own_name is None or not tensor.is_floating_point():
            continue
        found = stored.get(name)
        if found is None or found.shape != tensor.shape:
            raise RunError(
                f"{network} has no weights {name!r} of {tuple(tensor.shape)}: another program changed it since mebench "
                "exported it, so name the file as it was exported"
            )
        state[own_name] = found
    levels = read_levels(network)
    if levels is not None and "thresholds" in state:
        ordered = [levels[kind] for kind in method.task.kinds if kind in levels]
        if len(ordered) != len(state["thresholds"]):
            raise RunError(f"{name_recipe(network)} has levels of other kinds than the method: export the model again")
        state["thresholds"] = torch.tensor(ordered, dtype=state["thresholds"].dtype)
    return state


def _memory_of(tensor: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    """Place and shape of a tensor, which two names of it share."""
    return tensor.data_ptr(), tuple(tensor.shape)


def _stored_tensors(network: Path) -> Mapping[str, torch.Tensor]:
    """The weights in a file, by name.

    Raises:
        ConfigError: the package that reads ONNX is not installed.
        RunError: the file is no network.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ConfigError(
            f"ONNX needs packages that are not installed ({error}): pip install 'mebench[onnx]'"
        ) from error
    with refused_by_system(f"the network {network} cannot be read", error=RunError):
        content = read_plain(network, NETWORK_BYTES)
    try:
        graph = onnx.load_model_from_string(content).graph
    except DecodeError:
        raise RunError(f"{network} is no network in ONNX: name a file that mebench model export wrote") from None
    return {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
        if tensor.data_location != onnx.TensorProto.EXTERNAL
    }
