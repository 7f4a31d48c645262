"""What a row's method loads and did not train: it stands in every output, and tested data sort below."""

import json

import numpy as np
import pytest

from mebench.api.carried_data import carries_data
from mebench.boards import build as boards_build, table_files
from mebench.boards.rows import rank_rows
from mebench.boards.site.site_pages import write_site
from mebench.intake.accept import merge_records
from mebench.intake.collect import collect_finished_runs, collect_records
from mebench.intake.export import export_record
from mebench.records.record import read_committed_record, record_from_run
from mebench.reports.compare_runs import Side
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run

HEAD = {"name": "head.npz", "sha256": "ab" * 32, "counted": False}
WEIGHTS = {"name": "cas.pth", "sha256": "cd" * 32, "counted": True}


@pytest.fixture
def table(tmp_path):
    """A board of a perfect head that was trained on the tested people, a network of ImageNet, an unknown one, and an honest method."""
    runs = tmp_path / "runs"
    shared = {"tasks": ("recognize",)}
    make_run(runs, method="head", wrong_every=1000, loaded=[HEAD], pretrained=["drawn"], **shared)
    make_run(runs, method="imagenet", wrong_every=5, loaded=[WEIGHTS], pretrained=["imagenet"], **shared)
    make_run(runs, method="secret", wrong_every=4, loaded=[HEAD], pretrained="unknown", **shared)
    make_run(runs, method="honest", wrong_every=3, **shared)
    (table,) = boards_build.build_tables(collect_finished_runs(runs))
    return table


def rows_of(table):
    return {row.method: row for row in table.parts[0].rows if row.measured}


def test_rows_trained_on_tested_data_come_last_without_rank(table):
    rows = rows_of(table)
    assert list(rows)[-2:] == ["head", "secret"]
    assert rows["head"].marks == ["pretrained on tested data"]
    assert not rows["head"].ranks
    assert rows["head"].scores["uf1"].value > rows["honest"].scores["uf1"].value


def test_rows_mark_unknown_data_and_spare_others(table):
    """A head that was fitted on the tested clips, and whose sender says nothing, would lead with a score of 1."""
    rows = rows_of(table)
    assert list(rows) == ["imagenet", "honest", "head", "secret"]
    assert rows["secret"].marks == ["pretrained on unknown data"]
    assert not rows["secret"].ranks
    ranked = [place.row for place in rank_rows(table.parts[0]) if place.rank]
    assert {row.method for row in ranked} == {"imagenet", "honest"}
    assert rows["imagenet"].marks == []
    assert rows["imagenet"].ranks
    assert rows["honest"].facts["pretrained"] == ""


def test_parameters_are_unknown_where_something_is_not_counted(table):
    rows = rows_of(table)
    assert "parameters" not in rows["head"].costs
    assert "parameters" in rows["imagenet"].costs
    assert rows["head"].facts["loaded"] == "head.npz abababab (its parameters are not known)"


def test_table_files_and_page_say_what_was_loaded(table, tmp_path):
    texts = {
        "md": table_files.markdown_page(table),
        "csv": table_files.as_csv(table),
        "json": json.dumps(table.plain()),
        "tex": table_files.latex_tables(table),
    }
    write_site([table], collect_finished_runs(tmp_path / "runs"), [], tmp_path / "site")
    texts["page"] = "\n".join(file.read_text() for file in (tmp_path / "site").rglob("*.html"))
    for name, text in texts.items():
        assert "head.npz abababab" in text, name
        assert "imagenet" in text, name
    for name in ("md", "tex", "page"):
        assert "pretrained on tested data" in texts[name], name
        assert "pretrained on unknown data" in texts[name], name


def test_side_of_comparison_names_data_of_weights(tmp_path):
    record = record_from_run(make_run(tmp_path, method="head", loaded=[HEAD], pretrained=["drawn"]))
    side = Side.of_record(record)
    assert record.pretrained_on_tested == "drawn"
    assert ", pretrained on drawn, " in side.title
    assert side.plain()["loaded"] == "head.npz abababab (its parameters are not known)"


def test_record_keeps_what_was_loaded(tmp_path):
    run = make_run(tmp_path / "runs", "r", loaded=[HEAD], pretrained=["imagenet", "casme2"])
    (outcome,) = merge_records([RunFolder(export_record(run, tmp_path / "sent"))], tmp_path / "records")
    assert (outcome.status, outcome.reason) == ("taken", "")
    (record,) = collect_records(tmp_path / "records")
    assert record.pretrained == "imagenet, casme2"
    assert record.pretrained_on_tested == ""


def test_export_leaves_no_path_of_the_machine(tmp_path):
    warning = "'head' asks to read more than code in its folds: /home/ann/my lab/head.npz, C:\\Users\\ann\\a.pt"
    run = make_run(tmp_path / "runs", "r", warnings=[warning])
    record = export_record(run, tmp_path / "sent")
    assert not [file for file in record.iterdir() if b"ann" in file.read_bytes()]
    said = read_committed_record(RunFolder(record)).about["warnings"]
    assert said == ["'head' asks to read more than code in its folds: head.npz, a.pt"]


def test_carries_data_finds_arrays_and_networks():
    import torch

    class Spotter:
        def __init__(self, **attributes):
            vars(self).update(attributes)

    assert not carries_data(Spotter(threshold=0.5, name="a"))
    assert carries_data(Spotter(template=np.ones(3)))
    assert carries_data(Spotter(network=torch.nn.Linear(2, 2)))
    assert not carries_data(Spotter(network=torch.nn.ReLU()))
