"""Help that lists names from their registries. A registry is loaded for help alone, since that takes a moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand

from mebench import api, exchange, features

READ, WRITTEN, WRITTEN_WITHOUT_TRUTH = "READ", "WRITTEN", "WRITTEN_WITHOUT_TRUTH"
"""Placeholder for a list of formats as the `metavar` of an option."""
DEGRADATIONS, RELATIONS = "{DEGRADATIONS}", "{RELATIONS}"
"""Placeholder for a list of kinds within the help of an option."""


class RegistryHelpCommand(TyperCommand):
    """A verb with options whose help lists the names of a registry."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Put the names into the help."""
        options: list[Any] = self.params
        for option in options:
            if option.metavar in (READ, WRITTEN, WRITTEN_WITHOUT_TRUTH):
                option.metavar = "|".join(formats_in(option.metavar))
            text = getattr(option, "help", None) or ""
            if DEGRADATIONS in text:
                option.help = text.replace(DEGRADATIONS, ", ".join(features.degradation.degradation_names())).replace(
                    RELATIONS, ", ".join(features.degradation.relation_names())
                )
        super().format_help(ctx, formatter)


def formats_in(place: str) -> Iterable[str]:
    """The names of the formats that READ, WRITTEN or WRITTEN_WITHOUT_TRUTH stands for."""
    if place == READ:
        return api.score_files.READ_FORMATS
    if place == WRITTEN:
        return exchange.write.FORMATS
    return exchange.write.formats_without_truth()
