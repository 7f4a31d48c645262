"""The papers of methods as BibTeX, from the line `paper` of their configuration."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from mebench.boards.method_names import year_of_paper
from mebench.config import registry
from mebench.table_output import latex_text

MOST_LETTERS = 30
"""Most letters of the first author's name in a key."""


@dataclass(frozen=True)
class Citation:
    r"""A paper, as far as its line tells.

    Attributes:
        key: key of `\cite`: first author, year, id of the method.
        authors: family names; empty where the line begins with the title.
        title: title.
        venue: journal or conference, with volume and pages, or an address.
        year: year, or empty.
        identifiers: `eprint` (of arXiv) and `doi`, where known.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str
    year: str
    identifiers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_paper(cls, method: str, paper: str) -> Self:
        """The citation of a line `Authors: Title, venue, year, arXiv number`.

        >>> found = Citation.of_paper("htnet", "Wang, Luo: HTNet for Recognition, Neurocomputing 602, 2024, arXiv 2307.14637")
        >>> found.key, found.title, found.venue, found.identifiers
        ('wang2024htnet', 'HTNet for Recognition', 'Neurocomputing 602', (('eprint', '2307.14637'),))
        """
        names, colon, rest = paper.partition(": ")
        authors = _authors(names) if colon else ()
        if not authors:
            rest = paper
        title, _, about = rest.partition(", ")
        eprint = re.search(r"arXiv[ :](\d{4}\.\d{4,5})", about)
        doi = re.search(r"doi[ :](\S+)", about)
        year = year_of_paper(paper)
        venue = re.sub(r",? ?(?:arXiv[ :]\d{4}\.\d{4,5}|doi[ :]\S+)", "", about)
        venue = re.sub(rf",? \b{year}\b(?=,|$)", "", venue).strip(", ") if year else venue
        found = (("eprint", eprint[1] if eprint else ""), ("doi", doi[1] if doi else ""))
        key = f"{_plain_letters(authors[0]) if authors else ''}{year}{method.replace('_', '')}"
        return cls(key, authors, title, venue, year, tuple((name, value) for name, value in found if value))

    def bibtex(self) -> str:
        """The entry of a `.bib` file."""
        fields = {
            "author": " and ".join(
                "others" if name == "others" else f"{{{latex_text(name)}}}" for name in self.authors
            ),
            "title": f"{{{latex_text(self.title)}}}",
            "howpublished": latex_text(self.venue),
            "year": self.year,
            **dict(self.identifiers),
        }
        if "eprint" in fields:
            fields["archiveprefix"] = "arXiv"
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@misc{{{self.key},", *lines, "}"])


def _authors(names: str) -> tuple[str, ...]:
    """Family names before the colon; empty where the words before it begin a title."""
    parts = re.split(r", | and ", names)
    is_title = any(len(part.split()) > 3 or (part.isupper() and len(part) > 2) for part in parts)
    return () if is_title else tuple(parts)


def _plain_letters(name: str) -> str:
    """The letters of a name without accents, in lower case."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(sign for sign in plain if sign.isascii() and sign.isalpha()).lower()[:MOST_LETTERS]


def cite_methods(methods: Iterable[str]) -> list[Citation]:
    """The papers of some methods, each once.

    Args:
        methods: ids; a pair is joined by ` + `. One that is not installed, or has no paper, has no citation.
    """
    known = registry.list_plugins("method")
    found: dict[str, Citation] = {}
    for name in (part for method in methods for part in method.split(" + ")):
        paper = str(known[name].config.get("paper") or "") if name in known else ""
        if paper:
            found.setdefault(name, Citation.of_paper(name, paper))
    return list(found.values())
