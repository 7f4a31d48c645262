"""Every relative link of a page leads somewhere, as GitHub resolves it."""

import posixpath
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^( *)(`{3,}).*?^\1\2[ ]*$|`[^`\n]*`|<!--.*?-->", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?:\]\(|(?:href|src)=\")(?![a-z+]+:)(?P<path>[^)\s#\"]*)(?:#(?P<anchor>[^)\s\"]+))?")
OF_THE_SITE = ("../../actions/", "../../issues", "../../security", "../../discussions")
"""Pages of GitHub beside the files of the repository."""


def pages():
    """The pages that people read; the records of runs hold none."""
    if not (ROOT / "docs").is_dir():
        return []
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return [name for name in listed.split() if not name.startswith(("tests/", "mebench/", "leaderboards/records/"))]


@cache
def anchors(path):
    """The anchors of a page: of its headings as GitHub makes them, and those that it names itself."""
    text = re.sub(r"^( *)(`{3,}).*?^\1\2[ ]*$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = set(re.findall(r"<\w+ (?:id|name)=\"([^\"]+)\"", text))
    count = {}
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", text, re.MULTILINE):
        shown = re.sub(r"<[^>]*>", "", re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading))
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = count[slug] = count.get(slug, -1) + 1
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken_links(page):
    """Links of a page to a file that is not there, or to an anchor that it has not."""
    text = CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    broken = []
    for found in LINK.finditer(text):
        path, anchor = found["path"], found["anchor"]
        if path.startswith(OF_THE_SITE):
            continue
        target = ROOT / posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else ROOT / page
        if not target.exists():
            broken.append(path)
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            broken.append(f"{path}#{anchor}")
    return broken


PAGES = pages()
needs_checkout = pytest.mark.skipif(not PAGES, reason="needs the checkout: docs/ is no part of the sdist")


@needs_checkout
def test_links_lead_somewhere_on_github():
    broken = {page: broken_links(page) for page in PAGES}
    assert {page: links for page, links in broken.items() if links} == {}


@needs_checkout
def test_links_of_headings_are_no_attributes():
    """GitHub shows `{ #name }` as text, and makes no anchor of it."""
    attribute = re.compile(r"^#+ .*\{ *#.*\}$", re.MULTILINE)
    assert [page for page in PAGES if attribute.search((ROOT / page).read_text(encoding="utf-8"))] == []


def test_links_are_found_as_github_does(tmp_path):
    page = tmp_path / "a.md"
    page.write_text(
        '# Two  words, `code` & more\n\n## Same\n\n## Same\n\n### <a id="f1"></a>F1 [x](y.md)\n\n```sh\n# no\n```\n'
    )
    assert anchors(page) == {"two--words-code--more", "same", "same-1", "f1", "f1-x"}
