"""The page on whose files these are names what is there."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contribute" / "grounds.md"

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs the checkout: docs/ is no part of the sdist")


def test_grounds_state_licence_of_each_rescored_repository():
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| .* \| \[.*\]\((https://github\.com/.*)\) \| (.*) \|$", text, re.MULTILINE))
    sources = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in ROOT.glob("leaderboards/rescored/*.yaml")]
    assert sources
    assert rows == {source["repository"]: source["licence"] for source in sources}


def test_grounds_name_dataset_of_each_record():
    text = PAGE.read_text(encoding="utf-8")
    datasets = {
        json.loads(file.read_text(encoding="utf-8"))["config"]["dataset"]
        for file in ROOT.glob("leaderboards/records/*/record.json")
    }
    assert datasets
    assert [name for name in datasets if f"`leaderboards/records/*-{name}-*`" not in text] == []


@pytest.mark.parametrize("name", ["llms.txt", "AGENTS.md", "NOTICE"])
def test_files_for_readers_name_files_that_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[A-Z]+\.md)`", text)
    named += re.findall(r"\b(?:docs|mebench)/[\w./]+\w", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
