"""A fitted network as an ONNX file, which runs without Lightning, PyTorch and mebench."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

from mebench import core, heavy
from mebench.atomic import whole_file
from mebench.errors import ConfigError, refused_by_system

INPUT = "maps"


def export_onnx(method: core.Method, path: Path) -> tuple[str, ...]:
    """Write the method's network (`Method.exportable`); the first axis of its input `maps` may have any length.

    Args:
        method: fitted.
        path: the file, written completely or not at all.

    Returns:
        Names of the outputs.

    Raises:
        ConfigError: the packages that write ONNX are not installed.
        RunError: the method has no network.
        DataError: the file cannot be written.
    """
    try:
        import onnxscript  # noqa: F401  (torch asks for it, in a longer sentence)
    except ImportError as error:
        raise ConfigError(
            f"ONNX needs packages that are not installed ({error}): pip install 'mebench[onnx]'"
        ) from error
    module, example, outputs = method.exportable()
    silenced = logging.root.manager.disable
    with (
        refused_by_system(f"{path} cannot be written", "name another file with -o FILE"),
        whole_file(path) as temporary,
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(action="ignore"),
    ):
        temporary.touch()  # a place that cannot be written is refused at once
        logging.disable(max(silenced, logging.WARNING))
        try:
            file = Path(folder) / "model.onnx"
            heavy.torch.onnx.export(
                module,
                (example,),
                file,
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_shapes=({0: heavy.torch.export.Dim("n")},),
                external_data=False,
                dynamo=True,
                verbose=False,
            )
        finally:
            logging.disable(silenced)
        temporary.write_bytes(file.read_bytes())
    return outputs
