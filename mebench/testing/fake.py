"""Drawn stand-ins, for the `fake.py` of a dataset plugin: they stand in `mebench.annotations.drawn`."""

from mebench.annotations.drawn import (
    SIZE,
    Cell,
    Rows,
    Span,
    draw_face,
    empty_folder,
    strength_at,
    write_csv,
    write_frames,
    write_xls,
    write_xlsx,
)

__all__ = [
    "SIZE",
    "Cell",
    "Rows",
    "Span",
    "draw_face",
    "empty_folder",
    "strength_at",
    "write_csv",
    "write_frames",
    "write_xls",
    "write_xlsx",
]
