"""`mebench run method=ststnet dataset=megc2019_flow` for some of the subjects: one side of what `ststnet.py` compares.

    python mebench_folds.py ROOT SUBJECTS SUMMARY [KEY=VALUE ...]

SUBJECTS, separated by commas, are left out one by one; SUMMARY is the file for the run's scores over their clips. All
else is the ordinary run in the working folder: the same verb, worker processes, run folder and MLflow.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from unittest import mock

from mebench.commands.run import run_command
from mebench.config import RunConfig
from mebench.runner import execute
from mebench.runner.plan import Plan, make_plan


def main() -> None:
    root, names, summary, *words = sys.argv[1:]
    subjects = set(names.split(","))

    def plan_of_some(config: RunConfig) -> Plan:
        """The folds of `subjects` and, to be scored, their clips; the workers plan anew and train on everybody else."""
        plan = make_plan(config)
        return replace(
            plan,
            folds=tuple(fold for fold in plan.folds if fold.test[0].subject in subjects),
            videos=tuple(video for video in plan.videos if video.subject in subjects),
        )

    with mock.patch.object(execute, "make_plan", plan_of_some):
        run_command(
            ["method=ststnet", "dataset=megc2019_flow", f"dataset.root={root}", *words],
            files=[],
            plugins=[],
            dry_run=False,
            json=summary,
        )


if __name__ == "__main__":
    main()
