"""Imports that wait for their first use: of packages, `pd = load_lazily("pandas")`, and of files of mebench, `lazy_imports()`.

`lazy_loader.load` does the first for one file, but it puts an unfinished module where Python lists all modules, and whoever
looks through that list loads them: `import torch` does, by `inspect`, and so imported all of them in every process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from lazy_loader import attach_stub

from mebench.errors import MissingPartError
from mebench.parts import missing_part_sentence

_is_lazy = ContextVar("_is_lazy", default=False)


@contextmanager
def lazy_imports() -> Iterator[None]:
    """A context in which files imported from rooms are loaded at their first use.

        with lazy_imports():
            from mebench.runner import execute, plan

    The command line and the functions of `import mebench` name the files that they call at their top, and yet start
    fast. Editors and type checkers read a plain import. From Python 3.15 on, the language has `lazy from … import …`.
    """
    token = _is_lazy.set(True)
    try:
        yield
    finally:
        _is_lazy.reset(token)


def attach_front(room: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a room, made from its `__init__.pyi`.

    Args:
        room: name of the package.
        file: path of its `__init__.py`.
    """
    folder = Path(file).parent
    give_listed, list_names, names = attach_stub(room, file)

    def give(name: str) -> Any:
        if _is_lazy.get() and (folder / f"{name}.py").is_file():
            return _LazyModule(f"{room}.{name}")
        with refused_without_part():
            return give_listed(name)

    return give, list_names, names


def load_lazily(name: str) -> Any:
    """A stand-in for a module, which imports it at the first use of an attribute.

    So a file names a part of mebench that the installation may lack, where most of what the file does needs none.
    """
    return _LazyModule(name)


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        with refused_without_part():
            return getattr(import_module(self.__name__), name)


@contextmanager
def refused_without_part() -> Iterator[None]:
    """Say in one sentence that a part of mebench is not there. The block imports that part.

    Raises:
        MissingPartError: that part is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        sentence = missing_part_sentence(error.name or "")
        if not sentence:
            raise
        raise MissingPartError(sentence) from error
