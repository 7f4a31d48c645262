"""Parts of one table: a sheet, or the part of an object, for each person, fold, kind or run."""

import json

import openpyxl
import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError

TRUTH = pd.DataFrame(
    [("01", "a", 10, 24), ("01", "b", 31, 45), ("02", "a", 8, 20), ("03", "c", 40, 60)],
    columns=["subject", "video", "onset", "offset"],
)
BY_PERSON = {"01": {"a": [[10, 24]], "b": [[31, 45]]}, "02": {"a": [[8, 20]]}, "03": {"c": [[40, 60]]}}
BY_FOLD = {"fold_0": {"01_a": [[10, 24]], "01_b": [[31, 45]]}, "fold_1": {"02_a": [[8, 20]], "03_c": [[40, 60]]}}


def book(path, sheets):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def counts(predictions, kind="micro", **options):
    part = score(str(predictions), TRUTH, bootstrap=0, **options).summary["spotting"][kind]
    return part["tp"], part["fp"], part["fn"]


@pytest.mark.parametrize("value", [BY_PERSON, BY_FOLD, [BY_FOLD["fold_0"], BY_FOLD["fold_1"]]])
def test_rows_from_nested_tables_are_joined(write, value):
    assert counts(write(json.dumps(value), "p.json")) == (4, 0, 0)


def test_rows_from_nested_tables_of_runs_are_refused(write):
    runs = {f"epoch_{n}": {**BY_FOLD["fold_0"], **BY_FOLD["fold_1"]} for n in (1, 2)}
    file = write(json.dumps(runs), "p.json")
    with pytest.raises(DataError, match=r"recur under each of the 2 values of 'key'.*--where key=epoch_1"):
        counts(file)
    assert counts(file, where={"key": "epoch_2"}) == (4, 0, 0)


def test_rows_from_nested_tables_of_two_sides_are_refused(write):
    sides = {"gt": BY_FOLD["fold_0"], "pred": BY_FOLD["fold_1"]}
    with pytest.raises(DataError, match="several tables"):
        counts(write(json.dumps(sides), "p.json"))


def test_join_sheets_by_fold_and_by_person(tmp_path):
    head = ["video", "onset", "offset"]
    folds = {"fold1": [head, ["01_a", 10, 24], ["01_b", 31, 45]], "fold2": [head, ["02_a", 8, 20], ["03_c", 40, 60]]}
    assert counts(book(tmp_path / "folds.xlsx", folds)) == (4, 0, 0)
    people = {"1": [head, ["a", 10, 24], ["b", 31, 45]], "2": [head[::-1], [20, 8, "a"]], "3": [head, ["c", 40, 60]]}
    assert counts(book(tmp_path / "people.xlsx", people)) == (4, 0, 0)


def test_join_sheets_by_kind_and_by_run(tmp_path):
    rows = [["subject", "video", "onset", "offset"], *TRUTH.to_numpy().tolist()]
    kinds = book(tmp_path / "kinds.xlsx", {"micro": rows, "macro": rows})
    assert counts(kinds) == (4, 0, 0)
    assert counts(kinds, "macro") == (0, 4, 0)
    runs = book(tmp_path / "runs.xlsx", {"seed 0": rows, "seed 1": rows})
    with pytest.raises(DataError, match=r"several runs.*--where \"sheet=seed 0\""):
        counts(runs)


def test_join_sheets_leaves_other_tables_apart(tmp_path):
    rows = [["subject", "video", "onset", "offset"], *TRUTH.to_numpy().tolist()]
    with pytest.raises(DataError, match="several tables"):
        counts(book(tmp_path / "sides.xlsx", {"truth": rows, "pred": rows}))
    other = [["subject", "video", "emotion"], ["01", "a", "joy"]]
    with pytest.raises(DataError, match="several tables"):
        counts(book(tmp_path / "others.xlsx", {"one": rows, "two": other}))
