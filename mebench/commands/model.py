"""The verb `model export`."""

from pathlib import Path

from mebench.errors import ConfigError, unknown

FORMATS = ("onnx",)
PARTS = ("method", "recognizer")


def export_command(run_id: str, runs: str, fold: str, form: str, out: str, part: str = "method") -> None:
    """Write the network that a fold of a finished run trained.

    Args:
        run_id: id of the run, or the path of its folder.
        runs: folder of run folders.
        fold: key of the fold: who was tested.
        form: one of `FORMATS`.
        out: the file.
        part: of a pair, `method` or `recognizer`.

    Raises:
        ConfigError: there is no such format or part, or packages are missing.
        RunError: there is no such run or fold, or its method has no network.
        DataError: the file cannot be written.
    """
    if form not in FORMATS:
        raise ConfigError(unknown("format", form, FORMATS))
    if part not in PARTS:
        raise ConfigError(unknown("part", part, PARTS))
    from mebench.commands.runs import find_run
    from mebench.exchange.onnx_export import INPUT, export_onnx
    from mebench.progress import Progress
    from mebench.runner.trained import trained

    method = trained(find_run(run_id, runs), fold, "recognizer" if part == "recognizer" else "method")
    path = Path(out).expanduser()
    outputs = export_onnx(method, path)
    Progress().say(f"{path}: input {INPUT}, outputs {', '.join(outputs)}")
