"""The fronts of rooms: what users, plugins and the command line take from a room; other files name the file."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUBS = sorted((ROOT / "mebench").rglob("__init__.pyi"))


def imports_from(path: Path, package: str) -> list[str]:
    """The names that a file imports from a package."""
    text = path.read_text(encoding="utf-8")
    if f"from {package} import" not in text:
        return []
    froms = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == package]
    return [alias.name for node in froms for alias in node.names]


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_front_gives_what_it_names(stub):
    package = import_module(".".join(stub.parent.relative_to(ROOT).parts))
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    named = [alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert [name for name in named if not hasattr(package, name)] == []
    assert sorted(named) == sorted(package.__all__)


def test_files_name_the_neighbour_they_import_from():
    """A file takes names from the file of its room that defines them, where an editor and a reader find them."""
    through_the_front = {}
    for folder in (stub.parent for stub in STUBS):
        room = ".".join(folder.relative_to(ROOT).parts)
        files = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}
        for path in folder.glob("*.py"):
            names = set(imports_from(path, room)) - files
            if names:
                through_the_front[f"{room}.{path.stem}"] = sorted(names)
    assert through_the_front == {}


def test_files_import_no_whole_room():
    """A file names at its top each file that it calls: `from mebench.runner import plan`, not `from mebench import runner`.

    One exception: the file and a function of `mebench.training` have one name, `fit`.
    """
    files = [*(ROOT / "mebench").rglob("*.py"), *(ROOT / "methods").rglob("*.py"), *(ROOT / "datasets").rglob("*.py")]
    rooms = {stub.parent.name for stub in STUBS}
    of_rooms = {(path.name, name) for path in files for name in imports_from(path, "mebench") if name in rooms}
    assert of_rooms == {("choices.py", "training")}
