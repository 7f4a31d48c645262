"""The statements of source files: most rules look at no expression, and those are nine tenths of what is parsed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

INNER = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where a statement holds others."""


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The file itself and every statement in it, also those inside others."""
    rest: list[ast.AST] = [tree]
    while rest:
        node = rest.pop()
        yield node
        for name in INNER:
            rest.extend(getattr(node, name, ()))
