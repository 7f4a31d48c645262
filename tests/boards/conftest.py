"""Each test makes what boards keep in the cache itself, and leaves out the rows of what names give away, unless they are its subject."""

import pytest

from mebench.boards import build
from mebench.records import board_cache


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("boards")
    monkeypatch.setattr(board_cache, "folder", lambda: folder)


@pytest.fixture
def names_rows():
    """Asked for by tests whose boards have these rows: of the others' time they would be a sixth."""


@pytest.fixture(autouse=True)
def _without_names(request, monkeypatch):
    if "names_rows" not in request.fixturenames:
        monkeypatch.setattr(build, "names_rows", lambda *_: [])
