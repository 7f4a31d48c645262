"""Sentences on what the folds of a run could read and what they printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.errors import list_first
from mebench.output.terminal import format_count
from mebench.runs.fold_files import PRINTED
from mebench.runs.folder import RunFolder

ACCESS_FILE = "sandbox.json"
"""In the run folder: the access of its folds."""
LANDLOCK = "Landlock"
"""The part of Linux that keeps files from folds; seccomp keeps all else."""
SEATBELT = "Seatbelt"
"""The sandbox of macOS, named where a trial has shown that it holds."""
MOST_NAMED = 5
"""Files and folders that are named; further ones are counted."""


def access_of_run(folder: RunFolder) -> dict[str, Any] | None:
    """The access of a run's folds; None for runs older than the sandbox.

    Raises:
        RunError: the file is damaged.
    """
    return dict(folder.read_json(ACCESS_FILE)) if (folder.path / ACCESS_FILE).is_file() else None


def read_access_with_output(folder: RunFolder) -> dict[str, Any] | None:
    """The access of a run's folds, and how many of them printed something.

    The number is missing for runs that do not keep it. None for runs older than the sandbox.

    Raises:
        RunError: the file is damaged.
    """
    access = access_of_run(folder)
    if access is None or "inherited" not in access:
        return access
    return {**access, "printed": len(_folds_that_printed(folder))}


def describe_access(access: Mapping[str, Any]) -> str:
    """Whether folds were isolated, and what their methods could read beside code.

    >>> describe_access({"asked": "auto", "lacks": [], "reads": ["/a/face.dat"], "view": True})
    'sandbox=auto: its folds were isolated from files, processes and the network; besides code its method could read /a/face.dat'
    """
    more = [*access["reads"], *access.get("devices", ())]
    reads = f"; besides code its method could read {list_first(more, MOST_NAMED)}" if more else ""
    return f"sandbox={access['asked']}: its folds were {describe_isolation(access)}{reads}"


def describe_isolation(access: Mapping[str, Any]) -> str:
    """The isolation in words.

    A run without `view` is older than that check and says nothing of files that could be seen; one without `by` is older than the
    sandbox of macOS. `times` says that times of access showed.

    >>> describe_isolation({"lacks": [], "view": True, "by": "Landlock"})
    'isolated from files, processes and the network by Landlock'
    """
    by = access.get("by")
    kind = f" by {by}" if by else ""
    if access["lacks"]:
        return f"not isolated from {list_first(access['lacks'], MOST_NAMED)}{describe_failed_trial(access.get('reason', ''))}"
    shows_times = bool(access.get("times"))
    if access.get("view", True):
        seen_times = ", but could see when files that folds share were read" if shows_times else ""
        return f"isolated from files, processes and the network{kind}{seen_times}"
    seen = "whether files exist, how large and how old they are"
    if shows_times:
        seen += ", and when they were read, by which one fold can tell another"
    if by == SEATBELT:
        seen = "whether files exist, and how other programs were started"
    return f"isolated from the content of files, from processes and the network{kind}, but could see {seen}"


def describe_failed_trial(reason: str) -> str:
    """Why Seatbelt does not isolate, as the end of a sentence; empty where it was not looked for.

    >>> describe_failed_trial("this system has no sandbox_init")
    ' (Seatbelt: this system has no sandbox_init)'
    """
    return f" ({SEATBELT}: {reason})" if reason else ""


def describe_grants(folder: RunFolder, access: Mapping[str, Any]) -> list[str]:
    """Sentences on what folds were given unasked, and on what they printed."""
    sentences = _unasked_grants(access)
    printed = _folds_that_printed(folder)
    if printed:
        sentences.append(
            f"{format_count(len(printed), 'fold')} printed something, kept in {folder.path}/folds/*/{PRINTED}"
        )
    elif folder.done:
        sentences.append("its folds printed nothing that is kept")
    return sentences


def describe_whole_access(access: Mapping[str, Any]) -> str:
    """All that is known of the access of a run's folds, as one paragraph.

    >>> describe_whole_access({"asked": "off", "lacks": ["files"], "reads": [], "inherited": ["PATH"], "printed": 0})
    'sandbox=off: its folds were not isolated from files; variables that its folds inherited: PATH; its folds printed nothing'
    """
    clauses = [describe_access(access), *_unasked_grants(access)]
    printed = access.get("printed")
    if printed == 0:
        clauses.append("its folds printed nothing")
    elif printed:
        clauses.append(f"{format_count(printed, 'fold')} printed something")
    return "; ".join(clauses)


def _unasked_grants(access: Mapping[str, Any]) -> list[str]:
    """What folds were given without being asked for: places, and variables."""
    clauses = []
    if given := access.get("given"):
        clauses.append(f"given unasked to its folds: {'; '.join(given)}")
    if inherited := access.get("inherited"):
        clauses.append(f"variables that its folds inherited: {', '.join(inherited)}")
    return clauses


def _folds_that_printed(folder: RunFolder) -> list[str]:
    """The folders of the folds of which something that they printed is kept."""
    return sorted(file.parent.name for file in folder.path.glob(f"folds/*/{PRINTED}"))
