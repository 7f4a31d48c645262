"""The page of limits follows from the code, and each limit of a format is one that its reader takes."""

import ast
import importlib.util
from pathlib import Path

import pytest

from mebench import limits
from mebench.limits import FORMATS

ROOT = Path(__file__).parents[2]


def test_page_shows_the_limits_of_today():
    spec = importlib.util.spec_from_file_location("limit_tables", ROOT / "docs" / "limit_tables.py")
    limit_tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(limit_tables)
    page = limit_tables.PAGE.read_text(encoding="utf-8")
    assert limit_tables.page_with_table(page) == page, "python docs/limit_tables.py writes it"


@pytest.mark.parametrize("form", FORMATS, ids=[form.files for form in FORMATS])
def test_readers_take_the_size_of_their_format(form):
    """Where a file has a limit of its size, a reader imports a limit of that value."""
    taken = set()
    for file in form.readers:
        for node in ast.walk(ast.parse((ROOT / "mebench" / file).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "mebench.limits":
                taken |= {getattr(limits, name.name) for name in node.names if name.name != "RECORD_ROWS"}
    for limit in (form.packed, form.unpacked, form.cells):
        assert limit is None or limit in taken, limit
