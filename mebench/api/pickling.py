"""Pickling the code of a user's own files together with the objects that they define."""

from __future__ import annotations

import sysconfig
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cloudpickle
else:
    cloudpickle = load_lazily("cloudpickle")

_REGISTER = threading.Lock()
"""Held while cloudpickle's register, which is the whole process's, names modules."""

_PACKAGES = {"site-packages", "dist-packages"}
"""Names of folders of installed packages."""


@contextmanager
def with_own_code(modules: Iterable[ModuleType]) -> Iterator[None]:
    """A context in which the code of modules is pickled with what they define.

    Their files may change or move later. Installed ones are imported instead.
    """
    # Definitions of the program itself are pickled completely anyway.
    own = [module for module in modules if module.__name__ != "__main__" and not is_installed(module)]
    with _REGISTER:
        known = cloudpickle.list_registry_pickle_by_value()
        added = [module for module in own if module.__name__ not in known]
        for module in added:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)


def is_installed(module: ModuleType) -> bool:
    """Whether a module is installed, also in the environment below a virtual one."""
    file = getattr(module, "__file__", None)
    if file is None:
        return True
    lies_in_packages = not _PACKAGES.isdisjoint(Path(file).parts)
    folders = set(sysconfig.get_paths().values())
    return lies_in_packages or any(Path(file).is_relative_to(folder) for folder in folders)
