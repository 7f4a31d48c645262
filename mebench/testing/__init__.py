"""Contract checks that plugin authors run too.

A plugin that passes them can be run, resumed and compared. A test file of a few lines runs all checks of a plugin, each as
a pytest test of its own:

    from mebench.testing import dataset_checks, method_checks, parametrize_with_checks

    @parametrize_with_checks([*method_checks("my_method"), *dataset_checks("my_dataset", root="/data/mine")])
    def test_contract(check):
        check.run()

Or all checks of a folder of plugins: `@parametrize_with_checks("folder/of/plugins")`. Without pytest, `mebench check my_method` tells
what is wrong and what to do about it, and `check_method("my_method")` raises one `AssertionError` that lists it. Plugins outside the
checkout are found by their entry points, or after `mebench.config.registry.add_paths(["folder/of/plugins"])`.

A method is trained for one epoch on drawn videos (`TINY`) that take seconds; nothing is downloaded.
"""

from mebench.testing.checks import TINY, Check, Outcome, outcomes, run_all, scratch
from mebench.testing.datasets import check_dataset, dataset_checks
from mebench.testing.folders import folder_checks, parametrize_with_checks, plugin_checks
from mebench.testing.methods import check_method, method_checks

__all__ = [
    "TINY",
    "Check",
    "Outcome",
    "check_dataset",
    "check_method",
    "dataset_checks",
    "folder_checks",
    "method_checks",
    "outcomes",
    "parametrize_with_checks",
    "plugin_checks",
    "run_all",
    "scratch",
]
