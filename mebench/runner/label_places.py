"""The places where labels are kept, and the check that no fold may read one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from mebench._installation import PACKAGE, checkout_folder
from mebench.config.settings import PlaceSettings
from mebench.config.tracking_address import local_tracking_places
from mebench.config.trainer_objects import OWN_OBJECTS
from mebench.config.typed_values import PLACES_OF_DATASETS
from mebench.errors import ConfigError
from mebench.runner.job import Access
from mebench.sandbox.confinement import python_files
from mebench.sandbox.grant import Grant

RESULT_FILES = frozenset({"truth.parquet", "clips.parquet", "mlflow.db"})
"""Files with labels in the folders of runs, records and trackers."""
MOST_ENTRIES = 5000
"""Files and folders of a readable folder among which results are looked for."""
WAY_OUT = "or use sandbox=off, after you have read the method's code"
_RESULT_FOLDERS = ("runs", "leaderboards", "tuning", "mlartifacts", "mlruns", "mlflow.db")
"""Files and folders that commands write into the working folder unless they are told otherwise."""


@dataclass(frozen=True)
class LabelPlace:
    """A file or folder with labels.

    Attributes:
        name: name in messages, such as the setting that names it.
        path: its path, without links.
    """

    name: str
    path: Path


def label_places(dataset_params: Mapping[str, Any], settings: PlaceSettings) -> list[LabelPlace]:
    """Where labels are, as far as settings and defaults tell.

    Args:
        dataset_params: the `Params` of each dataset, by its id.
        settings: settings of places.
    """
    named = chain(_places_of_datasets(dataset_params), _places_of_run(settings), _places_of_results())
    places = dict[Path, LabelPlace]()
    for name, place in named:
        path = place.expanduser().resolve()
        places.setdefault(path, LabelPlace(name, path))
    return list(places.values())


def _places_of_datasets(dataset_params: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """The folders and sheets that the settings of datasets name."""
    for params in dataset_params.values():
        for name, value in vars(params).items():
            is_place = isinstance(value, Path) or name.endswith(tuple(PLACES_OF_DATASETS))
            if is_place and isinstance(value, str | Path):
                yield f"dataset.{name}={value}", Path(value)


def _places_of_run(settings: PlaceSettings) -> Iterator[tuple[str, Path]]:
    """The folders that a run writes: runs, features, what MLflow keeps."""
    yield f"runs={settings.runs}", Path(settings.runs)
    yield f"cache={settings.cache}", Path(settings.cache)
    for place in local_tracking_places(settings.tracking):
        yield f"tracking, which writes {place}", place


def _places_of_results() -> Iterator[tuple[str, Path]]:
    """Results of earlier commands in the working folder, and the published records of a checkout."""
    for name in _RESULT_FOLDERS:
        if Path(name).exists():
            yield f"{name} of the working folder", Path(name)
    for folder in checkout_folder("leaderboards"):
        yield folder, Path(folder)


def check_reach(places: Sequence[LabelPlace], access: Access, grant: Grant | None) -> None:
    """Refuse a run whose method may read labels.

    Args:
        places: where labels are.
        access: files that its methods ask to read.
        grant: the access of its folds; None where they are not confined.

    Raises:
        ConfigError: they do.
    """
    if grant is None:
        return
    for place in access.reads:
        _check_asked(place, places)
    for folder in {files.plugin.folder: None for files in access.methods}:
        _check_plugin(folder, places)
    packages = [folder for folder in grant.modules if (folder / "__init__.py").is_file()]
    for place in (*python_files(), PACKAGE, *packages):
        if labelled := _labels_below(_resolved(place), places):
            raise ConfigError(
                f"the method may read {place}, and so the labels below {labelled.name}: name another folder, {WAY_OUT}"
            )


def _check_asked(place: Path, places: Sequence[LabelPlace]) -> None:
    """Refuse a path that a method asks for among or around labels."""
    target = place.resolve()
    around = _place_around(target, places)
    are_weights = target.suffix == ".safetensors"
    if around and not are_weights:
        raise ConfigError(
            f"the method may not read {place}, which is in {around.name}, where labels are: move or copy it to another "
            f"folder and name it there, {WAY_OUT}"
        )
    advice = f"let it name less under reads in its config.yaml, {WAY_OUT}"
    if below := _labels_below(target, places):
        raise ConfigError(f"the method may read {place}, and so the labels below {below.name}: {advice}")
    if found := find_results(target):
        raise ConfigError(f"the method may read {place}, and so the labels in {found}: {advice}")


def _check_plugin(folder: Path, places: Sequence[LabelPlace]) -> None:
    """Refuse a plugin's folder among or around labels, since its code may read it."""
    target = folder.resolve()
    around = _place_around(target, places)
    is_own_object = around is not None and target.is_relative_to(around.path / OWN_OBJECTS)
    if around and not is_own_object:
        raise ConfigError(
            f"the method may read its own folder {folder}, which is in {around.name}, where labels are: move the folder "
            f"of plugins to another place, {WAY_OUT}"
        )
    below = _labels_below(target, places)
    found = below.name if below else find_results(target)
    if found:
        raise ConfigError(
            f"the method may read its own folder {folder}, and so the labels below {found}: keep data, runs and results "
            f"outside the folders of plugins, and start mebench there, {WAY_OUT}"
        )


def _place_around(target: Path, places: Sequence[LabelPlace]) -> LabelPlace | None:
    """The first place with labels in which a path lies."""
    return next((place for place in places if target.is_relative_to(place.path)), None)


def _labels_below(target: Path, places: Sequence[LabelPlace]) -> LabelPlace | None:
    """The first place with labels that is a path or lies below it."""
    return next((place for place in places if place.path.is_relative_to(target)), None)


def find_results(folder: Path) -> Path | None:
    """A file with labels in a folder, left by a run, record or tracker.

    None if there is none.

    Args:
        folder: any path; of a large folder only the first `MOST_ENTRIES` entries are looked at.
    """
    seen = 0
    for place, folders, files in os.walk(folder):
        found = RESULT_FILES.intersection(files)
        if found:
            return Path(place, min(found))
        seen += len(folders) + len(files)
        if seen > MOST_ENTRIES:
            return None
    return None


@cache
def _resolved(place: Path) -> Path:
    """A path without links; those of Python are the same for each plan."""
    return place.resolve()
