"""The fronts of rooms: a package's stub lists what it gives, and each of them comes when it is asked for."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUBS = sorted((ROOT / "mebench").rglob("__init__.pyi"))


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_fronts_give_files_and_names(stub):
    package = import_module(".".join(stub.parent.relative_to(ROOT).parts))
    files = {path.stem for path in stub.parent.glob("*.py")} | {path.parent.name for path in stub.parent.glob("*/*.py")}
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    named = [alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(files - {"__init__", *named}) == []
    assert [name for name in named if not hasattr(package, name)] == []
    assert sorted(named) == sorted(package.__all__)
