"""A check, functions that run many checks, and data for training in a test."""

import tempfile
import traceback
import unittest
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from mebench.errors import MebenchError, find_plugin_line
from mebench.finding import Finding, Severity, sentences_of

TINY: tuple[str, ...] = (
    "dataset=synthetic",
    "dataset.subjects=3",
    "dataset.videos=1",
    "dataset.frames=60",
    "dataset.size=96",
    "dataset.short_videos=true",
)
"""Settings of a drawn dataset: 3 subjects, each with 1 video of 60 frames with one micro-expression and landmarks."""
LONGEST = 500
"""Most characters of a reason; the middle of a longer one is left out."""


temporary_folder = cache(lambda: tempfile.TemporaryDirectory(prefix="mebench-testing-"))


def scratch_folder() -> Path:
    """The folder of features of all checks; it ends with this process."""
    return Path(temporary_folder().name)


F = TypeVar("F", bound=Callable[[Any], None])


def promise(fix: str, after: str = "") -> Callable[[F], F]:
    """Mark a function as a check; its docstring states the promise.

    Args:
        fix: the remedy for a broken promise.
        after: name of a check that must pass before this one.
    """

    def marked(function: F) -> F:
        function.__dict__.update(fix=fix, after=after)
        return function

    return marked


@dataclass(frozen=True)
class Check:
    """One promise of the contract.

    Attributes:
        plugin: id of the plugin.
        name: name of the promise, for example `same_seed_same_predictions`.
        promise: the promise in a sentence.
        fix: the remedy if it is broken.
    """

    plugin: str
    name: str
    promise: str
    fix: str
    _look: Callable[[], Exception | None] = field(repr=False, compare=False)

    def run(self) -> None:
        """Check whether the plugin keeps the promise.

        Raises:
            AssertionError: it does not; the message gives the fault and the remedy.
            unittest.SkipTest: it cannot be checked here, because the data are absent or another promise is broken.
                pytest shows the reason.
        """
        if (error := self._look()) is not None:
            raise error

    def __str__(self) -> str:
        return f"{self.plugin}-{self.name}"


@dataclass(frozen=True)
class CheckOutcome:
    """The outcome of a check.

    Attributes:
        check: the check.
        status: `kept`, `broken`, or `untold` if it cannot be checked here.
        reason: fault and remedy of a promise that is not kept; else empty.
        details: traceback of a broken promise.
    """

    check: Check
    status: Literal["kept", "broken", "untold"]
    reason: str = ""
    details: str = field(repr=False, default="")

    @property
    def finding(self) -> Finding:
        """What a plugin's author should know: the check, and the reason if it is not kept."""
        return Finding(SEVERITIES[self.status], str(self.check), self.reason)


SEVERITIES: Mapping[str, Severity] = {"kept": "fine", "broken": "error", "untold": "warning"}
"""Severity of each status of a check."""


def collect_checks(plugin: str, subject: Any, checks: Sequence[Callable[[Any], None]]) -> list[Check]:
    """Checks from functions of one subject, each marked by `promise`; a function's name is the check's.

    Each runs once, and failures that follow from another failure are not reported.
    """
    functions = {check.__name__: check for check in checks}
    errors: dict[str, Exception | None] = {}

    def look(name: str) -> Exception | None:
        if name not in errors:
            function = functions[name]
            errors[name] = None
            try:
                if (before := function.__dict__["after"]) and look(before) is not None:
                    raise unittest.SkipTest(f"needs {before} first")
                function(subject)
            except unittest.SkipTest as skipped:
                errors[name] = skipped
            except Exception as error:  # a plugin may raise any error
                message = f"{failure_reason(error, subject)}. {function.__dict__['fix']}"
                errors[name] = AssertionError(message).with_traceback(error.__traceback__)
        return errors[name]

    return [
        Check(plugin, name, " ".join((check.__doc__ or "").split()), check.__dict__["fix"], partial(look, name))
        for name, check in functions.items()
    ]


def failure_reason(error: Exception, subject: Any) -> str:
    """The reason of a failure, in a sentence without its full stop; a crash inside a plugin is reported with file and
    line.
    """
    message = " ".join(str(error).split()).rstrip(".")
    if not isinstance(error, AssertionError | MebenchError):
        message = f"{type(error).__name__}: {message}"
        found = find_plugin_line(error, subject.owns_file)
        if found is not None:
            message = f"{found.file.name}, line {found.line}: {message}"
    return message if len(message) <= LONGEST else f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"


def run_checks(checks: Iterable[Check]) -> Iterator[CheckOutcome]:
    """Run all checks, whatever fails."""
    for check in checks:
        try:
            check.run()
        except unittest.SkipTest as untold:
            yield CheckOutcome(check, "untold", str(untold))
        except Exception as error:
            yield CheckOutcome(check, "broken", str(error), "".join(traceback.format_exception(error)))
        else:
            yield CheckOutcome(check, "kept")


def run_all(checks: Iterable[Check]) -> list[str]:
    """Run all checks, whatever fails.

    Returns: Names of the checks that were not possible here, with the reason.

    Raises:
        AssertionError: some failed; one line for each.
    """
    findings = [outcome.finding for outcome in run_checks(checks)]
    broken = sentences_of(findings, "error")
    if broken:
        raise AssertionError("\n".join(broken))
    return sentences_of(findings, "warning")
