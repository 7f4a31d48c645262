"""The errors that users see: what is wrong, where, the nearest match, and what to do next."""

import difflib
import errno
import os
import re
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MOST_NAMES = 60
"""Names that a sentence lists; of more only the nearest one, or these."""


class MebenchError(Exception):
    """A mistake that one sentence explains. The command line prints it without a traceback and exits with `exit_code`."""

    exit_code = 1


class ConfigError(MebenchError):
    """A key, value or word of the configuration is wrong.

    Attributes:
        settings: keys of the settings that are at fault, where they are known.
    """

    exit_code = 2

    def __init__(self, *sentence: str, settings: Iterable[str] = ()) -> None:
        super().__init__(*sentence)
        self.settings = frozenset(settings)


class PluginError(MebenchError):
    """A plugin is unknown, broken, or does not keep the contract."""

    exit_code = 2


class MissingPartError(MebenchError):
    """A room of mebench that this installation lacks is needed, see `mebench.parts`."""

    exit_code = 2


class DataError(MebenchError):
    """A dataset, a file or a frame is missing or unreadable."""

    exit_code = 3


class RunError(MebenchError):
    """A run could not be written, resumed or finished."""

    exit_code = 4


class SomeFailedError(MebenchError):
    """Some of several videos, files or runs failed; the others are done."""

    exit_code = 5


class InterruptedRunError(MebenchError):
    """Work was stopped by Ctrl-C, SIGTERM or SIGHUP; finished work is kept."""

    exit_code = 130

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        if cause is not None and cause.args:  # the number of the signal, see `runner.execute.stopped_by_signals`
            self.exit_code = 128 + cause.args[0]


_FULL = {
    **dict.fromkeys(("run", "resume"), "finished folds are kept, and mebench resume continues with them"),
    **dict.fromkeys(("tune", "reproduce"), "finished parts are kept, and the same command continues"),
    "track": "the runs are kept unchanged, and the same command sends them again",
    "leaderboard": "records and pages are written whole or not at all, and the same command writes them again",
    "data": "remove the unfinished folder or file, then give the same command",
}
"""Remedies for the half-finished work that a full disk leaves, by the verb of the command."""


_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room there, or name another place"),
    errno.EFBIG: "the file, or what your account may write, has a limit: ulimit -f shows it; or name another place",
    errno.EROFS: "nothing can be written there: name a place on another disk (the option or setting, HOME, TMPDIR, XDG_CACHE_HOME)",
    errno.EMFILE: "allow more open files with ulimit -n 4096, or take fewer workers (workers=1)",
    errno.ENFILE: "the whole machine has too many files open: end other programs",
    errno.EEXIST: "a file stands where a folder is needed, or a folder where a file is: name another place",
    errno.EACCES: "check whose it is, or name another place",
    errno.ENOMEM: "memory ran out: end other programs, or take fewer workers (workers=1)",
}
"""Remedies for errors of the system, by their numbers."""


def _remedy(error: OSError) -> str:
    """The remedy; empty where the reason is in words of our own, which name it."""
    number = error.errno or 0
    return _REMEDIES.get(number, "") if error.strerror == os.strerror(number) else ""


@contextmanager
def refused_by_system(what: str, then: str = "", error: type[MebenchError] = DataError) -> Iterator[None]:
    """Turn an error of the system in a block into one sentence: what could not be done, why, and the remedy.

    Args:
        what: the path and what cannot be done with it.
        then: the next step, where the block knows a better one than the system's.
        error: class of the error to raise.

    Raises:
        MebenchError: the system refused something.
    """
    try:
        yield
    except OSError as refusal:
        remedy = then or _remedy(refusal)
        raise error(f"{what}: {refusal.strerror or refusal}{f': {remedy}' if remedy else ''}") from refusal


@contextmanager
def refused_by_plugin(what: str, then: str = "", error: type[MebenchError] = PluginError) -> Iterator[None]:
    """Turn an error of a plugin's own code in a block into one sentence: what it could not do, and why.

    Args:
        what: the plugin and what it cannot do.
        then: the next step.
        error: class of the error to raise.

    Raises:
        MebenchError: of the code itself, or instead of its error.
    """
    try:
        yield
    except MebenchError:
        raise
    except Exception as fault:
        line = find_plugin_line(fault)
        place = f" ({line})" if line else ""
        raise error(f"{what}: {describe_error(fault)}{place}{f'. {then}' if then else ''}") from fault


@contextmanager
def at_fault(setting: str) -> Iterator[None]:
    """Let each `ConfigError` of a block say that a setting is at fault.

    Args:
        setting: key of the setting.
    """
    try:
        yield
    except ConfigError as error:
        error.settings |= {setting}
        raise


@contextmanager
def keys_behind(prefix: str, kind: str) -> Iterator[None]:
    """Name the keys of a plugin as its user set them: it calls them `method.size` or `dataset.root` wherever it stands.

    Args:
        prefix: `recognizer.`, or `dataset.casme2.` in a composite.
        kind: `method` or `dataset`.
    """
    try:
        yield
    except (ConfigError, ValueError) as error:
        renamed = type(error)(re.sub(rf"(?<![\w./]){kind}\b\.(?=\w)", prefix, str(error)))
        if isinstance(error, ConfigError) and isinstance(renamed, ConfigError):
            renamed.settings = error.settings
        raise renamed from error


class PluginLine(NamedTuple):
    """A line of a plugin's code."""

    file: Path
    line: int

    def __str__(self) -> str:
        """The line as sentences name it, without the folders above the plugin's."""
        return f"{'/'.join(self.file.parts[-3:])}, line {self.line}"


def find_plugin_line(error: BaseException, owns_file: Callable[[Path], bool] | None = None) -> PluginLine | None:
    """The deepest line of a plugin that an exception passed; None if it passed none.

    Args:
        error: the exception, as caught.
        owns_file: whether a file belongs to the plugin; by default any plugin's does.
    """
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = Path(frame.f_code.co_filename)
        if file.name.startswith("<"):  # code that stands in no file, such as a dataclass's `__init__`
            continue
        is_own = _is_of_plugin(frame.f_globals.get("__name__", ""), file) if owns_file is None else owns_file(file)
        if is_own:
            found = PluginLine(file, line)
    if isinstance(error, SyntaxError) and error.filename and owns_file and owns_file(Path(error.filename)):
        found = PluginLine(Path(error.filename), error.lineno or 1)
    return found


_PACKAGE = Path(__file__).parent


def _is_of_plugin(module: str, file: Path) -> bool:
    """Whether a module is a plugin's: of a method or dataset, or one that a folder added to mebench's own."""
    if module.startswith(("mebench.methods.", "mebench.datasets.", "mebench_own_metrics.")):
        return True
    return module.startswith("mebench.") and not file.is_relative_to(_PACKAGE)


def describe_error(error: BaseException) -> str:
    """The reason of a failure, in one line."""
    if isinstance(error, MebenchError):
        return str(error)
    message = system_sentence(error) if isinstance(error, OSError) and error.errno is not None else str(error)
    name = type(error).__name__
    text = " ".join(message.split())
    if name == "OutOfMemoryError":  # torch's
        return "the memory of the GPU was not enough: use fewer workers=N"
    # What torch and OpenCV say where Python raises a MemoryError.
    if isinstance(error, MemoryError) or any(
        words in text for words in ("can't allocate memory", "Insufficient memory")
    ):
        return "the memory of this machine was not enough: use fewer workers=N"
    return f"{name}: {text}" if text else name


def system_sentence(error: OSError, verb: str = "") -> str:
    """One sentence for a system error: the operation, the path and the remedy.

    >>> system_sentence(OSError(28, "No space left on device", "a.csv"), "score")
    'the disk is full: a.csv. Free some space: the same command then writes everything again'
    >>> system_sentence(OSError(30, "Read-only file system"))
    'nothing can be written at /dev/shm, through which processes share memory: mount it writable'
    """
    where = f": {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full{where}. Free some space: {_FULL.get(verb, 'the same command then writes everything again')}"
    if error.errno == errno.EROFS and not where:
        return "nothing can be written at /dev/shm, through which processes share memory: mount it writable"
    remedy = _remedy(error)
    return f"{error.strerror or error}{where}{f': {remedy}' if remedy else ''}"


def check_known(
    what: str,
    name: str,
    known: Collection[str],
    then: str = "",
    error: type[MebenchError] = ConfigError,
    where: str = "",
) -> None:
    """Refuse a name that is not among the known ones, with the sentence of `unknown`.

    `where` begins the sentence.

    Raises:
        MebenchError: of the kind of `error`.
    """
    if name not in known:
        place = f"{where}: " if where else ""
        raise error(f"{place}{unknown(what, name, known, then)}")


def refuse_if(*rules: tuple[object, str], error: Callable[[str], MebenchError] = ConfigError) -> None:
    """Refuse with the sentence of the first broken rule.

    Args:
        rules: conditions that must not be true, each with its sentence.
        error: function from the sentence to the error to raise.

    Raises:
        MebenchError: of the kind of `error`.
    """
    for broken, sentence in rules:
        if broken:
            raise error(sentence)


USUALLY_NAMED = 3
"""Names in a sentence, where nothing else is said."""


def list_first(names: Sequence[str], most: int = USUALLY_NAMED) -> str:
    """The first names of a list, the others counted.

    >>> list_first(["01", "02"], 2), list_first(["01", "02", "03"], 2)
    ('01, 02', '01, 02 and 1 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def nearest_name(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The most similar known name, or None; see `nearest_names`.

    >>> nearest_name("meen", ["ststnet", "mean"]), nearest_name("zzz", ["loso"])
    ('mean', None)
    """
    return next(iter(nearest_names(name, known, cutoff)), None)


def nearest_names(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Up to three known names that a wrong one may mean, the most similar first.

    Args:
        name: the wrong name.
        known: the right names.
        cutoff: least similarity, by `difflib`: from 0 to 1 for equal names; capitals do not count.
    """
    spelled: dict[str, str] = {}
    for right in known:
        spelled.setdefault(right.casefold(), right)
    return [spelled[near] for near in difflib.get_close_matches(name.casefold(), list(spelled), cutoff=cutoff)]


def unknown(what: str, name: str, known: Iterable[str], then: str = "", meant: Iterable[str] | None = None) -> str:
    """One sentence for an unknown name: the nearest match and the list. `meant` are the names that it may mean, all by default.

    >>> unknown("method", "meen", ["mean", "ststnet"], "See them with: mebench list methods")
    "unknown method 'meen'. Did you mean 'mean'? Known: mean, ststnet. See them with: mebench list methods"
    >>> unknown("protocol", "zzz", ["loso"])
    "unknown protocol 'zzz'. Known: loso."
    >>> unknown("table", "99", ["10", "9", "b"])
    "unknown table '99'. Did you mean '9'? Known: 9, 10, b."
    >>> unknown("run", "maen-syn", ["mean-synthetic-loso-seed0-1b2c", "softnet-synthetic-loso-seed0-77aa"]).partition(" Known")[0]
    "unknown run 'maen-syn'. Did you mean 'mean-synthetic-loso-seed0-1b2c'?"
    """
    names = sorted(known, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    possible = names if meant is None else sorted({*meant})
    beginnings = {full[: len(name)]: full for full in reversed(possible)}  # as ids of runs are given
    near = nearest_name(name, possible, cutoff=0.5)
    beginning = nearest_name(name, beginnings)
    if near is None and beginning is not None:
        near = beginnings[beginning]
    hint = "" if near is None else f" Did you mean {near!r}?"
    listing = f" Known: {list_first(names, MOST_NAMES) or 'none'}."
    if hint and len(names) > MOST_NAMES:
        listing = ""
    return f"unknown {what} {name!r}.{hint}{listing} {then}".rstrip()
