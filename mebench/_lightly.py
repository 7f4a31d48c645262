"""Lightning without the imports that no process of mebench uses: `import lightning` takes 1.5 s of the processor and
239 MB with it, 4.1 s and 399 MB without (2026-11-26, three times each; PyTorch 2.13.0, Lightning 2.6.6, torchmetrics
1.9.0), in every process that trains.

PyTorch's compiler is imported by Lightning, and by every optimizer, to ask what is compiled: here it is imported on the first compilation.
SciPy's signals and Matplotlib are imported by torchmetrics where they are installed: here they seem not to be, so its metrics draw
no plots. The numbers are the same. It is for processes that mebench starts; a program that imports mebench gets Lightning as it is. Once
Lightning and torchmetrics import these when they use them, this file can go.
"""

import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import PackageNotFoundError
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
UNUSED = ("scipy", "matplotlib")


def load_lightning_lightly() -> None:
    """Let this process import Lightning without them, when it does, and search its objects for garbage less often: libraries make
    millions of them, and nearly all stay.
    """
    gc.set_threshold(50_000, 20, 20)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Compiled(type):
    """Stands in for the compiler in `isinstance` checks until PyTorch's compiler is imported."""

    def __instancecheck__(cls, thing: object) -> bool:
        awake = vars(sys.modules[COMPILER]).get("OptimizedModule")
        return awake is not None and isinstance(thing, awake)


class _Sleeping(ModuleType):
    """The compiler while nothing is compiled: there is nothing to leave out and nowhere to break. Any other name wakes
    it.
    """

    OptimizedModule = _Compiled("OptimizedModule", (), {})

    @staticmethod
    def disable(fn: Any = None, *_: Any, **__: Any) -> Any:
        """Leave a function out of compilation."""
        return (lambda fn: fn) if fn is None else fn

    @staticmethod
    def graph_break(*_: Any, **__: Any) -> None:
        """Break the compiled code in two."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system inspects modules
            raise AttributeError(name)
        self.wake()
        return getattr(self, name)

    def wake(self) -> None:
        """Become the compiler."""
        loader = self.__loader__
        assert isinstance(loader, _Late)
        self.__class__ = ModuleType  # type: ignore[assignment]
        SourceFileLoader.exec_module(loader, self)


class _Late(SourceFileLoader):
    """Loads a module asleep."""

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Sleeping


class _Alone(SourceFileLoader):
    """Loads a package as if those that it could do without were not installed, as Lightning's tools then say."""

    def exec_module(self, module: ModuleType) -> None:
        tools = importlib.import_module("lightning_utilities.core.imports")
        originals = {name: original for name, original in vars(tools).items() if name in ("find_spec", "_version")}
        vars(tools).update({name: partial(_denied, original) for name, original in originals.items()})
        try:
            super().exec_module(module)
        finally:
            vars(tools).update(originals)
            tools.package_available.cache_clear()


def _denied(original: Callable[[str], Any], name: str) -> Any:
    if name in UNUSED:
        raise PackageNotFoundError(name)  # a ModuleNotFoundError
    return original(name)


class _There(Loader):
    """Gives a module that is loaded already."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = sys.modules[spec.name]
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.startswith(f"{COMPILER}."):
            if isinstance(compiler := sys.modules[COMPILER], _Sleeping):
                compiler.wake()  # which loads most of its parts, and none may be there twice
                if fullname in sys.modules:
                    return ModuleSpec(fullname, _There())
            return None
        kind = {COMPILER: _Late, "torchmetrics": _Alone}.get(fullname)
        spec = PathFinder.find_spec(fullname, path) if kind else None
        if kind is None or spec is None or type(spec.loader) is not SourceFileLoader:
            return None
        spec.loader = kind(spec.loader.name, spec.loader.path)
        return spec
