"""The fitted methods that a finished run keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mebench.config import from_plain, registry
from mebench.core import Task
from mebench.errors import RunError, unknown
from mebench.runner.folder import RunFolder, safe_name

if TYPE_CHECKING:
    from mebench.core import Method

Part = Literal["method", "recognizer"]


def trained(folder: RunFolder, fold: str, part: Part = "method") -> Method:
    """A method as it was after a fold's training, ready to predict. The dataset need not be there.

    Args:
        folder: the run.
        fold: key of the fold.
        part: of a pair, which of the two.

    Raises:
        RunError: the run has no such fold or part, or the model is damaged or of another version of the method.
        PluginError: the method is gone or broken.
    """
    from safetensors.torch import load_file

    from mebench.runner.fold import restore

    about, stored = folder.read_json("folds.json"), folder.read_json("config.json")
    config = from_plain(stored["config"], stored["origins"])
    keys = [entry["fold"] for entry in about["folds"]]
    if fold not in keys:
        raise RunError(unknown("fold", fold, keys, f"The folds of run {folder.id} are named after who is tested"))
    pair = config.recognizer is not None
    if part == "recognizer" and not pair:
        raise RunError(f"run {folder.id} has no recognizer of its own: leave --part out")
    tasks = ({"spot"} if part == "method" else {"recognize"}) if pair else set(about["tasks"])
    task = Task(
        frozenset(tasks), tuple(about["kinds"]), tuple(about["classes"]), one_per_video=bool(about["one_per_video"])
    )
    name, params = getattr(config, part), getattr(config, f"{part}_params")
    file = folder.path / "folds" / safe_name(fold) / "model.safetensors"
    if not file.is_file() and config.audit != "guard":
        raise RunError(
            f"run {folder.id} leaks (audit={config.audit}) and keeps no weights: name the honest run beside it"
        )
    method: Method = registry.load("method", name)(params, task)
    try:
        restore({f"{part}." if pair else "": method}, load_file(file))
    except Exception as error:
        raise RunError(
            f"{file} does not fit method {name!r} as it is now ({' '.join(str(error).split())}): run it again"
        ) from error
    return method
