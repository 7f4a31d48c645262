"""Formulas of the pages as MathML, which browsers show without a script."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

COMMAND = re.compile(r"\\[A-Za-z]+")


def mathml_of(formula: str, alone: bool = False) -> str:
    r"""A formula in LaTeX as MathML.

    >>> mathml_of(r"\max x").count("<mo>max</mo>")
    1

    Args:
        formula: formula without dollar signs.
        alone: whether it stands on a line of its own.

    Raises:
        ValueError: a command is unknown to the converter, which would print it with its backslash.
    """
    made = convert(formula, display="block" if alone else "inline")
    left = COMMAND.search(made)
    if left:
        raise ValueError(f"{left[0]} in the formula {formula!r} is unknown to latex2mathml: write it in other commands")
    return str(made)
