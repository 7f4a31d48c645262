"""Runs the notebooks of the gallery: `python docs/run_notebooks.py [NAME...]`.

Each has its own kernel and an empty folder, as a user's may.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from notebooks import notebook_of

GALLERY = Path(__file__).parent / "gallery"
CELL_SECONDS = 900
"""The longest that a cell may take."""


def run_notebook(page: Path) -> Any:
    """The notebook of a page, as it looks after it has run.

    Raises:
        CellExecutionError: a cell, or a command in it, ended with an error.
    """
    import nbformat  # both come with the extra `docs` alone
    from nbclient import NotebookClient

    notebook = nbformat.reads(notebook_of(page), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = "\n".join(_checked_lines(cell.source))
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": folder}}).execute()
    return notebook


def _checked_lines(source: str) -> Iterator[str]:
    """The lines of a cell, each command with a check.

    In a user's notebook a command that fails does not end it.
    """
    for line in source.splitlines():
        yield line
        if line.startswith("!"):
            yield "assert not _exit_code, _exit_code"


def main(names: Sequence[str]) -> None:
    """Run the notebooks of some pages, or of all."""
    pages = sorted(page for page in GALLERY.glob("*.md") if page.stem != "index")
    for page in pages:
        if not names or page.stem in names:
            run_notebook(page)
            print(f"{page.stem}: ran")


if __name__ == "__main__":
    main(sys.argv[1:])
