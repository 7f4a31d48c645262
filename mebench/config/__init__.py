"""Values, `key=value` words and files become one validated, typed configuration that knows where each value comes from.

Layers, lowest first: packaged defaults (`params.py`, `config.yaml`, the chosen preset), the method's settings for the
dataset, the user's file, `-c` files in their order, the command line or a program's arguments.
"""

from mebench.config.layers import flatten, more_plugins, settings_of, user_file, user_setting
from mebench.config.resolve import from_plain, resolve
from mebench.config.settings import NOT_IN_KEY, RunConfig, RunSettings, counts, is_place, shaping

__all__ = [
    "NOT_IN_KEY",
    "RunConfig",
    "RunSettings",
    "counts",
    "flatten",
    "from_plain",
    "is_place",
    "more_plugins",
    "resolve",
    "settings_of",
    "shaping",
    "user_file",
    "user_setting",
]
