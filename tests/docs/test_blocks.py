"""The process that runs the blocks of all pages while the site is built."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVE = "import docs.blocks; docs.blocks.USUAL = (); docs.blocks.serve()"

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="needs the checkout: docs/ is no part of the sdist"
)


def test_serve_answers_each_page_by_itself(tmp_path):
    pages = [tmp_path / name for name in ("first.md", "broken.md", "last.md")]
    for page, code in zip(pages, ["n = 1\nprint(n)", "1 / 0", "print('n' in globals())"], strict=True):
        page.write_text(f"# Page\n\n```python\n{code}\n```\n", encoding="utf-8")
    asked = "".join(f"{page}\n" for page in pages)
    ran = subprocess.run(
        [sys.executable, "-c", SERVE], cwd=ROOT, input=asked, capture_output=True, text=True, check=True
    )
    first, broken, last = map(json.loads, ran.stdout.splitlines())
    assert first == {"outputs": [[{"form": "text", "text": "1"}]]}
    assert broken["error"].startswith("broken.md, block 1: ZeroDivisionError: division by zero")
    assert last == {"outputs": [[{"form": "text", "text": "False"}]]}
