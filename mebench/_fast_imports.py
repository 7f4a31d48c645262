"""Faster imports, for the processes that mebench starts. The reasons and the price: docs/contribute/decisions/fast_imports.md.

`import lightning` also imports PyTorch's compiler, Matplotlib and SciPy's signals, and mebench uses none of them there.
`L`, which the files of mebench take from here, is Lightning imported without them.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import lightning as L

__all__ = ["L", "is_tested", "remember_callback_packages", "speed_up_imports"]

SWITCH = "MEBENCH_FAST_IMPORTS"
"""The environment variable that turns this off with the value 0."""
TESTED = {"lightning": "2.6.6", "lightning-utilities": "0.15.3", "torch": "2.13.0", "torchmetrics": "1.9.0"}
"""The versions that `tests/test_fast_imports.py` has passed with. Others are imported as they are."""
COMPILER = "torch._dynamo"
UNUSED_BY_METRICS = ("matplotlib", "scipy")
CALLBACKS = "lightning.pytorch.callbacks_factory"
"""The group of entry points by which an installed package adds callbacks to every Trainer."""

_is_program = False


def speed_up_imports() -> None:
    """Let this process import Lightning without unused packages, and search for garbage less often.

    For a process that belongs to mebench: a user's own program that imports mebench gets Lightning unchanged.
    """
    global _is_program
    _is_program = os.environ.get(SWITCH) != "0"
    gc.set_threshold(50_000, 20, 20)  # libraries make millions of objects, and nearly all stay


def __getattr__(name: str) -> Any:
    """Lightning, as the attribute `L`, imported when it is first asked for."""
    if name != "L":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _is_program and "lightning" not in sys.modules and is_tested():
        with _unused_packages_hidden():
            importlib.import_module("torchmetrics")
        with _without_compiler():
            importlib.import_module("lightning")
    return importlib.import_module("lightning")


def remember_callback_packages() -> None:
    """Look up now, and only once, which packages add callbacks to every Trainer.

    Each Trainer would read the files of all packages again. The copies of a process that has called this need not.
    """
    if _is_program and is_tested():
        registry: Any = importlib.import_module("lightning.fabric.utilities.registry")
        registry.entry_points = functools.cache(metadata.entry_points)
        registry.entry_points(group=CALLBACKS)


def is_tested() -> bool:
    """Whether the installed versions are the `TESTED` ones."""
    try:
        # A build such as 2.13.0+cpu has the same Python files.
        return all(metadata.version(package).split("+")[0] == version for package, version in TESTED.items())
    except metadata.PackageNotFoundError:  # installed under another name
        return False


@contextmanager
def _unused_packages_hidden() -> Iterator[None]:
    """A context in which torchmetrics finds neither Matplotlib nor SciPy. Its metrics then draw no plots."""
    finders: Any = importlib.import_module("lightning_utilities.core.imports")
    find_spec, find_version = finders.find_spec, finders._version

    def refuse_unused(package: str) -> None:
        if package in UNUSED_BY_METRICS:
            raise metadata.PackageNotFoundError(package)

    def find_other_spec(package: str) -> Any:
        refuse_unused(package)
        return find_spec(package)

    def find_other_version(package: str) -> str:
        refuse_unused(package)
        return str(find_version(package))

    finders.find_spec, finders._version = find_other_spec, find_other_version
    try:
        yield
    finally:
        finders.find_spec, finders._version = find_spec, find_version
        finders.package_available.cache_clear()  # which remembers that they are missing


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Replace `torch._dynamo` by a module of the two names that Lightning takes."""
    torch = importlib.import_module("torch")
    if COMPILER in sys.modules:
        yield
        return

    def disable(fn: Any = None, recursive: bool = True, **_: Any) -> Any:
        """Exclude a function from compilation, in the form that PyTorch has for itself: at the first call."""
        return torch._disable_dynamo(fn, recursive)

    compiler: Any = ModuleType(COMPILER)
    compiler.OptimizedModule = _OptimizedModule("OptimizedModule", (), {})
    compiler.disable = disable
    sys.modules[COMPILER] = compiler
    try:
        yield
    finally:
        del sys.modules[COMPILER]  # from here on an import gives the compiler itself


class _OptimizedModule(type):
    """Makes the class that Lightning knows compiled networks by: an instance of it is one of the compiler's class."""

    def __instancecheck__(cls, network: object) -> bool:
        compiler = sys.modules.get(COMPILER)
        return isinstance(network, getattr(compiler, "OptimizedModule", ()))
