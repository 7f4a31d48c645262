"""`mebench run` for some of the subjects: one side of what `folds.py` compares.

    python mebench_folds.py SUBJECTS KEY=VALUE ...

SUBJECTS, separated by commas, are left out one by one. All else is the ordinary run in the working folder: the same verb,
worker processes, run folder and MLflow. Its own scores count all other subjects as missed: what the folds answered is in its
tables.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from unittest import mock

from mebench.cli.run import run_command
from mebench.config import RunConfig
from mebench.runner import execute
from mebench.runner.plan import Plan, make_plan


def main() -> None:
    names, *words = sys.argv[1:]
    subjects = set(names.split(","))

    def plan_of_some(config: RunConfig) -> Plan:
        """The folds of `subjects`."""
        plan = make_plan(config)
        folds = tuple(fold for fold in plan.data.folds if fold.test[0].subject in subjects)
        return replace(plan, data=replace(plan.data, folds=folds))

    with mock.patch.object(execute, "make_plan", plan_of_some):
        run_command(words)


if __name__ == "__main__":
    main()
