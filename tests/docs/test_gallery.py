"""The gallery: its index lists each example, each has a picture, and becomes a notebook with the same code."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")

if DOCS.is_dir():
    sys.path.insert(0, str(DOCS))  # as MkDocs does for its hooks
    from blocks import blocks
    from notebooks import notebook_of

EXAMPLES = sorted(page for page in (DOCS / "gallery").glob("*.md") if page.name != "index.md")
DRAWS = re.compile(r"\bplot(_\w+)?\(|^```sh picture$", re.MULTILINE)


def test_index_lists_each_example_once():
    listed = re.findall(
        r"^- \[[^]]+\]\((\w+\.md)\): \S", (DOCS / "gallery" / "index.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(listed) == 10
    assert sorted(listed) == [page.name for page in EXAMPLES]


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_example_has_a_picture_and_is_short(page):
    text = page.read_text("utf-8")
    assert DRAWS.search(text)
    assert len(text.splitlines()) <= 80


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_notebook_holds_the_code_of_its_page(page):
    notebook = json.loads(notebook_of(page))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    sources = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(sources) == len([block for block in blocks(page) if "shown" not in block.words])
    for block, source in zip(blocks(page), sources, strict=True):
        if block.language == "python" and not block.title:
            assert source == block.code.rstrip("\n")
            ast.parse(source)
        elif block.language == "sh":
            assert source.splitlines() == [f"!{line}" for line in block.code.splitlines()]
        else:
            assert _files_of(source) == {block.title: block.code}


def _files_of(source):
    """The file that a cell writes, with its text, without writing it."""
    if source.startswith("%%writefile "):
        head, _, text = source.partition("\n")
        return {head.removeprefix("%%writefile "): text + "\n"}
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    (call,) = (node for node in calls if getattr(node.func, "attr", "") == "write_text")
    return {ast.literal_eval(call.func.value.args[0]): ast.literal_eval(call.args[0])}


def test_notebook_links_to_the_web_or_nowhere():
    page = DOCS / "gallery" / "score_my_results.md"
    texts = [cell["source"] for cell in json.loads(notebook_of(page, "https://example.org/gallery/"))["cells"]]
    assert "](https://example.org/gallery/../how_to/scoring.html)" in " ".join(texts)
    assert "](" not in " ".join(
        cell["source"] for cell in json.loads(notebook_of(page))["cells"] if cell["cell_type"] == "markdown"
    )
