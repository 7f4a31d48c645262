"""The examples in docstrings do what they say."""

import doctest
import linecache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [file for file in sorted((ROOT / "mebench").rglob("*.py")) if ">>> " in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_docstring_examples_hold(file):
    linecache.clearcache()  # each example looks whether any file read so far has changed: of all those of this process
    module = import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted
    assert not found.failed
