"""Every block of code on the pages of the site runs."""

from pathlib import Path

import pytest

from mebench.testing import TINY, scratch

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")

if DOCS.is_dir():
    from docs.blocks import blocks, run

PAGES = [page for page in sorted([*DOCS.rglob("*.md"), *DOCS.glob("*.ipynb")]) if blocks(page)] if DOCS.is_dir() else []


def smaller(words):
    """The words of a command on a few small videos, whose features the tests compute once."""
    if "dataset=synthetic" in words and words[0] in ("run", "tune", "features"):
        return [*words, *TINY, f"cache={scratch()}", *(["workers=1"] if words[0] == "run" else [])]
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_blocks_run(page, write_plugin, untracked, tmp_path):
    (tmp_path / "page").mkdir()
    for _ in run(page, tmp_path / "page", smaller):
        pass
