"""Each test makes what boards keep in the cache itself."""

import pytest

from mebench import result_cache


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("boards")
    monkeypatch.setattr(result_cache, "cache_folder", lambda: folder)
