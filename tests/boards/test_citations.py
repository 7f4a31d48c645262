import re
from pathlib import Path

import pytest
from pybtex.database import parse_string

from mebench.boards.citations import Citation, cite_methods, cite_source, distinct_papers, read_sources
from mebench.config import registry
from mebench.errors import DataError
from mebench.output.table import latex_text
from mebench.records.published import read_published

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"
METHODS = [name for name, plugin in registry.list_plugins("method").items() if plugin.config.get("paper")]


@pytest.mark.parametrize(
    ("paper", "authors", "title", "year"),
    [
        ("He: Spotting by optical flow, ACM Multimedia 2021", ("He",), "Spotting by optical flow", "2021"),
        (
            "ABPN: Apex Network for Spotting, Grand Challenge, ACM Multimedia 2022",
            (),
            "ABPN: Apex Network for Spotting",
            "2022",
        ),
        ("Guo and others: ME-TST, public code of 2024, github.com/a/b", ("Guo", "others"), "ME-TST", "2024"),
        (
            "Deng, Hayashi: SpotFormer: Multi-Scale, arXiv 2407.20799",
            ("Deng", "Hayashi"),
            "SpotFormer: Multi-Scale",
            "2024",
        ),
        ("Li, Päivärinta: Title, Journal 62, 116875, 2018, arXiv 1606.01721", ("Li", "Päivärinta"), "Title", "2018"),
    ],
)
def test_citation_reads_the_line_of_a_paper(paper, authors, title, year):
    found = Citation.of_paper("some_method", paper)
    assert (found.authors, found.title, found.year) == (authors, title, year)
    assert year not in found.venue


def test_cite_methods_names_each_paper_once():
    found = cite_methods([*METHODS, "mean + htnet", "majority", "random, as many as truths"])
    assert len(found) == len(METHODS)
    assert len({citation.key for citation in found}) == len(METHODS)
    for citation in found:
        assert re.fullmatch(r"[a-z]*\d{4}[a-z0-9]+", citation.key)
        assert len(citation.title.split()) > 1


def test_citation_keeps_all_words_of_the_paper():
    for name in METHODS:
        paper = registry.list_plugins("method")[name].config["paper"]
        found = Citation.of_paper(name, paper)
        kept = {*found.authors, found.title, found.venue, found.year, *(value for _, value in found.identifiers)}
        words = set(re.findall(r"\w+", " ".join(kept)))
        assert set(re.findall(r"\w+", paper)) - words <= {"arXiv", "doi", "and"}


def test_citation_is_bibtex_with_escaped_text():
    entry = Citation.of_paper("a", "Müller & Co, Li: On 5 % of faces, Journal, 2020, doi 10.1/x").to_bibtex()
    assert entry.startswith("@misc{mullerco2020a,\n")
    assert r"author = {{Müller \& Co} and {Li}}" in entry
    assert r"title = {{On 5 \% of faces}}" in entry
    assert "doi = {10.1/x}" in entry


def test_citation_is_what_a_parser_of_bibtex_reads():
    """Every paper of a method and of a published value, through an independent reader of `.bib` files."""
    citations = distinct_papers([*cite_methods(METHODS), *read_sources(LEADERBOARDS).values()])
    entries = parse_string("\n\n".join(citation.to_bibtex() for citation in citations), "bibtex").entries
    assert list(entries) == [citation.key for citation in citations]
    for citation in citations:
        entry = entries[citation.key]
        assert entry.fields["title"] == f"{{{latex_text(citation.title)}}}"
        assert entry.fields.get("year", "") == citation.year
        read = [person.last_names for person in entry.persons.get("author", [])]
        assert read == [[name if name == "others" else f"{{{latex_text(name)}}}"] for name in citation.authors]
        assert {name: entry.fields[name] for name, _ in citation.identifiers} == dict(citation.identifiers)


def test_read_sources_knows_each_source_of_published_values():
    known = read_sources(LEADERBOARDS)
    sources = {row.source for row in read_published(LEADERBOARDS / "published.csv")}
    assert {source.split()[0] for source in sources} == known.keys()
    numbers = {source.split(":")[1]: source.split()[0] for source in sources if " arXiv:" in source}
    for number, key in numbers.items():
        assert ("eprint", number) in known[key].identifiers
    of_papers = [citation for citation in known.values() if citation.authors]
    assert all(citation.year in citation.key for citation in of_papers if citation.key != "wang2023htnet")


def test_read_sources_refuses_another_form(tmp_path):
    assert read_sources(tmp_path) == {}
    for text in ("- a\n", "key: {year: 2020}\n", "key: [\n"):
        (tmp_path / "sources.yaml").write_text(text)
        with pytest.raises(DataError, match=r"(?s)sources\.yaml cannot be read .*expected keys, each with a title"):
            read_sources(tmp_path)


def test_cite_source_takes_paper_that_is_cited_already():
    known = read_sources(LEADERBOARDS)
    (of_htnet,) = cite_methods(["htnet"])
    assert cite_source("wang2023htnet arXiv:2307.14637", known, [of_htnet]) == of_htnet
    assert cite_source("wang2023htnet arXiv:2307.14637", known, []).key == "wang2023htnet"
    assert cite_source("new2027 https://a.org", known, []).title == "https://a.org"


def test_distinct_papers_holds_paper_of_two_methods_once():
    found = distinct_papers(cite_methods(["ststnet", "flow_svm", "htnet"]))
    assert [citation.key for citation in found] == ["liong2019ststnet", "wang2024htnet"]
