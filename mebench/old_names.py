"""Former names of what plugins build on: they work for some versions more, and say their new ones."""

import inspect
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
    if old not in vars(cls):
        return
    hook = vars(cls)[old]
    setattr(cls, new, hook)
    sentence = _sentence_on_old_name(f"{cls.__qualname__}.{old}", new, goes)
    code = inspect.unwrap(hook).__code__  # a static method has none of its own
    warnings.warn_explicit(sentence, FutureWarning, code.co_filename, code.co_firstlineno)


def warn_of_old_name(old: str, new: str, goes: str) -> None:
    """Say, as `FutureWarning`, that the caller of the calling function used a former name."""
    warnings.warn(_sentence_on_old_name(old, new, goes), FutureWarning, stacklevel=3)


def silence_old_names() -> None:
    """Say nothing more of former names: for workers of a program that has read the same plugins, and said it."""
    warnings.filterwarnings("ignore", f".*{_FORMER}", FutureWarning)


_FORMER = "no longer knows its former name"


def _sentence_on_old_name(old: str, new: str, goes: str) -> str:
    return f"{old} is called {new} now; mebench {goes} {_FORMER}"
