"""A check, the ways to run many, and data small enough to train on in a test."""

import tempfile
import unittest
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

TINY: tuple[str, ...] = (
    "dataset=synthetic",
    "dataset.subjects=3",
    "dataset.videos=1",
    "dataset.frames=60",
    "dataset.size=96",
    "dataset.short_videos=true",
)
"""Words of a drawn dataset: 3 subjects, 1 video each of 60 frames with one micro-expression and landmarks."""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mebench-testing-")


def scratch() -> Path:
    """A folder for features that all checks of this process share; it goes when the process ends."""
    return Path(_folder().name)


@dataclass(frozen=True)
class Check:
    """One promise of the contract.

    Attributes:
        plugin: id of the plugin.
        name: what is promised, for example `same_seed_same_predictions`.
    """

    plugin: str
    name: str
    _run: Callable[[], None] = field(repr=False, compare=False)

    def run(self) -> None:
        """Look whether the plugin keeps the promise.

        Raises:
            AssertionError: it does not; the message says how.
            unittest.SkipTest: it cannot be told here, for example because the data are absent. pytest shows the reason.
            MebenchError: the plugin stopped with one of its own errors.
        """
        self._run()

    def __str__(self) -> str:
        return f"{self.plugin}-{self.name}"


def collect(plugin: str, subject: object, checks: Sequence[Callable[[Any], None]]) -> list[Check]:
    """Checks from functions of one subject; a function's name is the check's."""
    return [Check(plugin, check.__name__, partial(check, subject)) for check in checks]


def run_all(checks: Iterable[Check]) -> list[str]:
    """Run checks to the last, whatever fails.

    Returns:
        Names of those that could not be told, with the reason.

    Raises:
        AssertionError: some failed; one line for each.
    """
    failed, skipped = [], []
    for check in checks:
        try:
            check.run()
        except unittest.SkipTest as reason:
            skipped.append(f"{check}: {reason}")
        except Exception as error:  # one check's crash must not hide the others
            failed.append(
                f"{check}: {error if isinstance(error, AssertionError) else f'{type(error).__name__}: {error}'}"
            )
    if failed:
        raise AssertionError("\n".join(failed))
    return skipped


def parametrize_with_checks(checks: Iterable[Check]) -> Any:
    """A decorator that makes one pytest test of each check; the test takes the argument `check`."""
    import pytest

    return pytest.mark.parametrize("check", [*checks], ids=str)
