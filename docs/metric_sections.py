"""Writes the sections of metrics into their pages, from the worked example in each metric's object.

    python docs/metric_sections.py --write

A page keeps the order of its sections and their titles. The tests run the code of each section and compare pages and objects.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from mebench.metrics.catalogue import METRICS

PAGES = ("metrics", "metrics_recognition", "metrics_put_in")
"""The pages with sections of metrics, in `docs/reference/`."""
SECTION = re.compile(r"""(?P<head>^#+ <a id="(?P<key>\S+)"></a>[^\n]*\n)(?P<body>.*?)(?=^#{2,3} |\Z)""", re.M | re.S)
FACTS = re.compile(r"\A\n<!--\n```python hidden markdown\nabout\([^\n]*\)\n```\n-->\n")
"""The code that prints name, unit and source of a metric, where a section has it."""


def with_sections(text: str) -> str:
    """The text of a page with the sections of metrics as their objects have them."""
    return SECTION.sub(_section, text)


def _section(found: re.Match[str]) -> str:
    """A section of a page; of something else than a metric it stays."""
    metric = METRICS.get(found["key"])
    if metric is None or not metric.example:
        return found[0]
    facts = FACTS.match(found["body"])
    end = "" if found.end() == len(found.string) else "\n"
    return f"{found['head']}{facts[0] if facts else ''}\n{inspect.cleandoc(metric.example)}\n{end}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for name in PAGES:
        page = Path(__file__).parent / "reference" / f"{name}.md"
        page.write_text(with_sections(page.read_text(encoding="utf-8")), encoding="utf-8")
