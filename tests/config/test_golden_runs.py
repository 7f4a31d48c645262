"""Keys, names, stored configurations and plans of thirty varied runs stay what they were."""

import json
from pathlib import Path

import pytest

from tests.config.golden_runs import FILE, RUNS, digests_of, golden_folder as golden_folder

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))


def test_golden_runs_are_those_of_the_file() -> None:
    assert list(GOLDEN) == list(RUNS)
    assert len(RUNS) == 30


@pytest.mark.parametrize("name", RUNS)
def test_golden_runs_are_unchanged(name: str, golden_folder: Path) -> None:
    assert digests_of(RUNS[name]) == GOLDEN[name]
