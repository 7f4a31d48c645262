"""A small drawn set of two-phase maps in the layout of the authors' repository."""

from pathlib import Path

from mebench.annotations.drawn import empty_folder, write_csv
from mebench.annotations.flow_maps import DRAWN, draw_map, write_classes, write_map
from mebench.features import FlowDirection

from .params import LABELS, LIST, MAPS


def write(folder: Path) -> None:
    """Draw four maps of each of 24 clips, their list and the tree of their classes, in `folder`, empty or not there yet."""
    empty_folder(folder)
    rows = [
        (member, subject, clip.removeprefix(f"{subject}_"), label, "", f"{clip}.jpg", "")
        for member, subject, clip, label in DRAWN
    ]
    header = ("dataset", "sub", "filename_o", "label", "apex", "imagename", "sub_filename")
    write_csv(folder / LIST, [header, *rows])
    direction = FlowDirection()
    for number, (_, _, clip, label) in enumerate(DRAWN):
        phases = [draw_map(label, [number, phase]) for phase in (0, 1)]
        for ending, picture in zip(("", "_1"), phases):
            write_map(folder / MAPS / f"{clip}{ending} .png", picture)
        for ending, picture in zip(("_2", "_3"), phases):
            write_map(
                folder / MAPS / f"{clip}{ending} .png", direction.apply(picture.astype("float32"), None).astype("uint8")
            )
    write_classes(folder / LABELS)
