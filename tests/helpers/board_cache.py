"""Tests leave out the rows of what names give away, unless they are its subject, and share what boards keep in the cache."""

import pytest

from mebench import result_cache
from mebench.boards import build
from mebench.boards.site import cards
from tests.helpers.made_once import rendered_once

cards.to_html = rendered_once(cards.to_html)  # of each site, the cards of all plugins would take half of the time


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("boards")


@pytest.fixture
def names_rows():
    """Asked for by tests whose boards have these rows: of the others' time they would be a sixth."""


@pytest.fixture(autouse=True)
def boards_share_cache(request, shared_cache, tmp_path_factory):
    """A test that replaces something (`monkeypatch`) makes what boards keep in the cache itself."""
    own = "monkeypatch" in request.fixturenames
    folder = tmp_path_factory.mktemp("boards") if own else shared_cache
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result_cache, "cache_folder", lambda: folder)
        if "names_rows" not in request.fixturenames:
            patch.setattr(build, "names_rows", lambda *_: [])
        yield
