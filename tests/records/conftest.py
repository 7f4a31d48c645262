"""Each test makes what boards keep in the cache itself."""

from tests.boards.conftest import a_cache_of_its_own

__all__ = ["a_cache_of_its_own"]
