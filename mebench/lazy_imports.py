"""Packages that are imported when something of them is first used: `pd = load_lazily("pandas")`.

`lazy_loader.load` does the same for one file, but it puts an unfinished module where Python lists all modules, and whoever
looks through that list loads them: `import torch` does, by `inspect`, and so imported all of them in every process.
"""

from importlib import import_module
from types import ModuleType
from typing import Any


def load_lazily(name: str) -> Any:
    """A stand-in for a module, which imports it at the first use of an attribute."""
    return _LazyModule(name)


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)
