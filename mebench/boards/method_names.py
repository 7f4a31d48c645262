"""Names of methods for people, with the years of their papers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from mebench.config import registry
from mebench.records.published import PublishedValue
from mebench.records.recorded_settings import split_settings

YEAR = re.compile(r"(?<![\d.])((?:19|20)\d\d)(?![\d.]\d|\d)")


def year_of_paper(paper: str) -> str:
    """The year in which a paper appeared; of one that is only on arXiv, from its number.

    >>> year_of_paper("Deng, Hayashi: SpotFormer, arXiv 2407.20799"), year_of_paper("IEEE Transactions 29, 2020, arXiv 2006.09674")
    ('2024', '2020')
    """
    found = YEAR.findall(re.sub(r"arXiv [\d.]+", "", paper))
    if found:
        return str(found[-1])
    number = re.search(r"arXiv (\d\d)\d\d\.", paper)
    return f"20{number[1]}" if number else ""


@dataclass(frozen=True)
class MethodNames:
    """Titles and years of methods.

    Attributes:
        published_years: the year of each method of the published results, by its name in the literature.
    """

    published_years: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_published(cls, published: Iterable[PublishedValue]) -> Self:
        """The names with the years that published results give."""
        years: dict[str, str] = {}
        for value in published:
            if value.year:
                years[value.method] = max(years.get(value.method, ""), str(value.year))
        return cls(years)

    def find_year(self, method: str) -> str:
        """The year of a method in the published results, else that of its paper; empty if it has none."""
        info = registry.known_plugin("method", method.split(" + ")[0])
        if info is None:
            return ""
        return self.published_years.get(info.title) or year_of_paper(str(info.config.get("paper") or ""))

    def with_year(self, method: str, settings: str = "") -> str:
        """The name of a method with its year and the presets in its settings."""
        return name_with_details(method, self.find_year(method), *presets_in(settings))

    def of_system(self, name: str) -> str:
        """The name of a system in the literature, such as `DMA (LBP)`, with its year."""
        year = self.published_years.get(name.partition(" (")[0])
        return f"{name} ({year})" if year else name


def method_title(method: str) -> str:
    """The titles that the plugins of a method, or of spotter and recognizer, state."""
    titles = []
    for id_ in method.split(" + "):
        plugin = registry.known_plugin("method", id_)
        titles.append(plugin.title or id_ if plugin else id_)
    return " + ".join(titles)


def name_with_details(method: str, *details: str) -> str:
    """The title of a method, with details in brackets; empty ones are left out."""
    words = ", ".join(filter(None, details))
    return f"{method_title(method)} ({words})" if words else method_title(method)


def presets_in(settings: str) -> list[str]:
    """The presets that the settings of a row name. A sentence on such a row must say so: another training stands behind it.

    >>> presets_in("preset settled: epochs=28, batch_size=32; precision=bf16-mixed"), presets_in("for synthetic: stride=3")
    (['preset settled'], [])
    """
    return [head for head, _ in split_settings(settings) if head.startswith("preset ")]
