"""The runs of one result: a method with its settings, over all its seeds."""

from pathlib import Path

from mebench.errors import RunError
from mebench.records.recorded_settings import row_settings
from mebench.runs.folder import RunFolder


def open_result(runs: Path | str, word: str) -> list[RunFolder]:
    """The finished run of a word; or all seeds that begin with it, in their order.

    Args:
        runs: folder of the runs.
        word: id of a run, beginning of ids, or a folder.

    Raises:
        RunError: there is no such run, or several differ in more than the seed.
    """
    folders = RunFolder.open_all_seeds(runs, word)
    if len(folders) == 1:
        return folders
    configs = [folder.read_json("config.json")["config"] for folder in folders]
    settings = [row_settings(config) for config in configs]
    if any(other != settings[0] for other in settings):
        differing = sorted({folder.id.rpartition("-seed")[0] for folder in folders})
        raise RunError(
            f"{len(folders)} runs begin with {word!r}, and they differ in more than the seed "
            f"({', '.join(differing[:3])}): give more of the id"
        )
    seeds = [int(config["seed"]) for config in configs]
    order = sorted(range(len(folders)), key=seeds.__getitem__)
    return [folders[position] for position in order]
