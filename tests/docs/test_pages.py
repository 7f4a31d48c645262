"""Every block of code on the pages of the site runs, and every metric is told."""

import re
from pathlib import Path

import pytest

from mebench.metrics.catalogue import METRICS
from mebench.testing import TINY, scratch

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")

if DOCS.is_dir():
    from docs.blocks import blocks, run

PAGES = [page for page in sorted([*DOCS.rglob("*.md"), *DOCS.glob("*.ipynb")]) if blocks(page)] if DOCS.is_dir() else []


def smaller(words):
    """The words of a command on a few small videos, whose features the tests compute once."""
    if words[0] == "score":
        return [*words, "--bootstrap", "0"]
    if words[0] == "run" and ("dataset=synthetic" in words or "small.yaml" in words):
        return [*words, *TINY, f"cache={scratch()}", "workers=1"]
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_blocks_run(page, write_plugin, untracked, tmp_path):
    (tmp_path / "page").mkdir()
    for _ in run(page, tmp_path / "page", smaller):
        pass


def test_every_metric_has_a_section_with_a_worked_example():
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    sections = re.split(r"^#{2,3} .*\{ #(\S+) \}$", page, flags=re.M)
    told = dict(zip(sections[1::2], sections[2::2]))
    assert set(told) >= set(METRICS)
    assert not [name for name in METRICS if "```python\n" not in told[name] and "](#" not in told[name]]
