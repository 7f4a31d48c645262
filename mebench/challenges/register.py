"""The challenges by name, from `register.yaml`."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mebench.config.spellings import usual_name
from mebench.errors import ConfigError, check_known
from mebench.files import read_yaml


@dataclass(frozen=True)
class ChallengeTask:
    """One task of a challenge.

    Attributes:
        name: `<challenge>/<task>`.
        title: the task in words.
        data: description of the videos or clips.
        truth: `hidden`, or the datasets that contain it.
        form: form of a file of answers: a format of `mebench predictions export`, `clips` or `answers`.
        metrics: description of the metrics.
        main: the score that ranks teams.
        convention: the rules that score intervals.
        kinds: kinds of intervals.
        classes: allowed classes of clips.
        several: whether a clip may have several classes, joined by `+`.
        names: names of the submitted files.
        run: words of a run, or a command, that takes part.
        results: published results with their sources.
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
        name: short name.
        title: full title.
        source: papers and pages.
        tasks: tasks by name; the first is the default.
        dates: dates of its files, in words.
        note: remarks.
    """

    name: str
    title: str
    source: tuple[str, ...]
    tasks: dict[str, ChallengeTask] = field(default_factory=dict)
    dates: str = ""
    note: str = ""


@cache
def load_challenges() -> dict[str, Challenge]:
    """All challenges by name, the oldest first."""
    by_name = {}
    for name, content in read_yaml(Path(__file__).with_name("register.yaml")).items():
        tasks = {}
        for task, about in content.pop("tasks").items():
            tasks[task] = ChallengeTask(f"{name}/{task}", **_lists_as_tuples(about))
        by_name[name] = Challenge(name, tasks=tasks, **_lists_as_tuples(content))
    return by_name


def _lists_as_tuples(content: dict[str, Any]) -> dict[str, Any]:
    """The values of an entry, lists as tuples."""
    lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
    return {**content, **lists}


def find_challenge(name: str) -> Challenge:
    """The challenge of a name.

    Raises:
        ConfigError: there is none.
    """
    usual = usual_name(name, load_challenges()) or name
    check_known("challenge", usual, load_challenges())
    return load_challenges()[usual]


def find_task(name: str) -> ChallengeTask:
    """The task named `<challenge>/<task>`; the name of a challenge with one task is enough.

    Raises:
        ConfigError: there is none, or the challenge has several.
    """
    first, _, last = name.partition("/")
    tasks = find_challenge(first).tasks
    if last:
        check_known(f"task of {first}", last, tasks)
    if not last and len(tasks) > 1:
        raise ConfigError(f"{first} has the tasks {' and '.join(tasks)}: name one, such as {first}/{next(iter(tasks))}")
    return tasks[last or next(iter(tasks))]
