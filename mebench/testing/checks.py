"""A check, and the ways to run many."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


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

    def bound(check: Callable[[Any], None]) -> Callable[[], None]:
        return lambda: check(subject)

    return [Check(plugin, check.__name__, bound(check)) for check in checks]


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

    listed = list(checks)
    return pytest.mark.parametrize("check", listed, ids=[str(check) for check in listed])
