"""Descriptions of a run's settings, for help, `mebench info` and the documentation.

They are taken from the docstrings of the settings' groups.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from mebench.config.settings import (
    EXAMPLE,
    NOT_IN_KEY,
    PlaceSettings,
    ScoringSettings,
    TrainingSettings,
    WhatSettings,
)
from mebench.config.sources import ALIASES
from mebench.config.typed_values import describe_type, to_plain
from mebench.core.options import attribute_meanings

GROUPS = {
    "What is run": WhatSettings,
    "How it is trained": TrainingSettings,
    "How it is scored": ScoringSettings,
    "Where it works, and how fast": PlaceSettings,
}
"""The groups of a run's settings, in the order in which people read them."""


@dataclass(frozen=True)
class SettingDescription:
    """What is known of one setting of a run.

    Attributes:
        key: the word before `=`, such as `executor.address`.
        group: heading of its group, a key of `GROUPS`.
        type: expected form of its value, in words.
        default: default value, as plain data; for `cache` in words, since it depends on the system.
        meaning: sentence from the docstring of its group.
        example: use of it.
        in_key: True for a part of a run's key, so that another value makes another run.
    """

    key: str
    group: str
    type: str
    default: Any
    meaning: str
    example: str
    in_key: bool


@cache
def setting_descriptions() -> dict[str, SettingDescription]:
    """All settings of a run but those of its plugins, by key, group by group."""
    described = [_describe(name, group) for group in GROUPS for name in _names_of(group)]
    return {setting.key: setting for setting in described}


def _names_of(group: str) -> Iterable[str]:
    """The names of the fields of a group, without those that it inherits."""
    return [field.name for field in fields(GROUPS[group])]


def _describe(name: str, group: str) -> SettingDescription:
    """The description of a field of a group of settings."""
    cls = GROUPS[group]
    keys = [key for key, field_name in ALIASES.items() if field_name == name and not key.endswith(".name")]
    default = "mebench in the user's folder of caches" if name == "cache" else to_plain(getattr(cls(), name))
    return SettingDescription(
        key=keys[0] if keys else name,
        group=group,
        type=describe_type(get_type_hints(cls)[name]),
        default=default,
        meaning=attribute_meanings(cls)[name],
        example=next(field.metadata[EXAMPLE] for field in fields(cls) if field.name == name),
        in_key=name not in NOT_IN_KEY,
    )
