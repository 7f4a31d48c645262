"""Results as JSON in files."""

import json

import pytest

from mebench.output.json_output import write_json


@pytest.mark.parametrize("data", [{"x": {1, 2}}, {"rows": iter([{"n": 1}]), "x": {1, 2}}], ids=["plain", "rows"])
def test_write_json_leaves_the_file_if_data_are_no_json(tmp_path, data):
    file = tmp_path / "scores.json"
    file.write_text("former")
    with pytest.raises(TypeError):
        write_json(data, str(file))
    assert file.read_text() == "former"


def test_write_json_writes_rows_of_iterators_as_lists(tmp_path):
    rows = [{"n": 1, "text": "a\nb"}, {"n": float("nan"), "text": ""}]
    of_list, of_iterator = tmp_path / "list.json", tmp_path / "iterator.json"
    write_json({"first": {"a": [1]}, "rows": rows, "none": []}, str(of_list))
    write_json({"first": {"a": [1]}, "rows": iter(rows), "none": iter(())}, str(of_iterator))
    assert of_iterator.read_text() == of_list.read_text()
    assert json.loads(of_iterator.read_text())["rows"] == [rows[0], {"n": None, "text": ""}]
