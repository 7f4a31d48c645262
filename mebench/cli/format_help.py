"""Help that lists formats from their registries. A registry is loaded for help alone, since that takes a moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand

from mebench import api, exchange

READ, WRITTEN, WRITTEN_WITHOUT_TRUTH = "READ", "WRITTEN", "WRITTEN_WITHOUT_TRUTH"
"""Placeholder for a list of formats in the `metavar` of an option."""


def formats_in(place: str) -> Iterable[str]:
    """The names of the formats that READ, WRITTEN or WRITTEN_WITHOUT_TRUTH stands for."""
    if place == READ:
        return api.score_files.READ_FORMATS
    if place == WRITTEN:
        return exchange.write.FORMATS
    return exchange.write.formats_without_truth()


class FormatListingCommand(TyperCommand):
    """A verb with options that name formats."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Put the names of the formats into the help."""
        for option in self.params:
            if option.metavar in (READ, WRITTEN, WRITTEN_WITHOUT_TRUTH):
                option.metavar = "|".join(formats_in(option.metavar))
        super().format_help(ctx, formatter)
