"""The challenges by name, from `register.yaml`."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mebench.errors import ConfigError, check_known
from mebench.files import read_yaml


@dataclass(frozen=True)
class Task:
    """One task of a challenge.

    Attributes:
        name: `<challenge>/<task>`.
        title: what is asked.
        data: videos or clips, in words.
        truth: `hidden`, or the datasets that hold it.
        form: of a file of answers: a format of `mebench predictions export`, `clips` or `answers`.
        metrics: in words.
        main: the score that ranks teams.
        convention: that scores intervals.
        kinds: of intervals.
        classes: that clips may be given.
        several: whether a clip may have several classes, joined by `+`.
        names: of the files that are sent in.
        run: words of a run, or a command, that take part.
        results: published ones, with their sources.
    """

    name: str
    title: str
    data: str
    truth: str
    form: str
    metrics: str
    main: str = "f1"
    convention: str = "strict"
    kinds: tuple[str, ...] = ("micro", "macro")
    classes: tuple[str, ...] = ()
    several: bool = False
    names: tuple[str, ...] = ()
    run: str = ""
    results: str = ""


@dataclass(frozen=True)
class Challenge:
    """A challenge.

    Attributes:
        name: what it is called by.
        title: in full.
        source: papers and pages.
        tasks: by name, the first being meant where none is named.
        dates: of its files, in words.
        note: what to know.
    """

    name: str
    title: str
    source: tuple[str, ...]
    tasks: dict[str, Task] = field(default_factory=dict)
    dates: str = ""
    note: str = ""


@cache
def challenges() -> dict[str, Challenge]:
    """All challenges by name, the oldest first."""
    found = {}
    for name, content in read_yaml(Path(__file__).with_name("register.yaml")).items():
        tasks = {task: Task(f"{name}/{task}", **_tuples(about)) for task, about in content.pop("tasks").items()}
        found[name] = Challenge(name, tasks=tasks, **_tuples(content))
    return found


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}


def challenge(name: str) -> Challenge:
    """The challenge of a name.

    Raises:
        ConfigError: there is none.
    """
    check_known("challenge", name, challenges())
    return challenges()[name]


def task(name: str) -> Task:
    """The task that `<challenge>/<task>` names; of a challenge with one task its name is enough.

    Raises:
        ConfigError: there is none, or the challenge has several.
    """
    first, _, last = name.partition("/")
    found = challenge(first).tasks
    if last:
        check_known(f"task of {first}", last, found)
    if not last and len(found) > 1:
        raise ConfigError(f"{first} has the tasks {' and '.join(found)}: name one, such as {first}/{next(iter(found))}")
    return found[last or next(iter(found))]
