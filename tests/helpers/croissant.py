"""What every description in Croissant must keep, and mlcroissant's own judgement where it is installed."""

import json
from importlib import import_module
from importlib.util import find_spec

import pytest


def check_description(file):
    """A description names each thing once, and each column comes from a file that it describes."""
    content = json.loads(file.read_text())
    assert content["@type"] == "sc:Dataset"
    assert content["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    files = {entry["@id"] for entry in content["distribution"]}
    assert len(files) == len(content["distribution"])
    for entry in content["distribution"]:
        assert len(entry["sha256"]) == 64
        assert entry.get("containedIn", {"@id": entry["@id"]})["@id"] in files
    ids = [field["@id"] for table in content["recordSet"] for field in table["field"]]
    assert len(set(ids)) == len(ids)
    sources = {field["source"]["fileObject"]["@id"] for table in content["recordSet"] for field in table["field"]}
    assert sources <= files
    return content


def load_with_mlcroissant(file, table):
    """The first record of a table as mlcroissant reads it; the test is skipped without it, since no extra brings it."""
    if find_spec("mlcroissant") is None:
        pytest.skip("needs mlcroissant, which is in no extra")
    mlcroissant = import_module("mlcroissant")
    described = mlcroissant.Dataset(str(file))
    assert not described.metadata.ctx.issues.errors
    return next(iter(described.records(table)))
