"""Loops that numba compiles once a machine.

The first process compiles while others wait. Numba caches the code beside its file or, if that is not writable, in the
user's cache folder; `NUMBA_CACHE_DIR` names another.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, cast

import numba
from filelock import FileLock
from numba.core import event

from mebench.output.terminal import print_lines


def once(
    function: Callable[..., Any], call: Callable[[Any], object], name: str, what: str, **how: Any
) -> Callable[..., Any]:
    """A compiled function, from the cache if a process of this machine has compiled it.

    Args:
        function: plain function to compile; numba's cache does not track functions of other files that it calls.
        call: function that calls it with arguments of the types to compile for.
        name: name of its lock beside the cached code.
        what: text of the notice if it is really compiled, such as "TV-L1 flow, about 10 s".
        how: options for `numba.njit`, such as `fastmath`.
    """
    compiled: Any = numba.njit(error_model="numpy", **how)(function)
    how_often = "in every process: it can be kept nowhere, unless NUMBA_CACHE_DIR names a folder"

    class Notice(event.Listener):  # type: ignore[misc]  # numba has no types
        given = False

        def on_start(self, begun: Any) -> None:
            if not self.given:
                self.given = True
                print_lines(f"compiling {what}, {how_often}", error=True)

        def on_end(self, done: Any) -> None:
            pass

    with ExitStack() as alone:
        with suppress(OSError, RuntimeError):  # numba requires it; a confined process may not even lock
            compiled = numba.njit(error_model="numpy", cache=True, **how)(function)
            alone.enter_context(FileLock(Path(compiled.stats.cache_path) / f"mebench_{name}.lock"))
            how_often = "once on this machine"
        alone.enter_context(event.install_listener("numba:compile", Notice()))  # not where it is read from the cache
        call(compiled)
    return cast(Callable[..., Any], compiled)


def is_kept(function: Callable[..., Any]) -> bool:
    """Whether numba's cache holds code of a function of `once`. It may be of an earlier state of its file."""
    try:
        folder = Path(numba.njit(cache=True)(function).stats.cache_path)
    except RuntimeError:  # it can be kept nowhere
        return False
    code = function.__code__
    name = f"{Path(code.co_filename).stem}.{function.__qualname__}-{code.co_firstlineno}"
    return any(folder.glob(f"{name}.py{sys.version_info.major}{sys.version_info.minor}*.nbi"))
