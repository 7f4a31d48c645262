"""The contract of a plugin, without the one check that starts a Python."""

from typing import Any

from mebench.testing.checks import run_all
from mebench.testing.contracts import dataset_checks

ALONE = "params_import_nothing_heavy"
"""It asks a fresh Python each time: `tests/testing/test_contracts.py` asks one for all plugins."""


def check_dataset(id_: str, **params: Any) -> list[str]:
    """Run the other checks of a dataset, and return what was not possible here.

    Raises:
        AssertionError: some failed; one line for each.
    """
    return run_all(check for check in dataset_checks(id_, **params) if check.name != ALONE)
