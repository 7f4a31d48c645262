"""Shows the examples in docstrings as code; elsewhere `>>>` quotes in Markdown."""

import re
import textwrap
from typing import Any

import griffe

DOCTEST = re.compile(r"^( *)>>> .*?(?=\n\s*\n|\Z)", re.M | re.S)


class Doctests(griffe.Extension):  # type: ignore[misc]
    """For mkdocstrings, which reads docstrings with griffe."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Put a fence around each doctest."""
        if obj.docstring:
            text = DOCTEST.sub(lambda found: _fenced(found[0], found[1]), obj.docstring.value)
            obj.docstring.value = re.sub(r"(?<=[^\n])\n( *```pycon)", r"\n\n\1", text)


def _fenced(text: str, indent: str) -> str:
    return textwrap.indent(f"```pycon\n{textwrap.dedent(text)}\n```", indent)
