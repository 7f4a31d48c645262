"""Tests of records from strangers share what boards keep in the cache."""

from tests.helpers.board_cache import boards_share_cache, names_rows, shared_cache

__all__ = ["boards_share_cache", "names_rows", "shared_cache"]
