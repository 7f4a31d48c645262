"""The report on degraded videos shows what its file holds."""

import json

import degraded


def test_degraded_page_has_tables_of_its_file():
    page = degraded.PAGE.read_text("utf-8")
    assert degraded.END in page
    written = degraded.with_tables(page, json.loads(degraded.DATA.read_text("utf-8")))
    assert written == page, "run: python benchmarks/degraded.py FOLDER --write"
