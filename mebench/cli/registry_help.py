"""Help that lists names from their registries. A registry is loaded for help alone, since that takes a moment."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from typer.core import TyperCommand

from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.exchange import write as writing
    from mebench.features import degradation

READ, WRITTEN, WRITTEN_WITHOUT_TRUTH = "READ", "WRITTEN", "WRITTEN_WITHOUT_TRUTH"
"""Placeholder for a list of formats as the `metavar` of an option."""
DEGRADATIONS, RELATIONS = "{DEGRADATIONS}", "{RELATIONS}"
"""Placeholder for a list of kinds within the help of an option."""
FOLDER_FORMATS = "{FOLDER_FORMATS}"
"""Placeholder for the formats that are a folder."""


class RegistryHelpCommand(TyperCommand):
    """A verb with options whose help lists the names of a registry."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Put the names into the help, which shows those of its own moment."""
        with_placeholders = self.params
        self.params = [_with_names(option) for option in with_placeholders]
        try:
            super().format_help(ctx, formatter)
        finally:
            self.params = with_placeholders


def _with_names(option: Any) -> Any:
    """A copy of an option with names in place of its placeholders."""
    shown = copy(option)
    if shown.metavar in (READ, WRITTEN, WRITTEN_WITHOUT_TRUTH):
        shown.metavar = "|".join(formats_in(shown.metavar))
    text = getattr(shown, "help", None) or ""
    if DEGRADATIONS in text:
        kinds = ", ".join(degradation.degradation_names())
        relations = ", ".join(degradation.relation_names())
        shown.help = text.replace(DEGRADATIONS, kinds).replace(RELATIONS, relations)
    if FOLDER_FORMATS in text:
        shown.help = text.replace(FOLDER_FORMATS, " or ".join(writing.folder_formats()))
    return shown


def formats_in(place: str) -> Iterable[str]:
    """The names of the formats that READ, WRITTEN or WRITTEN_WITHOUT_TRUTH stands for."""
    if place == READ:
        return writing.read_formats()
    if place == WRITTEN:
        return writing.FORMATS
    return writing.formats_without_truth()
