"""What the plugins of this package promise: `pytest`."""

from mebench.testing import method_checks, parametrize_with_checks, plugin_checks


@parametrize_with_checks([*method_checks("ourlab_brightness"), *plugin_checks("dataset", "ourlab_faces")])
def test_contract(check):
    check.run()
