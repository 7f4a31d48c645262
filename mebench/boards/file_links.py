"""The files of a table beside its Markdown, and the links to them."""

TABLE_FORMATS = ("csv", "json", "tex")
"""The endings of a table's files for spreadsheets, programs and papers."""


def link_files(stem: str) -> str:
    """Links to all files of a table, as Markdown; `stem` is their common path without the ending.

    >>> link_files("tables/a")
    '[CSV](tables/a.csv), [JSON](tables/a.json), [TEX](tables/a.tex)'
    """
    return ", ".join(f"[{ending.upper()}]({stem}.{ending})" for ending in TABLE_FORMATS)
