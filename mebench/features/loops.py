"""Loops that numba compiles once a machine.

The first process compiles while others wait. Numba caches the code beside its file or, if that is not writable, in the
user's cache folder; `NUMBA_CACHE_DIR` names another.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
from filelock import FileLock
from numba.core import event

from mebench.console import print_lines


def once(
    function: Callable[..., Any], call: Callable[[Any], object], name: str, what: str, **how: Any
) -> Callable[..., Any]:
    """A compiled function, from the cache if a process of this machine has compiled it.

    Args:
        function: to compile; numba's cache does not track functions of other files that it calls.
        call: calls it with arguments of the types to compile for.
        name: of its lock beside the cached code.
        what: text of the notice if it is really compiled, such as "TV-L1 flow, about 10 s".
        how: options of `numba.njit`, such as `fastmath`.
    """
    found: Any = numba.njit(error_model="numpy", **how)(function)
    how_often = "in every process: it can be kept nowhere, unless NUMBA_CACHE_DIR names a folder"
    with ExitStack() as alone:
        with suppress(OSError, RuntimeError):  # numba requires it; a confined process may not even lock
            found = numba.njit(error_model="numpy", cache=True, **how)(function)
            alone.enter_context(FileLock(Path(found.stats.cache_path) / f"mebench_{name}.lock"))
            how_often = "once on this machine"
        alone.enter_context(compile_notice(f"compiling {what}, {how_often}"))
        call(found)
    answer: Callable[..., Any] = found
    return answer


@contextmanager
def compile_notice(what: str) -> Iterator[None]:
    """A context that prints a notice on standard error, once, if something is really compiled and not read from numba's
    cache.
    """

    class Once(event.Listener):  # type: ignore[misc]  # numba has no types
        said = False

        def on_start(self, begun: Any) -> None:
            if not self.said:
                self.said = True
                print_lines(what, error=True)

        def on_end(self, done: Any) -> None:
            pass

    with event.install_listener("numba:compile", Once()):
        yield
