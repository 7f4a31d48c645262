"""The warnings of a planned run, for tests."""

from mebench.runner.guard import find_run_warnings


def warnings_of(plan):
    """The sentences about its data and folds, in their order."""
    return [finding.message for finding in find_run_warnings(plan.data, plan.access)]
