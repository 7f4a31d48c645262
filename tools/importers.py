"""Which tests import a file of mebench, directly or through others, read from the sources alone."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = ("benchmarks", "docs", "tools")
"""Folders of scripts, whose files tests import as top-level modules, too; these import mebench."""
PACKAGES = {"mebench": "mebench", "tests": "tests", "methods": "mebench.methods", "datasets": "mebench.datasets"}
"""Folders of the checkout, and under which name Python finds what is in them."""


class Importers:
    """The import graph of a checkout. Imports inside functions count; so does the name of a plugin in a test's text."""

    def __init__(self, root: Path) -> None:
        self.files = {
            _module(path.relative_to(root)): path.relative_to(root).as_posix()
            for folder in PACKAGES
            for path in sorted((root / folder).rglob("*.py"))
        }
        scripts = {path.stem for folder in SCRIPTS for path in (root / folder).glob("*.py")}
        folders = {path.name for path in root.iterdir() if path.is_dir()}
        self._own = folders | scripts
        self.plugins = {name.split(".")[2]: name.rpartition(".")[0] for name in self.files if _is_plugin(name)}
        self.foreign: set[str] = set()
        """Imported modules of other packages, outside the standard library."""
        self.tests: set[str] = set()
        """Test files, and files of mebench with examples in their docstrings."""
        self._importers: defaultdict[str, set[str]] = defaultdict(set)
        for name, file in self.files.items():
            text = (root / file).read_text(encoding="utf-8")
            if re.match(r"tests/.*test_\w+\.py$", file) or (file.startswith("mebench/") and ">>> " in text):
                self.tests.add(file)
            for other in self._imported(name, file, ast.parse(text)):
                self._importers[other].add(name)

    def distances(self, file: str) -> dict[str, int]:
        """Test files by the length of the shortest chain of imports to a file; 0 for its own docstrings and its mirror."""
        (name,) = (name for name, known in self.files.items() if known == file)
        found, edge, far = {name: 0}, {name}, 0
        while edge:
            far += 1
            edge = {importer for other in edge for importer in self._importers[other]} - set(found)
            found |= dict.fromkeys(edge, far)
        distances = {self.files[name]: far for name, far in found.items() if self.files[name] in self.tests}
        if (own := mirror(file)) in self.tests:
            distances[own] = 0
        return distances

    def _imported(self, name: str, file: str, tree: ast.Module) -> Iterator[str]:
        """Modules of the checkout that a file imports, packages around them and conftests above it included."""
        for full in self._names(name, file, tree):
            if full.partition(".")[0] not in self._own:
                if full.partition(".")[0] not in sys.stdlib_module_names:
                    self.foreign.add(full)
                continue
            parts = full.split(".")
            packages = (".".join(parts[: n + 1]) for n in range(len(parts)))
            yield from (package for package in packages if package in self.files)
        if file.startswith("tests/"):
            above = name.split(".")
            conftests = (".".join([*above[:n], "conftest"]) for n in range(1, len(above)))
            yield from (conftest for conftest in conftests if conftest in self.files and conftest != name)
            constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            texts = [constant for constant in constants if isinstance(constant, str)]
            words = {word for text in texts for word in re.findall(r"\w+", text)}
            for plugin in sorted(words & set(self.plugins)):
                yield from (known for known in self.files if known.startswith(f"{self.plugins[plugin]}."))

    def _names(self, name: str, file: str, tree: ast.Module) -> Iterator[str]:
        package = name.split(".") if file.endswith("__init__.py") else name.split(".")[:-1]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield from [base, *(f"{base}.{alias.name}" for alias in node.names)]


def mirror(file: str) -> str:
    """Where the tests of a file are.

    >>> mirror("mebench/core/types.py")
    'tests/core/test_types.py'
    """
    path = Path(file)
    return Path("tests", *path.parts[1:-1], f"test_{path.name}").as_posix()


def _module(path: Path) -> str:
    inner = path.with_suffix("").parts[1:]
    return ".".join([PACKAGES[path.parts[0]], *(inner[:-1] if inner[-1:] == ("__init__",) else inner)])


def _is_plugin(name: str) -> bool:
    return re.fullmatch(r"mebench\.(methods\.\w+\.method|datasets\.\w+\.dataset)", name) is not None
