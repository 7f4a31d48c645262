"""What a call says when it refuses its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def refusal(call: Callable[[], Any], *errors: type[Exception]) -> str | None:
    """Message of the error that a call ends with; None if it ends well. Other errors than `errors` are raised."""
    try:
        call()
    except errors as error:
        return str(error)
    return None
