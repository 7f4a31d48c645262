"""Private names of libraries: which the code uses, and whether the installed versions still have them."""

import ast
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import re
from collections.abc import Callable, Iterator
from ctypes import CDLL
from pathlib import Path

import openpyxl
import optuna
import pytest
import torch
from lightning.fabric.utilities import seed
from lightning.pytorch.core import optimizer
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "contribute" / "decisions" / "libraries.md"
DOCUMENTED = {"_asdict", "_exit", "_repr_png_"}
"""Names of the standard library and of IPython that begin so and are documented."""


def has_trial_names() -> bool:
    """Whether a study and its trials have what heartbeats need."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    return hasattr(study, "_storage") and hasattr(study.ask(), "_trial_id")


PROBES: dict[str, Callable[[], bool]] = {
    "_NamedFuncPointer": lambda: type(CDLL(None).getpid).__name__ == "_FuncPtr",
    "_cell_styles": lambda: hasattr(openpyxl.Workbook(), "_cell_styles"),
    "_collect_rng_states": lambda: hasattr(seed, "_collect_rng_states"),
    "_configure_optimizers": lambda: hasattr(optimizer, "_configure_optimizers"),
    "_date_formats": lambda: hasattr(openpyxl.Workbook(), "_date_formats"),
    "_disable_dynamo": lambda: hasattr(torch, "_disable_dynamo"),
    "_fonts": lambda: hasattr(openpyxl.Workbook(), "_fonts"),
    "_forkserver_pid": lambda: hasattr(multiprocessing.forkserver.ForkServer(), "_forkserver_pid"),
    "_get_source": lambda: hasattr(ReadOnlyWorksheet, "_get_source"),
    "_resource_tracker": lambda: hasattr(multiprocessing.resource_tracker, "_resource_tracker"),
    "_set_rng_states": lambda: hasattr(seed, "_set_rng_states"),
    "_stop": lambda: hasattr(multiprocessing.forkserver.ForkServer, "_stop"),
    "_storage": has_trial_names,
    "_style_id": lambda: "_style_id" in ReadOnlyCell.__slots__,
    "_trial_id": has_trial_names,
}
"""By name, whether the installed library has it."""
OWN_TOO = {"_storage"}
"""Names of libraries that the house has, too."""


@pytest.mark.parametrize("name", sorted(PROBES))
def test_private_names_are_still_there(name: str) -> None:
    """A library that drops a private name is noticed here, not in a user's run."""
    assert PROBES[name](), f"{name} is gone: {PAGE.name} says what takes its place"


def test_private_names_of_libraries_are_on_the_page() -> None:
    """The page on libraries lists the private names that the code uses, and no others."""
    section = PAGE.read_text(encoding="utf-8").partition("## Private names")[2]
    listed = set(re.findall(r"`(_[A-Za-z_]+)`", section))
    assert listed == set(PROBES)
    assert set(private_names_of_libraries()) == set(PROBES) - OWN_TOO


def private_names_of_libraries() -> Iterator[str]:
    """Private names that the code uses and defines nowhere."""
    used, own = set[str](), set[str]()
    for room in ("mebench", "methods", "datasets"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                own |= names_defined_by(node)
                used |= names_used_by(node)
    return (name for name in used - own - DOCUMENTED if not name.startswith("__"))


def names_defined_by(node: ast.AST) -> set[str]:
    """The name that a function, class, variable or attribute of `self` gets."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    is_own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return {node.attr} if is_own and isinstance(node.ctx, ast.Store) else set()


def names_used_by(node: ast.AST) -> set[str]:
    """Private names that are read: as an attribute, by `getattr`, or imported from a library."""
    found = []
    if isinstance(node, ast.Attribute):
        found = [node.attr]
    elif isinstance(node, ast.ImportFrom) and not (node.level or (node.module or "").startswith("mebench")):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr"):
        found = [word.value for word in node.args[1:2] if isinstance(word, ast.Constant)]
    return {name for name in found if isinstance(name, str) and name.startswith("_")}
