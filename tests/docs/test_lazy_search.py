"""The index of the docs' search is asked for when the search is used, and not before."""

from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SITE = "http://docs.example"
INDEX = f"{SITE}/search/search_index.json"
PAGE = """<!doctype html><input type="checkbox" id="__search"><script src="lazy_search.js"></script><script>
for (const name of ["other.json", "search/search_index.json"]) {
  const request = new XMLHttpRequest();
  request.open("GET", new URL(name, location.href));
  request.send();
}
</script>"""
"""It asks for the index as the theme does."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist"),
]


@pytest.fixture(scope="module")
def asked(browser):
    """Opens a page, and gives the addresses that it asked for."""
    page = browser.new_page()
    addresses = []

    def answer(route):
        addresses.append(route.request.url)
        script = (DOCS / "lazy_search.js").read_text(encoding="utf-8")
        bodies = {"lazy_search.js": script, "other.json": "{}", "search_index.json": "{}"}
        body = bodies.get(route.request.url.partition("?")[0].rpartition("/")[2], PAGE)
        route.fulfill(body=body, content_type="text/javascript" if body == script else "text/html")

    page.route(f"{SITE}/**", answer)

    def open_page(query=""):
        addresses.clear()
        page.goto(f"{SITE}/index.html{query}", wait_until="networkidle")
        return page, addresses

    yield open_page
    page.close()


def test_index_waits_until_the_search_is_opened(asked):
    page, addresses = asked()
    assert f"{SITE}/other.json" in addresses
    assert INDEX not in addresses
    with page.expect_response(INDEX):
        page.check("#__search")
    page.uncheck("#__search")
    page.check("#__search")
    assert addresses.count(INDEX) == 1


@pytest.mark.parametrize("query", ["?q=apex", "?h=apex"])
def test_index_is_asked_for_at_once_where_words_are_searched(asked, query):
    _, addresses = asked(query)
    assert addresses.count(INDEX) == 1
