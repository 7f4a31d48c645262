"""A small drawn set of flow maps in the layout published with STSTNet."""

from pathlib import Path

from mebench.annotations.drawn import empty_folder
from mebench.annotations.flow_maps import write_classes


def write(folder: Path) -> None:
    """Draw 24 maps of six subjects, two of each member, in `folder`, which is empty or not there yet."""
    write_classes(empty_folder(folder))
