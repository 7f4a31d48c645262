"""Loops that numba compiles once a machine.

The first process that asks compiles, while the others wait: numba keeps the code beside the file that it comes from or, where it cannot
write there, in the user's cache folder; `NUMBA_CACHE_DIR` names another.
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
    """A function compiled, from the cache if any process of this machine has put it there.

    Args:
        function: to be compiled; what it calls from another file is nothing that numba's cache looks at.
        call: calls it, with what it is to be compiled for.
        name: of its lock, one beside the code in the cache.
        what: is said, once, when something is really compiled, such as "TV-L1 flow, about 10 s".
        how: more words for `numba.njit`, such as `fastmath`.
    """
    found: Any = numba.njit(error_model="numpy", **how)(function)
    how_often = "in every process: it can be kept nowhere, unless NUMBA_CACHE_DIR names a folder"
    with ExitStack() as alone:
        with suppress(OSError, RuntimeError):  # numba says so; a confined process may not even lock
            found = numba.njit(error_model="numpy", cache=True, **how)(function)
            alone.enter_context(FileLock(Path(found.stats.cache_path) / f"mebench_{name}.lock"))
            how_often = "once on this machine"
        alone.enter_context(compile_notice(f"compiling {what}, {how_often}"))
        call(found)
    answer: Callable[..., Any] = found
    return answer


@contextmanager
def compile_notice(what: str) -> Iterator[None]:
    """Say on standard error, once, when something is really compiled meanwhile; nothing where all comes from numba's cache."""

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
