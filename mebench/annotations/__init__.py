"""What the adapters of real datasets share: sheets, cleaning with a report, action units, emotion schemes, layouts.

An adapter subclasses `SheetDataset` and declares its columns, folders, kinds and schemes.
"""

from mebench.annotations.annotation import Annotation, Log, ground_truth_hash
from mebench.annotations.dataset import SheetDataset
from mebench.annotations.layout import Layout, SheetParams
from mebench.annotations.openface import ACTION_UNITS, UNITS
from mebench.annotations.reading import Cleaning, name_in, read_row, subject_id
from mebench.annotations.schemes import (
    OBJECTIVE,
    OBJECTIVE_CLASSES,
    THREE,
    ActionUnit,
    by_name,
    objective_class,
    parse_unit,
    parse_units,
    shown_units,
    three_classes,
)
from mebench.annotations.sheets import Sheet, read_sheets
from mebench.annotations.table import Columns, Header, Row, Table, find_table, need_table

__all__ = [
    "ACTION_UNITS",
    "OBJECTIVE",
    "OBJECTIVE_CLASSES",
    "THREE",
    "UNITS",
    "ActionUnit",
    "Annotation",
    "Cleaning",
    "Columns",
    "Header",
    "Layout",
    "Log",
    "Row",
    "Sheet",
    "SheetDataset",
    "SheetParams",
    "Table",
    "by_name",
    "find_table",
    "ground_truth_hash",
    "name_in",
    "need_table",
    "objective_class",
    "parse_unit",
    "parse_units",
    "read_row",
    "read_sheets",
    "shown_units",
    "subject_id",
    "three_classes",
]
