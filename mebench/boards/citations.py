"""The papers of methods as BibTeX, from the line `paper` of their configuration."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from mebench.boards.method_names import year_of_paper
from mebench.config import registry
from mebench.errors import DataError
from mebench.files import read_yaml
from mebench.output.table import latex_text

MOST_LETTERS = 30
"""Most letters of the first author's name in a key."""
SOURCES = "sources.yaml"
"""The file with the sources of published values, in a leaderboard's folder."""


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

    @classmethod
    def of_source(cls, key: str, entry: Mapping[str, Any]) -> Self:
        """The citation of an entry of `sources.yaml`.

        >>> Citation.of_source("li2022mmnet", {"authors": ["Li", "Sui"], "title": "MMNet", "venue": "IJCAI", "year": 2022}).year
        '2022'
        """
        texts = {name: str(entry.get(name) or "") for name in ("venue", "year", "arxiv", "doi")}
        found = (("eprint", texts["arxiv"]), ("doi", texts["doi"]))
        identifiers = tuple((name, value) for name, value in found if value)
        authors = tuple(map(str, entry.get("authors") or ()))
        return cls(key, authors, str(entry["title"]), texts["venue"], texts["year"], identifiers)

    def is_same_paper(self, other: Citation) -> bool:
        """Whether both have an identifier or the title in common."""
        shares_identifier = bool(set(self.identifiers) & set(other.identifiers))
        return shares_identifier or self.title.casefold() == other.title.casefold()

    def to_bibtex(self) -> str:
        """The entry of a `.bib` file."""
        authors: list[str] = []
        for name in self.authors:
            stated = "others" if name == "others" else f"{{{latex_text(name)}}}"
            authors.append(stated)
        fields = {
            "author": " and ".join(authors),
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


def distinct_papers(citations: Iterable[Citation]) -> list[Citation]:
    """Each paper once, under its first key: several methods may be of one."""
    papers: list[Citation] = []
    for citation in citations:
        if not any(map(citation.is_same_paper, papers)):
            papers.append(citation)
    return papers


def read_sources(folder: Path) -> dict[str, Citation]:
    """The sources of published values by their keys, from a leaderboard's `sources.yaml`.

    Raises:
        DataError: the file cannot be read or has another form.
    """
    file = folder / SOURCES
    if not file.is_file():
        return {}
    try:
        return {key: Citation.of_source(key, entry) for key, entry in read_yaml(file).items()}
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): expected keys, each with a title and, as known, "
            "authors, venue, year, arxiv, doi"
        ) from error


def cite_source(source: str, known: Mapping[str, Citation], cited: Sequence[Citation]) -> Citation:
    """The citation of a source, or of the same paper that is cited already.

    Args:
        source: key of the source, and its address.
        known: citations of sources by their keys; one that is not among them has its address as title.
        cited: papers that are cited already.
    """
    key, _, address = source.partition(" ")
    own = known.get(key) or Citation(key, (), address, "", "")
    return next((other for other in cited if other.is_same_paper(own)), own)
