"""What a worker does with a task: it plans for itself, refuses other inputs, and leaves nothing behind."""

import json
import re
from pathlib import Path

import pytest

from mebench.config import resolve
from mebench.errors import RunError
from mebench.runner import tasks
from mebench.runner.plan import make_plan
from mebench.runner.tasks import fold_task, plan_of, spec_of


@pytest.fixture(autouse=True)
def forget():
    """Plans that this process remembers as a worker would."""
    yield
    for remembered in (tasks.plan_of, tasks._plan_without, tasks._folds):
        remembered.cache_clear()


def test_a_brief_is_plain_data_that_makes_the_same_plan(moody):
    plan = make_plan(resolve(moody("seed=3")))
    spec = spec_of(plan)
    assert plan_of(tuple(json.loads(json.dumps(spec)))).folds == plan.folds


def test_a_relative_path_is_the_same_place_for_a_worker_elsewhere(moody, tmp_path, monkeypatch):
    here = Path.cwd()
    spec = spec_of(make_plan(resolve(moody("dataset.annotations=notes.csv"))))
    monkeypatch.chdir(tmp_path)
    assert plan_of(spec).dataset.params.annotations == str(here / "notes.csv")


def test_a_worker_with_other_code_or_data_refuses_its_folds(moody, tmp_path):
    values, inputs, processor = spec_of(make_plan(resolve(moody())))
    method = tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.write_text(method.read_text() + "\n# edited since\n")
    with pytest.raises(RunError, match="a worker found other code, packages or data"):
        fold_task((values, inputs, processor), "toy/1", frozenset())


def test_a_worker_on_another_kind_of_processor_refuses_its_folds(moody):
    values, inputs, processor = spec_of(make_plan(resolve(moody())))
    with pytest.raises(
        RunError, match=f"another kind of processor .an old one; here it is {re.escape(processor)}.*must not mix"
    ):
        fold_task((values, inputs, "an old one"), "toy/1", frozenset())
