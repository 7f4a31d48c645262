"""Former names of what plugins build on: they work for some versions more, and say their new ones."""

import warnings


def take_hook_by_old_name(cls: type, old: str, new: str, goes: str) -> None:
    """Let a class override a method under its former name.

    Its definition says the new one, as `FutureWarning`.

    Args:
        cls: a class that was just defined.
        old: former name of the method.
        new: its name now.
        goes: version in which the former name goes.
    """
    if old in vars(cls):
        setattr(cls, new, vars(cls)[old])
        warn_of_old_name(f"{cls.__module__}.{cls.__qualname__}.{old}", new, goes)


def warn_of_old_name(old: str, new: str, goes: str) -> None:
    """Say, as `FutureWarning`, that a name is a former one."""
    warnings.warn(f"{old} is called {new} now; its former name goes in mebench {goes}", FutureWarning, stacklevel=3)
