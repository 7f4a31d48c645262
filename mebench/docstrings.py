"""What docstrings say of attributes, for the cards that are made of them."""

from __future__ import annotations

import inspect
import re


def attributes(cls: type) -> dict[str, str]:
    """The `Attributes:` of the docstrings of a class and of those it inherits from: name and meaning."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, listing = inspect.cleandoc(vars(base).get("__doc__") or "").partition("Attributes:\n")
        listing = listing.split("\n\n")[0]
        entries = re.findall(r"^ {4}(\w+)(?: \([^)]*\))?: (.*(?:\n {5,}.*)*)", listing, flags=re.MULTILINE)
        found |= {name: " ".join(meaning.split()) for name, meaning in entries}
    return found
