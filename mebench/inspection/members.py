"""The datasets that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.core.dataset import Dataset
from mebench.registry import load


def open_members(dataset_params: Mapping[str, Any]) -> dict[str, Dataset]:
    """The dataset, or the members of a composite, by id in the order of the configuration.

    Args:
        dataset_params: the `Params` of each by its id.

    Raises:
        PluginError: one is broken.
    """
    return {id_: load("dataset", id_)(params) for id_, params in dataset_params.items()}


def has_frames(dataset: Dataset) -> bool:
    """Whether the dataset can have frames at all; some hold ready-made features only."""
    return type(dataset).frames is not Dataset.frames


def annotations_alone(dataset: Dataset) -> bool:
    """Whether the user named no folder, so that only the annotations can be looked at."""
    return getattr(dataset.params, "root", "") is None
