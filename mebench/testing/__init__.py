"""Contract checks, also for plugin authors.

A plugin that passes them can be run, resumed and compared. A test file of a few lines runs all checks of a plugin, each as
a pytest test of its own:

    from mebench.testing import dataset_checks, method_checks, parametrize_with_checks

    @parametrize_with_checks([*method_checks("my_method"), *dataset_checks("my_dataset", root="/data/mine")])
    def test_contract(check):
        check.run()

Or all checks of a folder of plugins: `@parametrize_with_checks("folder/of/plugins")`. Without pytest, `mebench check
my_method` reports each fault with its remedy, and `check_method("my_method")` raises one `AssertionError` that lists
them. Plugins outside the checkout are found by their entry points, or after
`mebench.config.registry.add_paths(["folder/of/plugins"])`.

A method is trained for one epoch on drawn videos (`TINY`) that take seconds; nothing is downloaded.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
