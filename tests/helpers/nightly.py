"""Whether the tests look further than by day: more examples, and all of what is alike."""

import os
from collections.abc import Iterable
from typing import Any

import pytest

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def nightly(reason: str) -> pytest.MarkDecorator:
    """Mark an expensive test for the night.

    Args:
        reason: the test that represents it by day.
    """
    return pytest.mark.skipif(not NIGHTLY, reason=f"by night (HYPOTHESIS_PROFILE=nightly); by day {reason}")


def by_day(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """All values at night; by day the chosen ones, which represent the others.

    Args:
        values: of a parameter of a test.
        chosen: some of them; one that is not among them is an error, so that no test is lost unseen.
    """
    values = list(values)
    assert chosen, f"{chosen} are not all among {values}"
    assert all(one in values for one in chosen), f"{chosen} are not all among {values}"
    return values if NIGHTLY else [one for one in values if one in chosen]
