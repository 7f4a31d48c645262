"""The packages `mebench.methods` and `mebench.datasets`, which can be called for the list of their plugins."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar


class Listed(ModuleType):
    """A package of plugins that can be called for their list.

    `mebench.methods.mean` is one of them, and `mebench.methods()` lists all, as a data frame.

    Attributes:
        listed: function that makes the list of a kind; `mebench` sets it, which is imported before its packages.
        built: function that makes an object of a kind; set in the same way.
    """

    listed: ClassVar[Callable[[str, Any], Any]]
    built: ClassVar[Callable[..., Any]]

    def __call__(self, plugins: Any = ()) -> Any:
        """All plugins by id; see `mebench.api.listed`."""
        return type(self).listed(self.__name__.rpartition(".")[2].removesuffix("s"), plugins)

    def build(self, name: str, *how: Any, **params: Any) -> Any:
        """A plugin as an object, `mebench.methods.build("mean", classes=("a", "b"), p=0.6)`; see `mebench.api.built`."""
        return type(self).built(self.__name__.rpartition(".")[2].removesuffix("s"), name, *how, **params)
