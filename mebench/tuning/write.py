"""The file of tuned values that `mebench run -c` takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any

import yaml

from mebench.errors import RunError
from mebench.tuning.space import Dimension, Space, with_values
from mebench.tuning.summary import Tuned
from mebench.tuning.tell import value_in_words

_OF_THE_MACHINE = ("runs", "cache", "tracking", "workers", "executor", "executor_address", "plugins")
"""Keys that say where and how fast, not what."""


def write_tuned(tuned: Tuned, file: Path) -> list[str]:
    """Write the configuration with the tuned values.

    Of several studies, one for each outer fold, it takes for each parameter the middle value (of an even number the lower one
    of the two in the middle) or the most frequent choice: their outer score belongs to the procedure, not to this file.

    Args:
        tuned: the outcome.
        file: overwritten.

    Returns:
        remarks that the file begins with, for people.

    Raises:
        RunError: it cannot be written.
        ConfigError: the middle values of several studies do not go together.
    """
    values, remarks = chosen_values(tuned), remarks_of(tuned)
    config = with_values(tuned.config, values)
    content = {key: value for key, value in config.values.items() if key not in _OF_THE_MACHINE}
    text = "".join(f"# {line}\n" for line in remarks) + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"--write {file}: {error.strerror}. The tuned values are in outcome.json all the same"
        ) from error
    return remarks


def chosen_values(tuned: Tuned) -> dict[str, Any]:
    """The tuned values; of several studies those in the middle."""
    every = [trial.params for trial in tuned.best.values()]
    return every[0] | {} if len(every) == 1 else middle(tuned.space, every)  # type: ignore[operator]


def middle(space: Space, values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each parameter the median, or the most frequent choice; of equally frequent ones the first in the map."""
    return {d.key: _middle(d, [one[d.key] for one in values]) for d in space.dimensions}


def remarks_of(tuned: Tuned) -> list[str]:
    """What a reader of the file must know."""
    plain = tuned.plain
    lines = [
        f"Tuned by mebench: study {plain['study']}, {', '.join(plain['objectives'])}.",
        *([plain["conclusion"][0].upper() + plain["conclusion"][1:] + "."] if plain["conclusion"] else []),
    ]
    if not plain["nested"]:
        (study,) = plain["studies"].values()
        return [
            *lines,
            f"A run over all subjects tests those of the tuning set, too, and flatters: {', '.join(study['subjects'])}.",
            f"The honest scores are those on the {plain['outer_subjects']} other subjects: {plain['runs']['tuned']}.",
        ]
    return [
        *lines,
        "One study for each outer fold: these are the median of numbers and the most frequent of choices over the folds. The "
        "outer score is that of the procedure, in which each fold has its own values; a run of this file flatters.",
        *(
            f"{d.key}: {', '.join(value_in_words(trial.params[d.key]) for trial in tuned.best.values())}"
            for d in tuned.space.dimensions
        ),
    ]


def _middle(dimension: Dimension, values: Sequence[Any]) -> Any:
    if not dimension.choices:
        return median_low(values)
    counts = Counter(dimension.choices.index(value) for value in values)
    return dimension.choices[min(counts, key=lambda place: (-counts[place], place))]
