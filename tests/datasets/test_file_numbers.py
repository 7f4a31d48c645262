"""What is exported counts frames as the dataset's own sheets do, row by row, whatever their numbering."""

import re

import pytest

from mebench.annotations import SheetDataset, read_sheets
from mebench.config import registry, resolve
from mebench.core.types import number_at
from mebench.exchange import write
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks
from mebench.runner import make_plan
from mebench.runner.describe import truth_tables
from tests.helpers.empty_trees import write_empty_tree

DRAWN = [
    id_
    for id_, info in registry.list_plugins("dataset").items()
    if not info.broken and issubclass(registry.load_plugin("dataset", id_), SheetDataset)
]
FURTHER = [
    ("casme3", "dataset.clips=true"),
    ("casme3", "dataset.part=C"),
    ("smic_hs", "dataset.extended=true"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The stand-in of a dataset, made once; nobody looks at its images."""
    folder = tmp_path_factory.mktemp("trees")

    def draw(id_):
        if not (folder / id_).is_dir():
            write_empty_tree(id_, folder / id_)
        return folder / id_

    return draw


def numbers_of(root):
    """The whole numbers in the rows of every sheet below a root, by number of the row."""
    files = (path for path in root.rglob("*.*") if path.suffix in (".xls", ".xlsx", ".csv"))
    sheets = [sheet for path in files for sheet in read_sheets(path)]
    return [{row: {int(n) for n in re.findall(r"\d+", " ".join(cells))} for row, cells in s.rows} for s in sheets]


@pytest.mark.parametrize(("id_", "words"), [*((id_, "") for id_ in DRAWN), *FURTHER])
def test_write_truth_gives_numbers_of_sheet(id_, words, tree, tmp_path):
    root = tree(id_)
    plan = make_plan(resolve(["method=majority", f"dataset={id_}", f"dataset.root={root}", *filter(None, [words])]))
    write.write_truth(tmp_path / "truth.csv", truth_tables(plan.data))
    written = read_intervals(tmp_path / "truth.csv", "truth", Remarks()).intervals
    dataset = plan.data.dataset
    lost = {where.row for where in dataset.unplaced()}
    rows = [row for row in dataset.annotations if row.row not in lost]
    # What the frames brought to light: a number that no file has gives way to the next one, which is logged.
    repairs = [(r.row, int(r.taken), r) for r in dataset.repair_rows() if r.row and str(r.taken).isdecimal()]
    moved = {(row, int(r.found)): taken for row, taken, r in repairs if "file" in r.reason}
    frames = ["onset", "apex", "offset"]
    numbers_of_sheet = [[getattr(row, name) for name in frames] for row in rows]
    numbers_of_sheet = [
        [moved.get((row.row, number), number) for number in numbers] for row, numbers in zip(rows, numbers_of_sheet)
    ]
    exported = written[["subject", "video", "kind", *frames]].fillna(-1)  # an apex that nobody marked

    expected = [
        (r.subject, r.video, r.kind, *(-1 if n is None else n for n in ns)) for r, ns in zip(rows, numbers_of_sheet)
    ]
    assert sorted(exported.itertuples(index=False, name=None)) == sorted(expected)

    sheets = numbers_of(root) if dataset.annotation_file.is_file() else []
    for row, numbers in zip(rows, numbers_of_sheet if sheets else ()):
        taken = {None, *(number for other, number, _ in repairs if other == row.row)}
        assert any(set(numbers) <= sheet.get(row.row, set()) | taken for sheet in sheets)

    # Without the frames the documented numbering leads there and back.
    found = []
    for v in dataset.as_annotated():
        for e in v.expressions:
            onset, offset = (number_at(frame, v.first, v.numbers) for frame in (e.onset, e.offset))
            found.append((v.key, onset, offset))
    documented = [(f"{dataset.id}/{row.subject}/{row.video}", row.onset, row.offset) for row in rows]
    assert sorted(found) == sorted(documented)
