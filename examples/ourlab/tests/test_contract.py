"""What the plugins of this package promise: `pytest`."""

from mebench.testing import method_checks, metric_checks, parametrize_with_checks, plugin_checks

CHECKS = [
    *method_checks("ourlab_brightness"),
    *plugin_checks("dataset", "ourlab_faces"),
    *metric_checks("ourlab_onset_error"),
]


@parametrize_with_checks(CHECKS)
def test_contract(check):
    check.run()
