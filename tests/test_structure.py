"""The house as CONTRIBUTING draws it: imports go down, none in a circle."""

import ast
import re
from functools import cache
from pathlib import Path

import networkx
import pytest

from tests.helpers.sources import statements

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "mebench": "mebench",
    "methods": "mebench.methods",
    "datasets": "mebench.datasets",
    "benchmarks": "benchmarks",
}
DRAWN = re.search(
    r"## The house\n.*?```text\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL
)
N_FLOORS = 16


def modules() -> dict[str, Path]:
    """Every file of the house by the name under which it is imported."""
    found = {}
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


@cache
def fronts() -> dict[str, str]:
    """What the fronts of rooms give, by its full name: the file that it comes from."""
    found = {}
    for stub in (ROOT / "mebench").rglob("__init__.pyi"):
        room = ".".join(stub.parent.relative_to(ROOT).parts)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{room}.{alias.asname}": f"{room}.{node.module}" for alias in node.names}
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The files that a file imports, inside functions and for types too, through the front of a room and by their names
    as text; but that is how the core opens the packages of plugins, none of which it knows.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    text = path.read_text(encoding="utf-8")
    found = set()
    tree = ast.parse(text)
    for node in ast.walk(tree) if "import_module" in text else statements(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            full = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in known else fronts().get(name, base) for name in full}
        elif isinstance(node, ast.Call) and "import_module" in vars(node.func).values():
            found |= {word.value for word in node.args[:1] if isinstance(word, ast.Constant)} - set(FOLDERS.values())
    return (found & set(known)) - {name}


@pytest.fixture(scope="module")
def graph() -> "networkx.DiGraph":
    known = modules()
    found = {name: imports(name, path, known) for name, path in known.items()}
    found["mebench"] = set()  # the front door: its names are those of api/, which come when they are used
    return networkx.DiGraph(found)


def room(name: str) -> str:
    """Where a file stands: a folder of mebench/, or a file directly in it."""
    first, *rest = name.split(".")
    return rest[0] if first == "mebench" and rest else first


def plugin(name: str) -> str | None:
    """The plugin that a file belongs to."""
    return ".".join(name.split(".")[:3]) if re.match(r"mebench\.(methods|datasets)\.", name) else None


def floors() -> dict[str, int]:
    """The floor of each room, as drawn; a line without a number belongs to the floor above it."""
    found = {"mebench": 1}
    floor = 0
    for line in DRAWN[1].splitlines():
        floor = int(number[0]) if (number := re.match(r"\d+", line)) else floor
        found |= dict.fromkeys(re.findall(r"(\w+)(?:/|\.py)", line[3:36]), floor)
    return found


def test_structure_has_no_circle_of_imports(graph):
    components = networkx.strongly_connected_components(graph)
    assert [sorted(component) for component in components if len(component) > 1] == []


def test_structure_has_imports_point_downward_between_rooms(graph):
    floor = floors()
    assert sorted({room(name) for name in graph} - set(floor)) == []
    upward = [
        f"{above} -> {below}"
        for above, below in graph.edges
        if room(above) != room(below) and floor[room(above)] <= floor[room(below)]
    ]
    assert upward == []
    assert sorted(set(floor.values())) == [*range(1, N_FLOORS + 1)]


def test_plugins_import_no_other_plugin(graph):
    between_plugins = [(a, b) for a, b in graph.edges if plugin(a) and plugin(b)]
    assert [(a, b) for a, b in between_plugins if plugin(a) != plugin(b)] == []


def test_core_names_no_plugin(graph):
    named = {below for above, below in graph.edges if above.startswith("mebench.") and plugin(above) is None}
    assert [name for name in named if plugin(name)] == []
