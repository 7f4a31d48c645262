"""Remarks on runs that score other emotion classes than their method's paper."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mebench._installation import shipped_folder
from mebench.config import RunConfig
from mebench.config.registry import find_plugin
from mebench.core import Scheme
from mebench.files import read_yaml
from mebench.inspection.dataset_summary import open_members

SCHEME = "scheme="


def remark_on_scheme(config: RunConfig) -> str:
    """A remark that the method's paper scores other classes than the run; else empty.

    The papers are those whose tables `mebench reproduce` repeats; only runs that name emotions of a
    single dataset are remarked on.
    """
    names_emotions = "recognize" in find_plugin("method", config.recognizer or config.method).tasks
    if not names_emotions or len(config.dataset_params) != 1:
        return ""
    ((id_, dataset),) = open_members(config.dataset_params).items()
    own = config.scheme or next(iter(dataset.schemes))
    for paper, scheme in _schemes_of_papers(config.method, id_):
        if scheme != own and scheme in dataset.schemes and own in dataset.schemes:
            here = _in_words(dataset.schemes[own])
            there = _in_words(dataset.schemes[scheme])
            return (
                f"{own} scores {here}; the paper of {config.method} ({paper}) scores {there}: add {SCHEME}{scheme} to "
                "compare with its figures"
            )
    return ""


def _schemes_of_papers(method: str, dataset: str) -> Iterator[tuple[str, str]]:
    """Papers that run the method on the dataset, and their emotion schemes."""
    for folder in shipped_folder("leaderboards"):
        for file in sorted(Path(folder, "papers").glob("*.yaml")):
            paper: Mapping[str, Any] = read_yaml(file)
            words = str(paper["datasets"].get(dataset, "")).split()
            schemes = [word.removeprefix(SCHEME) for word in words if word.startswith(SCHEME)]
            rows = [row for table in paper["tables"].values() for row in table["rows"]]
            is_run = any(f"method={method}" in str(row.get("run", "")).split() for row in rows)
            if schemes and is_run:
                yield file.stem, schemes[0]


def _in_words(scheme: Scheme) -> str:
    """Number and names of the classes."""
    return f"{len(scheme.classes)} classes ({', '.join(scheme.classes)})"
