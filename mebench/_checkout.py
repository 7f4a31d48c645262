"""This copy of mebench: its version, the folders beside the package in a source checkout, and the lists of its plugins."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

VERSION = "0.2.0"

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent


def checkout_folder(folder: str) -> list[str]:
    """The checkout's top-level `folder`, or nothing in an installed wheel.

    Only a checkout has a `pyproject.toml` naming mebench beside the package. In site-packages a folder called
    `datasets` belongs to another package.

    >>> checkout_folder("no such folder")
    []
    """
    project = ROOT / "pyproject.toml"
    path = ROOT / folder
    if path.is_dir() and project.is_file() and 'name = "mebench"' in project.read_text(encoding="utf-8"):
        return [str(path)]
    return []


class Listed(ModuleType):
    """A package of plugins: `mebench.methods.mean` is one of them, and `mebench.methods()` lists all, as a data frame.

    Attributes:
        listed: makes the list of a kind; `mebench` sets it, which is imported before any of its packages.
        built: makes an object of a kind, likewise.
    """

    listed: ClassVar[Callable[[str, Any], Any]]
    built: ClassVar[Callable[..., Any]]

    def __call__(self, plugins: Any = ()) -> Any:
        """All plugins by id; see `mebench.api.listed`."""
        return type(self).listed(self.__name__.rpartition(".")[2].removesuffix("s"), plugins)

    def build(self, name: str, *how: Any, **params: Any) -> Any:
        """A plugin as an object, `mebench.methods.build("mean", classes=("a", "b"), p=0.6)`; see `mebench.api.built`."""
        return type(self).built(self.__name__.rpartition(".")[2].removesuffix("s"), name, *how, **params)


def shipped(folder: str) -> list[str]:
    """The checkout's top-level `folder`; in an installed wheel its part of it.

    >>> shipped("no such folder")
    []
    """
    packaged = PACKAGE / folder
    return checkout_folder(folder) or [str(packaged)] * packaged.is_dir()
