"""Makes notebooks of pages: text as it stands, code as cells, commands as a notebook's shell runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from blocks import FENCE, Block

LINK = re.compile(r"\]\((?P<address>[^)#\s]+\.md)(?P<anchor>#[^)\s]*)?\)")
"""A link to another page, which a notebook on somebody's disk does not have beside it."""


def notebook_of(page: Path, site: str = "") -> str:
    """The JSON of a notebook (nbformat 4.5) with the text and the code of a page; cells without outputs.

    Args:
        page: a page in Markdown.
        site: address of the folder of the page on the web, for its links; without one they become plain words.
    """
    text = page.read_text(encoding="utf-8")
    cells = []
    place = 0
    for fence in FENCE.finditer(text):
        cells += _text_cells(text[place : fence.start()], site)
        code = code_of(Block.of(fence))
        if code:
            cells.append({"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": code})
        place = fence.end()
    cells += _text_cells(text[place:], site)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python"}
    notebook = {
        "cells": [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)],
        "metadata": {"kernelspec": kernel, "language_info": language},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def code_of(block: Block) -> str:
    """The cell of a block; empty for one that is only shown."""
    code = block.code.rstrip("\n")
    if block.title:
        folder = Path(block.title).parent.as_posix()
        return f"%%writefile {block.title}\n{code}" if folder == "." else _written_in_folder(block.title, folder, code)
    if "shown" in block.words:
        return ""
    if block.language == "python":
        return code
    return "\n".join(f"!{line}" for line in code.splitlines()) if block.language == "sh" else ""


def _written_in_folder(title: str, folder: str, code: str) -> str:
    """Code that writes a file into a folder, which `%%writefile` does not make."""
    return (
        f"from pathlib import Path\n\nPath({folder!r}).mkdir(parents=True, exist_ok=True)\n"
        f"_ = Path({title!r}).write_text({json.dumps(code + chr(10), ensure_ascii=False)})"
    )


def _text_cells(text: str, site: str) -> list[dict[str, Any]]:
    """The cell of a text between two blocks; none of an empty one."""
    linked = (
        LINK.sub(lambda link: _address_on_web(link, site), text)
        if site
        else re.sub(r"\[([^]]*)\]\([^)]*\.md[^)]*\)", r"\1", text)
    )
    stripped = linked.strip()
    return [{"cell_type": "markdown", "metadata": {}, "source": stripped}] if stripped else []


def _address_on_web(link: re.Match[str], site: str) -> str:
    """The address of a page as the site has it."""
    page = f"{link['address'].removesuffix('.md')}.html"
    return f"]({site.rstrip('/')}/{page}{link['anchor'] or ''})"
