"""The parts that an installation of mebench may lack: rooms that no other room needs, each with its use."""

from importlib.util import find_spec

PARTS = {
    "boards": "leaderboards and tables for papers",
    "boards.site": "the page of leaderboards",
    "challenges": "the field's challenges",
    "combination": "the predictions of several runs as one",
    "inference": "trained models on new videos",
    "reproduction": "tables of papers repeated",
    "tracking": "runs sent to MLflow or another tracker; tracking=off does without",
    "tuning": "the search for settings",
    "vqa": "questions about expressions",
}
"""Each part by its folder in `mebench/`."""


def is_installed(part: str) -> bool:
    """Whether a part is there.

    >>> is_installed("vqa"), is_installed("nowhere")
    (True, False)
    """
    return find_spec(f"mebench.{part}") is not None


def missing_part_sentence(module: str) -> str:
    """Why a module is not there, if it is a part of mebench; else empty.

    Args:
        module: its name, as in `ModuleNotFoundError.name`.

    >>> missing_part_sentence("mebench.vqa")[:60]
    'mebench.vqa (questions about expressions) is not part of thi'
    >>> missing_part_sentence("mebench.core"), missing_part_sentence("torch")
    ('', '')
    """
    part = module.removeprefix("mebench.")
    if part == module or part not in PARTS:
        return ""
    return f"{module} ({PARTS[part]}) is not part of this installation: install mebench as a whole to use it"
