"""Slow results of records and leaderboards, kept by hashes of inputs and code."""

import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

from mebench._installation import PACKAGE
from mebench.atomic import replace_file
from mebench.files import code_hash, file_hash
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.config import settings as run_settings, sources

T = TypeVar("T")
HASHING = PACKAGE / "files.py"
"""The code of `code_hash`."""
UNUSED_SECONDS = 30 * 24 * 3600.0
"""Entries that no leaderboard has used for this time are removed."""


@cache  # a build asks for it thousands of times
def cache_folder() -> Path:
    """The folder of the cache, as the user's settings name it at the first use."""
    return Path(sources.user_setting("cache", run_settings.RunSettings().cache)).expanduser() / "boards"


def cached_result(make: Callable[[], T], code: tuple[str, ...], *inputs: Any) -> T:
    """The result of `make`, which is called only if the cache lacks it.

    A damaged entry is computed again.

    Args:
        make: returns plain data that JSON can hold.
        code: patterns of the files of mebench that compute the result.
        inputs: everything else that determines the result, as plain data.
    """

    def make_and_count() -> T:
        _counts["made"] += 1
        return make()

    return _kept_result(make_and_count, [hash_of_code(code), *inputs])


_counts = Counter[str]()
"""Under `made` the number of results of this process that the cache lacked."""


def n_made() -> int:
    """Number of results that this process has made, since the cache lacked them."""
    return _counts["made"]


def keeps_results() -> bool:
    """Whether the cache can be written, so that one process finds what another has made."""
    with suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
    return os.access(cache_folder(), os.W_OK)


def _kept_result(make: Callable[[], T], key: list[Any]) -> T:
    """The result of `make` for a key of plain data."""
    file = cache_folder() / _digest(json.dumps(key, sort_keys=True))
    with suppress(OSError, ValueError):
        hash_, _, text = file.read_text(encoding="utf-8").partition("\n")
        if hash_ == _digest(text):
            file.touch()
            return cast(T, json.loads(text))
    made = make()
    text = json.dumps(made)
    with suppress(OSError):  # then it is computed again next time
        replace_file(file, f"{_digest(text)}\n{text}")
    return made


def forget_unused() -> None:
    """Remove entries without recent use."""
    with suppress(OSError):
        for file in cache_folder().iterdir():
            if file.stat().st_mtime < time.time() - UNUSED_SECONDS:
                file.unlink()


@cache
def hash_of_code(code: tuple[str, ...]) -> str:
    """Hash of code, and of the versions of packages that produce numbers, figures and pages.

    Comments and docstrings do not count.
    """
    hash_of_hashing = file_hash(HASHING)
    hashes = [
        (file.relative_to(PACKAGE).as_posix(), _kept_code_hash(file, hash_of_hashing))
        for pattern in code
        for file in sorted(PACKAGE.glob(pattern))
    ]
    libraries = ("numpy", "pandas", "scipy", "networkx", "matplotlib", "jinja2", "markdown-it-py")
    return _digest(json.dumps([hashes, [version(name) for name in libraries]]))


def _kept_code_hash(file: Path, hash_of_hashing: str) -> str:
    """The `code_hash` of a file, kept by its bytes and those of `HASHING`: parsing all code takes half a second."""
    key = ["code", sys.version, file.suffix, file_hash(file), hash_of_hashing]
    return _kept_result(partial(code_hash, file), key)


def _digest(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
