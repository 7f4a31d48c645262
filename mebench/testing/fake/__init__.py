"""Stand-ins for datasets that nobody may pass on: drawn faces in the layouts, with the sheets and quirks, of the releases.

An adapter's `fake.py` puts them together: `write_frames` draws a folder, `write_xlsx`, `write_xls` and `write_csv` write the
sheets, with every oddity that is known of the real ones. `Dataset.write_fake_tree` calls it.
"""

from mebench.testing.fake.books import Cell, Rows, write_csv, write_xls, write_xlsx
from mebench.testing.fake.face import SIZE, draw_face
from mebench.testing.fake.frames import Span, empty_folder, strength_at, write_frames

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
