"""A released sheet says the same to its adapter and to `score --truth`, whatever its file is called and whatever form it has."""

import shutil
from pathlib import Path

import pytest

from mebench.annotations import read_sheets
from mebench.annotations.drawn import write_csv
from mebench.api.score_files import score
from mebench.config import registry
from mebench.exchange import answers
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.inspection import dataset_summary
from tests.helpers.empty_trees import write_empty_tree

KNOWN = ["casme", "casme2", "casme3", "dfme", "four_dme", "meview", "mmew", "samm", "samm_lv"]
"""Datasets that are known by what their sheet holds."""


def by_adapter(id_, sheet):
    """The expressions of `data summary dataset=ID dataset.annotations=FILE`, and how many repairs it says."""
    dataset = registry.load_plugin("dataset", id_)(registry.load_plugin("dataset", id_).Params(annotations=str(sheet)))
    rows = [a for a in dataset.annotations if a.onset is not None and a.subject and a.video]
    return {
        (a.subject, a.video, a.kind, a.onset, a.apex, a.offset, a.emotion or "") for a in rows
    }, dataset.sheet_repairs


def by_score(sheet):
    """The same of `score --truth FILE`, with its remarks."""
    remarks = Remarks()
    truth, _ = answers.read_truth(Path(sheet), Rules(), remarks, dataset_summary.adapters_of(Path(sheet)))
    columns = ("subject", "video", "kind", "onset", "apex", "offset", "emotion")
    rows = zip(*(truth.intervals[name] for name in columns))
    return {(*row[:4], None if row[4] != row[4] else int(row[4]), *row[5:]) for row in rows}, remarks.repaired


@pytest.fixture(scope="module", params=KNOWN)
def released(request, tmp_path_factory):
    """A dataset's id and its sheet in a drawn tree."""
    plugin = registry.load_plugin("dataset", request.param)
    root = tmp_path_factory.mktemp(request.param)
    write_empty_tree(request.param, root)
    return request.param, plugin(plugin.Params(root=str(root))).annotation_file


@pytest.mark.parametrize("name", ["released", "renamed", "as text"])
def test_SheetDataset_and_read_truth_agree_on_released_sheets(released, name, tmp_path):
    id_, released = released
    sheet = tmp_path / (released.name if name == "released" else f"labels_final{released.suffix}")
    shutil.copy(released, sheet)
    if name == "as text":
        fullest = max(read_sheets(released), key=lambda sheet: len(sheet.rows))
        sheet = tmp_path / "labels.csv"
        write_csv(sheet, [cells for _, cells in fullest.rows])
    expected, repairs = by_adapter(id_, sheet)
    found, repaired = by_score(sheet)
    assert found == expected
    assert {row[:6] for row in found} == {row[:6] for row in by_adapter(id_, released)[0]}
    assert f"truth: read as the sheet of {id_}, as " in repaired[0]
    assert len(repaired) > 1 or not repairs


@pytest.mark.parametrize("what", ["intervals", "clips"])
def test_released_sheet_is_right_against_itself(released, what):
    """What the adapter repairs in a truth it repairs in answers of the same form."""
    _, sheet = released
    summary = score(str(sheet), str(sheet), what=what, bootstrap=0).summary
    for part in summary.get("spotting", {}).values():
        assert (part["fp"], part["fn"]) == (0, 0)
    recognised = summary.get("recognition") or summary.get("analysis", {}).get("true_positives")
    if recognised:  # intervals with several labels each have no analysis
        assert recognised["scores"]["uf1"]["value"] == 1.0
