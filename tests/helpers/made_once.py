"""What is slow to make from a text, and always the same: code from a template, HTML from a card."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def compiled_once(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """A `compile` of Jinja's environments that compiles the template of a file once, not once an environment."""
    kept: dict[Any, Any] = {}

    @functools.wraps(compile_)
    def compiled(self: Any, source: Any, name: str | None = None, filename: str | None = None, *how: Any) -> Any:
        key = source, name, filename, how
        if filename is None or not isinstance(source, str):
            return compile_(self, source, name, filename, *how)
        if key not in kept:
            kept[key] = compile_(self, *key[:3], *how)
        return kept[key]

    return compiled


def rendered_once(to_html: Callable[..., str]) -> Callable[..., str]:
    """A `to_html` of cards that renders each text once, as long as the site has the same pages."""
    kept = functools.cache(to_html)

    @functools.wraps(to_html)
    def rendered(markdown: str, pages: Any = frozenset()) -> str:
        return kept(markdown, frozenset(pages))

    return rendered
