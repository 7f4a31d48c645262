"""The sections of metrics on their pages are those of the metrics' objects."""

import re
from pathlib import Path

import pytest

from mebench.metrics.catalogue import METRICS

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")

if DOCS.is_dir():
    from docs.metric_sections import PAGES, with_sections


def test_with_sections_leaves_committed_pages_as_they_are():
    for page in PAGES:
        text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
        assert with_sections(text) == text, f"{page}.md: python docs/metric_sections.py --write"


def test_with_sections_writes_a_changed_example(monkeypatch):
    changed = dict(vars(METRICS["recall"]), example="    Another text.\n\n    $$\n    x\n    $$\n    ")
    monkeypatch.setitem(METRICS, "recall", type(METRICS["recall"])(**changed))
    text = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    section = re.search(r'<a id="recall"></a>.*?(?=^### )', with_sections(text), re.M | re.S)[0]
    assert section.endswith("-->\n\nAnother text.\n\n$$\nx\n$$\n\n")


def test_METRICS_all_have_a_formula_and_code_that_is_run():
    assert [key for key, metric in METRICS.items() if "$$" not in metric.example] == []
    assert [key for key, metric in METRICS.items() if "```python\n" not in metric.example] == []
